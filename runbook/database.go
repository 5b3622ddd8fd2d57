package runbook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"example.org/interlude/status"
)

// connect opens a connection to a PostgreSQL or to a PgBouncer. Statements go by the simple protocol, which every version of
// PgBouncer passes on.
func connect(ctx context.Context, v *Vault, dsn Secret) (*pgconn.PgConn, error) {
	address, err := v.Resolve(ctx, dsn)
	if err != nil {
		return nil, err
	}
	return dial(ctx, address, dsn.String())
}

// dial opens a connection to an address. name is what errors call it.
func dial(ctx context.Context, address, name string) (*pgconn.PgConn, error) {
	config, err := pgconn.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("%s is no address of a database, such as postgres://app@db1/app", name) // the error may hold it
	}
	if config.ConnectTimeout == 0 || config.ConnectTimeout > 10*time.Second {
		config.ConnectTimeout = 10 * time.Second
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "interlude"
	}
	c, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, untouched{fmt.Errorf("connect to %s: %w", name, err)}
	}
	return c, nil
}

// hang is how long a connection is given to say goodbye.
const hang = time.Second

// bye closes a connection, whatever became of the context that it was used in.
func bye(ctx context.Context, c *pgconn.PgConn) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), hang)
	defer stop()
	_ = c.Close(ctx)
}

// query runs statements on a connection of their own, and gives the rows of the last one that has any.
func query(ctx context.Context, v *Vault, dsn Secret, text string) ([][]string, error) {
	c, err := connect(ctx, v, dsn)
	if err != nil {
		return nil, err
	}
	defer bye(ctx, c)
	return runSQL(ctx, c, text)
}

// runSQL runs statements.
func runSQL(ctx context.Context, c *pgconn.PgConn, text string) ([][]string, error) {
	rows, _, err := runSQLNamed(ctx, c, text)
	return rows, err
}

// runSQLNamed runs statements and gives the names of the columns too.
func runSQLNamed(ctx context.Context, c *pgconn.PgConn, text string) (rows [][]string, columns []string, err error) {
	results, err := c.Exec(ctx, text).ReadAll()
	if err != nil {
		return nil, nil, plainly(ctx, err)
	}
	for _, r := range results {
		if len(r.FieldDescriptions) == 0 {
			continue
		}
		rows, columns = nil, nil
		for _, f := range r.FieldDescriptions {
			columns = append(columns, f.Name)
		}
		for _, row := range r.Rows {
			values := make([]string, len(row))
			for i, value := range row {
				values[i] = string(value)
			}
			rows = append(rows, values)
		}
	}
	return rows, columns, nil
}

// plainly gives the reason for which a context ended in the place of what the driver makes of that.
func plainly(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%w while the database was asked", cause)
	}
	return err
}

// code is the SQLSTATE of an error, empty where there is none.
func code(err error) string {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return said.Code
	}
	return ""
}

// writeProbe is a transaction that only a database commits which takes writes: it makes rows in the catalogue, and leaves nothing.
const writeProbe = "BEGIN; CREATE TEMP TABLE interlude_probe (n int) ON COMMIT DROP; INSERT INTO interlude_probe VALUES (1); COMMIT; SELECT NOT pg_is_in_recovery()"

// Write holds when a database takes a write. That it says of itself to be the primary is not enough: it may be wrong for a moment.
type Write struct {
	DSN Secret `yaml:"dsn"`
}

func (p *Write) refuse(c *checker, at string) { needDSN(c, p.DSN, at) }
func (p *Write) does() string                 { return "the database takes writes" }

func (p *Write) holds(ctx context.Context, v *Vault) (string, error) {
	if _, err := query(ctx, v, p.DSN, writeProbe); err != nil {
		return "", err
	}
	return "takes writes", nil
}

func needDSN(c *checker, dsn Secret, at string) {
	c.need(dsn.isZero(), at+".dsn", "where the database is, such as $DB_DSN")
}

// Lag holds when the replicas of a primary, or the replica that is asked, are near enough.
type Lag struct {
	DSN Secret `yaml:"dsn"`
	// AtMost bounds the time, 10 s without it, and Replicas is how many are connected at least.
	AtMost   status.Duration `yaml:"at_most"`
	Replicas int             `yaml:"replicas"`
}

func (p *Lag) refuse(c *checker, at string) { needDSN(c, p.DSN, at) }
func (p *Lag) does() string {
	return fmt.Sprintf("replicas are at most %s behind", orElse(p.AtMost, 10*time.Second))
}

func (p *Lag) holds(ctx context.Context, v *Vault) (string, error) {
	// A replica that has replayed all it was sent is not behind, however long ago that was.
	const text = `SELECT CASE WHEN pg_is_in_recovery() THEN
  CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0) END
  ELSE coalesce((SELECT max(extract(epoch FROM replay_lag)) FROM pg_stat_replication), 0) END::float8,
  CASE WHEN pg_is_in_recovery() THEN 1 ELSE (SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming') END`
	rows, err := query(ctx, v, p.DSN, text)
	if err != nil {
		return "", err
	}
	most := orElse(p.AtMost, 10*time.Second)
	lag, replicas := seconds(rows[0][0]), number(rows[0][1])
	switch {
	case replicas < p.Replicas:
		return "", fmt.Errorf("%d replicas are connected, and %d are to be", replicas, p.Replicas)
	case lag > time.Duration(most):
		return "", fmt.Errorf("a replica is %s behind, and may be %s", lag.Round(time.Millisecond), most)
	}
	return fmt.Sprintf("%s behind", lag.Round(time.Millisecond)), nil
}

// Long holds when no transaction is older than that.
type Long struct {
	DSN    Secret          `yaml:"dsn"`
	AtMost status.Duration `yaml:"at_most"`
}

func (p *Long) refuse(c *checker, at string) { needDSN(c, p.DSN, at) }
func (p *Long) does() string {
	return fmt.Sprintf("no transaction is older than %s", orElse(p.AtMost, time.Minute))
}

func (p *Long) holds(ctx context.Context, v *Vault) (string, error) {
	const text = `SELECT coalesce(extract(epoch FROM now() - xact_start), 0)::float8, pid, coalesce(usename, ''), coalesce(application_name, '')
FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend' ORDER BY xact_start LIMIT 1`
	rows, err := query(ctx, v, p.DSN, text)
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "no transaction is open", nil
	}
	oldest, most := seconds(rows[0][0]), orElse(p.AtMost, time.Minute)
	if oldest > time.Duration(most) {
		return "", fmt.Errorf("a transaction is open since %s, and may be for %s: process %s of user %s (%s)",
			oldest.Round(time.Millisecond), most, rows[0][1], rows[0][2], rows[0][3])
	}
	return fmt.Sprintf("the oldest transaction is open since %s", oldest.Round(time.Millisecond)), nil
}

// Locks holds when at most so many sessions wait for a lock of another one.
type Locks struct {
	DSN    Secret `yaml:"dsn"`
	AtMost int    `yaml:"at_most"`
}

func (p *Locks) refuse(c *checker, at string) { needDSN(c, p.DSN, at) }
func (p *Locks) does() string {
	return fmt.Sprintf("at most %d sessions wait for a lock", p.AtMost)
}

func (p *Locks) holds(ctx context.Context, v *Vault) (string, error) {
	rows, err := query(ctx, v, p.DSN, "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
	if err != nil {
		return "", err
	}
	if n := number(rows[0][0]); n > p.AtMost {
		return "", fmt.Errorf("%d sessions wait for a lock, and %d may", n, p.AtMost)
	}
	return rows[0][0] + " wait for a lock", nil
}
