package mx

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"example.org/interlude/mail"
)

// report is what a sender is told of a message: a notification of RFC 3464 in a report of RFC 6522, or for mail of SMTPUTF8 in the
// forms of RFC 6533.
type report struct {
	name     string // of this machine
	remote   string // the server that answered
	action   mail.Action
	env      Envelope
	about    []verdict
	original []byte
	at       time.Time
	until    time.Time // when a message that is late will be given up
}

// longestReturned is how long a message may be that is sent back whole, in bytes; of a longer one the header goes back.
const longestReturned = 50 << 10

// words is what people read of an action.
var words = map[mail.Action]struct{ subject, text string }{
	mail.Failed: {
		"Undelivered mail returned to sender",
		"Your message could not be delivered to the recipients below. It will not be tried again.",
	},
	mail.Delayed: {
		"Delayed mail",
		"Your message could not be delivered yet to the recipients below. You need not send it\r\nagain: it will be tried on.",
	},
	mail.Relayed: {
		"Relayed mail",
		"Your message was handed to the mail server of the recipients below, which tells nobody\r\nwhat becomes of it.",
	},
	mail.Delivered: {"Delivered mail", "Your message was delivered to the recipients below."},
}

// write gives the report and its envelope. Its sender is nobody, so that no report is ever sent about it (RFC 3464, 2).
func (r report) write() (Envelope, []byte) {
	env := Envelope{Rcpts: []Recipient{{To: r.env.From, Notify: []string{"NEVER"}}}, UTF8: r.env.UTF8 || !ascii(r.env.From)}
	returned, kind := r.returned()
	encoding := "7bit"
	if !ascii(string(returned)) || env.UTF8 {
		encoding, env.Body = "8bit", "8BITMIME"
	}
	boundary := rand.Text()
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("From: Mail Delivery System <MAILER-DAEMON@%s>", r.name)
	line("To: <%s>", r.env.From)
	line("Subject: %s", words[r.action].subject)
	line("Date: %s", date(r.at))
	line("Message-ID: <%s@%s>", rand.Text(), r.name)
	line("Auto-Submitted: auto-replied")
	line("MIME-Version: 1.0")
	line("Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"%s\"", boundary)
	line("Content-Transfer-Encoding: %s", encoding)
	line("\r\n--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n", boundary, encoding)
	r.tell(line)
	status := "message/delivery-status"
	if env.UTF8 {
		status = "message/global-delivery-status"
	}
	line("\r\n--%s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: %s\r\n", boundary, status, encoding)
	r.list(line)
	line("--%s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: %s\r\n", boundary, kind, encoding)
	b.Write(returned)
	line("\r\n--%s--", boundary)
	return env, b.Bytes()
}

// tell writes the part for people.
func (r report) tell(line func(string, ...any)) {
	line("This is the mail system at %s.\r\n", r.name)
	line("%s\r\n", words[r.action].text)
	if !r.until.IsZero() {
		line("It will be given up on %s.\r\n", date(r.until))
	}
	for _, v := range r.about {
		line("<%s>: %s", v.To, v.diagnosis())
	}
}

// list writes the part for programs (RFC 3464, 2.2 and 2.3).
func (r report) list(line func(string, ...any)) {
	line("Reporting-MTA: dns; %s", r.name)
	if r.env.EnvID != "" {
		line("Original-Envelope-Id: %s", r.env.EnvID)
	}
	if !r.env.ReceivedAt.IsZero() {
		line("Arrival-Date: %s", date(r.env.ReceivedAt))
	}
	for _, v := range r.about {
		line("")
		if v.Orcpt != "" {
			line("Original-Recipient: %s", strings.Replace(v.Orcpt, ";", "; ", 1))
		}
		kind := "rfc822"
		if !ascii(v.To) {
			kind = "utf-8"
		}
		line("Final-Recipient: %s; %s", kind, v.To)
		line("Action: %s", r.action)
		line("Status: %s", v.status)
		if v.code != 0 {
			line("Remote-MTA: dns; %s", hello(r.remote, "unknown"))
			line("Diagnostic-Code: smtp; %s", v.Error())
		}
		line("Last-Attempt-Date: %s", date(r.at))
		if !r.until.IsZero() {
			line("Will-Retry-Until: %s", date(r.until))
		}
	}
	line("")
}

// diagnosis is why, in one line.
func (v verdict) diagnosis() string {
	if v.code != 0 {
		return v.Error()
	}
	return strings.TrimPrefix(v.Error(), "0 ")
}

// returned is what goes back of the message, and its type. Only what failed goes back whole, and only where that was not declined
// (RFC 3461, 4.3 and 6.2).
func (r report) returned() (content []byte, kind string) {
	whole := r.action == mail.Failed && r.env.Ret != "HDRS" && len(r.original) <= longestReturned
	switch {
	case whole && r.env.UTF8:
		return r.original, "message/global"
	case whole:
		return r.original, "message/rfc822"
	case r.env.UTF8:
		return headerOf(r.original), "message/global-headers"
	}
	return headerOf(r.original), "text/rfc822-headers"
}
