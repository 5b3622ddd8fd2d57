package main

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// answerEverything is a name server that places every name on this machine, asked over TCP. It ends with the test.
func answerEverything(t *testing.T) string {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	go func() {
		for {
			c, err := socket.Accept()
			if err != nil {
				return // the test has ended
			}
			if err := answerName(c); err != nil {
				t.Logf("the name server was asked in vain: %v", err)
			}
			c.Close()
		}
	}()
	return socket.Addr().String()
}

// answerName answers one question (RFC 1035, 4.2.2).
func answerName(c net.Conn) error {
	length := make([]byte, 2)
	if _, err := io.ReadFull(c, length); err != nil {
		return err
	}
	packet := make([]byte, binary.BigEndian.Uint16(length))
	if _, err := io.ReadFull(c, packet); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(packet); err != nil {
		return err
	}
	m.Response, m.Additionals = true, nil
	for _, q := range m.Questions {
		if q.Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
			})
		}
	}
	text, err := m.Pack()
	if err != nil {
		return err
	}
	_, err = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...))
	return err
}

// authority starts Pebble, an ACME server that proves names as the real ones do, and returns its address.
func authority(t *testing.T, dir, tlsPort string) string {
	t.Helper()
	program := filepath.Join(dir, "pebble")
	build := exec.CommandContext(t.Context(), "go", "build", "-modfile=../../tools/go.mod", "-o", program, "github.com/letsencrypt/pebble/v2/cmd/pebble")
	if out, err := build.CombinedOutput(); err != nil {
		if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
			t.Fatalf("Pebble is not built: %v\n%s", err, out)
		}
		t.Skip("Pebble is not built: ", err)
	}
	writePair(t, dir, "pebble", "localhost")
	address := freeAddress(t)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": address, "managementListenAddress": freeAddress(t), "certificate": filepath.Join(dir, "pebble.pem"),
		"privateKey": filepath.Join(dir, "pebble.key"), "httpPort": 1, "tlsPort": json.Number(tlsPort),
		"profiles": map[string]any{"default": map[string]any{"description": "short", "validityPeriod": 86400}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "pebble.json"), string(config))
	said := &lockedBuffer{}
	pebble := exec.Command(program, "-config", filepath.Join(dir, "pebble.json"), "-dnsserver", answerEverything(t))
	pebble.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	pebble.Stdout, pebble.Stderr = said, said
	pebble.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := pebble.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = pebble.Process.Kill()
		_ = pebble.Wait()
		if t.Failed() {
			t.Logf("the authority said:\n%s", said)
		}
	})
	until(t, "authority", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return "https://" + address + "/dir"
}

func TestACertificateComesFromAnAuthority(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds and runs an authority")
	}
	dir, address := t.TempDir(), freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	directory := authority(t, dir, port)
	g := runGate(t, strings.Replace(gateTo(productOf(t, "one"), "state: "+dir+"/state\n"), "{address: 127.0.0.1:0}",
		fmt.Sprintf("{address: '%s', tls: {acme: {hosts: [app.example.com], directory: '%s', ca: %s/pebble.pem}}}", address, directory, dir), 1))
	if got := shownAt(t, g.addresses[0], "app.example.com"); !strings.Contains(got.Issuer.CommonName, "Pebble") || got.DNSNames[0] != "app.example.com" {
		t.Errorf("got a certificate of %s for %v, want the authority's", got.Issuer, got.DNSNames)
	}
	if _, err := tls.Dial("tcp", g.addresses[0], &tls.Config{ServerName: "other.example.com", InsecureSkipVerify: true}); err == nil {
		t.Error("got a certificate for a name that is not ours, want none asked for")
	}
	info, err := os.Stat(filepath.Join(dir, "state", "acme"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v and %v, want the certificates kept for their owner alone", info, err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{ServerName: "app.example.com", InsecureSkipVerify: true}}}
	if _, body := ask(t, client, "https://"+g.addresses[0]); !strings.HasPrefix(body, "one") {
		t.Errorf("got %q, want the product's answer", body)
	}
	client.CloseIdleConnections()
}
