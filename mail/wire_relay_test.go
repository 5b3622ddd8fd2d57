package mail

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// office is a server that others wrote, and what reached it.
type office struct {
	mu       sync.Mutex
	messages []string // each with its envelope
	user     string
	password string // that it heard
	refused  error  // what it answers to AUTH
}

// visit is one connection to it.
type visit struct {
	*office
	from, to string
}

func (v *visit) Reset()        { v.from, v.to = "", "" }
func (v *visit) Logout() error { return nil }

func (v *visit) Mail(from string, _ *smtp.MailOptions) error {
	v.from = from
	return nil
}

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody@") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	v.to = to
	return nil
}

func (v *visit) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.messages = append(v.messages, v.from+" to "+v.to+": "+string(text))
	return err
}

func (v *visit) AuthMechanisms() []string { return []string{sasl.Plain} }

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.user, v.password = user, password
		return v.refused
	}), nil
}

// opens serves on an address of this machine until the test ends, under TLS from the first byte or when asked.
func (o *office) opens(t *testing.T, config *tls.Config, implicit, bare bool) string {
	t.Helper()
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &visit{office: o}, nil }))
	server.TLSConfig, server.Domain, server.AllowInsecureAuth = config, "relay.example", bare
	server.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if implicit {
		listener = tls.NewListener(listener, config)
	}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(listener) })
	t.Cleanup(func() {
		server.Close()
		serving.Wait()
	})
	return address
}

// certificate makes one for this machine, and the authorities that vouch for it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, roots
}

func TestARealServerIsSpokenToAsItsURLSays(t *testing.T) {
	config, roots := certificate(t)
	type server struct {
		config         *tls.Config
		implicit, bare bool
		refused        error
	}
	encrypted, plain, bare := server{config: config}, server{}, server{bare: true}
	tests := map[string]struct {
		server     server
		url        string // with HOST for the address
		roots      *x509.CertPool
		user, fail string // what the server heard, and why the relay is down
	}{
		"STARTTLS when offered":            {encrypted, "smtp://HOST", roots, "", ""},
		"STARTTLS when required":           {encrypted, "smtp://HOST?tls=required", roots, "", ""},
		"a password under STARTTLS":        {encrypted, "smtp://u:secret@HOST", roots, "u", ""},
		"TLS from the first byte":          {server{config: config, implicit: true}, "smtps://u:secret@HOST", roots, "u", ""},
		"no TLS offered":                   {plain, "smtp://HOST", nil, "", ""},
		"no TLS wanted":                    {encrypted, "smtp://HOST?tls=none", nil, "", ""},
		"a password in clear on a machine": {bare, "smtp://u:secret@HOST?tls=none", nil, "u", ""},
		"no TLS though required":           {plain, "smtp://HOST?tls=required", nil, "", "the relay offers no STARTTLS"},
		"no TLS for a password":            {bare, "smtp://u:secret@HOST", nil, "", "the relay offers no STARTTLS"},
		"a certificate of nobody":          {encrypted, "smtp://u:secret@HOST", x509.NewCertPool(), "", "certificate signed by unknown authority"},
		"a password that is wrong": {
			server{config: config, refused: smtp.ErrAuthFailed},
			"smtp://u:secret@HOST", roots, "u",
			`AUTH: the relay refused user "u" with 535 5.7.8`,
		},
		"no AUTH offered": {plain, "smtp://u:secret@HOST?tls=none", nil, "", "neither PLAIN nor CRAM-MD5"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &office{refused: tt.server.refused}
			address := o.opens(t, tt.server.config, tt.server.implicit, tt.server.bare)
			relay, err := ParseRelay(strings.Replace(tt.url, "HOST", address, 1))
			if err != nil {
				t.Fatal(err)
			}
			var logged strings.Builder
			p := NewPool([]Relay{relay}, "client.example", slog.New(slog.NewTextHandler(&logged, nil)))
			p.Roots = tt.roots
			stop := run(t, p)
			good, bad := post(t, p), postTo(t, p, "nobody@example.com")
			g, b := <-good, <-bad
			stop()
			c := p.Condition()[0]
			if tt.fail != "" {
				if !errors.Is(g.Err, ErrNoRelay) || c.State != Down || !strings.Contains(c.Why, tt.fail) {
					t.Errorf("got %+v of %+v, want the relay down because of %q", g, c, tt.fail)
				}
			} else if !g.Accepted() || b.Code != 550 || b.Status != "5.1.1" || b.Stage != StageRcpt || b.Text != "no such user" {
				t.Errorf("got %+v and %+v, want one accepted and one refused with 550 5.1.1", g, b)
			}
			if want := []string{"s@example.org to r0@example.com: A\r\n"}; tt.fail == "" && strings.Join(o.messages, "|") != want[0] {
				t.Errorf("got %q, want %q", o.messages, want)
			}
			if o.user != tt.user || (o.user != "") != (o.password == "secret") {
				t.Errorf("got user %q and password %q heard, want user %q", o.user, o.password, tt.user)
			}
			if strings.Contains(logged.String(), "secret") {
				t.Errorf("got a log with the password:\n%s", logged.String())
			}
		})
	}
}

func TestARelayWithoutPLAINIsToldADigestOfThePassword(t *testing.T) {
	digest := hmac.New(md5.New, []byte("secret"))
	digest.Write([]byte("<4711@relay.example>"))
	answer := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "u %x", digest.Sum(nil)))
	scripts := map[string][]script{"localhost:25": {`
		S: 220 relay.example
		C: EHLO client.example
		S: 250-relay.example
		S: 250-AUTH LOGIN CRAM-MD5
		S: 250-SIZE
		S: 250 PIPELINING
		C: AUTH CRAM-MD5
		S: 334 PDQ3MTFAcmVsYXkuZXhhbXBsZT4=
		C: ` + script(answer) + `
		S: 235 welcome
		` + taken + `
		S: 250 ok` + bye}}
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, scripts: scripts}
		p := NewPool([]Relay{{Address: "localhost:25", TLS: Never, User: "u", Password: "secret"}}, "client.example", quiet())
		p.Dial = s.dial
		stop := run(t, p)
		if r := <-post(t, p); !r.Accepted() {
			t.Errorf("got %+v, want it accepted", r)
		}
		stop()
		s.done()
	})
}
