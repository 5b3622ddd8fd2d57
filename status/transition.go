package status

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Post is what goes out with a transition.
type Post struct {
	// Body is Markdown; empty takes the standard wording.
	Body string `json:"body,omitempty"`
	// Quiet posts stand on the page and are told to nobody.
	Quiet bool `json:"quiet,omitempty"`
	// Conditions are component statuses given with the update, by component id.
	Conditions map[string]Condition `json:"conditions,omitempty"`
	// Literal says that the body is what it is: it holds no placeholders, whatever it looks like.
	Literal bool `json:"-"`
	// Zone is the one in which standard wordings give times; nil is UTC.
	Zone *time.Location `json:"-"`
}

func (p Post) zone() *time.Location {
	if p.Zone == nil {
		return time.UTC
	}
	return p.Zone
}

// maintenanceMoves is the life cycle: what may follow each state. Repeating a state is an update, not a move.
var maintenanceMoves = map[State][]State{
	Scheduled:  {InProgress, Canceled},
	InProgress: {Verifying, Completed, Canceled},
	Verifying:  {InProgress, Completed, Canceled},
	Completed:  {InProgress},
}

// Moves lists the states that an actor may move the maintenance to.
//
// It ends only when nothing is open any more; calling it off ends open interruptions. Only a person goes back from
// completed. A runner may go back from verifying, because a check that fails is its business; the clock never goes back.
func (m Maintenance) Moves(by Actor) []State {
	var legal []State
	for _, to := range maintenanceMoves[m.State] {
		back := to == InProgress && m.State != Scheduled
		if back && by.Kind != Person && (m.State != Verifying || by.Kind != Runner) {
			continue
		}
		if to == Completed && len(m.Pending()) > 0 || to == Canceled && len(m.Unfinished) > 0 {
			continue
		}
		legal = append(legal, to)
	}
	return legal
}

func (m Maintenance) illegal(to State, by Actor, why string) error {
	return &Illegal{Subject: m.Subject(), From: m.State, To: to, Why: why, Legal: m.Moves(by)}
}

// move puts the maintenance into a state with an update and tells what happened.
func (m Maintenance) move(to State, what EventKind, now time.Time, by Actor, say Post) (Maintenance, Event, error) {
	if to != m.State && !slices.Contains(m.Moves(by), to) {
		why := ""
		if m.State == Completed && to == InProgress {
			why = "only a person may reopen it"
		}
		return m, Event{}, m.illegal(to, by, why)
	}
	if err := cmp.Or(checkBody(say.Body), validClaims(say.Conditions)); err != nil {
		return m, Event{}, err
	}
	m = m.clone()
	m.State, m.Changed = to, now
	m.Updates = append(m.Updates, Update{
		State: to, Event: what, At: now, Body: say.Body, By: by, Quiet: say.Quiet, Conditions: maps.Clone(say.Conditions),
	})
	m.Affects = Unique(slices.AppendSeq(m.Affects, maps.Keys(say.Conditions)))
	return m, Event{Kind: what, Subject: m.Subject(), At: now, By: by, Told: !say.Quiet && !m.Backfilled}, nil
}

// Begin moves a scheduled maintenance to in progress at now.
//
// A maintenance begins once: at its announced start, or earlier when a person says so. Beginning late is allowed,
// because the machine may have slept; the update then carries the announced time, so that readers see the delay.
func (m Maintenance) Begin(now time.Time, by Actor, say Post) (Maintenance, Event, error) {
	if m.State != Scheduled {
		why := "it has already begun"
		if m.State == Verifying || m.State == Completed {
			why = "it has already begun; going back to work is reopening it"
		}
		return m, Event{}, m.illegal(InProgress, by, why)
	}
	if by.Kind == Clock && now.Before(m.Window.Start) {
		return m, Event{}, m.illegal(InProgress, by, "its window opens at "+m.Window.Start.UTC().Format(time.RFC3339))
	}
	say.Body = orWording(say.Body, beginWords(m, now, say.zone()))
	began := now
	if by.Kind == Clock {
		began = m.Window.Start
	}
	m, e, err := m.move(InProgress, Begun, now, by, say)
	if err != nil {
		return m, e, err
	}
	m.Began = began
	if by.Kind == Clock {
		e.Due, m.Updates[len(m.Updates)-1].Due = began, began
	}
	return m, e, nil
}

// Verify says that the work is done and its result is being checked.
func (m Maintenance) Verify(now time.Time, by Actor, say Post) (Maintenance, Event, error) {
	if m.State != InProgress {
		return m, Event{}, m.illegal(Verifying, by, "")
	}
	say.Body = orWording(say.Body, verifyWords)
	return m.move(Verifying, Verified, now, by, say)
}

// Complete ends the maintenance at now. Completion is earned: while an interruption is open, a step runs or a hold
// is not drained it is refused, whoever asks.
func (m Maintenance) Complete(now time.Time, by Actor, say Post) (Maintenance, Event, error) {
	if !m.Underway() {
		return m, Event{}, m.illegal(Completed, by, "")
	}
	if by.Kind == Clock && now.Before(m.Window.End) {
		return m, Event{}, m.illegal(Completed, by, "its window closes at "+m.Window.End.UTC().Format(time.RFC3339))
	}
	earned := m.lapsed(now)
	if why := unearned(earned.Pending()); why != "" {
		return m, Event{}, earned.illegal(Completed, by, why)
	}
	ended := now
	if by.Kind == Clock && m.OverrunSaid.IsZero() {
		ended = m.Window.End // the clock slept, the work did not go on
	}
	say.Body = orWording(say.Body, completeWords(m, ended, say.zone()))
	next, e, err := earned.move(Completed, Finished, now, by, say)
	if err != nil {
		return m, e, err
	}
	next.Ended, next.Estimate = ended, time.Time{}
	return next, e, nil
}

// unearned says what keeps a maintenance from being complete, or nothing.
func unearned(open []Unfinished) string {
	if len(open) == 0 {
		return ""
	}
	parts := make([]string, len(open))
	for i, u := range open {
		parts[i] = u.What + " " + quote(u.Name)
	}
	return "completion is not earned yet: " + strings.Join(parts, ", ") + " still open"
}

// Cancel calls the maintenance off: before it begins, or, when the work is given up, afterwards. Its open interruptions end
// with it; a step that runs or a hold that is not drained has to end first.
func (m Maintenance) Cancel(now time.Time, by Actor, say Post) (Maintenance, Event, error) {
	begun, live := m.Underway(), m.lapsed(now)
	if why := unearned(live.Unfinished); begun && why != "" {
		return m, Event{}, live.illegal(Canceled, by, why)
	}
	say.Body = orWording(say.Body, cancelWords(begun))
	next, e, err := live.move(Canceled, CalledOff, now, by, say)
	if err != nil {
		return m, e, err
	}
	next.endInterruptions(Interruption.Open, now)
	if begun {
		next.Ended = now
	}
	return next, e, nil
}

// Reopen goes back to in progress, from verifying or completed. The trace of the earlier end stays in the updates, and
// completing it is a person's from now on, whatever its document says: the clock was wrong about it once.
func (m Maintenance) Reopen(now time.Time, by Actor, say Post) (Maintenance, Event, error) {
	if m.State != Completed && m.State != Verifying {
		return m, Event{}, m.illegal(m.State, by, "only a completed or verifying maintenance can be reopened")
	}
	say.Body = orWording(say.Body, reopenWords)
	m, e, err := m.move(InProgress, Reopened, now, by, say)
	if err != nil {
		return m, e, err
	}
	m.Ended = time.Time{}
	if m.Began.IsZero() {
		m.Began = now // a record without a beginning
	}
	return m, e, nil
}

// Say posts an update that leaves the state as it is.
func (m Maintenance) Say(now time.Time, by Actor, say Post) (Maintenance, Event, error) {
	if strings.TrimSpace(say.Body) == "" {
		return m, Event{}, &Invalid{Field: "body", Rule: "is required: what readers should know"}
	}
	return m.move(m.State, Updated, now, by, say)
}

// Extend moves the announced end to a later time and says so, after whatever words were given.
func (m Maintenance) Extend(to, now time.Time, by Actor, say Post) (Maintenance, Event, error) {
	if !m.Underway() {
		why := "only a maintenance that is under way can be extended"
		if m.State == Scheduled {
			why += "; a scheduled one is rescheduled by changing its window"
		}
		return m, Event{}, m.illegal(m.State, by, why)
	}
	if !to.After(m.Window.End) || !to.After(now) {
		return m, Event{}, &Invalid{Field: "until", Rule: "must be after now and after the announced end (" + clockText(m.Window.End, now, say.zone()) + ")"}
	}
	say.Body = withWords(say.Body, extendWords(m.Window.End, to, now, say.zone()))
	return m.moveEnd(to, Extended, now, by, say)
}

// moveEnd announces another end. What was estimated or said of an overrun was of the former one.
func (m Maintenance) moveEnd(to time.Time, what EventKind, now time.Time, by Actor, say Post) (Maintenance, Event, error) {
	was := m.Window
	m, e, err := m.move(m.State, what, now, by, say)
	if err != nil {
		return m, e, err
	}
	m.Window.End, m.Estimate, m.OverrunSaid = to, time.Time{}, time.Time{}
	e.Was = was
	return m, e, nil
}

// Shorten moves the announced end to an earlier time that is still to come, and says so, after whatever words were given.
func (m Maintenance) Shorten(to, now time.Time, by Actor, say Post) (Maintenance, Event, error) {
	if !m.Underway() {
		return m, Event{}, m.illegal(m.State, by, "only a maintenance that is under way can be shortened")
	}
	if !to.Before(m.Window.End) || !to.After(now) {
		return m, Event{}, &Invalid{Field: "until", Rule: "must be after now and before the announced end (" + clockText(m.Window.End, now, say.zone()) + "); to end it now, complete it"}
	}
	say.Body = withWords(say.Body, shortenWords(m.Window.End, to, now, say.zone()))
	return m.moveEnd(to, Changed, now, by, say)
}

// Reestimate tells when the end is now expected, without moving the announced one: an overrun stays an overrun.
func (m Maintenance) Reestimate(to, now time.Time, by Actor, say Post) (Maintenance, Event, error) {
	if !m.Underway() {
		return m, Event{}, m.illegal(m.State, by, "only a maintenance that is under way has an estimate")
	}
	if !to.After(now) {
		return m, Event{}, &Invalid{Field: "until", Rule: "must be in the future, not " + clockText(to, now, say.zone())}
	}
	say.Body = withWords(say.Body, estimateWords(m.Window.End, to, now, say.zone()))
	m, e, err := m.move(m.State, Estimated, now, by, say)
	if err == nil {
		m.Estimate = to
	}
	return m, e, err
}

// OpenWork notes a thing that keeps the maintenance from being complete: an interruption, a step, a hold. Opening what is
// open is refused, unless it lapses and the new one does so later: that renews it, and the event is empty. Readers see nothing of
// it, so the page does not count it as a change.
func (m Maintenance) OpenWork(work Unfinished, now time.Time, by Actor) (Maintenance, Event, error) {
	if !m.Underway() {
		return m, Event{}, m.illegal(m.State, by, "work can only open while it is under way")
	}
	if !work.Lapses.IsZero() && !work.Lapses.After(now) {
		return m, Event{}, &Invalid{Field: "lapses", Rule: "must be in the future, not " + clockText(work.Lapses, now, time.UTC)}
	}
	next := m.lapsed(now).clone()
	if n := slices.IndexFunc(next.Unfinished, work.same); n >= 0 {
		if had := next.Unfinished[n].Lapses; had.IsZero() || !work.Lapses.After(had) {
			return m, Event{}, &Invalid{Field: "name", Rule: "is open already: " + work.What + " " + quote(work.Name)}
		}
		next.Unfinished[n].Lapses = work.Lapses
		return next, Event{}, nil
	}
	work.Since = now
	next.Unfinished = append(next.Unfinished, work)
	return next, Event{Kind: WorkOpened, Subject: m.Subject(), At: now, By: by}, nil
}

// CloseWork notes that such a thing is done. Closing what is not open is not an error, for it may be told twice; then
// nothing changes, and the event is empty.
func (m Maintenance) CloseWork(work Unfinished, now time.Time, by Actor) (Maintenance, Event, error) {
	if !slices.ContainsFunc(m.Unfinished, work.same) {
		return m, Event{}, nil
	}
	m = m.clone()
	m.Unfinished = slices.DeleteFunc(m.Unfinished, work.same)
	return m, Event{Kind: WorkClosed, Subject: m.Subject(), At: now, By: by}, nil
}
