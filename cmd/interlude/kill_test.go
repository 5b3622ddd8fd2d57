package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
)

// serving is a real process of `interlude serve`.
type serving struct {
	t       testing.TB
	store   string
	more    []string // flags of serve
	token   string
	process *exec.Cmd
	log     *bytes.Buffer
	address string
}

// start starts the process and returns when it listens. The address file is a named pipe, which opens only then.
func (s *serving) start() {
	s.t.Helper()
	pipe := filepath.Join(s.t.TempDir(), "address")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.log = new(bytes.Buffer)
	s.process = exec.Command("interlude", "serve", "--listen", "127.0.0.1:0", "--store", s.store, "--address-file", pipe)
	s.process.Args = append(s.process.Args, s.more...)
	s.process.Env = append(os.Environ(), "INTERLUDE_TOKEN="+s.token)
	s.process.Stdout, s.process.Stderr = s.log, s.log
	s.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	address, err := os.ReadFile(pipe)
	if err != nil {
		s.t.Fatal(err)
	}
	s.address = "http://" + strings.TrimSpace(string(address))
}

// kill ends the process as a power cut would, whatever it is doing.
func (s *serving) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

func (s *serving) client() *api.Client { return &api.Client{Server: s.address, Token: s.token} }

// newServing makes processes that share one store; they are killed when the test ends.
func newServing(t testing.TB, store string, n int, more ...string) []*serving {
	t.Helper()
	_, secret, err := access.New(rand.Reader, "test", access.Administer, time.Now(), "test")
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*serving, n)
	for i := range all {
		all[i] = &serving{t: t, store: store, token: secret, more: more}
		all[i].start()
		t.Cleanup(func() {
			all[i].kill()
			if t.Failed() {
				t.Logf("process %d said:\n%s", i, all[i].log)
			}
		})
	}
	return all
}

// stores are the databases that real processes are tried on.
func stores(t *testing.T, test func(t *testing.T, store string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "interlude.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, postgresSchema(t)) })
}

// postgresSchema makes an empty schema in the database that the environment names.
func postgresSchema(t *testing.T) string {
	t.Helper()
	server := os.Getenv("INTERLUDE_TEST_POSTGRES")
	if server == "" {
		const how = "INTERLUDE_TEST_POSTGRES is not set; scripts/with-postgres sets it"
		if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	schema := "kill_" + strings.ToLower(rand.Text())
	if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// soon describes maintenances that begin and complete by themselves within the next seconds.
func soon(n int) []status.Document {
	documents := []status.Document{{Page: &status.PageDocument{
		Page: status.PageFields{Name: "Northwind"}, Components: []status.ComponentNode{{Name: "App"}},
	}}}
	now := time.Now().UTC()
	for i := range n {
		start := now.Add(time.Second + time.Duration(i)*300*time.Millisecond)
		documents = append(documents, status.Document{Maintenance: &status.MaintenanceDocument{
			Key: fmt.Sprintf("m%d", i), Title: "Work", Affects: []string{"App"}, Complete: status.Automatic,
			Window: status.Window{Start: start, End: start.Add(1500 * time.Millisecond)},
		}})
	}
	return documents
}

// TestKilledAtAnyMomentNothingIsLostOrDoneTwice kills two processes that share a store, again and again, while ten
// maintenances begin and complete by themselves.
func TestKilledAtAnyMomentNothingIsLostOrDoneTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes over real seconds")
	}
	const count = 10
	stores(t, func(t *testing.T, store string) {
		t.Parallel()
		nodes := newServing(t, store, 2)
		documents := soon(count)
		if _, err := nodes[0].client().Apply(t.Context(), api.ApplyRequest{Documents: documents}); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
			<-time.After(time.Duration(random(t, 300)) * time.Millisecond)
			n := nodes[random(t, len(nodes))]
			n.kill()
			n.start()
		}
		client := nodes[0].client()
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		for i := range count {
			key := fmt.Sprintf("m%d", i)
			m := awaitState(ctx, t, client, key, status.Completed)
			var story []string
			for _, u := range m.Updates {
				story = append(story, string(u.Event))
			}
			if got, want := strings.Join(story, ", "), "announced, begun, completed"; got != want {
				t.Errorf("got %s for %s, want %s: each once, in order", got, key, want)
			}
			w := documents[i+1].Maintenance.Window
			if !m.Began.Equal(w.Start.Truncate(time.Microsecond)) || !m.Ended.Equal(w.End.Truncate(time.Microsecond)) {
				t.Errorf("got %s to %s for %s, want the announced %s to %s", m.Began, m.Ended, key, w.Start, w.End)
			}
		}
	})
}

// awaitState asks until the maintenance is in the state.
func awaitState(ctx context.Context, t *testing.T, client *api.Client, ref string, want status.State) api.Maintenance {
	t.Helper()
	for {
		m, err := client.Maintenance(ctx, ref)
		if err == nil && m.State == want {
			return m
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("got %s and error %v for %s, want it %s in time", m.State, err, ref, want)
		}
	}
}

func random(t testing.TB, below int) int {
	t.Helper()
	n, err := rand.Int(rand.Reader, big.NewInt(int64(below)))
	if err != nil {
		t.Fatal(err)
	}
	return int(n.Int64())
}
