package spool

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// hundreds makes a journal with some hundred entries of all states and a pause, its index, and what is listed of it. The pause is
// one of the flow.
func hundreds(t *testing.T) (journal Journal, index []byte, items []Item) {
	t.Helper()
	journal = NewMemory()
	r := rigged(t, journal, nil)
	r.courier.do(func(_ context.Context, e Entry) Outcome {
		switch {
		case e.About == "refused":
			return Outcome{Result: Refused, Reason: "never"}
		case strings.HasPrefix(e.About, "slow"):
			return Outcome{Reason: "busy", After: time.Hour}
		}
		return Outcome{Result: Taken}
	})
	r.Release("in")
	for i := range 300 {
		about := []string{"taken", "refused", "slow" + strings.Repeat("w", 2*i)}[i%3]
		r.accept(Entry{About: about, Lane: fmt.Sprint(i), Key: fmt.Sprint("key ", i)})
	}
	settle(time.Minute)
	if err := r.Pause(t.Context(), "in"); err != nil {
		t.Fatal(err)
	}
	items = listed(t, r.Spool)
	r.stop()
	file, err := os.ReadFile(r.config.Index)
	if err != nil {
		t.Fatal(err)
	}
	return journal, file, items
}

// listed are all entries as they stand, but for the time that the whole flow waits.
func listed(t *testing.T, s *Spool) []Item {
	t.Helper()
	items, err := s.Items(t.Context(), Filter{Most: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for i := range items {
		items[i].Next = time.Time{}
	}
	return items
}

func TestASpoolOpensWhateverIsDamagedInItsIndex(t *testing.T) {
	var journal Journal
	var good []byte
	var want []Item
	synctest.Test(t, func(t *testing.T) { journal, good, want = hundreds(t) })
	const page = 4096
	if len(want) != 300 || len(good) < 40*page || len(good)%page != 0 {
		t.Fatalf("got %d entries and an index of %d bytes, want 300 in dozens of pages", len(want), len(good))
	}
	chance := rand.NewChaCha8([32]byte{1})
	random := make([]byte, 40<<10)
	_, _ = chance.Read(random)
	opens := func(name string, damage func(file []byte)) (renewed bool) {
		file := slices.Clone(good)
		damage(file)
		path := filepath.Join(t.TempDir(), "index.db")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		s, err := Open(t.Context(), Config{
			Journal: journal, Index: path, Flows: map[string]Flow{"in": {}}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return false
		}
		if got := listed(t, s); !slices.Equal(got, want) {
			t.Errorf("%s: got %d entries, want the %d as they stood", name, len(got), len(want))
		}
		if n := s.Figures()["in"]; n.Waiting != 100 || n.Shelved != 100 || !n.Paused {
			t.Errorf("%s: got %+v, want 100 that wait, 100 on the shelf, and the pause", name, n)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return strings.Contains(log.String(), "made anew")
	}
	if opens("as it was", func([]byte) {}) {
		t.Error("an index that is as it was is made anew")
	}
	if !opens("40 KB in the middle", func(file []byte) { copy(file[len(file)/2:], random) }) {
		t.Error("40 KB in the middle: the log does not tell of a new index")
	}
	free := int(binary.BigEndian.Uint32(good[36:])) // pages without anything on them, as the header of the file has it
	unseen := map[string]int{}
	for at := 0; at < len(good); at += page {
		if !opens(fmt.Sprintf("junk on page %d", at/page+1), func(file []byte) { copy(file[at:at+page], random) }) {
			unseen["junk"]++
		}
		if !opens(fmt.Sprintf("zeros on page %d", at/page+1), func(file []byte) { clear(file[at : at+page]) }) {
			unseen["zeros"]++
		}
	}
	t.Logf("%d pages, %d of them free", len(good)/page, free)
	if unseen["junk"] > free || unseen["zeros"] > free {
		t.Errorf("got %v pages whose damage nobody saw, want no more than the %d that are free", unseen, free)
	}
}

func TestAnIndexThatIsNotAtFaultIsNotMadeAnew(t *testing.T) {
	journal, missing := NewMemory(), filepath.Join(t.TempDir(), "missing", "index.db")
	_, err := Open(t.Context(), Config{Journal: journal, Index: missing})
	if err == nil || !strings.Contains(err.Error(), missing) || !strings.Contains(err.Error(), "its directory has to be there") {
		t.Errorf("got %v, want it to name the file and what would be right", err)
	}
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := openIndex(t.Context(), path, journal, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer x.close()
	if _, err := x.write.ExecContext(t.Context(), "PRAGMA max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
	e := Entry{ID: "one", Flow: "in", About: strings.Repeat("x", 100_000)}
	err = x.apply(t.Context(), []placed{{record{tag: tagEntry, entry: e, standing: standing{state: Waiting}}, 1}}, 0)
	if !diskFull(err) || remedy(err) != "the disk is full; make room on it" {
		t.Errorf("got %v, %q, want a full disk that somebody has to make room on", err, remedy(err))
	}
}
