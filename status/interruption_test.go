package status

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// underway is a maintenance that began at 06:00, with interruptions opened at the moments, for five minutes each. Their ids
// are the moments.
func underway(t *testing.T, opened ...string) Maintenance {
	t.Helper()
	m, _ := planned().Advance(at("06:00"), time.UTC)
	for _, moment := range opened {
		next, _, e, err := m.Interrupt(moment, InterruptionDraft{Flows: []string{"app", "api"}}, at(moment), operator)
		m = must(t, next, e, err)
	}
	return m
}

// spans writes interruptions as "ID opened-closed", with "lapsed" where nobody closed them.
func spans(m Maintenance) string {
	var parts []string
	for _, i := range m.Interruptions {
		text := i.ID + " " + i.Opened.Format("15:04") + "-"
		if !i.Open() {
			text += i.Closed.Format("15:04")
		}
		if i.Lapsed {
			text += " lapsed"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

func TestAnInterruptionIsOpenedExtendedAndClosed(t *testing.T) {
	was := underway(t)
	m, i, e, err := was.Interrupt("i1", InterruptionDraft{
		Flows: []string{" app ", "api"}, AtMost: Duration(10 * time.Minute), Expected: Duration(time.Minute), Reason: " restart ",
	}, at("06:10"), operator)
	m = must(t, m, e, err)
	if got, want := fmt.Sprint(i), fmt.Sprint(Interruption{
		ID: "i1", Flows: []string{"app", "api"}, Opened: at("06:10"), Lapses: at("06:20"), Expected: at("06:11"), Reason: "restart", By: operator,
	}); got != want {
		t.Errorf("opened: got %s, want %s", got, want)
	}
	if e.Kind != InterruptionOpened || e.Told || e.By != operator {
		t.Errorf("got the event %+v, want that it opened, told to nobody", e)
	}
	if len(was.Interruptions) != 0 || !m.Changed.Equal(was.Changed) || len(m.Updates) != len(was.Updates) {
		t.Error("got a change of what was, or one that readers see, want neither")
	}
	m, i, e, err = m.ExtendInterruption("i1", Duration(2*time.Minute), 0, at("06:12"), operator)
	m = must(t, m, e, err)
	if !i.Lapses.Equal(at("06:14")) || !i.Expected.Equal(at("06:11")) || e.Kind != InterruptionExtended {
		t.Errorf("got it lapsing at %s, expected until %s with %s, want 06:14, 06:11 and that it was extended", i.Lapses, i.Expected, e.Kind)
	}
	m, i, e, err = m.EndInterruption("i1", at("06:13"), operator)
	m = must(t, m, e, err)
	if !i.Closed.Equal(at("06:13")) || i.Lapsed || e.Kind != InterruptionClosed || len(m.OpenInterruptions()) != 0 {
		t.Errorf("got it closed at %s, lapsed %v, with %s, want closed at 06:13 by somebody", i.Closed, i.Lapsed, e.Kind)
	}
	again, i, e, err := m.EndInterruption("i1", at("06:30"), operator)
	if err != nil || e.Kind != "" || !i.Closed.Equal(at("06:13")) || spans(again) != spans(m) {
		t.Errorf("closing twice: got %v, %s, closed at %s; want no error, no event and the first time", err, e.Kind, i.Closed)
	}
}

func TestInterruptionsMayOverlap(t *testing.T) {
	m := underway(t, "06:10", "06:11")
	next, _, e, err := m.EndInterruption("06:10", at("06:12"), operator)
	next = must(t, next, e, err)
	if got, want := spans(next), "06:10 06:10-06:12, 06:11 06:11-"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := spans(m), "06:10 06:10-, 06:11 06:11-"; got != want {
		t.Errorf("got the receiver changed to %s, want %s", got, want)
	}
}

func TestAnInterruptionThatNobodyShouldWaitForIsRefused(t *testing.T) {
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	app := []string{"app"}
	for _, c := range []struct {
		draft InterruptionDraft
		want  string
	}{
		{InterruptionDraft{}, "flows must be 1 to 50 names of flows, not 0"},
		{InterruptionDraft{Flows: many}, "flows must be 1 to 50 names of flows, not 51"},
		{InterruptionDraft{Flows: []string{"app", " "}}, "flows[1] must be the name of a flow, not empty"},
		{InterruptionDraft{Flows: []string{"app", "api", " app"}}, `flows[2] names "app" a second time`},
		{InterruptionDraft{Flows: []string{strings.Repeat("x", 201)}}, "flows[0] must have at most 200 bytes, not 201"},
		{InterruptionDraft{Flows: []string{"a\nb"}}, "flows[0] must be one line"},
		{InterruptionDraft{Flows: app, Reason: "a\nb"}, "reason must be one line"},
		{InterruptionDraft{Flows: app, AtMost: Duration(7 * time.Hour)}, "at_most must be at most 6h, not 7h: extend it while it lasts"},
		{InterruptionDraft{Flows: app, AtMost: -1}, "at_most must be at most 6h, not -1ns: extend it while it lasts"},
		{InterruptionDraft{Flows: app, Expected: Duration(6 * time.Minute)}, "expected must be at most what it may last (5m), not 6m"},
		{InterruptionDraft{Flows: app, Expected: -1}, "expected must be at most what it may last (5m), not -1ns"},
	} {
		m, _, e, err := underway(t).Interrupt("i", c.draft, at("06:10"), operator)
		if invalid := new(Invalid); !errors.As(err, &invalid) || err.Error() != c.want || e.Kind != "" || len(m.Interruptions) != 0 {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if err := (InterruptionDraft{Flows: app}).Validate(); err != nil {
		t.Errorf("got %v for a draft with a flow alone, want none", err)
	}
}

func TestOnlyWorkThatGoesOnIsInterrupted(t *testing.T) {
	var illegal *Illegal
	draft := InterruptionDraft{Flows: []string{"app"}}
	if _, _, _, err := planned().Interrupt("i", draft, at("05:59"), operator); !errors.As(err, &illegal) {
		t.Errorf("before its start: got %v, want a refusal", err)
	}
	m := underway(t, "06:10")
	if _, _, _, err := m.ExtendInterruption("06:10", 0, 0, at("06:15"), operator); !errors.As(err, &illegal) || !strings.Contains(err.Error(), "has ended: open another one") {
		t.Errorf("extending what has lapsed: got %v, want a refusal that says what to do", err)
	}
	if _, _, _, err := m.EndInterruption("none", at("06:11"), operator); !errors.Is(err, ErrNotFound) {
		t.Errorf("ending an unknown one: got %v, want %v", err, ErrNotFound)
	}
	if _, _, _, err := m.ExtendInterruption("none", 0, 0, at("06:11"), operator); !errors.Is(err, ErrNotFound) {
		t.Errorf("extending an unknown one: got %v, want %v", err, ErrNotFound)
	}
	for len(m.Interruptions) < mostInterruptions {
		m.Interruptions = append(m.Interruptions, m.Interruptions[0])
	}
	if _, _, _, err := m.Interrupt("i", draft, at("06:11"), operator); !errors.As(err, &illegal) {
		t.Errorf("opening one too many: got %v, want a refusal", err)
	}
}

func TestAnExpectationBeyondTheEndIsDropped(t *testing.T) {
	m, _, e, err := underway(t).Interrupt("i", InterruptionDraft{Flows: []string{"app"}, Expected: Duration(5 * time.Minute)}, at("06:10"), operator)
	m = must(t, m, e, err)
	if _, i, _, err := m.ExtendInterruption("i", Duration(time.Minute), 0, at("06:11"), operator); err != nil || !i.Expected.IsZero() || !i.Lapses.Equal(at("06:12")) {
		t.Errorf("got %v, expected until %s, lapsing at %s, want no expectation and 06:12", err, i.Expected, i.Lapses)
	}
	if _, i, _, err := m.ExtendInterruption("i", 0, Duration(3*time.Minute), at("06:11"), operator); err != nil || !i.Expected.Equal(at("06:14")) || !i.Lapses.Equal(at("06:16")) {
		t.Errorf("got %v, expected until %s, lapsing at %s, want 06:14 and 06:16", err, i.Expected, i.Lapses)
	}
}

func TestCompletionWaitsForInterruptions(t *testing.T) {
	m := underway(t, "06:10")
	same, _, err := m.Complete(at("06:12"), operator, Post{})
	illegal := new(Illegal)
	if !errors.As(err, &illegal) || !strings.Contains(err.Error(), `interruption "06:10 of app, api" still open`) || slices.Contains(illegal.Legal, Completed) {
		t.Errorf("got %v, want a refusal that names what is open and does not offer completion", err)
	}
	if same.State != InProgress || len(same.OpenInterruptions()) != 1 {
		t.Errorf("got it %s with %s after a refusal, want it as it was", same.State, spans(same))
	}
	if pending := m.Pending(); len(pending) != 1 || pending[0].What != "interruption" || !pending[0].Lapses.Equal(at("06:15")) {
		t.Errorf("got %+v, want the interruption pending until 06:15", pending)
	}
	done, e, err := m.Complete(at("06:16"), operator, Post{})
	done = must(t, done, e, err)
	if got, want := spans(done), "06:10 06:10-06:15 lapsed"; got != want || done.State != Completed {
		t.Errorf("got it %s with %s, want it completed with %s", done.State, got, want)
	}
}

func TestTheClockEndsWhatHasLapsed(t *testing.T) {
	m := underway(t, "06:10", "06:12")
	m.Completes = Automatic
	if due, ok := m.Next(); !ok || !due.At.Equal(at("06:15")) {
		t.Errorf("got %v next, want the lapse at 06:15", due)
	}
	if got, want := advanced(&m, "06:14", "06:15", "06:20"), "interruption_closed at 06:15 due 06:15, interruption_closed at 06:20 due 06:17"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got, want := spans(m), "06:10 06:10-06:15 lapsed, 06:12 06:12-06:17 lapsed"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := advanced(&m, "07:00"), "completed at 07:00 due 07:00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnInterruptionBeyondTheEndDelaysTheClocksCompletion(t *testing.T) {
	m := underway(t, "06:57")
	m.Completes = Automatic
	if got, want := advanced(&m, "07:00", "07:01", "07:02"), "overran at 07:00 due 07:00, interruption_closed at 07:02 due 07:02, completed at 07:02 due 07:00"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if !m.Ended.Equal(at("07:02")) {
		t.Errorf("got it ended at %s, want 07:02, when it was earned", m.Ended)
	}
}

func TestWhatEndsAMaintenanceEndsItsInterruptions(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*Book, Maintenance) error
		want string
	}{
		"calling it off ends those that are open": {func(b *Book, m Maintenance) error {
			_, err := b.MoveMaintenance(m, Canceled, Post{}, at("06:16"), operator)
			return err
		}, "interruption_closed at 06:16 due 06:15, interruption_closed at 06:16, canceled at 06:16"},
		"completing ends those that have lapsed": {func(b *Book, m Maintenance) error {
			_, err := b.MoveMaintenance(m, Completed, Post{}, at("06:40"), operator)
			return err
		}, "interruption_closed at 06:40 due 06:15, interruption_closed at 06:40 due 06:19, completed at 06:40"},
		"withdrawing ends those that have lapsed": {func(b *Book, m Maintenance) error {
			return b.Withdraw(m.Subject(), at("06:40"), operator)
		}, "interruption_closed at 06:40 due 06:15, interruption_closed at 06:40 due 06:19, withdrawn at 06:40"},
	} {
		t.Run(name, func(t *testing.T) {
			b, m := inState(t, InProgress)
			m.Interruptions = underway(t, "06:10", "06:14").Interruptions
			b.PutMaintenance(m)
			m, _ = b.Maintenance(m.ID)
			if err := c.end(b, m); err != nil {
				t.Fatal(err)
			}
			if got := story(b.Written.Events); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
			if after, _ := b.Maintenance(m.ID); len(after.OpenInterruptions()) != 0 {
				t.Errorf("got %s, want none open", spans(after))
			}
		})
	}
	b, m := inState(t, InProgress)
	m.Interruptions = underway(t, "06:10").Interruptions
	b.PutMaintenance(m)
	if err := b.Withdraw(m.Subject(), at("06:11"), operator); err == nil || !strings.Contains(err.Error(), "it cannot be withdrawn yet: interruption") {
		t.Errorf("withdrawing: got %v, want a refusal while one is open", err)
	}
}

func TestADocumentLeavesInterruptionsAlone(t *testing.T) {
	b, m := inState(t, InProgress)
	m.Interruptions = underway(t, "06:10").Interruptions
	b.PutMaintenance(m)
	d := plan()
	d.Begin, d.Summary = Manual, "Another summary"
	applied(t, b, at("06:11"), maintenance(d))
	after, _ := b.Maintenance(m.ID)
	if after.Summary != d.Summary || len(after.OpenInterruptions()) != 1 {
		t.Errorf("got %q with %s, want the new summary and the interruption as it was", after.Summary, spans(after))
	}
}

func TestARecordOfTheEndEndsInterruptions(t *testing.T) {
	b, m := inState(t, InProgress)
	m.Interruptions = underway(t, "06:10", "06:14").Interruptions
	b.PutMaintenance(m)
	d := plan()
	d.Begin = Manual
	for _, u := range m.Updates {
		d.Updates = append(d.Updates, UpdateDocument{Status: u.State, At: u.At, Body: u.Body})
	}
	d.Updates = append(d.Updates, UpdateDocument{Status: Completed, At: at("06:15"), Body: "Done."})
	applied(t, b, at("06:16"), maintenance(d))
	after, _ := b.Maintenance(m.ID)
	if got, want := spans(after), "06:10 06:10-06:15 lapsed, 06:14 06:14-06:16"; got != want || after.State != Completed {
		t.Errorf("got it %s with %s, want it completed with %s", after.State, got, want)
	}
	if got, want := spans(m), "06:10 06:10-, 06:14 06:14-"; got != want {
		t.Errorf("got the former value changed to %s, want %s", got, want)
	}
}

func TestWorkThatIsNotRenewedBlocksNoMore(t *testing.T) {
	hold := func(lapses string) Unfinished { return Unfinished{What: "hold", Name: "api at g1", Lapses: at(lapses)} }
	b, m := inState(t, InProgress)
	open := func(work Unfinished, now string) error {
		t.Helper()
		var err error
		m, err = b.Transit(m, func(m Maintenance, now time.Time, by Actor, _ Post) (Maintenance, Event, error) {
			return m.OpenWork(work, now, by)
		}, Post{}, at(now), Actor{Kind: Gate, Name: "g1"})
		return err
	}
	for _, c := range []struct{ now, lapses string }{{"06:10", "06:11"}, {"06:11", "06:12"}, {"06:11", "06:13"}} {
		if err := open(hold(c.lapses), c.now); err != nil || len(m.Unfinished) != 1 || !m.Unfinished[0].Lapses.Equal(at(c.lapses)) {
			t.Fatalf("at %s: got %v and %+v, want one that lapses at %s", c.now, err, m.Unfinished, c.lapses)
		}
	}
	if written := b.Written.Maintenances; len(written) != 1 || !written[0].Unfinished[0].Lapses.Equal(at("06:13")) {
		t.Errorf("got %+v to be saved, want it renewed until 06:13", written)
	}
	if got, want := story(b.Written.Events), "work_opened at 06:10, work_closed at 06:11 due 06:11, work_opened at 06:11"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for _, again := range []Unfinished{hold("06:13"), {What: "hold", Name: "api at g1"}} {
		if err := open(again, "06:12"); err == nil || !strings.Contains(err.Error(), "is open already") {
			t.Errorf("got %v for one that lapses no later, want a refusal", err)
		}
	}
	if err := open(hold("06:12"), "06:12"); err == nil || !strings.Contains(err.Error(), "lapses must be in the future") {
		t.Errorf("got %v for one that has lapsed, want a refusal", err)
	}
	if _, _, err := m.Complete(at("06:12"), operator, Post{}); err == nil {
		t.Error("got no error for completing while it holds, want one")
	}
	if _, told := m.Advance(at("06:13"), time.UTC); story(told) != "work_closed at 06:13 due 06:13" {
		t.Errorf("got %q, want it closed at 06:13", story(told))
	}
	if done, _, err := m.Complete(at("06:13"), operator, Post{}); err != nil || len(done.Unfinished) != 0 {
		t.Errorf("got %v and %+v, want it complete with nothing left", err, done.Unfinished)
	}
}
