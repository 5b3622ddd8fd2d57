package status

import (
	"slices"
	"time"
)

// startGrace is how long after its start a maintenance that waits for a person is called late.
const startGrace = 5 * time.Minute

// endGrace is how long before the announced end it is no longer said that the work goes on.
const endGrace = 5 * time.Minute

// Due is what the clock has to do next, and when.
type Due struct {
	At   time.Time
	What EventKind
	// Lead is a reminder's.
	Lead Duration
}

// Next is the next thing that the clock will do to the maintenance, if any.
func (m Maintenance) Next() (Due, bool) {
	switch {
	case !m.Open():
	case m.State == Scheduled:
		return m.nextScheduled()
	case m.Underway():
		return m.nextUnderway(), true
	}
	return Due{}, false
}

func (m Maintenance) nextScheduled() (Due, bool) {
	for _, lead := range m.Reminders {
		at := m.Window.Start.Add(-time.Duration(lead))
		if !slices.Contains(m.Reminded, lead) && at.After(m.Created) {
			return Due{At: at, What: Reminded, Lead: lead}, true
		}
	}
	if m.Begins != Manual {
		return Due{At: m.Window.Start, What: Begun}, true
	}
	late := m.Window.Start.Add(startGrace)
	said := slices.ContainsFunc(m.Updates, func(u Update) bool { return u.Event == Delayed && u.Due.Equal(late) })
	return Due{At: late, What: Delayed}, !said
}

// nextUnderway is what comes first: something pending lapses, or something is to be said or done.
func (m Maintenance) nextUnderway() Due {
	due := m.nextWord()
	if lapse := m.nextLapse(); !lapse.IsZero() && !lapse.After(due.At) {
		return Due{At: lapse, What: InterruptionClosed}
	}
	return due
}

func (m Maintenance) nextWord() Due {
	if at := m.nextRunning(); !at.IsZero() {
		return Due{At: at, What: Running}
	}
	if m.Completes == Automatic && len(m.Pending()) == 0 && !m.reopened() {
		return Due{At: m.Window.End, What: Finished}
	}
	if m.OverrunSaid.IsZero() {
		return Due{At: m.Window.End, What: Overran}
	}
	return Due{At: m.OverrunSaid.Add(m.overrunEvery()), What: Overran}
}

// nextRunning is when it is to be said next that the work goes on, zero when not before the end. An update overtakes the
// moments before it, for readers of it know: after a reopening or an extension the count goes on with the next one.
func (m Maintenance) nextRunning() time.Time {
	if m.RemindEvery <= 0 {
		return time.Time{}
	}
	since := later(m.Window.Start, m.RunningSaid)
	if n := len(m.Updates); n > 0 {
		since = later(since, m.Updates[n-1].At)
	}
	at := m.runningAt(since).Add(time.Duration(m.RemindEvery))
	if !at.Before(m.runningEnd()) {
		return time.Time{}
	}
	return at
}

// runningAt is the last moment up to t at which it is to be said that the work goes on, the announced start included.
func (m Maintenance) runningAt(t time.Time) time.Time {
	return m.Window.Start.Add(t.Sub(m.Window.Start).Truncate(time.Duration(m.RemindEvery)))
}

// runningEnd is when it is no longer said that the work goes on: its end, or that it takes longer, is said soon.
func (m Maintenance) runningEnd() time.Time { return m.Window.End.Add(-endGrace) }

func (m Maintenance) reopened() bool {
	return slices.ContainsFunc(m.Updates, func(u Update) bool { return u.Event == Reopened })
}

func (m Maintenance) overrunEvery() time.Duration {
	if m.OverrunEvery > 0 {
		return time.Duration(m.OverrunEvery)
	}
	return time.Duration(DefaultOverrunEvery)
}

// Advance does all that is due by now, in order, and tells what happened.
//
// A process that slept catches up: every transition is made with the time that it was announced for, while repeated
// things collapse. Several missed reminders become the last one, and none is given once the start has passed, nor that
// it goes on towards the end; an overrun that would have been said five times is said once.
func (m Maintenance) Advance(now time.Time, zone *time.Location) (Maintenance, []Event) {
	var told []Event
	for {
		due, ok := m.Next()
		if !ok || due.At.After(now) {
			return m, told
		}
		if due.What == InterruptionClosed {
			next := m.lapsed(due.At)
			told, m = append(told, endings(m, next, now, ByClock)...), next
			continue
		}
		next, e, err := m.perform(due, now, zone)
		if err != nil {
			// Next offers only what the life cycle allows, so this cannot happen; stopping is safe if it does.
			return m, told
		}
		m = next
		if e.Kind != "" {
			told = append(told, e)
		}
	}
}

func (m Maintenance) perform(due Due, now time.Time, zone *time.Location) (Maintenance, Event, error) {
	say := Post{Zone: zone}
	switch due.What {
	case Reminded:
		return m.remind(due, now)
	case Begun:
		say.Quiet = m.QuietBegin
		return m.Begin(now, ByClock, say)
	case Running:
		next, e := m.run(now)
		return next, e, nil
	case Finished:
		say.Quiet = m.QuietEnd
		next, e, err := m.Complete(now, ByClock, say)
		return next.dated(e, due.At, err)
	case Delayed:
		say.Body = delayedWords(m.Window.Start, now, say.zone())
		next, e, err := m.move(Scheduled, Delayed, now, ByClock, say)
		return next.dated(e, due.At, err)
	case Overran:
		say.Body = overrunWords(m, now, say.zone())
		next, e, err := m.move(m.State, Overran, now, ByClock, say)
		next, e, err = next.dated(e, due.At, err)
		next.OverrunSaid = due.At
		for every := m.overrunEvery(); !next.OverrunSaid.Add(every).After(now); {
			next.OverrunSaid = next.OverrunSaid.Add(every)
		}
		return next, e, err
	}
	return m, Event{}, nil
}

// run marks that the work was said to go on. Of several missed moments the last one is told, and none towards the end.
func (m Maintenance) run(now time.Time) (Maintenance, Event) {
	m = m.clone()
	if end := m.runningEnd(); !now.Before(end) {
		m.RunningSaid = m.runningAt(end)
		return m, Event{}
	}
	m.RunningSaid = m.runningAt(now)
	return m, Event{Kind: Running, Subject: m.Subject(), At: now, Due: m.RunningSaid, By: ByClock, Told: true}
}

// dated notes when the last update was due.
func (m Maintenance) dated(e Event, due time.Time, err error) (Maintenance, Event, error) {
	if err == nil {
		e.Due, m.Updates[len(m.Updates)-1].Due = due, due
	}
	return m, e, err
}

// remind marks a lead time as spoken. Only the shortest lead time that has passed is told, and only before the start.
func (m Maintenance) remind(due Due, now time.Time) (Maintenance, Event, error) {
	m = m.clone()
	m.Reminded = append(m.Reminded, due.Lead)
	overtaken := slices.ContainsFunc(m.Reminders, func(lead Duration) bool {
		return lead < due.Lead && !m.Window.Start.Add(-time.Duration(lead)).After(now)
	})
	if overtaken || !now.Before(m.Window.Start) {
		return m, Event{}, nil
	}
	return m, Event{
		Kind: Reminded, Subject: m.Subject(), At: now, Due: due.At, By: ByClock,
		Lead: time.Duration(due.Lead), Told: true,
	}, nil
}
