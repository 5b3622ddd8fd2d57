package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/smtp"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/mail"
	"example.org/interlude/notify"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// returns is what takes bounces for a real store with one subscriber, s7, who was sent the first notice.
type returns struct {
	notify.Bounces

	t     *testing.T
	store *store.Store
	now   time.Time
}

func (r *returns) Now() time.Time { return r.now }

func newReturns(t *testing.T, s notify.Subscriber) *returns {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	r := &returns{t: t, store: db, now: time.Date(2027, 1, 13, 16, 51, 0, 0, time.UTC)}
	r.Bounces = notify.Bounces{
		Address: mail.Mailbox{Local: "bounces", Domain: "status.northwind.example"},
		From:    mail.Mailbox{Local: "status", Domain: "northwind.example"},
		Keys:    deskKeys, Ledger: db, Clock: r, Log: slog.New(slog.DiscardHandler),
	}
	s.ID, s.State, s.Created = "s7", notify.Active, r.now
	if err := db.AddSubscriber(t.Context(), r.now, s); err != nil {
		t.Fatal(err)
	}
	return r
}

// send makes the next notice to the subscriber by mail, and returns the sender of the envelope it went out with.
func (r *returns) send() string {
	r.t.Helper()
	n := notify.Notice{Kind: notify.Test, At: r.now, Audience: notify.Audience{Only: "s7", Channel: notify.Email}}
	if err := r.store.Tell(r.t.Context(), r.now, n); err != nil {
		r.t.Fatal(err)
	}
	parcels, err := r.store.Take(r.t.Context(), r.now, r.now.Add(time.Minute), notify.Email, 10)
	if err != nil || len(parcels) != 1 {
		r.t.Fatalf("got %+v and error %v, want one delivery", parcels, err)
	}
	d := parcels[0].Deliveries[0]
	outcome := notify.Outcome{Delivery: d, Fate: notify.Sent, Tries: 1, At: r.now, Answer: "250 2.0.0 Ok"}
	if err := r.store.Settle(r.t.Context(), r.now, []notify.Outcome{outcome}, []int64{parcels[0].ID}); err != nil {
		r.t.Fatal(err)
	}
	return r.Envelope(d)
}

// became is what became of the subscriber and of the last delivery to it.
func (r *returns) became() (notify.Subscriber, string) {
	r.t.Helper()
	s, err := r.store.Subscriber(r.t.Context(), "s7")
	if err != nil {
		r.t.Fatal(err)
	}
	history, err := r.store.History(r.t.Context(), "s7", 1)
	if err != nil || len(history) != 1 {
		r.t.Fatalf("got %+v and error %v, want one delivery", history, err)
	}
	return s, fmt.Sprintf("%s; %s", history[0].Fate, history[0].Answer)
}

// report is one about a mail, as mail systems write them.
func report(action, state, diagnostic string) []byte {
	return fmt.Appendf(nil, "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"+
		"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"+
		"Final-Recipient: rfc822; ops@example.com\r\nAction: %s\r\nStatus: %s\r\nDiagnostic-Code: smtp; %s\r\n\r\n--b--\r\n", action, state, diagnostic)
}

// reader is somebody who is told by mail.
var reader = notify.Subscriber{Channel: notify.Email, Address: "ops@example.com"}

const complaint = "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n" +
	"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\n\r\n--b--\r\n"

func TestAReportHasTheConsequencesOfWhatItSays(t *testing.T) {
	vacation, err := os.ReadFile("../mail/testdata/bounce/vacation.eml")
	if err != nil {
		t.Fatal(err)
	}
	severally, err := os.ReadFile("../mail/testdata/bounce/several.eml")
	if err != nil {
		t.Fatal(err)
	}
	gone := report("failed", "5.1.1", "550 5.1.1 nobody here")
	for name, c := range map[string]struct {
		message []byte
		state   notify.State
		strikes int
		reason  string
		became  string
		counts  notify.BounceCounts
	}{
		"dead": {
			gone, notify.Quarantined, 0, "failed: 550 5.1.1 nobody here", "failed; failed: 550 5.1.1 nobody here", notify.BounceCounts{Dead: 2},
		},
		"full": {
			report("failed", "5.2.2", "552 full"), notify.Active, 1, "", "failed; failed: 5.2.2 552 full", notify.BounceCounts{Refused: 2},
		},
		"given up after days": {
			report("failed", "4.4.7", "421 no answer"), notify.Active, 1, "", "failed; failed: 4.4.7 421 no answer", notify.BounceCounts{Refused: 2},
		},
		"policy": {
			report("failed", "5.7.1", "550 5.7.1 blocked"), notify.Active, 0, "", "failed; failed: 550 5.7.1 blocked", notify.BounceCounts{Refused: 2},
		},
		"delayed": {
			report("delayed", "4.4.1", "no answer"), notify.Active, 0, "", "sent; delayed: 4.4.1 no answer", notify.BounceCounts{Passing: 2},
		},
		"delivered": {
			report("delivered", "2.0.0", "250 2.0.0 Ok"), notify.Active, 0, "", "sent; delivered: 250 2.0.0 Ok", notify.BounceCounts{Passing: 2},
		},
		"one of a team is there": {severally, notify.Active, 0, "", "sent; relayed: 2.0.0", notify.BounceCounts{Passing: 2}},
		"complaint": {
			[]byte(complaint), notify.Unsubscribed, 0, "", "sent; complaint: the recipient calls it abuse", notify.BounceCounts{Complaints: 2},
		},
		"on holiday": {vacation, notify.Active, 0, "", "sent; 250 2.0.0 Ok", notify.BounceCounts{Ignored: 2}},
		"garbage":    {[]byte("\x00"), notify.Active, 0, "", "sent; 250 2.0.0 Ok", notify.BounceCounts{Ignored: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReturns(t, reader)
			to := r.send()
			for range 2 { // the second time changes nothing
				if err := r.Take(t.Context(), to, c.message); err != nil {
					t.Fatal(err)
				}
			}
			s, became := r.became()
			if s.State != c.state || s.Strikes != c.strikes || s.Reason != c.reason || became != c.became {
				t.Errorf("got it %s with %d strikes for %q, and the delivery %q; want %s, %d, %q, %q",
					s.State, s.Strikes, s.Reason, became, c.state, c.strikes, c.reason, c.became)
			}
			if diff := cmp.Diff(c.counts, r.Counts()); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestThreeMailsThatAreRefusedAreTheEnd(t *testing.T) {
	r := newReturns(t, reader)
	for strikes := range 3 {
		if s, _ := r.store.Subscriber(t.Context(), "s7"); s.State != notify.Active {
			t.Fatalf("got it %s after %d strikes, want it active", s.State, strikes)
		}
		if err := r.Take(t.Context(), r.send(), report("failed", "5.2.2", "552 full")); err != nil {
			t.Fatal(err)
		}
		r.now = r.now.Add(24 * time.Hour)
	}
	if s, _ := r.became(); s.State != notify.Quarantined || s.Reason != "failed: 5.2.2 552 full" {
		t.Errorf("got %+v, want it in quarantine with the reason", s)
	}
}

func TestAnEndpointIsNotBlamedForItsContactsMailbox(t *testing.T) {
	for _, message := range [][]byte{report("failed", "5.1.1", "550 5.1.1 nobody here"), []byte(complaint)} {
		r := newReturns(t, notify.Subscriber{Channel: notify.Webhook, Address: "https://example.com/hook", Contact: "ops@example.com"})
		if err := r.Take(t.Context(), r.send(), message); err != nil {
			t.Fatal(err)
		}
		if s, became := r.became(); s.State != notify.Active || strings.HasSuffix(became, "250 2.0.0 Ok") {
			t.Errorf("got it %s, and %q; want it active, and what came back", s.State, became)
		}
	}
}

// to is a delivery of a notice to a subscriber.
func to(notice int64, id string) notify.Delivery {
	return notify.Delivery{Notice: notice, To: notify.Recipient{ID: id}, By: notify.Email}
}

func TestAnEnvelopeIsRecognisedInEitherCaseAndInNoOtherForm(t *testing.T) {
	r := newReturns(t, reader)
	longest := to(1<<63-1, "abcdefghijkl")
	address := r.Envelope(longest)
	if local := strings.Index(address, "@"); local > 64 {
		t.Errorf("got %s with %d characters before the @, want at most 64", address, local)
	}
	if _, err := mail.ParseMailbox(address); err != nil {
		t.Errorf("got %v, want an address that every relay takes", err)
	}
	for _, form := range []string{address, strings.ToUpper(address), strings.ToLower(address)} {
		if n, id, ok := r.Recognise(form); !ok || n != longest.Notice || id != longest.To.ID {
			t.Errorf("%s: got %d, %s, %t; want the delivery", form, n, id, ok)
		}
	}
	other := r.Envelope(to(2, "abcdefghijkl"))
	seal := func(a string) string { return a[strings.LastIndex(a, ".abcdefghijkl.")+14:] }
	for _, form := range []string{
		"", "@", "bounces@status.northwind.example", "bounces+@status.northwind.example", "bounces+1.abcdefghijkl@status.northwind.example",
		"x" + address, address + ".", strings.Replace(address, "bounces", "bounce", 1), strings.Replace(address, "status.", "", 1),
		address[:strings.LastIndex(address, ".abc")] + ".abcdefghijkl." + seal(other), strings.Replace(address, "abc", "abd", 1),
	} {
		if n, id, ok := r.Recognise(form); ok {
			t.Errorf("%s: got %d, %s; want it foreign", form, n, id)
		}
		if err := r.Take(t.Context(), form, report("failed", "5.1.1", "x")); !errors.Is(err, status.ErrNotFound) {
			t.Errorf("%s: got %v, want %v", form, err, status.ErrNotFound)
		}
	}
	elsewhere := notify.Bounces{Address: r.Address, Keys: notify.NewKeys([]byte(strings.Repeat("other", 7)))}
	if _, _, ok := elsewhere.Recognise(address); ok {
		t.Error("got an address of another secret recognised, want it foreign")
	}
}

func TestWithoutAReturnAddressTheEnvelopeIsCommon(t *testing.T) {
	r := newReturns(t, reader)
	address := r.Envelope(to(1, "s7"))
	long := r.Envelope(to(1, strings.Repeat("x", 40)))
	r.Address.Local = "bounces-of-status"
	if err := r.Check(); err == nil {
		t.Errorf("got %s taken as the address for reports, want it refused", r.Address)
	}
	r.Address = mail.Mailbox{}
	none := r.Envelope(to(1, "s7"))
	if err := r.Check(); err != nil || none != "status@northwind.example" || long != none {
		t.Errorf("got %v, %s and %s; want the common sender", err, none, long)
	}
	if _, _, ok := r.Recognise(address); ok {
		t.Error("got an address recognised, want none")
	}
}

func TestAReportComesInBySMTP(t *testing.T) {
	r := newReturns(t, reader)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	receiver := mail.Receiver{Deliver: r.Take, Log: slog.New(slog.DiscardHandler), Accept: func(to string) bool {
		_, _, ok := r.Recognise(to)
		return ok
	}}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := receiver.Run(ctx, listener); err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer stop()
	sender, gone := r.send(), report("failed", "5.1.1", "550 5.1.1 nobody here")
	if err := smtp.SendMail(listener.Addr().String(), nil, "", []string{"x" + sender}, gone); err == nil {
		t.Error("got a report to a foreign address taken, want it refused")
	}
	if err := smtp.SendMail(listener.Addr().String(), nil, "", []string{sender}, gone); err != nil {
		t.Error(err)
	}
	if s, _ := r.became(); s.State != notify.Quarantined {
		t.Errorf("got it %s, want it in quarantine", s.State)
	}
}

func FuzzAnAddressIsRecognisedOnlyAsItWasMade(f *testing.F) {
	b := notify.Bounces{Address: mail.Mailbox{Local: "bounces", Domain: "status.northwind.example"}, Keys: deskKeys}
	f.Add(b.Envelope(to(1, "s7")))
	f.Add(strings.ToUpper(b.Envelope(to(77, "abcdefghijkl"))))
	f.Add("bounces+1.s7.seal@status.northwind.example")
	f.Add("bounces+..@status.northwind.example")
	f.Fuzz(func(t *testing.T, address string) {
		n, id, ok := b.Recognise(address)
		if ok && !strings.EqualFold(address, b.Envelope(to(n, id))) {
			t.Errorf("%q: got notice %d to %q, which has %q", address, n, id, b.Envelope(to(n, id)))
		}
	})
}
