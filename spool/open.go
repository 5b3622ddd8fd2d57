package spool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// Spool keeps entries until they have been handed over. [Open] makes one, [Spool.Run] makes it work.
type Spool struct {
	journal Journal
	index   *index
	limits  Limits
	log     *slog.Logger
	flows   map[string]*flow
	ids     ids
	disk    disk
	relieve func() bool
	grace   time.Duration
	// Half of the memory is for those who bring something, and half for those who take it away, so that neither keeps the other from it.
	coming, going *semaphore.Weighted

	orders   chan *order
	running  atomic.Bool
	stopping chan struct{} // closed when nothing more is accepted
	stopped  chan struct{} // closed when nothing more is written
	// behind says that the index lacks something that is in the journal.
	behind atomic.Bool
	sweep  sweep
	// ctx is that of Open without its end, for what is asked without one.
	ctx context.Context
}

// Open makes a spool of what its journal has, and an index that agrees with it. Nothing moves before [Spool.Run].
func Open(ctx context.Context, c Config) (*Spool, error) {
	if c.Journal == nil {
		return nil, errors.New("open the spool: there is no journal; OpenFiles makes one")
	}
	s := &Spool{
		journal: c.Journal, limits: c.Limits.WithDefaults(), log: c.Log, flows: map[string]*flow{}, disk: disk{free: c.Free},
		relieve: c.Relieve, grace: cmp.Or(c.Grace, 10*time.Second),
		ctx:    context.WithoutCancel(ctx),
		orders: make(chan *order), stopping: make(chan struct{}), stopped: make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.coming, s.going = semaphore.NewWeighted(s.limits.Memory/2), semaphore.NewWeighted(s.limits.Memory/2)
	if s.relieve == nil {
		s.relieve = func() bool { return false }
	}
	s.sweep.slack = min(sweepSlack, s.limits.Bytes/8)
	began := time.Now()
	var err error
	s.index, err = openIndex(ctx, c.Index, c.Journal, s.log)
	if diskFull(err) && s.relieve() {
		s.log.Warn("the disk is full; the spool's reserve is given up, and nothing is accepted until there is room for it again")
		s.index, err = openIndex(ctx, c.Index, c.Journal, s.log)
	}
	if err != nil {
		return nil, fmt.Errorf("open the spool: %w", err)
	}
	s.begin(c.Flows)
	sum := s.index.all()
	s.log.Info("spool opened", "waiting", sum.waiting, "shelved", sum.shelved, "bytes", sum.bytes, "took", time.Since(began))
	return s, nil
}

// begin makes the flows: those of the configuration, and those of which something is left although nobody takes it any more.
func (s *Spool) begin(flows map[string]Flow) {
	s.ids.goOnAfter(s.index.opened.last)
	for name, f := range flows {
		s.flows[name] = newFlow(s, name, f)
	}
	for _, name := range slices.Sorted(maps.Keys(s.index.flows)) {
		if s.flows[name] == nil {
			s.log.Warn("the spool has entries of a flow that is not configured any more; they stay until it is again, or they are removed", "flow", name)
			s.flows[name] = newFlow(s, name, Flow{})
			s.flows[name].gone = true
		}
	}
	for _, name := range s.index.opened.paused {
		if f := s.flows[name]; f != nil {
			f.paused = true
		}
	}
}

// Run accepts and hands over until ctx ends, and is called once. Then nothing more is accepted or begun; what couriers have
// in hand is waited for, and what became of it is written. Their own context ends only when that took longer than
// [Config.Grace].
func (s *Spool) Run(ctx context.Context) error {
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("run the spool: it runs already, or did")
	}
	hands, cut := context.WithCancel(context.WithoutCancel(ctx)) // of those who are handing something over
	defer cut()
	quit := make(chan struct{})
	var committer, flows sync.WaitGroup
	committer.Go(func() { s.write(ctx, quit) })
	for _, f := range s.flows {
		if !f.gone {
			flows.Go(func() { f.run(ctx, hands) })
		}
	}
	<-ctx.Done()
	close(s.stopping)
	defer time.AfterFunc(s.grace, cut).Stop()
	flows.Wait()
	close(quit)
	committer.Wait()
	close(s.stopped)
	return nil
}

// Close lets go of the index, after Run has returned. The journal belongs to who opened it.
func (s *Spool) Close() error {
	if err := s.index.close(); err != nil {
		return fmt.Errorf("close the spool: %w", err)
	}
	return nil
}

// WithDefaults fills in what is not said.
func (l Limits) WithDefaults() Limits {
	l.Bytes = cmp.Or(l.Bytes, 8<<30)
	l.Entries = cmp.Or(l.Entries, 5_000_000)
	l.Entry = cmp.Or(l.Entry, 64<<20)
	l.Memory = cmp.Or(l.Memory, 256<<20)
	l.Spare = cmp.Or(l.Spare, 512<<20)
	l.Age = cmp.Or(l.Age, 5*24*time.Hour)
	l.Remember = cmp.Or(l.Remember, 3*24*time.Hour)
	return l
}

// disk knows how much room is left.
type disk struct {
	free func() (int64, error)

	mu     sync.Mutex
	looked time.Time
	left   int64
}

// room reports whether so many bytes are left. It asks once a second at most. When nobody can tell there is room: the
// journal will say so if there is none.
func (d *disk) room(bytes int64) bool {
	if d.free == nil {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); d.looked.IsZero() || now.Sub(d.looked) >= time.Second {
		left, err := d.free()
		if err != nil {
			return true
		}
		d.looked, d.left = now, left
	}
	return d.left >= bytes
}

// take notes that so many bytes will be used, for as long as nobody looks again.
func (d *disk) take(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left -= bytes
}
