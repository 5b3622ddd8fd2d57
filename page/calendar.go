package page

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	ics "github.com/arran4/golang-ical"

	"example.org/interlude/board"
	"example.org/interlude/snapshot"
	"example.org/interlude/status"
)

const (
	calendarType = "text/calendar; charset=utf-8"
	calendarName = ".ics"
	// mostCalendar is how many maintenances a calendar holds. What is open comes first, then what ended last.
	mostCalendar = 200
	// calendarRefresh is how often programs are asked to look again (RFC 7986, 5.7).
	calendarRefresh = "PT30M"
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
	sheet := newSheet()
	sheet.SetName(oneLine(name + " maintenance")) // and X-WR-CALNAME with it
	sheet.SetRefreshInterval(calendarRefresh)     // the library says that it is a DURATION
	sheet.SetXPublishedTTL(calendarRefresh)
	for _, m := range all {
		c.enter(sheet, m)
	}
	return written(sheet)
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
		sheet := newSheet()
		c.enter(sheet, m)
		return written(sheet)
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

func newSheet() *ics.Calendar {
	sheet := ics.NewCalendar()
	sheet.SetProductId("-//Interlude//Maintenance calendar//EN")
	sheet.SetCalscale("GREGORIAN")
	sheet.SetMethod(ics.MethodPublish)
	return sheet
}

func written(sheet *ics.Calendar) ([]byte, error) {
	var b bytes.Buffer
	if err := sheet.SerializeTo(&b, ics.WithNewLineWindows); err != nil { // RFC 5545, 3.1: lines end with CRLF
		return nil, fmt.Errorf("write the calendar: %w", err)
	}
	return b.Bytes(), nil
}

// enter writes a maintenance into a calendar. Its UID is its own for ever and its SEQUENCE the number of its changes, so
// that a program that has it moves the entry rather than making a second one. It takes nobody's time: the work is
// others' (TRANSPARENT).
func (c channel) enter(sheet *ics.Calendar, m *status.Maintenance) {
	e := sheet.AddEvent(oneLine(m.ID) + "@interlude")
	at := changed(board.Event{Maintenance: m})
	e.SetDtStampTime(at)
	e.SetModifiedAt(at)
	if !m.Created.IsZero() {
		e.SetCreatedTime(m.Created)
	}
	e.SetSequence(int(max(0, m.Version-1)))
	e.SetStartAt(m.Window.Start)
	if m.Window.End.After(m.Window.Start) { // RFC 5545, 3.8.2.2
		e.SetEndAt(m.Window.End)
	}
	title, state := oneLine(m.Title), ics.ObjectStatusConfirmed
	if m.State == status.Canceled {
		title, state = "Canceled: "+title, ics.ObjectStatusCancelled
	}
	e.SetSummary(title)
	e.SetStatus(state)
	e.SetDescription(clean(c.described(m)))
	e.SetURL(c.link(board.Event{Maintenance: m}))
	e.SetTimeTransparency(ics.TransparencyTransparent)
	e.AddCategory("maintenance")
}

// described is a maintenance in plain text: what happened or will, whom it concerns, what was said last, where to read on.
func (c channel) described(m *status.Maintenance) string {
	report, _ := c.p.Report(m.ID)
	parts := []string{c.outcome(m)}
	if !m.Window.Equal(m.Announced) && !m.Announced.Start.IsZero() {
		parts = append(parts, "First announced for "+status.WindowText(m.Announced, c.zone)+".")
	}
	summary, err := status.Expand(m.Summary, status.PlaceholdersOf(*m, c.p.Page, c.p.Groups, c.p.Components))
	if err != nil {
		summary = ""
	}
	var latest string
	if n := len(m.Updates); n > 0 && (m.Updates[n-1].Event != status.Announced || summary == "") {
		last := report.Entries[0]
		latest = last.Heading + ", " + status.PostedText(last.At, c.zone) + "\n" + last.Body
	}
	parts = append(parts, summary, report.Affected, promisedText(m, latest), latest, c.link(board.Event{Maintenance: m}))
	parts = slices.DeleteFunc(parts, func(part string) bool { return strings.TrimSpace(part) == "" })
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(parts, "\n\n")
}

// promisedText lists what each audience experiences, unless the given text does.
func promisedText(m *status.Maintenance, said string) string {
	if len(m.Promises) == 0 || strings.Contains(said, m.Promises[0].Audience) {
		return ""
	}
	var b strings.Builder
	b.WriteString("What you will experience:")
	for _, p := range m.Promises {
		b.WriteString("\n- " + p.Audience + ": " + p.Words())
	}
	return b.String()
}

// outcome is how it stands with a maintenance, where its window does not say so. It does not depend on the time.
func (c channel) outcome(m *status.Maintenance) string {
	switch {
	case m.State == status.Canceled && m.Began.IsZero():
		return "Canceled. It does not take place."
	case m.State == status.Canceled:
		return "Broken off. It began at " + status.PostedText(m.Began, c.zone) + "."
	case m.State == status.Completed && !m.Began.IsZero() && !m.Ended.IsZero():
		return "Completed. It took place on " + status.WindowText(status.Window{Start: m.Began, End: m.Ended}, c.zone) + ", " + punctual(m, whole, "announced") + "."
	case m.Underway() && m.Estimate.After(m.Window.End):
		return m.State.Label() + ". It is expected to end at " + status.PostedText(m.Estimate, c.zone) + "."
	case m.State == status.Scheduled:
		return ""
	}
	return m.State.Label() + "."
}
