package web

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.org/interlude/notify"
	"example.org/interlude/store"
)

// queueAge is for how long the length of the queue is believed: measuring it reads all of the queue, and neither a scrape nor
// somebody who watches a fan-out shall cost that.
const queueAge = 2 * time.Second

// queue remembers how much waits in the outbox. Its times are the machine's: a driven clock may stand still.
type queue struct {
	mu      sync.Mutex
	at      time.Time
	lengths map[notify.Channel]notify.Backlog
}

// measured is the length of the queue by channel, at most queueAge old.
func (q *queue) measured(ctx context.Context, s *store.Store) (map[notify.Channel]notify.Backlog, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if time.Since(q.at) < queueAge {
		return q.lengths, nil
	}
	lengths, err := s.Backlog(ctx)
	if err != nil {
		return nil, err
	}
	q.at, q.lengths = time.Now(), lengths
	return lengths, nil
}

// known is the length of the queue as it was measured last, and false when that is too long ago.
func (q *queue) known() (map[notify.Channel]notify.Backlog, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lengths, time.Since(q.at) < queueLife
}

// queueLife is for how long a measure is shown that was made for one scrape, which may be slow.
const queueLife = 5 * queueAge

// measureQueue measures the queue for a scrape that is about to begin, because collectors are given no context. A store that does
// not answer leaves out these figures and no others.
func (d *door) measureQueue(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, showPatience)
	defer stop()
	if _, err := d.queue.measured(ctx, d.Store); err != nil {
		d.Log.DebugContext(ctx, "the queue of notices cannot be measured", "error", err)
	}
}

// noticeFigures are taken from the queue when they are asked for.
type noticeFigures struct{ d *door }

var (
	noticesWaiting = prometheus.NewDesc("interlude_notices_backlog", "Deliveries in the queue, by channel.", []string{"channel"}, nil)
	noticesDue     = prometheus.NewDesc("interlude_notices_oldest_due_seconds",
		"Seconds since the delivery that waits longest is due, by channel; 0 while all wait for another attempt or nothing waits.", []string{"channel"}, nil)
)

// Describe lists the figures.
func (noticeFigures) Describe(to chan<- *prometheus.Desc) {
	to <- noticesWaiting
	to <- noticesDue
}

// Collect takes the figures. While the store does not answer there are none: a number that is not known is not 0.
func (f noticeFigures) Collect(to chan<- prometheus.Metric) {
	lengths, known := f.d.queue.known()
	if !known {
		return
	}
	now := f.d.Clock.Now()
	for _, c := range notify.Channels {
		waits := lengths[c]
		late := 0.0
		if !waits.Due.IsZero() {
			late = max(now.Sub(waits.Due).Seconds(), 0)
		}
		to <- prometheus.MustNewConstMetric(noticesWaiting, prometheus.GaugeValue, float64(waits.Waiting), string(c))
		to <- prometheus.MustNewConstMetric(noticesDue, prometheus.GaugeValue, late, string(c))
	}
}
