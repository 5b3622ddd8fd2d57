package store_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"example.org/interlude/status"
	"example.org/interlude/store"
)

// The suite runs against each engine. A database that lives in memory is one more engine here: its readers and its
// writer share a connection.
var (
	allEngines = []string{"sqlite", "memory", "postgres"}
	// sharedEngines are those that two stores can open at once.
	sharedEngines = []string{"sqlite", "postgres"}
)

var noon = time.Date(2027, 1, 15, 12, 0, 0, 0, time.UTC)

// each runs a test against a new, empty database of each engine.
func each(t *testing.T, engines []string, test func(t *testing.T, name string)) {
	t.Helper()
	for _, engine := range engines {
		t.Run(engine, func(t *testing.T) { test(t, newDatabase(t, engine)) })
	}
}

// newDatabase returns the name of a new, empty database that disappears with the test.
func newDatabase(tb testing.TB, engine string) string {
	tb.Helper()
	switch engine {
	case "sqlite":
		return "sqlite:" + filepath.Join(tb.TempDir(), "interlude ü 100%?#.db")
	case "memory":
		return "sqlite::memory:"
	}
	return newSchema(tb)
}

// newSchema makes a schema of its own in the PostgreSQL database that the environment names.
func newSchema(tb testing.TB) string {
	tb.Helper()
	server := os.Getenv("INTERLUDE_TEST_POSTGRES")
	if server == "" {
		const how = "INTERLUDE_TEST_POSTGRES is not set; scripts/with-postgres sets it"
		if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
			tb.Fatal(how)
		}
		tb.Skip(how)
	}
	db, err := sql.Open("pgx", server)
	if err != nil {
		tb.Fatal(err)
	}
	schema := "t_" + strings.ToLower(rand.Text())
	if _, err := db.ExecContext(tb.Context(), `CREATE SCHEMA `+schema); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if _, err := db.ExecContext(context.WithoutCancel(tb.Context()), `DROP SCHEMA `+schema+` CASCADE`); err != nil {
			tb.Error(err)
		}
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	query := u.Query()
	query.Set("search_path", schema)
	query.Set("application_name", schema)
	u.RawQuery = query.Encode()
	return u.String()
}

// open opens a database until the test ends.
func open(tb testing.TB, name string) *store.Store {
	tb.Helper()
	s, err := store.Open(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// raw opens a database behind the store's back.
func raw(tb testing.TB, name string) *sql.DB {
	tb.Helper()
	driver, source := "pgx", name
	if path, lite := strings.CutPrefix(name, "sqlite:"); lite {
		driver, source = "sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

func exec(tb testing.TB, db *sql.DB, statement string, args ...any) {
	tb.Helper()
	if _, err := db.ExecContext(tb.Context(), statement, args...); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

// change makes a change that has to succeed.
func change(tb testing.TB, s *store.Store, put func(b *status.Book), refs ...string) {
	tb.Helper()
	err := s.Change(tb.Context(), noon, refs, func(b *status.Book) error { put(b); return nil })
	if err != nil {
		tb.Fatal(err)
	}
}

func since(tb testing.TB, s *store.Store, seq int64) status.Delta {
	tb.Helper()
	d, err := s.Since(tb.Context(), seq)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// fill gives every field within v a value of its own, none of them zero, so that a field that is forgotten somewhere
// shows. Fields that are added to package status later are filled too.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(noon.Add(time.Duration(*n) * 1000001 * time.Microsecond)))
		return
	case status.Date:
		v.Set(reflect.ValueOf(status.Date{Year: 2000 + *n%100, Month: time.Month(1 + *n%12), Day: 1 + *n%28}))
		return
	case status.Duration, time.Duration:
		v.SetInt(int64(time.Duration(*n) * time.Minute))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d: ü 🚧 \"quoted\" <&>\n\u2028", *n))
	case reflect.Interface: // what came as JSON
		v.Set(reflect.ValueOf(fmt.Sprintf("text %d", *n)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) / 2)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, n)
			fill(value, n)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	default:
		panic("fill does not know " + v.Type().String())
	}
}

// filled is a T without a zero field.
func filled[T any](n *int) T {
	var v T
	fill(reflect.ValueOf(&v).Elem(), n)
	return v
}

// world is one of everything, each field filled, fit to be put into an empty book.
type world struct {
	page        status.Page
	group       status.Group
	component   status.Component
	series      status.Series
	maintenance status.Maintenance
	past        status.Maintenance
	incident    status.Incident
	event       status.Event
}

func newWorld() world {
	n := new(int)
	w := world{
		filled[status.Page](n), filled[status.Group](n), filled[status.Component](n), filled[status.Series](n),
		filled[status.Maintenance](n), filled[status.Maintenance](n), filled[status.Incident](n), filled[status.Event](n),
	}
	w.component.GroupID = w.group.ID
	w.maintenance.Series, w.past.Series = w.series.ID, w.series.ID
	w.maintenance.State, w.past.State, w.incident.State = status.InProgress, status.Completed, status.Monitoring
	w.maintenance.Removed, w.incident.Removed = time.Time{}, time.Time{} // what is withdrawn is not open
	w.page.Version, w.group.Version, w.component.Version, w.series.Version = 1, 1, 1, 1
	w.maintenance.Version, w.past.Version, w.incident.Version = 1, 1, 1
	return w
}

func (w world) put(b *status.Book) {
	b.PutPage(w.page)
	b.PutGroup(w.group)
	b.PutComponent(w.component)
	b.PutSeries(w.series)
	b.PutMaintenance(w.maintenance)
	b.PutMaintenance(w.past)
	b.PutIncident(w.incident)
	b.Say(w.event)
}

func (w world) delta(seq int64) status.Delta {
	return status.Delta{
		Seq:          seq,
		Page:         &w.page,
		Groups:       []status.Group{w.group},
		Components:   []status.Component{w.component},
		Series:       []status.Series{w.series},
		Maintenances: []status.Maintenance{w.maintenance, w.past},
		Incidents:    []status.Incident{w.incident},
		Settings:     []status.Setting{{ComponentID: w.component.ID, At: w.component.SetAt, Condition: w.component.Condition}},
	}
}
