package spool

import (
	"slices"
	"testing"
	"time"
)

func TestIDsSortByTheirOrderWhateverTheClockDoes(t *testing.T) {
	var g ids
	now := time.Unix(1_800_000_000, 0)
	var got []string
	for range 1000 {
		got = append(got, g.next(now))
	}
	got = append(got, g.next(now.Add(-time.Hour)), g.next(now.Add(time.Hour)))
	var restarted ids
	restarted.goOnAfter(got[len(got)-1])
	got = append(got, restarted.next(now))
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Errorf("got %v, want each above the one before", got)
	}
	for _, id := range got {
		if len(id) != 26 {
			t.Errorf("got %s with %d letters, want 26", id, len(id))
		}
	}
}

func TestIDsOfTwoNodesDiffer(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	if a, b := new(ids).next(now), new(ids).next(now); a == b || a[:9] != b[:9] {
		t.Errorf("got %s and %s, want them to differ in all but the time", a, b)
	}
}
