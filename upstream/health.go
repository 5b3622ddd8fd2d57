package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Health is how the product is asked whether it is well.
type Health struct {
	// Path is asked for by GET, with Host if that is not empty. Without a path, an address is well that can be connected to.
	Path, Host string
	// Every is the time between checks; zero is none but those of Probe.
	Every time.Duration
	// Timeout bounds one check; zero is 5 seconds.
	Timeout time.Duration
	// Rise and Fall are how many checks in a row make an address well and unwell; zero is 2 and 3.
	Rise, Fall int
	// Status are the codes that mean well; none is every code from 200 to 399.
	Status []int
}

func (h Health) check() error {
	target, err := url.ParseRequestURI(h.Path)
	switch {
	case h.Path == "":
	case err != nil || !strings.HasPrefix(h.Path, "/"):
		return fmt.Errorf(`path of health checks %q: it is written as in "/healthz"`, h.Path)
	case checkTarget(http.MethodGet, target) != nil:
		return fmt.Errorf(`path of health checks %q: it holds a space or a control character`, h.Path)
	}
	for _, code := range h.Status {
		if code < 200 || code > 599 {
			return fmt.Errorf("status %d of health checks: a final status is 200 to 599", code)
		}
	}
	return nil
}

// expects tells whether a status means well.
func (h Health) expects(code int) bool {
	if len(h.Status) == 0 {
		return code >= 200 && code <= 399
	}
	return slices.Contains(h.Status, code)
}

// Probe asks every address at once, and gives nil when at least one of them is well now. What it finds counts like a check.
func (g *Group) Probe(ctx context.Context) error {
	faults := make([]error, len(g.addresses))
	var asked sync.WaitGroup
	for i, a := range g.addresses {
		asked.Go(func() { faults[i] = g.ask(ctx, a) })
	}
	asked.Wait()
	if slices.Contains(faults, nil) {
		return nil
	}
	return errors.Join(faults...)
}

// watch checks an address until ctx ends.
func (g *Group) watch(ctx context.Context, a *address) {
	ticker := time.NewTicker(g.config.Health.Every)
	defer ticker.Stop()
	for {
		_ = g.ask(ctx, a) // it has told what changed
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// ask checks an address once, and remembers what it finds.
func (g *Group) ask(ctx context.Context, a *address) error {
	within, stop := context.WithTimeoutCause(ctx, g.config.Health.Timeout,
		fmt.Errorf("upstream %s: no answer to the health check within %s", a.text, g.config.Health.Timeout))
	defer stop()
	var err error
	if g.config.Health.Path == "" {
		err = g.connect(within, a)
	} else {
		err = g.get(within, a)
	}
	if ctx.Err() == nil { // otherwise it was given up, which says nothing
		g.judge(a, err)
	}
	return err
}

// connect checks whether an address can be connected to.
func (g *Group) connect(ctx context.Context, a *address) error {
	c, err := g.config.dialer().DialContext(ctx, a.network, a.place)
	if err != nil {
		return fmt.Errorf("upstream %s: %w", a.text, err)
	}
	return c.Close()
}

// get checks what an address answers.
func (g *Group) get(ctx context.Context, a *address) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.host+g.config.Health.Path, http.NoBody)
	if err != nil {
		return fmt.Errorf("upstream %s: %w", a.text, err)
	}
	r.Host = g.config.Health.Host
	r.Header.Set("User-Agent", "interlude")
	a.busy.Add(1)
	answer, err := a.carrier.roundTrip(r, nil)
	if err != nil {
		a.busy.Add(-1)
		return err
	}
	defer answer.Body.Close()
	const worthReading = 64 << 10 // for the sake of the connection
	if _, err := io.CopyN(io.Discard, answer.Body, worthReading); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("upstream %s: read the answer to the health check: %w", a.text, err)
	}
	if !g.config.Health.expects(answer.StatusCode) {
		return fmt.Errorf("upstream %s: the health check is answered with %d", a.text, answer.StatusCode)
	}
	return nil
}

// judge counts a check, and says so once when the address changes.
func (g *Group) judge(a *address, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.aside.Store(0)
		a.streak = max(a.streak, 0) + 1
		if a.streak >= g.config.Health.Rise && a.healthy.CompareAndSwap(false, true) {
			g.log.Info("the product's address is well again", "address", a.text)
		}
		return
	}
	a.streak = min(a.streak, 0) - 1
	if -a.streak >= g.config.Health.Fall && a.healthy.CompareAndSwap(true, false) {
		g.log.Warn("the product's address is not well", "address", a.text, "error", err)
	}
}
