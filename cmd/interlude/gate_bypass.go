package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"example.org/interlude/gate"
)

type gateBypassCommand struct {
	Config string `short:"c" required:"" env:"INTERLUDE_GATE_CONFIG" placeholder:"FILE" help:"The gate's configuration, which has the keys."`
	For    string `default:"2h" placeholder:"DURATION" help:"How long it is good."`
	Name   string `default:"operator" placeholder:"NAME" help:"Whom it is for."`
	Site   string `placeholder:"URL" help:"Address of the product, for the link; without it that of the first flow that names a host."`
}

// Help explains what it is good for.
func (gateBypassCommand) Help() string {
	return `Whoever has a pass uses the product behind an interruption, to see whether it works before everybody else does. It is handed on
like a password, and cannot be taken back but by removing the key. The link sets a cookie in a browser; opening it without
the token takes the cookie away.

  interlude gate bypass --config gate.yaml --for 2h --name ops
  curl -H "$(interlude gate bypass -c gate.yaml --json | jq -r .header)" https://app.example.com/`
}

// Run makes it. It needs no gate and no server.
func (c *gateBypassCommand) Run(_ context.Context, s *session) error {
	settings, err := readGate(c.Config, s.env)
	if err != nil {
		return err
	}
	if len(settings.config.Bypass) == 0 {
		return fmt.Errorf("%s: bypass.keys is empty, so that no pass is taken: `interlude gate key` makes a key", c.Config)
	}
	lasts, err := spanOf("--for", c.For)
	if err != nil {
		return err
	}
	if lasts <= 0 {
		return usage("--for must be longer than nothing, such as 2h")
	}
	site, err := url.Parse(cmp.Or(c.Site, settings.site()))
	if err != nil || site.Scheme != "http" && site.Scheme != "https" || site.Host == "" {
		return usage("--site must be the address of the product, such as https://app.example.com, not %q", c.Site)
	}
	until := time.Now().Add(time.Duration(lasts)).Truncate(time.Second)
	token, err := gate.NewBypass(settings.config.Bypass[0], c.Name, until)
	if err != nil {
		return usage("%v", err)
	}
	site.Path, site.RawQuery = "/.interlude/bypass", url.Values{"token": {token}}.Encode()
	pass := struct {
		Header string    `json:"header"`
		Cookie string    `json:"cookie"`
		Link   string    `json:"link"`
		Until  time.Time `json:"until"`
	}{gate.BypassHeader + ": " + token, gate.BypassCookie + "=" + token, site.String(), until.UTC()}
	return s.print(pass, func(w io.Writer) {
		fmt.Fprintf(w, "header  %s\ncookie  %s\nlink    %s\nuntil   %s\n", pass.Header, pass.Cookie, pass.Link, precise(until, time.UTC))
	})
}

// site is where the product is for its users, as far as the configuration tells.
func (s *gateSettings) site() string {
	scheme := "http"
	for _, l := range s.Listen {
		if len(l.TLS) > 0 {
			scheme = "https"
		}
	}
	for _, f := range s.Flows {
		for _, m := range f.Match {
			if m.Host != "" && !strings.HasPrefix(m.Host, "*") {
				return scheme + "://" + m.Host
			}
		}
	}
	if len(s.Listen) > 0 {
		return scheme + "://" + nearAddress(s.Listen[0].Address)
	}
	return scheme + "://localhost"
}

type gateKeyCommand struct{}

// Help explains where it goes.
func (gateKeyCommand) Help() string {
	return `The key goes into the environment of the gate, and its variable's name into gate.yaml: bypass: {keys: [$INTERLUDE_BYPASS_KEY]}.
The first key signs and all are accepted, so that a new one can be put before the one in use.

  export INTERLUDE_BYPASS_KEY=$(interlude gate key)`
}

// Run prints it.
func (gateKeyCommand) Run(_ context.Context, s *session) error {
	key := make([]byte, gate.LeastKey)
	if _, err := rand.Read(key); err != nil {
		return errors.New("the system gives no randomness")
	}
	text := base64.StdEncoding.EncodeToString(key)
	return s.print(map[string]string{"key": text}, func(w io.Writer) { fmt.Fprintln(w, text) })
}
