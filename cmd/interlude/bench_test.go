package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"example.org/interlude/clock"
	"example.org/interlude/keeper"
	"example.org/interlude/lease"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// town makes documents of a large page: groups of ten components, past incidents, and planned maintenances.
func town(components, past, planned int, now time.Time) []status.Document {
	p := &status.PageDocument{Page: status.PageFields{Name: "Northwind"}}
	name := func(n int) string { return fmt.Sprintf("Region %d / Service %d", n/10, n%10) }
	for g := range components / 10 {
		node := status.ComponentNode{Group: fmt.Sprintf("Region %d", g)}
		for c := range 10 {
			node.Components = append(node.Components, status.ComponentNode{Name: fmt.Sprintf("Service %d", c)})
		}
		p.Components = append(p.Components, node)
	}
	documents := []status.Document{{Page: p}}
	for n := range past {
		at := now.Add(-time.Duration(n+2) * 3 * time.Hour)
		one := name(n % components)
		documents = append(documents, status.Document{Incident: &status.IncidentDocument{
			Key: fmt.Sprintf("past-%d", n), Title: fmt.Sprintf("Trouble %d", n), Affects: []string{one},
			Updates: []status.UpdateDocument{
				{Status: status.Investigating, At: at, Body: "We are looking.", Components: map[string]status.Condition{one: status.PartialOutage}},
				{Status: status.Identified, At: at.Add(10 * time.Minute), Body: "We have found it."},
				{Status: status.Monitoring, At: at.Add(20 * time.Minute), Body: "It is mended."},
				{Status: status.Resolved, At: at.Add(30 * time.Minute), Body: "It stays mended."},
			},
		}})
	}
	for n := range planned {
		start := now.Add(time.Duration(n+100) * time.Hour).Truncate(time.Hour)
		documents = append(documents, status.Document{Maintenance: &status.MaintenanceDocument{
			Key: fmt.Sprintf("plan-%d", n), Title: fmt.Sprintf("Upgrade %d", n), Affects: []string{name(n % components)},
			Window: status.Window{Start: start, End: start.Add(30 * time.Minute)}, Summary: "We upgrade: {{ .Window }}.",
		}})
	}
	return documents
}

// BenchmarkChangeToPage is the time from a person's post until a reader's live stream tells of the page that shows
// it: transaction on disk, board, rendering, compression and all.
func BenchmarkChangeToPage(b *testing.B) {
	for _, size := range []struct {
		name                      string
		components, past, planned int
	}{{"small", 10, 0, 1}, {"500components-5000past-50planned", 500, 5000, 50}} {
		b.Run(size.name, func(b *testing.B) {
			db, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			n := newNode(db, clock.System{}, lease.Alone{}, slog.New(slog.DiscardHandler))
			ask := keeper.Request{By: status.Actor{Kind: status.Person, Name: "bench"}}
			if _, err := n.keeper.Apply(b.Context(), town(size.components, size.past, size.planned, time.Now().UTC()), false, ask); err != nil {
				b.Fatal(err)
			}
			server, live := watch(b, n)
			for i := 0; b.Loop(); i++ {
				if _, err := n.keeper.Post(b.Context(), "plan-0", status.Post{Body: fmt.Sprintf("Post number %d.", i)}, ask); err != nil {
					b.Fatal(err)
				}
				live.next(b)
			}
			b.StopTimer()
			response, err := http.Get(server.URL)
			if err != nil {
				b.Fatal(err)
			}
			defer response.Body.Close()
			if html, err := io.ReadAll(response.Body); err != nil || len(html) == 0 {
				b.Fatalf("got %d bytes and %v, want the page", len(html), err)
			}
		})
	}
}

// stream is a reader's live stream of a page.
type stream struct {
	events  chan string
	version string
}

// watch runs a node and opens a live stream of its page.
func watch(b *testing.B, n *node) (*httptest.Server, *stream) {
	b.Helper()
	if err := n.board.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	running := make(chan struct{}, 2)
	go func() { _ = n.board.Run(ctx); running <- struct{}{} }()
	go func() { _ = n.site.Run(ctx); running <- struct{}{} }()
	server := httptest.NewServer(n.site)
	response, err := http.Get(server.URL + "/live")
	if err != nil {
		b.Fatal(err)
	}
	live := &stream{events: make(chan string, 64)}
	go func() {
		defer close(live.events)
		buffer := make([]byte, 4096)
		for {
			k, err := response.Body.Read(buffer)
			if err != nil {
				return
			}
			if at := bytes.Index(buffer[:k], []byte(`"version":"`)); at >= 0 {
				version, _, _ := bytes.Cut(buffer[at+len(`"version":"`):k], []byte(`"`))
				live.events <- string(version)
			}
		}
	}()
	b.Cleanup(func() {
		_ = response.Body.Close()
		stop()
		<-running
		<-running
		server.Close()
	})
	live.next(b)
	return server, live
}

// next waits until the stream tells of another version.
func (s *stream) next(b *testing.B) {
	b.Helper()
	for version := range s.events {
		if version != s.version {
			s.version = version
			return
		}
	}
	b.Fatal("the live stream ended")
}
