package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// instant is a moment in the life of a journal: it holds the records from first on, n of all that there ever were.
type instant struct {
	first Position
	n     int
}

// history is a journal that remembers all of its instants.
type history struct {
	Journal
	mu       sync.Mutex
	records  [][]byte
	instants []instant
}

func (h *history) Append(ctx context.Context, records [][]byte) ([]Position, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := h.Usage().First
	for _, data := range records {
		h.records = append(h.records, data)
		h.instants = append(h.instants, instant{first, len(h.records)})
	}
	return h.Journal.Append(ctx, records)
}

func (h *history) Forget(ctx context.Context, before Position) error {
	err := h.Journal.Forget(ctx, before)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.instants = append(h.instants, instant{h.Usage().First, len(h.records)})
	return err
}

// at makes the journal as it was.
func (h *history) at(t *testing.T, i instant) Journal {
	t.Helper()
	j := NewMemory()
	_, err := j.Append(t.Context(), h.records[:i.n])
	if err := errors.Join(err, j.Forget(t.Context(), i.first)); err != nil {
		t.Fatal(err)
	}
	return j
}

// eventful lets a spool do all that it can, and gives what its journal was at each instant.
func eventful(t *testing.T) *history {
	h := &history{Journal: NewMemory()}
	synctest.Test(t, func(t *testing.T) {
		r := sweeping(t, h)
		defer r.stop()
		for i := range 3 {
			r.accept(Entry{Lane: "a", Key: fmt.Sprint("a", i), About: fmt.Sprint("a", i), Body: []byte("body")})
			r.accept(Entry{Lane: "b", Due: time.Now().Add(time.Duration(3-i) * time.Second), About: fmt.Sprint("b", i), Body: make([]byte, 9000)})
		}
		removed, refused := r.accept(Entry{About: "removed"}), r.accept(Entry{About: "refused", Body: []byte("kept")})
		r.accept(Entry{About: "later", Due: time.Now().Add(1000 * time.Hour), Body: []byte("kept")})
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(r.Remove(t.Context(), removed))
		must(r.Pause(t.Context(), "in"))
		must(r.Resume(t.Context(), "in"))
		var once sync.Map
		r.courier.do(func(_ context.Context, e Entry) Outcome {
			_, again := once.LoadOrStore(e.ID, true)
			switch {
			case e.About == "refused":
				return Outcome{Result: Refused, Reason: "never"}
			case e.About == "a1" && !again:
				return Outcome{Reason: "not now"}
			}
			return Outcome{Result: Taken}
		})
		r.Release("in")
		settle(time.Minute)
		must(r.Pause(t.Context(), "in"))
		must(r.Retry(t.Context(), refused))
		settle(time.Hour)
		for i := range 3 {
			r.accept(Entry{Lane: "a", About: fmt.Sprint("c", i), Key: fmt.Sprint("c", i)})
		}
		settle(50 * time.Hour)
		if h.Usage().First < 15 {
			t.Errorf("got a journal from %d on, want it to have been cleared", h.Usage().First)
		}
	})
	return h
}

// expectation is what is to be known after the first n records, whatever became of the index.
func expectation(t *testing.T, records [][]byte) (entries map[string]record, paused bool) {
	t.Helper()
	entries = map[string]record{}
	for _, data := range records {
		r, err := decode(data)
		if err != nil {
			t.Fatal(err)
		}
		switch r.tag {
		case tagPause:
			paused = r.paused
		case tagEntry:
			entries[r.entry.ID] = r
		default:
			was := entries[r.entry.ID]
			was.standing = r.standing
			entries[r.entry.ID] = was
		}
	}
	return entries, paused
}

// agrees fails the test unless an index tells what is expected.
func agrees(t *testing.T, x *index, journal Journal, want map[string]record, paused bool) {
	t.Helper()
	rows, err := x.list(t.Context(), Filter{Most: 1000})
	if err != nil {
		t.Fatal(err)
	}
	found, live := map[string]row{}, int64(0)
	for _, r := range rows {
		found[r.ID] = r
	}
	for id, w := range want {
		got, ok := found[id]
		ended := w.standing.state.Ended()
		if !ok && ended && w.entry.Key == "" {
			continue // nobody has to remember it
		}
		if !ok || got.State != w.standing.state || got.Attempts != w.standing.attempts || !got.Next.Equal(w.standing.next) || got.Key != w.entry.Key {
			t.Errorf("%s: got %+v, want %+v", w.entry.About, got, w.standing)
		}
		if ended {
			continue
		}
		live++
		if data, err := journal.Read(t.Context(), got.at); err != nil {
			t.Errorf("%s: its content is gone: %v", w.entry.About, err)
		} else if is, err := decode(data); err != nil || is.entry.ID != id || string(is.entry.Body) != string(w.entry.Body) {
			t.Errorf("%s: got the content %+v, %v", w.entry.About, is, err)
		}
	}
	if sum := x.all(); sum.waiting+sum.shelved != live {
		t.Errorf("got %+v, want %d that are live", sum, live)
	}
	if flows, err := x.paused(t.Context()); err != nil || (len(flows) == 1) != paused {
		t.Errorf("got %v, %v paused, want %t", flows, err, paused)
	}
	headsAreFirst(t, x, rows)
}

// headsAreFirst fails the test unless those that can be handed over are the first of their lanes and those without one.
func headsAreFirst(t *testing.T, x *index, rows []row) {
	t.Helper()
	ready, err := x.ready(t.Context(), "in", time.Now().Add(1e6*time.Hour), 1000)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, r := range ready {
		got[r.ID] = true
	}
	for _, r := range rows {
		first := r.State == Waiting
		for _, o := range rows {
			if r.Lane != "" && o.Lane == r.Lane && o.State == Waiting && (o.Due.Before(r.Due) || o.Due.Equal(r.Due) && o.ID < r.ID) {
				first = false
			}
		}
		if got[r.ID] != first {
			t.Errorf("%s: got %t, want %t that it can be handed over", r.About, got[r.ID], first)
		}
	}
}

// The journal is cut at each of its instants, and meets an index of each instant: older, newer, or none.
func TestNothingIsLostWhateverMomentItStopsAt(t *testing.T) {
	h := eventful(t)
	dir := t.TempDir()
	indexes := map[int][]byte{0: nil} // by how many records are in them
	for _, i := range h.instants {
		if indexes[i.n] == nil {
			indexes[i.n] = fileOf(t, filepath.Join(dir, "copy"), h.at(t, instant{1, i.n}))
		}
	}
	t.Logf("%d instants, %d indexes", len(h.instants), len(indexes))
	for k, i := range h.instants {
		journal := h.at(t, i)
		want, paused := expectation(t, h.records[:i.n])
		for n, file := range indexes {
			if (k+n)%4 != 0 {
				continue // each instant and each index, if not each with each
			}
			path := filepath.Join(dir, "index")
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			x, err := openIndex(t.Context(), path, journal, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			agrees(t, x, journal, want, paused)
			if err := x.close(); err != nil {
				t.Fatal(err)
			}
			if t.Failed() {
				t.Fatalf("at %+v with an index of %d records", i, n)
			}
		}
	}
}

// fileOf is the index of a journal.
func fileOf(t *testing.T, path string, journal Journal) []byte {
	t.Helper()
	_ = os.Remove(path)
	x, err := openIndex(t.Context(), path, journal, slog.New(slog.DiscardHandler))
	if err == nil {
		err = x.close()
	}
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAnIndexThatIsDamagedOrOfAnotherJournalIsMadeAnew(t *testing.T) {
	journal, other := NewMemory(), NewMemory()
	entryRecord := func(id string) []byte {
		r := record{tag: tagEntry, entry: Entry{ID: id, Flow: "in"}, standing: standing{state: Waiting}}
		return r.encode()
	}
	for j, id := range map[Journal]string{journal: "mine", other: "theirs"} {
		if _, err := j.Append(t.Context(), [][]byte{entryRecord(id)}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "index")
	good := fileOf(t, path, journal)
	for name, file := range map[string][]byte{
		"none": nil, "text": []byte("this is no database, and it is long enough to be looked at"), "another journal's": fileOf(t, path, other),
		"cut off": good[:len(good)/2], "good": good, "zeros": append(good[:4096:4096], make([]byte, len(good)-4096)...),
	} {
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		x, err := openIndex(t.Context(), path, journal, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := x.find(t.Context(), "mine"); err != nil || x.all().waiting != 1 {
			t.Errorf("%s: got %v, %+v, want the entry of the journal", name, err, x.all())
		}
		if err := x.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAJournalThatCannotBeUnderstoodIsRefused(t *testing.T) {
	journal := NewMemory()
	if _, err := journal.Append(t.Context(), [][]byte{{9, 9, 9}}); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Config{Journal: journal})
	if !errors.Is(err, errRecord) {
		t.Errorf("got %v, want %v", err, errRecord)
	}
}
