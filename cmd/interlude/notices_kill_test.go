package main

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/keeper"
	"example.org/interlude/notify"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// readers saves active subscribers of the whole page by e-mail, in a store that nobody serves yet.
func readers(tb testing.TB, name string, count int) {
	tb.Helper()
	db, err := store.Open(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	var all []notify.Subscriber
	for i := range count {
		all = append(all, notify.Subscriber{
			ID: keeper.NewID(), Channel: notify.Email, Address: readerAddress(i), State: notify.Active, Created: time.Now(),
		})
	}
	for some := range slices.Chunk(all, 1000) {
		if refused, err := db.AddSubscribers(tb.Context(), time.Now(), some); err != nil || len(refused) > 0 {
			tb.Fatalf("got %d refused and error %v", len(refused), err)
		}
	}
}

func readerAddress(i int) string { return fmt.Sprintf("reader%d@example.com", i) }

// announce puts a maintenance on a page, which tells everybody.
func announce(tb testing.TB, s *serving, start time.Time) {
	tb.Helper()
	documents := []status.Document{townOf(s.address), {Maintenance: &status.MaintenanceDocument{
		Key: "m", Title: "Scheduled database maintenance", Affects: []string{"App"}, Window: status.Window{Start: start, End: start.Add(time.Hour)},
		Summary: "On {{ .Window }} you may notice a few brief interruptions.", Why: "We move to a newer version of our database.",
	}}}
	if _, err := s.client().Apply(tb.Context(), api.ApplyRequest{Documents: documents}); err != nil {
		tb.Fatal(err)
	}
}

// TestKilledInTheMiddleOfAFanOutEverybodyIsTold kills two processes that share a store, again and again, while they tell
// two thousand subscribers by SMTP.
func TestKilledInTheMiddleOfAFanOutEverybodyIsTold(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes over real seconds")
	}
	const (
		subscribers = 2000
		window      = 40
	)
	stores(t, func(t *testing.T, name string) {
		t.Parallel()
		box := newMailbox(t)
		readers(t, name, subscribers)
		nodes := newServing(t, name, 2, "--notices", box.config(fmt.Sprintf("window: %d\n", window)))
		announce(t, nodes[0], time.Now().Add(48*time.Hour))
		db, err := store.Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		kills, recorded := 0, make(map[string]int) // as many messages as each had got when it was recorded as sent
		for range 6 {
			_, had := box.count("")
			awaitMail(t, box, min(subscribers, had+random(t, 200)))
			n := nodes[random(t, len(nodes))]
			n.kill()
			kills++
			for _, d := range sentSoFar(t, db) {
				if _, known := recorded[d.Address]; !known {
					recorded[d.Address], _ = box.count(d.Address)
				}
			}
			n.start()
		}
		sent := awaitSent(t, db, subscribers)
		_, total := box.count("")
		t.Logf("%d messages for %d subscribers after %d kills; %d were recorded when a process was killed", total, subscribers, kills, len(recorded))
		if total > subscribers+kills*window {
			t.Errorf("got %d messages, want no more than %d and %d for each of %d kills", total, subscribers, window, kills)
		}
		for _, d := range sent {
			box.mu.Lock()
			ids := box.ids[d.Address]
			box.mu.Unlock()
			if len(ids) == 0 || len(slices.Compact(slices.Clone(ids))) != 1 {
				t.Errorf("got messages %v for %s, want one, or repetitions of one", ids, d.Address)
			}
			if before, was := recorded[d.Address]; was && len(ids) != before {
				t.Errorf("%s got %d messages after the first was recorded as sent, want none", d.Address, len(ids)-before)
			}
		}
	})
}

// awaitMail waits until so many messages have come.
func awaitMail(t *testing.T, box *mailbox, want int) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for {
		if _, total := box.count(""); total >= want {
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			_, total := box.count("")
			t.Fatalf("got %d messages in time, want %d", total, want)
		}
	}
}

// sentSoFar are the deliveries of the first notice that are recorded as sent.
func sentSoFar(t *testing.T, db *store.Store) []notify.Delivered {
	t.Helper()
	sent, err := db.Deliveries(t.Context(), 1, notify.Sent, 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

// awaitSent waits until all are recorded as sent. What a killed process had taken is due when its lease has run out.
func awaitSent(t *testing.T, db *store.Store, want int) []notify.Delivered {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	for {
		sent := sentSoFar(t, db)
		if len(sent) == want {
			return sent
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("got %d recorded as sent in time, want %d", len(sent), want)
		}
	}
}
