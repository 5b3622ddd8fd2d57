package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.org/interlude/status"
	"example.org/interlude/store"
)

// The size that the product promises to bear.
const (
	manyPast       = 5000
	manyOpen       = 50
	manyComponents = 500
	updatesOfEach  = 4
)

// history saves past events with four updates each, half of them incidents, 500 components and 50 maintenances to come.
func history(tb testing.TB, s *store.Store, past int) {
	tb.Helper()
	change(tb, s, func(b *status.Book) {
		b.PutPage(status.Page{ID: "page", Name: "Northwind"})
		for g := range 20 {
			b.PutGroup(status.Group{ID: fmt.Sprint("group", g), Name: fmt.Sprint("Group ", g), Position: g})
		}
		for c := range manyComponents {
			b.PutComponent(status.Component{
				ID: fmt.Sprint("component", c), GroupID: fmt.Sprint("group", c%20), Name: fmt.Sprint("Component ", c), Position: c,
				Condition: status.Operational, SetAt: noon,
			})
		}
		for m := range manyOpen {
			b.PutMaintenance(event(m, status.Scheduled))
		}
	})
	for done := 0; done < past; done += 500 {
		// Book.Put searches for what it replaces, which a past this long need not wait for.
		change(tb, s, func(b *status.Book) {
			for i := done; i < done+500; i++ {
				m := event(manyOpen+i, status.Completed)
				m.Version = 1
				if i%2 == 0 {
					b.Written.Maintenances = append(b.Written.Maintenances, m)
					continue
				}
				b.Written.Incidents = append(b.Written.Incidents, status.Incident{
					ID: m.ID, Key: m.Key, Title: m.Title, State: status.Resolved, Impact: status.MajorOutage, Affects: m.Affects,
					Began: m.Began, Ended: m.Ended, Updates: m.Updates, Version: 1,
				})
			}
		})
	}
}

// event is a maintenance of an ordinary size.
func event(i int, state status.State) status.Maintenance {
	start := noon.Add(time.Duration(-i) * time.Hour)
	m := status.Maintenance{
		ID: fmt.Sprintf("%08d-maintenance", i), Key: fmt.Sprint("key", i), Title: "Scheduled database maintenance", State: state,
		Window: status.Window{Start: start, End: start.Add(time.Hour)}, Began: start, Ended: start.Add(time.Hour),
		Summary: strings.Repeat("A summary of what will be done. ", 8), Affects: []string{"component1", "component2", "component3"},
		Promises:  []status.Promise{{Audience: "Developers", Promise: status.Unavailable, AtMost: status.Duration(5 * time.Minute)}},
		Reminders: []status.Duration{status.Duration(24 * time.Hour)},
	}
	for n := range updatesOfEach {
		m.Updates = append(m.Updates, status.Update{
			ID: fmt.Sprintf("%s-%d", m.ID, n), State: state, Event: status.Updated, At: start.Add(time.Duration(n) * time.Minute),
			Body: strings.Repeat("What was said about it. ", 10), By: status.Actor{Kind: status.Person, Name: "Ada"},
		})
	}
	return m
}

// analyze does what PostgreSQL's autovacuum does within a minute after so many changes: it counts the rows, without which
// the planner guesses.
func analyze(tb testing.TB, name string) {
	tb.Helper()
	if strings.HasPrefix(name, "postgres") {
		exec(tb, raw(tb, name), `ANALYZE`)
	}
}

func TestALongPastIsReadWhole(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		s := open(t, name)
		// A fifth of what the benchmarks have: the race detector makes SQLite ten times slower.
		const past = manyPast / 5
		history(t, s, past)
		d := since(t, s, 0)
		updates := 0
		for _, m := range d.Maintenances {
			updates += len(m.Updates)
		}
		for _, i := range d.Incidents {
			updates += len(i.Updates)
		}
		if got, want := len(d.Maintenances)+len(d.Incidents), past+manyOpen; got != want || updates != updatesOfEach*want {
			t.Errorf("got %d events with %d updates, want %d with %d", got, updates, want, updatesOfEach*want)
		}
		change(t, s, func(b *status.Book) {
			if len(b.Maintenances) != manyOpen || len(b.Incidents) != 0 || len(b.Components) != manyComponents {
				t.Errorf("the book holds %d maintenances, %d incidents and %d components, want what is open and all components",
					len(b.Maintenances), len(b.Incidents), len(b.Components))
			}
		})
	})
}

func BenchmarkChange(b *testing.B) {
	for _, engine := range allEngines {
		for _, size := range []string{"small", "full"} {
			b.Run(engine+"/"+size, func(b *testing.B) {
				name := newDatabase(b, engine)
				s := open(b, name)
				if size == "full" {
					history(b, s, manyPast)
					analyze(b, name)
				} else {
					change(b, s, func(b *status.Book) { b.PutMaintenance(event(0, status.Scheduled)) })
				}
				n := 0
				for b.Loop() {
					change(b, s, func(b *status.Book) {
						m, _ := b.Maintenance("00000000-maintenance")
						n++
						m.Updates = append(m.Updates[:updatesOfEach:updatesOfEach], status.Update{ID: fmt.Sprint(n), Body: "Posted", At: noon})
						b.PutMaintenance(m)
						b.Say(status.Event{Kind: status.Updated, Subject: m.Subject(), At: noon})
					})
				}
			})
		}
	}
}

func BenchmarkSince(b *testing.B) {
	for _, engine := range allEngines {
		b.Run(engine, func(b *testing.B) {
			name := newDatabase(b, engine)
			s := open(b, name)
			history(b, s, manyPast)
			analyze(b, name)
			last := since(b, s, 0).Seq
			change(b, s, func(b *status.Book) { b.PutMaintenance(b.Maintenances[0]) })
			for _, from := range []struct {
				what string
				seq  int64
			}{{"everything", 0}, {"the last change", last}, {"nothing", last + 1}} {
				b.Run(from.what, func(b *testing.B) {
					for b.Loop() {
						since(b, s, from.seq)
					}
				})
			}
		})
	}
}
