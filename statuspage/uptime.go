package statuspage

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/board"
	"example.org/interlude/status"
)

func uptimeRoutes() []route {
	query := []parameter{
		{"start", "string", "From when on: a time, or a day, a month or a year in the page's zone; 90 days before the end unless it says otherwise"},
		{"end", "string", "Until when: a time, or a day, a month or a year, of which it is the end; now unless it says otherwise"},
		{"skip_related_events", "boolean", "Leave out related_events"},
	}
	const about = "A major outage counts in full, a partial outage at 30 %, degraded performance not at all, maintenance as the page says it. " +
		"Start and end are at most a year apart. The time before the component's start_date does not count; warnings say so. "
	return []route{
		{
			id: "get-component-uptime", tag: "components", summary: "How much of a time a component was up", method: http.MethodGet,
			about: about + "The percentage is null when nothing is known of the time.", path: componentPath + "/uptime",
			scope: access.Read, query: query, answer: Uptime{}, do: (*call).componentUptime,
		},
		{
			id: "get-component-group-uptime", tag: "component groups", summary: "How much of a time the components of a group were up", method: http.MethodGet,
			about: about + "All figures are the means of those of its components.", path: groupPath + "/uptime",
			scope: access.Read, query: query, answer: Uptime{}, do: (*call).groupUptime,
		},
	}
}

// Uptime is how much of a time a component, or the components of a group, were up.
type Uptime struct {
	RangeStart string `json:"range_start"`
	RangeEnd   string `json:"range_end"`
	// UptimePercentage is null when nothing is known of the time.
	UptimePercentage *float64       `json:"uptime_percentage" doc:"Null when nothing is known of the time"`
	MajorOutage      int64          `json:"major_outage" doc:"Seconds"`
	PartialOutage    int64          `json:"partial_outage" doc:"Seconds"`
	Warnings         *string        `json:"warnings" doc:"Where the range differs from what was asked for; null where it does not"`
	ID               string         `json:"id"`
	Name             string         `json:"name"`
	RelatedEvents    *RelatedEvents `json:"related_events,omitempty"`
}

// RelatedEvents are the events that bear on an uptime.
type RelatedEvents struct {
	Incidents []Reference `json:"incidents"`
}

// Reference names an event.
type Reference struct {
	ID string `json:"id"`
}

// uptimeQuery is the time that is asked for.
type uptimeQuery struct {
	Start *string `json:"start"`
	End   *string `json:"end"`
	Skip  *bool   `json:"skip_related_events"`
}

// standardDays is how long before its end a time begins when nobody says.
const standardDays = 90

// span is the time that is asked for, and what has to be said of it.
type span struct {
	from, to time.Time
	// asked says that somebody said where it begins.
	asked, skip bool
	warnings    []string
}

func (c *call) span() (span, error) {
	var q uptimeQuery
	if err := bind(c.body, &q); err != nil {
		return span{}, err
	}
	zone := c.Board.Current().Page.Zone()
	s := span{to: c.now, skip: q.Skip != nil && *q.Skip}
	var ok bool
	if text := given(q.End); text != "" {
		if _, s.to, ok = period(text, zone); !ok {
			return s, unprocessable("end must be a time or a day, such as 2027-01-15T06:00:00Z or 2027-01-15")
		}
	}
	s.from = s.to.AddDate(0, 0, -standardDays)
	if text := given(q.Start); text != "" {
		s.asked = true
		if s.from, _, ok = period(text, zone); !ok {
			return s, unprocessable("start must be a time or a day, such as 2027-01-15T06:00:00Z or 2027-01-15")
		}
	}
	switch {
	case !s.from.Before(s.to):
		return s, unprocessable("start must be before end")
	case s.from.AddDate(1, 0, 0).Before(s.to):
		return s, unprocessable("start must be at most one year before end")
	case !s.from.Before(c.now):
		return s, unprocessable("start must be in the past")
	case s.to.After(c.now):
		s.to, s.warnings = c.now, append(s.warnings, "end is in the future: the range ends now")
	}
	return s, nil
}

// period is the time that a text names: a moment, or the whole of a day, a month or a year in a zone.
func period(text string, zone *time.Location) (from, to time.Time, ok bool) {
	for _, unit := range []struct {
		layout              string
		years, months, days int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {time.DateOnly, 0, 0, 1}} {
		if first, err := time.Parse(unit.layout, text); err == nil {
			after := status.DateOf(first.AddDate(unit.years, unit.months, unit.days))
			return status.DateOf(first).In(zone), after.In(zone), true
		}
	}
	at, ok := parseTime(text)
	return at, at, ok
}

// measure is what is known of a component in a time.
type measure struct {
	// from is where what is known begins, zero when nothing is.
	from           time.Time
	fraction       float64
	major, partial time.Duration
}

func (v view) measure(c status.Component, s span) measure {
	var maintenances []status.Maintenance
	var incidents []status.Incident
	for _, e := range v.p.Concerning(c.ID) {
		if e.Maintenance != nil {
			maintenances = append(maintenances, *e.Maintenance)
		} else {
			incidents = append(incidents, *e.Incident)
		}
	}
	counted, from := c.Counted(s.from, v.p.Page.Zone())
	history := status.History(counted, v.p.Settings(c.ID), maintenances, incidents, from, s.to)
	var m measure
	var known bool
	if m.fraction, known = status.Uptime(history, v.p.Page.MaintenanceCounts); !known {
		return m
	}
	m.from = history[0].From
	for _, stretch := range history {
		switch stretch.Condition {
		case status.MajorOutage:
			m.major += stretch.To.Sub(stretch.From)
		case status.PartialOutage:
			m.partial += stretch.To.Sub(stretch.From)
		}
	}
	return m
}

func (c *call) componentUptime() (any, error) {
	v, id := c.view(), c.id("component_id")
	if g, isGroup := v.p.Group(id); isGroup && g.Removed.IsZero() {
		return nil, headerRefusal(g)
	}
	one, found := v.p.Component(id)
	if !found || !one.Removed.IsZero() {
		return nil, notFound("Component")
	}
	s, err := c.span()
	if err != nil {
		return nil, err
	}
	return v.uptime(Uptime{ID: one.ID, Name: one.Name}, []status.Component{one}, s), nil
}

func (c *call) groupUptime() (any, error) {
	v := c.view()
	g, err := v.groupOf(c.id("id"))
	if err != nil {
		return nil, err
	}
	s, err := c.span()
	if err != nil {
		return nil, err
	}
	var members []status.Component
	for _, one := range v.p.Components {
		if one.GroupID == g.ID {
			members = append(members, one)
		}
	}
	return v.uptime(Uptime{ID: g.ID, Name: g.Name}, members, s), nil
}

// uptime is the mean of what is known of components in a time.
func (v view) uptime(shown Uptime, components []status.Component, s span) Uptime {
	var known, fractions float64
	var major, partial time.Duration
	var from time.Time
	for _, c := range components {
		m := v.measure(c, s)
		if m.from.IsZero() {
			continue
		}
		if from.IsZero() || m.from.Before(from) {
			from = m.from
		}
		known++
		fractions += m.fraction
		major += m.major
		partial += m.partial
	}
	warnings := slices.Clone(s.warnings)
	if known == 0 {
		from, warnings = s.from, append(warnings, "nothing is known of this time")
	} else {
		percentage := percent(fractions / known)
		shown.UptimePercentage = &percentage
		shown.MajorOutage, shown.PartialOutage = int64(math.Round(major.Seconds()/known)), int64(math.Round(partial.Seconds()/known))
		if s.asked && from.After(s.from) {
			warnings = append(warnings, "nothing is known of the time before "+v.at(from)+": the range begins there")
		}
	}
	shown.Warnings = orNull(strings.Join(warnings, "; "))
	shown.RangeStart, shown.RangeEnd = v.at(from), v.at(s.to)
	if !s.skip {
		shown.RelatedEvents = &RelatedEvents{Incidents: v.related(components, s)}
	}
	return shown
}

// percent rounds to four places. Nothing below 100 reads as 100.
func percent(fraction float64) float64 {
	rounded := math.Round(fraction*1e6) / 1e4
	if fraction < 1 {
		return min(rounded, 99.9999)
	}
	return rounded
}

// related are the events of the time that bear on the uptime of components, by when they began.
func (v view) related(components []status.Component, s span) []Reference {
	began := make(map[string]time.Time)
	for _, c := range components {
		for _, e := range v.p.Concerning(c.ID) {
			if from, until := v.bore(e); !from.IsZero() && from.Before(s.to) && (until.IsZero() || until.After(s.from)) {
				began[e.Subject().ID] = from
			}
		}
	}
	all := make([]Reference, 0, len(began))
	for id := range began {
		all = append(all, Reference{id})
	}
	slices.SortFunc(all, func(a, b Reference) int {
		return cmp.Or(began[a.ID].Compare(began[b.ID]), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// bore is when an event bore on the uptime: not at all when from is zero, and still when until is.
func (v view) bore(e board.Event) (from, until time.Time) {
	if m := e.Maintenance; m != nil {
		if !v.p.Page.MaintenanceCounts {
			return time.Time{}, time.Time{}
		}
		return m.Began, m.Ended
	}
	if e.Incident.Open() {
		return e.Incident.Began, time.Time{}
	}
	return e.Incident.Began, e.Incident.Ended
}
