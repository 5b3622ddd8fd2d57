package statuspage

import (
	"slices"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

// view shows a picture in the shapes of the wire: in the page's zone and with milliseconds as version 2 does, or in
// UTC and seconds as version 1 does.
type view struct {
	p    *board.Picture
	home string // the page's address, without a slash at its end
	zone *time.Location
	// moments is the layout of times, and posted that of those of updates.
	moments, posted string
}

const (
	millis  = "2006-01-02T15:04:05.000Z07:00"
	seconds = "2006-01-02T15:04:05Z07:00"
)

func public(p *board.Picture, home string) view {
	return view{p: p, home: home, zone: p.Page.Zone(), moments: millis, posted: millis}
}

func managed(p *board.Picture, home string) view {
	return view{p: p, home: home, zone: time.UTC, moments: seconds, posted: millis}
}

func (v view) at(t time.Time) string { return t.In(v.zone).Format(v.moments) }

func (v view) atOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := v.at(t)
	return &text
}

// orNull is text, or null where there is none.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

func (v view) page() Page {
	zone := v.p.Page.TimeZone
	if zone == "" || zone == "UTC" {
		zone = "Etc/UTC"
	}
	return Page{ID: v.p.Page.ID, Name: v.p.Page.Name, URL: v.home, TimeZone: zone, UpdatedAt: v.at(latest(v.p.Changed, v.p.Page.Changed))}
}

// components are all that is on the page, in its order, groups before what they hold.
func (v view) components() []Component {
	all := make([]Component, 0, len(v.p.Components)+len(v.p.Groups))
	shown := make(map[string]bool)
	for _, c := range v.p.Components {
		if g, ok := v.p.Group(c.GroupID); ok && !shown[g.ID] {
			shown[g.ID] = true
			all = append(all, v.group(g))
		}
		all = append(all, v.component(c))
	}
	for _, g := range v.p.Groups {
		if !shown[g.ID] {
			all = append(all, v.group(g))
		}
	}
	return all
}

func (v view) component(c status.Component) Component {
	start := c.Start
	if start.IsZero() && !c.Created.IsZero() {
		start = status.DateOf(c.Created.In(v.p.Page.Zone()))
	}
	condition, shown := v.p.Conditions[c.ID]
	if !shown {
		condition = c.Condition
	}
	return Component{
		ID: c.ID, Name: c.Name, Status: string(condition), CreatedAt: v.at(c.Created),
		UpdatedAt: v.at(latest(c.Created, c.Changed, c.SetAt, v.p.Moved[c.ID])), Position: c.Position,
		Description: orNull(c.Description), Showcase: !c.HideUptime, StartDate: dateOrNull(start),
		GroupID: orNull(c.GroupID), PageID: v.p.Page.ID, OnlyShowIfDegraded: c.OnlyIfDegraded,
	}
}

func dateOrNull(d status.Date) *string {
	if d.IsZero() {
		return nil
	}
	return orNull(d.String())
}

// group is the header of a group: a component that is as bad as the worst of those below it.
func (v view) group(g status.Group) Component {
	header := Component{
		ID: g.ID, Name: g.Name, Position: g.Position, Description: orNull(g.Description), PageID: v.p.Page.ID, Group: true,
		Components: []string{},
	}
	worst, created, updated := status.Operational, g.Created, latest(g.Created, g.Changed)
	for _, c := range v.p.Components {
		if c.GroupID != g.ID {
			continue
		}
		header.Components = append(header.Components, c.ID)
		worst = status.Worst(worst, v.p.Conditions[c.ID])
		updated = latest(updated, v.p.Moved[c.ID], c.SetAt)
		if created.IsZero() || g.Created.IsZero() && c.Created.Before(created) {
			created = c.Created // a group from before its own date was kept
		}
	}
	header.Status, header.CreatedAt, header.UpdatedAt = string(worst), v.at(created), v.at(latest(created, updated))
	return header
}

// named is a component of an event, whether or not it is still on the page.
func (v view) named(ids []string) []Component {
	all := make([]Component, 0, len(ids))
	for _, id := range ids {
		if c, ok := v.p.Component(id); ok {
			all = append(all, v.component(c))
		}
	}
	return all
}

func (v view) incident(i *status.Incident) Incident {
	shown := Incident{
		ID: i.ID, Name: i.Title, Status: string(i.State), CreatedAt: v.at(i.Created), UpdatedAt: v.at(latest(i.Created, i.Changed)),
		MonitoringAt: v.atOrNull(reached(i.Updates, status.Monitoring)), ResolvedAt: v.atOrNull(i.Ended),
		Impact: impactOf(i.Impact), Shortlink: v.home + "/incidents/" + i.ID, StartedAt: v.at(i.Began), PageID: v.p.Page.ID,
		IncidentUpdates: v.updates(i.ID, i.Updates, i.Effects), Components: v.named(i.Affects),
	}
	if i.Open() {
		shown.ResolvedAt = nil
	}
	return shown
}

func (v view) maintenance(m *status.Maintenance) Maintenance {
	impact := m.Impact
	if impact == "" {
		impact = status.UnderMaintenance
	}
	shown := Maintenance{
		Incident: Incident{
			ID: m.ID, Name: m.Title, Status: stateOf(m.State), CreatedAt: v.at(m.Created), UpdatedAt: v.at(latest(m.Created, m.Changed)),
			Impact: impactOf(impact), Shortlink: v.home + "/incidents/" + m.ID, StartedAt: v.at(m.Created), PageID: v.p.Page.ID,
			IncidentUpdates: v.updates(m.ID, m.Updates, m.Effects), Components: v.named(m.Affects),
		},
		ScheduledFor: v.at(m.Window.Start), ScheduledUntil: v.at(m.Window.End), Interlude: v.extension(m),
	}
	if m.State.Ended() {
		shown.ResolvedAt = v.atOrNull(reached(m.Updates, m.State))
	}
	return shown
}

func (v view) extension(m *status.Maintenance) *Extension {
	x := &Extension{
		State: string(m.State), AnnouncedFor: v.at(m.Announced.Start), AnnouncedUntil: v.at(m.Announced.End),
		BeganAt: v.atOrNull(m.Began), EndedAt: v.atOrNull(m.Ended), Promises: make([]Promise, len(m.Promises)),
	}
	if m.Open() {
		x.ExpectedEndAt = v.atOrNull(m.ExpectedEnd())
	}
	if m.Underway() && !m.OverrunSaid.IsZero() || m.Ended.After(m.Window.End) {
		x.OverrunSince = v.atOrNull(m.Window.End)
	}
	if m.State == status.Canceled {
		x.CanceledAt = v.atOrNull(reached(m.Updates, status.Canceled))
	}
	for i, p := range m.Promises {
		x.Promises[i] = Promise{Audience: p.Audience, Promise: string(p.Promise)}
		if p.AtMost > 0 {
			most := int64(time.Duration(p.AtMost) / time.Second)
			x.Promises[i].AtMostSeconds = &most
		}
	}
	return x
}

// updates are the posts of an event, newest first.
func (v view) updates(eventID string, updates []status.Update, effects func(int) []status.Effect) []Update {
	all := make([]Update, 0, len(updates))
	for n, u := range slices.Backward(updates) {
		created := u.At
		if !u.First.IsZero() {
			created = u.First
		}
		shown := Update{
			ID: u.ID, Status: stateOf(u.State), Body: u.Body, IncidentID: eventID,
			CreatedAt: created.In(v.zone).Format(v.posted), DisplayAt: u.At.In(v.zone).Format(v.posted),
			UpdatedAt:          latest(u.At, u.Edited).In(v.zone).Format(v.posted),
			AffectedComponents: v.affected(effects(n)), DeliverNotifications: !u.Quiet,
		}
		all = append(all, shown)
	}
	return all
}

func (v view) affected(effects []status.Effect) []Affected {
	var all []Affected
	for _, e := range effects {
		c, ok := v.p.Component(e.Component)
		if !ok {
			continue
		}
		name := c.Name
		if g, ok := v.p.Group(c.GroupID); ok {
			name = g.Name + " - " + c.Name
		}
		all = append(all, Affected{Code: c.ID, Name: name, OldStatus: string(e.Was), NewStatus: string(e.Is)})
	}
	return all
}

// reached is when a state was last entered.
func reached(updates []status.Update, state status.State) time.Time {
	var at time.Time
	var before status.State
	for _, u := range updates {
		if u.State == state && before != state {
			at = u.At
		}
		before = u.State
	}
	return at
}

// stateOf is a state as the wire has it: it knows no maintenance that was called off, which is over all the same.
func stateOf(s status.State) string {
	if s == status.Canceled {
		return string(status.Completed)
	}
	return string(s)
}

// impacts are the wire's words for how bad a condition is.
var impacts = map[status.Condition]string{
	status.Operational: "none", status.UnderMaintenance: "maintenance", status.DegradedPerformance: "minor",
	status.PartialOutage: "major", status.MajorOutage: "critical",
}

func impactOf(c status.Condition) string {
	if word, ok := impacts[c]; ok {
		return word
	}
	return impacts[status.Operational]
}
