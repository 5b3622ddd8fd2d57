package board

import (
	"log/slog"
	"testing"
	"time"

	"example.org/interlude/status"
)

// withdraw takes an event away as package status does: marked, and without its key.
func withdraw(l *ledger, e Event) {
	if m := e.Maintenance; m != nil {
		gone := *m
		gone.Removed, gone.Key, gone.Version = now, "", m.Version+1
		l.maintenance(gone)
		return
	}
	gone := *e.Incident
	gone.Removed, gone.Key, gone.Version = now, "", gone.Version+1
	l.incident(gone)
}

func TestAWithdrawnEventIsGoneFromEveryList(t *testing.T) {
	outage := map[string]status.Condition{"c1": status.MajorOutage}
	for name, e := range map[string]Event{
		"a planned maintenance":   {Maintenance: &status.Maintenance{State: status.Scheduled, Window: status.Window{Start: now, End: now.Add(time.Hour)}}},
		"one under way":           {Maintenance: &status.Maintenance{State: status.InProgress, Began: now}},
		"a past one":              {Maintenance: &status.Maintenance{State: status.Completed, Began: now, Ended: now.Add(time.Hour)}},
		"an incident":             {Incident: &status.Incident{State: status.Identified, Began: now, Updates: []status.Update{{State: status.Identified, At: now, Conditions: outage}}}},
		"a past incident":         {Incident: &status.Incident{State: status.Resolved, Began: now, Ended: now.Add(time.Hour)}},
		"one with its postmortem": {Incident: &status.Incident{State: status.Postmortem, Began: now, Ended: now.Add(time.Hour)}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger()
			l.component(status.Component{ID: "c1", Name: "Mail", Created: now})
			l.component(status.Component{ID: "c2", Name: "Push", Created: now})
			if e.Maintenance != nil {
				e.Maintenance.ID, e.Maintenance.Key, e.Maintenance.Affects = "e", "key", []string{"c1"}
				l.maintenance(*e.Maintenance)
			} else {
				e.Incident.ID, e.Incident.Key, e.Incident.Affects = "e", "key", []string{"c1"}
				l.incident(*e.Incident)
			}
			b := New(l, machine{}, slog.New(slog.DiscardHandler))
			refresh(t, b)
			before := b.Current()
			if _, there := before.Event("key"); !there || len(before.Concerning("c1")) != 1 || before.Touched["c1"] != l.seq {
				t.Fatalf("got %+v before, want the event by its key and at its component", before)
			}
			framed := before.Framed
			withdraw(l, e)
			refresh(t, b)
			late := New(l, machine{}, slog.New(slog.DiscardHandler))
			refresh(t, late)
			for which, p := range map[string]*Picture{"which followed": b.Current(), "which came late": late.Current()} {
				checkGone(t, which, p)
			}
			if p := b.Current(); p.Touched["c1"] != l.seq || p.Touched["c2"] >= l.seq || p.Framed != framed {
				t.Errorf("got touched %v and framed %d at %d, want the component of the event alone", p.Touched, p.Framed, l.seq)
			}
			if _, there := before.Event("e"); !there {
				t.Error("the picture from before has changed")
			}
		})
	}
}

func refresh(t *testing.T, b *Board) {
	t.Helper()
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// checkGone looks for an event wherever a picture could show it.
func checkGone(t *testing.T, which string, p *Picture) {
	t.Helper()
	for _, ref := range []string{"e", "key", ""} {
		_, maintenance := p.Maintenance(ref)
		_, incident := p.Incident(ref)
		_, event := p.Event(ref)
		_, report := p.Report(ref)
		if maintenance || incident || event || report {
			t.Errorf("the board %s finds %q: maintenance %v, incident %v, event %v, report %v, want nothing", which, ref, maintenance, incident, event, report)
		}
	}
	if n := len(p.Maintenances) + len(p.Incidents) + len(p.Past) + len(p.Concerning("c1")); n != 0 {
		t.Errorf("the board %s lists %d events, want none: %+v", which, n, p)
	}
	for id, c := range p.Conditions {
		if c.Rank() > 0 {
			t.Errorf("the board %s shows %s %s, want nothing wrong", which, id, c)
		}
	}
}

func TestTheKeyOfAWithdrawnEventBelongsToTheNext(t *testing.T) {
	first := status.Maintenance{ID: "m1", Key: "upgrade", State: status.Completed, Ended: now}
	next := status.Maintenance{ID: "m2", Key: "upgrade", State: status.Completed, Ended: now}
	for name, change := range map[string]func(*ledger){
		"withdrawn first": func(l *ledger) { withdraw(l, Event{Maintenance: &first}); l.maintenance(next) },
		"read last":       func(l *ledger) { l.maintenance(next); withdraw(l, Event{Maintenance: &first}) }, // a feed has no order within one answer
	} {
		l := newLedger()
		l.maintenance(first)
		b := New(l, machine{}, slog.New(slog.DiscardHandler))
		refresh(t, b)
		change(l)
		refresh(t, b)
		if m, there := b.Current().Maintenance("upgrade"); !there || m.ID != "m2" || len(b.Current().Past) != 1 {
			t.Errorf("%s: got %+v and %d past events, want the next one alone", name, m, len(b.Current().Past))
		}
	}
}
