// Package calendar writes maintenances for programs that keep calendars (RFC 5545).
//
// A [Sheet] is a file of entries, as the page offers it to be followed or taken over; [Invitation] is the one that goes
// with an e-mail. Both write a maintenance in the same way: its UID is its own for ever and its SEQUENCE the number of its
// changes, so that a program that has the entry moves it rather than making a second one, wherever it learned of the change.
//
// An entry says what was announced and how it stands, in the page's zone, and says the same whenever it is written: nothing
// in it depends on the time. It takes nobody's time, because the work is others' (TRANSPARENT), and asks for no answer.
package calendar

import (
	"bytes"
	"fmt"
	"time"

	ics "github.com/arran4/golang-ical"

	"example.org/interlude/markup"
	"example.org/interlude/status"
)

// refresh is how often programs that follow a sheet are asked to look again (RFC 7986, 5.7).
const refresh = "PT30M"

// Sheet is a calendar in one file.
type Sheet struct {
	// Name is what programs that follow it show. A sheet without one is taken over into another calendar.
	Name string
	// Zone is the one in which descriptions give times; nil is UTC.
	Zone    *time.Location
	Entries []Entry
}

// Entry is a maintenance with what readers are told of it.
type Entry struct {
	Maintenance status.Maintenance
	// Report is the maintenance's own.
	Report status.Report
	// Summary is that of the maintenance with its placeholders filled in.
	Summary string
	// Link is the address of the report.
	Link string
}

// Write gives the file, in the order of the entries.
func (s Sheet) Write() ([]byte, error) { return written(s.calendar()) }

// Invitation is the calendar part of an e-mail about a maintenance: it puts the entry into the reader's calendar, moves
// it there, or, when the maintenance is canceled, takes it off (RFC 5546, 3.2.1 and 3.2.5). The groups and components are
// those that it affects, the link is the address of its report, and the organizer the bare address that the mail comes from: a
// publication has one.
func Invitation(m status.Maintenance, p status.Page, groups []status.Group, components []status.Component, link, organizer string) ([]byte, error) {
	summary, err := status.Expand(m.Summary, status.PlaceholdersOf(m, p, groups, components))
	if err != nil {
		summary = ""
	}
	report := status.ReportMaintenance(m, p, groups, components)
	file := Sheet{Zone: p.Zone(), Entries: []Entry{{m, report, summary, link}}}.calendar()
	for _, event := range file.Events() {
		event.SetOrganizer("mailto:"+organizer, ics.WithCN(markup.OneLine(p.Name)))
	}
	if m.State == status.Canceled {
		file.SetMethod(ics.MethodCancel)
	}
	return written(file)
}

func (s Sheet) calendar() *ics.Calendar {
	file := ics.NewCalendar()
	file.SetProductId("-//Interlude//Maintenance calendar//EN")
	file.SetCalscale("GREGORIAN")
	file.SetMethod(ics.MethodPublish)
	if s.Name != "" {
		file.SetName(markup.OneLine(s.Name)) // and X-WR-CALNAME with it
		file.SetRefreshInterval(refresh)     // the library says that it is a DURATION
		file.SetXPublishedTTL(refresh)
	}
	zone := s.Zone
	if zone == nil {
		zone = time.UTC
	}
	for _, e := range s.Entries {
		e.enter(file, zone)
	}
	return file
}

func written(file *ics.Calendar) ([]byte, error) {
	var b bytes.Buffer
	if err := file.SerializeTo(&b, ics.WithNewLineWindows); err != nil { // RFC 5545, 3.1: lines end with CRLF
		return nil, fmt.Errorf("write the calendar: %w", err)
	}
	return b.Bytes(), nil
}

func (e Entry) enter(file *ics.Calendar, zone *time.Location) {
	m := e.Maintenance
	event := file.AddEvent(markup.OneLine(m.ID) + "@interlude")
	at := lastChange(m)
	event.SetDtStampTime(at)
	event.SetModifiedAt(at)
	if !m.Created.IsZero() {
		event.SetCreatedTime(m.Created)
	}
	event.SetSequence(int(max(0, m.Version-1)))
	event.SetStartAt(m.Window.Start)
	if m.Window.End.After(m.Window.Start) { // RFC 5545, 3.8.2.2
		event.SetEndAt(m.Window.End)
	}
	title, state := markup.OneLine(m.Title), ics.ObjectStatusConfirmed
	if m.State == status.Canceled {
		title, state = "Canceled: "+title, ics.ObjectStatusCancelled
	}
	event.SetSummary(title)
	event.SetStatus(state)
	event.SetDescription(markup.Clean(e.description(zone)))
	event.SetURL(e.Link)
	event.SetTimeTransparency(ics.TransparencyTransparent)
	event.AddCategory("maintenance")
}

// lastChange is when the maintenance last changed in any way. One of which no time is known changed when it was to begin.
func lastChange(m status.Maintenance) time.Time {
	at := m.Changed
	if n := len(m.Updates); n > 0 && m.Updates[n-1].At.After(at) {
		at = m.Updates[n-1].At
	}
	if at.IsZero() {
		return m.Window.Start
	}
	return at
}
