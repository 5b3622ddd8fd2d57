package status

import (
	"strings"
	"testing"
	"time"
)

// upkeep recurs every Sunday at four in Berlin, first on January 17, 2027.
func upkeep() MaintenanceDocument {
	first := time.Date(2027, 1, 17, 3, 0, 0, 0, time.UTC)
	return MaintenanceDocument{
		Key: "upkeep", Title: "Upkeep", Window: Window{first, first.Add(time.Hour)}, Affects: []string{"APIs"},
		Complete:   Automatic,
		Recurrence: &Recurrence{Rule: "FREQ=WEEKLY;BYDAY=SU", TimeZone: "Europe/Berlin"},
	}
}

func windows(b *Book, state State) string {
	var starts []string
	for _, m := range b.Maintenances {
		if m.State == state {
			starts = append(starts, m.Window.Start.UTC().Format("01-02 15:04"))
		}
	}
	return strings.Join(starts, ", ")
}

var newYear = time.Date(2027, 1, 10, 12, 0, 0, 0, time.UTC)

func TestASeriesAnnouncesItsOccurrencesAhead(t *testing.T) {
	b := newBook()
	applied(t, b, newYear, page(shop()), maintenance(upkeep()))
	if got, want := windows(b, Scheduled), "01-17 03:00, 01-24 03:00, 01-31 03:00, 02-07 03:00, 02-14 03:00"; got != want {
		t.Errorf("got %s, want %s: those within 35 days", got, want)
	}
	b = b.reopened()
	if changes, _ := applied(t, b, newYear, maintenance(upkeep())); len(changes) != 0 {
		t.Errorf("got %v the second time, want nothing", changes)
	}
	due, ok := b.NextDue(newYear)
	if want := time.Date(2027, 1, 17, 3, 0, 0, 0, time.UTC); !ok || !due.Equal(want) {
		t.Errorf("got %v, want the clock to look next at %v", due, want)
	}
	if warnings := b.Tick(newYear.Add(8 * 24 * time.Hour)); len(warnings) > 0 {
		t.Errorf("got %v, want no warning", warnings)
	}
	if got, want := windows(b, Scheduled), "01-24 03:00, 01-31 03:00, 02-07 03:00, 02-14 03:00, 02-21 03:00"; got != want {
		t.Errorf("got %s after a week, want %s", got, want)
	}
	if got, want := windows(b, Completed), "01-17 03:00"; got != want {
		t.Errorf("got %s completed, want %s", got, want)
	}
}

func TestASeriesKeepsItsClockTimeAcrossDaylightSaving(t *testing.T) {
	b := newBook()
	march := time.Date(2027, 3, 20, 12, 0, 0, 0, time.UTC)
	applied(t, b, march, page(shop()), maintenance(upkeep()))
	if got, want := windows(b, Scheduled), "03-28 02:00, 04-04 02:00, 04-11 02:00, 04-18 02:00"; got != want {
		t.Errorf("got %s, want %s: four in the morning in Berlin, also in summer time", got, want)
	}
}

func TestEditingAllMovesWhatIsPlanned(t *testing.T) {
	b := newBook()
	applied(t, b, newYear, page(shop()), maintenance(upkeep()))
	b = b.reopened()
	one := b.Maintenances[1]
	own := one.clone()
	own.Title = "Upkeep, longer this time"
	if _, _, _, err := b.Revise(one, own, newYear, operator, Post{}); err != nil {
		t.Fatal(err)
	}
	d := upkeep()
	d.Window = Window{d.Window.Start.Add(time.Hour), d.Window.End.Add(time.Hour)}
	d.Recurrence.Except = []Date{{2027, 1, 31}}
	changes, _ := applied(t, b.reopened(), newYear, maintenance(d))
	if len(changes) != 1 || changes[0].Subject.Kind != KindSeries {
		t.Fatalf("got %+v, want one amended series", changes)
	}
	b2 := b.reopened()
	applied(t, b2, newYear, maintenance(d))
	if got, want := windows(b2, Scheduled), "01-17 04:00, 01-24 03:00, 02-07 04:00, 02-14 04:00"; got != want {
		t.Errorf("got %s, want %s: the edited one stays, the others move, the exception is gone", got, want)
	}
	if got, want := windows(b2, Canceled), "01-31 03:00"; got != want {
		t.Errorf("got %s canceled, want %s", got, want)
	}
	keys := make(map[string]bool)
	for _, m := range b2.Maintenances {
		if keys[m.Key] {
			t.Errorf("got the key %s twice", m.Key)
		}
		keys[m.Key] = true
	}
}

func TestASeriesLeavesOutWhatBreaksTheRules(t *testing.T) {
	b := newBook()
	p := shop()
	p.Page.Blackouts = []Blackout{{From: Date{2027, 1, 24}, To: Date{2027, 1, 24}, Reason: "frozen"}}
	now := time.Date(2027, 1, 16, 12, 0, 0, 0, time.UTC) // fifteen hours before the first: less than the notice
	_, warnings := applied(t, b, now, page(p), maintenance(upkeep()))
	if got, want := windows(b, Scheduled), "01-31 03:00, 02-07 03:00, 02-14 03:00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(warnings) < 2 || !strings.Contains(warnings[1].Text, "frozen") {
		t.Errorf("got %v, want a warning for each that is left out", warnings)
	}
}

func TestASeriesThatEndsSaysNothingMore(t *testing.T) {
	b := newBook()
	d := upkeep()
	d.Recurrence.Rule += ";COUNT=2"
	applied(t, b, newYear, page(shop()), maintenance(d))
	if got, want := windows(b, Scheduled), "01-17 03:00, 01-24 03:00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	b = b.reopened()
	if warnings := b.Tick(newYear.Add(30 * 24 * time.Hour)); len(warnings) > 0 {
		t.Errorf("got %v, want no warning", warnings)
	}
	b = b.reopened()
	if b.Tick(newYear.Add(30 * 24 * time.Hour)); !b.Written.Empty() {
		t.Errorf("got writes %+v, want an ended series to cost nothing", b.Written)
	}
	if s := b.Series[0]; !s.Ended {
		t.Error("got a series that goes on after its last occurrence, want it ended")
	}
}

func TestAnOccurrenceThatAPersonCalledOffStaysCalledOff(t *testing.T) {
	b := newBook()
	applied(t, b, newYear, page(shop()), maintenance(upkeep()))
	m, e, err := b.Maintenances[4].Cancel(newYear, operator, Post{})
	m = must(t, m, e, err)
	b.PutMaintenance(m)
	b.Skip(m)
	b = b.reopened()
	d := upkeep()
	d.Recurrence.Rule = "FREQ=WEEKLY;BYDAY=SU,WE"
	applied(t, b, newYear, maintenance(d))
	want := "01-17 03:00, 01-24 03:00, 01-31 03:00, 02-07 03:00, 01-20 03:00, 01-27 03:00, 02-03 03:00, 02-10 03:00"
	if got := windows(b, Scheduled); got != want {
		t.Errorf("got %s\nwant %s: the Wednesdays too, and no February 14", got, want)
	}
}
