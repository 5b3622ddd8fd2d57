package spool

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAPersonShelvesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, NewMemory(), func(_ *Config, f *Flow) {
			f.Shelve = func(Entry, string) bool { t.Error("the flow was asked about what a person shelves"); return true }
		})
		defer r.stop()
		shelve := func(id string, want error) {
			t.Helper()
			if err := r.Shelve(t.Context(), id); !errors.Is(err, want) {
				t.Errorf("shelve: got %v, want %v", err, want)
			}
		}
		given, next := r.accept(Entry{About: "given up", Lane: "l"}), r.accept(Entry{About: "next", Lane: "l"})
		later := r.accept(Entry{About: "later", Due: time.Now().Add(30 * 24 * time.Hour)})
		shelve(given, nil)
		shelve(later, nil)
		was := r.item(given)
		if was.State != Shelved || was.Reason != "shelved by a person" || was.Settled.IsZero() || was.Attempts != 0 {
			t.Errorf("got %+v, want it on the shelf, and why", was)
		}
		settle(time.Second)
		shelve(given, nil)
		if is := r.item(given); is != was {
			t.Errorf("shelved twice: got %+v, want %+v", is, was)
		}
		done := make(chan struct{})
		r.courier.do(func(context.Context, Entry) Outcome { <-done; return Outcome{Result: Taken} })
		r.Release("in")
		settle(time.Second)
		shelve(next, ErrMoving)
		close(done)
		settle(time.Second)
		r.stands(next, Delivered)
		shelve(next, ErrEnded)
		shelve("none", ErrNotFound)
		for _, id := range []string{given, later} {
			if err := r.Retry(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		settle(time.Second)
		r.stands(given, Delivered)
		r.stands(later, Waiting)
		settle(30 * 24 * time.Hour)
		r.stands(later, Delivered) // it was not too old when it was due
	})
}

func TestWhatLiesOnTheShelfKeepsItsReasonWhenAPersonShelvesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, NewMemory(), nil)
		defer r.stop()
		r.courier.say(Outcome{Result: Refused, Reason: "no such mailbox"})
		r.Release("in")
		id := r.accept(Entry{})
		settle(time.Second)
		if err := r.Shelve(t.Context(), id); err != nil {
			t.Error(err)
		}
		if i := r.item(id); i.State != Shelved || i.Reason != "no such mailbox" {
			t.Errorf("got %+v, want it as it was", i)
		}
	})
}
