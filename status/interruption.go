package status

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Interruption is a span of a maintenance in which flows are held or refused at the gates, because somebody opened it.
// What gates find by themselves is measured there and told afterwards.
type Interruption struct {
	ID string `json:"id"`
	// Flows are the names of the flows that it concerns.
	Flows  []string  `json:"flows"`
	Opened time.Time `json:"opened"`
	// Lapses is when gates end it by themselves although nobody closed it.
	Lapses time.Time `json:"lapses"`
	// Expected is when it is expected to end; zero when nobody said.
	Expected time.Time `json:"expected,omitzero"`
	Reason   string    `json:"reason,omitempty"`
	By       Actor     `json:"by"`
	// Closed is zero while it is open. Lapsed says that nobody closed it: its time had passed.
	Closed time.Time `json:"closed,omitzero"`
	Lapsed bool      `json:"lapsed,omitempty"`
}

// InterruptionDraft describes an interruption that is to be opened.
type InterruptionDraft struct {
	Flows []string
	// AtMost is how long it may last unless it is extended; zero is DefaultAtMost.
	AtMost Duration
	// Expected is how long it is expected to last, for what clients are told; zero is unknown.
	Expected Duration
	Reason   string
}

// DefaultAtMost is how long an interruption may last when nothing else was said: long enough for a restart, short enough
// that nobody waits for a runner that has died.
const DefaultAtMost = Duration(5 * time.Minute)

// Bounds of interruptions.
const (
	mostAtMost        = Duration(6 * time.Hour)
	mostFlows         = 50
	mostFlowName      = 200 // bytes, which is what gates may measure under
	mostInterruptions = 500 // of one maintenance, open and closed: all of them are saved with it
)

// Validate refuses a draft that names no flow, or one twice, or that would last longer than anybody should wait for a
// runner that has died.
func (d InterruptionDraft) Validate() error {
	d = d.normal()
	if n := len(d.Flows); n == 0 || n > mostFlows {
		return &Invalid{Field: "flows", Rule: fmt.Sprintf("must be 1 to %d names of flows, not %d", mostFlows, n)}
	}
	for i, name := range d.Flows {
		field := indexed("flows", i)
		switch {
		case name == "":
			return &Invalid{Field: field, Rule: "must be the name of a flow, not empty"}
		case len(name) > mostFlowName:
			return &Invalid{Field: field, Rule: fmt.Sprintf("must have at most %d bytes, not %d", mostFlowName, len(name))}
		case slices.Contains(d.Flows[:i], name):
			return &Invalid{Field: field, Rule: "names " + quote(name) + " a second time"}
		}
		if err := checkLine(field, name); err != nil {
			return err
		}
	}
	if err := checkLine("reason", d.Reason); err != nil {
		return err
	}
	return checkLength(d.AtMost, d.Expected)
}

// normal trims the texts and fills in what has a default.
func (d InterruptionDraft) normal() InterruptionDraft {
	d.Flows = slices.Clone(d.Flows)
	for i := range d.Flows {
		d.Flows[i] = strings.TrimSpace(d.Flows[i])
	}
	d.Reason = strings.TrimSpace(d.Reason)
	if d.AtMost == 0 {
		d.AtMost = DefaultAtMost
	}
	return d
}

func checkLength(atMost, expected Duration) error {
	switch {
	case atMost <= 0 || atMost > mostAtMost:
		return &Invalid{Field: "at_most", Rule: "must be at most " + mostAtMost.String() + ", not " + atMost.String() + ": extend it while it lasts"}
	case expected < 0 || expected > atMost:
		return &Invalid{Field: "expected", Rule: "must be at most what it may last (" + atMost.String() + "), not " + expected.String()}
	}
	return nil
}

// Open reports whether nobody and no clock has ended it.
func (i Interruption) Open() bool { return i.Closed.IsZero() }

// end closes it. One whose time has passed ended then, for the gates ended it.
func (i *Interruption) end(now time.Time) {
	i.Closed = now
	if !now.Before(i.Lapses) {
		i.Closed, i.Lapsed = i.Lapses, true
	}
}

// pending is the interruption as what keeps its maintenance from being complete.
func (i Interruption) pending() Unfinished {
	return Unfinished{What: "interruption", Name: i.ID + " of " + strings.Join(i.Flows, ", "), Since: i.Opened, Lapses: i.Lapses}
}

// OpenInterruptions are those that have not ended.
func (m Maintenance) OpenInterruptions() []Interruption {
	var open []Interruption
	for _, i := range m.Interruptions {
		if i.Open() {
			open = append(open, i)
		}
	}
	return open
}

// Interrupt opens an interruption at now. Several may be open at once, for the same flows too: a flow is interrupted
// while any of them is. Readers see nothing of it, so the page does not count it as a change.
func (m Maintenance) Interrupt(id string, d InterruptionDraft, now time.Time, by Actor) (Maintenance, Interruption, Event, error) {
	none := Interruption{}
	if !m.Underway() {
		return m, none, Event{}, m.illegal(m.State, by, "an interruption can only open while it is under way")
	}
	if err := d.Validate(); err != nil {
		return m, none, Event{}, err
	}
	if len(m.Interruptions) >= mostInterruptions {
		return m, none, Event{}, m.illegal(m.State, by, fmt.Sprintf("it has had %d interruptions, and has no room for more: extend an open one", mostInterruptions))
	}
	d = d.normal()
	i := Interruption{
		ID: id, Flows: d.Flows, Opened: now, Lapses: now.Add(time.Duration(d.AtMost)), Reason: d.Reason, By: by,
	}
	if d.Expected > 0 {
		i.Expected = now.Add(time.Duration(d.Expected))
	}
	m = m.clone()
	m.Interruptions = append(m.Interruptions, i)
	return m, i, Event{Kind: InterruptionOpened, Subject: m.Subject(), At: now, By: by}, nil
}

// EndInterruption ends an interruption at now. Ending one that has ended is no error, for it may be told twice; then
// nothing changes, and the event is empty.
func (m Maintenance) EndInterruption(id string, now time.Time, by Actor) (Maintenance, Interruption, Event, error) {
	n, err := m.findInterruption(id)
	if err != nil {
		return m, Interruption{}, Event{}, err
	}
	if !m.Interruptions[n].Open() {
		return m, m.Interruptions[n], Event{}, nil
	}
	m = m.clone()
	m.Interruptions[n].end(now)
	return m, m.Interruptions[n], Event{Kind: InterruptionClosed, Subject: m.Subject(), At: now, By: by}, nil
}

// ExtendInterruption lets an open interruption last until atMost from now; zero is DefaultAtMost. When expected is zero,
// what was expected of its end stands. One whose time has passed has ended at the gates, and is not opened again.
func (m Maintenance) ExtendInterruption(id string, atMost, expected Duration, now time.Time, by Actor) (Maintenance, Interruption, Event, error) {
	n, err := m.findInterruption(id)
	if err != nil {
		return m, Interruption{}, Event{}, err
	}
	if atMost == 0 {
		atMost = DefaultAtMost
	}
	if err := checkLength(atMost, expected); err != nil {
		return m, Interruption{}, Event{}, err
	}
	if i := m.Interruptions[n]; !i.Open() || !now.Before(i.Lapses) {
		return m, Interruption{}, Event{}, m.illegal(m.State, by, "the interruption "+id+" has ended: open another one")
	}
	m = m.clone()
	i := &m.Interruptions[n]
	i.Lapses = now.Add(time.Duration(atMost))
	switch {
	case expected > 0:
		i.Expected = now.Add(time.Duration(expected))
	case i.Expected.After(i.Lapses):
		i.Expected = time.Time{}
	}
	return m, *i, Event{Kind: InterruptionExtended, Subject: m.Subject(), At: now, By: by}, nil
}

func (m Maintenance) findInterruption(id string) (int, error) {
	n := slices.IndexFunc(m.Interruptions, func(i Interruption) bool { return i.ID == id })
	if n < 0 {
		return 0, fmt.Errorf("interruption %s: %w", quote(id), ErrNotFound)
	}
	return n, nil
}

// Pending is all that keeps the maintenance from being complete: open interruptions, and work that is not finished.
func (m Maintenance) Pending() []Unfinished {
	var all []Unfinished
	for _, i := range m.OpenInterruptions() {
		all = append(all, i.pending())
	}
	return append(all, m.Unfinished...)
}

// nextLapse is when the first of what is pending lapses, zero when nothing does.
func (m Maintenance) nextLapse() time.Time {
	var next time.Time
	for _, u := range m.Pending() {
		if !u.Lapses.IsZero() && (next.IsZero() || u.Lapses.Before(next)) {
			next = u.Lapses
		}
	}
	return next
}

// lapsed is the maintenance without what has lapsed by now: those who held it are gone, and it blocks nothing for ever.
func (m Maintenance) lapsed(now time.Time) Maintenance {
	if next := m.nextLapse(); next.IsZero() || next.After(now) {
		return m
	}
	m = m.clone()
	m.endInterruptions(func(i Interruption) bool { return !i.Lapses.After(now) }, now)
	m.Unfinished = slices.DeleteFunc(m.Unfinished, func(u Unfinished) bool { return !u.Lapses.IsZero() && !u.Lapses.After(now) })
	return m
}

// endInterruptions ends the open interruptions that which holds for. The maintenance must be a clone.
func (m *Maintenance) endInterruptions(which func(Interruption) bool, now time.Time) {
	for n, i := range m.Interruptions {
		if i.Open() && which(i) {
			m.Interruptions[n].end(now)
		}
	}
}

// endings tells what was pending in a maintenance as it was and is no more, beside what a move was made for.
func endings(was, is Maintenance, now time.Time, by Actor) []Event {
	var told []Event
	say := func(what EventKind, lapsed bool, lapses time.Time) {
		e := Event{Kind: what, Subject: is.Subject(), At: now, By: by}
		if lapsed {
			e.Due, e.By = lapses, ByClock
		}
		told = append(told, e)
	}
	for n, i := range was.Interruptions {
		if i.Open() && !is.Interruptions[n].Open() {
			say(InterruptionClosed, is.Interruptions[n].Lapsed, i.Lapses)
		}
	}
	for _, u := range was.Unfinished {
		if !slices.ContainsFunc(is.Unfinished, func(o Unfinished) bool { return o.same(u) && o.Since.Equal(u.Since) }) {
			say(WorkClosed, true, u.Lapses)
		}
	}
	return told
}
