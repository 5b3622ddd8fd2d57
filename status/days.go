package status

import (
	"slices"
	"time"
)

// Stretch is a span of time in which readers saw a component in one condition: [From, To).
type Stretch struct {
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Condition Condition `json:"condition"`
}

// Day is what the bar of one day shows.
type Day struct {
	Date Date `json:"date"`
	// Worst is the worst condition of the day; empty when nothing is known of it.
	Worst Condition `json:"worst,omitempty"`
	Known bool      `json:"known"`
	// Down is how long the component was in a partial or major outage, Maintained how long under maintenance.
	Down       time.Duration `json:"down,omitempty"`
	Maintained time.Duration `json:"maintained,omitempty"`
	// Events are the maintenances and incidents that were going on, in the order in which they began.
	Events []Subject `json:"events,omitempty"`
}

// History is the condition that readers saw of a component from one moment to another, oldest first, in stretches
// of different conditions.
//
// It follows the rule of [Book.Conditions] through time: the worst of the component's own condition and of what
// events claimed, where a claim that began before the component was last set is overruled from that setting on.
// A maintenance claims from its beginning to its end, and again from each reopening; one that never began claims
// nothing. An incident claims what its updates gave, each until it ends or another update names the component.
// What is still going on goes on until `to`.
//
// Nothing is known of the time before the component was created or after it was removed: the history has a hole
// there. A component that a setting or an event of an earlier time concerns existed then, and is known from there on,
// so that a page which brings its past along does not seem to have been down for most of the time that is known. The
// events are those that affect the component; settings of other components are passed over.
func History(c Component, settings []Setting, maintenances []Maintenance, incidents []Incident, from, to time.Time) []Stretch {
	if !c.Removed.IsZero() && c.Removed.Before(to) {
		to = c.Removed
	}
	if !from.Before(to) {
		return nil
	}
	known := past{created: c.Created, settings: settingsOf(c, settings)}
	for _, m := range maintenances {
		known.add(m.spans(c.ID), from, to)
	}
	for _, i := range incidents {
		known.add(i.spans(c.ID), from, to)
	}
	var history []Stretch
	edges := known.edges(from, to)
	for i, at := range edges[:len(edges)-1] {
		condition, sure := known.at(at)
		last := len(history) - 1
		switch {
		case !sure:
		case last >= 0 && history[last].Condition == condition && history[last].To.Equal(at):
			history[last].To = edges[i+1]
		default:
			history = append(history, Stretch{at, edges[i+1], condition})
		}
	}
	return history
}

// Counted is the component as [History] is to see it, and from where on, when its past is asked for from a moment on. One
// that has a [Component.Start] was there from the beginning of that day in the zone, whenever it was created, and nothing
// of the time before counts, whatever happened then.
func (c Component) Counted(from time.Time, zone *time.Location) (Component, time.Time) {
	if c.Start.IsZero() {
		return c, from
	}
	c.Created = c.Start.In(zone)
	return c, later(from, c.Created)
}

// past is what bears on one component, cut to the time in question.
type past struct {
	created  time.Time
	settings []Setting // in order of time
	claims   []claimed
}

// claimed is a claim and the span in which it stood: [from, to), to zero while it stands.
type claimed struct {
	condition Condition
	since     time.Time // settings after it overrule it
	from, to  time.Time
}

func settingsOf(c Component, settings []Setting) []Setting {
	var own []Setting
	for _, s := range settings {
		if s.ComponentID == c.ID {
			own = append(own, s)
		}
	}
	// The component's own state is the last setting, whether or not it was kept.
	if !c.SetAt.IsZero() {
		own = append(own, Setting{c.ID, c.SetAt, c.Condition})
	}
	slices.SortStableFunc(own, func(a, b Setting) int { return a.At.Compare(b.At) })
	return own
}

func (p *past) add(spans []claimed, from, to time.Time) {
	for _, s := range spans {
		if s.from.Before(p.created) {
			p.created = s.from
		}
		if s.from.Before(to) && (s.to.IsZero() || s.to.After(from)) {
			p.claims = append(p.claims, s)
		}
	}
}

// edges are the moments at which anything may change, with both ends.
func (p *past) edges(from, to time.Time) []time.Time {
	edges := []time.Time{from, to}
	note := func(at time.Time) {
		if at.After(from) && at.Before(to) {
			edges = append(edges, at)
		}
	}
	note(p.created)
	for _, s := range p.settings {
		note(s.At)
	}
	for _, c := range p.claims {
		note(c.from)
		note(c.to)
	}
	slices.SortFunc(edges, time.Time.Compare)
	return slices.CompactFunc(edges, time.Time.Equal)
}

// at is the condition at a moment, and whether anything is known of it.
func (p *past) at(at time.Time) (worst Condition, known bool) {
	own := Component{Condition: Operational}
	known = !at.Before(p.created)
	later, _ := slices.BinarySearchFunc(p.settings, at, func(s Setting, at time.Time) int {
		if s.At.After(at) {
			return 1
		}
		return -1
	})
	if later > 0 {
		own.Condition, own.SetAt, known = p.settings[later-1].Condition, p.settings[later-1].At, true
	}
	var claims []Claim
	for _, c := range p.claims {
		if !at.Before(c.from) && (c.to.IsZero() || at.Before(c.to)) {
			claims, known = append(claims, Claim{Condition: c.condition, Since: c.since}), true
		}
	}
	return effective(own, claims), known
}

// spans are the times in which the maintenance claimed a condition for the component.
func (m Maintenance) spans(component string) []claimed {
	var spans []claimed
	for _, s := range m.worked() {
		if m.Marks != Manual {
			s.condition = UnderMaintenance
		}
		for _, u := range m.Updates {
			condition, named := u.Conditions[component]
			switch {
			case !named || !s.to.IsZero() && !u.At.Before(s.to):
			case !u.At.After(s.from):
				s.condition = condition
			default:
				cut := s
				cut.to = u.At
				if cut.condition != "" {
					spans = append(spans, cut)
				}
				s.condition, s.since, s.from = condition, u.At, u.At
			}
		}
		if s.condition != "" {
			spans = append(spans, s)
		}
	}
	return spans
}

// worked are the times in which the maintenance was under way, without conditions.
func (m Maintenance) worked() []claimed {
	if m.Began.IsZero() {
		return nil
	}
	spans := []claimed{{since: m.Began, from: m.Began}}
	previous := Scheduled
	for _, u := range m.Updates {
		last := &spans[len(spans)-1]
		switch {
		case u.Event == Reopened:
			if last.to.IsZero() {
				last.to = u.At
			}
			spans = append(spans, claimed{since: u.At, from: u.At})
		case u.State.Ended() && !previous.Ended():
			last.to = u.At
		}
		previous = u.State
	}
	if last := &spans[len(spans)-1]; m.State.Ended() && !m.Ended.IsZero() {
		last.to = m.Ended // measured; the update may have been posted later
	}
	return spans
}

// spans are the times in which the incident claimed a condition for the component.
func (i Incident) spans(component string) []claimed {
	var spans []claimed
	var now claimed // what is claimed while the incident is open
	ended := false
	stop := func(at time.Time) {
		if !ended && now.condition != "" {
			now.to = at
			spans = append(spans, now)
		}
	}
	for _, u := range i.Updates {
		condition, named := u.Conditions[component]
		if named || u.State.Ended() != ended {
			stop(u.At)
			now.from, now.to, ended = u.At, time.Time{}, u.State.Ended()
		}
		if named {
			now.condition, now.since = condition, u.At
		}
	}
	stop(time.Time{})
	return spans
}

// Calendar is a run of days in a zone, cut once and used for every component. Days are as long as the zone has
// them: 23 or 25 hours where clocks change.
type Calendar struct {
	dates  []Date
	starts []time.Time // one more than dates: the last is where the last day ends
}

// LastDays is the calendar of the n days that end with `last`; no zone is UTC.
func LastDays(last Date, n int, zone *time.Location) Calendar {
	if zone == nil {
		zone = time.UTC
	}
	n = max(n, 0)
	c := Calendar{make([]Date, n), make([]time.Time, n+1)}
	for i := range n + 1 {
		midnight := time.Date(last.Year, last.Month, last.Day+i-n+1, 0, 0, 0, 0, time.UTC)
		c.starts[i] = atClock(midnight, zone)
		if i < n {
			c.dates[i] = DateOf(midnight)
		}
	}
	return c
}

// From is where the first day begins.
func (c Calendar) From() time.Time { return c.starts[0] }

// To is where the last day ends.
func (c Calendar) To() time.Time { return c.starts[len(c.starts)-1] }

// Days cuts a component's history into days, oldest first, with the events that were going on. The events are those
// that affect the component; an event that has not ended goes on until the history does.
func (c Calendar) Days(history []Stretch, maintenances []Maintenance, incidents []Incident) []Day {
	days := make([]Day, len(c.dates))
	next := 0
	for i := range days {
		days[i].Date = c.dates[i]
		from, to := c.starts[i], c.starts[i+1]
		for next < len(history) && !history[next].To.After(from) {
			next++
		}
		for _, s := range history[next:] {
			if !s.From.Before(to) {
				break
			}
			days[i].count(s, from, to)
		}
	}
	until := c.From()
	if len(history) > 0 {
		until = history[len(history)-1].To
	}
	for _, e := range happenings(maintenances, incidents) {
		end := e.to
		if e.open {
			end = until
		}
		if !end.After(e.from) {
			end = e.from.Add(1) // over at once, and still of that day
		}
		for i := c.dayOf(e.from); i < len(days) && c.starts[i].Before(end); i++ {
			days[i].Events = append(days[i].Events, e.subject)
		}
	}
	return days
}

// count adds what a stretch means for the day, which is [from, to).
func (d *Day) count(s Stretch, from, to time.Time) {
	d.Known = true
	if d.Worst != s.Condition {
		d.Worst = Worst(d.Worst, s.Condition)
	}
	if s.Condition.Rank() == 0 {
		return
	}
	if from.Before(s.From) {
		from = s.From
	}
	if s.To.Before(to) {
		to = s.To
	}
	switch s.Condition {
	case PartialOutage, MajorOutage:
		d.Down += to.Sub(from)
	case UnderMaintenance:
		d.Maintained += to.Sub(from)
	}
}

// dayOf is the index of the day that holds the moment: 0 for moments before the first, one too many for those after
// the last.
func (c Calendar) dayOf(at time.Time) int {
	i, exact := slices.BinarySearchFunc(c.starts, at, time.Time.Compare)
	if exact {
		return i
	}
	return max(i-1, 0)
}

// happening is an event that began, and its span.
type happening struct {
	subject  Subject
	from, to time.Time
	open     bool
}

func happenings(maintenances []Maintenance, incidents []Incident) []happening {
	var all []happening
	for _, m := range maintenances {
		if !m.Began.IsZero() {
			all = append(all, happening{m.Subject(), m.Began, m.Ended, m.Underway()})
		}
	}
	for _, i := range incidents {
		all = append(all, happening{i.Subject(), i.Began, i.Ended, i.Open()})
	}
	slices.SortStableFunc(all, func(a, b happening) int { return a.from.Compare(b.from) })
	return all
}

// Uptime is the share of the known time in which a component was up, and false when nothing is known.
//
// It counts by the convention of Statuspage: a major outage counts in full, a partial outage at 30 %, degraded
// performance not at all. Maintenance counts in full when maintenanceCounts, as [Page.MaintenanceCounts] says, and
// else not at all.
func Uptime(history []Stretch, maintenanceCounts bool) (fraction float64, known bool) {
	var all, down float64
	for _, s := range history {
		seconds := s.To.Sub(s.From).Seconds()
		all += seconds
		switch s.Condition {
		case MajorOutage:
			down += seconds
		case PartialOutage:
			down += 0.3 * seconds
		case UnderMaintenance:
			if maintenanceCounts {
				down += seconds
			}
		}
	}
	if all == 0 {
		return 0, false
	}
	return 1 - down/all, true
}
