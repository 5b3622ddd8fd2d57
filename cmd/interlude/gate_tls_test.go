package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair writes a certificate for a name and its key, and returns the certificate.
func writePair(t *testing.T, dir, file, name string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made})
	writeFile(t, filepath.Join(dir, file+".pem"), string(cert))
	writeFile(t, filepath.Join(dir, file+".key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	return cert
}

// shownAt is the certificate that somebody gets who asks for a name.
func shownAt(t *testing.T, address, name string) *x509.Certificate {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0]
}

func TestADoorSpeaksTLSWithACertificateForEachName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"app", "api"} {
		writePair(t, dir, name, name+".example.com")
	}
	config := strings.Replace(gateTo(productOf(t, "one"), ""), "{address: 127.0.0.1:0}", fmt.Sprintf(
		"{address: 127.0.0.1:0, tls: [{cert: %[1]s/app.pem, key: %[1]s/app.key}, {cert: %[1]s/api.pem, key: %[1]s/api.key}]}", dir), 1)
	g := runGate(t, config)
	for _, name := range []string{"app.example.com", "api.example.com"} {
		if got := shownAt(t, g.addresses[0], name).Subject.CommonName; got != name {
			t.Errorf("got the certificate of %s, want that of %s", got, name)
		}
	}
	if got := shownAt(t, g.addresses[0], "other.example.com").Subject.CommonName; got != "app.example.com" {
		t.Errorf("got the certificate of %s for a name that has none, want the first", got)
	}
	pool := x509.NewCertPool()
	text, err := os.ReadFile(filepath.Join(dir, "app.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "app.example.com"}}}
	answer, body := ask(t, client, "https://"+g.addresses[0]+"/")
	if answer.ProtoMajor != 2 || body != "one for 127.0.0.1" {
		t.Errorf("got HTTP/%d %q, want the product's answer over HTTP/2", answer.ProtoMajor, body)
	}
	if _, err := tls.Dial("tcp", g.addresses[0], &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("got a connection of TLS 1.1, want it refused")
	}
	client.CloseIdleConnections()
}

func TestACertificateIsRenewedWithoutAReload(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir, "app", "app.example.com")
	g := runGate(t, strings.Replace(gateTo(productOf(t, "one"), ""), "{address: 127.0.0.1:0}",
		fmt.Sprintf("{address: 127.0.0.1:0, tls: {cert: %[1]s/app.pem, key: %[1]s/app.key}}", dir), 1))
	certs := g.doors["127.0.0.1:0"].certs
	first := shownAt(t, g.addresses[0], "app.example.com")
	writeFile(t, filepath.Join(dir, "app.pem"), "half of a certif")
	certs.renew()
	if got := shownAt(t, g.addresses[0], "app.example.com"); !got.Equal(first) {
		t.Error("got another certificate although the new one does not fit, want the one before")
	}
	writePair(t, dir, "app", "app.example.com")
	certs.renew()
	if got := shownAt(t, g.addresses[0], "app.example.com"); got.Equal(first) {
		t.Error("got the certificate of the beginning, want the one that was written since")
	}
}

func TestCurlIsServedOverEachProtocol(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl here")
	}
	dir := t.TempDir()
	writePair(t, dir, "app", "localhost")
	config := strings.Replace(gateTo(productOf(t, "one"), ""), "{address: 127.0.0.1:0}", fmt.Sprintf(
		"[{address: 127.0.0.1:0, tls: {cert: %[1]s/app.pem, key: %[1]s/app.key}}, {address: '127.0.0.2:0', h2c: true}]", dir), 1)
	g := runGate(t, config)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"HTTP/2 over TLS":   {[]string{"--http2", "-k", "https://" + g.addresses[0] + "/"}, "2 200"},
		"HTTP/1.1 over TLS": {[]string{"--http1.1", "-k", "https://" + g.addresses[0] + "/"}, "1.1 200"},
		"HTTP/2 in clear":   {[]string{"--http2-prior-knowledge", "http://" + g.addresses[1] + "/"}, "2 200"},
		"an upload":         {[]string{"-k", "-T", filepath.Join(dir, "app.pem"), "https://" + g.addresses[0] + "/"}, "2 200"},
	} {
		out, err := exec.CommandContext(t.Context(), curl, append([]string{"-sS", "-o", os.DevNull, "-w", "%{http_version} %{http_code}"}, c.args...)...).CombinedOutput()
		if err != nil || string(out) != c.want {
			t.Errorf("%s: got %q and %v, want %q", name, out, err, c.want)
		}
	}
}

func TestAPROXYHeaderIsTakenFromThoseWhoAreListed(t *testing.T) {
	g := runGate(t, strings.Replace(gateTo(productOf(t, "one"), "limits: {header_timeout: 200ms}\n"), "{address: 127.0.0.1:0}",
		"{address: 127.0.0.1:0, proxy_protocol: [127.0.0.8/30]}", 1))
	const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	v2 := "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc6\x33\x64\x07\x7f\x00\x00\x01\x30\x39\x01\xbb"
	for name, c := range map[string]struct {
		from, sent, want string
	}{
		"version 1":                        {"127.0.0.9", "PROXY TCP4 198.51.100.7 127.0.0.1 12345 443\r\n" + request, "one for 198.51.100.7"},
		"version 2":                        {"127.0.0.9", v2 + request, "one for 198.51.100.7"},
		"version 1 over IPv6":              {"127.0.0.9", "PROXY TCP6 2001:db8::7 ::1 12345 443\r\n" + request, "one for 2001:db8::7"},
		"the proxy's own check":            {"127.0.0.9", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00" + request, "one for 127.0.0.9"},
		"none, from one that is listed":    {"127.0.0.9", request, ""},
		"none, from one that is not":       {"127.0.0.1", request, "one for 127.0.0.1"},
		"one, from one that is not listed": {"127.0.0.1", "PROXY TCP4 198.51.100.7 127.0.0.1 12345 443\r\n" + request, "400 Bad Request"},
		"binary, from one not listed":      {"127.0.0.1", v2 + request, "400 Bad Request"},
		"words for addresses":              {"127.0.0.9", "PROXY TCP4 me you 1 2\r\n" + request, ""},
		"a line without end":               {"127.0.0.9", "PROXY TCP4 " + strings.Repeat("1", 4096), ""},
		"a header that breaks off":         {"127.0.0.9", v2[:20], ""},
		"a length of much more":            {"127.0.0.9", v2[:14] + "\xff\xff" + v2[16:], ""},
		"silence":                          {"127.0.0.9", "", ""},
	} {
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.from)}}
		conn, err := from.Dial("tcp", g.addresses[0])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, c.sent) // it may be closed already
		said, _ := io.ReadAll(bufio.NewReader(conn))
		conn.Close()
		if c.want == "" && len(said) > 0 && !strings.HasPrefix(string(said), "HTTP/1.1 400") || !strings.Contains(string(said), c.want) {
			t.Errorf("%s: got %q, want %q", name, said, c.want)
		}
	}
}
