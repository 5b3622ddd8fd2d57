package statuspage

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.org/interlude/status"
)

// said is an update on its way into a document.
type said struct {
	id         string
	state      status.State
	at         time.Time
	body       string
	conditions map[string]status.Condition // by component here
}

// event is an incident or a maintenance on its way into a document.
type event struct {
	foundEvent
	id, name, kind string
	updates        []said // oldest first
	canceled       bool
}

// markup finds HTML in old texts.
var markup = regexp.MustCompile(`</?[a-zA-Z][a-zA-Z0-9]*(\s[^<>]*)?/?>`)

// events makes documents of the incidents and maintenances, in the order in which they began.
func (i *importer) events() {
	var all []event
	html := 0
	for _, found := range i.other.events {
		e, ok := i.event(found)
		if !ok {
			continue
		}
		all = append(all, e)
		for _, u := range e.updates {
			if markup.MatchString(u.body) {
				html++
			}
		}
	}
	if html > 0 {
		i.fitted("update", "", fmt.Sprintf("HTML stands in the texts of %d: they are kept, and the page shows Markdown without HTML", html))
	}
	slices.SortStableFunc(all, func(a, b event) int { return a.began().Compare(b.began()) })
	for _, e := range all {
		i.enter(e)
	}
}

func (e event) began() time.Time {
	if len(e.updates) > 0 {
		return e.updates[0].at
	}
	return at(e.ScheduledFor)
}

// event reads what an event is called and what was said of it.
func (i *importer) event(found foundEvent) (event, bool) {
	e := event{foundEvent: found, id: fitID(given(found.ID)), kind: "incident", name: oneLine(given(found.Name))}
	if found.planned || slices.Contains(status.MaintenanceStates, status.State(given(found.Status))) {
		e.planned, e.kind = true, "maintenance"
	}
	was := given(found.ID)
	if was == "" {
		i.lost(e.kind, e.name, "it has no identifier")
		return e, false
	}
	if e.id != was {
		i.fitted(e.kind, e.name, fmt.Sprintf("has the identifier %q there and %s here", was, e.id))
	}
	if e.name == "" {
		e.name = "Untitled"
		i.fitted(e.kind, e.id, "has no name; it is called Untitled")
	}
	if e.name != strings.TrimSpace(given(found.Name)) {
		i.fitted(e.kind, e.name, "its name was shortened to one line of 255 characters")
	}
	e.canceled = found.Interlude["state"] == string(status.Canceled)
	i.updatesOf(&e)
	return e, true
}

// updatesOf puts the updates of an event in the order in which they are shown, each with a state that may follow the one
// before.
func (i *importer) updatesOf(e *event) {
	ids := make(map[string]bool)
	for n := range slices.Backward(e.foundEvent.updates) {
		u := e.foundEvent.updates[n]
		s := said{id: given(u.ID), state: status.State(given(u.Status)), at: i.moment(e, u), body: plain(given(u.Body))}
		if s.at.IsZero() {
			i.lost("update", e.name, "an update has no time, or one in the future: "+short(s.body))
			continue
		}
		if s.id != fitID(s.id) || ids[s.id] {
			s.id = ""
		}
		ids[s.id] = true
		s.conditions = i.conditionsOf(e, u)
		e.updates = append(e.updates, s)
	}
	slices.SortStableFunc(e.updates, func(a, b said) int { return a.at.Compare(b.at) })
	i.close(e)
	i.states(e)
	i.bodies(e)
	if last := len(e.updates) - 1; last > 0 && e.updates[0].at.Equal(e.updates[last].at) && stage[e.updates[last].state] < stage[e.updates[0].state] {
		e.updates[last].at = e.updates[last].at.Add(time.Microsecond) // the order of a document follows from its ends
	}
}

// moment is when an update is shown to have been posted.
func (i *importer) moment(e *event, u foundUpdate) time.Time {
	for _, t := range []*time.Time{u.DisplayAt, u.CreatedAt, e.CreatedAt} {
		if found := at(t); !found.IsZero() && !found.After(i.now) {
			return found
		}
	}
	return time.Time{}
}

// conditionsOf are the statuses that an update gave, of the components that are known.
func (i *importer) conditionsOf(e *event, u foundUpdate) map[string]status.Condition {
	all := make(map[string]status.Condition)
	for _, a := range u.affected {
		code, is := given(a.Code), status.Condition(given(a.NewStatus))
		if i.affected(e, code, given(a.Name)) && is.Rank() >= 0 {
			all[i.ids[code]] = is
		}
	}
	return all
}

// affected reports whether a component that an event names is on the page, and says so when it is not.
func (i *importer) affected(e *event, id, name string) bool {
	if i.refs[id] != "" {
		return true
	}
	if _, header := i.other.component[id]; !header && id != "" {
		i.out.Report.NotCarried.once("component", cmp.Or(oneLine(name), id), "left the page there, so that "+e.kind+"s which name it do without it")
	}
	return false
}

// close adds what ended an event, when no update says so, and what began it, when there is none at all.
func (i *importer) close(e *event) {
	is := status.State(given(e.Status))
	if text := plain(given(e.PostmortemBody)); text != "" && !slices.ContainsFunc(e.updates, func(s said) bool { return s.state == status.Postmortem }) {
		if is == status.Postmortem && !e.planned {
			published, _ := e.PostmortemAt.(string)
			when, _ := parseTime(published)
			i.add(e, status.Postmortem, text, &when, e.PostmortemEdited, e.UpdatedAt)
		} else {
			i.lost(e.kind, e.name, "its postmortem is a draft there, and readers do not see it")
		}
	}
	last := status.State("")
	if len(e.updates) > 0 {
		last = e.updates[len(e.updates)-1].state
	}
	switch {
	case is != "" && !is.Ended() && last.Ended():
		i.fitted(e.kind, e.name, "is "+string(is)+" there, and its last update says "+string(last)+", which counts")
	case is.Ended() && !last.Ended() && last != "":
		i.add(e, is, "", e.ResolvedAt, e.UpdatedAt)
		i.fitted(e.kind, e.name, "is "+string(is)+" there and no update says so; one without words is added")
	case last == "" && (is != status.Scheduled || !e.planned):
		i.add(e, is, "", e.ResolvedAt, e.CreatedAt, e.StartedAt, e.ScheduledUntil, e.UpdatedAt)
		i.fitted(e.kind, e.name, "has no updates there; one without words is added")
	}
}

// add puts an update behind the others, at the first of the times that is known.
func (i *importer) add(e *event, is status.State, body string, times ...*time.Time) {
	s := said{state: is, body: body}
	for _, t := range times {
		if s.at = at(t); !s.at.IsZero() && !s.at.After(i.now) {
			break
		}
		s.at = time.Time{}
	}
	if n := len(e.updates); n > 0 && s.at.Before(e.updates[n-1].at) {
		s.at = e.updates[n-1].at
	}
	if !s.at.IsZero() {
		e.updates = append(e.updates, s)
	}
}

// stage orders states in time, as records do.
var stage = map[status.State]int{
	status.Scheduled: 1, status.InProgress: 2, status.Verifying: 3, status.Completed: 4, status.Canceled: 4,
	status.Investigating: 1, status.Identified: 2, status.Monitoring: 3, status.Resolved: 4, status.Postmortem: 5,
}

// alike are the states of the other kind of event, for updates that have one of these.
var alike = map[status.State]status.State{
	status.Scheduled: status.Investigating, status.InProgress: status.Identified, status.Verifying: status.Monitoring, status.Completed: status.Resolved,
	status.Investigating: status.InProgress, status.Identified: status.InProgress, status.Monitoring: status.Verifying,
	status.Resolved: status.Completed, status.Postmortem: status.Completed,
}

// states gives each update a state that its kind of event has and that may follow the one before.
func (i *importer) states(e *event) {
	kinds, first := status.IncidentStates, status.Investigating
	if e.planned {
		kinds, first = status.MaintenanceStates[:4], status.Scheduled
	}
	from := status.State("")
	for n := range e.updates {
		u := &e.updates[n]
		is := u.state
		if !slices.Contains(kinds, is) {
			is = cmp.Or(alike[is], from, first)
		}
		if from == "" && is == status.Postmortem {
			is = status.Resolved
		}
		if from != "" && is != from && !follows(from, is) {
			is = from
			if u.state == status.Postmortem {
				is = status.Resolved
			}
		}
		if is != u.state {
			i.fitted(e.kind, e.name, fmt.Sprintf("its update of %s is %q there, which cannot follow; it is entered as %s", u.at.Format(time.RFC3339), u.state, is))
		}
		u.state, from = is, is
	}
	for n := len(e.updates) - 1; n >= 0 && e.canceled && e.updates[n].state == status.Completed; n-- {
		e.updates[n].state = status.Canceled
	}
}

// follows reports whether a record may go from a state to another one.
func follows(from, to status.State) bool {
	switch {
	case from == status.Postmortem:
		return false
	case from == status.Resolved:
		return true
	case to == status.Postmortem:
		return false
	case slices.Contains(status.IncidentStates, from):
		return true
	case to == status.InProgress && from != status.Scheduled:
		return true
	}
	return !from.Ended() && stage[to] > stage[from]
}

// bodies gives each update of an incident words, and none more than an update can have.
func (i *importer) bodies(e *event) {
	const longest = 64 << 10
	for n := range e.updates {
		u := &e.updates[n]
		if len(u.body) > longest {
			u.body = plain(strings.ToValidUTF8(u.body[:longest-8], ""))
			i.fitted(e.kind, e.name, "an update was longer than 64 KiB and is cut there")
		}
		if strings.TrimSpace(u.body) == "" && !e.planned {
			u.body = cmp.Or(standardWords[u.state], "A postmortem was published.")
			i.fitted(e.kind, e.name, fmt.Sprintf("its update of %s has no words there; it says %q", u.at.Format(time.RFC3339), u.body))
		}
	}
}

// enter makes the document of an event and decides whether it is needed.
func (i *importer) enter(e event) {
	d := status.Document{Source: e.kind + " " + e.id}
	if len(e.updates) == 0 && given(e.Status) != string(status.Scheduled) {
		i.lost(e.kind, e.name, "nothing was said of it at any time that is known")
		return
	}
	have := i.kept[e.id]
	e.recall(have)
	updates := i.updateDocuments(e)
	affects := i.affectsOf(&e)
	if e.planned {
		m, ok := i.maintenance(e, affects, updates)
		if !ok {
			return
		}
		d.Maintenance = &m
	} else {
		d.Incident = &status.IncidentDocument{ID: e.id, Key: e.id, Title: e.name, Affects: affects, Impact: i.impact(e), Updates: updates}
	}
	if err := i.try(d); err != nil {
		i.lost(e.kind, e.name, "its document is refused: "+err.Error())
		return
	}
	stands := i.standing(e, d)
	if stands == withdrawn {
		return
	}
	patch := i.patch(e, have, stands)
	switch {
	case stands == apart && len(patch) > 0:
		i.keeps(e, have, slices.Sorted(maps.Keys(patch)))
		return
	case stands == apart:
		return
	case stands == absent || stands == behind:
		i.out.Report.Brought[e.kind]++
		i.out.Documents = append(i.out.Documents, d)
		for _, id := range have.affects() {
			i.moved[id] = true
		}
	}
	if len(patch) > 0 {
		i.out.Extras.Patches = append(i.out.Extras.Patches, EventPatch{e.id, e.name, patch})
	}
}

// updateDocuments are the updates, newest first. A status that is the one that was said before is not repeated.
func (i *importer) updateDocuments(e event) []status.UpdateDocument {
	documents := make([]status.UpdateDocument, 0, len(e.updates))
	before := make(map[string]status.Condition)
	for _, u := range e.updates {
		d := status.UpdateDocument{ID: u.id, Status: u.state, At: u.at, Body: u.body}
		for id, is := range u.conditions {
			if !e.planned && before[id] != is {
				if d.Components == nil {
					d.Components = make(map[string]status.Condition)
				}
				d.Components[i.called[id]] = is
				before[id] = is
			}
		}
		if e.planned {
			d.Body = literal(u.body)
		}
		documents = append(documents, d)
	}
	slices.Reverse(documents)
	return documents
}

// literal writes a text so that nothing in it is a placeholder.
func literal(body string) string {
	if !strings.Contains(body, "{{") {
		return body
	}
	escaped := strings.ReplaceAll(body, "{{", `{{ "{{" }}`)
	if back, err := status.Expand(escaped, status.Placeholders{}); err != nil || back != body {
		return body
	}
	return escaped
}

// affectsOf are the components that an event or its updates name, as documents do.
func (i *importer) affectsOf(e *event) []string {
	refs := make(map[string]bool)
	for _, c := range e.affects {
		if i.affected(e, given(c.ID), given(c.Name)) {
			refs[i.refs[given(c.ID)]] = true
		}
	}
	for _, u := range e.updates {
		for id := range u.conditions {
			refs[i.called[id]] = true
		}
	}
	return slices.Sorted(maps.Keys(refs))
}

// impact is the condition for the word that the wire has for how bad an incident was.
func (i *importer) impact(e event) status.Condition {
	is := status.Operational
	for condition, word := range impacts {
		if word == given(e.Impact) {
			is = condition
		}
	}
	return is
}

// short is the beginning of a text, for a sentence that quotes it.
func short(text string) string {
	const most = 60
	text = oneLine(text)
	if r := []rune(text); len(r) > most {
		text = string(r[:most-1]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
