package notify

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.org/interlude/mail"
	"example.org/interlude/status"
)

// Bounces gives each mail a sender of the envelope of its own, and takes what is returned to it: reports that it could not be
// delivered (RFC 3464), and complaints (RFC 5965).
//
// Anybody can write such a report, so that only the address which it is sent to counts, not the Message-ID in it: the address is
// sealed, and nobody has seen it but those who handled that one mail. Of several recipients in a report the mildest counts,
// because an address may stand for many, and a mail that reached one of them was not in vain.
//
// The fields are set before the first use and not afterwards.
type Bounces struct {
	// Address is the mailbox that reports come to: what is sent to bounces+anything@status.northwind.example must arrive. Zero
	// means that there is none: nothing is recognised then.
	Address mail.Mailbox
	// From is the sender of the envelope where there is no such mailbox.
	From   mail.Mailbox
	Keys   Keys
	Ledger Ledger
	Clock  Clock
	Log    *slog.Logger

	mu     sync.Mutex
	counts BounceCounts
}

// Ledger is where it is written down that a mail came back.
type Ledger interface {
	// Bounced records, in one transaction, what came back of a mail at now. What is there no more is passed over. What was
	// recorded as failed is not recorded again; while a delivery waits for its outcome, the error is [ErrUnsettled].
	Bounced(ctx context.Context, now time.Time, r Returned) error
}

// ErrUnsettled says that a report came before the outcome of its delivery was recorded, and is to be handed in again.
var ErrUnsettled = errors.New("it is not recorded yet that the mail was sent; hand the report in again later")

// Returned is what came back of a delivery by mail.
type Returned struct {
	Notice int64
	// Subscriber is its id.
	Subscriber string
	// Failed says that the mail did not arrive. Otherwise the delivery keeps its fate.
	Failed bool
	// Answer is what the report says, in one line.
	Answer string
	// Mark changes the subscriber as a consequence; nil for none. It is called once for a failure.
	Mark func(*Subscriber)
}

// BounceCounts count what came back since the program began.
type BounceCounts struct {
	// Dead found no mailbox, Refused did not arrive for another reason, and Passing tell of a delay, or of success.
	Dead, Refused, Passing int64
	// Complaints call a mail abuse.
	Complaints int64
	// Ignored are no reports, such as the answers of those on holiday.
	Ignored int64
}

// Counts are the numbers until now.
func (b *Bounces) Counts() BounceCounts {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts
}

// Bounds of an address: RFC 5321, 4.5.3.1.1 allows 64 bytes before the @, and beside a subscriber's id of 12, the notice's number
// and a seal of 16, with what stands between them, longestReturn are left.
const (
	longestLocal  = 64
	longestReturn = 14
)

// Check refuses a mailbox that leaves no room for what is written behind its name.
func (b *Bounces) Check() error {
	if len(b.Address.Local) > longestReturn {
		return fmt.Errorf("the address for reports must have at most %d characters before the @, such as bounces@%s: %q has more",
			longestReturn, b.Address.Domain, b.Address)
	}
	return nil
}

// sealBounce is the purpose of a seal.
const sealBounce = "bounce"

// Envelope is the sender of a delivery's envelope: bounces+NOTICE.SUBSCRIBER.SEAL@status.northwind.example. A subscriber's id that is
// too long for that has the common sender.
func (b *Bounces) Envelope(d Delivery) string {
	if b.Address == (mail.Mailbox{}) {
		return b.From.String()
	}
	names := strings.ToLower(strconv.FormatInt(d.Notice, 10) + "." + d.To.ID)
	local := b.Address.Local + "+" + names + "." + b.Keys.Seal(sealBounce, names)
	if len(local) > longestLocal {
		return b.From.String()
	}
	return local + "@" + b.Address.Domain
}

// Recognise finds the delivery that an address was the sender of. The case of letters does not matter: some servers change it.
// How long it takes says nothing of the seal.
func (b *Bounces) Recognise(address string) (notice int64, subscriber string, ok bool) {
	if b.Address == (mail.Mailbox{}) {
		return 0, "", false
	}
	rest, ours := strings.CutPrefix(strings.ToLower(address), strings.ToLower(b.Address.Local)+"+")
	rest, here := strings.CutSuffix(rest, "@"+b.Address.Domain)
	end := strings.LastIndexByte(rest, '.')
	if !ours || !here || end < 0 {
		return 0, "", false
	}
	names, seal := rest[:end], rest[end+1:]
	if subtle.ConstantTimeCompare([]byte(seal), []byte(b.Keys.Seal(sealBounce, names))) != 1 {
		return 0, "", false
	}
	number, subscriber, _ := strings.Cut(names, ".")
	notice, err := strconv.ParseInt(number, 10, 64)
	return notice, subscriber, err == nil
}

// Take takes a message that was sent to an address. One that is no report is passed over; an address that is not recognised is
// status.ErrNotFound. After any other error the message is to be handed in again, which has no effect a second time.
func (b *Bounces) Take(ctx context.Context, to string, message []byte) error {
	notice, subscriber, ok := b.Recognise(to)
	if !ok {
		return fmt.Errorf("take a report to %q, which no mail was sent from: %w", to, status.ErrNotFound)
	}
	report, err := mail.ReadBounce(bytes.NewReader(message))
	if err != nil {
		b.Log.Debug("a message came back that reports nothing", "notice", notice, "subscriber", subscriber, "why", err)
		b.count(func(c *BounceCounts) { c.Ignored++ })
		return nil
	}
	now := b.Clock.Now()
	r, count := meaningOf(report, now)
	r.Notice, r.Subscriber = notice, subscriber
	if err := b.Ledger.Bounced(ctx, now, r); err != nil {
		return fmt.Errorf("take a report on notice %d to subscriber %s: %w", notice, subscriber, err)
	}
	b.Log.Info("mail came back", "notice", notice, "subscriber", subscriber, "answer", r.Answer)
	b.count(count)
	return nil
}

func (b *Bounces) count(add func(*BounceCounts)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	add(&b.counts)
}

// meaningOf is what a report means at now, and what it counts as.
func meaningOf(report mail.Bounce, now time.Time) (Returned, func(*BounceCounts)) {
	if report.Complaint {
		return Returned{
			Answer: "complaint: the recipient calls it abuse",
			Mark:   ofMailbox(func(s *Subscriber) { s.Unsubscribe() }),
		}, func(c *BounceCounts) { c.Complaints++ }
	}
	mildest := slices.MinFunc(report.Recipients, func(a, b mail.Recipient) int { return int(a.Verdict() - b.Verdict()) })
	r := Returned{Answer: wordsOf(mildest)}
	switch mildest.Verdict() {
	case mail.Dead:
		r.Failed, r.Mark = true, ofMailbox(func(s *Subscriber) { s.Quarantine(now, r.Answer) })
		return r, func(c *BounceCounts) { c.Dead++ }
	case mail.Refused:
		r.Failed = true
		if blames(mildest.Status) {
			r.Mark = ofMailbox(func(s *Subscriber) { s.Strike(now, r.Answer) })
		}
		return r, func(c *BounceCounts) { c.Refused++ }
	}
	return r, func(c *BounceCounts) { c.Passing++ }
}

// ofMailbox keeps an endpoint as it is: what its contact's mailbox does says nothing of it.
func ofMailbox(change func(*Subscriber)) func(*Subscriber) {
	return func(s *Subscriber) {
		if s.Channel == Email {
			change(s)
		}
	}
}

// blames reports whether a refusal tells of the mailbox, or of the way there. What a server says of itself, of the protocol, of
// the content and of its policy (RFC 3463, 3.4 and 3.6 to 3.8) is the same for every mailbox behind it: a sender on a blocklist
// must not lose everybody.
func blames(status string) bool {
	parts := strings.Split(status, ".")
	return len(parts) != 3 || !slices.Contains([]string{"3", "5", "6", "7"}, parts[1])
}

// wordsOf is what a report says of a recipient, in one line: what was done, the status, and what the server said.
func wordsOf(r mail.Recipient) string {
	words := string(r.Action) + ":"
	if !strings.Contains(r.Diagnostic, r.Status) {
		words += " " + r.Status
	}
	if r.Diagnostic != "" {
		words += " " + r.Diagnostic
	}
	return words
}
