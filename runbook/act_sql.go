package runbook

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"example.org/interlude/status"
)

// SQL runs statements, in one transaction unless Transaction is false.
type SQL struct {
	Common
	DSN Secret `yaml:"dsn"`
	// Query is the statements, or File a file that holds them.
	Query Text   `yaml:"query"`
	File  string `yaml:"file"`
	// LockTimeout is how long a statement waits for a lock, 2 s without it: a DDL that waits for longer has everybody queue behind
	// it. StatementTimeout bounds each statement; the step's timeout without it.
	LockTimeout      status.Duration `yaml:"lock_timeout"`
	StatementTimeout status.Duration `yaml:"statement_timeout"`
	Transaction      *bool           `yaml:"transaction"`
}

func (a *SQL) refuse(c *checker, at string) {
	needDSN(c, a.DSN, at)
	if (a.Query == "") == (a.File == "") {
		c.refuse(at, "needs either query, the statements, or file, where they are")
	}
}

func (a *SQL) does() string {
	if a.File != "" {
		return "run the SQL of " + a.File
	}
	return "run SQL: " + oneLine(string(a.Query))
}

// factTransaction is the fact by which a transaction that may have been committed is asked about.
const factTransaction = "transaction"

func (a *SQL) do(ctx context.Context, d *doing) error {
	text := string(a.Query)
	if a.File != "" {
		data, err := os.ReadFile(a.File)
		if err != nil {
			return untouched{err}
		}
		text = string(data)
	}
	c, err := connect(ctx, d.run.vault, a.DSN)
	if err != nil {
		return err
	}
	defer bye(ctx, c)
	if a.Transaction != nil && !*a.Transaction {
		return a.outside(ctx, c, d, text)
	}
	if _, err := runSQL(ctx, c, "BEGIN; "+a.limits("SET LOCAL ", d)); err != nil {
		return untouched{err}
	}
	rows, err := runSQL(ctx, c, "SELECT txid_current()")
	if err != nil {
		return untouched{err}
	}
	if err := d.note(map[string]string{factTransaction: rows[0][0]}); err != nil {
		return err
	}
	if rows, err = runSQL(ctx, c, text); err != nil {
		return untouched{hinted(err)}
	}
	if c.TxStatus() != 'T' {
		return fmt.Errorf("the statements end their transaction themselves: leave COMMIT and ROLLBACK out, or set transaction: false")
	}
	if _, err := runSQL(ctx, c, "COMMIT"); err != nil {
		return unclear{err}
	}
	d.say(answered(rows))
	return nil
}

// outside runs statements that cannot stand in a transaction, such as CREATE INDEX CONCURRENTLY.
func (a *SQL) outside(ctx context.Context, c *pgconn.PgConn, d *doing, text string) error {
	if _, err := runSQL(ctx, c, a.limits("SET ", d)); err != nil {
		return untouched{err}
	}
	rows, err := runSQL(ctx, c, text)
	switch {
	case err != nil && code(err) == "":
		return unclear{err} // the connection broke
	case err != nil:
		return hinted(err)
	}
	d.say(answered(rows))
	return nil
}

// limits are the statements that bound the others.
func (a *SQL) limits(set string, d *doing) string {
	lock := orElse(a.LockTimeout, 2*time.Second)
	statement := orElse(a.StatementTimeout, d.item.timeout())
	return fmt.Sprintf("%slock_timeout = %d; %sstatement_timeout = %d", set, time.Duration(lock).Milliseconds(), set, time.Duration(statement).Milliseconds())
}

// hinted says what a timeout of the database means.
func hinted(err error) error {
	if code(err) == "55P03" {
		return fmt.Errorf("gave up waiting for a lock, so that nobody queues behind it: %w", err)
	}
	return err
}

// again asks the database what became of a transaction. Without one that was journaled nothing was committed, because it is
// journaled before the first statement.
func (a *SQL) again(ctx context.Context, d *doing) (verdict, error) {
	if a.Transaction != nil && !*a.Transaction {
		return unknown, nil
	}
	number := d.facts[factTransaction]
	if number == "" {
		return notYet, nil
	}
	if _, err := strconv.ParseUint(number, 10, 64); err != nil {
		return unknown, nil //nolint:nilerr // a journal that another version wrote
	}
	for {
		rows, err := query(ctx, d.run.vault, a.DSN, "SELECT txid_status("+number+")")
		switch {
		case err != nil && code(err) != "":
			return unknown, nil // the database knows no such transaction: another one, or one of the future
		case err != nil:
			return unknown, err
		}
		switch rows[0][0] {
		case "committed":
			return happened, nil
		case "aborted":
			return notYet, nil
		case "in progress": // its connection has not been noticed to be gone
		default:
			return unknown, nil
		}
		if !pause(ctx, 100*time.Millisecond) {
			return unknown, fmt.Errorf("the transaction %s of the runner before is still in progress", number)
		}
	}
}

func answered(rows [][]string) string {
	switch {
	case len(rows) == 0:
		return ""
	case len(rows) == 1 && len(rows[0]) == 1:
		return oneLine(rows[0][0])
	}
	return fmt.Sprintf("%d rows", len(rows))
}

func orElse(d status.Duration, otherwise time.Duration) status.Duration {
	if d == 0 {
		return status.Duration(otherwise)
	}
	return d
}

func seconds(s string) time.Duration {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return time.Duration(f * float64(time.Second))
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
