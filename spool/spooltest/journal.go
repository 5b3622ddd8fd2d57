package spooltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"example.org/interlude/spool"
)

// JournalMaker opens one journal, again and again.
type JournalMaker struct {
	// Open opens it; each time there is in it what was there before. The suite closes what it opened, if it can be closed,
	// before it opens it again and when a test ends.
	Open func(t *testing.T) spool.Journal
}

// Journal runs the suite. fresh makes a place with nothing in it; it is called once in each test.
func Journal(t *testing.T, fresh func(t *testing.T) JournalMaker) {
	for name, test := range map[string]func(t *testing.T, j *journal){
		"positions are above 0 and grow":                      positionsGrow,
		"what was appended is read and scanned":               readAndScanned,
		"nothing appended is nothing":                         nothingAppended,
		"the end and the bytes that are used grow":            usageGrows,
		"a scan begins at the first record from there on":     scanFromAnywhere,
		"a scan ends when its reader or its context does":     scanEnds,
		"bytes belong to whoever has them":                    bytesAreOwned,
		"large records come back whole":                       largeRecords,
		"what is forgotten takes nothing else with it":        forgotten,
		"it is all there when it is opened again":             openedAgain,
		"positions are not used twice after all is forgotten": positionsAfterForgetting,
		"it is read, scanned and forgotten while it grows":    allAtOnce,
	} {
		t.Run(name, func(t *testing.T) {
			j := &journal{maker: fresh(t)}
			j.open(t)
			t.Cleanup(func() { j.close(t) })
			test(t, j)
		})
	}
}

// journal is a journal under test, and what was appended to it.
type journal struct {
	maker JournalMaker
	spool.Journal
	records []spool.Record
}

func (j *journal) open(t *testing.T) {
	t.Helper()
	j.Journal = j.maker.Open(t)
}

func (j *journal) close(t *testing.T) {
	t.Helper()
	if c, ok := j.Journal.(io.Closer); ok {
		if err := c.Close(); err != nil {
			t.Errorf("close the journal: %v", err)
		}
	}
}

// append appends records at once.
func (j *journal) append(t *testing.T, data ...string) []spool.Record {
	t.Helper()
	var records [][]byte
	for _, d := range data {
		records = append(records, []byte(d))
	}
	positions, err := j.Append(t.Context(), records)
	if err != nil {
		t.Fatalf("append %d records: %v", len(records), err)
	}
	if len(positions) != len(records) {
		t.Fatalf("got %d positions for %d records", len(positions), len(records))
	}
	first := len(j.records)
	for i, at := range positions {
		j.records = append(j.records, spool.Record{At: at, Data: []byte(data[i])})
	}
	return slices.Clone(j.records[first:])
}

// scan gives all records from a position on.
func (j *journal) scan(t *testing.T, from spool.Position) []spool.Record {
	t.Helper()
	var records []spool.Record
	for r, err := range j.Scan(t.Context(), from) {
		if err != nil {
			t.Fatalf("scan from %d: %v", from, err)
		}
		records = append(records, r)
	}
	return records
}

// holds makes sure that a scan from a position gives exactly these records, and that each can be read.
func (j *journal) holds(t *testing.T, from spool.Position, want []spool.Record) {
	t.Helper()
	same(t, j.scan(t, from), want)
	for _, r := range want {
		got, err := j.Read(t.Context(), r.At)
		if err != nil {
			t.Fatalf("read %d: %v", r.At, err)
		}
		if !bytes.Equal(got, r.Data) {
			t.Fatalf("read %d: got %s, want %s", r.At, brief(got), brief(r.Data))
		}
	}
}

func same(t *testing.T, got, want []spool.Record) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i].At != want[i].At || !bytes.Equal(got[i].Data, want[i].Data) {
			t.Fatalf("record %d of a scan: got %d: %s, want %d: %s", i, got[i].At, brief(got[i].Data), want[i].At, brief(want[i].Data))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("got %d records from a scan, want %d", len(got), len(want))
	}
}

// brief shows bytes in a failure.
func brief(b []byte) string {
	if len(b) > 40 {
		return fmt.Sprintf("%q… (%d bytes)", b[:40], len(b))
	}
	return fmt.Sprintf("%q", b)
}

func positionsGrow(t *testing.T, j *journal) {
	j.append(t, "one")
	j.append(t, "two", "three")
	j.append(t, "four")
	last := spool.Position(0)
	for _, r := range j.records {
		if r.At <= last {
			t.Errorf("got position %d after %d, want a higher one", r.At, last)
		}
		last = r.At
	}
}

func readAndScanned(t *testing.T, j *journal) {
	j.holds(t, 0, nil)
	j.append(t, "one")
	j.append(t, "two", "\x00\xff\r\n", "four")
	j.holds(t, 0, j.records)
	for i, r := range j.records {
		j.holds(t, r.At, j.records[i:])
	}
	if data, err := j.Read(t.Context(), j.records[3].At+1_000_000); err == nil {
		t.Errorf("got %s from a position that nothing has, want an error", brief(data))
	}
}

func nothingAppended(t *testing.T, j *journal) {
	if positions, err := j.Append(t.Context(), nil); err != nil || len(positions) != 0 {
		t.Errorf("got %v, %v for no records, want no positions and no error", positions, err)
	}
	j.holds(t, 0, nil)
}

func usageGrows(t *testing.T, j *journal) {
	before := j.Usage()
	if before.First > before.End {
		t.Errorf("got %+v of an empty journal, want First up to End", before)
	}
	j.append(t, string(make([]byte, 5<<20)))
	j.append(t, "small")
	after, last := j.Usage(), j.records[1].At
	if after.First > j.records[0].At || after.End <= before.End || after.End > last+1_000_000 {
		t.Errorf("got %+v after records at %d and %d, before that %+v", after, j.records[0].At, last, before)
	}
	if grown := after.Bytes - before.Bytes; grown < 4<<20 {
		t.Errorf("got %d bytes more in use after 5 MiB were appended", grown)
	}
}

func scanFromAnywhere(t *testing.T, j *journal) {
	j.append(t, "one", "two", "three")
	j.append(t, "four")
	for i, r := range j.records {
		j.holds(t, r.At+1, j.records[i+1:])
	}
	j.holds(t, j.records[0].At-1, j.records)
	j.holds(t, j.Usage().End, nil)
	j.holds(t, j.Usage().End+1_000_000, nil)
}

func scanEnds(t *testing.T, j *journal) {
	j.append(t, "one", "two", "three")
	for r, err := range j.Scan(t.Context(), 0) {
		if err != nil || string(r.Data) != "one" {
			t.Fatalf("got %q, %v, want one", r.Data, err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, err := range j.Scan(ctx, 0) {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("got %v from a scan whose context has ended, want %v", last, context.Canceled)
	}
	if _, err := j.Append(ctx, [][]byte{[]byte("four")}); err == nil {
		t.Error("got no error from an Append whose context had ended")
	}
}

func bytesAreOwned(t *testing.T, j *journal) {
	data := []byte("as it was")
	positions, err := j.Append(t.Context(), [][]byte{data})
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	want := []spool.Record{{At: positions[0], Data: []byte("as it was")}}
	read, err := j.Read(t.Context(), positions[0])
	if err != nil {
		t.Fatal(err)
	}
	clear(read)
	clear(j.scan(t, 0)[0].Data)
	j.holds(t, 0, want)
}

func largeRecords(t *testing.T, j *journal) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 3<<16)
	j.append(t, "before", string(large), "between", string(large[5:]), "after")
	j.append(t, "last")
	j.holds(t, 0, j.records)
	j.close(t)
	j.open(t)
	j.holds(t, 0, j.records)
}

func forgotten(t *testing.T, j *journal) {
	for i := range 200 {
		j.append(t, fmt.Sprintf("%d %s", i, bytes.Repeat([]byte{'x'}, 1000)))
	}
	keep := j.records[150:]
	for _, before := range []spool.Position{0, j.records[50].At, keep[0].At} {
		if err := j.Forget(t.Context(), before); err != nil {
			t.Fatalf("forget what is before %d: %v", before, err)
		}
		if first := j.Usage().First; first > max(before, j.records[0].At) {
			t.Errorf("got %d as the first position after what is before %d was forgotten", first, before)
		}
		j.holds(t, max(before, keep[0].At), keep)
	}
	all := j.scan(t, 0) // some may be seen again, but none twice, and none that is not there
	same(t, all, j.records[len(j.records)-len(all):])
	j.append(t, "more")
	j.close(t)
	j.open(t)
	j.holds(t, keep[0].At, j.records[150:])
}

func openedAgain(t *testing.T, j *journal) {
	for round := range 3 {
		j.append(t, fmt.Sprintf("round %d", round), "and more")
		end := j.Usage().End
		j.close(t)
		j.open(t)
		j.holds(t, 0, j.records)
		if got := j.Usage().End; got < j.records[len(j.records)-1].At || got > end {
			t.Errorf("got %d as the end after it was opened again, want %d or a little below", got, end)
		}
	}
}

func positionsAfterForgetting(t *testing.T, j *journal) {
	j.append(t, "one", "two")
	end := j.Usage().End
	if err := j.Forget(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	j.close(t)
	j.open(t)
	next := j.append(t, "three")
	if next[0].At <= j.records[1].At {
		t.Errorf("got position %d for a new record, want one above %d, which another one had", next[0].At, j.records[1].At)
	}
	j.holds(t, next[0].At, next)
}

// allAtOnce appends while others read, scan and forget.
func allAtOnce(t *testing.T, j *journal) {
	const rounds, window = 60, 20
	var (
		mu    sync.Mutex
		known = map[spool.Position]string{}
		order []spool.Position
		keep  spool.Position // nothing from here on is forgotten
	)
	check := func(r spool.Record) {
		mu.Lock()
		defer mu.Unlock()
		if want, ok := known[r.At]; ok && want != string(r.Data) {
			t.Errorf("got %s at %d, want %s", brief(r.Data), r.At, brief([]byte(want)))
		}
	}
	kept := func() spool.Position {
		mu.Lock()
		defer mu.Unlock()
		return keep
	}
	done := make(chan struct{})
	var others sync.WaitGroup
	until := func(act func()) {
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					act()
				}
			}
		})
	}
	until(func() { scanOnce(t, j, kept(), check) })
	until(func() {
		from := kept()
		data, err := j.Read(t.Context(), from)
		if err == nil {
			check(spool.Record{At: from, Data: data})
		} else if from > 0 && from == kept() {
			t.Errorf("read %d, which is kept: %v", from, err)
		}
	})
	until(func() {
		if err := j.Forget(t.Context(), kept()); err != nil {
			t.Errorf("forget: %v", err)
		}
		_ = j.Usage()
	})
	for i := range rounds {
		data := fmt.Sprintf("%d %s", i, bytes.Repeat([]byte{byte(i)}, i*100))
		r := j.append(t, data, data+"!")
		mu.Lock()
		known[r[0].At], known[r[1].At] = data, data+"!"
		order = append(order, r[0].At)
		keep = order[max(0, len(order)-window)]
		mu.Unlock()
	}
	close(done)
	others.Wait()
	j.holds(t, order[rounds-window], j.records[2*(rounds-window):])
}

// scanOnce scans, and makes sure that positions grow. That something is forgotten meanwhile may end it.
func scanOnce(t *testing.T, j *journal, from spool.Position, check func(spool.Record)) {
	last := from - 1
	for r, err := range j.Scan(t.Context(), from) {
		if err != nil {
			return
		}
		if r.At <= last {
			t.Errorf("got position %d after %d, want a higher one", r.At, last)
		}
		last = r.At
		check(r)
	}
}
