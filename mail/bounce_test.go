package mail

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// sample is a message in testdata/bounce.
func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "bounce", name+".eml"))
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func TestAReportIsReadInTheFormOfEachMailSystem(t *testing.T) {
	for name, want := range map[string]Bounce{
		"postfix": {MessageID: "m1.2.s7@northwind.example", Recipients: []Recipient{{
			Address: "gone@example.com", Original: "gone@example.com", Action: Failed, Status: "5.1.1", Code: 550, RemoteMTA: "mail.example.com",
			Diagnostic: "550 5.1.1 <gone@example.com>: Recipient address rejected: User unknown in virtual mailbox table",
		}}},
		"exchange": {MessageID: "m1.2.s8@northwind.example", Recipients: []Recipient{{
			Address: "former@example.org", Action: Failed, Status: "5.1.10", Code: 550,
			Diagnostic: "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient former@example.org not found by SMTP address lookup",
		}}},
		"gmail": {MessageID: "m1.2.s9@northwind.example", Recipients: []Recipient{{
			Address: "nobody@example.net", Action: Failed, Status: "5.1.1", Code: 550,
			RemoteMTA: "mx.example.net. (2001:db8::7, the server for the domain example.net.)",
			Diagnostic: "550-5.1.1 The address that you wrote to does not exist. Look for 550-5.1.1 typing errors and unneeded spaces. See " +
				"550 5.1.1  https://support.example.net/nosuchuser - gsmtp",
		}}},
		"delayed": {MessageID: "m1.2.s7@northwind.example", Recipients: []Recipient{{
			Address: "slow@example.com", Original: "slow@example.com", Action: Delayed, Status: "4.4.1",
			Diagnostic: "connect to mail.example.com[192.0.2.7]:25: Connection timed out",
		}}},
		"several": {MessageID: "m1.2.team@northwind.example", Recipients: []Recipient{
			{
				Address: "full@example.org", Original: "team@example.org", Action: Failed, Status: "5.2.2", Code: 552,
				Diagnostic: "552 5.2.2 The mailbox is over its quota",
			},
			{
				Address: "away@example.org", Original: "team@example.org", Action: Failed, Status: "4.4.7", Code: 421,
				Diagnostic: "421 4.4.2 Connection dropped",
			},
			{Address: "there@example.org", Original: "team@example.org", Action: Relayed, Status: "2.0.0"},
			{
				Address: "closed@example.org", Original: "team@example.org", Action: Failed, Status: "5.2.1", Code: 550,
				RemoteMTA: "mail.example.org", Diagnostic: "550 This account is closed",
			},
		}},
		"feedback": {MessageID: "m1.2.s5@northwind.example", Complaint: true, Recipients: []Recipient{{Address: "annoyed@example.net"}}},
	} {
		text := sample(t, name)
		for _, form := range [][]byte{text, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))} {
			got, err := ReadBounce(bytes.NewReader(form))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}

func TestWhatIsNoReportIsNamed(t *testing.T) {
	const mdn = "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n" +
		"Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ops@example.com\n--b--\n"
	for text, want := range map[string]string{
		string(sample(t, "vacation")):              "an automatic answer",
		mdn:                                        "a note that a message was read",
		"Subject: Re: maintenance\n\nThanks.\n":    "an ordinary message",
		"Auto-Submitted: no\n\nThanks.\n":          "an ordinary message",
		"Return-Path: <>\n\nHi. Sorry, no luck.\n": "in words that only people read",
		"no header at all\n":                       "malformed",
		strings.ReplaceAll(string(sample(t, "feedback")), ": abuse\n", ": not-spam\n"): "a report that nobody complains in",
	} {
		got, err := ReadBounce(strings.NewReader(text))
		if !errors.Is(err, ErrNotABounce) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %+v, %v, want an error that says %s", got, err, want)
		}
	}
}

func TestHalfAReportIsStillOne(t *testing.T) {
	text := sample(t, "postfix")
	got, err := ReadBounce(bytes.NewReader(text[:bytes.LastIndex(text, []byte("rejected: User"))]))
	if err != nil || len(got.Recipients) != 1 || got.Recipients[0].Verdict() != Dead {
		t.Errorf("got %+v, %v, want one dead recipient", got, err)
	}
}

func TestAReportIsBoundedHoweverLongItIs(t *testing.T) {
	const head = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
	crowd := head + strings.Repeat("Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n\n", 5000)
	got, err := ReadBounce(strings.NewReader(crowd))
	if err != nil || len(got.Recipients) != mostRecipients {
		t.Errorf("got %d recipients, %v, want %d", len(got.Recipients), err, mostRecipients)
	}
	complaint := "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n" + strings.Repeat("Original-Rcpt-To: a@example.com\n", 5000)
	if got, err := ReadBounce(strings.NewReader(complaint)); err != nil || len(got.Recipients) != mostRecipients {
		t.Errorf("got %d recipients, %v, want %d", len(got.Recipients), err, mostRecipients)
	}
	wrapped := func(n int) string {
		text := crowd
		for i := range n {
			text = fmt.Sprintf("Content-Type: multipart/mixed; boundary=x%d\n\n--x%d\n%s", i, i, text)
		}
		return text
	}
	if _, err := ReadBounce(strings.NewReader(wrapped(mostLevels - 1))); err != nil {
		t.Errorf("got %v, want a report at level %d", err, mostLevels)
	}
	preamble := func(text string) string { return strings.Replace(crowd, "\n\n", "\n\n"+text, 1) }
	for what, text := range map[string]string{
		"too late":             preamble(strings.Repeat("-\n", longestBounce/2)),
		"too deep":             wrapped(mostLevels),
		"behind too many":      preamble(strings.Repeat("--b\n\nsomething else\n", mostParts)),
		"behind a long header": "X-Long: " + strings.Repeat("x", longestBounce) + "\n" + crowd,
	} {
		if got, err := ReadBounce(strings.NewReader(text)); !errors.Is(err, ErrNotABounce) {
			t.Errorf("got %d recipients, %v, want %v for what lies %s", len(got.Recipients), err, ErrNotABounce, what)
		}
	}
}

func TestARefusalIsJudgedByItsCodes(t *testing.T) {
	for _, c := range []struct {
		status string
		code   int
		want   Verdict
	}{
		{"5.1.1", 550, Dead},
		{"5.1.2", 0, Dead},
		{"5.1.3", 501, Dead},
		{"5.1.6", 551, Dead},
		{"5.1.10", 556, Dead},
		{"5.2.1", 550, Dead},
		{"", 550, Dead},
		{"", 551, Dead},
		{"", 553, Dead},
		{"", 556, Dead},
		{"5.0.0", 550, Refused},
		{"5.1.0", 550, Refused},
		{"5.1.8", 550, Refused},
		{"5.2.2", 552, Refused},
		{"5.2.3", 0, Refused},
		{"5.7.1", 550, Refused},
		{"5.1.11", 550, Refused},
		{"", 552, Refused},
		{"", 554, Refused},
		{"", 501, Refused},
		{"4.2.2", 452, Passing},
		{"4.7.1", 0, Passing},
		{"", 421, Passing},
		{"", 450, Passing},
		{"5.1.1", 450, Passing},
		{"4.1.1", 550, Passing},
		{"2.0.0", 0, Passing},
		{"", 0, Passing},
		{"", 354, Passing},
	} {
		if got := Judge(c.status, c.code); got != c.want {
			t.Errorf("%s %d: got %v, want %v", c.status, c.code, got, c.want)
		}
	}
}

func TestAReportThatGaveUpRefusesAtLeastThisMessage(t *testing.T) {
	for _, c := range []struct {
		recipient Recipient
		want      Verdict
	}{
		{Recipient{Action: Failed, Status: "4.4.7", Code: 421}, Refused},
		{Recipient{Action: Failed}, Refused},
		{Recipient{Action: Failed, Status: "5.1.1", Code: 550}, Dead},
		{Recipient{Action: Delayed, Status: "4.4.1"}, Passing},
		{Recipient{Action: Delayed, Status: "5.1.1"}, Passing},
		{Recipient{Action: Relayed, Status: "2.0.0"}, Passing},
		{Recipient{Address: "annoyed@example.net"}, Passing},
	} {
		if got := c.recipient.Verdict(); got != c.want {
			t.Errorf("%+v: got %v, want %v", c.recipient, got, c.want)
		}
	}
}

func FuzzABounceIsReadOrRefused(f *testing.F) {
	samples, err := filepath.Glob("testdata/bounce/*.eml")
	if err != nil || len(samples) == 0 {
		f.Fatal("there are no samples", err)
	}
	for _, name := range samples {
		f.Add(sample(f, strings.TrimSuffix(filepath.Base(name), ".eml")))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := ReadBounce(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, ErrNotABounce) || len(err.Error()) > 2*longestText || strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("got %q, want one clean line about what it is", err)
			}
			return
		}
		if !b.Complaint && len(b.Recipients) == 0 {
			t.Error("got a report about nobody, want a refusal")
		}
		for _, r := range b.Recipients {
			if r.Address == "" && r.Original == "" || r.Action == "" && !b.Complaint {
				t.Errorf("got %+v, want somebody, and what happened", r)
			}
			for _, said := range []string{b.MessageID, r.Address, r.Original, string(r.Action), r.Status, r.Diagnostic, r.RemoteMTA} {
				if len(said) > longestValue || !utf8.ValidString(said) || strings.ContainsFunc(said, unicode.IsControl) {
					t.Errorf("got %q, want at most %d clean characters", said, longestValue)
				}
			}
		}
	})
}
