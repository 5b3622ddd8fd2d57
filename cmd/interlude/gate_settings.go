package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"example.org/interlude/cache"
	"example.org/interlude/gate"
	"example.org/interlude/upstream"
)

// translate makes of the file what package gate takes, and notes where the two name the same thing differently.
func (s *gateSettings) translate() {
	s.config = gate.Config{
		Upstreams: map[string]upstream.Config{},
		Limits:    gate.Limits{Requests: int(s.Limits.Requests), Bytes: int64(s.Limits.Bytes)},
		Drain:     gate.Drain{From: int(s.Drain.From), InFlight: int(s.Drain.InFlight)},
		Find: gate.Find{
			Off: s.Find.Off, Statuses: s.Find.Statuses, Failures: int(s.Find.Failures), Within: time.Duration(s.Find.Within),
			Successes: int(s.Find.Successes), Every: time.Duration(s.Find.Every),
		},
		Cache:   cache.Limits{Bytes: int64(s.Cache.Bytes), Entry: int64(s.Cache.Entry)},
		Trusted: prefixes(s.Trusted),
	}
	for i, key := range s.Bypass.Keys {
		at := "bypass.keys[" + strconv.Itoa(i) + "]"
		s.places["bypass["+strconv.Itoa(i)+"]"] = at
		s.config.Bypass = append(s.config.Bypass, keyBytes(s.secret(at, key)))
	}
	for name, u := range s.Upstreams {
		s.config.Upstreams[name] = s.upstream("upstreams."+name, u)
	}
	for i, f := range s.Flows {
		s.config.Flows = append(s.config.Flows, s.flow("flows["+strconv.Itoa(i)+"]", f))
	}
	s.config.Others = s.others()
}

// others are the flows that are not HTTP.
func (s *gateSettings) others() (names []string) {
	for _, d := range s.mailDoors() {
		names = append(names, d.Flow)
	}
	if s.Messages != nil {
		for _, f := range s.Messages.Flows {
			if len(f.To) > 0 { // the others are flows of mail
				names = append(names, f.Flow)
			}
		}
	}
	return names
}

func (s *gateSettings) upstream(at string, u upstreamConfig) upstream.Config {
	c := upstream.Config{
		Addresses: u.To, Balance: u.Balance, ConnectTimeout: time.Duration(u.Connect), HeaderTimeout: time.Duration(u.Answer),
		IdleTimeout: time.Duration(u.Idle),
		Health: upstream.Health{
			Path: u.Health.Path, Host: u.Health.Host, Every: time.Duration(u.Health.Every), Timeout: time.Duration(u.Health.Timeout),
			Rise: int(u.Health.Rise), Fall: int(u.Health.Fall), Status: u.Health.Status,
		},
	}
	setDefault(&c.ConnectTimeout, 3*time.Second)
	setDefault(&c.HeaderTimeout, time.Minute)
	setDefault(&c.IdleTimeout, 90*time.Second)
	if c.Health.Path != "" {
		setDefault(&c.Health.Every, 2*time.Second)
		setDefault(&c.Health.Timeout, time.Second)
	}
	if u.CA != "" {
		c.TLS = s.trusting(at+".ca", u.CA)
	}
	_, err := upstream.New(c)
	switch {
	case len(u.To) == 0:
		s.wrong(at+".to", "is required: where the product answers, such as [http://10.0.0.1:8080]")
	case err != nil:
		s.wrong(at, "cannot be: %v", err)
	default:
		return c
	}
	return upstream.Config{Addresses: []string{"http://127.0.0.1"}} // one that nobody complains about again
}

// trusting is how servers are recognised whose certificates an authority of a file has signed.
func (s *gateSettings) trusting(at, ca string) *tls.Config {
	pool, err := readPool(s.near(ca))
	if err != nil {
		s.wrong(at, "does not fit: %v", err)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// readPool reads the certificates of authorities.
func readPool(name string) (*x509.CertPool, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: holds no certificate in PEM", name)
	}
	return pool, nil
}

func (s *gateSettings) flow(at string, f flowConfig) gate.Flow {
	c := gate.Flow{Name: f.Name, Upstream: f.Upstream, DryRun: f.DryRun}
	for _, m := range f.Match {
		c.Match = append(c.Match, gate.Match{Host: m.Host, Path: m.Path, Methods: m.Methods, Headers: m.Headers})
	}
	s.chain(&c, at, at+".interrupted", f.Interrupted)
	return c
}

// chain adds steps to those of a flow: what follows a step in the list, and what it has below then.
func (s *gateSettings) chain(c *gate.Flow, at, path string, steps []stepConfig) {
	for i, step := range steps {
		here := path + "[" + strconv.Itoa(i) + "]"
		s.places[at+".interrupted["+strconv.Itoa(len(c.Interrupted))+"]"] = here
		if err := step.fits(); err != nil {
			s.wrong(here, "%v", err)
		}
		is := step.step()
		if step.Do == gate.DoQueue {
			is.Queue = s.queue(here, step)
		}
		c.Interrupted = append(c.Interrupted, is)
		if len(step.Then) > 0 && i < len(steps)-1 {
			s.wrong(here+".then", "stands in the middle of a list: either list the steps, or write then below each")
		}
		s.chain(c, at, here+".then", step.Then)
	}
}

// fits refuses keys that a step has no use for.
func (s stepConfig) fits() error {
	bounded := s.Requests != 0 || s.Bytes != 0 || s.Full != ""
	queues := len(s.Methods) > 0 || s.Asked || s.Order != "" || s.Verify != nil
	switch {
	case s.Do != gate.DoHold && bounded:
		return errors.New("has the keys requests, bytes and full only if it holds")
	case s.Do != gate.DoHold && s.Do != gate.DoQueue && s.Body != nil:
		return errors.New("has the key body only if it holds or queues")
	case s.Do != gate.DoQueue && queues:
		return errors.New("has the keys methods, asked, order and verify only if it queues")
	case s.Do != gate.DoHold && s.Do != gate.DoStale && s.For != 0:
		return errors.New("has the key for only if it holds or is stale")
	}
	return nil
}

func (s stepConfig) step() gate.Step {
	is := gate.Step{Do: s.Do}
	switch s.Do {
	case gate.DoHold:
		is.Hold = gate.Hold{For: time.Duration(s.For), Requests: int(s.Requests), Bytes: int64(s.Bytes), Full: s.Full}
		if s.Body != nil {
			is.Hold.Body = int64(*s.Body)
			setDefault(&is.Hold.Body, -1) // none is kept
		}
	case gate.DoStale:
		is.Stale.For = time.Duration(s.For)
	}
	return is
}
