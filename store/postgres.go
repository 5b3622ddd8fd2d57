package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// openPostgres opens a database of a PostgreSQL server.
func openPostgres(ctx context.Context, name string) (*Store, error) {
	shown := redacted(name)
	config, err := pgxpool.ParseConfig(name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", shown, err)
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "interlude"
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", shown, err)
	}
	db := stdlib.OpenDBFromPool(pool)
	s := &Store{dialect: postgresDialect, name: shown, write: db, read: db}
	s.closing = func() error {
		err := db.Close()
		pool.Close()
		return err
	}
	if err := pool.Ping(ctx); err != nil {
		return nil, errors.Join(s.wrap("open "+shown, unreachable(config, err)), s.Close())
	}
	return s, nil
}

// unreachable says so when no server answered at all, in place of an error for each of the host's addresses.
func unreachable(config *pgxpool.Config, err error) error {
	var answer *pgconn.PgError
	var dial *net.OpError
	if !errors.As(err, &answer) && errors.As(err, &dial) {
		at := net.JoinHostPort(config.ConnConfig.Host, fmt.Sprint(config.ConnConfig.Port))
		return fmt.Errorf("no PostgreSQL server answers at %s, check that it runs and listens there: %w", at, dial)
	}
	return err
}

// redacted is the URL without its password and its parameters, of which one may be a password too.
func redacted(name string) string {
	u, err := url.Parse(name)
	if err != nil {
		return "postgres://…"
	}
	u.RawQuery = ""
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	return u.String()
}
