package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	naming "github.com/prometheus/common/model"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
)

// stage is a server with a maintenance under way, and a gate in front of a product that follows it: both are real processes.
type stage struct {
	*testing.T
	server *serving
	gate   *exec.Cmd
	said   *lockedBuffer // by the gate
	url    string        // where clients come
	admin  string        // where operators look
}

// upgrade is the key of the stage's maintenance.
const upgrade = "upgrade"

// newStage starts both. The configuration of the gate lacks its listener and its server; the maintenance promises something
// about the flows that are named, and their windows are open when newStage returns.
func newStage(t *testing.T, configuration string, promises ...status.Promise) *stage {
	t.Helper()
	if testing.Short() {
		t.Skip("real processes over real seconds")
	}
	s := &stage{T: t, said: &lockedBuffer{}}
	s.server = newServing(t, filepath.Join(t.TempDir(), "interlude.db"), 1)[0]
	s.server.more = []string{"--listen", strings.TrimPrefix(s.server.address, "http://")} // also after a restart
	now := time.Now().UTC()
	documents := []status.Document{
		{Page: &status.PageDocument{Page: status.PageFields{Name: "Northwind"}, Components: []status.ComponentNode{{Name: "App"}}}},
		{Maintenance: &status.MaintenanceDocument{
			Key: upgrade, Title: "Database upgrade", Affects: []string{"App"}, Begin: status.Manual, Promises: promises,
			Window: status.Window{Start: now.Add(time.Minute), End: now.Add(time.Hour)},
		}},
	}
	if _, err := s.server.client().Apply(t.Context(), api.ApplyRequest{Documents: documents}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.server.client().BeginMaintenance(t.Context(), upgrade, api.Act{}); err != nil {
		t.Fatal(err)
	}
	token, err := s.server.client().CreateToken(t.Context(), api.TokenRequest{Name: "gate-1", Scope: string(access.Gate)})
	if err != nil {
		t.Fatal(err)
	}
	s.open(configuration, token.Secret)
	for _, p := range promises {
		s.eventually("window of "+p.Flow, func() bool {
			return strings.Contains(s.said.String(), `msg="window open" flow=`+p.Flow)
		})
	}
	return s
}

// open starts the gate.
func (s *stage) open(configuration, token string) {
	s.Helper()
	folder := s.TempDir()
	file, noted := filepath.Join(folder, "gate.yaml"), filepath.Join(folder, "addresses")
	writeFile(s.T, file, fmt.Sprintf("name: gate-1\nserver: {url: '%s', token: $GATE_TOKEN}\nlisten: {address: 127.0.0.1:0}\nadmin: 127.0.0.1:0\n%s",
		s.server.address, configuration))
	s.gate = exec.Command("interlude", "gate", "--config", file, "--address-file", noted, "--profiles")
	s.gate.Env = append(os.Environ(), "GATE_TOKEN="+token)
	s.gate.Stdout, s.gate.Stderr = s.said, s.said
	s.gate.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.gate.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		s.close()
		if s.Failed() {
			s.Logf("the gate said:\n%s", shortened(s.said.String()))
		}
	})
	s.eventually("listener of the gate", func() bool {
		text, _ := os.ReadFile(noted)
		s.url = "http://" + strings.TrimSpace(string(text))
		return strings.HasSuffix(string(text), "\n")
	})
	named := regexp.MustCompile(`msg="operators may look" url=(http://[^/]+)/health\n`)
	s.eventually("address for operators", func() bool {
		found := named.FindStringSubmatch(s.said.String())
		if found != nil {
			s.admin = found[1]
		}
		return found != nil
	})
}

// close stops the gate as an operator does, and wants it to end well. Closing twice does nothing.
func (s *stage) close() {
	if s.gate.ProcessState != nil {
		return
	}
	_ = s.gate.Process.Signal(syscall.SIGTERM)
	if err := s.gate.Wait(); err != nil {
		s.Errorf("got %v from the gate, want it to stop without complaint", err)
	}
}

// shortened is the beginning and the end of a long text.
func shortened(text string) string {
	const half = 6000
	if len(text) <= 2*half {
		return text
	}
	return text[:half] + "\n[…]\n" + text[len(text)-half:]
}

// eventually waits for a condition.
func (s *stage) eventually(what string, is func() bool) {
	s.Helper()
	ctx, stop := context.WithTimeout(s.Context(), time.Minute)
	defer stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.Fatalf("got no %s, want it within a minute", what)
		}
	}
}

// interlude runs a command line against the server, and gives what it prints.
func (s *stage) interlude(line ...string) string {
	s.Helper()
	out, errs := &lockedBuffer{}, &lockedBuffer{}
	args := append([]string{"--server", s.server.address, "--token", s.server.token}, line...)
	code := run(s.Context(), args, strings.NewReader(""), out, errs, func(string) string { return "" })
	if code != exitDone {
		s.Fatalf("interlude %s: got exit code %d, want %d: %s", strings.Join(line, " "), code, exitDone, errs)
	}
	return strings.TrimSpace(out.String())
}

// figure is the sum of one of the gate's metrics over all that have these labels, which are names and values in turn.
func (s *stage) figure(name string, labels ...string) float64 {
	s.Helper()
	_, text := ask(s.T, http.DefaultClient, s.admin+"/metrics")
	parser := expfmt.NewTextParser(naming.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil || families[name] == nil {
		s.Fatalf("got error %v and no figure %s, want it", err, name)
	}
	sum := 0.0
next:
	for _, m := range families[name].GetMetric() {
		has := map[string]string{}
		for _, l := range m.GetLabel() {
			has[l.GetName()] = l.GetValue()
		}
		for i := 0; i < len(labels); i += 2 {
			if has[labels[i]] != labels[i+1] {
				continue next
			}
		}
		sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	return sum
}

// requests is how many of a flow's requests had an outcome.
func (s *stage) requests(flow, outcome string) float64 {
	s.Helper()
	return s.figure("interlude_gate_requests_total", "flow", flow, "outcome", outcome)
}

// awaitState waits until a flow is in a state.
func (s *stage) awaitState(flow, state string) {
	s.Helper()
	s.eventually(flow+" that is "+state, func() bool {
		return s.figure("interlude_gate_flow_state", "flow", flow, "state", state) == 1
	})
}
