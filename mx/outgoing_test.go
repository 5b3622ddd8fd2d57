package mx

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// certificate makes one for this machine, and what verifies it.
func certificate(t testing.TB) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, roots
}

var here = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// submit opens an outgoing door.
func submit(t testing.TB, adapt func(*Outgoing)) (address string, s *shelf, count *tally) {
	t.Helper()
	s, count = &shelf{}, &tally{}
	o := &Outgoing{Name: "out.example.com", Flow: "outgoing", Spool: s, Count: count.count}
	adapt(o)
	address, _, _ = opened(t, o.Run)
	return address, s, count
}

func TestOnlyWhoIsKnownMaySend(t *testing.T) {
	config, roots := certificate(t)
	for _, implicit := range []bool{false, true} {
		address, s, _ := submit(t, func(o *Outgoing) {
			o.TLS, o.Implicit = config, implicit
			o.Login = func(user, password string) bool { return user == "app" && password == "secret" }
		})
		dial := func() (*smtp.Client, error) {
			if implicit {
				return smtp.DialTLS(address, &tls.Config{RootCAs: roots})
			}
			return smtp.DialStartTLS(address, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"})
		}
		c, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		wantCode(t, c.Mail("app@example.com", nil), 530, smtp.EnhancedCode{5, 7, 0})
		wantCode(t, c.Auth(sasl.NewPlainClient("", "app", "wrong")), 535, smtp.EnhancedCode{5, 7, 8})
		if err := c.Auth(sasl.NewPlainClient("", "app", "secret")); err != nil {
			t.Fatal(err)
		}
		if err := c.SendMail("app@example.com", []string{"ann@elsewhere.example"}, strings.NewReader(hello1)); err != nil {
			t.Fatal(err)
		}
		c.Close()
		env, err := ReadEnvelope(s.only(t).Head)
		if err != nil || env.User != "app" || !strings.HasPrefix(env.TLS, "TLS 1.3 ") {
			t.Errorf("got %+v and %v, want app under TLS", env, err)
		}
		if got := string(env.received("1")); !strings.Contains(got, " with ESMTPSA id 1\r\n") {
			t.Errorf("got %s, want ESMTPSA", got)
		}
	}
}

func TestThePasswordIsNotTakenInClear(t *testing.T) {
	config, _ := certificate(t)
	address, _, _ := submit(t, func(o *Outgoing) { o.TLS, o.Login = config, func(string, string) bool { return true } })
	talk(t, address, `
		< 220 out.example.com ESMTP Service Ready
		> EHLO app
		< 250-Hello app
		< 250-PIPELINING
		< 250-8BITMIME
		< 250-ENHANCEDSTATUSCODES
		< 250-CHUNKING
		< 250-STARTTLS
		< 250-SMTPUTF8
		< 250-DSN
		< 250-SIZE *
		< 250 LIMITS *
		> AUTH PLAIN AGFwcABzZWNyZXQ=
		< 523 *
		> MAIL FROM:<app@example.com>
		< 530 5.7.0 Authentication required
		> RCPT TO:<ann@elsewhere.example>
		< 502 *
	`)
}

func TestAMessageSaysWhenItIsDue(t *testing.T) {
	address, s, count := submit(t, func(o *Outgoing) { o.Trusted = here })
	due := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
	sent := 0
	for _, c := range []struct{ field, refusal string }{
		{"", ""},
		{"Deliver-At: " + due.Format(time.RFC3339) + "\r\n", ""},
		{"deliver-at:\r\n\t" + due.Format(time.RFC1123Z) + "\r\n", ""},
		{"Deliver-At: tomorrow\r\n", `Deliver-At: "tomorrow" is no date such as 2027-01-15T07:30:00Z`},
		{"Deliver-At: 2999-01-01T00:00:00Z\r\n", "Deliver-At: 2999-01-01T00:00:00Z is too far ahead"},
		{"Deliver-At: 2027-01-01T00:00:00Z\r\nDeliver-At: 2028-01-01T00:00:00Z\r\n", "Deliver-At: it is there more than once"},
	} {
		message := "From: app@example.com\r\n" + c.field + "Subject: news\r\n\r\nDeliver-At: in the text\r\n"
		err := send(address, "app@example.com", nil, []string{"ann@elsewhere.example"}, message)
		if c.refusal != "" {
			wantCode(t, err, 554, smtp.EnhancedCode{5, 6, 0})
			if err != nil && !strings.HasSuffix(err.Error(), c.refusal) {
				t.Errorf("got %v, want %s", err, c.refusal)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		sent++
		e := s.all()[sent-1]
		if string(e.Body) != "From: app@example.com\r\nSubject: news\r\n\r\nDeliver-At: in the text\r\n" {
			t.Errorf("got %q, want it without the field", e.Body)
		}
		if c.field != "" && !e.Due.Equal(due) || c.field == "" && !e.Due.IsZero() {
			t.Errorf("got due at %s for %q, want %s", e.Due, c.field, due)
		}
	}
	until(t, "all are counted", func() bool { return count.String() == "map[queued:3 rejected:3]" })
}

func TestSettingsThatCannotWork(t *testing.T) {
	s := &shelf{}
	for _, o := range []Outgoing{
		{Flow: "outgoing", Trusted: here},
		{Flow: "outgoing", Spool: s},
		{Flow: "outgoing", Spool: s, Login: func(string, string) bool { return true }},
		{Flow: "outgoing", Spool: s, Trusted: here, Implicit: true},
	} {
		if err := o.Run(t.Context(), nil); err == nil {
			t.Errorf("got no error for %+v", &o)
		}
	}
	for _, i := range []Inbound{
		{Flow: "inbound", Spool: s, Upstream: Upstream{Proxy: 1}},
		{Flow: "inbound", Spool: s, Domains: []string{"example.com"}},
		{Spool: s, Domains: []string{"example.com"}},
	} {
		if err := i.Run(t.Context(), nil); err == nil {
			t.Errorf("got no error for %+v", &i)
		}
	}
}

func FuzzDeliverAt(f *testing.F) {
	f.Add([]byte("Deliver-At: 2027-01-15T07:30:00Z\r\n\r\n"))
	f.Add([]byte("A: b\r\ndeliver-at :\r\n Fri, 15 Jan 2027 07:30:00 +0000\r\n\r\nx"))
	f.Fuzz(func(t *testing.T, message []byte) {
		_, rest, err := cutDue(bytes.Clone(message))
		if err == nil && !bytes.HasSuffix(message, rest[len(headerOf(rest)):]) {
			t.Errorf("got %q of %q, whose content differs", rest, message)
		}
	})
}

func TestNobodyElseMaySend(t *testing.T) {
	address, s, _ := submit(t, func(o *Outgoing) { o.Trusted = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "EHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@elsewhere.example>\r\nDATA\r\nQUIT\r\n")
	said, _ := io.ReadAll(conn)
	if !strings.Contains(string(said), "\r\n530 5.7.0 ") || strings.Contains(string(said), "\r\n354") || len(s.all()) != 0 {
		t.Errorf("got %s, want 530", said)
	}
}
