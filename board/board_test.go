package board

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/status"
)

var now = time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)

// machine is the clock of the machine or of a bubble.
type machine struct{}

func (machine) Now() time.Time { return time.Now().UTC() }

// ledger is a feed in memory: what was written, and when.
type ledger struct {
	seq   int64
	away  atomic.Bool
	at    map[status.Subject]int64
	whole status.Delta
}

func newLedger() *ledger { return &ledger{at: make(map[status.Subject]int64)} }

func (l *ledger) Since(_ context.Context, seq int64) (status.Delta, error) {
	if l.away.Load() {
		return status.Delta{}, errors.New("away")
	}
	d := status.Delta{Seq: l.seq}
	if l.seq > 0 && seq == 0 {
		d.Page = &status.Page{ID: "page", Name: "Northwind"}
	}
	newer := func(s status.Subject) bool { return l.at[s] > seq }
	for _, c := range l.whole.Components {
		if newer(status.Subject{Kind: status.KindComponent, ID: c.ID}) {
			d.Components = append(d.Components, c)
		}
	}
	for _, m := range l.whole.Maintenances {
		if newer(m.Subject()) {
			d.Maintenances = append(d.Maintenances, m)
		}
	}
	for _, i := range l.whole.Incidents {
		if newer(i.Subject()) {
			d.Incidents = append(d.Incidents, i)
		}
	}
	return d, nil
}

func (l *ledger) component(c status.Component) {
	l.seq++
	l.at[status.Subject{Kind: status.KindComponent, ID: c.ID}] = l.seq
	l.whole.Components = append(slices.DeleteFunc(l.whole.Components, func(o status.Component) bool { return o.ID == c.ID }), c)
}

func (l *ledger) maintenance(m status.Maintenance) {
	l.seq++
	l.at[m.Subject()] = l.seq
	l.whole.Maintenances = append(slices.DeleteFunc(l.whole.Maintenances, func(o status.Maintenance) bool { return o.ID == m.ID }), m)
}

func (l *ledger) incident(i status.Incident) {
	l.seq++
	l.at[i.Subject()] = l.seq
	l.whole.Incidents = append(slices.DeleteFunc(l.whole.Incidents, func(o status.Incident) bool { return o.ID == i.ID }), i)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// describe writes what readers would see, so that two pictures can be compared.
func describe(p *Picture) string {
	var b strings.Builder
	fmt.Fprintln(&b, p.Seq, p.Page.Name, p.Conditions)
	for _, c := range p.Components {
		var events []string
		for _, e := range p.Concerning(c.ID) {
			events = append(events, e.Subject().ID)
		}
		slices.Sort(events)
		fmt.Fprintln(&b, c.Name, c.Position, events)
	}
	for _, m := range p.Maintenances {
		fmt.Fprintln(&b, "open", m.ID, m.State)
	}
	for _, i := range p.Incidents {
		fmt.Fprintln(&b, "open", i.ID, i.State)
	}
	for _, e := range p.Past {
		fmt.Fprintln(&b, "past", e.Subject().ID, e.At().Unix())
	}
	return b.String()
}

func TestFollowingShowsWhatStartingAnewWouldShow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	l := newLedger()
	follower := New(l, machine{}, quiet())
	for step := range 400 {
		n := random.IntN(12)
		at := now.Add(time.Duration(step) * time.Minute)
		affects := []string{fmt.Sprint("c", random.IntN(6)), fmt.Sprint("c", random.IntN(6))}
		switch random.IntN(4) {
		case 0:
			c := status.Component{ID: fmt.Sprint("c", n%6), Name: fmt.Sprint("C", n), Position: n, Condition: status.Operational, SetAt: at}
			if random.IntN(5) == 0 {
				c.Removed = at
			}
			l.component(c)
		case 1, 2:
			states := []status.State{status.Scheduled, status.InProgress, status.Completed, status.Canceled}
			m := status.Maintenance{ID: fmt.Sprint("m", n), Key: fmt.Sprint("mk", n), State: states[random.IntN(4)], Affects: affects, Window: status.Window{Start: at, End: at.Add(time.Hour)}, Began: at}
			if m.State.Ended() {
				m.Ended = at.Add(time.Duration(n) * time.Second)
			}
			l.maintenance(m)
		default:
			i := status.Incident{ID: fmt.Sprint("i", n), Key: fmt.Sprint("ik", n), State: status.Investigating, Affects: affects, Began: at, Updates: []status.Update{
				{At: at, Conditions: map[string]status.Condition{affects[0]: status.MajorOutage}},
			}}
			if random.IntN(2) == 0 {
				i.State, i.Ended = status.Resolved, at.Add(time.Duration(n)*time.Second)
			}
			l.incident(i)
		}
		before := follower.Current()
		description := describe(before)
		if err := follower.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		fresh := New(l, machine{}, quiet())
		if err := fresh.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := describe(follower.Current()), describe(fresh.Current()); got != want {
			t.Fatalf("after %d steps, got\n%s\nwant\n%s", step, got, want)
		}
		if describe(before) != description {
			t.Fatalf("after %d steps, an earlier picture has changed", step)
		}
		select {
		case <-before.Replaced():
		default:
			t.Fatal("got a picture that does not know that it was replaced")
		}
	}
}

func TestWhatIsTouchedIsWhatAChangeConcerns(t *testing.T) {
	l := newLedger()
	for _, id := range []string{"a", "b", "c"} {
		l.component(status.Component{ID: id, Name: id})
	}
	b := New(l, machine{}, quiet())
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.maintenance(status.Maintenance{ID: "m", State: status.Scheduled, Affects: []string{"a"}})
	_ = b.Refresh(t.Context())
	l.maintenance(status.Maintenance{ID: "m", State: status.Scheduled, Affects: []string{"b"}})
	_ = b.Refresh(t.Context())
	p := b.Current()
	if p.Touched["a"] != 5 || p.Touched["b"] != 5 || p.Touched["c"] != 3 || p.Framed != 3 {
		t.Errorf("got %v and frame %d, want a and b at 5, c and the frame at 3", p.Touched, p.Framed)
	}
	if len(p.Concerning("a")) != 0 || len(p.Concerning("b")) != 1 {
		t.Errorf("got %v and %v, want the maintenance at b alone", p.Concerning("a"), p.Concerning("b"))
	}
}

func TestAStoreThatWasPutBackIsReadAnew(t *testing.T) {
	l := newLedger()
	l.component(status.Component{ID: "a", Name: "a"})
	l.component(status.Component{ID: "later", Name: "later"})
	b := New(l, machine{}, quiet())
	_ = b.Refresh(t.Context())
	restored := newLedger()
	restored.component(status.Component{ID: "a", Name: "a"})
	l.seq, l.at, l.whole = restored.seq, restored.at, restored.whole
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := b.Current(); p.Seq != 1 || len(p.Components) != 1 {
		t.Errorf("got seq %d and %v, want what the store has now", p.Seq, p.Components)
	}
}

func TestABoardTellsThatItsFeedIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.component(status.Component{ID: "a", Name: "a"})
		b := New(l, machine{}, quiet())
		if !b.AsOf().IsZero() || b.Silent() {
			t.Error("got an age before the first answer, want none")
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Run(ctx) }()
		<-time.After(time.Minute)
		if b.Silent() || time.Since(b.AsOf()) > 2*time.Second {
			t.Errorf("got silent as of %s, want it fresh", b.AsOf())
		}
		synctest.Wait()
		l.away.Store(true)
		<-time.After(time.Minute)
		if !b.Silent() || time.Since(b.AsOf()) < 50*time.Second || len(b.Current().Components) != 1 {
			t.Errorf("got silent %v as of %s, want the last picture and its age", b.Silent(), b.AsOf())
		}
		synctest.Wait()
		l.away.Store(false)
		<-time.After(2 * time.Second)
		if b.Silent() {
			t.Error("got silent after an answer, want fresh")
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("got %v from Run, want none", err)
		}
	})
}
