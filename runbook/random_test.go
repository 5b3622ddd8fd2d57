package runbook

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestKilledAtAnyMomentDatabaseAndJournalAgree kills the runner at moments that have nothing to do with its journal, also in the middle
// of a step, under load, later and later, until it comes to its end.
func TestKilledAtAnyMomentDatabaseAndJournalAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("it restarts PostgreSQL many times")
	}
	b := newBed(t)
	b.tables()
	admin, app := b.bouncer(6432, "")
	t.Setenv("ADMIN", admin)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const rounds = 8
	killed := 0
	for round := range rounds {
		b.sql("TRUNCATE done, rows")
		file := bookFile(t, b.restartBehindAPause("$ADMIN"))
		for most := 500 * time.Millisecond; ; most += 500 * time.Millisecond {
			c := exec.CommandContext(t.Context(), self, file)
			c.Env = append(os.Environ(), childEnv+"=runner")
			var said bytes.Buffer
			c.Stderr = &said
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			kill := time.AfterFunc(rand.N(most), func() { _ = c.Process.Kill() })
			err := c.Wait()
			kill.Stop()
			if err == nil {
				break
			}
			if c.ProcessState.ExitCode() != -1 {
				t.Fatalf("round %d: got exit code %d, want 0 or killed: %s", round, c.ProcessState.ExitCode(), said.String())
			}
			killed++
		}
		if got := b.sql("SELECT string_agg(what, ', ') FROM done"); got != "in the pause, after it" {
			t.Fatalf("round %d: got %s, want each once", round, got)
		}
		if _, err := ask(t.Context(), app, "INSERT INTO rows VALUES (1, 1)"); err != nil {
			t.Fatalf("round %d: got %v at the end, want the pooler resumed", round, err)
		}
	}
	t.Logf("killed %d times in %d rounds", killed, rounds)
}
