package store_test

import (
	"context"
	"fmt"
	"os"
	osexec "os/exec"
	"strings"
	"testing"

	"example.org/interlude/status"
	"example.org/interlude/store"
)

// TestMain lets the tests start themselves as other processes that work on a database.
func TestMain(m *testing.M) {
	if name := os.Getenv("INTERLUDE_TEST_WRITER"); name != "" {
		if err := writeTwenty(context.Background(), name); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeTwenty opens a database and makes twenty changes, each of which reads the one before.
func writeTwenty(ctx context.Context, name string) error {
	s, err := store.Open(ctx, name)
	if err != nil {
		return err
	}
	for range 20 {
		err := s.Change(ctx, noon, nil, func(b *status.Book) error {
			p := b.Page
			p.ID = "p"
			p.Description += "x"
			b.PutPage(p)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return s.Close()
}

func TestSeveralProcessesShareADatabaseFromItsFirstMoment(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		program, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		type writer struct {
			*osexec.Cmd
			said strings.Builder
		}
		writers := make([]writer, 4)
		for i := range writers {
			w := &writers[i]
			w.Cmd = osexec.CommandContext(t.Context(), program)
			w.Env = append(os.Environ(), "INTERLUDE_TEST_WRITER="+name)
			w.Stdout, w.Stderr = &w.said, &w.said
			if err := w.Start(); err != nil {
				t.Fatal(err)
			}
		}
		for i := range writers {
			if err := writers[i].Wait(); err != nil {
				t.Errorf("%v: %s", err, writers[i].said.String())
			}
		}
		d := since(t, open(t, name), 0)
		if want := 20 * len(writers); d.Seq != int64(want) || len(d.Page.Description) != want {
			t.Errorf("got the feed at %d, want %d", d.Seq, want)
		}
	})
}
