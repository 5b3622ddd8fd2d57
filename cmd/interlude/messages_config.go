package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"

	"example.org/interlude/messages"
	"example.org/interlude/mx"
	"example.org/interlude/spool"
)

// messagesConfig is the door for messages that are to be delivered at a time.
type messagesConfig struct {
	Listen mailListenConfig     `yaml:"listen"`
	Tokens []messageTokenConfig `yaml:"tokens"`
	Flows  []messageFlowConfig  `yaml:"flows"`
	Body   size                 `yaml:"body"`
	AtOnce amount               `yaml:"at_once"`
}

type messageTokenConfig struct {
	Name   string   `yaml:"name"`
	Token  string   `yaml:"token"`
	Flows  []string `yaml:"flows"`
	Read   bool     `yaml:"read"`
	Cancel bool     `yaml:"cancel"`
}

// messageFlowConfig is where the messages of a flow go. Without to, it is a flow of mail.outgoing.
type messageFlowConfig struct {
	Flow     string            `yaml:"flow"`
	To       []string          `yaml:"to"`
	Private  []network         `yaml:"private"`
	Headers  map[string]string `yaml:"headers"`
	Timeout  lasting           `yaml:"timeout"`
	CA       string            `yaml:"ca"`
	HandOver handOverConfig    `yaml:"hand_over"`
}

const defaultMessagesAddress = "127.0.0.1:8487"

// checkMessages refuses a door for messages that cannot work.
func (s *gateSettings) checkMessages() {
	c := s.Messages
	if c == nil {
		return
	}
	setDefault(&c.Listen.Address, defaultMessagesAddress)
	if _, port, err := net.SplitHostPort(c.Listen.Address); err != nil || !isPort(port) {
		s.wrong("messages.listen", "must be an address with a port, such as %s, not %q", defaultMessagesAddress, c.Listen.Address)
	}
	if c.Listen.Implicit {
		s.wrong("messages.listen.implicit", "is for mail: give tls, and the door speaks HTTPS")
	}
	for j := range c.Listen.TLS {
		one := &c.Listen.TLS[j]
		one.Cert, one.Key = s.near(one.Cert), s.near(one.Key)
		s.checkTLS("messages.listen.tls["+strconv.Itoa(j)+"]", *one, len(c.Listen.TLS))
	}
	for i := range c.Tokens {
		c.Tokens[i].Token = s.secret("messages.tokens["+strconv.Itoa(i)+"].token", c.Tokens[i].Token)
		if len(c.Tokens[i].Token) < leastMessageToken {
			s.wrong("messages.tokens["+strconv.Itoa(i)+"].token", "must be a secret of at least %d characters, such as $INTERLUDE_MESSAGES_TOKEN", leastMessageToken)
		}
	}
	for i, f := range c.Flows {
		for name, value := range f.Headers {
			f.Headers[name] = s.secret("messages.flows["+strconv.Itoa(i)+"].headers."+name, value)
		}
		if len(f.To) == 0 && !s.delivers(f.Flow) {
			s.wrong("messages.flows["+strconv.Itoa(i)+"].to", "is required for a flow that is none of mail.outgoing: the beginnings of the URLs that messages may go to")
		}
	}
	if len(s.faults) > 0 {
		return
	}
	if _, err := messages.New(s.messages(nil)); err != nil {
		s.wrong("messages", "cannot be: %v", err)
	}
}

// leastMessageToken is how long a secret has to be that nobody guesses.
const leastMessageToken = 16

// messages is the configuration of the API. The couriers deliver mail, by flow.
func (s *gateSettings) messages(couriers map[string]spool.Courier) messages.Config {
	c := messages.Config{
		Flows: map[string]messages.Target{}, Limits: messages.Limits{Body: int64(s.Messages.Body), AtOnce: int(s.Messages.AtOnce)}, Log: slog.New(slog.DiscardHandler),
	}
	for _, t := range s.Messages.Tokens {
		sum := sha256.Sum256([]byte(t.Token))
		c.Tokens = append(c.Tokens, messages.Token{Name: t.Name, Hash: hex.EncodeToString(sum[:]), Flows: t.Flows, Read: t.Read, Cancel: t.Cancel})
	}
	for i, f := range s.Messages.Flows {
		t := messages.Target{To: f.To, Private: prefixes(f.Private), Headers: f.Headers, Timeout: time.Duration(f.Timeout)}
		if len(f.To) == 0 {
			t.Envelope = mailEnvelope
			if t.Mail = couriers[f.Flow]; t.Mail == nil {
				t.Mail = &mx.Courier{} // the configuration is only looked at
			}
		}
		if f.CA != "" {
			t.TLS = s.trusting("messages.flows["+strconv.Itoa(i)+"].ca", f.CA)
		}
		c.Flows[f.Flow] = t
	}
	return c
}

// mailEnvelope writes an envelope as a courier of mail reads it.
func mailEnvelope(from string, to []string, message []byte) ([]byte, error) {
	e := mx.Envelope{From: from, UTF8: !plainASCII(from)}
	for _, one := range to {
		e.Rcpts = append(e.Rcpts, mx.Recipient{To: one})
		e.UTF8 = e.UTF8 || !plainASCII(one)
	}
	head, _, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	e.UTF8 = e.UTF8 || !plainASCII(string(head))
	if !plainASCII(string(message)) {
		e.Body = "8BITMIME"
	}
	return json.Marshal(e)
}

func plainASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}
