package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"example.org/interlude/gate"
	"example.org/interlude/status"
)

type gateCheckCommand struct {
	Config string `short:"c" required:"" env:"INTERLUDE_GATE_CONFIG" placeholder:"FILE" help:"The configuration to read."`
}

// Help explains what is looked at.
func (gateCheckCommand) Help() string {
	return `It opens no connection and changes nothing. Variables of the environment that the file names have to be set.

  interlude gate check --config gate.yaml`
}

// gateReport is what a configuration means.
type gateReport struct {
	Name     string       `json:"name"`
	Server   string       `json:"server,omitempty"`
	State    string       `json:"state"`
	Admin    string       `json:"admin,omitempty"`
	Listen   []string     `json:"listen"`
	Flows    []flowReport `json:"flows"`
	Keeps    []string     `json:"keeps,omitempty"`
	Warnings []string     `json:"warnings"`
}

type flowReport struct {
	Flow        string `json:"flow"`
	Match       string `json:"match"`
	Upstream    string `json:"upstream"`
	Interrupted string `json:"interrupted"`
}

// Run says what it understood.
func (c *gateCheckCommand) Run(_ context.Context, s *session) error {
	settings, err := readGate(c.Config, s.env)
	if err != nil {
		return err
	}
	r := settings.report()
	return s.print(r, func(w io.Writer) {
		fmt.Fprintf(w, "%s\n\n", strings.Join(r.Listen, "\n"))
		rows := make([][]string, len(r.Flows))
		for i, f := range r.Flows {
			rows[i] = []string{f.Flow, f.Match, f.Upstream, f.Interrupted}
		}
		table(w, "FLOW TAKES UPSTREAM WHEN-INTERRUPTED", rows)
		if len(r.Keeps) > 0 {
			fmt.Fprintf(w, "\n%s\n", strings.Join(r.Keeps, "\n"))
		}
		for _, warning := range r.Warnings {
			fmt.Fprintf(w, "\n%s: %s\n", s.paint(w, yellow, "note"), warning)
		}
	})
}

func (s *gateSettings) report() gateReport {
	r := gateReport{Name: s.Name, State: s.State, Admin: s.admin, Warnings: []string{}}
	if s.Server != nil {
		r.Server = s.Server.URL
	}
	for _, l := range s.Listen {
		r.Listen = append(r.Listen, l.describe())
	}
	for _, f := range s.config.Flows {
		r.Flows = append(r.Flows, flowReport{f.Name, describeMatches(f.Match), s.describeUpstream(f.Upstream), describeChain(f)})
	}
	r.Keeps = s.describeKept()
	r.Warnings = append(append(r.Warnings, s.surprises()...), s.keptSurprises()...)
	return r
}

func (l listenConfig) describe() string {
	said := []string{l.Address}
	switch {
	case len(l.TLS) == 0 && l.H2C:
		said = append(said, "HTTP/1.1 and HTTP/2 without TLS")
	case len(l.TLS) == 0:
		said = append(said, "HTTP/1.1 without TLS")
	default:
		speaks := "HTTPS with HTTP/2"
		if l.HTTP2 != nil && !*l.HTTP2 {
			speaks = "HTTPS"
		}
		if acme := l.TLS[0].ACME; acme != nil {
			speaks += ", certificates from an authority for " + strings.Join(acme.Hosts, ", ")
		}
		said = append(said, speaks)
	}
	if len(l.ProxyProtocol) > 0 {
		var from []string
		for _, p := range prefixes(l.ProxyProtocol) {
			from = append(from, p.String())
		}
		said = append(said, "PROXY headers from "+strings.Join(from, ", "))
	}
	return strings.Join(said, "  ")
}

func describeMatches(all []gate.Match) string {
	if len(all) == 0 {
		return "everything"
	}
	said := make([]string, len(all))
	for i, m := range all {
		one := cmp.Or(m.Host, "any-host") + m.Path
		if len(m.Methods) > 0 {
			one = strings.Join(m.Methods, ",") + " " + one
		}
		for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
			one += " " + name + ":" + cmp.Or(m.Headers[name], "any")
		}
		said[i] = one
	}
	return strings.Join(said, " or ")
}

func (s *gateSettings) describeUpstream(name string) string {
	return name + " (" + strings.Join(s.config.Upstreams[name].Addresses, ", ") + ")"
}

func describeChain(f gate.Flow) string {
	var said []string
	for _, step := range f.Interrupted {
		switch h := step.Hold; step.Do {
		case gate.DoHold:
			said = append(said, fmt.Sprintf("hold for %s, at most %d requests, %s of bodies; when full, the %s goes on",
				status.Duration(cmp.Or(h.For, gate.DefaultFor)), cmp.Or(h.Requests, gate.DefaultRequests), size(cmp.Or(h.Bytes, gate.DefaultBytes)), cmp.Or(h.Full, gate.Oldest)))
		case gate.DoStale:
			said = append(said, fmt.Sprintf("stale answers up to %s old", status.Duration(cmp.Or(step.Stale.For, time.Hour))))
		default:
			said = append(said, string(step.Do))
		}
	}
	if n := len(f.Interrupted); n == 0 || f.Interrupted[n-1].Do != gate.DoReject && f.Interrupted[n-1].Do != gate.DoPass {
		said = append(said, "reject")
	}
	text := strings.Join(said, ", then ")
	if f.DryRun {
		text += " (dry run: counted, not done)"
	}
	return text
}

// impatient is how long many clients and proxies wait for an answer, at most.
const impatient = time.Minute

// surprises are what a configuration means that its author may not.
func (s *gateSettings) surprises() (all []string) {
	note := func(form string, of ...any) { all = append(all, fmt.Sprintf(form, of...)) }
	if s.Server == nil {
		note("there is no server: nothing tells the gate of maintenances, so that no flow is ever interrupted")
	}
	catchAll := ""
	for _, f := range s.config.Flows {
		if catchAll != "" {
			note("flow %s gets no request: %s stands before it and takes everything", f.Name, catchAll)
		}
		if len(f.Match) == 0 {
			catchAll = f.Name
		}
		for _, step := range f.Interrupted {
			h := step.Hold
			if step.Do != gate.DoHold {
				continue
			}
			if h.For > impatient {
				note("flow %s holds for %s: many clients, and proxies in front, give up after 30 or 60 seconds; raise their limits, or hold for less", f.Name, status.Duration(h.For))
			}
			if limit := s.config.Limits.Requests; limit > 0 && h.Requests > limit {
				note("flow %s may hold %d requests, and limits.requests allows %d for all flows together", f.Name, h.Requests, limit)
			}
			if limit := s.config.Limits.Bytes; limit > 0 && h.Bytes > limit {
				note("flow %s may hold %s of bodies, and limits.bytes allows %s for all flows together", f.Name, size(h.Bytes), size(limit))
			}
			if limit := int(s.Limits.Connections); h.Requests > limit {
				note("flow %s may hold %d requests, and limits.connections allows %d connections", f.Name, h.Requests, limit)
			}
		}
		if u := s.config.Upstreams[f.Upstream]; u.Health.Path == "" {
			note("upstream %s of flow %s has no health.path: it counts as well once it accepts connections", f.Upstream, f.Name)
		}
	}
	return all
}
