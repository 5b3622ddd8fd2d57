package store

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// LostPostgres tells a broken connection from an answer.
var LostPostgres = postgresLost

// FactOfPostgres tells which fact an error of the server means.
var FactOfPostgres = postgresFact

// AnswerOfPostgres is an error that the server sent.
func AnswerOfPostgres(code string) error { return &pgconn.PgError{Code: code} }

// Exec runs a statement on the writing connection.
func Exec(tb testing.TB, s *Store, statement string) {
	tb.Helper()
	if _, err := s.write.ExecContext(tb.Context(), statement); err != nil {
		tb.Fatal(err)
	}
}

// InWrite returns the text that a query returns within a writing transaction.
func InWrite(tb testing.TB, s *Store, query string) string {
	tb.Helper()
	tx, err := s.beginWrite(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	defer tx.Rollback()
	var text string
	if err := tx.QueryRowContext(tb.Context(), query).Scan(&text); err != nil {
		tb.Fatal(err)
	}
	return text
}

// OpenAt opens a database and brings its tables to a version only.
func OpenAt(tb testing.TB, name string, version int64) {
	tb.Helper()
	s, err := connect(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.migrateTo(tb.Context(), version); err != nil {
		tb.Fatal(err)
	}
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
}

// Newest is the version of the tables that this program knows.
func Newest(s *Store) int64 { return s.newest() }

// Tables lists the tables.
func Tables(tb testing.TB, s *Store) []string {
	tb.Helper()
	names, err := s.tableNames(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return names
}

// Read returns the rows of a query with one column of text.
func Read(tb testing.TB, s *Store, query string, args ...any) []string {
	tb.Helper()
	rows, err := collect(tb.Context(), s.read, func(text *string) []any { return []any{text} }, query, args...)
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}
