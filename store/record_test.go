package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/status"
	"example.org/interlude/store"
)

// records are the documents of a kind, in their order.
func records(t *testing.T, s *store.Store, kind string) string {
	t.Helper()
	all, err := s.Records(t.Context(), kind)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, one := range all {
		texts = append(texts, string(one))
	}
	return strings.Join(texts, " ")
}

func TestARecordIsPutReplacedAndTakenAway(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		for n, c := range []struct {
			kind, id, was, is string
			after             string
		}{
			{"a", "2", "", `{"n":2}`, `{"n":2}`},
			{"a", "1", "", `{"n":1}`, `{"n":2} {"n":1}`},
			{"b", "2", "", `{"n":3}`, `{"n":2} {"n":1}`},
			{"a", "2", `{"n":2}`, `{"ü":"🚧"}`, `{"ü":"🚧"} {"n":1}`}, // it keeps its place
			{"a", "1", `{"n":1}`, "", `{"ü":"🚧"}`},
			{"a", "1", "", "", `{"ü":"🚧"}`},
			{"a", "1", "", `{"n":4}`, `{"ü":"🚧"} {"n":4}`},
		} {
			now := noon.Add(time.Duration(n) * time.Second)
			err := s.ChangeRecord(t.Context(), now, c.kind, c.id, func(was []byte) ([]byte, error) {
				if string(was) != c.was || (was == nil) != (c.was == "") {
					t.Errorf("step %d: got %s before, want %s", n, was, c.was)
				}
				if c.is == "" {
					return nil, nil
				}
				return []byte(c.is), nil
			})
			if got := records(t, s, "a"); err != nil || got != c.after {
				t.Errorf("step %d: got %s and %v, want %s", n, got, err, c.after)
			}
		}
		refused := &status.Invalid{Field: "name", Rule: "is required"}
		err := s.ChangeRecord(t.Context(), noon, "b", "2", func([]byte) ([]byte, error) { return nil, refused })
		if !errors.Is(err, refused) || err.Error() != "name is required" || records(t, s, "b") != `{"n":3}` {
			t.Errorf("got %v and %s, want the refusal as it is and the record as it was", err, records(t, s, "b"))
		}
		var invalid *status.Invalid
		err = s.ChangeRecord(t.Context(), noon, "b", "2", func([]byte) ([]byte, error) { return []byte("\"\x00\""), nil })
		if !errors.As(err, &invalid) || records(t, s, "b") != `{"n":3}` {
			t.Errorf("got %v and %s, want that it is no text", err, records(t, s, "b"))
		}
	})
}

func TestRecordsThatManyChangeLoseNothing(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		nodes := []*store.Store{open(t, name), open(t, name)}
		const each = 15
		var all sync.WaitGroup
		for _, s := range nodes {
			for range 2 {
				all.Go(func() {
					for range each {
						err := s.ChangeRecord(t.Context(), noon, "count", "1", func(was []byte) ([]byte, error) {
							n, _ := strconv.Atoi(string(was))
							return []byte(strconv.Itoa(n + 1)), nil
						})
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		all.Wait()
		if got, want := records(t, nodes[1], "count"), strconv.Itoa(2*len(nodes)*each); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestPointsAreReplacedForgottenAndDropped(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
		ever := at(-1000)
		put := func(keepFrom time.Time, metric string, values ...float64) {
			t.Helper()
			var points []status.Point
			for i, v := range values {
				points = append(points, status.Point{At: at(i), Value: v})
			}
			if err := s.AddPoints(t.Context(), noon, keepFrom, map[string][]status.Point{metric: points}); err != nil {
				t.Fatal(err)
			}
		}
		check := func(name, metric string, from, to, limit int, want string) {
			t.Helper()
			points, err := s.Points(t.Context(), metric, at(from), at(to), limit)
			var all []string
			for _, p := range points {
				all = append(all, fmt.Sprintf("%d:%g", int(p.At.Sub(noon).Seconds()), p.Value))
			}
			if got := strings.Join(all, " "); err != nil || got != want {
				t.Errorf("%s: got %s and %v, want %s", name, got, err, want)
			}
		}
		put(ever, "m1", 0, 1.5, -2, 3e100)
		put(ever, "m2", 7)
		check("all", "m1", 0, 9, 9, "0:0 1:1.5 2:-2 3:3e+100")
		check("from one up to another", "m1", 1, 3, 9, "1:1.5 2:-2")
		check("the newest", "m1", 0, 9, 2, "2:-2 3:3e+100")
		put(ever, "m1", 9, 8)
		check("replaced", "m1", 0, 9, 9, "0:9 1:8 2:-2 3:3e+100")
		put(at(1), "m1")
		check("forgotten", "m1", 0, 9, 9, "1:8 2:-2 3:3e+100")
		check("another's too", "m2", 0, 9, 9, "")
		if err := s.DropPoints(t.Context(), noon, "m1"); err != nil {
			t.Fatal(err)
		}
		check("dropped", "m1", 0, 9, 9, "")
	})
}

func TestMetadataComesBackAsJSONHasIt(t *testing.T) {
	const text = `{"jira":{"issue":"A-1","open":true,"votes":7,"share":0.25,"none":null,"list":[1,"ü",{"deep":[[]]}]},"":"empty name"}`
	var metadata map[string]any
	if err := json.Unmarshal([]byte(text), &metadata); err != nil {
		t.Fatal(err)
	}
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		m := event(1, status.Completed)
		m.Metadata = metadata
		i := status.Incident{ID: "i", State: status.Resolved, Impact: status.Operational, Began: noon, Metadata: metadata}
		change(t, s, func(b *status.Book) { b.PutMaintenance(m); b.PutIncident(i) })
		d := since(t, s, 0)
		if diff := cmp.Diff(metadata, d.Maintenances[0].Metadata); diff != "" {
			t.Errorf("maintenance (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(metadata, d.Incidents[0].Metadata); diff != "" {
			t.Errorf("incident (-want +got):\n%s", diff)
		}
		m.Metadata = map[string]any{"bad": "\x00"}
		var invalid *status.Invalid
		err := s.Change(t.Context(), noon, []string{m.ID}, func(b *status.Book) error { b.PutMaintenance(m); return nil })
		if !errors.As(err, &invalid) {
			t.Errorf("got %v, want that the text is invalid", err)
		}
	})
}

func TestAPostmortemThatIsTakenBackIsGoneFromTheUpdates(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		said := []status.Update{{ID: "u1", State: status.Resolved, At: noon}, {ID: "u2", State: status.Postmortem, At: noon, Body: "Why."}}
		change(t, s, func(b *status.Book) {
			b.PutIncident(status.Incident{ID: "i", Key: "down", State: status.Postmortem, Began: noon, Updates: said})
		})
		change(t, s, func(b *status.Book) {
			i, _ := b.Incident("i")
			if _, err := b.RevertPostmortem(i, noon, status.Actor{Kind: status.Person}); err != nil {
				t.Error(err)
			}
		}, "i")
		got := since(t, s, 0).Incidents[0]
		if len(got.Updates) != 1 || got.Updates[0].ID != "u1" || got.State != status.Resolved || got.Draft != "Why." {
			t.Errorf("got %+v, want it resolved, with its postmortem as a draft", got)
		}
	})
}
