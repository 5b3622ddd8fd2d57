package compat

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// gate is a running gate that follows a server, with a maintenance under way that lets its flows be interrupted.
type gate struct {
	*server
	plain, secure string // where it listens: HTTP/1.1 and HTTP/2 in clear, and both over TLS
}

// gateConfiguration wants the server, the folder of the certificate, and the product.
//
// What may be stored is, as on a site that answers from the store while it is interrupted. The flow app is never interrupted here:
// with find the gate would do that by itself, when a product of the tests answers 503.
const gateConfiguration = `name: gate-1
server: {url: '%s', token: $GATE_TOKEN}
state: state
listen:
  - {address: 127.0.0.1:0, h2c: true}
  - {address: localhost:0, tls: {cert: cert.pem, key: key.pem}}
admin: off
find: off
upstreams: {app: {to: ['%s']}}
flows:
  - {name: closed, match: {path: /closed}, upstream: app, interrupted: reject}
  - {name: kept, match: {path: /kept/test}, upstream: app, interrupted: [stale, reject]}
  - {name: app, upstream: app, interrupted: [stale, reject]}
`

// startGate runs a server, and a gate in front of a product, until the test ends.
func startGate(t *testing.T, product string) *gate {
	t.Helper()
	g, folder := &gate{server: start(t)}, t.TempDir()
	file := func(name string) string { return filepath.Join(folder, name) }
	begin, end := tomorrow()
	writeCertificate(t, file("cert.pem"), file("key.pem"))
	for name, text := range map[string]string{
		"gate.yaml": fmt.Sprintf(gateConfiguration, g.address, product),
		"works.yaml": fmt.Sprintf("key: works\ntitle: Works\nwindow: {start: %s, end: %s}\naffects: [Web Application]\nbegin: manual\n"+
			"promises:\n  - {audience: Everybody, flow: closed, promise: unavailable, at_most: 1h}\n"+
			"  - {audience: Readers, flow: kept, promise: unavailable, at_most: 1h}\n",
			begin.Format(time.RFC3339), end.Format(time.RFC3339)),
	} {
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g.interlude("maintenance", "create", "-f", file("works.yaml"))
	g.interlude("maintenance", "begin", "works")
	ctx, kill := context.WithCancel(context.WithoutCancel(t.Context()))
	process := exec.CommandContext(ctx, build(t), "gate", "--config", file("gate.yaml"), "--address-file", file("addresses"))
	process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) }
	process.WaitDelay = 15 * time.Second
	process.Env = append(os.Environ(), "GATE_TOKEN="+strings.TrimSpace(g.interlude("token", "create", "gate-1", "--scope", "gate")))
	var log bytes.Buffer
	process.Stdout, process.Stderr = &log, &log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kill()
		_ = process.Wait() // it was told to stop
		if t.Failed() {
			t.Log(log.String())
		}
	})
	addresses := strings.Fields(await(t, file("addresses")))
	if len(addresses) != 2 {
		t.Fatalf("the gate listens at %q, want two addresses", addresses)
	}
	g.plain, g.secure = addresses[0], addresses[1]
	return g
}

// interlude runs a command line of the program against the server, and returns what it printed.
func (s *server) interlude(line ...string) string {
	s.Helper()
	return run(s.T, nil, build(s.T), append([]string{"--server", s.address, "--token", s.token}, line...)...)
}

// interrupt interrupts a flow, and returns when no request of it reaches the product any more.
func (g *gate) interrupt(flow string) {
	g.Helper()
	g.interlude("interrupt", "works", "--flow", flow, "--at-most", "1h", "--wait", "20s")
}

// writeCertificate writes the certificate for 127.0.0.1 that net/http brings for tests, and its key.
func writeCertificate(t *testing.T, certFile, keyFile string) {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	pair := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		keyFile:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
