package status

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Tick does all that the clock has to do by now: every maintenance in the order in which things fell due, and the
// announcements of series. A series that cannot announce its next occurrence is a warning: it must not keep anything
// else from happening.
func (b *Book) Tick(now time.Time) []Warning {
	var told []Event
	for _, m := range slices.Clone(b.Maintenances) {
		next, events := m.Advance(now, b.Page.Zone())
		marked := len(next.Reminded) != len(m.Reminded) || !next.RunningSaid.Equal(m.RunningSaid)
		if len(events) == 0 && !marked && next.Version == m.Version {
			continue
		}
		b.PutMaintenance(next)
		told = append(told, events...)
	}
	slices.SortStableFunc(told, func(x, y Event) int { return x.dueAt().Compare(y.dueAt()) })
	b.Say(told...)
	var warnings []Warning
	for _, s := range slices.Clone(b.Series) {
		if due, ok := b.NextOccurrence(s, now); ok && due.After(now) {
			continue
		}
		more, err := b.Occur(s.ID, now, ByClock)
		warnings = append(warnings, more...)
		if err != nil {
			warnings = append(warnings, Warning{Field: s.Key, Text: "the next occurrence cannot be announced: " + err.Error()})
		}
	}
	return warnings
}

func (e Event) dueAt() time.Time {
	if e.Due.IsZero() {
		return e.At
	}
	return e.Due
}

// NextDue is when the clock has to do something next, if ever.
func (b *Book) NextDue(now time.Time) (time.Time, bool) {
	var next time.Time
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, m := range b.Maintenances {
		if due, ok := m.Next(); ok {
			sooner(due.At)
		}
	}
	for _, s := range b.Series {
		if at, ok := b.NextOccurrence(s, now); ok {
			sooner(at)
		}
	}
	return next, !next.IsZero()
}

// OpenIncident puts an incident on the page with its first update.
func (b *Book) OpenIncident(d IncidentDraft, now time.Time, by Actor) (Incident, error) {
	if strings.TrimSpace(d.Title) == "" {
		return Incident{}, &Invalid{Field: "title", Rule: "is required: what readers see first"}
	}
	state := cmp.Or(d.Status, Investigating)
	if !slices.Contains(incidentStates, state) && state != Resolved {
		return Incident{}, &Invalid{Field: "status", Rule: "must be investigating, identified, monitoring or, for what is over already, resolved to begin with, not " + quote(string(state))}
	}
	if d.Impact != "" && d.Impact.Rank() < 0 {
		return Incident{}, &Invalid{Field: "impact", Rule: "must be one of " + joinConditions() + ", not " + quote(string(d.Impact))}
	}
	if err := checkNames(d.Title, d.Key); err != nil {
		return Incident{}, err
	}
	affects, err := b.Resolve(d.Affects)
	if err != nil {
		return Incident{}, invalidIn(err, "affects")
	}
	i := Incident{
		ID: b.NewID(), Title: strings.TrimSpace(d.Title), State: state, Impact: cmp.Or(d.Impact, Operational),
		ImpactSaid: d.Impact != "", Metadata: d.Metadata, Releases: d.Releases, Affects: affects, Began: now, Created: now, Changed: now,
	}
	i.Key = cmp.Or(d.Key, slug(i.Title)+"-"+i.ID)
	if b.keyTaken(KindIncident, i.Key) {
		return i, &Invalid{Field: "key", Rule: "is taken by another incident: " + quote(i.Key)}
	}
	d.Body = orWording(d.Body, "We are looking into it.")
	opened, err := b.PostIncident(i, state, d.NamedPost, now, by)
	if err != nil {
		return i, err
	}
	last := &b.Written.Events[len(b.Written.Events)-1]
	last.Kind = Opened
	return opened, nil
}

// PostIncident posts an update with component statuses given by name.
func (b *Book) PostIncident(i Incident, to State, say NamedPost, now time.Time, by Actor) (Incident, error) {
	claims, err := b.resolveClaims(say.Components)
	if err != nil {
		return i, err
	}
	next, e, err := i.Post(to, now, by, Post{Body: say.Body, Quiet: say.Quiet, Conditions: claims})
	if err != nil {
		return i, err
	}
	next.Affects = PageOrder(Unique(next.Affects), b.Groups, b.Components)
	b.PutIncident(next)
	b.Say(e)
	stored, _ := b.Incident(i.ID)
	return stored, nil
}
