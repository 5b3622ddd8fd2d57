package gate

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/spool"
)

// meter finds out what became of requests during maintenances: it looks at the counters of the lanes now and then, and
// what was added since its last look belongs to the maintenance whose window was open. The requests themselves know
// nothing of it.
type meter struct {
	log *slog.Logger
	// figures are those of the spool.
	figures func() map[string]spool.Figures
	// news has something in it when the state of a lane changed.
	news chan struct{}

	mu       sync.Mutex
	followed bool // somebody takes what is measured
	ledgers  map[*lane]*ledger
	unsaved  tally
}

// ledger is what the meter knows of a lane inside a window.
type ledger struct {
	maintenance string
	was         api.Counts
	since       time.Time
	// closing says that the window has ended, and only those who wait since are still counted; spoolOnly, that nobody does any
	// more, and only what becomes of that which was queued.
	closing, spoolOnly bool
}

func newMeter(log *slog.Logger, figures func() map[string]spool.Figures) *meter {
	return &meter{log: log, figures: figures, news: make(chan struct{}, 1), ledgers: map[*lane]*ledger{}}
}

// stir says that the state of a lane changed. It never waits.
func (m *meter) stir() {
	select {
	case m.news <- struct{}{}:
	default:
	}
}

// follow begins or ends measuring, and reports whether it did: only one may take what is measured.
func (m *meter) follow(on bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.followed == on {
		return false
	}
	m.followed = on
	clear(m.ledgers)
	return true
}

// idle throws away what lanes have to tell while nobody takes it, so that it does not pile up.
func (m *meter) idle(lanes []*lane) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range lanes {
		if !m.followed {
			_ = l.takeSpans()
		}
	}
}

// turn notes that the window of a lane changes. What was counted until now belongs to the window before.
func (m *meter) turn(l *lane, to *window, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.followed {
		return
	}
	in, figures := m.ledgers[l], m.figures()
	if in != nil {
		m.count(l, in, figures, now)
	}
	isNormal := phase(l.phase.Load()) == normal
	switch {
	case to == nil && in != nil && (!isNormal || unsettled(figures[l.name])):
		in.closing, in.spoolOnly = true, isNormal
	case to == nil:
		delete(m.ledgers, l)
	case in != nil && in.maintenance == to.maintenance:
		in.closing, in.spoolOnly = false, false
	default:
		m.enter(l, to, figures, now)
	}
}

// enter begins to count a lane. The longest wait is that of the maintenance, so it begins anew.
func (m *meter) enter(l *lane, in *window, figures map[string]spool.Figures, now time.Time) {
	l.counts.wait.longest.Store(0)
	m.ledgers[l] = &ledger{maintenance: in.maintenance, was: l.snapshot(figures), since: now}
}

// look counts what was added since the last look, in the lanes in force and in those that still have requests although the
// configuration has them no more.
func (m *meter) look(lanes []*lane, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	figures := m.figures()
	for _, l := range lanes {
		if in := l.window.Load(); in != nil && m.ledgers[l] == nil {
			m.enter(l, in, figures, now)
		}
		m.unsaved.addSpans(l.takeSpans())
	}
	for l, in := range m.ledgers {
		m.count(l, in, figures, now)
		live := slices.Contains(lanes, l)
		if !live {
			m.unsaved.addSpans(l.takeSpans())
		}
		in.spoolOnly = in.closing && phase(l.phase.Load()) == normal
		if in.spoolOnly && !unsettled(figures[l.name]) || !live && l.busy.Load() == 0 {
			delete(m.ledgers, l)
		}
	}
}

func (m *meter) count(l *lane, in *ledger, figures map[string]spool.Figures, now time.Time) {
	is, was := l.snapshot(figures), in.was
	if in.spoolOnly {
		was = is
		was.Delivered, was.Shelved, was.DelayMicros, was.Delays = in.was.Delivered, in.was.Shelved, in.was.DelayMicros, in.was.Delays
	}
	if added, some := minus(is, was); some {
		if in.spoolOnly {
			added.LongestMicros = 0
		}
		m.unsaved.add(api.Outcome{Maintenance: in.maintenance, Flow: l.name, From: in.since.UTC(), To: now.UTC(), Counts: added})
	}
	in.was, in.since = is, now
}

// save puts what is not saved onto the shelf. What cannot be put there stays for the next time.
func (m *meter) save(on shelf) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for !m.unsaved.empty() {
		part := m.unsaved.take()
		if err := on.put(part); err != nil {
			m.unsaved.merge(part)
			return err
		}
	}
	return nil
}

// tally is what was measured, summed up by maintenance and flow. The zero value is empty.
type tally struct {
	outcomes map[place]api.Outcome
	spans    map[string]api.Span
}

// place is what outcomes are of.
type place struct{ maintenance, flow string }

// mostInBatch bounds the outcomes and the spans of a batch, so that it is never larger than what the server reads.
const mostInBatch = 300

func (t *tally) empty() bool { return len(t.outcomes) == 0 && len(t.spans) == 0 }

// fits reports whether it is no more than one batch.
func (t *tally) fits() bool { return len(t.outcomes) <= mostInBatch && len(t.spans) <= mostInBatch }

// add adds one outcome.
func (t *tally) add(o api.Outcome) {
	at := place{o.Maintenance, o.Flow}
	if had, ok := t.outcomes[at]; ok {
		if had.From.Before(o.From) {
			o.From = had.From
		}
		o.To, o.Counts = later(had.To, o.To), plus(had.Counts, o.Counts)
	}
	if t.outcomes == nil {
		t.outcomes = map[place]api.Outcome{}
	}
	t.outcomes[at] = o
}

// addSpans notes spans that changed. Those that belong to no maintenance are nobody's.
func (t *tally) addSpans(told []api.Span) {
	for _, s := range told {
		if s.Maintenance == "" {
			continue
		}
		had := t.spans[s.ID]
		s.Quiet, s.Closed, s.Drained = later(had.Quiet, s.Quiet), later(had.Closed, s.Closed), later(had.Drained, s.Drained)
		if t.spans == nil {
			t.spans = map[string]api.Span{}
		}
		t.spans[s.ID] = s
	}
}

// merge adds all of another one.
func (t *tally) merge(other tally) {
	for _, o := range other.outcomes {
		t.add(o)
	}
	t.addSpans(slices.Collect(maps.Values(other.spans)))
}

// take takes out as much as a batch holds.
func (t *tally) take() (part tally) {
	for at, o := range t.outcomes {
		if len(part.outcomes) == mostInBatch {
			break
		}
		part.add(o)
		delete(t.outcomes, at)
	}
	for id, s := range t.spans {
		if len(part.spans) == mostInBatch {
			break
		}
		part.addSpans([]api.Span{s})
		delete(t.spans, id)
	}
	return part
}

// batch is the tally on the wire.
func (t *tally) batch(epoch string, number int64) api.OutcomeBatch {
	return api.OutcomeBatch{
		Epoch: epoch, Number: number,
		Outcomes: slices.SortedFunc(maps.Values(t.outcomes), func(a, b api.Outcome) int {
			return cmp.Or(cmp.Compare(a.Maintenance, b.Maintenance), cmp.Compare(a.Flow, b.Flow))
		}),
		Spans: slices.SortedFunc(maps.Values(t.spans), func(a, b api.Span) int {
			return cmp.Or(a.Opened.Compare(b.Opened), cmp.Compare(a.ID, b.ID))
		}),
	}
}

// numbers are those counts that add up.
func numbers(c *api.Counts) []*int64 {
	return []*int64{
		&c.Requests, &c.Passed, &c.Held, &c.Stale, &c.Queued, &c.Rejected, &c.Evicted, &c.Expired, &c.Failed, &c.Gone,
		&c.Bypassed, &c.Retried, &c.WaitMicros, &c.TookMicros, &c.Delivered, &c.Shelved, &c.DelayMicros,
	}
}

// minus is what was added between two looks, and whether that is anything. The longest wait is that so far. The longest delay
// is not kept apart for each maintenance, so it is at most what the lengths of those that were added say.
func minus(is, was api.Counts) (added api.Counts, some bool) {
	added = is
	of, old := numbers(&added), numbers(&was)
	for i := range of {
		*of[i] -= *old[i]
		some = some || *of[i] != 0
	}
	added.Waits, added.Took = combine(is.Waits, was.Waits, -1), combine(is.Took, was.Took, -1)
	added.Delays = combine(is.Delays, was.Delays, -1)
	added.LongestDelayMicros = longestOf(added.Delays, is.LongestDelayMicros)
	return added, some
}

// longestOf is a bound of the longest of some delays, in microseconds, where the longest of all is known.
func longestOf(delays []int64, ofAll int64) int64 {
	for i, n := range slices.Backward(delays) {
		switch {
		case n <= 0:
		case i == api.WaitBuckets-1:
			return ofAll
		default:
			return min(ofAll, time.Millisecond.Microseconds()<<i)
		}
	}
	return 0
}

// plus is the sum of two.
func plus(a, b api.Counts) api.Counts {
	of, more := numbers(&a), numbers(&b)
	for i := range of {
		*of[i] += *more[i]
	}
	a.LongestMicros = max(a.LongestMicros, b.LongestMicros)
	a.LongestDelayMicros = max(a.LongestDelayMicros, b.LongestDelayMicros)
	a.Waits, a.Took, a.Delays = combine(a.Waits, b.Waits, 1), combine(a.Took, b.Took, 1), combine(a.Delays, b.Delays, 1)
	return a
}

// combine adds the numbers of two rows, those of the second with a sign.
func combine(a, b []int64, sign int64) []int64 {
	if len(a)+len(b) == 0 {
		return nil
	}
	all := make([]int64, max(len(a), len(b)))
	copy(all, a)
	for i, n := range b {
		all[i] += sign * n
	}
	return all
}
