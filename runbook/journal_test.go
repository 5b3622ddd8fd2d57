package runbook

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// newJournal makes a journal with some entries and closes it.
func newJournal(t *testing.T, n int) (path string, data []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "db.journal")
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if _, err := j.Add(Entry{What: Begun, Step: "1", Facts: map[string]string{"a": "b"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if data, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return path, data
}

func TestAJournalForgetsOnlyALineThatWasNotWrittenToItsEnd(t *testing.T) {
	path, data := newJournal(t, 3)
	lines := strings.SplitAfter(string(data), "\n")
	before := len(lines[0]) + len(lines[1])
	for cut := before; cut < len(data); cut++ {
		writeFile(t, path, string(data[:cut]))
		j, err := OpenJournal(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if got := len(j.Entries()); got != 2 {
			t.Fatalf("cut at %d: got %d entries, want 2", cut, got)
		}
		if e, err := j.Add(Entry{What: Done}); err != nil || e.N != 3 {
			t.Fatalf("cut at %d: got %d and %v, want to go on with entry 3", cut, e.N, err)
		}
		_ = j.Close()
	}
}

func TestAJournalRefusesDamageInItsMiddle(t *testing.T) {
	path, data := newJournal(t, 3)
	for _, damaged := range []string{
		strings.Replace(string(data), `"begun"`, `"done"`, 1),
		strings.Join(strings.SplitAfter(string(data), "\n")[1:], ""),
	} {
		writeFile(t, path, damaged)
		if _, err := OpenJournal(path); err == nil || !strings.Contains(err.Error(), ".journal:1: ") {
			t.Errorf("got %v, want a refusal that names the line", err)
		}
	}
}

func TestASecondRunnerIsRefused(t *testing.T) {
	path, _ := newJournal(t, 1)
	first, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenJournal(path); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want %v", err, ErrLocked)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := OpenJournal(path)
	if err != nil {
		t.Fatalf("got %v once the first has gone, want none", err)
	}
	_ = second.Close()
}

func TestAJournalThatIsRenewedKeepsTheOldOne(t *testing.T) {
	path, data := newJournal(t, 2)
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Renew(); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	old, err := os.ReadFile(path + ".1")
	if len(j.Entries()) != 0 || err != nil || string(old) != string(data) {
		t.Errorf("got %d entries and %v, want none and the old journal beside it", len(j.Entries()), err)
	}
}
