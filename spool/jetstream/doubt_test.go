package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"example.org/interlude/spool"
	"example.org/interlude/spool/jetstream"
)

func logTo(b *lockedBuffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// errorsOf gives what a scan says beside its records.
func errorsOf(t *testing.T, j *jetstream.Journal) []error {
	var errs []error
	for _, err := range j.Scan(t.Context(), 0) {
		errs = append(errs, err)
	}
	return errs
}

// count is how many messages stand in the stream of a server.
func count(t *testing.T, s *server) int {
	t.Helper()
	stream, err := admin(t, s).Stream(t.Context(), "GATE")
	if err != nil {
		t.Fatal(err)
	}
	return int(stream.CachedInfo().State.Msgs)
}

func TestRecordsWhoseAcknowledgementsAreLostCountOnce(t *testing.T) {
	s := single(t, "")
	w := wireTo(t, s)
	j := open(t, w.over(on(s)))
	add(t, j, []byte("first"))
	before := count(t, s)

	w.mute.Store(true)
	done := make(chan error, 1)
	go func() {
		_, err := j.Append(t.Context(), [][]byte{[]byte("second"), []byte("third")})
		done <- err
	}()
	until(t, "records in the stream", func() bool { return count(t, s) == before+2 })
	w.cut()
	if err := <-done; err != nil {
		t.Errorf("got %v, want it found out that the records are there", err)
	}
	want(t, all(t, j, 0), []byte("first"), []byte("second"), []byte("third"))
	if got := count(t, s); got != before+2 {
		t.Errorf("got %d messages, want %d: nothing sent twice", got, before+2)
	}
}

// torn sends records of which only some arrive, and cuts the wire when those have.
func torn(ctx context.Context, t *testing.T, s *server, w *wire, j *jetstream.Journal, then func()) error {
	t.Helper()
	before := count(t, s)
	w.room.Store(450_000)
	done := make(chan error, 1)
	go func() {
		_, err := j.Append(ctx, tenRecords())
		done <- err
	}()
	<-w.lost
	until(t, "some of the records in the stream", func() bool { return count(t, s) > before+2 })
	then()
	w.cut()
	return <-done
}

func tenRecords() (records [][]byte) {
	for i := range 10 {
		records = append(records, append(fmt.Appendf(nil, "record %d ", i), bytesOf(100_000)...))
	}
	return records
}

func TestAnAppendThatIsTornIsMadeWhole(t *testing.T) {
	s := single(t, "")
	w := wireTo(t, s)
	j := open(t, w.over(on(s)))
	add(t, j, []byte("first"))
	if err := torn(t.Context(), t, s, w, j, func() {}); err != nil {
		t.Errorf("got %v, want it tried again", err)
	}
	for range 2 {
		want(t, all(t, j, 0), append([][]byte{[]byte("first")}, tenRecords()...)...)
		j.Close()
		j = open(t, on(s))
	}
}

func TestAnAppendWhoseCallerLeftLeavesNothing(t *testing.T) {
	s := single(t, "")
	w := wireTo(t, s)
	j := open(t, w.over(on(s)))
	add(t, j, []byte("first"))
	ctx, cancel := context.WithCancel(t.Context())
	if err := torn(ctx, t, s, w, j, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	want(t, all(t, j, 0), []byte("first"))
	j.Close()
	j = open(t, on(s))
	add(t, j, []byte("second"))
	want(t, all(t, j, 0), []byte("first"), []byte("second"))
}

func TestAJournalThatDoesNotKnowSaysSoUntilItDoes(t *testing.T) {
	s := single(t, "")
	w := wireTo(t, s)
	c := w.over(on(s))
	c.Timeout = time.Second
	j := open(t, c)
	add(t, j, []byte("first"))
	w.room.Store(0)
	for range 2 {
		begun := time.Now()
		if _, err := j.Append(t.Context(), [][]byte{[]byte("never")}); !errors.Is(err, spool.ErrClosed) {
			t.Errorf("got %v, want %v", err, spool.ErrClosed)
		}
		if took := time.Since(begun); took > 2*c.Timeout {
			t.Errorf("it took %v, want about %v at most", took, c.Timeout)
		}
	}
	w.cut()
	until(t, "journal that works by itself", func() bool {
		_, err := j.Append(t.Context(), [][]byte{[]byte("second")})
		return err == nil
	})
	want(t, all(t, j, 0), []byte("first"), []byte("second"))
}

func TestAJournalWithoutServersWaitsForThem(t *testing.T) {
	s := single(t, "")
	j := open(t, on(s))
	add(t, j, []byte("first"))
	s.kill()
	done := make(chan error, 1)
	go func() {
		_, err := j.Append(t.Context(), [][]byte{[]byte("second")})
		done <- err
	}()
	s.start()
	if err := <-done; err != nil {
		t.Errorf("got %v, want the record accepted when the server was back", err)
	}
	want(t, all(t, j, 0), []byte("first"), []byte("second"))
}

func TestASecondWriterIsRefused(t *testing.T) {
	s := single(t, "")
	j := open(t, on(s))
	add(t, j, []byte("first"))
	second, err := jetstream.Open(t.Context(), on(s))
	if err == nil {
		second.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "another writer") {
		t.Errorf("got %v, want another writer found", err)
	}
	add(t, j, []byte("second"))
	j.Close()
	want(t, all(t, open(t, on(s)), 0), []byte("first"), []byte("second"))
}

func TestAWriterThatWasReplacedIsRefused(t *testing.T) {
	s := single(t, "")
	w := wireTo(t, s)
	c := on(s)
	c.Timeout = 2 * time.Second
	old := open(t, w.over(c))
	add(t, old, []byte("first"))
	w.mute.Store(true)
	next := open(t, c)
	w.cut()
	until(t, "word of another writer", func() bool {
		_, err := old.Append(t.Context(), [][]byte{[]byte("never"), []byte("ever")})
		if err == nil {
			t.Fatal("a writer that was replaced has appended, want it refused")
		}
		return errors.Is(err, spool.ErrClosed) && strings.Contains(err.Error(), "another writer")
	})
	if _, err := old.Append(t.Context(), [][]byte{[]byte("never")}); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("got %v, want it refused for good", err)
	}
	add(t, next, []byte("second"))
	want(t, all(t, next, 0), []byte("first"), []byte("second"))
}

func TestWhatAStrangerPutsThereIsFound(t *testing.T) {
	s := single(t, "")
	j := open(t, on(s))
	add(t, j, []byte("first"))
	m := &nats.Msg{Subject: "interlude.journal.GATE", Data: []byte("strange")}
	if _, err := admin(t, s).PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := j.Append(t.Context(), [][]byte{[]byte("a"), []byte("b"), []byte("c")})
		if !errors.Is(err, spool.ErrClosed) || !strings.Contains(err.Error(), "another writer") {
			t.Errorf("got %v, want another writer found", err)
		}
	}
	want(t, all(t, j, 0), []byte("first"))
	j.Close()
	want(t, all(t, open(t, on(s)), 0), []byte("first"))
}

func TestAStreamThatWasMadeAnewIsFound(t *testing.T) {
	s := single(t, "")
	c := on(s)
	c.Timeout = time.Second
	j := open(t, c)
	add(t, j, []byte("first"), []byte("second"))
	js := admin(t, s)
	stream, err := js.Stream(t.Context(), "GATE")
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), "GATE"); err != nil {
		t.Fatal(err)
	}
	until(t, "new stream", func() bool { // the server clears the old one away meanwhile
		_, err = js.CreateStream(t.Context(), stream.CachedInfo().Config)
		return err == nil
	})
	if _, err := j.Append(t.Context(), [][]byte{[]byte("third")}); !errors.Is(err, spool.ErrClosed) || !strings.Contains(err.Error(), "made anew") {
		t.Errorf("got %v, want it said that the stream was made anew", err)
	}
	if errs := errorsOf(t, j); len(errs) != 1 || errs[0] == nil {
		t.Errorf("got %v of scan, want an error", errs)
	}
}
