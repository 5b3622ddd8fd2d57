package status

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// inState is a book with Northwind's page and one maintenance, of "Delivery" and "APIs", in a state. It begins by hand.
func inState(t *testing.T, state State) (*Book, Maintenance) {
	t.Helper()
	b := newBook()
	d := plan()
	d.Begin = Manual
	applied(t, b, start.Add(-72*time.Hour), page(shop()), maintenance(d))
	b = b.reopened()
	m := b.Maintenances[0]
	for _, to := range map[State][]State{
		InProgress: {InProgress}, Verifying: {InProgress, Verifying}, Completed: {InProgress, Completed}, Canceled: {Canceled},
	}[state] {
		m = shift(t, b, m, to, start)
	}
	return b.reopened(), m
}

// shift moves a maintenance, which has to be legal.
func shift(t *testing.T, b *Book, m Maintenance, to State, now time.Time) Maintenance {
	t.Helper()
	next, err := b.MoveMaintenance(m, to, Post{Body: "As it is."}, now, operator)
	if err != nil {
		t.Fatalf("%s to %s: %v", m.State, to, err)
	}
	return next
}

func TestAMaintenanceIsMovedBetweenEveryPairOfStates(t *testing.T) {
	const illegal = "illegal"
	during := start.Add(10 * time.Minute)
	for from, row := range map[State]map[State]string{
		Scheduled:  {"": "updated", Scheduled: "updated", InProgress: "begun", Verifying: "begun, verifying", Completed: "begun, completed", Canceled: "canceled"},
		InProgress: {"": "updated", Scheduled: illegal, InProgress: "updated", Verifying: "verifying", Completed: "completed", Canceled: "canceled"},
		Verifying:  {"": "updated", Scheduled: illegal, InProgress: "reopened", Verifying: "updated", Completed: "completed", Canceled: "canceled"},
		Completed:  {"": "updated", Scheduled: illegal, InProgress: "reopened", Verifying: illegal, Completed: "updated", Canceled: illegal},
		Canceled:   {"": "updated", Scheduled: illegal, InProgress: illegal, Verifying: illegal, Completed: illegal, Canceled: "updated"},
	} {
		for to, want := range row {
			t.Run(fmt.Sprintf("%s to %s", from, to), func(t *testing.T) {
				b, m := inState(t, from)
				next, err := b.MoveMaintenance(m, to, Post{Body: "As it is."}, during, operator)
				var refused *Illegal
				if want == illegal {
					if !errors.As(err, &refused) || next.State != from || !b.Written.Empty() {
						t.Errorf("got it %s, error %v and %d events, want a refusal and nothing written", next.State, err, len(b.Written.Events))
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				var kinds []string
				for _, e := range b.Written.Events {
					kinds = append(kinds, string(e.Kind))
				}
				if got := strings.Join(kinds, ", "); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				if to != "" && next.State != to {
					t.Errorf("got it %s, want %s", next.State, to)
				}
				last := len(next.Updates) - 1
				if next.Updates[last].Body != "As it is." || !b.Written.Events[len(b.Written.Events)-1].Told {
					t.Errorf("got %+v as the last update, want what was said, and told", next.Updates[last])
				}
				if strings.Contains(want, ", ") && (!next.Updates[last-1].Quiet || b.Written.Events[0].Told) {
					t.Errorf("got the state in between told, want it quiet")
				}
			})
		}
	}
}

func TestAnUnknownStateIsNoPlaceToMoveTo(t *testing.T) {
	b, m := inState(t, InProgress)
	var refused *Illegal
	if _, err := b.MoveMaintenance(m, Resolved, Post{Body: "x"}, start, operator); !errors.As(err, &refused) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestCompletingBeforeTheWindowIsCallingOff(t *testing.T) {
	b, m := inState(t, Scheduled)
	if next := shift(t, b, m, Completed, start.Add(-time.Second)); next.State != Canceled || !next.Began.IsZero() {
		t.Errorf("got it %s, begun %s, want it canceled and never begun", next.State, next.Began)
	}
	b, m = inState(t, Scheduled)
	if next := shift(t, b, m, Completed, start); next.State != Completed || !next.Began.Equal(start) {
		t.Errorf("got it %s, begun %s, want it completed and begun %s", next.State, next.Began, start)
	}
}

func TestCompletionThroughAMoveIsEarnedToo(t *testing.T) {
	b, m := inState(t, InProgress)
	m, e, err := m.OpenWork(Unfinished{What: "step", Name: "restart"}, start, operator)
	if err != nil {
		t.Fatal(err)
	}
	b.PutMaintenance(m)
	b.Say(e)
	m = b.Maintenances[0]
	for _, to := range []State{Completed, Canceled} {
		if _, err := b.MoveMaintenance(m, to, Post{}, end, operator); err == nil || !strings.Contains(err.Error(), `step "restart" still open`) {
			t.Errorf("to %s: got %v, want what is open", to, err)
		}
	}
	if err := b.Withdraw(m.Subject(), end, operator); err == nil || !strings.Contains(err.Error(), `it cannot be withdrawn yet: step "restart" still open`) {
		t.Errorf("withdrawing: got %v, want what is open", err)
	}
}

func TestWhatIsWithdrawnIsGoneFromSightAndTellsNobody(t *testing.T) {
	for _, state := range MaintenanceStates {
		b, m := inState(t, state)
		if err := b.Withdraw(m.Subject(), end, operator); err != nil {
			t.Fatalf("%s: %v", state, err)
		}
		gone, found := b.Maintenance(m.ID)
		if !found || !gone.Removed.Equal(end) || gone.Key != "" || gone.Open() || gone.Underway() || len(gone.Updates) != len(m.Updates) {
			t.Errorf("%s: got %+v, want it removed, without its key, and whole otherwise", state, gone)
		}
		for id, c := range b.Conditions() {
			if c != Operational {
				t.Errorf("%s: got %s %s, want all components operational", state, id, c)
			}
		}
		if len(b.Written.Events) != 1 || b.Written.Events[0].Kind != Withdrawn || b.Written.Events[0].Told || b.Written.Events[0].Subject != m.Subject() {
			t.Errorf("%s: got events %+v, want that it was withdrawn, told to nobody", state, b.Written.Events)
		}
		if _, due := gone.Next(); due {
			t.Errorf("%s: got something due, want nothing", state)
		}
		if err := b.Withdraw(m.Subject(), end, operator); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: withdrawn again: got %v, want %v", state, err, ErrNotFound)
		}
		if err := b.Correct(m.Subject(), m.Updates[0].ID, Correction{}, end, operator); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: corrected afterwards: got %v, want %v", state, err, ErrNotFound)
		}
		// Its key is free for another.
		d := plan()
		d.Key, d.Window = m.Key, Window{end.Add(72 * time.Hour), end.Add(73 * time.Hour)}
		if changes, _ := applied(t, b, end, maintenance(d)); len(changes) != 1 || changes[0].Action != Create || changes[0].Subject == m.Subject() {
			t.Errorf("%s: got %+v, want another maintenance with its key", state, changes)
		}
	}
}

func TestAnIncidentIsWithdrawnAndWhatIsNoEventIsNot(t *testing.T) {
	b, _ := inState(t, Scheduled)
	i, err := b.OpenIncident(IncidentDraft{Key: "down", Title: "Down", NamedPost: NamedPost{Components: map[string]Condition{"APIs": MajorOutage}}}, start, operator)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Withdraw(i.Subject(), end, operator); err != nil {
		t.Fatal(err)
	}
	if gone, _ := b.Incident(i.ID); gone.Open() || gone.Key != "" || b.Conditions()[i.Affects[0]] != Operational {
		t.Errorf("got %+v, want it removed and its component operational", gone)
	}
	for _, of := range []Subject{i.Subject(), {KindIncident, "nope"}, {KindMaintenance, "nope"}, {KindComponent, b.Components[0].ID}, {KindPage, b.Page.ID}} {
		if err := b.Withdraw(of, end, operator); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s %s: got %v, want %v", of.Kind, of.ID, err, ErrNotFound)
		}
	}
	if _, err := b.OpenIncident(IncidentDraft{Key: "down", Title: "Down"}, end, operator); err != nil {
		t.Errorf("got %v, want that the key is free", err)
	}
}

func TestACorrectionStaysInItsPlace(t *testing.T) {
	b, m := inState(t, InProgress)
	m = shift(t, b, m, Completed, end)
	words, blank, long := "Better words.", " ", strings.Repeat("x", mostBody+1)
	quiet := true
	when := func(at time.Time) *time.Time { return &at }
	for _, c := range []struct {
		name string
		n    int
		c    Correction
		want string
	}{
		{"words", 1, Correction{Body: &words}, ""},
		{"quietly", 1, Correction{Quiet: &quiet}, ""},
		{"a time between", 1, Correction{At: when(start.Add(time.Minute))}, ""},
		{"the time of the one before", 1, Correction{At: &m.Updates[0].At}, ""},
		{"before the one before", 1, Correction{At: when(m.Updates[0].At.Add(-time.Second))}, "at must lie between"},
		{"after the one after", 1, Correction{At: when(end.Add(time.Second))}, "at must lie between"},
		{"the first, earlier", 0, Correction{At: when(start.Add(-100 * time.Hour))}, ""},
		{"the last, in the future", 2, Correction{At: when(end.Add(2 * time.Hour))}, "at is in the future"},
		{"no words", 1, Correction{Body: &blank}, "body is required"},
		{"too many words", 1, Correction{Body: &long}, "body must have at most"},
	} {
		b := b.reopened()
		now := end.Add(time.Hour)
		err := b.Correct(m.Subject(), m.Updates[c.n].ID, c.c, now, operator)
		if c.want != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || !b.Written.Empty() {
				t.Errorf("%s: got %v, want %s and nothing written", c.name, err, c.want)
			}
			continue
		}
		got, _ := b.Maintenance(m.ID)
		if u := got.Updates[c.n]; err != nil || !u.Edited.Equal(now) || u.State != m.Updates[c.n].State || u.ID != m.Updates[c.n].ID {
			t.Errorf("%s: got %+v and %v, want it edited now", c.name, u, err)
		}
		if len(b.Written.Events) != 1 || b.Written.Events[0].Kind != Corrected || b.Written.Events[0].Told {
			t.Errorf("%s: got events %+v, want a correction that is told to nobody", c.name, b.Written.Events)
		}
	}
	if err := b.Correct(m.Subject(), "nope", Correction{}, end, operator); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v for an update that there is not, want %v", err, ErrNotFound)
	}
}

func TestCorrectingTheEndsOfAnIncidentMovesThem(t *testing.T) {
	b, _ := inState(t, Scheduled)
	i, err := b.OpenIncident(IncidentDraft{Title: "Down"}, start, operator)
	if err == nil {
		i, err = b.PostIncident(i, Resolved, NamedPost{Body: "Over."}, end, operator)
	}
	if err != nil {
		t.Fatal(err)
	}
	earlier, later := start.Add(-time.Minute), end.Add(-time.Minute)
	for n, at := range []time.Time{earlier, later} {
		if err := b.Correct(i.Subject(), i.Updates[n].ID, Correction{At: &at}, end, operator); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := b.Incident(i.ID); !got.Began.Equal(earlier) || !got.Ended.Equal(later) {
		t.Errorf("got it from %s to %s, want from %s to %s", got.Began, got.Ended, earlier, later)
	}
}
