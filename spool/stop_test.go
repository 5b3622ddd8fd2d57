package spool

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// busyAtTheEnd is a spool with one entry in its courier's hands and another behind it.
func busyAtTheEnd(t *testing.T, grace time.Duration, does func(ctx context.Context, e Entry) Outcome) (r *rig, moving, behind string) {
	t.Helper()
	r = rigged(t, NewMemory(), func(c *Config, f *Flow) { c.Grace, f.InFlight = grace, 1 })
	moving, behind = r.accept(Entry{About: "moving"}), r.accept(Entry{About: "behind"})
	r.courier.do(does)
	r.Release("in")
	settle(time.Second)
	if n := len(r.courier.seen()); n != 1 {
		t.Fatalf("got %d deliveries before the end, want 1", n)
	}
	return r, moving, behind
}

func TestWhatIsUnderWayAtTheEndHasTimeToFinish(t *testing.T) {
	for name, c := range map[string]struct {
		says Outcome
		want State
	}{
		"taken":     {Outcome{Result: Taken}, Delivered},
		"refused":   {Outcome{Result: Refused, Reason: "never"}, Shelved},
		"not taken": {Outcome{Reason: "busy"}, Waiting},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, moving, behind := busyAtTheEnd(t, 0, func(ctx context.Context, _ Entry) Outcome {
					select {
					case <-time.After(5 * time.Second):
						return c.says
					case <-ctx.Done():
						return Outcome{Reason: "cut off"}
					}
				})
				began := time.Now()
				r.stop()
				if took := time.Since(began); took != 4*time.Second {
					t.Errorf("the end took %v, want it as soon as the courier is done, after 4s", took)
				}
				if n := len(r.courier.seen()); n != 1 {
					t.Errorf("got %d deliveries, want nothing begun after the end", n)
				}
				r.start()
				defer r.stop()
				if i := r.item(moving); i.State != c.want || i.Attempts != 1 || i.Reason != c.says.Reason {
					t.Errorf("got %+v, want it %s after one attempt, with what the courier said", i, c.want)
				}
				r.stands(behind, Waiting)
			})
		})
	}
}

func TestWhatTakesLongerThanTheGraceIsCutOffAndComesAgain(t *testing.T) {
	for grace, want := range map[time.Duration]time.Duration{0: 10 * time.Second, 3 * time.Second: 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r, moving, behind := busyAtTheEnd(t, grace, func(ctx context.Context, _ Entry) Outcome {
				<-ctx.Done()
				return Outcome{Reason: ctx.Err().Error(), Away: true}
			})
			began := time.Now()
			r.stop()
			if took := time.Since(began); took != want {
				t.Errorf("a grace of %v: the end took %v, want %v", grace, took, want)
			}
			r.start()
			defer r.stop()
			if i := r.item(moving); i.State != Waiting || i.Attempts != 0 || i.Reason != "" {
				t.Errorf("got %+v, want it to wait as if nothing had happened", i)
			}
			r.courier.do(nil)
			r.Release("in")
			settle(time.Second)
			calls := r.courier.seen()
			if len(calls) != 3 || calls[1].ID != moving || calls[2].ID != behind {
				t.Errorf("got %+v, want the one that was cut off again, and then the other", calls)
			}
		})
	}
}
