package mail

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
)

// keys are a domain's keys, made once because finding primes takes its time.
var keys = sync.OnceValue(func() (pair struct{ rsa, short, ed25519, ecdsa any }) {
	pair.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	pair.short, _ = rsa.GenerateKey(rand.Reader, 1024)
	_, pair.ed25519, _ = ed25519.GenerateKey(rand.Reader)
	pair.ecdsa, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return pair
})

// inPEM writes a key as PKCS #8.
func inPEM(tb testing.TB, key any) []byte {
	tb.Helper()
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

func signer(tb testing.TB, selector string, key []byte) Signer {
	tb.Helper()
	s, err := ParseSigner("Northwind.example", selector, key)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// pair is what a domain has, as a rule.
func pair(tb testing.TB) Signers {
	tb.Helper()
	return Signers{signer(tb, "r2026", inPEM(tb, keys().rsa)), signer(tb, "e2026", inPEM(tb, keys().ed25519))}
}

// records are what the domain's DNS says.
func records(signers Signers) map[string]string {
	found := make(map[string]string)
	for _, s := range signers {
		name, text := s.Record()
		found[name] = text
	}
	return found
}

// verify tells for each signature what a recipient finds.
func verify(tb testing.TB, message []byte, signers Signers) (verdicts []string) {
	tb.Helper()
	all := records(signers)
	found, err := dkim.VerifyWithOptions(bytes.NewReader(message), &dkim.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) { return []string{all[name]}, nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	for _, v := range found {
		verdicts = append(verdicts, fmt.Sprint(v.Domain, " ", v.Err))
	}
	return verdicts
}

func TestARecipientVerifiesBothSignatures(t *testing.T) {
	message := write(t, notice(), subscriber...)
	got, err := pair(t).Append([]byte("before"), message)
	if err != nil {
		t.Fatal(err)
	}
	got, begins := bytes.CutPrefix(got, []byte("before"))
	if !begins || !bytes.HasSuffix(got, message) || !lined(got) {
		t.Errorf("got %q, want the message as it was, behind its signatures", got)
	}
	valid := []string{"northwind.example <nil>", "northwind.example <nil>"}
	if verdicts := verify(t, got, pair(t)); !slices.Equal(verdicts, valid) {
		t.Errorf("got %v, want %v", verdicts, valid)
	}
	spaced := bytes.Replace(bytes.Replace(got, []byte("an der"), []byte("an  der"), 1), []byte("\r\nTo: "), []byte("\r\nTo:   "), 1)
	if verdicts := verify(t, spaced, pair(t)); !slices.Equal(verdicts, valid) {
		t.Errorf("got %v, want %v where only white space changed", verdicts, valid)
	}
	for was, is := range map[string]string{
		"Wartung":              "Warning",
		"\r\nTo: ops":          "\r\nTo: oops",
		"\r\nFrom: ":           "\r\nFrom: Somebody <else@example.org>\r\nFrom: ",
		"\r\nTo: ":             "\r\nFrom: Somebody <else@example.org>\r\nTo: ",
		"\r\nList-Unsubscribe": "\r\nX-List-Unsubscribe",
		"\r\nMIME-Version":     "\r\nReply-To: else@example.org\r\nMIME-Version",
	} {
		forged := bytes.Replace(got, []byte(was), []byte(is), 1)
		if bytes.Equal(forged, got) {
			t.Fatalf("the message has no %q to replace", was)
		}
		for _, verdict := range verify(t, forged, pair(t)) {
			if strings.HasSuffix(verdict, "<nil>") {
				t.Errorf("got a valid signature, want none with %q for %q", is, was)
			}
		}
	}
}

// TestAnotherVerifierAgrees asks dkimpy, which many mail servers use. It is skipped without it or, where
// INTERLUDE_TEST_STRICT is 1, fails.
func TestAnotherVerifierAgrees(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.CommandContext(t.Context(), python, "-c", "import dkim, nacl").Run(); err != nil {
		const missing = "python3-dkim and python3-nacl are not installed: run scripts/setup"
		if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	signed, err := pair(t).Append(nil, write(t, notice(), subscriber...))
	if err != nil {
		t.Fatal(err)
	}
	dns, err := json.Marshal(records(pair(t)))
	if err != nil {
		t.Fatal(err)
	}
	const script = `
import dkim, json, sys
dns = json.loads(sys.argv[1])
message = dkim.DKIM(sys.stdin.buffer.read())
for i in range(2):
    print(message.verify(idx=i, dnsfunc=lambda name, timeout=5: dns[name.decode().rstrip(".")].encode()))`
	c := exec.CommandContext(t.Context(), python, "-c", script, string(dns))
	c.Stdin, c.Stderr = bytes.NewReader(signed), t.Output()
	if got, err := c.Output(); err != nil || string(got) != "True\nTrue\n" {
		t.Errorf("got %q, %v, want True for both signatures", got, err)
	}
}

func TestAKeyIsReadInEachForm(t *testing.T) {
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(keys().rsa.(*rsa.PrivateKey))})
	s := signer(t, "S1.Mail", pkcs1)
	name, text := s.Record()
	if want := "s1.mail._domainkey.northwind.example"; name != want || fmt.Sprintf("%v %+v", s, s) != want+" "+want {
		t.Errorf("got %s and %v, want %s", name, s, want)
	}
	if _, same := signer(t, "s1", inPEM(t, keys().rsa)).Record(); text != same || !strings.HasPrefix(text, "v=DKIM1; k=rsa; p=MII") {
		t.Errorf("got %s, want %s", text, same)
	}
}

func TestAKeyThatRecipientsWouldNotTakeIsRefused(t *testing.T) {
	public, err := x509.MarshalPKIXPublicKey(keys().rsa.(*rsa.PrivateKey).Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		domain, selector string
		key              []byte
		want             string
	}{
		{"example.com", "s1", inPEM(t, keys().short), "it has 1024 bits"},
		{"example.com", "s1", inPEM(t, keys().ecdsa), "of RSA or Ed25519"},
		{"example.com", "s1", []byte("MIIE"), "must be a private key in PEM"},
		{"example.com", "s1", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}), "must be a private key in PEM"},
		{"example.com", "s1", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), "not a public key"},
		{"example.com", "s1", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{1}}), "has a passphrase"},
		{"localhost", "s1", inPEM(t, keys().ed25519), "must be whole"},
		{"example.com", "", inPEM(t, keys().ed25519), "selector of a DKIM key must be a name"},
		{"example.com", "s1; p=", inPEM(t, keys().ed25519), "selector of a DKIM key must be a name"},
	} {
		if _, err := ParseSigner(c.domain, c.selector, c.key); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error that says %s", err, c.want)
		}
	}
}

func BenchmarkSigners(b *testing.B) {
	message := write(b, notice(), subscriber...)
	for name, signers := range map[string]Signers{"rsa": pair(b)[:1], "ed25519": pair(b)[1:]} {
		b.Run(name, func(b *testing.B) {
			var signed []byte
			var err error
			for b.Loop() {
				if signed, err = signers.Append(signed[:0], message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
