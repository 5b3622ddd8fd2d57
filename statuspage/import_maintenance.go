package statuspage

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"example.org/interlude/status"
)

// maintenance makes the document of a maintenance. One that cannot be announced any more has none.
func (i *importer) maintenance(e event, affects []string, updates []status.UpdateDocument) (status.MaintenanceDocument, bool) {
	m := status.MaintenanceDocument{
		ID: e.id, Key: e.id, Title: e.name, Window: i.window(e), Affects: affects, Promises: i.promises(e), Updates: updates,
	}
	if m.Window.Start.IsZero() {
		i.lost(e.kind, e.name, "nothing tells when it was to begin")
		return m, false
	}
	open := len(e.updates) == 0 || !e.updates[len(e.updates)-1].state.Ended()
	i.modes(e, &m, open)
	if e.RemindPrior != nil && *e.RemindPrior {
		m.Reminders = []status.Duration{hourBefore}
	}
	if len(e.updates) > 0 && e.updates[len(e.updates)-1].state != status.Scheduled {
		return m, true
	}
	announced := i.now
	if len(e.updates) > 0 {
		announced = e.updates[0].at
	}
	if !m.Window.End.After(announced) {
		i.lost(e.kind, e.name, "its window had passed when it was announced, and it never began")
		return m, false
	}
	if m.Window.Start.Sub(announced) < time.Duration(i.have.Page.LeastNotice) || m.Window.Start.Before(announced) {
		m.ShortNotice = "It was announced at this time on our former status page."
		i.fitted(e.kind, e.name, "was announced later than the page here asks for; a reason stands with it")
	}
	if black, hit := i.book.Page.Blackout(m.Window); hit {
		m.DespiteBlackout = "It was announced on our former status page."
		i.fitted(e.kind, e.name, fmt.Sprintf("touches the days %s to %s, which are kept free here; a reason stands with it", black.From, black.To))
	}
	return m, true
}

// window is the announced span, with an end after its start.
func (i *importer) window(e event) status.Window {
	w := status.Window{Start: at(e.ScheduledFor), End: at(e.ScheduledUntil)}
	if w.Start.IsZero() {
		w.Start = e.began()
		for _, u := range e.updates {
			if u.state == status.InProgress {
				w.Start = u.at
				break
			}
		}
		i.fitted(e.kind, e.name, "has no start there; that of its first update is taken")
	}
	if !w.Start.IsZero() && !w.End.After(w.Start) {
		w.End = w.Start.Add(time.Minute)
		if over := at(e.ResolvedAt); over.After(w.Start) {
			w.End = over
		}
		i.fitted(e.kind, e.name, "does not end after its start there; its end is set to "+w.End.Format(time.RFC3339))
	}
	return w
}

// modes says whether the clock begins and completes a maintenance.
func (i *importer) modes(e event, m *status.MaintenanceDocument, open bool) {
	mode := func(automatic bool) status.Mode {
		if automatic {
			return status.Automatic
		}
		return status.Manual
	}
	if e.AutoInProgress != nil || e.AutoCompleted != nil {
		m.Begin = mode(e.AutoInProgress != nil && *e.AutoInProgress)
		m.Complete = mode(e.AutoCompleted != nil && *e.AutoCompleted)
		return
	}
	if !open {
		return
	}
	m.Begin, m.Complete = status.Automatic, status.Manual
	what := "the clock begins it and a person completes it: version 2 does not tell how it is there"
	if len(e.updates) == 0 || e.updates[len(e.updates)-1].state == status.Scheduled {
		if !m.Window.Start.After(i.now) { // there, the clock did not begin it either
			m.Begin = status.Manual
			what = "a person begins and completes it: its start has passed, and it has not begun"
		}
	}
	i.fitted(e.kind, e.name, what)
}

// promises are those that another Interlude tells of beside Statuspage's own fields.
func (i *importer) promises(e event) []status.Promise {
	var all []status.Promise
	list, _ := e.Interlude["promises"].([]any)
	for _, one := range list {
		object, _ := one.(fields)
		audience, _ := object["audience"].(string)
		word, _ := object["promise"].(string)
		p := status.Promise{Audience: oneLine(audience), Promise: status.Experience(word)}
		if n, isNumber := object["at_most_seconds"].(json.Number); isNumber {
			if most, err := n.Int64(); err == nil && most > 0 && most < int64(time.Duration(1<<62)/time.Second) {
				p.AtMost = status.Duration(time.Duration(most) * time.Second)
			}
		}
		if p.Validate() == nil {
			all = append(all, p)
		}
	}
	return all
}

// patch keeps what version 1 says of an event and no document can.
func (i *importer) patch(e event) {
	patch := make(map[string]any)
	if len(e.Metadata) > 0 {
		patch["metadata"] = e.Metadata
	}
	if word := given(e.ImpactOverride); word != "" && slices.Contains(stringsOf(impacts), word) {
		patch["impact_override"] = word
	}
	open := e.planned && (len(e.updates) == 0 || !e.updates[len(e.updates)-1].state.Ended())
	for name, flag := range map[string]*bool{
		"auto_transition_to_maintenance_state": e.ToMaintenance, "auto_transition_to_operational_state": e.ToOperational,
		"auto_transition_deliver_notifications_at_start": e.DeliverAtStart, "auto_transition_deliver_notifications_at_end": e.DeliverAtEnd,
	} {
		if open && flag != nil && !*flag {
			patch[name] = false
		}
	}
	if len(patch) > 0 {
		i.out.Extras.Patches = append(i.out.Extras.Patches, EventPatch{e.id, e.name, patch})
	}
}

func stringsOf(of map[status.Condition]string) []string {
	var all []string
	for _, word := range of {
		all = append(all, word)
	}
	return all
}

// keptEvent is an event as it is here.
type keptEvent struct {
	state      status.State
	title      string
	window     status.Window
	updates    []status.Update
	backfilled bool
	changed    time.Time
}

// kept are the events that are here, by identifier.
func (p Present) kept() map[string]keptEvent {
	all := make(map[string]keptEvent, len(p.Maintenances)+len(p.Incidents))
	for _, m := range p.Maintenances {
		all[m.ID] = keptEvent{m.State, m.Title, m.Window, m.Updates, m.Backfilled, m.Changed}
	}
	for _, n := range p.Incidents {
		all[n.ID] = keptEvent{n.State, n.Title, status.Window{}, n.Updates, n.Backfilled, n.Changed}
	}
	return all
}

// needed reports whether the document of an event changes anything that may be changed.
func (i *importer) needed(e event, d status.Document) bool {
	have, known := i.kept[e.id]
	if !known {
		if i.have.Withdrawn[e.id] {
			i.left(e, "was withdrawn here")
		}
		return !i.have.Withdrawn[e.id]
	}
	shared := 0
	for shared < len(have.updates) && shared < len(e.updates) && sameUpdate(have.updates[shared], e.updates[shared]) {
		shared++
	}
	named := have.title == e.name && (d.Maintenance == nil || have.window.Equal(d.Maintenance.Window))
	edited := slices.ContainsFunc(have.updates, func(u status.Update) bool { return !u.Edited.IsZero() })
	switch {
	case shared == len(e.updates) && (named && shared == len(have.updates) || !have.backfilled && shared < len(have.updates)):
		i.out.Report.There[e.kind]++ // it may have gone on here
	case !have.backfilled && (shared < len(have.updates) || edited):
		i.left(e, "went on here, where it is "+string(have.state)+", and so it did there, where it is "+cmp.Or(given(e.Status), "unknown"))
	case !have.backfilled:
		return true // only more was said there
	case edited:
		i.left(e, "was corrected here")
	case at(e.UpdatedAt).After(have.changed) || i.unheard(e, have):
		return true
	default:
		i.left(e, "was changed here, and not there since")
	}
	return false
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
