package notify

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/mail"
	"example.org/interlude/status"
)

var update = flag.Bool("update", false, "write the expected messages in testdata anew")

// golden compares a text with the file of a name in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("got another %s than want (-want +got); run the test with -update when that is right:\n%s", name, diff)
	}
}

var (
	operator = status.Actor{Kind: status.Person, Name: "ada"}
	writer   = Writer{From: mail.Mailbox{Local: "status", Domain: "northwind.example"}, Keys: NewKeys([]byte("a secret of thirty-two bytes, all.."))}
	reader   = Recipient{N: 7, ID: "sub7", Channel: Email, Address: "ops@example.com"}
)

// at reads "2027-01-15 06:00" as UTC.
func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

// town is a page on which things happen, and what is told of them.
type town struct {
	*status.Book
	t    testing.TB
	told []*Notice
}

// northwind is the page of the examples, in New York's time.
func northwind(t testing.TB) *town {
	n := 0
	w := &town{t: t, Book: &status.Book{NewID: func() string { n++; return "id" + strconv.Itoa(n) }}}
	names := func(names ...string) []status.ComponentNode {
		var nodes []status.ComponentNode
		for _, name := range names {
			nodes = append(nodes, status.ComponentNode{Name: name})
		}
		return nodes
	}
	w.apply("2026-07-01 09:00", status.Document{Page: &status.PageDocument{
		Page: status.PageFields{Name: "Northwind", URL: "https://status.northwind.example", TimeZone: "America/New_York"},
		Components: append([]status.ComponentNode{
			{Group: "Message delivery", Components: names("Email", "Mobile Push")},
		}, names("Web Application", "APIs")...),
	}})
	return w
}

// does makes a change and notes what is told of it.
func (w *town) does(change func() error) {
	w.t.Helper()
	w.Written = status.Written{}
	was := Look(w.Book)
	if err := change(); err != nil {
		w.t.Fatal(err)
	}
	for _, n := range was.Notices(w.Book) {
		if n.Kind != ComponentChanged {
			n.N = int64(len(w.told) + 1)
			w.told = append(w.told, &n)
		}
	}
}

func (w *town) apply(when string, documents ...status.Document) {
	w.t.Helper()
	w.does(func() error {
		_, _, err := w.Apply(documents, at(when), operator)
		return err
	})
}

// move takes the database maintenance through a transition.
func (w *town) move(when string, to status.Transition, body string) {
	w.t.Helper()
	w.does(func() error {
		m, _ := w.Maintenance("db")
		_, err := w.Transit(m, to, status.Post{Body: body}, at(when), operator)
		return err
	})
}

func (w *town) tick(when string) {
	w.t.Helper()
	w.does(func() error { w.Tick(at(when)); return nil })
}

// last is what was told last, which is of the given kind.
func (w *town) last(kind status.EventKind) *Notice {
	w.t.Helper()
	if len(w.told) == 0 || w.told[len(w.told)-1].Kind != Kind(kind) {
		w.t.Fatalf("got %d notices and none of %q at the end", len(w.told), kind)
	}
	return w.told[len(w.told)-1]
}

// database is the maintenance of the examples.
func database() status.MaintenanceDocument {
	return status.MaintenanceDocument{
		Key: "db", Title: "Scheduled database maintenance",
		Window:  status.Window{Start: at("2027-01-15 06:00"), End: at("2027-01-15 07:00")},
		Summary: "We restart our databases on {{ .Window }}. Expect **a few brief interruptions**, never one long one.",
		Why:     "They read the new [storage format](/formats) only when they start.",
		Affects: []string{"Message delivery", "APIs"},
		Promises: []status.Promise{
			{Audience: "Developers using the API", Promise: status.Unavailable, AtMost: status.Duration(5 * time.Minute)},
			{Audience: "Scheduled messages", Promise: status.DelayedUp, AtMost: status.Duration(10 * time.Minute)},
			{Audience: "Inbound e-mail", Promise: status.Queued},
		},
		Reminders:   []status.Duration{status.Duration(24 * time.Hour)},
		RemindEvery: status.Duration(30 * time.Minute),
	}
}

// announced is the page with the database maintenance on it.
func announced(t testing.TB) *town {
	w := northwind(t)
	d := database()
	w.apply("2027-01-08 09:00", status.Document{Maintenance: &d})
	return w
}

// story is what is told of one maintenance from its announcement to its end, one notice of each kind that there is on the way.
func story(t testing.TB) []*Notice {
	w := announced(t)
	moved := database()
	moved.Window = status.Window{Start: at("2027-01-16 02:00"), End: at("2027-01-16 04:00")}
	w.apply("2027-01-10 09:00", status.Document{Maintenance: &moved})
	w.tick("2027-01-15 02:00")
	w.tick("2027-01-16 02:00")
	w.tick("2027-01-16 02:30")
	w.move("2027-01-16 02:40", status.Maintenance.Say, "Half of the databases are done. See [the list](https://example.com/list).")
	w.move("2027-01-16 03:10", func(m status.Maintenance, now time.Time, by status.Actor, say status.Post) (status.Maintenance, status.Event, error) {
		return m.Extend(at("2027-01-16 04:30"), now, by, say)
	}, "")
	w.tick("2027-01-16 04:30")
	w.move("2027-01-16 04:35", func(m status.Maintenance, now time.Time, by status.Actor, say status.Post) (status.Maintenance, status.Event, error) {
		return m.Reestimate(at("2027-01-16 05:15"), now, by, say)
	}, "The last database is slow to start.")
	w.move("2027-01-16 05:05", status.Maintenance.Verify, "")
	w.move("2027-01-16 05:12", status.Maintenance.Complete, "")
	w.move("2027-01-16 05:20", status.Maintenance.Reopen, "One database was left out.")
	return w.told
}

// outage is what is told of an incident.
func outage(t testing.TB) []*Notice {
	w := northwind(t)
	w.does(func() error {
		_, err := w.OpenIncident(status.IncidentDraft{Title: "API unavailable", NamedPost: status.NamedPost{
			Body: "We are looking for the cause.", Components: map[string]status.Condition{"APIs": status.MajorOutage},
		}}, at("2027-01-15 09:00"), operator)
		return err
	})
	for _, step := range []struct {
		when string
		to   status.State
		body string
	}{
		{"2027-01-15 09:20", status.Identified, "A certificate has expired. We are renewing it."},
		{"2027-01-15 09:25", status.Identified, "It is renewed on half of the machines."},
		{"2027-01-15 09:45", status.Resolved, "The certificate is renewed everywhere."},
	} {
		w.does(func() error {
			_, err := w.PostIncident(w.Incidents[0], step.to, status.NamedPost{Body: step.body}, at(step.when), operator)
			return err
		})
	}
	return w.told
}

// personal are the notices that concern a subscription.
func personal(t testing.TB) []*Notice {
	var all []*Notice
	for i, kind := range []Kind{Confirm, Link, Stopped, Test} {
		n := &Notice{N: int64(i + 1), Kind: kind, At: at("2027-01-15 09:00"), Page: northwind(t).Page}
		if kind == Stopped {
			n.Reason = "410 Gone: no such hook"
		}
		all = append(all, n)
	}
	return all
}

func canceled(t testing.TB) *Notice {
	w := announced(t)
	w.move("2027-01-12 09:00", status.Maintenance.Cancel, "The vendor needs more time. We will announce another window.")
	return w.last(status.CalledOff)
}

// everything is a notice of each kind, by the names of their files.
func everything(t testing.TB) map[string]*Notice {
	all := map[string]*Notice{"canceled": canceled(t)}
	for _, told := range [][]*Notice{story(t), personal(t)} {
		for _, n := range told {
			all[string(n.Kind)] = n
		}
	}
	for i, n := range outage(t) {
		all["incident"+strconv.Itoa(i+1)] = n
	}
	return all
}
