package status

import (
	"bufio"
	"io"
	"slices"
	"strings"
	"time"
)

// Report is what readers see of a maintenance or an incident, in the end and on the way: the same for the page,
// the command line and a preview.
type Report struct {
	Subject Subject `json:"subject"`
	Title   string  `json:"title"`
	// Heading is "Scheduled Maintenance Report for NAME" or "Incident Report for NAME".
	Heading string `json:"heading"`
	Page    string `json:"page"`
	State   State  `json:"status"`
	// TimeZone is the page's; entries are written in it.
	TimeZone string `json:"time_zone"`
	// Window is the announced span as it stands, Announced as first told; both zero for an incident.
	Window    Window `json:"window,omitzero"`
	Announced Window `json:"announced,omitzero"`
	// Began and Ended are measured.
	Began    time.Time `json:"began,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
	Promises []Promise `json:"promises,omitempty"`
	// Entries are the updates, newest first.
	Entries []Entry `json:"updates"`
	// Affected is the closing sentence, empty when nothing is affected.
	Affected   string   `json:"affected,omitempty"`
	Components []string `json:"components,omitempty"`
}

// Entry is one update of a report.
type Entry struct {
	// Heading is the state in words, or "Update".
	Heading string `json:"heading"`
	State   State  `json:"status"`
	// Body is Markdown.
	Body string    `json:"body"`
	At   time.Time `json:"at"`
	// Due is when the announcement had it, for what the clock did late.
	Due time.Time `json:"due,omitzero"`
	// Posted is "Posted Jan 15, 2020 - 07:14 UTC".
	Posted string `json:"posted"`
}

// ReportMaintenance makes the report of a maintenance.
func ReportMaintenance(m Maintenance, p Page, groups []Group, components []Component) Report {
	return Report{
		Subject: m.Subject(), Title: m.Title, Heading: "Scheduled Maintenance Report for " + p.Name, Page: p.Name,
		State: m.State, TimeZone: p.Zone().String(), Window: m.Window, Announced: m.Announced, Began: m.Began, Ended: m.Ended,
		Promises: m.Promises, Entries: entries(m.Updates, p.Zone()),
		Affected:   Affected(KindMaintenance, m.Open(), m.Affects, groups, components),
		Components: componentNames(m.Affects, groups, components),
	}
}

// ReportIncident makes the report of an incident.
func ReportIncident(i Incident, p Page, groups []Group, components []Component) Report {
	return Report{
		Subject: i.Subject(), Title: i.Title, Heading: "Incident Report for " + p.Name, Page: p.Name,
		State: i.State, TimeZone: p.Zone().String(), Began: i.Began, Ended: i.Ended, Entries: entries(i.Updates, p.Zone()),
		Affected:   Affected(KindIncident, i.Open(), i.Affects, groups, components),
		Components: componentNames(i.Affects, groups, components),
	}
}

func componentNames(ids []string, groups []Group, components []Component) []string {
	var names []string
	for _, id := range PageOrder(ids, groups, components) {
		if name := FullName(id, groups, components); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// FullName is the full name of the component with an id, and nothing when there is none.
func FullName(id string, groups []Group, components []Component) string {
	c, known := first(components, func(c Component) bool { return c.ID == id })
	if !known {
		return ""
	}
	g, _ := first(groups, func(g Group) bool { return g.ID == c.GroupID })
	return c.FullName(g)
}

func entries(updates []Update, zone *time.Location) []Entry {
	list := make([]Entry, len(updates))
	var previous State
	for i, u := range updates {
		list[i] = Entry{
			Heading: u.Heading(previous), State: u.State, Body: u.Body, At: u.At,
			Posted: "Posted " + PostedText(u.At, zone),
		}
		if u.At.Sub(u.Due) >= time.Minute {
			list[i].Due = u.Due
		}
		previous = u.State
	}
	slices.Reverse(list)
	return list
}

// PostedText gives the moment of a post as reports write it: "Jan 15, 2020 - 07:14 UTC".
func PostedText(at time.Time, zone *time.Location) string {
	return at.In(zone).Format("Jan 02, 2006 - 15:04 ") + zoneName(at.In(zone))
}

// WriteText writes the report as plain text: title, heading, each update with its heading, body and time, newest
// first, and the sentence of what was affected. Markdown is written to be read as it stands, so bodies are not changed.
func (r Report) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	line := func(parts ...string) {
		_, _ = out.WriteString(strings.Join(parts, "") + "\n") // Flush tells whether it could be written
	}
	line(r.Title)
	line(r.Heading)
	for _, e := range r.Entries {
		line(e.Heading)
		if e.Body != "" {
			line(e.Body)
		}
		if e.Due.IsZero() {
			line(e.Posted)
		} else {
			line(e.Posted, " (due ", clockText(e.Due, e.At, locationOf(r.TimeZone)), ")")
		}
	}
	if r.Affected != "" {
		line(r.Affected)
	}
	return out.Flush()
}

func locationOf(name string) *time.Location {
	zone, err := LoadZone(name)
	if err != nil {
		return time.UTC
	}
	return zone
}
