package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	netmail "net/mail"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"example.org/interlude/mail"
	"example.org/interlude/notify"
)

// noticesConfig is the file that says how subscribers are told. Without one, webhooks and chats are told, and nobody by mail.
type noticesConfig struct {
	Mail     *mailConfig    `yaml:"mail"`
	Webhooks webhooksConfig `yaml:"webhooks"`
	// Window is how many deliveries may be under way and not recorded, by each channel.
	Window int `yaml:"window"`
	// folder is where the file is, from which the names in it are meant.
	folder string
}

// mailConfig is how mail is sent.
type mailConfig struct {
	From    string   `yaml:"from"`
	ReplyTo string   `yaml:"reply_to"`
	Relays  []string `yaml:"relays"`
	// Hello is the name that this machine has in the DNS.
	Hello string       `yaml:"hello"`
	DKIM  []dkimConfig `yaml:"dkim"`
	// Limits are messages a second, by domain.
	Limits  map[string]float64 `yaml:"limits"`
	Bounces bouncesConfig      `yaml:"bounces"`
}

// dkimConfig is a key that mail is signed with.
type dkimConfig struct {
	Domain   string `yaml:"domain"`
	Selector string `yaml:"selector"`
	Key      string `yaml:"key"`
}

// bouncesConfig is where what could not be delivered is reported to.
type bouncesConfig struct {
	Address string `yaml:"address"`
	Listen  string `yaml:"listen"`
}

// webhooksConfig is what webhooks may reach.
type webhooksConfig struct {
	Allow []string `yaml:"allow"`
}

// largestConfig bounds the file, in bytes.
const largestConfig = 1 << 20

// mostWindow bounds what is held in memory and what a crash may send twice.
const mostWindow = 10_000

// readNotices reads the file, if one is named. $NAME in a relay is taken from the environment, so that passwords need not
// stand in files.
func readNotices(name string, env func(string) string) (noticesConfig, error) {
	var c noticesConfig
	if name == "" {
		return c, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return c, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largestConfig))
	if err != nil {
		return c, err
	}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	if c.Window < 0 || c.Window > mostWindow {
		return c, fmt.Errorf("%s: window: must be a number from 1 to %d, or left out for %d", name, mostWindow, notify.DefaultWindow)
	}
	c.folder = filepath.Dir(name)
	if c.Mail != nil {
		limits := make(map[string]float64, len(c.Mail.Limits))
		for domain, limit := range c.Mail.Limits {
			if limit <= 0 {
				return c, fmt.Errorf("%s: mail.limits.%s: must be messages a second, such as 20 or 0.5, not %v", name, domain, limit)
			}
			limits[strings.ToLower(domain)] = limit
		}
		c.Mail.Limits = limits
		for i, relay := range c.Mail.Relays {
			var unset string
			c.Mail.Relays[i] = os.Expand(relay, func(variable string) string {
				if env(variable) == "" {
					unset = variable
				}
				return urlEscape(env(variable))
			})
			if unset != "" {
				return c, fmt.Errorf("%s: mail.relays[%d]: $%s is not set in the environment", name, i, unset)
			}
		}
	}
	return c, nil
}

// urlEscape writes a user or a password as a URL has it.
func urlEscape(text string) string {
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// prefixes are the networks that webhooks may reach although they are not public.
func (c webhooksConfig) prefixes() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range c.Allow {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			if addr, notOne := netip.ParseAddr(text); notOne == nil {
				prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
			}
		}
		if err != nil {
			return nil, fmt.Errorf("webhooks.allow: must be networks such as 10.20.0.0/16, not %q", text)
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}

// sender is who writes: the name and the address.
func (c mailConfig) sender() (name string, address mail.Mailbox, err error) {
	parsed, err := netmail.ParseAddress(c.From)
	if err != nil {
		return "", address, fmt.Errorf("mail.from: must be who writes, such as Northwind Status <status@northwind.example>, not %q", c.From)
	}
	address, err = mail.ParseMailbox(parsed.Address)
	if err != nil {
		return "", address, fmt.Errorf("mail.from: %w", err)
	}
	return parsed.Name, address, nil
}

// relays are those that mail is handed to, and how many connections the widest of them has.
func (c mailConfig) relays() (all []mail.Relay, connections int, err error) {
	if len(c.Relays) == 0 {
		return nil, 0, errors.New("mail.relays: is required: where mail is handed to, such as [smtp://mail.northwind.example:587]")
	}
	for i, text := range c.Relays {
		r, err := mail.ParseRelay(text)
		if err != nil {
			return nil, 0, fmt.Errorf("mail.relays[%d]: %w", i, err)
		}
		all, connections = append(all, r), max(connections, r.Connections)
	}
	return all, connections, nil
}

// signers are the keys that mail is signed with.
func (c noticesConfig) signers() (mail.Signers, error) {
	var all mail.Signers
	for i, d := range c.Mail.DKIM {
		key := d.Key
		if !filepath.IsAbs(key) {
			key = filepath.Join(c.folder, key)
		}
		text, err := os.ReadFile(key)
		if err != nil {
			return nil, fmt.Errorf("mail.dkim[%d].key: %w", i, err)
		}
		s, err := mail.ParseSigner(d.Domain, d.Selector, text)
		if err != nil {
			return nil, fmt.Errorf("mail.dkim[%d]: %w", i, err)
		}
		all = append(all, s)
	}
	return all, nil
}
