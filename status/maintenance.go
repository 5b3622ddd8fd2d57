package status

import (
	"slices"
	"time"
)

// Maintenance is planned work, from its announcement to its report.
//
//	            ┌────────────► canceled ◄──────┐
//	            │                              │
//	scheduled ──┴─► in_progress ──┬────────────┤
//	                  ▲  ▲        ▼            │
//	                  │  └── verifying ────────┤
//	                  │           ▼            │
//	                  └─ ─ ─ completed         │
//	                 (a person only)
//
// Its methods never change the receiver: they return the next value and what happened, or an error that says
// why not. What is not set has a working meaning: it begins by itself and is completed by a person.
type Maintenance struct {
	ID string `json:"id"`
	// Key is the name by which its document finds it again; unique on the page.
	Key   string `json:"key"`
	Title string `json:"title"`
	State State  `json:"state"`
	// Window is the announced span as it stands, and Announced as it was first told.
	Window    Window `json:"window"`
	Announced Window `json:"announced"`
	// Began and Ended are measured; zero while it has not happened.
	Began time.Time `json:"began,omitzero"`
	Ended time.Time `json:"ended,omitzero"`
	// Estimate is the end as now expected, zero when it is the window's.
	Estimate time.Time `json:"estimate,omitzero"`
	// Begins and Completes say whether the clock may do it: by default it begins and does not complete.
	Begins    Mode `json:"begin"`
	Completes Mode `json:"complete"`
	// Summary and Why are Markdown, and may hold placeholders such as {{ .Window }}.
	Summary string `json:"summary,omitempty"`
	Why     string `json:"why,omitempty"`
	// Affects are component ids, in the order of the page.
	Affects  []string  `json:"affects"`
	Promises []Promise `json:"promises,omitempty"`
	// Reminders are lead times before the start, longest first; Reminded those that were spoken for this start.
	Reminders []Duration `json:"reminders,omitempty"`
	Reminded  []Duration `json:"reminded,omitempty"`
	// RemindEvery is how often subscribers are told that it goes on, counted from the announced start; zero is never.
	RemindEvery Duration `json:"remind_every,omitempty"`
	// RunningSaid is the moment for which it was last said that it goes on, or at which RemindEvery changed meanwhile; zero
	// while there is none.
	RunningSaid time.Time `json:"running_said,omitzero"`
	// OverrunEvery is how often an overrun is repeated; zero is every 30 minutes.
	OverrunEvery Duration `json:"overrun_every,omitempty"`
	// OverrunSaid is the moment for which an overrun was last said, zero while there is none.
	OverrunSaid time.Time `json:"overrun_said,omitzero"`
	// ShortNotice and DespiteBlackout are reasons, shown to readers, for breaking the page's rules.
	ShortNotice     string `json:"short_notice,omitempty"`
	DespiteBlackout string `json:"despite_blackout,omitempty"`
	// Series and Occurrence tell which recurring maintenance it belongs to and which start of it, as the rule gave it.
	Series     string    `json:"series,omitempty"`
	Occurrence time.Time `json:"occurrence,omitzero"`
	// Detached occurrences were edited by themselves and no longer follow their series.
	Detached bool `json:"detached,omitempty"`
	// Impact is what a person said of its impact; empty is under maintenance.
	Impact Condition `json:"impact,omitempty"`
	// Marks says whether its components are under maintenance while it is under way, as they are by default, or only show
	// what its updates say; Releases whether they become what they otherwise are when it ends, as by default, or
	// stay as they are until a person sets them.
	Marks    Mode `json:"marks,omitempty"`
	Releases Mode `json:"releases,omitempty"`
	// QuietBegin and QuietEnd keep what the clock does at its start and at its end from being told to subscribers.
	QuietBegin bool `json:"quiet_begin,omitempty"`
	QuietEnd   bool `json:"quiet_end,omitempty"`
	// Metadata is what programs keep with it, by their names.
	Metadata map[string]any `json:"metadata,omitempty"`
	// Interruptions are those that were opened during it, in that order, and Unfinished is what else keeps it from being
	// complete: running steps, holds not drained. Pending is both.
	Interruptions []Interruption `json:"interruptions,omitempty"`
	Unfinished    []Unfinished   `json:"unfinished,omitempty"`
	// Backfilled maintenances were entered afterwards.
	Backfilled bool      `json:"backfilled,omitempty"`
	Updates    []Update  `json:"updates"`
	Created    time.Time `json:"created"`
	Changed    time.Time `json:"changed"`
	Version    int64     `json:"version"`
	// Removed is when it was withdrawn altogether, as if it had never been announced; readers see nothing of it.
	Removed time.Time `json:"removed,omitzero"`
}

// DefaultOverrunEvery is how often an overrun is repeated when nothing else was chosen.
const DefaultOverrunEvery = Duration(30 * time.Minute)

// Subject names the maintenance in events and errors.
func (m Maintenance) Subject() Subject { return Subject{KindMaintenance, m.ID} }

// Open reports whether it is planned or under way.
func (m Maintenance) Open() bool { return !m.State.Ended() && m.Removed.IsZero() }

// Underway reports whether work is going on or being verified.
func (m Maintenance) Underway() bool {
	return m.Open() && (m.State == InProgress || m.State == Verifying)
}

// Overrun is how long the announced end has passed while the work goes on; zero when it has not.
func (m Maintenance) Overrun(now time.Time) time.Duration {
	if !m.Underway() || !now.After(m.Window.End) {
		return 0
	}
	return now.Sub(m.Window.End)
}

// Late reports whether its start has passed although it has not begun. A minute is granted: the clock needs a moment
// for what begins by itself.
func (m Maintenance) Late(now time.Time) bool {
	return m.State == Scheduled && now.After(m.Window.Start.Add(time.Minute))
}

// ExpectedEnd is the best estimate of its end: a newer estimate where one was given, else the window's end.
func (m Maintenance) ExpectedEnd() time.Time {
	if !m.Estimate.IsZero() {
		return m.Estimate
	}
	return m.Window.End
}

// clone copies what a change could share with its receiver.
func (m Maintenance) clone() Maintenance {
	m.Affects = slices.Clone(m.Affects)
	m.Promises = slices.Clone(m.Promises)
	m.Reminders = slices.Clone(m.Reminders)
	m.Reminded = slices.Clone(m.Reminded)
	m.Interruptions = slices.Clone(m.Interruptions)
	m.Unfinished = slices.Clone(m.Unfinished)
	m.Updates = slices.Clone(m.Updates)
	return m
}
