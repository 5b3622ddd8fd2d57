package page

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"example.org/interlude/calendar"
	"example.org/interlude/snapshot"
	"example.org/interlude/status"
)

const (
	calendarType = "text/calendar; charset=utf-8"
	calendarName = ".ics"
	// mostCalendar is how many maintenances a calendar holds. What is open comes first, then what ended last.
	mostCalendar = 200
)

// calendar is that of a channel (RFC 5545): what is open, and the past year.
func (c channel) calendar() ([]byte, error) {
	open, past := c.events()
	var all []*status.Maintenance
	for _, e := range open {
		if e.Maintenance != nil && len(all) < mostCalendar {
			all = append(all, e.Maintenance)
		}
	}
	from := c.now.AddDate(-1, 0, 0)
	for _, e := range past {
		if len(all) == mostCalendar || e.At().Before(from) {
			break
		}
		if e.Maintenance != nil {
			all = append(all, e.Maintenance)
		}
	}
	slices.SortFunc(all, func(a, b *status.Maintenance) int {
		return cmp.Or(a.Window.Start.Compare(b.Window.Start), cmp.Compare(a.ID, b.ID))
	})
	name := c.pageName()
	if c.name != "" {
		name += " - " + c.name
	}
	sheet := calendar.Sheet{Name: name + " maintenance", Zone: c.zone}
	for _, m := range all {
		sheet.Entries = append(sheet.Entries, c.calendarEntry(m))
	}
	return sheet.Write()
}

// calendarEntry is a maintenance as a calendar is told of it.
func (c channel) calendarEntry(m *status.Maintenance) calendar.Entry {
	report, _ := c.p.Report(m.ID)
	summary, err := status.Expand(m.Summary, status.PlaceholdersOf(*m, c.p.Page, c.p.Groups, c.p.Components))
	if err != nil {
		summary = ""
	}
	return calendar.Entry{Maintenance: *m, Report: report, Summary: summary, Link: c.base + address(m.ID)}
}

// serveCalendar answers with one maintenance as a calendar entry, and says whether there is one at the path.
func (s *Site) serveCalendar(w http.ResponseWriter, r *http.Request, ref string) bool {
	e := s.edition.Load()
	ref, ok := strings.CutSuffix(ref, calendarName)
	if !ok {
		return false
	}
	m, ok := e.picture.Maintenance(ref)
	if !ok {
		return false
	}
	at, ok := e.origin(w, r)
	if !ok {
		return true
	}
	event, _ := e.picture.Event(m.ID)
	d, ok := s.keptOutlet(w, at, address(m.ID)+calendarName, snapshot.Stamp{Event: event.Seq, Frame: e.picture.Framed}, calendarType, func() ([]byte, error) {
		c, _ := e.channel(at, "")
		return calendar.Sheet{Zone: c.zone, Entries: []calendar.Entry{c.calendarEntry(m)}}.Write()
	})
	if ok {
		new(outlet).head(w.Header())
		w.Header().Set("Content-Disposition", `attachment; filename="maintenance-`+fileName(m.ID)+calendarName+`"`)
		d.Serve(w, r, http.StatusOK)
	}
	return true
}

// fileName is an id as every file system takes it.
func fileName(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, id)
}
