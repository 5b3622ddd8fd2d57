// Package compat drives clients that others wrote against a running server: what speaks to Statuspage must speak to us.
//
// Begin with start, which runs the program itself as its users do, and with [server.v1], which speaks the management
// API. The clients come from their own package managers, at versions that package.json pins and that Debian has: the npm
// client and widget of Statuspage, and readers of feeds and calendars. They are told nothing but another address.
//
// The tests need Node.js and node_modules, Chromium in INTERLUDE_TEST_CHROMIUM, and Debian's newsboat, sfeed, khal,
// python3-feedparser and python3-icalendar, which scripts/setup installs. Without them they are skipped or, where
// INTERLUDE_TEST_STRICT is 1, fail. They promise nothing about clients that are not named here.
package compat

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take that a test waits for.
const patience = 30 * time.Second

// missing skips a test for want of something, or fails it where nothing may be skipped.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// program finds a program of the machine.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name+" is not installed: scripts/setup installs it")
	}
	return path
}

// run runs a program and returns what it printed.
func run(t *testing.T, input io.Reader, name string, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	command := exec.CommandContext(ctx, name, args...)
	var out, faults bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = input, &out, &faults
	if err := command.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, faults.String())
	}
	return out.String()
}

// built is the program, compiled once for all tests.
var built struct {
	once sync.Once
	path string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.path != "" {
		_ = os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}

func build(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		folder, err := os.MkdirTemp("", "interlude-compat-") //nolint:usetesting // it outlives the test that makes it
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(folder, "interlude")
		out, err := exec.CommandContext(context.Background(), "go", "build", "-o", built.path, "../cmd/interlude").CombinedOutput()
		if err != nil {
			built.err = err
			t.Log(string(out))
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// server is a running program with a page on it.
type server struct {
	*testing.T
	address, token string
	page           string            // its id
	ids            map[string]string // of components and groups, by name
}

// object is a JSON object.
type object = map[string]any

const pageDocument = `page: {name: Northwind, time_zone: UTC}
components:
  - group: Message delivery
    components: [Email, Mobile Push]
  - Web Application
  - APIs
`

// start runs the program on an empty database until the test ends, and applies a page.
func start(t *testing.T) *server {
	t.Helper()
	path, folder := build(t), t.TempDir()
	file := func(name string) string { return filepath.Join(folder, name) }
	ctx, kill := context.WithCancel(context.WithoutCancel(t.Context()))
	serve := exec.CommandContext(ctx, path, "serve", "--listen", "127.0.0.1:0", "--store", file("i.db"),
		"--address-file", file("address"), "--token-file", file("token"), "--log-level", "warn")
	serve.Cancel = func() error { return serve.Process.Signal(syscall.SIGTERM) }
	serve.WaitDelay = 15 * time.Second
	var log bytes.Buffer
	serve.Stderr = &log
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kill()
		_ = serve.Wait() // it was told to stop
		if t.Failed() && log.Len() > 0 {
			t.Log(log.String())
		}
	})
	s := &server{T: t, ids: map[string]string{}}
	s.address = "http://" + await(t, file("address"))
	s.token = await(t, file("token"))
	if err := os.WriteFile(file("page.yaml"), []byte(pageDocument), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, nil, path, "--server", s.address, "--token", s.token, "apply", "-f", file("page.yaml"))
	pages := s.list("/v1/pages")
	s.page, _ = pages[0]["id"].(string)
	for _, c := range s.list("/v1/pages/" + s.page + "/components") {
		name, _ := c["name"].(string)
		s.ids[name], _ = c["id"].(string)
	}
	return s
}

// await waits for a file with a line in it.
func await(t *testing.T, name string) string {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		if text, err := os.ReadFile(name); err == nil && bytes.HasSuffix(text, []byte("\n")) {
			return strings.TrimSpace(string(text))
		}
	}
	t.Fatalf("the server did not write %s", name)
	return ""
}

// ask sends a request and returns the status and the body.
func (s *server) ask(method, path, contentType, body string) (int, []byte) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.address+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "OAuth "+s.token)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatal(err)
	}
	return answer.StatusCode, text
}

// v1 speaks the management API below the page, wants a status and returns the object of the answer.
func (s *server) v1(want int, method, path string, body object) object {
	s.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.Fatal(err)
	}
	code, answer := s.ask(method, "/v1/pages/"+s.page+path, "application/json", string(text))
	var read object
	if err := json.Unmarshal(answer, &read); err != nil || code != want {
		s.Fatalf("%s %s: got %d %s, want %d", method, path, code, answer, want)
	}
	return read
}

func (s *server) list(path string) []object {
	s.Helper()
	code, answer := s.ask(http.MethodGet, path, "", "")
	var read []object
	if err := json.Unmarshal(answer, &read); err != nil || code != http.StatusOK || len(read) == 0 {
		s.Fatalf("GET %s: got %d %s, want a list", path, code, answer)
	}
	return read
}

// text reads what everybody may read.
func (s *server) text(path string) string {
	s.Helper()
	code, answer := s.ask(http.MethodGet, path, "", "")
	if code != http.StatusOK {
		s.Fatalf("GET %s: got %d %s", path, code, answer)
	}
	return string(answer)
}
