package spooltest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"example.org/interlude/spool"
)

// Spool holds a spool on a journal to what spools promise. Open makes a journal that has nothing yet, and that the test
// closes when it ends.
func Spool(t *testing.T, open func(t *testing.T) spool.Journal) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *rig)
	}{
		{"what is accepted is handed over as it was", handsOver},
		{"a key is accepted once, whoever comes with it and whenever", keysAreAcceptedOnce},
		{"a lane keeps its order while other lanes pass", lanesKeepOrder},
		{"what is refused lies on the shelf until somebody retries or removes it", shelves},
		{"a pause outlasts a restart", pausesLast},
		{"what was in a courier's hands comes again with the same id", comesAgain},
		{"all is found again without the index", indexIsLost},
		{"what waits can be listed in pages, read and removed", listsAndRemoves},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &rig{t: t, journal: open(t), index: filepath.Join(t.TempDir(), "index"), courier: &courier{came: make(chan spool.Entry, 1000)}}
			c.test(t, r)
		})
	}
}

// patience is how long something may take that happens at once.
const patience = 30 * time.Second

// flowName is the flow of the tests.
const flowName = "inbound"

// rig is a spool that can be restarted.
type rig struct {
	t       *testing.T
	journal spool.Journal
	index   string
	courier *courier
	*spool.Spool
	stop func()
}

// start opens the spool and lets it run until stop, or the test's end.
func (r *rig) start() {
	r.t.Helper()
	s, err := spool.Open(r.t.Context(), spool.Config{
		Journal: r.journal, Index: r.index, Grace: time.Second,
		Flows: map[string]spool.Flow{flowName: {Courier: r.courier, From: 100_000, Again: time.Millisecond, Most: 2 * time.Millisecond}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r.Spool = s
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(r.stop)
}

// restart stops the spool and opens it again, with another index if that is lost.
func (r *rig) restart(lost bool) {
	r.t.Helper()
	r.stop()
	if lost {
		r.index = filepath.Join(r.t.TempDir(), "index")
	}
	r.start()
}

// accept accepts an entry that is not known.
func (r *rig) accept(e spool.Entry) string {
	r.t.Helper()
	e.Flow = flowName
	receipt, err := r.Accept(r.t.Context(), e)
	if err != nil || receipt.Known || receipt.ID == "" {
		r.t.Fatalf("accept %q: got %+v, %v, want a new id", e.About, receipt, err)
	}
	return receipt.ID
}

// next is the next entry that the courier is given.
func (r *rig) next() spool.Entry {
	r.t.Helper()
	select {
	case e := <-r.courier.came:
		return e
	case <-time.After(patience):
		r.t.Fatal("nothing more is handed over")
		return spool.Entry{}
	}
}

// await waits until an entry is in a state.
func (r *rig) await(id string, want spool.State) spool.Item {
	r.t.Helper()
	var item spool.Item
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if item, err = r.Item(r.t.Context(), id); err == nil && item.State == want && !item.Moving {
			return item
		}
		tick := time.NewTimer(time.Millisecond)
		<-tick.C
	}
	r.t.Fatalf("got %+v, %v, want it %s", item, err, want)
	return item
}

// courier is given entries, tells of them, and says of them what the test wants; it takes them where that says nothing.
type courier struct {
	came chan spool.Entry

	mu  sync.Mutex
	say func(ctx context.Context, e spool.Entry) spool.Outcome
}

// says sets what is said from now on.
func (c *courier) says(say func(ctx context.Context, e spool.Entry) spool.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.say = say
}

// Deliver implements [spool.Courier].
func (c *courier) Deliver(ctx context.Context, e spool.Entry) spool.Outcome {
	c.mu.Lock()
	say := c.say
	c.mu.Unlock()
	c.came <- e
	if say == nil {
		return spool.Outcome{Result: spool.Taken}
	}
	return say(ctx, e)
}

func handsOver(t *testing.T, r *rig) {
	r.start()
	sent := spool.Entry{
		Kind: spool.Post, About: "POST /hooks", Lane: "a lane", Key: "a key", Head: []byte{0, 1, 2}, Body: []byte("a body\r\n\x00"),
	}
	id := r.accept(sent)
	if got := r.Figures()[flowName]; got.Waiting != 1 || got.Bytes != 12 || !got.Held {
		t.Errorf("got %+v, want one of 12 bytes that waits while the flow is held", got)
	}
	r.Release(flowName)
	e := r.next()
	if e.ID != id || e.Flow != flowName || e.Kind != sent.Kind || e.About != sent.About || e.Lane != sent.Lane || e.Key != sent.Key ||
		!slices.Equal(e.Head, sent.Head) || !slices.Equal(e.Body, sent.Body) || e.Accepted.IsZero() || !e.Due.Equal(e.Accepted) {
		t.Errorf("got %+v, want %+v with id %s", e, sent, id)
	}
	if item := r.await(id, spool.Delivered); item.Attempts != 1 || item.Settled.IsZero() {
		t.Errorf("got %+v, want one attempt, and when it was delivered", item)
	}
	if _, err := r.Entry(t.Context(), id); !errors.Is(err, spool.ErrEnded) {
		t.Errorf("the content of what is gone: got %v, want %v", err, spool.ErrEnded)
	}
}

func keysAreAcceptedOnce(t *testing.T, r *rig) {
	r.start()
	bring := func() (spool.Receipt, error) {
		return r.Accept(t.Context(), spool.Entry{Flow: flowName, Key: "k", Body: []byte("x")})
	}
	receipts := make([]spool.Receipt, 20)
	var all sync.WaitGroup
	for i := range receipts {
		all.Go(func() {
			var err error
			if receipts[i], err = bring(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	id, unknown := receipts[0].ID, 0
	for _, receipt := range receipts {
		if !receipt.Known {
			unknown++
		}
		if receipt.ID != id {
			t.Errorf("got the ids %s and %s for one key", id, receipt.ID)
		}
	}
	if unknown != 1 {
		t.Errorf("got %d that were new, want 1", unknown)
	}
	for _, lost := range []bool{false, true} {
		r.restart(lost)
		if receipt, err := bring(); err != nil || receipt != (spool.Receipt{ID: id, Known: true}) {
			t.Errorf("after a restart: got %+v, %v, want %s, known", receipt, err, id)
		}
	}
	r.Release(flowName)
	r.await(id, spool.Delivered)
	for _, lost := range []bool{false, true} {
		r.restart(lost)
		if receipt, err := bring(); err != nil || receipt != (spool.Receipt{ID: id, Known: true}) {
			t.Errorf("after it was delivered: got %+v, %v, want %s, known", receipt, err, id)
		}
	}
}

func lanesKeepOrder(t *testing.T, r *rig) {
	const lanes, each = 3, 10
	r.start()
	var last []string
	for i := range each {
		for lane := range lanes {
			id := r.accept(spool.Entry{Lane: fmt.Sprint(lane), Body: []byte{byte(i)}})
			if i == each-1 {
				last = append(last, id)
			}
		}
	}
	var mu sync.Mutex
	got := map[string][]byte{}
	failed := map[string]bool{}
	r.courier.says(func(_ context.Context, e spool.Entry) spool.Outcome {
		mu.Lock()
		defer mu.Unlock()
		if e.Body[0]%3 == 1 && !failed[e.ID] {
			failed[e.ID] = true
			return spool.Outcome{Reason: "not now"}
		}
		got[e.Lane] = append(got[e.Lane], e.Body[0])
		if e.Body[0] == 5 {
			return spool.Outcome{Result: spool.Refused, Reason: "never"}
		}
		return spool.Outcome{Result: spool.Taken}
	})
	r.Release(flowName)
	for _, id := range last {
		r.await(id, spool.Delivered)
	}
	mu.Lock()
	defer mu.Unlock()
	for lane, order := range got {
		if len(order) != each || !slices.IsSorted(order) {
			t.Errorf("lane %s: got %v, want 0 to %d in order", lane, order, each-1)
		}
	}
}

func shelves(t *testing.T, r *rig) {
	r.start()
	r.courier.says(func(context.Context, spool.Entry) spool.Outcome {
		return spool.Outcome{Result: spool.Refused, Reason: "no such mailbox"}
	})
	r.Release(flowName)
	first, second := r.accept(spool.Entry{About: "first"}), r.accept(spool.Entry{About: "second", Body: []byte("kept")})
	r.await(first, spool.Shelved)
	if item := r.await(second, spool.Shelved); item.Reason != "no such mailbox" {
		t.Errorf("got the reason %q, want that of the courier", item.Reason)
	}
	r.restart(true)
	r.courier.says(nil)
	r.Release(flowName)
	if got := r.Figures()[flowName]; got.Shelved != 2 || got.Waiting != 0 || got.Bytes != 4 {
		t.Errorf("got %+v, want two on the shelf", got)
	}
	if e, err := r.Entry(t.Context(), second); err != nil || string(e.Body) != "kept" {
		t.Errorf("got %q, %v, want the content of what is shelved", e.Body, err)
	}
	if err := errors.Join(r.Remove(t.Context(), first), r.Retry(t.Context(), second)); err != nil {
		t.Fatal(err)
	}
	r.await(first, spool.Removed)
	r.await(second, spool.Delivered)
	for _, act := range []func(context.Context, string) error{r.Remove, r.Retry} {
		if err := act(t.Context(), second); !errors.Is(err, spool.ErrEnded) {
			t.Errorf("got %v, want %v", err, spool.ErrEnded)
		}
		if err := act(t.Context(), "nobody"); !errors.Is(err, spool.ErrNotFound) {
			t.Errorf("got %v, want %v", err, spool.ErrNotFound)
		}
	}
}

func pausesLast(t *testing.T, r *rig) {
	r.start()
	id := r.accept(spool.Entry{})
	if err := r.Pause(t.Context(), flowName); err != nil {
		t.Fatal(err)
	}
	for _, lost := range []bool{false, true} {
		r.restart(lost)
		r.Release(flowName)
		if !r.Figures()[flowName].Paused {
			t.Errorf("it is not paused any more; index lost: %t", lost)
		}
	}
	if err := r.Resume(t.Context(), flowName); err != nil {
		t.Fatal(err)
	}
	r.await(id, spool.Delivered)
	r.restart(true)
	if r.Figures()[flowName].Paused {
		t.Error("it is paused again")
	}
}

func comesAgain(t *testing.T, r *rig) {
	r.start()
	r.courier.says(func(ctx context.Context, _ spool.Entry) spool.Outcome {
		<-ctx.Done()
		return spool.Outcome{}
	})
	id := r.accept(spool.Entry{Lane: "l"})
	r.accept(spool.Entry{Lane: "l"})
	r.Release(flowName)
	if e := r.next(); e.ID != id {
		t.Errorf("got %s, want %s", e.ID, id)
	}
	if !r.Behind(flowName) || !r.Busy(flowName, "l") || r.Busy(flowName, "m") {
		t.Error("what is being handed over does not keep newcomers behind it")
	}
	if err := r.Remove(t.Context(), id); !errors.Is(err, spool.ErrMoving) {
		t.Errorf("got %v, want %v", err, spool.ErrMoving)
	}
	r.stop()
	if _, err := r.Accept(t.Context(), spool.Entry{Flow: flowName}); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("after the end: got %v, want %v", err, spool.ErrClosed)
	}
	r.courier.says(nil)
	r.restart(false)
	r.Release(flowName)
	if e := r.next(); e.ID != id {
		t.Errorf("after a restart: got %s, want %s again", e.ID, id)
	}
	if item := r.await(r.next().ID, spool.Delivered); item.ID == id {
		t.Errorf("%s came twice although it was taken", id)
	}
}

func indexIsLost(t *testing.T, r *rig) {
	r.start()
	var mu sync.Mutex
	got := map[string]int{}
	r.courier.says(func(_ context.Context, e spool.Entry) spool.Outcome {
		mu.Lock()
		defer mu.Unlock()
		got[e.ID]++
		return spool.Outcome{Result: spool.Taken}
	})
	const rounds, each = 3, 40
	var ids []string
	for range rounds {
		for i := range each {
			ids = append(ids, r.accept(spool.Entry{Lane: fmt.Sprint(i % 7), Key: fmt.Sprint(len(ids)), Body: []byte{byte(i)}}))
		}
		r.Release(flowName)
		r.await(ids[len(ids)-1], spool.Delivered)
		r.accept(spool.Entry{Due: time.Now().Add(time.Hour)})
		r.restart(true)
	}
	r.Release(flowName)
	for _, id := range ids {
		r.await(id, spool.Delivered)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, id := range ids {
		if got[id] != 1 {
			t.Errorf("%s was handed over %d times, want once", id, got[id])
		}
	}
	if n := r.Figures()[flowName]; n.Waiting != rounds || n.Later != rounds {
		t.Errorf("got %+v, want %d that are due later", n, rounds)
	}
}

func listsAndRemoves(t *testing.T, r *rig) {
	r.start()
	var want []string
	for i := range 7 {
		want = append(want, r.accept(spool.Entry{About: fmt.Sprint(i)}))
	}
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		page, err := r.Items(t.Context(), spool.Filter{Flow: flowName, State: spool.Waiting, After: after, Most: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page {
			got = append(got, item.ID)
		}
		if len(page) < 3 {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := r.Remove(t.Context(), want[3]); err != nil {
		t.Fatal(err)
	}
	r.Release(flowName)
	r.await(want[6], spool.Delivered)
	r.await(want[3], spool.Removed)
}
