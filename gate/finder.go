package gate

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"

	"example.org/interlude/upstream"
)

// An interruption that was found lapses by itself, should the finder end, and is renewed while it lasts.
const (
	foundLapses  = 2 * time.Minute
	foundRenewed = 30 * time.Second
)

// finder finds interruptions: inside windows, from requests that fail and from probes. Outside of them it does nothing.
type finder struct {
	log  *slog.Logger
	kick chan struct{}

	mu      sync.Mutex // taken before that of a lane
	watched map[*lane]*found
	probes  map[prober]*probe
}

// found is a watch with the interruption that it has opened.
type found struct {
	watch
	lane    *lane
	product prober
	id      string
	cause   string
	renewed time.Time
}

// prober can be asked whether the product is there: a group of addresses, which may serve several lanes, or what asks for one
// that is not HTTP. It is compared by its address.
type prober interface {
	Probe(ctx context.Context) error
}

var _ prober = (*upstream.Group)(nil)

// otherProbe asks for a lane that is not HTTP. One that cannot ask finds nothing wrong.
type otherProbe struct {
	ask func(context.Context) error
}

// otherPatience bounds one such asking.
const otherPatience = 5 * time.Second

// Probe asks.
func (p *otherProbe) Probe(ctx context.Context) error {
	if p.ask == nil {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, otherPatience)
	defer stop()
	return p.ask(ctx)
}

// probe is the asking of one product, on behalf of all lanes that it serves.
type probe struct {
	due    time.Time
	began  time.Time
	asking bool
}

func newFinder(log *slog.Logger) *finder {
	return &finder{log: log, kick: make(chan struct{}, 1), watched: map[*lane]*found{}, probes: map[prober]*probe{}}
}

// wake has the finder look at the lanes: a window may have opened or closed. It never waits.
func (f *finder) wake() {
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

// failed notes a request of a lane that failed; sent says that it may have reached the product.
func (f *finder) failed(l *lane, sent bool, why string) {
	if l.window.Load() == nil {
		return
	}
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	in := f.watched[l]
	if in == nil {
		return
	}
	if !in.away && l.planned() {
		in.excuse()
		return
	}
	if in.failed(now, l.answered()) {
		f.open(in, now, fmt.Sprintf("%d requests failed within %s: %s", in.find.Failures, in.find.Within, why))
		return
	}
	if !sent && !in.away && in.refused.IsZero() {
		in.refused = now
		if p := f.probes[in.product]; p != nil {
			p.due = now
			f.wake()
		}
	}
}

// well notes a request that was answered well. Almost always nobody wants to know.
func (f *finder) well(l *lane) {
	if phase(l.phase.Load()) != interrupted {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if in := f.watched[l]; in != nil && in.well() {
		f.end(in, time.Now())
	}
}

// answered is how many requests of a lane the product has answered well.
func (l *lane) answered() int64 { return l.counts.by[wasPassed].Load() + l.counts.by[wasHeld].Load() }

// open opens the interruption of a lane.
func (f *finder) open(in *found, now time.Time, why string) {
	in.open(now)
	in.id, in.cause = "found-"+randomHex(4), plainLine(why)
	f.renew(in, now)
}

// renew has the interruption lapse later.
func (f *finder) renew(in *found, now time.Time) {
	w := in.lane.window.Load()
	if w == nil {
		return
	}
	in.renewed = now
	in.lane.open(cause{id: in.id, maintenance: w.maintenance, found: in.cause, lapses: now.Add(foundLapses)}, now)
}

func (f *finder) end(in *found, now time.Time) {
	in.end(now)
	in.lane.close(in.id, now)
}

// probeEnd is what a probe found.
type probeEnd struct {
	product prober
	err     error
}

// run watches the lanes whose window is open, until ctx ends. The probes have goroutines of their own, one for each product, so
// that a product that hangs holds up no other.
func (f *finder) run(ctx context.Context, lanes func() []*lane) error {
	answers, timer := make(chan probeEnd), time.NewTimer(0)
	defer timer.Stop()
	var probes sync.WaitGroup
	defer probes.Wait()
	ask := func(product prober) {
		probes.Go(func() {
			err := product.Probe(ctx)
			select {
			case answers <- probeEnd{product, err}:
			case <-ctx.Done():
			}
		})
	}
	for {
		if wait, some := f.look(lanes(), time.Now(), ask); some {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return nil
		case a := <-answers:
			f.probed(a, time.Now())
		case <-f.kick:
		case <-timer.C:
		}
	}
}

// look does what is due at now and says when to look again, or that there is nothing to watch.
func (f *finder) look(lanes []*lane, now time.Time, ask func(prober)) (wait time.Duration, some bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.choose(lanes, now)
	wait = foundRenewed
	for _, in := range f.watched {
		if in.away && !in.lane.isOpen(in.id) { // somebody else ended it
			in.end(now)
		}
		if in.away && now.Sub(in.renewed) >= foundRenewed {
			f.renew(in, now)
		}
		p := f.probes[in.product]
		if !p.asking && !now.Before(p.due) {
			p.asking, p.began, p.due = true, now, now.Add(in.find.Every)
			ask(in.product)
		}
		if !p.asking {
			wait = min(wait, p.due.Sub(now))
		}
	}
	return wait, len(f.watched) > 0
}

// choose begins and ends the watching of lanes, as their windows open and close and the configuration changes.
func (f *finder) choose(lanes []*lane, now time.Time) {
	watched, probes := map[*lane]*found{}, map[prober]*probe{}
	for _, l := range lanes {
		flow, lay := l.flow.Load(), l.gate.layout.Load()
		if l.window.Load() == nil || lay.find.Off || l.does() == string(DoPass) {
			continue
		}
		in := f.watched[l]
		if in == nil {
			in = &found{lane: l}
		}
		in.find = lay.find
		if flow != nil {
			in.asks, in.product = lay.configs[flow.Upstream].Health.Path != "", flow.group
		} else if p := lay.probes[l]; p != nil {
			in.asks, in.product = p.ask != nil, p
		} else {
			continue // a configuration is being put in force
		}
		watched[l] = in
		if probes[in.product] = f.probes[in.product]; probes[in.product] == nil {
			probes[in.product] = &probe{due: now}
		}
	}
	for l, in := range f.watched {
		if watched[l] == nil && in.away {
			f.end(in, now)
		}
	}
	f.watched, f.probes = watched, probes
}

// probed tells all lanes of a group what a probe found.
func (f *finder) probed(a probeEnd, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.probes[a.product]
	if p == nil {
		return // the configuration has it no more
	}
	p.asking = false
	for _, in := range f.watched {
		if in.product != a.product {
			continue
		}
		planned := in.lane.planned()
		if planned {
			in.excuse()
		}
		opens, ends := in.probed(a.err == nil, p.began, now)
		switch {
		case opens && !planned:
			f.open(in, now, fmt.Sprintf("the product does not answer: %s", a.err))
		case ends:
			f.end(in, now)
		case in.tries(now) && in.lane.tryOne():
			in.letGo(now)
		}
		if !in.refused.IsZero() {
			p.due = now // it was refused after the probe had begun
		}
	}
}

// isOpen reports whether an interruption of a lane is open.
func (l *lane) isOpen(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.causes[id] != nil
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// plainLine is a text that came from elsewhere as one short line.
func plainLine(text string) string {
	const most = 200 // characters
	line := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?")))
	return strings.TrimSpace(string(line[:min(len(line), most)]))
}
