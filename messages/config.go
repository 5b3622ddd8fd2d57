package messages

import (
	"crypto/tls"
	"log/slog"
	"net/netip"
	"time"

	"example.org/interlude/spool"
)

// Config is what an API takes from whom. Zero fields take the defaults that their comments name.
type Config struct {
	// Flows are where messages may go, by the names of the gate's flows.
	Flows map[string]Target
	// Tokens are those who may use it.
	Tokens []Token
	// Spool keeps what was accepted; nil until [API.Attach].
	Spool Spool
	// Interrupted says whether what is accepted now for a flow has to wait: the flow is interrupted, or those who waited have not
	// all left yet. nil is never.
	Interrupted func(flow string) bool
	// Count is told once of each message of a flow whether it was [Queued] or [Passed]; nil is nobody.
	Count func(flow, outcome string)
	// Limits bound what is taken.
	Limits Limits
	// Log is told what people change and what goes wrong; nil is silent.
	Log *slog.Logger
}

// The outcomes that [Config.Count] is told.
//
// A message that is to go at once counts when it is accepted: it is queued when its flow is interrupted or others wait before it. One
// that was for later counts when it has been delivered, for nobody knows before: it was queued when it left more than
// five seconds after its time. How late messages were, all together, the spool knows.
const (
	Queued = "queued"
	Passed = "passed"
)

// Target is where the messages of a flow go: to URLs, or as mail. It has either To or Mail.
type Target struct {
	// To are the beginnings of the URLs that messages may go to: https://push.example.com/v1/. Scheme, host and port have to be the
	// same; the path is that of the prefix or below it, as it is spelled: /v1 allows /v1 and /v1/send, not /v10.
	To []string
	// Private are the networks that are reached although they are not on the public internet, with any port.
	Private []netip.Prefix
	// Headers are sent along with each message that does not bear them itself. They may be secrets: they are stored nowhere.
	Headers map[string]string
	// Timeout is how long a delivery takes at most; 0 is 30 seconds.
	Timeout time.Duration
	// TLS is how receivers are recognised; nil trusts the system's authorities.
	TLS *tls.Config

	// Mail delivers the mails of the flow. Its entries are of the kind [spool.Mail].
	Mail spool.Courier
	// Envelope writes the sender, which may be empty, and the recipients as Mail reads them in an entry's head. The message tells
	// what it needs of those who carry it, such as 8 bits. Its error is shown to the client.
	Envelope func(from string, to []string, message []byte) ([]byte, error)
}

// Token is who may use the API.
type Token struct {
	// Name says whose it is. Idempotency keys belong to a name. It may have several tokens, so that they can be renewed.
	Name string
	// Hash is the SHA-256 of the secret, in hexadecimal digits. The secret has to be long and random.
	Hash string
	// Flows are those that it may deliver to.
	Flows []string
	// Read allows it to list the messages of these flows, whoever sent them; Cancel to cancel and retry them.
	Read   bool
	Cancel bool
}

// Limits bound what is taken.
type Limits struct {
	// Body is how large a request to the API may be; 0 is 8 MiB. base64 makes a body a third larger.
	Body int64
	// AtOnce is how many messages are in memory at a time while they are accepted; 0 is 128. Others wait a little, unread.
	AtOnce int
}

func (l Limits) orDefaults() Limits {
	if l.Body <= 0 {
		l.Body = 8 << 20
	}
	if l.AtOnce <= 0 {
		l.AtOnce = 128
	}
	return l
}
