package spool

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"slices"
	"strings"
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

// number is the id as a number.
func number(t *testing.T, id string) *big.Int {
	t.Helper()
	b, err := idText.DecodeString(id)
	if err != nil {
		t.Fatal(err)
	}
	return new(big.Int).SetBytes(b)
}

func TestNobodyCanTellTheNextID(t *testing.T) {
	const many = 1000
	var g ids
	now := time.Unix(1_800_000_000, 0)
	steps, last := map[string]bool{}, number(t, g.next(now))
	small := 0
	for range many {
		is := number(t, g.next(now))
		step := new(big.Int).Sub(is, last)
		if step.Sign() <= 0 || step.BitLen() > 33 {
			t.Fatalf("got a step of %v, want one above 0 of about 32 bits", step)
		}
		if step.BitLen() < 25 { // one in 256
			small++
		}
		steps[step.String()], last = true, is
	}
	if len(steps) < many-1 || small > many/20 {
		t.Errorf("got %d different steps of %d, %d of them small, want chance", len(steps), many, small)
	}
}

func TestAMillisecondThatIsFullEndsInTheNext(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	was := bytes.Repeat([]byte{0xff}, idBytes)
	binary.BigEndian.PutUint64(was, uint64(now.UnixMilli())<<16|0xffff)
	var g ids
	g.goOnAfter(idText.EncodeToString(was))
	first, second := g.next(now), g.next(now)
	next := new(ids).next(now.Add(time.Millisecond))
	if last := idText.EncodeToString(was); first <= last || second <= first || first[:9] != next[:9] || len(first) != 26 {
		t.Errorf("after %s: got %s and %s, want them to rise, in the next millisecond", last, first, second)
	}
	if strings.Contains(first, "00000000") {
		t.Errorf("got %s, want chance in it", first)
	}
	var foreign ids
	foreign.goOnAfter(idText.EncodeToString(bytes.Repeat([]byte{0xff}, idBytes)))
	if a, b := foreign.next(now), foreign.next(now); b <= a {
		t.Errorf("after one that nothing is above: got %s and %s, want them to rise", a, b)
	}
}

func TestIDsOfTwoNodesDiffer(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	if a, b := new(ids).next(now), new(ids).next(now); a == b || a[:9] != b[:9] {
		t.Errorf("got %s and %s, want them to differ in all but the time", a, b)
	}
}
