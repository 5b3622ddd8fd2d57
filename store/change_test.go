package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/status"
	"example.org/interlude/store"
)

func TestEveryFieldOfEveryThingComesBackAsItWas(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s, w := open(t, name), newWorld()
		change(t, s, w.put)
		if diff := cmp.Diff(w.delta(1), since(t, s, 0)); diff != "" {
			t.Errorf("read since 0 (-want +got):\n%s", diff)
		}
		change(t, s, func(b *status.Book) {
			got := status.Delta{
				Seq: 1, Page: &b.Page, Groups: b.Groups, Components: b.Components, Series: b.Series,
				Maintenances: b.Maintenances, Incidents: b.Incidents, Settings: w.delta(1).Settings,
			}
			want := w.delta(1)
			want.Series = nil // this one has ended
			want.Maintenances = want.Maintenances[:1]
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the book (-want +got):\n%s", diff)
			}
		})
		events, err := s.Events(t.Context(), 0, 10)
		if diff := cmp.Diff([]store.Entry{{Seq: 1, N: 0, Event: w.event}}, events); err != nil || diff != "" {
			t.Errorf("error %v, events (-want +got):\n%s", err, diff)
		}
	})
}

func TestThingsWithNothingSetComeBackAsTheyWere(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		change(t, s, func(b *status.Book) {
			b.PutPage(status.Page{ID: "p"})
			b.PutGroup(status.Group{ID: "g"})
			b.PutComponent(status.Component{ID: "c", Condition: status.Operational})
			b.PutSeries(status.Series{ID: "s"})
			b.PutMaintenance(status.Maintenance{ID: "m", Affects: []string{}, Updates: []status.Update{{ID: "u"}}})
			b.PutMaintenance(status.Maintenance{ID: "n"})
			b.PutIncident(status.Incident{ID: "i"})
		})
		want := status.Delta{
			Seq: 1, Page: &status.Page{ID: "p", Version: 1},
			Groups:     []status.Group{{ID: "g", Version: 1}},
			Components: []status.Component{{ID: "c", Version: 1, Condition: status.Operational}},
			Series:     []status.Series{{ID: "s", Version: 1}},
			Maintenances: []status.Maintenance{
				{ID: "m", Version: 1, Updates: []status.Update{{ID: "u"}}}, {ID: "n", Version: 1},
			},
			Incidents: []status.Incident{{ID: "i", Version: 1}},
		}
		if diff := cmp.Diff(want, since(t, s, 0)); diff != "" {
			t.Errorf("read since 0 (-want +got):\n%s", diff)
		}
	})
}

func TestTimesComeBackInUTCToTheMicrosecond(t *testing.T) {
	zone := time.FixedZone("", 5*3600+1800)
	given := time.Date(2027, 3, 28, 2, 30, 0, 123456789, zone)
	want := time.Date(2027, 3, 27, 21, 0, 0, 123456000, time.UTC)
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		change(t, s, func(b *status.Book) {
			m := status.Maintenance{
				ID: "m", Window: status.Window{Start: given, End: given}, Unfinished: []status.Unfinished{{Since: given, Lapses: given}},
				Interruptions: []status.Interruption{{Opened: given, Lapses: given, Expected: given, Closed: given}},
			}
			b.PutMaintenance(m)
			b.PutSeries(status.Series{ID: "s", Template: m})
			b.Say(status.Event{At: given, Was: m.Window})
			if m.Unfinished[0].Since != given || m.Interruptions[0].Opened != given {
				t.Error("saving changed the caller's value")
			}
		})
		d := since(t, s, 0)
		events, err := s.Events(t.Context(), 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		work, i := d.Maintenances[0].Unfinished[0], d.Maintenances[0].Interruptions[0]
		for i, got := range []time.Time{
			d.Maintenances[0].Window.Start, work.Since, work.Lapses, i.Opened, i.Lapses, i.Expected, i.Closed, d.Series[0].Template.Window.End,
			events[0].At, events[0].Was.Start,
		} {
			if got != want {
				t.Errorf("time %d: got %v, want %v", i, got, want)
			}
		}
	})
}

func TestAnErrorOfTheChangeUndoesItAndComesBackAsItIs(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s, mine := open(t, name), errors.New("mine")
		err := s.Change(t.Context(), noon, nil, func(b *status.Book) error { newWorld().put(b); return mine })
		if err != mine { //nolint:errorlint // it has to be the very same.
			t.Errorf("got %v, want the error that was returned", err)
		}
		if diff := cmp.Diff(status.Delta{}, since(t, s, 0)); diff != "" {
			t.Errorf("got something saved (-want +got):\n%s", diff)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			change(t, s, func(b *status.Book) { newWorld().put(b); panic("mine") })
		}()
		change(t, s, newWorld().put)
	})
}

// empty reports whether nothing changed.
func empty(d status.Delta) bool {
	d.Seq = 0
	return cmp.Equal(d, status.Delta{})
}

func TestTheFeedAdvancesWithWritesOnly(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s, w := open(t, name), newWorld()
		change(t, s, w.put)
		for range 3 {
			change(t, s, func(*status.Book) {})
		}
		for want := int64(2); want < 5; want++ {
			change(t, s, func(b *status.Book) { b.PutPage(b.Page) })
			if d := since(t, s, want-1); d.Seq != want || d.Page == nil || d.Page.Version != want {
				t.Errorf("got %+v, want the page at %d", d, want)
			}
		}
		if d := since(t, s, 4); !empty(d) || d.Seq != 4 {
			t.Errorf("since now: got %+v, want nothing at 4", d)
		}
		if d := since(t, s, 9); !empty(d) || d.Seq != 4 {
			t.Errorf("since a point ahead: got %+v, want nothing at 4", d)
		}
	})
}

func TestSinceTellsOfEachKindOfWriteAndOfNothingElse(t *testing.T) {
	w := newWorld()
	writes := map[string]func(*status.Book) status.Delta{
		"page":  func(b *status.Book) status.Delta { b.PutPage(b.Page); return status.Delta{Page: &b.Page} },
		"group": func(b *status.Book) status.Delta { b.PutGroup(b.Groups[0]); return status.Delta{Groups: b.Groups} },
		"component": func(b *status.Book) status.Delta {
			b.PutComponent(b.Components[0])
			return status.Delta{Components: b.Components}
		},
		"condition": func(b *status.Book) status.Delta {
			c := b.Components[0]
			c.Condition, c.SetAt = status.MajorOutage, noon
			b.PutComponent(c)
			return status.Delta{Components: b.Components, Settings: []status.Setting{{ComponentID: c.ID, At: noon, Condition: status.MajorOutage}}}
		},
		"series": func(b *status.Book) status.Delta { b.PutSeries(b.Series[0]); return status.Delta{Series: b.Series} },
		"maintenance": func(b *status.Book) status.Delta {
			b.PutMaintenance(b.Maintenances[0])
			return status.Delta{Maintenances: b.Maintenances[:1]}
		},
		"past": func(b *status.Book) status.Delta {
			b.PutMaintenance(b.Maintenances[1])
			return status.Delta{Maintenances: b.Maintenances[1:]}
		},
		"incident": func(b *status.Book) status.Delta {
			b.PutIncident(b.Incidents[0])
			return status.Delta{Incidents: b.Incidents}
		},
		"event": func(b *status.Book) status.Delta { b.Say(status.Event{At: noon}); return status.Delta{} },
	}
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		change(t, s, w.put)
		seq := int64(1)
		for what, write := range writes {
			var want status.Delta
			change(t, s, func(b *status.Book) { want = write(b) }, w.past.Key, w.series.ID, "", w.past.ID, "nobody")
			seq++
			want.Seq = seq
			if diff := cmp.Diff(want, since(t, s, seq-1)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
	})
}

func TestPastThingsAreReadByIDOrKeyWhenAskedFor(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s, w := open(t, name), newWorld()
		w.incident.State = status.Resolved
		change(t, s, w.put)
		many := []string{w.past.Key, w.incident.ID, w.series.Key, ""}
		for n := range 3000 { // more than one query asks for
			many = append(many, fmt.Sprintf("nothing-%d", n))
		}
		for _, refs := range [][]string{{w.past.ID, w.incident.ID, w.series.ID}, {w.past.Key, w.incident.Key, w.series.Key, w.series.Key}, many} {
			change(t, s, func(b *status.Book) {
				if len(b.Maintenances) != 2 || len(b.Incidents) != 1 || len(b.Series) != 1 {
					t.Errorf("asked for %q: got %d maintenances, %d incidents, %d series, want 2, 1, 1",
						refs, len(b.Maintenances), len(b.Incidents), len(b.Series))
				}
				past, _ := b.Maintenance(w.past.ID)
				if diff := cmp.Diff(w.past, past); diff != "" {
					t.Errorf("the past maintenance (-want +got):\n%s", diff)
				}
			}, refs...)
		}
		change(t, s, func(b *status.Book) {
			if len(b.Maintenances) != 1 || len(b.Incidents)+len(b.Series) != 0 {
				t.Errorf("asked for nothing: got %d, %d, %d, want 1, 0, 0", len(b.Maintenances), len(b.Incidents), len(b.Series))
			}
		})
	})
}

func TestUpdatesAreAddedEditedAndTakenAway(t *testing.T) {
	a, b, c := status.Update{ID: "a", Body: "first"}, status.Update{ID: "b", Conditions: map[string]status.Condition{"x": status.MajorOutage}}, status.Update{ID: "c"}
	edited := b
	many := make([]status.Update, 120)
	for i := range many {
		many[i].ID = fmt.Sprint(i)
	}
	edited.Conditions = map[string]status.Condition{"x": status.PartialOutage}
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		for _, updates := range [][]status.Update{{a}, {a, b}, {a, edited}, {c, a, b}, {c, b, a}, {b}, nil, many, {a, b, c}} {
			change(t, s, func(book *status.Book) {
				i, _ := book.Incident("i")
				i.ID = "i"
				i.Updates = updates
				book.PutIncident(i)
			})
			if diff := cmp.Diff(updates, since(t, s, 0).Incidents[0].Updates); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		// A map that the change reached into is a change too.
		change(t, s, func(book *status.Book) {
			i, _ := book.Incident("i")
			i.Updates[1].Conditions["x"] = status.DegradedPerformance
			book.PutIncident(i)
		})
		if got := since(t, s, 0).Incidents[0].Updates[1].Conditions["x"]; got != status.DegradedPerformance {
			t.Errorf("got %q, want the condition that was put", got)
		}
		b.Conditions["x"] = status.MajorOutage
		for _, updates := range [][]status.Update{{{}}, {a, a}} {
			err := s.Change(t.Context(), noon, nil, func(book *status.Book) error {
				book.NewID = func() string { return "" }
				book.PutMaintenance(status.Maintenance{ID: "m", Updates: updates})
				return nil
			})
			if err == nil || !strings.Contains(err.Error(), "is empty or given twice") {
				t.Errorf("got %v, want a refusal of updates without an id of their own", err)
			}
		}
	})
}

func TestWhatWasNotMadeFromTheBookIsAConflict(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s, w := open(t, name), newWorld()
		change(t, s, w.put)
		at := func(version int64) world {
			o := w
			o.page.Version, o.group.Version, o.component.Version, o.series.Version = version, version, version, version
			o.maintenance.Version, o.incident.Version = version, version
			return o
		}
		for _, version := range []int64{1, 3} {
			o := at(version)
			for what, written := range map[string]status.Written{
				"page":        {Page: &o.page},
				"group":       {Groups: []status.Group{o.group}},
				"component":   {Components: []status.Component{o.component}},
				"series":      {Series: []status.Series{o.series}},
				"maintenance": {Maintenances: []status.Maintenance{o.maintenance}},
				"incident":    {Incidents: []status.Incident{o.incident}},
			} {
				err := s.Change(t.Context(), noon, nil, func(b *status.Book) error { b.Written = written; return nil })
				if !errors.Is(err, status.ErrConflict) {
					t.Errorf("%s at version %d: got %v, want a conflict", what, version, err)
				}
			}
		}
		if d := since(t, s, 1); d.Seq != 1 {
			t.Errorf("got the feed at %d, want 1", d.Seq)
		}
	})
}

func TestAKeyThatIsTakenIsRefusedWithItsHolder(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		change(t, s, func(b *status.Book) {
			b.PutMaintenance(status.Maintenance{ID: "m", Key: "k", State: status.Completed})
			b.PutIncident(status.Incident{ID: "i", Key: "k", State: status.Resolved})
			b.PutSeries(status.Series{ID: "s", Key: "k", Ended: true})
			b.PutMaintenance(status.Maintenance{ID: "without"})
			b.PutMaintenance(status.Maintenance{ID: "without too"})
		})
		for holder, put := range map[string]func(b *status.Book){
			"maintenance m": func(b *status.Book) { b.PutMaintenance(status.Maintenance{ID: "m2", Key: "k"}) },
			"incident i":    func(b *status.Book) { b.PutIncident(status.Incident{ID: "i2", Key: "k"}) },
			"series s":      func(b *status.Book) { b.PutSeries(status.Series{ID: "s2", Key: "k"}) },
		} {
			err := s.Change(t.Context(), noon, nil, func(b *status.Book) error { put(b); return nil })
			var invalid *status.Invalid
			if want := `must be unique: ` + holder + ` has the key "k" already`; !errors.As(err, &invalid) || invalid.Field != "key" || invalid.Rule != want {
				t.Errorf("got %v, want key %s", err, want)
			}
		}
	})
}

func TestTextThatAnEngineCouldNotKeepIsRefusedByAll(t *testing.T) {
	put := func(text string) map[string]func(b *status.Book) {
		return map[string]func(b *status.Book){
			"title": func(b *status.Book) { b.PutMaintenance(status.Maintenance{ID: "m", Title: text}) },
			"promises[0].audience": func(b *status.Book) {
				b.PutMaintenance(status.Maintenance{ID: "m", Promises: []status.Promise{{Audience: text}}})
			},
			"updates[1].body": func(b *status.Book) {
				b.PutIncident(status.Incident{ID: "i", Updates: []status.Update{{ID: "a"}, {ID: "b", Body: text}}})
			},
			"blackouts[0].reason": func(b *status.Book) { b.PutPage(status.Page{ID: "p", Blackouts: []status.Blackout{{Reason: text}}}) },
			"template.summary":    func(b *status.Book) { b.PutSeries(status.Series{ID: "s", Template: status.Maintenance{Summary: text}}) },
			"by.name":             func(b *status.Book) { b.Say(status.Event{By: status.Actor{Name: text}}) },
			"updates[0].conditions": func(b *status.Book) {
				b.PutIncident(status.Incident{ID: "i", Updates: []status.Update{{ID: "a", Conditions: map[string]status.Condition{text: ""}}}})
			},
		}
	}
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		for text, rule := range map[string]string{
			"ab\x00c": "must not contain the NUL character, as at byte 2",
			"ab\xffc": `must be valid UTF-8, which "ab\xffc" is not`,
		} {
			for field, put := range put(text) {
				err := s.Change(t.Context(), noon, nil, func(b *status.Book) error { put(b); return nil })
				var invalid *status.Invalid
				if !errors.As(err, &invalid) || !strings.HasSuffix(invalid.Field, field) || invalid.Rule != rule {
					t.Errorf("got %v, want %s %s", err, field, rule)
				}
			}
		}
		if d := since(t, s, 0); d.Seq != 0 {
			t.Errorf("got the feed at %d, want 0", d.Seq)
		}
	})
}

func TestChangesOfTwoStoresFollowOneAnother(t *testing.T) {
	const each10 = 10
	each(t, sharedEngines, func(t *testing.T, name string) {
		stores := []*store.Store{open(t, name), open(t, name)}
		change(t, stores[0], func(b *status.Book) { b.PutPage(status.Page{ID: "p"}) })
		var group sync.WaitGroup
		for range 2 {
			for _, s := range stores {
				group.Go(func() {
					for range each10 {
						err := s.Change(t.Context(), noon, nil, func(b *status.Book) error {
							p := b.Page
							p.Name = fmt.Sprint(len(p.Description) + 1)
							p.Description += "x"
							b.PutPage(p)
							b.Say(status.Event{Kind: status.PageChanged, At: noon})
							return nil
						})
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		// A reader sees whole changes only, and none before its predecessor.
		for seq := int64(0); seq < 4*each10+1; {
			d := since(t, stores[1], seq)
			if d.Page != nil && (d.Page.Version != d.Seq || int64(len(d.Page.Description)) != d.Seq-1) {
				t.Fatalf("at %d: got a page of version %d with %d changes", d.Seq, d.Page.Version, len(d.Page.Description))
			}
			if t.Failed() {
				break
			}
			seq = d.Seq
		}
		group.Wait()
		entries, err := stores[0].Events(t.Context(), 0, 1000)
		if err != nil || len(entries) != 4*each10 {
			t.Fatalf("got %d events and error %v, want %d", len(entries), err, 4*each10)
		}
		for i, e := range entries {
			if e.Seq != int64(i+2) {
				t.Errorf("event %d has number %d, want %d: no gap, nothing twice", i, e.Seq, i+2)
			}
		}
	})
}

func TestEventsOfOneChangeAreNotTornApart(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		for range 3 {
			change(t, s, func(b *status.Book) {
				b.Say(status.Event{Kind: "a", At: noon}, status.Event{Kind: "b", At: noon}, status.Event{Kind: "c", At: noon})
			})
		}
		var read []string
		for after := int64(0); ; {
			entries, err := s.Events(t.Context(), after, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) == 0 {
				break
			}
			for _, e := range entries {
				read = append(read, fmt.Sprintf("%d.%d%s", e.Seq, e.N, e.Kind))
			}
			after = entries[len(entries)-1].Seq
		}
		if got, want := strings.Join(read, " "), "1.0a 1.1b 1.2c 2.0a 2.1b 2.2c 3.0a 3.1b 3.2c"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestACancelledChangeIsNotSaved(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		ctx, cancel := context.WithCancel(t.Context())
		err := s.Change(ctx, noon, nil, func(b *status.Book) error { newWorld().put(b); cancel(); return nil })
		if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnknown) {
			t.Errorf("got %v, want cancelled, and known to be", err)
		}
		if d := since(t, s, 0); d.Seq != 0 {
			t.Errorf("got the feed at %d, want 0", d.Seq)
		}
		change(t, s, newWorld().put)
	})
}
