package spool_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"example.org/interlude/spool"
	"example.org/interlude/spool/spooltest"
)

// ledger counts what was accepted, and how often it was handed over. What happens after a failure of the power does not count.
type ledger struct {
	mu       sync.Mutex
	accepted []string
	handed   map[string]int
	dead     bool
	news     chan struct{} // has something in it when something was handed over
}

// Deliver implements [spool.Courier].
func (l *ledger) Deliver(_ context.Context, e spool.Entry) spool.Outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return spool.Outcome{}
	}
	l.handed[e.ID]++
	select {
	case l.news <- struct{}{}:
	default:
	}
	return spool.Outcome{Result: spool.Taken}
}

// accept notes that an entry was accepted, and reports whether there is power.
func (l *ledger) accept(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dead && id != "" {
		l.accepted = append(l.accepted, id)
	}
	return !l.dead
}

// The power fails while entries are accepted and handed over: what the disk did not sync is gone or torn, and the index, which is
// on another disk, may be newer than the journal.
func TestNothingAcceptedIsLostWhenThePowerFails(t *testing.T) {
	const rounds, each, senders, inFlight = 20, 40, 8, 4
	l := &ledger{handed: map[string]int{}, news: make(chan struct{}, 1)}
	disk := spooltest.NewForgetful(1)
	dir := t.TempDir()
	for round := range rounds {
		disk = untilThePowerFails(t, l, disk, filepath.Join(dir, fmt.Sprint("index", round/2)), senders, inFlight, (round+1)*each)
		l.dead = false
	}
	s, stop := onDisk(t, l, disk, filepath.Join(dir, "last"), inFlight)
	s.Release("in")
	for !l.isComplete() {
		select {
		case <-l.news:
		case <-time.After(10 * time.Second):
			t.Fatal("nothing more is handed over")
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	twice := 0
	for _, id := range l.accepted {
		switch n := l.handed[id]; {
		case n == 0:
			t.Errorf("%s was accepted, and is lost", id)
		case n > 1:
			twice += n - 1
		}
	}
	// Those in a courier's hands, and those that had left them and were not written.
	if most := rounds * (inFlight + 64); len(l.accepted) < rounds*each || twice > most {
		t.Errorf("got %d accepted, and %d handed over once more, want %d and at most %d", len(l.accepted), twice, rounds*each, most)
	}
	t.Logf("%d accepted, %d handed over once more", len(l.accepted), twice)
}

// isComplete reports whether all that was accepted was handed over.
func (l *ledger) isComplete() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range l.accepted {
		if l.handed[id] == 0 {
			return false
		}
	}
	return true
}

// onDisk opens a spool on a disk and lets it run.
func onDisk(t *testing.T, l *ledger, disk *spooltest.Forgetful, index string, inFlight int) (*spool.Spool, func() error) {
	t.Helper()
	journal, err := spool.OpenFiles("", spool.FilesOptions{Disk: disk, Segment: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	s, err := spool.Open(t.Context(), spool.Config{
		Journal: journal, Index: index, Grace: time.Millisecond, // nobody waits for a journal without power
		Flows: map[string]spool.Flow{"in": {Courier: l, From: 1_000_000, InFlight: inFlight}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return s, func() error {
		cancel()
		return errors.Join(<-ended, s.Close(), journal.Close())
	}
}

// untilThePowerFails accepts and hands over until so many were accepted, and gives the disk as it is after that.
func untilThePowerFails(t *testing.T, l *ledger, disk *spooltest.Forgetful, index string, senders, inFlight, until int) *spooltest.Forgetful {
	t.Helper()
	s, stop := onDisk(t, l, disk, index, inFlight)
	defer stop() // fails without power
	s.Release("in")
	enough := make(chan struct{}, senders)
	var all sync.WaitGroup
	for i := range senders {
		all.Go(func() {
			for powered := true; powered; {
				receipt, err := s.Accept(t.Context(), spool.Entry{Flow: "in", Lane: fmt.Sprint(i), Body: make([]byte, 200)})
				if err != nil {
					if l.accept("") {
						t.Error(err)
					}
					return
				}
				if powered = l.accept(receipt.ID); powered && l.count() >= until {
					select {
					case enough <- struct{}{}:
					default:
					}
				}
			}
		})
	}
	<-enough
	l.mu.Lock()
	l.dead = true
	after := disk.Crash()
	l.mu.Unlock()
	all.Wait()
	return after
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}
