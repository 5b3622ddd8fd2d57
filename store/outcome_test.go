package store_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/api"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// interrupted opens a database with the maintenances m and n.
func interrupted(tb testing.TB, name string) *store.Store {
	tb.Helper()
	s := open(tb, name)
	change(tb, s, func(b *status.Book) {
		b.PutMaintenance(status.Maintenance{ID: "m", State: status.InProgress})
		b.PutMaintenance(status.Maintenance{ID: "n", State: status.InProgress})
	})
	return s
}

// tell tells the store of a batch, and reports whether it counted.
func tell(tb testing.TB, s *store.Store, gate, epoch string, number int64, outcomes []api.Outcome, spans ...api.Span) bool {
	tb.Helper()
	counted, err := s.CountOutcomes(tb.Context(), gate, api.OutcomeBatch{Epoch: epoch, Number: number, Outcomes: outcomes, Spans: spans}, noon)
	if err != nil {
		tb.Fatal(err)
	}
	return counted
}

func measured(tb testing.TB, s *store.Store, id string) api.Measured {
	tb.Helper()
	m, err := s.Measured(tb.Context(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// outcome is some requests of a flow, from one second after noon to another.
func outcome(flow string, from, to int, c api.Counts) api.Outcome {
	return api.Outcome{Maintenance: "m", Flow: flow, From: noon.Add(time.Duration(from) * time.Second), To: noon.Add(time.Duration(to) * time.Second), Counts: c}
}

func TestOutcomesOfAllGatesAddUp(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := interrupted(t, name)
		all := api.Counts{
			Requests: 1, Passed: 2, Held: 3, Stale: 4, Queued: 5, Rejected: 6, Evicted: 7, Expired: 8, Failed: 9, Gone: 10, Bypassed: 11,
			Retried: 12, WaitMicros: 13, TookMicros: 14, LongestMicros: 15, Waits: []int64{1, 2}, Took: []int64{3},
			Delivered: 16, Shelved: 17, DelayMicros: 18, LongestDelayMicros: 19, Delays: []int64{4},
		}
		if fields := reflect.TypeFor[api.Counts]().NumField(); fields != 22 {
			t.Fatalf("got %d fields of Counts, want the 22 that this test knows", fields)
		}
		tell(t, s, "g2", "e", 1, []api.Outcome{outcome("app", 10, 20, all), outcome("app", 5, 8, all), outcome("api", 1, 2, api.Counts{Passed: 1})})
		tell(t, s, "g2", "e", 2, []api.Outcome{outcome("app", 20, 30, api.Counts{
			Held: 1, LongestMicros: 99, Waits: []int64{0, 0, 5}, Took: []int64{0, 1}, LongestDelayMicros: 77, Delays: []int64{0, 1},
		})})
		tell(t, s, "g1", "e", 1, []api.Outcome{outcome("app", 1, 2, api.Counts{Held: 1, LongestMicros: 1})})
		want := api.Measured{
			Flows: []api.MeasuredFlow{
				{Flow: "api", Gates: []string{"g2"}, From: noon.Add(time.Second), To: noon.Add(2 * time.Second), Counts: api.Counts{Passed: 1}},
				{Flow: "app", Gates: []string{"g1", "g2"}, From: noon.Add(time.Second), To: noon.Add(30 * time.Second), Counts: api.Counts{
					Requests: 2, Passed: 4, Held: 8, Stale: 8, Queued: 10, Rejected: 12, Evicted: 14, Expired: 16, Failed: 18, Gone: 20, Bypassed: 22,
					Retried: 24, WaitMicros: 26, TookMicros: 28, LongestMicros: 99, Waits: []int64{2, 4, 5}, Took: []int64{6, 1},
					Delivered: 32, Shelved: 34, DelayMicros: 36, LongestDelayMicros: 77, Delays: []int64{8, 1},
				}},
			},
			Spans: []api.GateSpan{},
		}
		if diff := cmp.Diff(want, measured(t, s, "m")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		none := api.Measured{Flows: []api.MeasuredFlow{}, Spans: []api.GateSpan{}}
		for _, id := range []string{"n", "unknown"} {
			if diff := cmp.Diff(none, measured(t, s, id)); diff != "" {
				t.Errorf("of %s (-want +got):\n%s", id, diff)
			}
		}
		if d := since(t, s, 1); len(d.Maintenances) != 0 || d.Seq != 1 {
			t.Errorf("got the feed at %d, want it where it was", d.Seq)
		}
	})
}

func TestEachBatchIsCountedOnce(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := interrupted(t, name)
		for i, c := range []struct {
			gate, epoch string
			number      int64
			want        bool
		}{
			{"g", "e", 1, true},
			{"g", "e", 1, false},
			{"g", "e", 3, true}, // a gap
			{"g", "e", 2, false},
			{"g", "e", 3, false},
			{"g", "f", 1, true}, // another memory
			{"h", "e", 1, true}, // another gate
			{"g", "e", 4, true}, // the first memory is back
		} {
			if got := tell(t, s, c.gate, c.epoch, c.number, []api.Outcome{outcome("app", 1, 2, api.Counts{Passed: 1})}); got != c.want {
				t.Errorf("batch %d: got counted %v, want %v", i, got, c.want)
			}
		}
		if got := measured(t, s, "m").Flows[0].Passed; got != 5 {
			t.Errorf("got %d requests, want 5", got)
		}
	})
}

func TestABatchThatIsSentManyTimesAtOnceIsCountedOnce(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		stores := []*store.Store{interrupted(t, name), open(t, name)}
		var counted atomic.Int32
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				one := []api.Outcome{outcome("app", 1, 2, api.Counts{Passed: 1})}
				if tell(t, stores[i%2], "g", "e", 1, one) {
					counted.Add(1)
				}
				if !tell(t, stores[i%2], "g", fmt.Sprint(i), 1, one) {
					t.Errorf("the first batch of memory %d did not count", i)
				}
			})
		}
		group.Wait()
		if got := measured(t, stores[0], "m").Flows[0].Passed; counted.Load() != 1 || got != 9 {
			t.Errorf("got one batch counted %d times and %d requests, want once and 9", counted.Load(), got)
		}
	})
}

func TestASpanIsFilledAndNeverEmptied(t *testing.T) {
	after := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	each(t, allEngines, func(t *testing.T, name string) {
		s := interrupted(t, name)
		span := api.Span{ID: "s", Maintenance: "m", Flow: "app", Interruption: "i", Cause: "connection refused", Opened: after(10)}
		tell(t, s, "g", "e", 1, nil, span, api.Span{ID: "early", Maintenance: "m", Flow: "api", Opened: after(1)})
		span.Quiet = after(11)
		tell(t, s, "g", "e", 2, nil, span)
		tell(t, s, "g", "e", 3, nil, api.Span{ID: "s", Maintenance: "m", Flow: "app", Opened: after(10), Closed: after(12)})
		tell(t, s, "g", "e", 4, nil, api.Span{ID: "s", Maintenance: "m", Flow: "app", Opened: after(10), Drained: after(13)})
		tell(t, s, "g", "e", 5, nil, api.Span{ID: "s", Maintenance: "m", Flow: "app", Opened: after(10)})
		tell(t, s, "h", "e", 1, nil, api.Span{ID: "s", Maintenance: "m", Flow: "app", Opened: after(10)})
		span.Closed, span.Drained = after(12), after(13)
		want := []api.GateSpan{
			{Gate: "g", Span: api.Span{ID: "early", Maintenance: "m", Flow: "api", Opened: after(1)}},
			{Gate: "g", Span: span},
			{Gate: "h", Span: api.Span{ID: "s", Maintenance: "m", Flow: "app", Opened: after(10)}},
		}
		if diff := cmp.Diff(want, measured(t, s, "m").Spans); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestWhatConcernsAnUnknownMaintenanceIsLeftOut(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := interrupted(t, name)
		gone := outcome("app", 1, 2, api.Counts{Passed: 1})
		gone.Maintenance = "gone"
		counted := tell(t, s, "g", "e", 1, []api.Outcome{gone, outcome("app", 1, 2, api.Counts{Held: 1})},
			api.Span{ID: "a", Maintenance: "gone", Flow: "app", Opened: noon}, api.Span{ID: "b", Maintenance: "m", Flow: "app", Opened: noon})
		m := measured(t, s, "m")
		if !counted || len(m.Flows) != 1 || m.Flows[0].Held != 1 || m.Flows[0].Passed != 0 || len(m.Spans) != 1 {
			t.Errorf("got counted %v and %+v, want what concerns m", counted, m)
		}
	})
}

func TestABatchThatNobodyCouldHaveMeasuredIsRefusedWhole(t *testing.T) {
	const most = 1 << 53
	good := outcome("good", 1, 2, api.Counts{Passed: 1})
	with := func(c api.Counts) []api.Outcome { return []api.Outcome{good, outcome("app", 1, 2, c)} }
	long := strings.Repeat("x", 201)
	each(t, allEngines, func(t *testing.T, name string) {
		s := interrupted(t, name)
		tell(t, s, "g", "e", 1, with(api.Counts{WaitMicros: most, Waits: []int64{most}}))
		for _, c := range []struct {
			batch api.OutcomeBatch
			want  string
		}{
			{api.OutcomeBatch{Number: 2}, "epoch is required"},
			{api.OutcomeBatch{Epoch: long, Number: 2}, "epoch must have at most 200 bytes, not 201"},
			{api.OutcomeBatch{Epoch: "e"}, "number must count from 1, not from 0"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Outcomes: make([]api.Outcome, 5001)}, "outcomes must be at most 5000, not 5001"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Spans: make([]api.Span, 5001)}, "spans must be at most 5000, not 5001"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Outcomes: []api.Outcome{good, outcome(long, 1, 2, api.Counts{})}}, "outcomes[1].flow must have at most 200 bytes, not 201"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Outcomes: []api.Outcome{{Flow: "app"}}}, "outcomes[0].from must lie in the years 1970 to 9998, not in 1"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Outcomes: with(api.Counts{Gone: -1})}, "outcomes[1].gone must be 0 to 9007199254740992, with all that was counted before, not -1"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Outcomes: with(api.Counts{LongestMicros: most + 1})}, "outcomes[1].longest_us must be 0 to 9007199254740992, with all that was counted before, not 9007199254740993"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Outcomes: with(api.Counts{WaitMicros: 1})}, "outcomes[1].wait_us must be 0 to 9007199254740992, with all that was counted before, not 9007199254740993"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Outcomes: with(api.Counts{Waits: []int64{1}})}, "outcomes[1].waits[0] must be 0 to 9007199254740992, with all that was counted before, not 9007199254740993"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Outcomes: with(api.Counts{Waits: []int64{0, -1}})}, "outcomes[1].waits[1] must be 0 to 9007199254740992, with all that was counted before, not -1"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Outcomes: with(api.Counts{Waits: make([]int64, 21)})}, "outcomes[1].waits must be at most 20 numbers, not 21"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Outcomes: with(api.Counts{Took: make([]int64, 21)})}, "outcomes[1].took must be at most 20 numbers, not 21"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Spans: []api.Span{{Flow: "app", Opened: noon}}}, "spans[0].id is required"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Spans: []api.Span{{ID: "s", Flow: "app"}}}, "spans[0].opened must lie in the years 1970 to 9998, not in 1"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Spans: []api.Span{{ID: "s", Flow: "app", Opened: noon, Closed: noon.AddDate(9000, 0, 0)}}}, "spans[0].closed must lie in the years 1970 to 9998, not in 11027"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Spans: []api.Span{{ID: "s", Flow: "app", Opened: noon, Cause: strings.Repeat("x", 2001)}}}, "spans[0].cause must have at most 2000 bytes, and interruption 200"},
			{api.OutcomeBatch{Epoch: "e", Number: 2, Spans: []api.Span{{ID: "s", Flow: "app", Opened: noon, Cause: "\x00"}}}, "spans[0].cause must not contain the NUL character, as at byte 0"},
		} {
			var invalid *status.Invalid
			counted, err := s.CountOutcomes(t.Context(), "g", c.batch, noon)
			if !errors.As(err, &invalid) || invalid.Error() != c.want || counted {
				t.Errorf("got %v, want %s", err, c.want)
			}
		}
		if flows := measured(t, s, "m").Flows; len(flows) != 2 || flows[1].Passed != 1 {
			t.Errorf("got %+v, want the first batch alone", flows)
		}
		if !tell(t, s, "g", "e", 2, with(api.Counts{Passed: 1})) {
			t.Error("the number of a refused batch counts as taken, want it free")
		}
	})
}

func TestAMemoryThatIsNotHeardForAYearIsForgotten(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := interrupted(t, name)
		telling := func(epoch string, at time.Time) bool {
			t.Helper()
			counted, err := s.CountOutcomes(t.Context(), "g", api.OutcomeBatch{Epoch: epoch, Number: 1}, at)
			if err != nil {
				t.Fatal(err)
			}
			return counted
		}
		year := 366 * 24 * time.Hour
		got := []bool{telling("old", noon), telling("old", noon.Add(year)), telling("new", noon.Add(year+time.Microsecond)), telling("old", noon.Add(year+time.Microsecond))}
		if diff := cmp.Diff([]bool{true, false, true, true}, got); diff != "" {
			t.Errorf("counted (-want +got):\n%s", diff)
		}
	})
}
