package store_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/store"
)

// crowd makes so many active subscribers of the whole page by e-mail.
func crowd(tb testing.TB, s *store.Store, n int) {
	tb.Helper()
	for first := 0; first < n; first += 1000 {
		var some []notify.Subscriber
		for i := first; i < min(n, first+1000); i++ {
			some = append(some, notify.Subscriber{
				ID: fmt.Sprintf("s%011d", i), Channel: notify.Email, Address: fmt.Sprintf("reader%d@example.com", i), State: notify.Active, Created: noon,
			})
		}
		if refused, err := s.AddSubscribers(tb.Context(), noon, some); err != nil || len(refused) > 0 {
			tb.Fatalf("got error %v and %d refused", err, len(refused))
		}
	}
}

// multitude makes so many in one statement, where the way in is not what is measured.
func multitude(tb testing.TB, s *store.Store, n int) {
	tb.Helper()
	store.Exec(tb, s, fmt.Sprintf(`
		WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < %d)
		INSERT INTO subscriber (id, version, n, channel, address, contact, event, components, access_user, state, skip_confirmation, created)
		SELECT 's' || i, 1, i, 'email', 'reader' || i || '@example.com', '', '', '[]', '', 'active', FALSE, %d FROM number`, n, noon.UnixMicro()))
	store.Exec(tb, s, fmt.Sprintf(`UPDATE feed SET subscribers = %d`, n))
}

// BenchmarkFanOut writes the deliveries of one notice to INTERLUDE_BENCH_SUBSCRIBERS subscribers (100,000), takes them and
// settles them.
func BenchmarkFanOut(b *testing.B) {
	n := 100_000
	if text := os.Getenv("INTERLUDE_BENCH_SUBSCRIBERS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			s := open(b, newDatabase(b, engine))
			multitude(b, s, n)
			var writing, working time.Duration
			for b.Loop() {
				began := time.Now()
				if err := s.Tell(b.Context(), noon, notify.Notice{Kind: notify.Test, Audience: notify.Audience{Everyone: true}}); err != nil {
					b.Fatal(err)
				}
				writing += time.Since(began)
				began = time.Now()
				if settled := drain(b, s); settled != n {
					b.Fatalf("got %d deliveries, want %d", settled, n)
				}
				working += time.Since(began)
			}
			rows := float64(n * b.N)
			b.ReportMetric(rows/writing.Seconds(), "written/s")
			b.ReportMetric(rows/working.Seconds(), "settled/s")
		})
	}
}

// drain takes and settles everything that is due.
func drain(tb testing.TB, s *store.Store) (settled int) {
	tb.Helper()
	for {
		parcels, err := s.Take(tb.Context(), noon.Add(time.Second), noon.Add(time.Minute), notify.Email, 1000)
		if err != nil {
			tb.Fatal(err)
		}
		if len(parcels) == 0 {
			return settled
		}
		var outcomes []notify.Outcome
		var done []int64
		for _, p := range parcels {
			done = append(done, p.ID)
			for _, d := range p.Deliveries {
				outcomes = append(outcomes, notify.Outcome{Delivery: d, Fate: notify.Sent, Tries: 1, At: noon, Answer: "250 2.0.0 Ok: queued as 4F2A1"})
			}
		}
		if err := s.Settle(tb.Context(), noon, outcomes, done); err != nil {
			tb.Fatal(err)
		}
		settled += len(outcomes)
	}
}
