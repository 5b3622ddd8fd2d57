package gate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/api"
)

func TestCountsAddUpAndAreTakenApart(t *testing.T) {
	a := api.Counts{Requests: 3, Passed: 2, Held: 1, WaitMicros: 10, LongestMicros: 7, Waits: []int64{0, 1}, TookMicros: 5, Took: []int64{3}}
	b := api.Counts{Requests: 1, Gone: 1, LongestMicros: 9, Waits: []int64{0, 0, 0, 1}, Took: []int64{}}
	sum := plus(a, b)
	want := api.Counts{
		Requests: 4, Passed: 2, Held: 1, Gone: 1, WaitMicros: 10, LongestMicros: 9, Waits: []int64{0, 1, 0, 1}, TookMicros: 5, Took: []int64{3},
	}
	if d := cmp.Diff(want, sum); d != "" {
		t.Errorf("got another sum than wanted:\n%s", d)
	}
	got, some := minus(sum, a)
	want = api.Counts{Requests: 1, Gone: 1, LongestMicros: 9, Waits: []int64{0, 0, 0, 1}, Took: []int64{0}}
	if d := cmp.Diff(want, got); d != "" || !some {
		t.Errorf("got some: %t, and another difference than wanted:\n%s", some, d)
	}
	if _, some := minus(sum, sum); some {
		t.Error("got something added between two looks that are the same, want nothing")
	}
}

// measured is what a meter has found so far, as FLOW@MAINTENANCE=REQUESTS.
func measured(m *meter) string {
	var all []string
	for at, o := range m.unsaved.outcomes {
		all = append(all, fmt.Sprintf("%s@%s=%d", at.flow, at.maintenance, o.Requests))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestWhatIsCountedBelongsToTheMaintenanceWhoseWindowIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		m, l := h.gate.meter, h.lane("messenger")
		m.follow(true)
		serve := func(n int64) { l.counts.by[wasPassed].Add(n) }
		plan := func(id string) api.Plan {
			p := planNow(1)
			p.Maintenances[0].ID = id
			return p
		}
		serve(1)
		m.look(h.gate.live(), time.Now())
		serve(10)
		h.gate.Apply(plan("a"))
		serve(100)
		m.look(h.gate.live(), time.Now())
		serve(200)
		h.gate.Apply(plan("b"))
		serve(1000)
		h.gate.Apply(api.Plan{Revision: 1})
		serve(10_000)
		m.look(h.gate.live(), time.Now())
		if got, want := measured(m), "messenger@a=300 messenger@b=1000"; got != want {
			t.Errorf("got %q measured, want %q", got, want)
		}
	})
}

func TestThoseWhoStillWaitWhenTheWindowEndsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{Drain: Drain{From: 1}}, "messenger")
		m, l := h.gate.meter, h.lane("messenger")
		m.follow(true)
		h.gate.Apply(planNow(1, interruption("one", time.Now().Add(time.Minute), "messenger")))
		for i := range 3 {
			h.waits(t.Context(), l, fmt.Sprint(i), Hold{}, nil)
		}
		h.gate.Apply(api.Plan{Revision: 2})
		for range 10 {
			pass(time.Second)
			l.counts.by[wasHeld].Add(1)
			m.look(h.gate.live(), time.Now())
		}
		h.wantPhase(l, normal)
		if got := m.unsaved.outcomes[place{"mnt_1", "messenger"}].Held; got < 1 || got > 3 {
			t.Errorf("got %d held requests measured, want those until the flow was normal: 1 to 3", got)
		}
	})
}

func TestTheLongestWaitIsThatOfTheMaintenance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, Config{}, "messenger")
		m, l := h.gate.meter, h.lane("messenger")
		m.follow(true)
		for id, longest := range map[string]time.Duration{"a": time.Second, "b": time.Millisecond} {
			p := planNow(1)
			p.Maintenances[0].ID = id
			h.gate.Apply(p)
			l.counts.by[wasHeld].Add(1)
			l.counts.wait.add(longest)
			m.look(h.gate.live(), time.Now())
			if got := m.unsaved.outcomes[place{id, "messenger"}].LongestMicros; got != longest.Microseconds() {
				t.Errorf("%s: got %d µs, want %d", id, got, longest.Microseconds())
			}
		}
	})
}

func TestASpanIsTheSameHoweverOftenItIsTold(t *testing.T) {
	var all tally
	whole := api.Span{ID: "s", Maintenance: "m", Flow: "f", Opened: noon, Quiet: noon.Add(1), Closed: noon.Add(2), Drained: noon.Add(3)}
	opened := whole
	opened.Quiet, opened.Closed, opened.Drained = time.Time{}, time.Time{}, time.Time{}
	all.addSpans([]api.Span{whole, opened, {ID: "nobody's"}})
	if d := cmp.Diff([]api.Span{whole}, all.batch("e", 1).Spans); d != "" {
		t.Errorf("got other spans than wanted:\n%s", d)
	}
}

// counter counts batches as the server does: those of an epoch once each, in their order.
type counter struct {
	last map[string]int64
	sum  api.Counts
}

func (c *counter) count(batch api.OutcomeBatch) {
	if c.last == nil {
		c.last = map[string]int64{}
	}
	if batch.Number <= c.last[batch.Epoch] {
		return
	}
	c.last[batch.Epoch] = batch.Number
	for _, o := range batch.Outcomes {
		c.sum = plus(c.sum, o.Counts)
	}
}

func (c *counter) takeAll(s shelf) {
	for b, some := s.oldest(); some; b, some = s.oldest() {
		c.count(b)
		s.done()
	}
}

// part is a tally with requests of one flow.
func part(requests int64) tally {
	var t tally
	t.add(api.Outcome{Maintenance: "mnt_1", Flow: "messenger", From: noon, To: noon.Add(time.Second), Counts: api.Counts{Requests: requests, Passed: requests}})
	t.addSpans([]api.Span{{ID: "s", Maintenance: "mnt_1", Flow: "messenger", Opened: noon}})
	return t
}

func mustPut(t *testing.T, s shelf, requests int64) {
	t.Helper()
	if err := s.put(part(requests)); err != nil {
		t.Fatal(err)
	}
}

// shelves are both sorts of shelf, with room for so many batches.
func shelves(t *testing.T, batches int) map[string]shelf {
	t.Helper()
	memory := newMemoryShelf(noon)
	memory.most.batches = batches
	disk := reopen(t, t.TempDir())
	disk.most.batches = batches
	return map[string]shelf{"memory": memory, "disk": disk}
}

// reopen opens a shelf as a process does that has just begun.
func reopen(t *testing.T, dir string) *diskShelf {
	t.Helper()
	h := newHall(t, Config{}, "messenger")
	d, err := openDisk(dir, h.gate.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	s, err := newDiskShelf(d, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAShelfKeepsBatchesInTheirOrder(t *testing.T) {
	for name, s := range shelves(t, 100) {
		t.Run(name, func(t *testing.T) {
			for n := range int64(20) {
				mustPut(t, s, n+1)
			}
			for n := range int64(20) {
				again, _ := s.oldest()
				b, some := s.oldest()
				if !some || b.Number != n+1 || again.Number != n+1 || b.Outcomes[0].Requests != n+1 {
					t.Fatalf("got batch %d with %+v, want number %d until it is done", b.Number, b.Outcomes, n+1)
				}
				s.done()
			}
			if _, some := s.oldest(); some {
				t.Error("got a batch on an empty shelf, want none")
			}
		})
	}
}

func TestAFullShelfLosesNothing(t *testing.T) {
	for name, s := range shelves(t, 3) {
		t.Run(name, func(t *testing.T) {
			var c counter
			for range 10 {
				mustPut(t, s, 1)
			}
			if b, _ := s.oldest(); b.Number == 1 {
				c.count(b)
				s.done()
			}
			for range 5 {
				mustPut(t, s, 1)
			}
			c.takeAll(s)
			if c.sum.Requests != 15 {
				t.Errorf("got %d requests counted, want 15", c.sum.Requests)
			}
			for _, n := range c.last {
				if n > 5 {
					t.Errorf("got %d batches, want those that had no room added to others", n)
				}
			}
		})
	}
}

func TestWhatWasNotSentIsFoundByTheNextProcess(t *testing.T) {
	dir := t.TempDir()
	var c counter
	first := reopen(t, dir)
	for range 3 {
		mustPut(t, first, 1)
	}
	if b, some := first.oldest(); some {
		c.count(b) // and the process is killed before it can note that
	}
	second := reopen(t, dir)
	mustPut(t, second, 10)
	mustPut(t, first, 100) // the old one is still ending
	c.takeAll(second)
	c.takeAll(first)
	c.takeAll(reopen(t, dir))
	if c.sum.Requests != 113 {
		t.Errorf("got %d requests counted, want 113", c.sum.Requests)
	}
}

func TestAProcessThatIsKilledLeavesNoHalfFile(t *testing.T) {
	dir := t.TempDir()
	mustPut(t, reopen(t, dir), 1)
	old, young := filepath.Join(dir, outcomesName, "x.json.AAAA"+halfSuffix), filepath.Join(dir, planName+".BBBB"+halfSuffix)
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, []byte(`{"epoch":"x","num`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	var c counter
	c.takeAll(reopen(t, dir))
	if c.sum.Requests != 1 {
		t.Errorf("got %d requests counted, want 1", c.sum.Requests)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v for the half file of an hour ago, want it gone", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("got %v for a half file that somebody may be writing, want it there", err)
	}
}

func TestAFileThatIsNoBatchIsSetAside(t *testing.T) {
	dir := t.TempDir()
	s := reopen(t, dir)
	for i, text := range []string{"", "{", "[]", `{"epoch":"x"}`, `null`} {
		name := fmt.Sprintf("20200101T000000Z-%d.json", i) // before all others
		if err := os.WriteFile(filepath.Join(dir, outcomesName, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustPut(t, s, 1)
	var c counter
	c.takeAll(reopen(t, dir))
	if c.sum.Requests != 1 {
		t.Errorf("got %d requests counted, want 1", c.sum.Requests)
	}
	if aside, _ := filepath.Glob(filepath.Join(dir, outcomesName, "*"+asideSuffix)); len(aside) != 5 {
		t.Errorf("got %q set aside, want five files", aside)
	}
}

func TestWhatCannotBeWrittenIsKeptUntilItCan(t *testing.T) {
	dir := t.TempDir()
	s := reopen(t, dir)
	m := newHall(t, Config{}, "messenger").gate.meter
	m.unsaved = part(1)
	if err := os.RemoveAll(filepath.Join(dir, outcomesName)); err != nil {
		t.Fatal(err)
	}
	if err := m.save(s); err == nil {
		t.Fatal("got no error without a directory to write to, want one")
	}
	m.unsaved.merge(part(10))
	if err := os.Mkdir(filepath.Join(dir, outcomesName), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := m.save(s); err != nil {
		t.Fatal(err)
	}
	var c counter
	c.takeAll(s)
	if c.sum.Requests != 11 || !m.unsaved.empty() {
		t.Errorf("got %d requests counted and the rest empty: %t, want 11 and nothing left", c.sum.Requests, m.unsaved.empty())
	}
}

func TestABatchIsNeverLargerThanTheServerReads(t *testing.T) {
	var all tally
	for i := range 1000 {
		all.add(api.Outcome{Maintenance: "m", Flow: fmt.Sprint(strings.Repeat("<", 95), i), Counts: api.Counts{
			Requests: 1 << 50, WaitMicros: 1 << 50, Waits: slices.Repeat([]int64{1 << 40}, api.WaitBuckets), Took: slices.Repeat([]int64{1 << 40}, api.WaitBuckets),
		}})
		all.addSpans([]api.Span{{ID: fmt.Sprint("s", i), Maintenance: "m", Flow: strings.Repeat("<", 100), Cause: strings.Repeat("ä", 200), Opened: noon, Closed: noon}})
	}
	d := reopen(t, t.TempDir())
	n := 0
	for ; !all.empty(); n++ {
		if err := d.put(all.take()); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range d.waiting {
		if f.size > api.LargestBody {
			t.Errorf("got a batch of %d bytes, want at most %d", f.size, api.LargestBody)
		}
	}
	if n != 4 {
		t.Errorf("got %d batches, want 4", n)
	}
}
