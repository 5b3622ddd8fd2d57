package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// applyRecord enters a maintenance as it was: every update with its own time, in a legal order. A record that is
// entered again with other words replaces the former one; a maintenance that the clock has kept is never rewritten.
func (b *Book) applyRecord(d MaintenanceDocument, now time.Time, by Actor) ([]Change, []Warning, error) {
	m, err := b.withPast().Plan(d)
	if err != nil {
		return nil, nil, err
	}
	updates, place, err := chronological(d.Updates, now)
	if err != nil {
		return nil, nil, err
	}
	if m, err = m.replay(updates, place, by); err != nil {
		return nil, nil, err
	}
	if m.Updates[0].Body == "" && m.Updates[0].State == Scheduled {
		m.Updates[0].Body = Announcement(m, b.Page)
	}
	for i, u := range m.Updates {
		if body, err := b.Expand(u.Body, m); err == nil {
			m.Updates[i].Body = body // braces that are no placeholders are what was said then
		}
		if err := checkBody(u.Body); err != nil {
			return nil, nil, invalidIn(err, place(i))
		}
	}
	var warnings []Warning
	if m.State == Scheduled { // still to come: the rules hold, as of when it was announced
		if warnings, err = b.checkRules(m, m.Updates[0].At); err != nil {
			return nil, nil, err
		}
	}
	have, exists := b.Maintenance(m.Key)
	_, taken := b.Maintenance(m.ID)
	if err := idStays(have.ID, m.ID, taken); err != nil {
		return nil, nil, err
	}
	if exists && !have.Backfilled {
		if err := notRewritten(have.Subject(), m.Key, have.Updates, m.Updates); err != nil {
			return nil, nil, err
		}
	}
	fields := maintenanceFields(have, m, b)
	if was, is := updatesField(have.Updates), updatesField(m.Updates); was != is {
		fields = append(fields, FieldChange{"updates", was, is})
	}
	if exists && len(fields) == 0 {
		return nil, nil, nil
	}
	action := b.place(&m.ID, have.ID, m.Updates, have.Updates)
	if exists {
		m.keep(have, now)
	}
	if m.State == Scheduled {
		warnings = append(warnings, b.cautions(m)...) // it has its id now, and does not overlap with itself
	}
	m.Backfilled, m.Changed = !m.Open(), now // what is still open goes on as a live one
	fillEffects(m.Updates, have.Updates, have.Backfilled, m.derivedEffects)
	b.PutMaintenance(m)
	b.Say(endings(have, m, now, by)...)
	b.Say(Event{Kind: Recorded, Subject: m.Subject(), At: now, By: by})
	return []Change{{Action: action, Subject: m.Subject(), Name: m.Title, Fields: fields}}, warnings, nil
}

// keep takes over what no record tells of a maintenance. Interruptions end with it.
func (m *Maintenance) keep(have Maintenance, now time.Time) {
	m.Created, m.Announced = have.Created, have.Announced
	m.Impact, m.Metadata, m.Marks, m.Releases = have.Impact, have.Metadata, have.Marks, have.Releases
	m.QuietBegin, m.QuietEnd = have.QuietBegin, have.QuietEnd
	m.Interruptions, m.Unfinished = slices.Clone(have.Interruptions), have.Unfinished
	if have.Window.Equal(m.Window) {
		m.Reminded, m.RunningSaid = have.Reminded, have.RunningSaid
	}
	m.Series, m.Occurrence, m.Detached = have.Series, have.Occurrence, have.Detached
	if !m.Open() {
		m.endInterruptions(Interruption.Open, now)
	}
}

// fillEffects gives the updates of a record their effects: as they were kept while they happened here, or as they follow
// from its states.
func fillEffects(updates, have []Update, record bool, derived func(int) []Effect) {
	for n := range updates {
		if !record && n < len(have) && len(have[n].Effects) > 0 {
			updates[n].Effects = have[n].Effects
		} else {
			updates[n].Effects = derived(n)
		}
	}
}

// notRewritten refuses to replace what was kept as it happened. The same updates again are no replacement, and neither
// are further ones after them: an event that is kept elsewhere went on there.
func notRewritten(have Subject, key string, was, is []Update) error {
	same := func(a, b Update) bool { return a.State == b.State && a.At.Equal(b.At) && a.Body == b.Body }
	if len(was) <= len(is) && slices.EqualFunc(was, is[:len(was)], same) {
		return nil
	}
	return &Invalid{Field: "key", Rule: fmt.Sprintf(
		"is that of the %s %s, which was kept as it happened and is not rewritten: %s", have.Kind, have.ID, quote(key))}
}

// place gives a record the identifiers of the one that it replaces, updates in the same place included, or new ones.
func (b *Book) place(id *string, have string, is, was []Update) Action {
	if have == "" {
		if *id == "" {
			*id = b.NewID()
		}
		return Create
	}
	*id = have
	for i := range min(len(is), len(was)) {
		if is[i].ID == "" {
			is[i].ID = was[i].ID
		}
	}
	return Amend
}

// chronological puts updates in order of time. Documents give them newest first or oldest first; anything else is
// a mistake in one of the times. place gives the path of an update as the document counts them.
func chronological(updates []UpdateDocument, now time.Time) ([]UpdateDocument, func(int) string, error) {
	sorted := slices.Clone(updates)
	newestFirst := isNewestFirst(updates)
	if newestFirst {
		slices.Reverse(sorted)
	}
	place := func(i int) string {
		if newestFirst {
			i = len(updates) - 1 - i
		}
		return indexed("updates", i)
	}
	for i, u := range sorted {
		switch {
		case u.At.IsZero():
			return nil, nil, &Invalid{Field: place(i) + ".at", Rule: "is required: when it was posted, such as 2020-01-15T07:14:00Z"}
		case CheckYear(place(i)+".at", u.At) != nil:
			return nil, nil, CheckYear(place(i)+".at", u.At)
		case checkID(u.ID) != nil:
			return nil, nil, invalidIn(checkID(u.ID), place(i))
		case u.At.After(now):
			return nil, nil, &Invalid{Field: place(i) + ".at", Rule: "is in the future: " + u.At.UTC().Format(time.RFC3339) + ". Updates are a record of what was said"}
		case i > 0 && u.At.Before(sorted[i-1].At):
			return nil, nil, &Invalid{Field: place(i) + ".at", Rule: "is out of order: updates go from newest to oldest, or from oldest to newest"}
		}
		sorted[i].Body = strings.TrimRight(u.Body, " \t\r\n")
	}
	return sorted, place, nil
}

// isNewestFirst tells in which order a document gives its updates. When the first and the last have the same time,
// their states tell; when these are the same too, it is the order of a report.
func isNewestFirst(updates []UpdateDocument) bool {
	if len(updates) < 2 {
		return false
	}
	first, last := updates[0], updates[len(updates)-1]
	if !first.At.Equal(last.At) {
		return first.At.After(last.At)
	}
	return recordRank[first.Status] >= recordRank[last.Status]
}

// recordRank orders the states of a maintenance, and those of an incident, in time. A record may skip states, for what was never posted cannot
// be entered; it may not go back, but for a completed or verifying maintenance that was reopened.
var recordRank = map[State]int{
	Scheduled: 1, InProgress: 2, Verifying: 3, Completed: 4, Canceled: 4,
	Investigating: 1, Identified: 2, Monitoring: 3, Resolved: 4, Postmortem: 5,
}

// replay takes the maintenance through its recorded updates.
func (m Maintenance) replay(updates []UpdateDocument, place func(int) string, by Actor) (Maintenance, error) {
	m.Backfilled, m.State, m.Updates = true, updates[0].Status, nil
	m.Created, m.Changed = updates[0].At, updates[len(updates)-1].At
	for i, u := range updates {
		what, from := Updated, m.State
		reopened := u.Status == InProgress && (from == Verifying || from == Completed)
		switch {
		case len(u.Components) > 0:
			return m, &Invalid{Field: place(i) + ".components", Rule: "cannot be given for a maintenance: its components are under maintenance while it is in progress"}
		case !slices.Contains(MaintenanceStates, u.Status):
			return m, &Invalid{Field: place(i) + ".status", Rule: "must be scheduled, in_progress, verifying, completed or canceled, not " + quote(string(u.Status))}
		case u.Status != from && !reopened && (from.Ended() || recordRank[u.Status] < recordRank[from]):
			return m, &Invalid{Field: place(i) + ".status", Rule: fmt.Sprintf("cannot follow %s: got %s", from, u.Status)}
		case i == 0 || u.Status != from:
			what = recordedAs(from, u.Status)
		}
		m.State = u.Status
		m.Updates = append(m.Updates, Update{ID: u.ID, State: u.Status, Event: what, At: u.At, Body: u.Body, By: by, Quiet: true})
		switch {
		case reopened:
			m.Ended = time.Time{}
		case u.Status.Ended() && m.Ended.IsZero() && (u.Status == Completed || !m.Began.IsZero()):
			m.Ended = u.At
		}
		if m.Began.IsZero() && (u.Status == InProgress || u.Status == Verifying) {
			m.Began = u.At
		}
	}
	return m, nil
}

func recordedAs(from, to State) EventKind {
	switch to {
	case Scheduled:
		return Announced
	case InProgress:
		if from == Scheduled || from == InProgress {
			return Begun
		}
		return Reopened
	case Verifying:
		return Verified
	case Completed:
		return Finished
	case Canceled:
		return CalledOff
	}
	return Updated
}

// applyIncident enters an incident as it was or, when its last update leaves it open, as it stands.
func (b *Book) applyIncident(d IncidentDocument, now time.Time, by Actor) ([]Change, []Warning, error) {
	i, err := b.record(d, now, by)
	if err != nil {
		return nil, nil, err
	}
	have, exists := b.Incident(i.Key)
	_, taken := b.Incident(i.ID)
	if err := idStays(have.ID, i.ID, taken); err != nil {
		return nil, nil, err
	}
	if exists && !have.Backfilled {
		if err := notRewritten(have.Subject(), i.Key, have.Updates, i.Updates); err != nil {
			return nil, nil, err
		}
	}
	var fields differences
	fields.add("title", have.Title, i.Title)
	fields.add("affects", namesField(have.Affects, b), namesField(i.Affects, b))
	fields.add("impact", string(have.Impact), string(i.Impact))
	fields.add("updates", updatesField(have.Updates), updatesField(i.Updates))
	if exists && len(fields) == 0 {
		return nil, nil, nil
	}
	action := b.place(&i.ID, have.ID, i.Updates, have.Updates)
	if exists {
		i.Created, i.Metadata, i.Releases, i.Draft, i.DraftAt = have.Created, have.Metadata, have.Releases, have.Draft, have.DraftAt
	}
	i.Changed, i.Backfilled = now, !i.Open()
	fillEffects(i.Updates, have.Updates, have.Backfilled, i.derivedEffects)
	b.PutIncident(i)
	b.Say(Event{Kind: Recorded, Subject: i.Subject(), At: now, By: by})
	return []Change{{Action: action, Subject: i.Subject(), Name: i.Title, Fields: fields}}, nil, nil
}

func (b *Book) record(d IncidentDocument, now time.Time, by Actor) (Incident, error) {
	none := Incident{}
	if strings.TrimSpace(d.Title) == "" {
		return none, &Invalid{Field: "title", Rule: "is required: what readers see first"}
	}
	if len(d.Updates) == 0 {
		return none, &Invalid{Field: "updates", Rule: "must hold at least one update"}
	}
	if d.Impact != "" && d.Impact.Rank() < 0 {
		return none, &Invalid{Field: "impact", Rule: "must be one of " + joinConditions() + ", not " + quote(string(d.Impact))}
	}
	if err := checkNames(d.Title, d.Key); err != nil {
		return none, err
	}
	affects, err := b.withPast().Resolve(d.Affects)
	if err != nil {
		return none, invalidIn(err, "affects")
	}
	updates, place, err := chronological(d.Updates, now)
	if err != nil {
		return none, err
	}
	first := updates[0]
	if !slices.Contains(append(slices.Clone(incidentStates), Resolved), first.Status) {
		return none, &Invalid{Field: "updates", Rule: "must begin, in time, with investigating, identified, monitoring or resolved, not " + quote(string(first.Status))}
	}
	if err := checkID(d.ID); err != nil {
		return none, err
	}
	i := Incident{
		ID: d.ID, Key: d.RefKey(), Title: strings.TrimSpace(d.Title), State: first.Status, Impact: cmp.Or(d.Impact, Operational), ImpactSaid: d.Impact != "",
		Affects: affects, Began: first.At, Created: first.At, Backfilled: true,
	}
	for n, u := range updates {
		claims, err := b.withPast().resolveClaims(u.Components)
		if err != nil {
			return none, invalidIn(err, place(n))
		}
		if i, _, err = i.Post(u.Status, u.At, Actor{Person, by.Name}, Post{Body: u.Body, Quiet: true, Conditions: claims}); err != nil {
			return none, invalidIn(err, place(n))
		}
		i.Updates[n].ID = u.ID
	}
	i.Affects = PageOrder(Unique(i.Affects), b.Groups, b.Components)
	if d.Impact == "" && i.Impact == Operational && len(i.Affects) > 0 && len(i.Claims()) == 0 {
		i.Impact = DegradedPerformance
	}
	return i, nil
}

// resolveClaims turns statuses by component name into statuses by id.
func (b *Book) resolveClaims(byName map[string]Condition) (map[string]Condition, error) {
	if len(byName) == 0 {
		return nil, nil
	}
	claims := make(map[string]Condition, len(byName))
	for name, condition := range byName {
		if condition.Rank() < 0 {
			return nil, &Invalid{Field: "components." + name, Rule: "must be one of " + joinConditions() + ", not " + quote(string(condition))}
		}
		ids, err := b.Resolve([]string{name})
		if err != nil {
			return nil, invalidIn(err, "components")
		}
		for _, id := range ids {
			claims[id] = condition
		}
	}
	return claims, nil
}
