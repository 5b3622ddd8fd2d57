package statuspage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"example.org/interlude/status"
)

// keptEvent is an event as it is here.
type keptEvent struct {
	state      status.State
	title      string
	window     status.Window
	updates    []status.Update
	backfilled bool
	changed    time.Time
	// maintenance or incident is the whole of it, the other one nil.
	maintenance *status.Maintenance
	incident    *status.Incident
}

// kept are the events that are here, by identifier.
func (p Present) kept() map[string]keptEvent {
	all := make(map[string]keptEvent, len(p.Maintenances)+len(p.Incidents))
	for n := range p.Maintenances {
		m := &p.Maintenances[n]
		all[m.ID] = keptEvent{m.State, m.Title, m.Window, m.Updates, m.Backfilled, m.Changed, m, nil}
	}
	for n := range p.Incidents {
		i := &p.Incidents[n]
		all[i.ID] = keptEvent{i.State, i.Title, status.Window{}, i.Updates, i.Backfilled, i.Changed, nil, i}
	}
	return all
}

// affects are the components of which an event says something now.
func (e keptEvent) affects() []string {
	switch {
	case e.maintenance != nil && e.maintenance.Open():
		return e.maintenance.Affects
	case e.incident != nil && e.incident.Open():
		return e.incident.Affects
	}
	return nil
}

// recall gives an event the words that were found for it here when it was imported, so that its document says the same
// again: those of an announcement without words, and the announcement of a maintenance of which nothing had been said.
func (e *event) recall(have keptEvent) {
	if m := have.maintenance; m != nil && e.planned && len(m.Updates) > 0 && m.Updates[0].State == status.Scheduled {
		first := said{id: m.Updates[0].ID, state: status.Scheduled, at: m.Updates[0].At, body: m.Updates[0].Body}
		silent := !slices.ContainsFunc(e.updates, func(s said) bool { return s.state == status.Scheduled })
		if silent && (len(e.updates) == 0 || !e.updates[0].at.Before(first.at)) {
			e.updates = slices.Insert(e.updates, 0, first)
		}
	}
	for n := range min(len(e.updates), len(have.updates)) {
		if !sameUpdate(have.updates[n], e.updates[n]) {
			return
		}
		e.updates[n].body = have.updates[n].Body
	}
}

// keep gives a document what is here and was not told there, so that nothing of it is taken away.
func (e event) keep(m *status.MaintenanceDocument, have status.Maintenance) {
	m.Summary, m.Why, m.OverrunEvery, m.RemindEvery = have.Summary, have.Why, have.OverrunEvery, have.RemindEvery
	m.ShortNotice, m.DespiteBlackout = have.ShortNotice, have.DespiteBlackout
	m.Begin, m.Complete = modeOf(e.AutoInProgress, have.Begins), modeOf(e.AutoCompleted, have.Completes)
	m.Reminders = e.reminders(have.Reminders)
	if e.Interlude == nil {
		m.Promises = have.Promises
	}
}

// standing is how an event there and the one here relate.
type standing int

const (
	// absent ones are not here yet, and withdrawn ones are here no more.
	absent standing = iota
	withdrawn
	// same is an event of which the same was said, and behind one of which more was said there.
	same
	behind
	// apart is an event that went on here, or was changed here.
	apart
)

// standing finds out how an event stands here, and says so.
func (i *importer) standing(e event, d status.Document) standing {
	have, known := i.kept[e.id]
	switch {
	case !known && i.have.Withdrawn[e.id]:
		i.left(e, "was withdrawn here")
		return withdrawn
	case !known:
		return absent
	}
	shared := 0
	for shared < len(have.updates) && shared < len(e.updates) && sameUpdate(have.updates[shared], e.updates[shared]) {
		shared++
	}
	named := have.title == e.name && (d.Maintenance == nil || have.window.Equal(d.Maintenance.Window))
	edited := slices.ContainsFunc(have.updates, func(u status.Update) bool { return !u.Edited.IsZero() })
	switch {
	case shared == len(e.updates) && shared == len(have.updates) && named:
		if have.backfilled && !edited && otherwise(have.maintenance, d.Maintenance) {
			return behind
		}
		i.out.Report.There[e.kind]++
		return same
	case shared == len(e.updates) && shared < len(have.updates) && !have.backfilled:
		i.out.Report.There[e.kind]++ // and it went on here
		return apart
	case !have.backfilled && (shared < len(have.updates) || edited):
		i.left(e, "went on here, where it is "+string(have.state)+", and so it did there, where it is "+cmp.Or(given(e.Status), "unknown"))
	case !have.backfilled:
		return behind // only more was said there
	case edited:
		i.left(e, "was corrected here")
	case at(e.UpdatedAt).After(have.changed) || i.unheard(e, have):
		return behind
	default:
		i.left(e, "was changed here, and not there since")
	}
	return apart
}

// otherwise reports whether a document says something else of how a maintenance that is over began, ended and reminded.
// While one is open, version 1 sets this.
func otherwise(have *status.Maintenance, want *status.MaintenanceDocument) bool {
	if have == nil || want == nil {
		return false
	}
	begin, complete := cmp.Or(want.Begin, status.Automatic), cmp.Or(want.Complete, status.Manual)
	return begin != have.Begins || complete != have.Completes || !slices.Equal(want.Promises, have.Promises) ||
		slices.Contains(want.Reminders, hourBefore) != slices.Contains(have.Reminders, hourBefore)
}

// keeps says what an event has here that it has otherwise there.
func (i *importer) keeps(e event, have keptEvent, names []string) {
	why := "went on here, where it is " + string(have.state)
	if have.backfilled {
		why = "was changed here"
	}
	i.left(e, why+", and keeps what it has of "+strings.Join(names, ", "))
}

func (i *importer) left(e event, why string) {
	i.out.Report.LeftAlone.add(e.kind, e.name+" ("+e.id+")", why)
}

// unheard reports whether there is an update there that is not here.
func (i *importer) unheard(e event, have keptEvent) bool {
	return slices.ContainsFunc(e.updates, func(s said) bool {
		return s.id != "" && !slices.ContainsFunc(have.updates, func(u status.Update) bool { return u.ID == s.id })
	})
}

func sameUpdate(u status.Update, s said) bool {
	if s.body == "" && s.state == status.Scheduled {
		return u.State == s.state && u.At.Equal(s.at) // the announcement was written here
	}
	return u.State == s.state && u.At.Equal(s.at) && u.Body == s.body
}
