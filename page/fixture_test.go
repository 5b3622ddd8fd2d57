package page

import (
	"log/slog"
	"strconv"
	"testing"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

// town is the page of a company in some state, made as the keeper makes it: by documents and transitions.
type town struct {
	*status.Book
	t testing.TB
}

var operator = status.Actor{Kind: status.Person, Name: "ada"}

// at reads "2027-01-15 06:00" as UTC.
func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

// bare is a page with a name and nothing else.
func bare(t testing.TB) *town {
	n := 0
	return &town{t: t, Book: &status.Book{
		Page:  status.Page{ID: "page", Name: "Northwind", TimeZone: "UTC"},
		NewID: func() string { n++; return "id" + strconv.Itoa(n) },
	}}
}

// northwind is the page of the examples, half a year old, with some past events.
func northwind(t testing.TB) *town {
	w := bare(t)
	names := func(names ...string) []status.ComponentNode {
		var nodes []status.ComponentNode
		for _, name := range names {
			nodes = append(nodes, status.ComponentNode{Name: name})
		}
		return nodes
	}
	w.apply("2026-07-01 09:00", status.Document{Page: &status.PageDocument{
		Page: status.PageFields{Name: "Northwind", URL: "https://status.northwind.example", TimeZone: "UTC"},
		Components: append([]status.ComponentNode{
			{Group: "Message delivery", Components: names("Email", "Chats and Posts", "Mobile Push", "Admin notifications")},
			{Group: "Messenger", Components: names("Web Messenger", "Mobile Messenger")},
		}, names("Web Application", "APIs")...),
	}})
	w.incident("Web application and API unavailable", "2027-01-05 09:13", "2027-01-05 09:58", status.MajorOutage, "Web Application", "APIs")
	w.incident("E-mail to one provider arrives late", "2027-01-09 14:35", "2027-01-09 16:40", status.DegradedPerformance, "Message delivery / Email")
	w.incident("Push notifications arrive late", "2026-10-28 22:00", "2026-10-29 04:20", status.PartialOutage, "Mobile Push")
	return w
}

func (w *town) apply(when string, documents ...status.Document) {
	w.t.Helper()
	if _, _, err := w.Apply(documents, at(when), operator); err != nil {
		w.t.Fatal(err)
	}
}

// incident enters a past one.
func (w *town) incident(title, from, to string, impact status.Condition, affects ...string) {
	w.t.Helper()
	claims := make(map[string]status.Condition)
	for _, name := range affects {
		claims[name] = impact
	}
	w.apply(to, status.Document{Incident: &status.IncidentDocument{Title: title, Affects: affects, Updates: []status.UpdateDocument{
		{Status: status.Investigating, At: at(from), Body: "We are looking for the cause.", Components: claims},
		{Status: status.Resolved, At: at(to), Body: "Everything that was waiting has been delivered, none of it twice. Thank you."},
	}}})
}

// database is the maintenance of the examples.
var database = status.MaintenanceDocument{
	Key: "db", Title: "Scheduled database maintenance",
	Window:  status.Window{Start: at("2027-01-15 06:00"), End: at("2027-01-15 07:00")},
	Summary: "On {{ .Window }} we restart our databases. Expect **a few brief interruptions**, never one long one.",
	Why:     "They read the new storage format only when they start.",
	Affects: []string{"Message delivery", "Messenger", "Web Application", "APIs"},
	Promises: []status.Promise{
		{Audience: "Teammates in the app", Promise: status.Unavailable, AtMost: status.Duration(5 * time.Minute)},
		{Audience: "Developers using the API", Promise: status.Unavailable, AtMost: status.Duration(5 * time.Minute)},
		{Audience: "End users of the messenger", Promise: status.Uninterrupted},
		{Audience: "Scheduled messages", Promise: status.DelayedUp, AtMost: status.Duration(10 * time.Minute)},
		{Audience: "Inbound e-mail", Promise: status.Queued},
	},
}

// plan announces a maintenance.
func (w *town) plan(when string, d status.MaintenanceDocument) {
	w.t.Helper()
	w.apply(when, status.Document{Maintenance: &d})
}

// move changes a maintenance by one of its transitions.
func (w *town) move(key string, f func(status.Maintenance) (status.Maintenance, status.Event, error)) {
	w.t.Helper()
	m, ok := w.Maintenance(key)
	if !ok {
		w.t.Fatalf("there is no maintenance %s", key)
	}
	next, _, err := f(m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.PutMaintenance(next)
}

func (w *town) begin(key, when string) {
	w.t.Helper()
	w.move(key, func(m status.Maintenance) (status.Maintenance, status.Event, error) {
		return m.Begin(at(when), operator, status.Post{})
	})
}

func (w *town) complete(key, when string) {
	w.t.Helper()
	w.move(key, func(m status.Maintenance) (status.Maintenance, status.Event, error) {
		return m.Complete(at(when), operator, status.Post{})
	})
}

func (w *town) extend(key, to, when string) {
	w.t.Helper()
	w.move(key, func(m status.Maintenance) (status.Maintenance, status.Event, error) {
		return m.Extend(at(to), at(when), operator, status.Post{})
	})
}

func (w *town) reestimate(key, to, when string) {
	w.t.Helper()
	w.move(key, func(m status.Maintenance) (status.Maintenance, status.Event, error) {
		return m.Reestimate(at(to), at(when), operator, status.Post{})
	})
}

func (w *town) cancel(key, when, body string) {
	w.t.Helper()
	w.move(key, func(m status.Maintenance) (status.Maintenance, status.Event, error) {
		return m.Cancel(at(when), operator, status.Post{Body: body})
	})
}

func (w *town) verify(key, when string) {
	w.t.Helper()
	w.move(key, func(m status.Maintenance) (status.Maintenance, status.Event, error) {
		return m.Verify(at(when), operator, status.Post{})
	})
}

// trouble opens an incident that goes on.
func (w *town) trouble(title, when string, condition status.Condition, affects ...string) status.Incident {
	w.t.Helper()
	claims := make(map[string]status.Condition)
	for _, name := range affects {
		claims[name] = condition
	}
	i, err := w.OpenIncident(status.IncidentDraft{Title: title, Affects: affects, NamedPost: status.NamedPost{
		Body: "Our provider refuses some connections.", Components: claims,
	}}, at(when), operator)
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

// site shows the town at a time.
func (w *town) site(when string) *Site {
	return New(&still{picture: board.Of(w.Book), asOf: at(when)}, stopped(at(when)), slog.New(slog.DiscardHandler))
}

// still is a board on which nothing happens.
type still struct {
	picture *board.Picture
	asOf    time.Time
	silent  bool
}

func (b *still) Current() *board.Picture { return b.picture }
func (b *still) AsOf() time.Time         { return b.asOf }
func (b *still) Silent() bool            { return b.silent }

// hand is a clock that a test sets.
type hand struct{ stopped }

func (h *hand) set(when string) { h.stopped = stopped(at(when)) }

// stopped is a clock that stands.
type stopped time.Time

func (c stopped) Now() time.Time                              { return time.Time(c) }
func (c stopped) Speed() float64                              { return 1 }
func (c stopped) Wait(_ time.Time, quit <-chan struct{}) bool { <-quit; return false }
