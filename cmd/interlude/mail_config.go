package main

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"example.org/interlude/mail"
	"example.org/interlude/mx"
	"example.org/interlude/spool"
)

// mailDoorsConfig is the doors for mail.
type mailDoorsConfig struct {
	Inbound  []inboundConfig  `yaml:"inbound"`
	Outgoing []outgoingConfig `yaml:"outgoing"`
}

// mailDoorConfig is what the doors have in common.
type mailDoorConfig struct {
	Flow     string           `yaml:"flow"`
	Name     string           `yaml:"name"`
	Listen   mailListenConfig `yaml:"listen"`
	Upstream mailUpstream     `yaml:"upstream"`
	Limits   mailLimits       `yaml:"limits"`
	HandOver handOverConfig   `yaml:"hand_over"`
	// Warn is how late mail is when its sender is told, and Bounces the flow by which they are told.
	Warn    lasting `yaml:"warn"`
	Bounces string  `yaml:"bounces"`
}

type mailListenConfig struct {
	Address       string      `yaml:"address"`
	TLS           []tlsConfig `yaml:"tls"`
	Implicit      bool        `yaml:"implicit"`
	ProxyProtocol []network   `yaml:"proxy_protocol"`
}

// UnmarshalText reads an address alone.
func (l *mailListenConfig) UnmarshalText(text []byte) error {
	l.Address = string(text)
	return nil
}

// mailUpstream is the mail server behind a door.
type mailUpstream struct {
	To            string `yaml:"to"`
	CA            string `yaml:"ca"`
	XClient       bool   `yaml:"xclient"`
	ProxyProtocol int    `yaml:"proxy_protocol"`
}

// UnmarshalText reads a URL alone.
func (u *mailUpstream) UnmarshalText(text []byte) error {
	u.To = string(text)
	return nil
}

type mailLimits struct {
	Message     size    `yaml:"message"`
	Recipients  amount  `yaml:"recipients"`
	Connections amount  `yaml:"connections"`
	PerClient   amount  `yaml:"per_client"`
	PerMinute   amount  `yaml:"per_minute"`
	Refused     amount  `yaml:"refused"`
	Timeout     lasting `yaml:"timeout"`
	Memory      size    `yaml:"memory"`
}

type inboundConfig struct {
	mailDoorConfig

	Domains    []string `yaml:"domains"`
	Recipients string   `yaml:"recipients"`
	DSN        *bool    `yaml:"dsn"`
	UTF8       *bool    `yaml:"utf8"`
}

type outgoingConfig struct {
	mailDoorConfig

	Trusted []network         `yaml:"trusted"`
	Users   map[string]string `yaml:"users"`
}

func (l mailLimits) limits() mx.Limits {
	return mx.Limits{
		Message: int64(l.Message), Recipients: int(l.Recipients), Connections: int(l.Connections), PerClient: int(l.PerClient),
		Rate: int(l.PerMinute), Refused: int(l.Refused), Timeout: time.Duration(l.Timeout), Memory: int64(l.Memory),
	}
}

// mailServer reads where a mail server is: smtp://, smtps:// or lmtp://, the last also with the path of a socket.
func (s *gateSettings) mailServer(at string, u mailUpstream) mx.Upstream {
	up := mx.Upstream{XClient: u.XClient, Proxy: u.ProxyProtocol}
	to := s.secret(at+".to", u.To)
	path, lmtp := strings.CutPrefix(to, "lmtp://")
	up.LMTP = lmtp
	var err error
	switch {
	case lmtp && strings.HasPrefix(path, "/"):
		up.Relay = mail.Relay{Address: path, TLS: mail.Never}
	case lmtp:
		if up.Relay, err = mail.ParseRelay("smtp://" + path); err == nil && !strings.Contains(path, ":") {
			err = errors.New("LMTP has no port of its own: say which, as in lmtp://127.0.0.1:24")
		}
	default:
		up.Relay, err = mail.ParseRelay(to)
	}
	if err == nil {
		err = up.Check()
	}
	if err != nil {
		s.wrong(at, "must be a mail server such as smtp://10.0.0.5:25 or lmtp:///run/dovecot/lmtp: %v", err)
	}
	if u.CA != "" {
		if up.Roots, err = readPool(s.near(u.CA)); err != nil {
			s.wrong(at+".ca", "does not fit: %v", err)
		}
	}
	return up
}

// checkMail refuses doors for mail that cannot work.
func (s *gateSettings) checkMail() {
	if s.Mail == nil {
		return
	}
	for i := range s.Mail.Inbound {
		c, at := &s.Mail.Inbound[i], "mail.inbound["+strconv.Itoa(i)+"]"
		s.checkMailDoor(at, &c.mailDoorConfig)
		if c.Recipients != "" {
			if _, err := readRecipients(s.near(c.Recipients)); err != nil {
				s.wrong(at+".recipients", "cannot be used: %v", err)
			}
		}
		if err := s.inbound(c).Check(); err != nil {
			s.wrong(at, "cannot be: %v", err)
		}
	}
	for i := range s.Mail.Outgoing {
		c, at := &s.Mail.Outgoing[i], "mail.outgoing["+strconv.Itoa(i)+"]"
		s.checkMailDoor(at, &c.mailDoorConfig)
		for name, text := range c.Users {
			c.Users[name] = s.secret(at+".users."+name, text)
		}
		door := s.outgoing(c)
		if len(c.Listen.TLS) > 0 {
			door.TLS = &tls.Config{MinVersion: tls.VersionTLS12} // the certificates come when the door opens
		}
		if err := door.Check(); err != nil {
			s.wrong(at, "cannot be: %v", err)
		}
	}
	for _, d := range s.mailDoors() {
		if d.Bounces != "" && !s.delivers(d.Bounces) {
			s.wrong("mail", "flow %s sends bounces by %q, which is no flow of mail.outgoing", d.Flow, d.Bounces)
		}
	}
}

// mailDoors are all of them.
func (s *gateSettings) mailDoors() (all []*mailDoorConfig) {
	if s.Mail == nil {
		return nil
	}
	for i := range s.Mail.Inbound {
		all = append(all, &s.Mail.Inbound[i].mailDoorConfig)
	}
	for i := range s.Mail.Outgoing {
		all = append(all, &s.Mail.Outgoing[i].mailDoorConfig)
	}
	return all
}

// delivers reports whether a flow is one by which mail leaves.
func (s *gateSettings) delivers(flow string) bool {
	for _, c := range s.outgoings() {
		if c.Flow == flow {
			return true
		}
	}
	return false
}

func (s *gateSettings) outgoings() []outgoingConfig {
	if s.Mail == nil {
		return nil
	}
	return s.Mail.Outgoing
}

func (s *gateSettings) checkMailDoor(at string, c *mailDoorConfig) {
	setDefault(&c.Name, s.Name)
	if _, port, err := net.SplitHostPort(c.Listen.Address); err != nil || !isPort(port) {
		s.wrong(at+".listen", "must be an address with a port, such as 0.0.0.0:25, not %q", c.Listen.Address)
	}
	if c.Flow == "" {
		s.wrong(at+".flow", "is required: the name that promises have for this mail, such as inbound")
	}
	for j := range c.Listen.TLS {
		one := &c.Listen.TLS[j]
		one.Cert, one.Key = s.near(one.Cert), s.near(one.Key)
		s.checkTLS(at+".listen.tls["+strconv.Itoa(j)+"]", *one, len(c.Listen.TLS))
	}
	if c.Upstream.To == "" {
		s.wrong(at+".upstream", "is required: the mail server behind, such as smtp://10.0.0.5:25")
		c.Upstream.To = "smtp://127.0.0.1:25"
		return
	}
	s.mailServer(at+".upstream", c.Upstream)
}

// inbound is the door for mail that comes, without what it needs of a gate that runs.
func (s *gateSettings) inbound(c *inboundConfig) *mx.Inbound {
	return &mx.Inbound{
		Name: c.Name, Flow: c.Flow, Spool: unopened{}, Upstream: s.mailServer("mail", c.Upstream), Domains: c.Domains,
		NoDSN: c.DSN != nil && !*c.DSN, NoUTF8: c.UTF8 != nil && !*c.UTF8, Proxies: prefixes(c.Listen.ProxyProtocol), Limits: c.Limits.limits(),
	}
}

// outgoing is the door for mail that leaves.
func (s *gateSettings) outgoing(c *outgoingConfig) *mx.Outgoing {
	door := &mx.Outgoing{
		Name: c.Name, Flow: c.Flow, Spool: unopened{}, Trusted: prefixes(c.Trusted), Implicit: c.Listen.Implicit,
		Proxies: prefixes(c.Listen.ProxyProtocol), Limits: c.Limits.limits(),
	}
	if len(c.Users) > 0 {
		door.Login = func(user, password string) bool {
			want, known := c.Users[user]
			return subtle.ConstantTimeCompare([]byte(want), []byte(password)) == 1 && known && want != ""
		}
	}
	return door
}

// mailCourier hands over the mail of a door.
func (s *gateSettings) mailCourier(c *mailDoorConfig) *mx.Courier {
	return &mx.Courier{Name: c.Name, Upstream: s.mailServer("mail", c.Upstream), Bounces: c.Bounces, Delays: c.Warn > 0}
}

// mailFlow is what the spool is told of a flow of mail.
func mailFlow(ctx context.Context, c *mailDoorConfig, courier *mx.Courier) spool.Flow {
	f := c.HandOver.flow(courier)
	f.Shelve = courier.GiveUp(ctx)
	if c.Warn > 0 {
		f.Warn, f.Warned = time.Duration(c.Warn), courier.Warn(ctx)
	}
	return f
}

// readRecipients reads the list of addresses that there are.
func readRecipients(name string) (*mx.Recipients, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := mx.ParseRecipients(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return list, nil
}
