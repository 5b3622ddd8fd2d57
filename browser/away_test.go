package browser

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"example.org/interlude/board"
	"example.org/interlude/page"
	"example.org/interlude/status"
)

// cable is the way to the store, which can be cut. A board judges by the machine's clock that its store has been silent for
// too long; here it has as soon as the cable is cut.
type cable struct {
	board.Feed
	*board.Board
	cut atomic.Bool
}

var errCut = errors.New("the cable is cut")

// Since reads what changed, while the cable is whole.
func (c *cable) Since(ctx context.Context, seq int64) (status.Delta, error) {
	if c.cut.Load() {
		return status.Delta{}, errCut
	}
	return c.Feed.Since(ctx, seq)
}

// Silent reports whether the cable is cut.
func (c *cable) Silent() bool { return c.cut.Load() }

func TestThePageStaysUpWhileItsStoreIsAwayAndSaysHowOldItIs(t *testing.T) {
	browser(t)
	line := new(cable)
	s := newSite(t, "2026-07-01 09:00")
	s.feed = func(f board.Feed) board.Feed { line.Feed = f; return line }
	s.shown = func(b *board.Board) page.Board { line.Board = b; return line }
	s.start()
	s.apply(status.Document{Page: &company})
	s.set("2027-01-13 16:51")
	s.apply(status.Document{Maintenance: &database})
	b := newTab(t)
	b.open(s.url("/"))
	b.mark()
	b.reads("#stale", "")

	line.cut.Store(true)
	const since = "Shown as of 16:51 UTC, 0 s ago. Newer changes cannot be read at the moment; this page catches up by itself."
	b.sees("#stale", since)
	b.sees("#said", "Updated: Age of this page.")
	b.reads("#planned h3", database.Title)
	b.reads("#banner .lead", "As far as this page knows. Next maintenance begins in 1 day 13 h, on Friday at 06:00 UTC.")

	s.clock.Set(at("2027-01-13 16:58:30"))
	b.sees("#stale", strings.Replace(since, "0 s", "7 min", 1))
	for _, path := range []string{"/", s.report("db"), "/history"} {
		answer, err := http.Get(s.url(path))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			t.Error(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: got %s while the store is away, want 200 OK", path, answer.Status)
		}
	}
	other := newPlainTab(t)
	other.open(s.url("/"))
	other.reads("#stale", strings.Replace(since, "0 s", "7 min", 1))
	if !eval[bool](other, `document.querySelector("#stale").checkVisibility()`) {
		t.Error("got the age of the page hidden, want it shown")
	}

	line.cut.Store(false)
	s.set("2027-01-15 06:00")
	b.sees("#banner h1", "Maintenance in progress")
	b.sees("#stale", "")
	b.theSame()
}
