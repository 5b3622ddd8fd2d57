package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"example.org/interlude/status"
)

// querier is a transaction, or a database.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// collect runs a query and reads each row into a T. fields returns, for a T, what its columns are read into, in their
// order; the same list serves to write it, so that reading and writing cannot disagree.
func collect[T any](ctx context.Context, q querier, fields func(*T) []any, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var one T
		if err := rows.Scan(fields(&one)...); err != nil {
			return nil, fmt.Errorf("read row: %w", err)
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// save inserts a row that is new, or updates the one that has the version before. The insert must yield to a row that is
// there (ON CONFLICT DO NOTHING), and the update ask for id = $1 and for version + 1 = $2.
func save(ctx context.Context, q querier, insert, update string, version int64, fields []any) error {
	statement := update
	if version == 1 {
		statement = insert
	}
	result, err := q.ExecContext(ctx, statement, fields...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return status.ErrConflict
}

// at keeps a time as microseconds since 1970 in UTC, and the zero time as NULL.
type at struct{ *time.Time }

// Value is the column's value.
func (a at) Value() (driver.Value, error) {
	if a.IsZero() {
		return nil, nil
	}
	return a.UnixMicro(), nil
}

// Scan reads the column.
func (a at) Scan(column any) error {
	switch v := column.(type) {
	case nil:
		*a.Time = time.Time{}
	case int64:
		*a.Time = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a time is stored as %T", column)
	}
	return nil
}

// span keeps a duration as microseconds.
type span struct{ *status.Duration }

// Value is the column's value.
func (s span) Value() (driver.Value, error) { return time.Duration(*s.Duration).Microseconds(), nil }

// Scan reads the column.
func (s span) Scan(column any) error {
	v, ok := column.(int64)
	if !ok {
		return fmt.Errorf("a duration is stored as %T", column)
	}
	*s.Duration = status.Duration(time.Duration(v) * time.Microsecond)
	return nil
}

// day keeps a date in its ISO 8601 form, and none as an empty text.
type day struct{ *status.Date }

// Value is the column's value.
func (d day) Value() (driver.Value, error) {
	text, err := d.MarshalText()
	return string(text), err
}

// Scan reads the column.
func (d day) Scan(column any) error {
	text, ok := column.(string)
	if !ok {
		return fmt.Errorf("a date is stored as %T", column)
	}
	if text == "" {
		*d.Date = status.Date{}
		return nil
	}
	return d.UnmarshalText([]byte(text))
}

// ref keeps the id of another row, and none as NULL.
type ref struct{ id *string }

// Value is the column's value.
func (r ref) Value() (driver.Value, error) {
	if *r.id == "" {
		return nil, nil
	}
	return *r.id, nil
}

// Scan reads the column.
func (r ref) Scan(column any) error {
	var id sql.NullString
	err := id.Scan(column)
	*r.id = id.String
	return err
}

// stamp is the number of the transaction that writes a row. Those who read the row do not ask for it.
type stamp int64

// Value is the column's value.
func (s stamp) Value() (driver.Value, error) { return int64(s), nil }

// Scan passes over the column.
func (s stamp) Scan(any) error { return nil }

// derived is a column that follows from others and serves to find the row.
type derived bool

// Value is the column's value.
func (d derived) Value() (driver.Value, error) { return bool(d), nil }

// Scan passes over the column.
func (d derived) Scan(any) error { return nil }

// asJSON keeps a list, a map or a struct as JSON. Empty lists and maps come back as nil.
func asJSON[T any](v *T) jsonOf[T] { return jsonOf[T]{v} }

type jsonOf[T any] struct{ v *T }

// Value is the column's value. It is read again at once: a value that has no way back must not get in.
func (j jsonOf[T]) Value() (driver.Value, error) {
	if v := reflect.ValueOf(*j.v); v.Kind() == reflect.Slice && v.Len() == 0 {
		return "[]", nil
	} else if v.Kind() == reflect.Map && v.Len() == 0 {
		return "{}", nil
	}
	text, err := json.Marshal(j.v)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, new(T)); err != nil {
		return nil, fmt.Errorf("%s cannot be read back: %w", text, err)
	}
	return string(text), nil
}

// Scan reads the column.
func (j jsonOf[T]) Scan(column any) error {
	var text []byte
	switch v := column.(type) {
	case string:
		text = []byte(v)
	case []byte:
		text = v
	default:
		return fmt.Errorf("JSON is stored as %T", column)
	}
	if string(text) == "[]" || string(text) == "{}" {
		return nil
	}
	return json.Unmarshal(text, j.v)
}

// settle makes times as a column would keep them, for those that are kept inside JSON.
func settle(times ...*time.Time) {
	for _, t := range times {
		*t = t.UTC().Truncate(time.Microsecond)
	}
}

// during gives an error its act, and leaves none alone.
func during(act string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", act, err)
}
