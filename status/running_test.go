package status

import (
	"strings"
	"testing"
	"time"
)

// long is a maintenance from 06:00 to 12:00 of which it is said every two hours that it goes on.
func long() Maintenance {
	m := planned()
	m.Window.End = at("12:00")
	m.Announced, m.RemindEvery = m.Window, Duration(2*time.Hour)
	return m
}

// advanced lets the clock look at each of the moments and tells what happened.
func advanced(m *Maintenance, moments ...string) string {
	var told []Event
	for _, moment := range moments {
		next, events := m.Advance(at(moment), time.UTC)
		*m, told = next, append(told, events...)
	}
	return story(told)
}

func TestItIsSaidThatALongWindowGoesOn(t *testing.T) {
	tests := []struct {
		name  string
		plan  func(*Maintenance)
		ticks []string
		want  string
	}{
		{
			"every so often, counted from the announced start, until the end", nil,
			[]string{"06:00", "07:59", "08:00", "08:01", "10:00", "11:59", "12:00"},
			"begun at 06:00 due 06:00, running at 08:00 due 08:00, running at 10:00 due 10:00, overran at 12:00 due 12:00",
		},
		{
			"never, unless asked for", func(m *Maintenance) { m.RemindEvery = 0 },
			[]string{"06:00", "08:00", "12:00"},
			"begun at 06:00 due 06:00, overran at 12:00 due 12:00",
		},
		{
			"not within five minutes of the end", func(m *Maintenance) { m.Window.End = at("10:05") },
			[]string{"06:00", "08:00", "10:00", "10:04"},
			"begun at 06:00 due 06:00, running at 08:00 due 08:00",
		},
		{
			"a minute before the last five too", func(m *Maintenance) { m.Window.End = at("10:06") },
			[]string{"06:00", "08:00", "10:00"},
			"begun at 06:00 due 06:00, running at 08:00 due 08:00, running at 10:00 due 10:00",
		},
		{
			"once for several missed moments, the last of them", nil,
			[]string{"06:00", "10:20", "10:30"},
			"begun at 06:00 due 06:00, running at 10:20 due 10:00",
		},
		{
			"not when the last five minutes have come meanwhile", nil,
			[]string{"06:00", "11:56", "12:00"},
			"begun at 06:00 due 06:00, overran at 12:00 due 12:00",
		},
		{
			"not after the end", func(m *Maintenance) { m.Completes = Automatic },
			[]string{"06:00", "13:00"},
			"begun at 06:00 due 06:00, completed at 13:00 due 12:00",
		},
		{
			"not together with a beginning that was slept through", nil,
			[]string{"08:30", "10:00"},
			"begun at 08:30 due 06:00, running at 10:00 due 10:00",
		},
		{"while it is verified", func(m *Maintenance) { m.State, m.Began = Verifying, start }, []string{"08:00"}, "running at 08:00 due 08:00"},
		{"not before it begins", func(m *Maintenance) { m.Begins = Manual }, []string{"08:00"}, "delayed at 08:00 due 06:05"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := long()
			if tt.plan != nil {
				tt.plan(&m)
			}
			if got := advanced(&m, tt.ticks...); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestThatItGoesOnIsToldAndNotPosted(t *testing.T) {
	m := long()
	advanced(&m, "06:00")
	next, events := m.Advance(at("08:01"), time.UTC)
	if len(events) != 1 || !events[0].Told || events[0].By != ByClock || events[0].Subject != m.Subject() {
		t.Errorf("got %+v, want one event of the clock about it that is told", events)
	}
	if len(next.Updates) != len(m.Updates) || !next.Changed.Equal(m.Changed) {
		t.Errorf("got %d updates, changed %s; want %d and %s: readers of the page see that it goes on", len(next.Updates), next.Changed, len(m.Updates), m.Changed)
	}
	if !next.RunningSaid.Equal(at("08:00")) || !m.RunningSaid.IsZero() {
		t.Errorf("got it said for %s and before for %s, want 08:00 and never", next.RunningSaid, m.RunningSaid)
	}
}

func TestThatItGoesOnIsCountedOnAfterAnotherEnd(t *testing.T) {
	m := long()
	m.Window.End = at("09:00")
	advanced(&m, "06:00", "08:00", "09:00")
	m, e, err := m.Extend(at("15:00"), at("10:30"), operator, Post{})
	m = must(t, m, e, err)
	if got, want := advanced(&m, "10:30", "12:00"), "running at 12:00 due 12:00"; got != want {
		t.Errorf("got %q after the extension, want %q: what was said at 10:30 overtakes 10:00", got, want)
	}
	m, e, err = m.Shorten(at("14:04"), at("12:30"), operator, Post{})
	m = must(t, m, e, err)
	if got, want := advanced(&m, "14:00", "14:04"), "overran at 14:04 due 14:04"; got != want {
		t.Errorf("got %q after the end moved nearer, want %q", got, want)
	}
}

func TestThatItGoesOnIsCountedOnAfterAReopening(t *testing.T) {
	m := long()
	advanced(&m, "06:00")
	m, e, err := m.Complete(at("07:00"), operator, Post{})
	m = must(t, m, e, err)
	m, e, err = m.Reopen(at("08:30"), operator, Post{})
	m = must(t, m, e, err)
	if got, want := advanced(&m, "08:30", "10:00"), "running at 10:00 due 10:00"; got != want {
		t.Errorf("got %q, want %q: it was over at 08:00", got, want)
	}
}

func TestThatItGoesOnIsCountedFromAMovedStart(t *testing.T) {
	b := newBook()
	d := plan()
	d.Key, d.Window.End, d.RemindEvery = "db", at("12:00"), Duration(2*time.Hour)
	early := start.Add(-96 * time.Hour)
	applied(t, b, early, page(shop()), maintenance(d))
	d.Window = Window{at("07:00"), at("13:00")}
	applied(t, b, early, maintenance(d))
	m, _ := b.Maintenance("db")
	if got, want := advanced(&m, "07:00", "08:00", "09:00"), "begun at 07:00 due 07:00, running at 09:00 due 09:00"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestADocumentSaysHowOftenItIsToldThatItGoesOn(t *testing.T) {
	b := newBook()
	d := plan()
	d.Key, d.Window.End, d.RemindEvery = "db", at("12:00"), Duration(10*time.Minute)
	early := start.Add(-72 * time.Hour)
	_, _, err := b.Apply([]Document{page(shop()), maintenance(d)}, early, operator)
	if err == nil || !strings.Contains(err.Error(), "remind_every must be at least 15m, not 10m") {
		t.Fatalf("got %v, want remind_every refused", err)
	}
	b = newBook()
	d.RemindEvery = 0
	applied(t, b, early, page(shop()), maintenance(d))
	b.Tick(start)
	d.RemindEvery = Duration(time.Hour)
	changes, _ := applied(t, b, at("08:30"), maintenance(d))
	if len(changes) != 1 || len(changes[0].Fields) != 1 || changes[0].Fields[0] != (FieldChange{"remind_every", "", "1h"}) {
		t.Errorf("got %+v, want remind_every amended from nothing to 1h", changes)
	}
	m, _ := b.Maintenance("db")
	if got, want := advanced(&m, "08:30", "09:00"), "running at 09:00 due 09:00"; got != want {
		t.Errorf("got %q, want %q: what it would have said before is not made up for", got, want)
	}
}

func TestATickKeepsWhatItPassedOver(t *testing.T) {
	b := newBook()
	d := plan()
	d.Key, d.Window.End, d.RemindEvery = "db", at("12:00"), Duration(2*time.Hour)
	applied(t, b, start.Add(-72*time.Hour), page(shop()), maintenance(d))
	b.Tick(start)
	b = b.reopened()
	b.Tick(at("11:57"))
	if due, ok := b.NextDue(at("11:57")); !ok || !due.Equal(at("12:00")) || len(b.Written.Events) != 0 {
		t.Errorf("got %s due and %d events, want the end due and nothing said", due, len(b.Written.Events))
	}
	if len(b.Written.Maintenances) != 1 {
		t.Errorf("got %d maintenances to save, want the one: what is passed over is due no more", len(b.Written.Maintenances))
	}
}

func TestARecordEnteredAgainRepeatsNotThatItGoesOn(t *testing.T) {
	b := newBook()
	d := plan()
	d.Key, d.Window.End, d.RemindEvery = "db", at("12:00"), Duration(2*time.Hour)
	d.Updates = []UpdateDocument{{Status: InProgress, At: start, Body: "We have begun."}}
	applied(t, b, at("07:00"), page(shop()), maintenance(d))
	b.Tick(at("08:00"))
	d.Why = "It answers faster."
	applied(t, b, at("08:30"), maintenance(d))
	m, _ := b.Maintenance("db")
	if got, want := advanced(&m, "08:30", "10:00"), "running at 10:00 due 10:00"; got != want {
		t.Errorf("got %q, want %q: 08:00 was said", got, want)
	}
}
