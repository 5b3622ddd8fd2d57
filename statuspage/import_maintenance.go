package statuspage

import (
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
	if have := i.kept[e.id].maintenance; have != nil {
		e.keep(&m, *have)
	} else {
		i.modes(e, &m, open)
		m.Reminders = e.reminders(nil)
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
	late := m.Window.Start.Sub(announced) < time.Duration(i.have.Page.LeastNotice) || m.Window.Start.Before(announced)
	if late && m.ShortNotice == "" {
		m.ShortNotice = "It was announced at this time on our former status page."
		i.fitted(e.kind, e.name, "was announced later than the page here asks for; a reason stands with it")
	}
	if black, hit := i.book.Page.Blackout(m.Window); hit && m.DespiteBlackout == "" {
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
	if e.AutoInProgress != nil || e.AutoCompleted != nil {
		m.Begin, m.Complete = modeOf(e.AutoInProgress, status.Manual), modeOf(e.AutoCompleted, status.Manual)
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

// modeOf is the mode for a flag of Statuspage, or another one where there is none.
func modeOf(flag *bool, otherwise status.Mode) status.Mode {
	switch {
	case flag == nil:
		return otherwise
	case *flag:
		return status.Automatic
	}
	return status.Manual
}

// reminders are the lead times of a maintenance that has others here: Statuspage tells of an hour alone.
func (e event) reminders(here []status.Duration) []status.Duration {
	if e.RemindPrior == nil {
		return here
	}
	all := slices.DeleteFunc(slices.Clone(here), func(d status.Duration) bool { return d == hourBefore })
	if *e.RemindPrior {
		all = append(all, hourBefore)
	}
	return all
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
