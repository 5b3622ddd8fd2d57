package browser

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

// company is the page of the tests, with two groups and two components that stand alone.
var company = status.PageDocument{
	Page: status.PageFields{Name: "Northwind", URL: "https://status.northwind.example", TimeZone: "UTC"},
	Components: append([]status.ComponentNode{
		{Group: "Message delivery", Components: named("Email", "Chats and Posts", "Mobile Push", "Admin notifications")},
		{Group: "Messenger", Components: named("Web Messenger", "Mobile Messenger")},
	}, named("Web Application", "APIs")...),
}

// database is the maintenance of the tests.
var database = status.MaintenanceDocument{
	Key: "db", Title: "Scheduled database maintenance",
	Window:  status.Window{Start: at("2027-01-15 06:00"), End: at("2027-01-15 07:00")},
	Summary: "On {{ .Window }} we restart our databases. Expect **a few brief interruptions**, never one long one.",
	Affects: []string{"Message delivery", "Web Application", "APIs"},
	Promises: []status.Promise{
		{Audience: "Teammates in the app", Promise: status.Unavailable, AtMost: status.Duration(5 * time.Minute)},
		{Audience: "End users of the messenger", Promise: status.Uninterrupted},
		{Audience: "Scheduled messages", Promise: status.DelayedUp, AtMost: status.Duration(10 * time.Minute)},
		{Audience: "Inbound e-mail", Promise: status.Queued},
	},
}

func named(names ...string) []status.ComponentNode {
	var nodes []status.ComponentNode
	for _, name := range names {
		nodes = append(nodes, status.ComponentNode{Name: name})
	}
	return nodes
}

// ended is a past incident.
func ended(key, title, from, to string, condition status.Condition, component string) status.Document {
	return status.Document{Incident: &status.IncidentDocument{
		Key: key, Title: title, Affects: []string{component},
		Updates: []status.UpdateDocument{
			{Status: status.Investigating, At: at(from), Body: "We are looking for the cause.", Components: map[string]status.Condition{component: condition}},
			{Status: status.Resolved, At: at(to), Body: "Everything that was waiting has been delivered. See [the **guide**](https://docs.northwind.example/)."},
		},
	}}
}

// founded is the database of northwind, made once and copied for each test.
var founded struct {
	once sync.Once
	file []byte
}

// northwind is half a year old, has had two incidents lately and has announced a maintenance for the day after tomorrow.
func northwind(t *testing.T) *site {
	t.Helper()
	browser(t) // no browser, no server
	founded.once.Do(func() { founded.file = found(t) })
	s := newSite(t, "2027-01-13 16:51")
	if err := os.WriteFile(s.path, founded.file, 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.settle()
	return s
}

func found(t *testing.T) []byte {
	t.Helper()
	s := newSite(t, "2026-07-01 09:00").start()
	s.apply(status.Document{Page: &company})
	s.set("2027-01-13 16:51")
	s.apply(
		ended("outage", "Web application unavailable", "2027-01-05 09:13", "2027-01-05 09:58", status.MajorOutage, "Web Application"),
		ended("late", "E-mail to one provider arrives late", "2027-01-09 14:35", "2027-01-09 16:40", status.DegradedPerformance, "Email"),
		status.Document{Maintenance: &database},
	)
	s.stop()
	file, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// The states of northwind, each from the one before.

func underWay(t *testing.T) *site {
	t.Helper()
	s := northwind(t)
	s.set("2027-01-15 06:00")
	s.set("2027-01-15 06:30")
	return s
}

func overrun(t *testing.T) *site {
	t.Helper()
	s := underWay(t)
	s.set("2027-01-15 07:00")
	s.set("2027-01-15 07:09")
	return s
}

func estimated(t *testing.T) *site {
	t.Helper()
	s := overrun(t)
	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		_, err := k.Estimate(ctx, "db", at("2027-01-15 07:15"), status.Post{}, operator)
		return err
	})
	return s
}

func verified(t *testing.T) *site {
	t.Helper()
	s := underWay(t)
	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		_, err := k.Verify(ctx, "db", status.Post{}, operator)
		return err
	})
	return s
}

func troubled(t *testing.T) *site {
	t.Helper()
	s := underWay(t)
	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		_, err := k.OpenIncident(ctx, status.IncidentDraft{
			Key: "push", Title: "Web Messenger does not load", Affects: []string{"Web Messenger"},
			NamedPost: status.NamedPost{Body: "We are looking for the cause.", Components: map[string]status.Condition{"Web Messenger": status.MajorOutage}},
		}, operator)
		return err
	})
	return s
}

func completed(t *testing.T) *site {
	t.Helper()
	s := overrun(t)
	s.do(func(ctx context.Context, k *keeper.Keeper) error {
		_, err := k.Complete(ctx, "db", status.Post{}, operator)
		return err
	})
	s.set("2027-01-15 07:14:30")
	return s
}

func bare(t *testing.T) *site {
	t.Helper()
	browser(t)
	s := newSite(t, "2027-01-13 16:51").start()
	return s
}

// crowded has sixty components with names of every length, and more planned than fits.
func crowded(t *testing.T) *site {
	t.Helper()
	browser(t)
	s := newSite(t, "2026-12-01 09:00").start()
	large := status.PageDocument{Page: status.PageFields{Name: "Northwind Traders International", TimeZone: "UTC"}}
	for g := range 6 {
		group := status.ComponentNode{Group: fmt.Sprintf("Region %d, with a name that is long enough to be broken into lines", g+1)}
		for c := range 10 {
			name := fmt.Sprintf("Service %d of region %d", c+1, g+1)
			if c == 3 {
				name += " Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
			}
			group.Components = append(group.Components, status.ComponentNode{Name: name, Description: "What it does, in a few words."})
		}
		large.Components = append(large.Components, group)
	}
	s.apply(status.Document{Page: &large})
	s.set("2027-01-13 16:51")
	var planned []status.Document
	for n := range 6 {
		m := database
		m.Key, m.Title = fmt.Sprintf("move-%d", n), fmt.Sprintf("Move of region %d", n+1)
		start := at("2027-01-15 06:00").AddDate(0, 0, n)
		m.Window = status.Window{Start: start, End: start.Add(26 * time.Hour)}
		m.Affects = []string{large.Components[n].Group}
		planned = append(planned, status.Document{Maintenance: &m})
	}
	s.apply(planned...)
	return s
}

// scene is a state that readers may find the page in.
type scene struct {
	name string
	make func(*testing.T) *site
	// headline and lead are what its banner says.
	headline, lead string
}

var scenes = []scene{
	{"nothing entered", bare, "Nothing to report yet", "This page is new. Components, planned maintenance and incidents appear here as soon as there are any."},
	{"operational with a maintenance planned", northwind, "All systems operational", "Next maintenance begins in 1 day 13 h, on Friday at 06:00 UTC."},
	{"in progress", underWay, "Maintenance in progress", "As planned, until 07:00 UTC. Everything else is operational."},
	{"overrun without an estimate", overrun, "Maintenance is taking longer than planned", "It was to end at 07:00 UTC. There is no new estimate yet."},
	{"overrun with an estimate", estimated, "Maintenance is taking longer than planned", "It was to end at 07:00 UTC. The new estimate is 07:15 UTC."},
	{"verifying", verified, "Maintenance done, being verified", "We call it complete when everything has been checked."},
	{"incident during a maintenance", troubled, "Major outage", "Web Messenger is affected. A planned maintenance is also in progress."},
	{"completed", completed, "All systems operational", "Scheduled database maintenance was completed 5 min ago."},
	{"sixty components", crowded, "All systems operational", "Next maintenance begins in 1 day 13 h, on Friday at 06:00 UTC."},
}
