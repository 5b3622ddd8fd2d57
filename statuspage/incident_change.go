package statuspage

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

func (c *call) updateIncident() (any, error) {
	e, err := c.view().event(c.id("incident_id"))
	if err != nil {
		return nil, err
	}
	body, err := c.readIncident()
	if err != nil {
		return nil, err
	}
	if err := body.fits(e); err != nil {
		return nil, err
	}
	err = c.change([]string{e.Subject().ID}, func(b *status.Book, now time.Time) error {
		if err := checkComponents(b, body.affects(), affectsOf(e)); err != nil {
			return err
		}
		body := body.present(b)
		if e.Maintenance != nil {
			return body.named(body.changeMaintenance(b, e.Maintenance.ID, now, c.by))
		}
		return body.changeIncident(b, e.Incident.ID, now, c.by)
	})
	if err != nil {
		return nil, err
	}
	return c.shownEvent(e.Subject().ID)
}

func affectsOf(e board.Event) []string {
	if e.Maintenance != nil {
		return e.Maintenance.Affects
	}
	return e.Incident.Affects
}

// present is the body without the statuses of components that have left the page: nobody sees them.
func (b incidentBody) present(book *status.Book) incidentBody {
	if b.Components == nil {
		return b
	}
	b.Components = maps.Clone(b.Components)
	for id := range b.Components {
		if c, ok := book.Component(id); ok && !c.Removed.IsZero() {
			b.Components[id] = ""
		}
	}
	return b
}

// named gives a refusal the name of the field that was sent: a window has two on this wire, and components may be given
// in two ways.
func (b incidentBody) named(err error) error {
	var invalid *status.Invalid
	switch {
	case !errors.As(err, &invalid):
	case invalid.Field == "window" && b.ScheduledFor == nil:
		return &status.Invalid{Field: "scheduled_until", Rule: invalid.Rule}
	case invalid.Field == "affects" && b.ComponentIDs == nil:
		return &status.Invalid{Field: "components", Rule: invalid.Rule}
	}
	return err
}

// fits refuses what the kind of event does not have: an incident is not scheduled, a maintenance not investigated.
func (b incidentBody) fits(e board.Event) error {
	state := status.State(given(b.Status))
	switch {
	case e.Maintenance != nil && state != "" && !slices.Contains(status.MaintenanceStates, state):
		return oneOf("status", string(state), words(status.MaintenanceStates[:4])...)
	case e.Incident != nil && state != "" && !slices.Contains(status.IncidentStates, state):
		return oneOf("status", string(state), words(status.IncidentStates)...)
	case b.Backfilled != nil && *b.Backfilled && !backfilled(e):
		return unprocessable("backfilled cannot be given for an event that was kept as it happened: create one of its own")
	case b.BackfillDate != nil:
		return unprocessable("backfill_date cannot be changed: correct display_at of the incident's update")
	case e.Incident != nil && b.unplanned() != nil:
		return b.unplanned()
	case e.Incident != nil && (b.ScheduledFor != nil || b.ScheduledUntil != nil):
		return unprocessable("scheduled_for cannot be given for an incident: create a maintenance of its own")
	}
	return nil
}

func backfilled(e board.Event) bool {
	return e.Maintenance != nil && e.Maintenance.Backfilled || e.Incident != nil && e.Incident.Backfilled
}

// changeMaintenance makes a maintenance what the body says, and then moves it or posts what it says.
func (b incidentBody) changeMaintenance(book *status.Book, id string, now time.Time, by status.Actor) error {
	m, found := book.Maintenance(id)
	if !found || !m.Removed.IsZero() {
		return notFound("Incident")
	}
	state, say := status.State(given(b.Status)), status.Post{Body: b.bodyOf(), Quiet: b.quiet(), Literal: true, Conditions: b.conditions()}
	moves := state != "" && stateOf(m.State) != string(state)
	if moves || m.State != status.Scheduled {
		m, said, err := b.amendUnderway(book, m, say, moves, now, by)
		switch {
		case err != nil:
			return err
		case moves:
			_, err = book.MoveMaintenance(m, state, say, now, by)
			return err
		case say.Body == "" || said:
			return setConditions(book, say.Conditions, now, by)
		}
		_, err = book.MoveMaintenance(m, "", say, now, by)
		return err
	}
	claims := b.claims(book)
	was := len(m.Updates)
	m, err := b.amend(book, m, say, now, by)
	if len(m.Updates) > was {
		say.Body = "" // the words stand with what was changed
	}
	if err != nil || say.Body == "" && len(claims) == 0 {
		return err
	}
	say.Conditions = claims
	say.Body = cmp.Or(say.Body, "The status of components during the maintenance was set.")
	_, err = book.MoveMaintenance(m, "", say, now, by)
	return err
}

// wanted is a maintenance with what the body says of its name, window, components and settings. A time that is the same
// to the second is the one that was read.
func (b incidentBody) wanted(book *status.Book, m status.Maintenance) (status.Maintenance, error) {
	want := m
	want.Title = cmp.Or(given(b.Name), m.Title)
	b.settings(&want)
	if b.ComponentIDs != nil || len(b.Components) > 0 {
		want.Affects = b.affects()
		if b.ComponentIDs == nil {
			want.Affects = slices.Concat(m.Affects, want.Affects)
		}
		want.Affects = status.PageOrder(status.Unique(want.Affects), book.Groups, book.Components)
	}
	if at := b.ScheduledFor; at != nil && !at.Equal(m.Window.Start.Truncate(time.Second)) {
		want.Window.Start = *at
	}
	if at := b.ScheduledUntil; at != nil && !at.Equal(m.Window.End.Truncate(time.Second)) {
		want.Window.End = *at
	}
	return want, want.Window.Validate()
}

// amend makes a maintenance that has not begun what the body says.
func (b incidentBody) amend(book *status.Book, m status.Maintenance, say status.Post, now time.Time, by status.Actor) (status.Maintenance, error) {
	want, err := b.wanted(book, m)
	if err != nil {
		return m, err
	}
	amended, _, _, err := book.Amend(m, want, now, by, say)
	return amended, err
}

// amendUnderway makes a maintenance that is to move, or has begun, what the body says. Another end is told with the
// words of the body, and said tells that they went out with it; one that ends now needs no other announced end.
func (b incidentBody) amendUnderway(
	book *status.Book, m status.Maintenance, say status.Post, moves bool, now time.Time, by status.Actor,
) (amended status.Maintenance, said bool, err error) {
	want, err := b.wanted(book, m)
	if err != nil {
		return m, false, err
	}
	if m.Underway() && want.Window.Start.Equal(m.Window.Start) && !want.Window.End.Equal(m.Window.End) {
		ends := status.State(given(b.Status)).Ended()
		if !ends {
			words := say
			if words.Conditions = nil; moves {
				words.Body = "" // they go out with the move
			}
			if m, err = book.Transit(m, movedEnd(want.Window.End), words, now, by); err != nil {
				return m, false, err
			}
			said = !moves
		}
		want.Window = m.Window
	}
	alone := !moves && !said && say.Body == "" // nothing else tells of it
	m, _, _, err = book.Amend(m, want, now, by, status.Post{Quiet: say.Quiet || !alone})
	return m, said, err
}

// movedEnd moves the announced end of a maintenance that is under way, to later or to earlier.
func movedEnd(to time.Time) status.Transition {
	return func(m status.Maintenance, now time.Time, by status.Actor, say status.Post) (status.Maintenance, status.Event, error) {
		if to.Before(m.Window.End) {
			return m.Shorten(to, now, by, say)
		}
		return m.Extend(to, now, by, say)
	}
}

// setConditions is a person's word on components, for what was said without an update.
func setConditions(book *status.Book, conditions map[string]status.Condition, now time.Time, by status.Actor) error {
	for _, id := range slices.Sorted(maps.Keys(conditions)) {
		c, found := book.Component(id)
		if !found {
			continue
		}
		if _, err := book.SetComponent(c, conditions[id], now, by); err != nil {
			return err
		}
	}
	return nil
}

// changeIncident makes an incident what the body says, and then moves it or posts what it says.
func (b incidentBody) changeIncident(book *status.Book, id string, now time.Time, by status.Actor) error {
	i, found := book.Incident(id)
	if !found || !i.Removed.IsZero() {
		return notFound("Incident")
	}
	want := i
	want.Title = cmp.Or(given(b.Name), i.Title)
	if said := b.impact(); said != "" {
		want.Impact, want.ImpactSaid = said, true
	}
	if b.Metadata != nil {
		want.Metadata = b.metadata()
	}
	switch {
	case b.ComponentIDs != nil:
		want.Affects = b.affects()
	case len(b.Components) > 0:
		want.Affects = slices.Concat(i.Affects, b.affects())
	}
	for _, condition := range b.conditions() { // also of those that are given without words
		if i.Open() && !want.ImpactSaid {
			want.Impact = status.Worst(want.Impact, condition)
		}
	}
	i, err := book.AmendIncident(i, want, now, by)
	if err != nil {
		return err
	}
	state, body := status.State(given(b.Status)), b.bodyOf()
	if body == "" && (state == "" || state == i.State) {
		return setConditions(book, b.conditions(), now, by)
	}
	_, err = book.PostIncident(i, state, status.NamedPost{
		Body: cmp.Or(body, standardWords[state]), Quiet: b.quiet(), Components: b.conditions(),
	}, now, by)
	return err
}
