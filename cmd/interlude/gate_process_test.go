package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// startGate starts a real process of `interlude gate`, and returns where it listens.
func startGate(t *testing.T, file string) (process *exec.Cmd, url string) {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "address")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	said := new(bytes.Buffer)
	process = exec.Command("interlude", "gate", "--config", file, "--address-file", pipe)
	process.Stdout, process.Stderr = said, said
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill() // most often it has ended
		_ = process.Wait()
		if t.Failed() {
			t.Logf("the gate said:\n%s", said)
		}
	})
	address, err := os.ReadFile(pipe)
	if err != nil {
		t.Fatal(err)
	}
	return process, "http://" + strings.TrimSpace(string(address))
}

func TestAGateReloadsOnSIGHUPAndEndsOnSIGTERM(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gate.yaml")
	writeFile(t, file, gateTo(productOf(t, "one"), ""))
	process, url := startGate(t, file)
	if _, body := ask(t, http.DefaultClient, url); !strings.HasPrefix(body, "one") {
		t.Fatalf("got %q, want the first product's answer", body)
	}
	writeFile(t, file, gateTo(productOf(t, "two"), ""))
	if err := process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, "answer of the second product", func() bool {
		_, body := ask(t, http.DefaultClient, url)
		return strings.HasPrefix(body, "two")
	})
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err != nil {
		t.Errorf("got %v, want the gate to end with 0", err)
	}
}

func TestAServerRunsAGateOfItsOwn(t *testing.T) {
	dir, address := t.TempDir(), freeAddress(t)
	file := filepath.Join(dir, "gate.yaml")
	config := strings.Replace(gateTo(productOf(t, "one"), "state: state\n"), "{address: 127.0.0.1:0}", "{address: '"+address+"'}", 1)
	writeFile(t, file, config)
	server := newServing(t, filepath.Join(dir, "interlude.db"), 1, "--gate", file)[0]
	known := func() bool {
		gates, err := server.client().Gates(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(gates) == 1 && gates[0].Name == "gate-1" && len(gates[0].State.Flows) == 1
	}
	until(t, "gate that the server knows", known)
	if _, body := ask(t, http.DefaultClient, "http://"+address); !strings.HasPrefix(body, "one") {
		t.Errorf("got %q, want the product's answer", body)
	}
	if err := server.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.process.Wait(); err != nil {
		t.Errorf("got %v, want server and gate to end with 0", err)
	}
	info, err := os.Stat(filepath.Join(dir, "state", "token"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v and %v, want the gate's token in a file for its owner alone", info, err)
	}
	server.start()
	until(t, "gate that the server knows again", known)
	tokens, err := server.client().Tokens(t.Context())
	if err != nil || len(tokens) != 2 {
		t.Errorf("got %d tokens and %v, want the administrator's and one of the gate, also after a second start", len(tokens), err)
	}
}
