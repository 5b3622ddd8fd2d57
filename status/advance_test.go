package status

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	operator = Actor{Person, "Night shift"}
	start    = time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)
	end      = start.Add(time.Hour)
)

func at(hhmm string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", "2027-01-15 "+hhmm)
	if err != nil {
		panic(err)
	}
	return t
}

func planned() Maintenance {
	w := Window{start, end}
	return Maintenance{
		ID: "m1", Title: "Database maintenance", State: Scheduled, Window: w, Announced: w,
		Begins: Automatic, Completes: Manual, Affects: []string{"c1"}, Created: start.Add(-48 * time.Hour),
		Updates: []Update{{State: Scheduled, Event: Announced, At: start.Add(-48 * time.Hour), Body: "Soon."}},
	}
}

// must performs a transition that has to be legal.
func must(t *testing.T, m Maintenance, e Event, err error) Maintenance {
	t.Helper()
	if err != nil {
		t.Fatalf("got error %v, want none", err)
	}
	if e.Kind == "" {
		t.Fatal("got no event, want one")
	}
	return m
}

func story(events []Event) string {
	var parts []string
	for _, e := range events {
		due := ""
		if !e.Due.IsZero() {
			due = " due " + e.Due.Format("15:04")
		}
		parts = append(parts, string(e.Kind)+" at "+e.At.Format("15:04")+due)
	}
	return strings.Join(parts, ", ")
}

func TestTheClockMovesAMaintenance(t *testing.T) {
	tests := []struct {
		name  string
		plan  func(*Maintenance)
		ticks []string
		want  string
		state State
	}{
		{"it begins at its start", nil, []string{"05:59", "06:00"}, "begun at 06:00 due 06:00", InProgress},
		{
			"it waits for a person when begin is manual, and says that it is late", func(m *Maintenance) { m.Begins = Manual },
			[]string{"06:00", "06:05", "06:10", "06:50"},
			"delayed at 06:05 due 06:05", Scheduled,
		},
		{
			"it never completes by itself unless asked to, and says the overrun", nil,
			[]string{"06:00", "07:00"},
			"begun at 06:00 due 06:00, overran at 07:00 due 07:00", InProgress,
		},
		{
			"it completes at the end when asked to", func(m *Maintenance) { m.Completes = Automatic },
			[]string{"06:00", "06:59", "07:00"},
			"begun at 06:00 due 06:00, completed at 07:00 due 07:00", Completed,
		},
		{
			"an overrun is repeated at the chosen interval", func(m *Maintenance) { m.OverrunEvery = Duration(10 * time.Minute) },
			[]string{"06:00", "07:00", "07:05", "07:10", "07:20"},
			"begun at 06:00 due 06:00, overran at 07:00 due 07:00, overran at 07:10 due 07:10, overran at 07:20 due 07:20", InProgress,
		},
		{
			"a clock that slept through start and end catches up in order", func(m *Maintenance) { m.Completes = Automatic },
			[]string{"09:30"},
			"begun at 09:30 due 06:00, completed at 09:30 due 07:00", Completed,
		},
		{
			"a clock that slept through an overrun says it once", nil,
			[]string{"09:10", "09:29", "09:30"},
			"begun at 09:10 due 06:00, overran at 09:10 due 07:00, overran at 09:30 due 09:30", InProgress,
		},
		{"open work forbids completion at the end", func(m *Maintenance) {
			m.Completes, m.State, m.Began = Automatic, InProgress, start
			m.Unfinished = []Unfinished{{What: "hold", Name: "inbound"}}
		}, []string{"07:00"}, "overran at 07:00 due 07:00", InProgress},
		{"missed reminders collapse into the last one", func(m *Maintenance) {
			m.Reminders = []Duration{Duration(6 * time.Hour), Duration(2 * time.Hour), Duration(time.Hour)}
		}, []string{"04:30", "05:00"}, "reminder at 04:30 due 04:00, reminder at 05:00 due 05:00", Scheduled},
		{
			"no reminder is given once the start has passed", func(m *Maintenance) { m.Reminders = []Duration{Duration(time.Hour)} },
			[]string{"06:01"},
			"begun at 06:01 due 06:00", InProgress,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := planned()
			if tt.plan != nil {
				tt.plan(&m)
			}
			var told []Event
			for _, tick := range tt.ticks {
				var events []Event
				m, events = m.Advance(at(tick), time.UTC)
				told = append(told, events...)
			}
			want := strings.ReplaceAll(tt.want, "reminder at", string(Reminded)+" at")
			if got := story(told); got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
			if m.State != tt.state {
				t.Errorf("got state %s, want %s", m.State, tt.state)
			}
		})
	}
}

func TestWhatTheClockDidLateKeepsTheAnnouncedTimes(t *testing.T) {
	m := planned()
	m.Completes = Automatic
	m, _ = m.Advance(at("09:30"), time.UTC)
	if !m.Began.Equal(start) || !m.Ended.Equal(end) {
		t.Errorf("got began %s and ended %s, want the announced %s and %s", m.Began, m.Ended, start, end)
	}
	r := ReportMaintenance(m, Page{Name: "Northwind"}, nil, nil)
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if want := "Posted Jan 15, 2027 - 09:30 UTC (due 07:00 UTC)"; !strings.Contains(text.String(), want) {
		t.Errorf("got\n%s\nwant a line %q: readers see the delay", text.String(), want)
	}
}

func TestAdvancingTwiceDoesNothingTwice(t *testing.T) {
	m, first := planned().Advance(at("07:00"), time.UTC)
	again, second := m.Advance(at("07:00"), time.UTC)
	if len(first) != 2 || len(second) != 0 || len(again.Updates) != len(m.Updates) {
		t.Errorf("got %q and then %q, want begun and overran, and then nothing", story(first), story(second))
	}
}

func TestAnOverrunGivesTheEstimateThatWasMade(t *testing.T) {
	m, _ := planned().Advance(at("06:00"), time.UTC)
	m, e, err := m.Reestimate(at("07:30"), at("06:40"), operator, Post{})
	m = must(t, m, e, err)
	m, _ = m.Advance(at("07:00"), time.UTC)
	body := m.Updates[len(m.Updates)-1].Body
	if !strings.Contains(body, "longer than planned") || !strings.Contains(body, "07:30 UTC") {
		t.Errorf("got %q, want that it takes longer, and the estimate 07:30 UTC", body)
	}
	if got, want := m.Overrun(at("07:14")), 14*time.Minute; got != want {
		t.Errorf("got an overrun of %s, want %s", got, want)
	}
}

func TestExtendingMovesTheEndAndSaysSo(t *testing.T) {
	m, _ := planned().Advance(at("07:00"), time.UTC)
	m, e, err := m.Extend(at("08:00"), at("07:05"), operator, Post{})
	m = must(t, m, e, err)
	if !m.Window.End.Equal(at("08:00")) || !m.Announced.End.Equal(end) || !e.Was.End.Equal(end) {
		t.Errorf("got window %v, announced %v, was %v; want the end moved to 08:00 and the first announcement kept", m.Window, m.Announced, e.Was)
	}
	if m.Overrun(at("07:30")) != 0 {
		t.Error("got an overrun before the new end, want none")
	}
	if body := m.Updates[len(m.Updates)-1].Body; !strings.Contains(body, "07:00 UTC to 08:00 UTC") {
		t.Errorf("got %q, want both ends", body)
	}
	if _, told := m.Advance(at("08:00"), time.UTC); story(told) != "overran at 08:00 due 08:00" {
		t.Errorf("got %q, want an overrun at the new end", story(told))
	}
	if _, _, err := m.Extend(at("07:50"), at("07:05"), operator, Post{}); err == nil {
		t.Error("got no error for an extension to an earlier end, want one")
	}
}

func TestCompletionIsEarned(t *testing.T) {
	m, _ := planned().Advance(at("06:00"), time.UTC)
	m, e, err := m.OpenWork(Unfinished{What: "interruption", Name: "api"}, at("06:10"), operator)
	m = must(t, m, e, err)
	_, _, err = m.Complete(at("06:20"), operator, Post{})
	if illegal := new(Illegal); !errors.As(err, &illegal) || !strings.Contains(err.Error(), `interruption "api"`) {
		t.Fatalf("got %v, want a refusal that names the open interruption", err)
	}
	m, e, err = m.CloseWork(Unfinished{What: "interruption", Name: "api"}, at("06:21"), operator)
	m = must(t, m, e, err)
	m, e, err = m.Complete(at("06:40"), operator, Post{})
	m = must(t, m, e, err)
	if body := m.Updates[len(m.Updates)-1].Body; !strings.Contains(body, "20 minutes earlier than announced") {
		t.Errorf("got %q, want it to say that it ended early", body)
	}
}

func TestEveryMoveOfTheTable(t *testing.T) {
	all := []State{Scheduled, InProgress, Verifying, Completed, Canceled}
	legal := map[Actor]map[State][]State{
		operator: {
			Scheduled: {InProgress, Canceled}, InProgress: {Verifying, Completed, Canceled},
			Verifying: {InProgress, Completed, Canceled}, Completed: {InProgress},
		},
		ByClock: {
			Scheduled: {InProgress, Canceled}, InProgress: {Verifying, Completed, Canceled}, Verifying: {Completed, Canceled},
		},
		{Kind: Runner}: {
			Scheduled: {InProgress, Canceled}, InProgress: {Verifying, Completed, Canceled},
			Verifying: {InProgress, Completed, Canceled},
		},
	}
	for by, moves := range legal {
		for _, from := range all {
			for _, to := range all {
				if from == to {
					continue
				}
				t.Run(fmt.Sprintf("%s moves from %s to %s", by.Kind, from, to), func(t *testing.T) {
					m := planned()
					m.State = from
					next, _, err := m.move(to, Updated, at("08:00"), by, Post{Body: "x"})
					want := slices.Contains(moves[from], to)
					if (err == nil) != want {
						t.Errorf("got error %v, want legal %v", err, want)
					}
					if err != nil && (next.State != from || len(next.Updates) != 1) {
						t.Error("got a changed maintenance with the refusal, want it as it was")
					}
				})
			}
		}
	}
}

func TestATransitionLeavesItsReceiverAlone(t *testing.T) {
	m := planned()
	m.Updates = append(make([]Update, 0, 8), m.Updates...)
	one, _, _ := m.Begin(at("06:00"), operator, Post{Body: "one"})
	two, _, _ := m.Cancel(at("05:00"), operator, Post{Body: "two"})
	if len(m.Updates) != 1 || one.Updates[1].Body != "one" || two.Updates[1].Body != "two" {
		t.Error("got updates shared between two futures of one maintenance, want each its own")
	}
}

func TestWhatWasReopenedIsCompletedByAPerson(t *testing.T) {
	m := planned()
	m.Completes = Automatic
	m, _ = m.Advance(at("07:00"), time.UTC)
	m, e, err := m.Reopen(at("07:20"), operator, Post{})
	m = must(t, m, e, err)
	m, told := m.Advance(at("07:20"), time.UTC)
	if m.State != InProgress || !m.Ended.IsZero() || story(told) != "overran at 07:20 due 07:00" {
		t.Errorf("got %s, ended %s and %q; want it in progress, and the overrun said", m.State, m.Ended, story(told))
	}
}
