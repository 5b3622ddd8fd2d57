package notify

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"example.org/interlude/calendar"
	"example.org/interlude/mail"
	"example.org/interlude/status"
)

// Writer writes what subscribers are sent.
type Writer struct {
	// From is who writes mail, and FromName how mail programs call them: the page's name where it is empty.
	From     mail.Mailbox
	FromName string
	// ReplyTo is where answers go; zero is From.
	ReplyTo mail.Mailbox
	// Domain ends the ids of messages and of the list; that of From where it is empty.
	Domain string
	Keys   Keys
}

// ErrNoSite says that a notice makes no sense without a link, and that the page's address is not known.
var ErrNoSite = errors.New("the page has no URL, so that nobody could follow the link; set the page's url")

// letter is a notice as a mail shows it.
type letter struct {
	wording

	Subject string
	// Preview is what mail programs show beside the subject.
	Preview string
	// Act is what the recipient may do about it: its name and its link; both are empty where there is none.
	Act fact
	// Why says why the recipient gets it, and the links under it, each with its name, how that changes.
	Why   string
	Links []fact
}

// Letter writes a notice as a mail, once for all who read times in a zone. What differs between them are the values of its slots,
// which [Writer.Values] gives.
//
// All that is told of one maintenance or incident has one subject and answers one message, the first, so that mail programs show
// it as one conversation, and the calendar part moves the entry that the first one made.
func (w Writer) Letter(n *Notice, zone string) (*mail.Template, error) {
	l, err := w.letter(n, zone)
	if err != nil {
		return nil, err
	}
	var html bytes.Buffer
	if err := letterHTML(l).Render(unbound{}, &html); err != nil {
		return nil, fmt.Errorf("write the letter in HTML: %w", err)
	}
	files, err := w.invitation(n)
	if err != nil {
		return nil, err
	}
	return mail.Letter{
		From: w.From, FromName: cmp.Or(w.FromName, l.Page), To: mail.Slot(slotAddress), Subject: l.Subject, Date: n.At,
		Headers: w.headers(n), Text: l.text(), HTML: html.String(), Attachments: files,
	}.Compose()
}

// letter gathers what a mail says.
func (w Writer) letter(n *Notice, zone string) (letter, error) {
	l := letter{wording: word(n, zone)}
	l.Subject = "[" + l.Page + "] " + cmp.Or(l.Title, personalSubjects[n.Kind], l.Headline)
	l.Preview = l.Headline
	if len(l.Rows) > 0 {
		l.Preview += ": " + l.Rows[0].Texts[len(l.Spans)-1]
	}
	site := siteOf(n.Page)
	if site == "" && (n.Kind == Confirm || n.Kind == Link) {
		return l, ErrNoSite
	}
	manage := fact{"Change what you are told of", subscriptionLink(site, mail.Slot(slotAct), "")}
	leave := fact{"Unsubscribe", subscriptionLink(site, mail.Slot(slotLeave), ToLeave)}
	address := mail.Slot(slotAddress)
	switch n.Kind {
	case Test:
	case Confirm:
		l.Act = fact{"Confirm the subscription", subscriptionLink(site, mail.Slot(slotAct), ToConfirm)}
		l.Why = "You get this at " + address + " because somebody entered this address at " + site + "."
	case Link:
		l.Act, l.Links = fact{"Change the subscription", manage.Text}, []fact{leave}
		l.Why = "You get this at " + address + ", which is subscribed to " + mail.Slot(slotScope) + "."
	case Stopped:
		l.Act, l.Links = fact{"See the subscription", manage.Text}, []fact{leave}
		l.Why = "You get this at " + address + ", the address to write to when that endpoint fails."
	default:
		l.Act, l.Links = fact{"Details and updates", l.Report}, []fact{manage, leave}
		l.Why = "You get this at " + address + " because you asked to be told of " + mail.Slot(slotScope) + "."
	}
	l.Links = slices.DeleteFunc(l.Links, func(link fact) bool { return link.Text == "" })
	return l, nil
}

// personalSubjects are the subjects of what concerns a subscription.
var personalSubjects = map[Kind]string{
	Confirm: "Please confirm your subscription", Link: "Your subscription", Stopped: "Notices to your endpoint have stopped",
	Test: "A test of notices",
}

// subscriptionLink is where a token leads; empty when the page's address is not known. Managing has no word of its own.
func subscriptionLink(site, token string, to Purpose) string {
	switch {
	case site == "":
		return ""
	case to == "":
		return site + "/subscriptions/" + token
	}
	return site + "/subscriptions/" + token + "/" + string(to)
}

// headers are those that put a mail into its conversation, and that keep machines from answering it.
func (w Writer) headers(n *Notice) []mail.Header {
	own, root := w.messageIDs(n)
	headers := []mail.Header{{Name: "Message-ID", Value: own}}
	add := func(name, value string) { headers = append(headers, mail.Header{Name: name, Value: value}) }
	if root != "" && root != own {
		add("In-Reply-To", root)
		add("References", root)
	}
	if w.ReplyTo != (mail.Mailbox{}) {
		add("Reply-To", w.ReplyTo.String())
	}
	add("Auto-Submitted", "auto-generated") // RFC 3834, 5
	add("X-Auto-Response-Suppress", "All")  // the same for Exchange
	if !n.Kind.Personal() {
		add("List-Id", "<updates."+w.domain()+">") // RFC 2919
	}
	if site := siteOf(n.Page); site != "" && n.Kind != Confirm && n.Kind != Test {
		add("List-Unsubscribe", "<"+subscriptionLink(site, mail.Slot(slotLeave), ToLeave)+">")
		add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") // RFC 8058
	}
	return headers
}

func (w Writer) domain() string { return cmp.Or(w.Domain, w.From.Domain) }

// messageIDs are the id of a mail, and that of the first one of its conversation, empty where it has none. They follow from what
// the mail says and to whom, so that a repetition is known to be one.
func (w Writer) messageIDs(n *Notice) (own, root string) {
	end := "." + mail.Slot(slotID) + "@" + w.domain() + ">"
	if n.Kind.Personal() {
		return "<" + string(n.Kind) + "." + strconv.FormatInt(n.At.UnixMilli(), 10) + end, ""
	}
	root = "<" + n.Subject().ID + end
	if n.Kind == Kind(status.Announced) || n.Kind == Kind(status.Opened) {
		return root, root
	}
	return "<" + n.Subject().ID + "." + strconv.FormatInt(n.N, 10) + end, root
}

// Values are what is personal in the letter of a delivery, in the order of its slots.
func (w Writer) Values(n *Notice, d Delivery) []string {
	act := ToManage
	if n.Kind == Confirm {
		act = ToConfirm
	}
	values := make([]string, slots)
	values[slotAddress] = d.Address()
	values[slotID] = cmp.Or(d.To.ID, "nobody") // a test goes to whom the operator names
	values[slotAct] = w.Keys.Token(act, d.To.ID)
	values[slotLeave] = w.Keys.Token(ToLeave, d.To.ID)
	values[slotScope] = scope(n, d.To)
	values[slotWhere] = where(d.To)
	return values
}

// Leave is the link by which a subscription ends; empty when the page's address is not known.
func (w Writer) Leave(n *Notice, to Recipient) string {
	if to.ID == "" {
		return ""
	}
	return subscriptionLink(siteOf(n.Page), w.Keys.Token(ToLeave, to.ID), ToLeave)
}

// inCalendars are the notices that change what stands in a calendar. A reminder is one of them, so that those who subscribed after
// the announcement have the entry too; later ones move nothing, because an entry says what was announced.
var inCalendars = []status.EventKind{status.Announced, status.Changed, status.Extended, status.Reminded, status.CalledOff}

// invitation is the calendar part of a notice, none where the calendar stays as it is.
func (w Writer) invitation(n *Notice) ([]mail.Attachment, error) {
	m := n.Maintenance
	if m == nil || !slices.Contains(inCalendars, status.EventKind(n.Kind)) {
		return nil, nil
	}
	content, err := calendar.Invitation(*m, n.Page, n.Groups, n.Components, reportLink(n), w.From.String())
	if err != nil {
		return nil, fmt.Errorf("write the calendar entry: %w", err)
	}
	method := "PUBLISH"
	if m.State == status.Canceled {
		method = "CANCEL"
	}
	return []mail.Attachment{{
		Name: "maintenance.ics", ContentType: "text/calendar; charset=utf-8; method=" + method, Content: content,
	}}, nil
}

// unbound is a context that never ends and holds nothing: a letter is written from what is given, for nobody in particular.
type unbound struct{}

// Deadline is none.
func (unbound) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }

// Done never comes.
func (unbound) Done() <-chan struct{} { return nil }

// Err is nil.
func (unbound) Err() error { return nil }

// Value is nil.
func (unbound) Value(any) any { return nil }
