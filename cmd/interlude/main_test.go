package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"example.org/interlude/examples"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"interlude": main})
}

// TestSessions runs the sessions in testdata: each is a shell that somebody sits at, with the example documents in
// the folder examples.
//
// A session that needs a server starts it with
//
//	exec interlude serve --listen 127.0.0.1:0 --store test.db --address-file address --token-file token &server&
//	await address token
//
// address is a named pipe, so that await blocks until the server listens; it then sets INTERLUDE_SERVER,
// INTERLUDE_TOKEN, and ADDRESS to the host and port.
func TestSessions(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			if err := os.CopyFS(filepath.Join(e.WorkDir, "examples"), examples.FS); err != nil {
				return err
			}
			return syscall.Mkfifo(filepath.Join(e.WorkDir, "address"), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"await": await, "given": given, "state": tellsState, "outcomes": tellsOutcomes},
	})
}

// await waits until the server listens, and tells the following commands where, with which token.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await ADDRESS-PIPE TOKEN-FILE")
	}
	address := strings.TrimSpace(ts.ReadFile(args[0]))
	ts.Setenv("ADDRESS", address)
	ts.Setenv("INTERLUDE_SERVER", "http://"+address)
	ts.Setenv("INTERLUDE_TOKEN", strings.TrimSpace(ts.ReadFile(args[1])))
}

// given sets INTERLUDE_TOKEN to what a file holds.
func given(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: given FILE")
	}
	ts.Setenv("INTERLUDE_TOKEN", strings.TrimSpace(ts.ReadFile(args[0])))
}
