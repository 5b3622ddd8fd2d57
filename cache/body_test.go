package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBytesPassUnchangedWhateverBecomesOfTheCopy(t *testing.T) {
	want := strings.Repeat("0123456789", 1000)
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"at once":                func(r io.Reader) io.Reader { return r },
		"byte by byte":           iotest.OneByteReader,
		"half by half":           iotest.HalfReader,
		"the end with the bytes": iotest.DataErrReader,
	} {
		for _, entry := range []int64{100, 1 << 20} {
			for _, announced := range []int64{10_000, -1} {
				s := New(Limits{Entry: entry})
				resp := ok(want)
				resp.ContentLength, resp.ProtoMajor = announced, 2
				resp.Body = io.NopCloser(wrap(strings.NewReader(want)))
				s.Keep(get("/"), resp, noon, noon)
				got, err := io.ReadAll(resp.Body)
				if err != nil || string(got) != want {
					t.Errorf("%s: got %d bytes and %v, want %d", name, len(got), err, len(want))
				}
				if got, want := answers(s, get("/")) == "200 "+want, entry > 100; got != want {
					t.Errorf("%s, at most %d: got stored %t, want %t", name, entry, got, want)
				}
			}
		}
	}
}

func TestABodyThatIsNotReadToItsEndIsNotStored(t *testing.T) {
	broken := errors.New("the connection broke")
	for name, read := range map[string]func(io.ReadCloser) error{
		"closed before the end": func(body io.ReadCloser) error {
			_, err := io.CopyN(io.Discard, body, 5)
			return errors.Join(err, body.Close())
		},
		"read after it was closed": func(body io.ReadCloser) error {
			err := body.Close()
			_, _ = io.Copy(io.Discard, body)
			return err
		},
	} {
		s := New(Limits{})
		resp := ok("hello there")
		s.Keep(get("/"), resp, noon, noon)
		if err := read(resp.Body); err != nil {
			t.Fatal(err)
		}
		if got := answers(s, get("/")); got != "nothing" {
			t.Errorf("%s: got %s, want nothing", name, got)
		}
		if got := s.copies.Load(); got != 0 {
			t.Errorf("%s: got %d bytes of copies in the making, want none", name, got)
		}
	}
	s := New(Limits{})
	resp := ok("hello")
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(broken)))
	s.Keep(get("/"), resp, noon, noon)
	if _, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, broken) {
		t.Errorf("got %v, want what the product's body said", err)
	}
	if got := answers(s, get("/")); got != "nothing" {
		t.Errorf("broken at the end: got %s, want nothing", got)
	}
}

func TestCopiesInTheMakingTakeAQuarterAtMost(t *testing.T) {
	s := New(Limits{Bytes: 40_000, Entry: 6_000})
	var open []io.ReadCloser
	for i := range 3 {
		resp := ok(strings.Repeat("x", 4_000))
		s.Keep(get(fmt.Sprint("/", i)), resp, noon, noon)
		if _, err := io.CopyN(io.Discard, resp.Body, 3_999); err != nil {
			t.Fatal(err)
		}
		open = append(open, resp.Body)
	}
	if got := s.copies.Load(); got != 8_000 {
		t.Errorf("got %d bytes of copies in the making, want 8000 of 10000", got)
	}
	for _, body := range open {
		_, _ = io.Copy(io.Discard, body)
	}
	for i, want := range []bool{true, true, false} {
		if got := answers(s, get(fmt.Sprint("/", i))) != "nothing"; got != want {
			t.Errorf("copy %d: got stored %t, want %t", i, got, want)
		}
	}
}

func TestAFullStoreForgetsWithinItsBytes(t *testing.T) {
	const limit = 1_000_000
	s := New(Limits{Bytes: limit})
	body := bytes.Repeat([]byte("x"), 10_000)
	for i := range 500 {
		pass(t, s, get(fmt.Sprint("/", i)), ok(string(body)))
		pass(t, s, get("/often"), ok(string(body)))
		s.entries.CleanUp()
		if got := s.entries.WeightedSize(); got > limit {
			t.Fatalf("after %d answers: got %d bytes, want at most %d", i, got, limit)
		}
	}
	if got := s.entries.EstimatedSize(); got < 40 || got > 75 {
		t.Errorf("got %d answers of 10 kB in 750 kB, want nearly 75", got)
	}
	if got := answers(s, get("/often")); got == "nothing" {
		t.Error("got nothing, want the answer that is asked for most")
	}
}
