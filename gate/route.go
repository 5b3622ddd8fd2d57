package gate

import (
	"cmp"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"

	"example.org/interlude/upstream"
)

// flow is a Flow in force.
type flow struct {
	Flow
	lane  *lane
	group *upstream.Group
	// hold is the bounds of its hold, whether it has such a step or not; holds says that it has one, stores that its
	// answers are stored.
	hold          Hold
	holds, stores bool
	queue         *Queue // what it queues; nil for nothing
	keeps         int64  // how much of a body is kept for another attempt, or for the queue
	back          string // where pages ask whether it is normal again
}

// does names what happens first while the flow is interrupted.
func (f *flow) does() string {
	if len(f.Interrupted) == 0 {
		return string(DoReject)
	}
	return string(f.Interrupted[0].Do)
}

// layout is a configuration in force. It never changes.
type layout struct {
	edge     edge
	find     Find
	bypass   bypass
	observe  observer
	flows    []*flow
	lanes    []*lane
	spool    Spool
	entries  Entries
	probes   map[*lane]*otherProbe // of those that have no flow
	groups   map[string]*upstream.Group
	configs  map[string]upstream.Config
	replaced chan struct{} // closed when another one is in force

	// byHost are the rules that can fit a host that some rule names, in order; others are those for all other hosts.
	byHost map[string][]rule
	others []rule
}

// rule is one Match of a flow.
type rule struct {
	flow *flow
	Match
}

// lay makes the layout of a checked configuration. Groups that did not change stay, with their connections; lanes stay
// by name.
func (g *Gate) lay(c Config, was *layout) (*layout, error) {
	next := &layout{
		edge: edge{trusted: c.Trusted}, find: c.Find.withDefaults(), bypass: bypass{keys: c.Bypass}, observe: c.Observe,
		spool: c.Spool, entries: c.Entries, probes: map[*lane]*otherProbe{},
		groups: map[string]*upstream.Group{}, configs: c.Upstreams, replaced: make(chan struct{}), byHost: map[string][]rule{},
	}
	for name, config := range c.Upstreams {
		if was != nil && was.groups[name] != nil && sameUpstream(was.configs[name], config) {
			next.groups[name] = was.groups[name]
			continue
		}
		group, err := upstream.New(config)
		if err != nil {
			return nil, within("upstreams."+name, err)
		}
		next.groups[name] = group
	}
	lanes := map[string]*lane{}
	for _, configured := range c.Flows {
		l := g.laneOf(configured.Name)
		f := newFlow(configured, l, next.groups[configured.Upstream])
		l.flow.Store(f)
		next.flows, next.lanes, lanes[l.name] = append(next.flows, f), append(next.lanes, l), l
	}
	for _, name := range c.Others {
		l := g.laneOf(name)
		l.flow.Store(nil)
		next.lanes, next.probes[l], lanes[l.name] = append(next.lanes, l), &otherProbe{c.Probes[name]}, l
	}
	for name, l := range g.lanes {
		if lanes[name] == nil {
			l.abandon()
		}
	}
	g.lanes = lanes
	next.index()
	return next, nil
}

// laneOf is the lane of a name: the one that there is, or a new one.
func (g *Gate) laneOf(name string) *lane {
	if l := g.lanes[name]; l != nil {
		return l
	}
	return newLane(name, g)
}

func newFlow(configured Flow, l *lane, group *upstream.Group) *flow {
	f := &flow{Flow: configured, lane: l, group: group, back: backPath(configured.Name)}
	for _, step := range f.Interrupted {
		switch step.Do {
		case DoHold:
			f.holds, f.hold = true, step.Hold.withDefaults()
			f.keeps = max(f.keeps, f.hold.Body)
		case DoStale:
			f.stores = true
		case DoQueue:
			q := step.Queue.withDefaults()
			f.queue, f.keeps = &q, max(f.keeps, q.Body)
		}
	}
	return f
}

// index sorts the rules by the hosts that they can fit.
func (l *layout) index() {
	var all []rule
	for _, f := range l.flows {
		matches := f.Match
		if len(matches) == 0 {
			matches = []Match{{}}
		}
		for _, m := range matches {
			m.Host = plainHost(m.Host)
			all = append(all, rule{f, m})
		}
	}
	for _, r := range all {
		if r.Host == "" || strings.HasPrefix(r.Host, "*.") {
			l.others = append(l.others, r)
		} else if l.byHost[r.Host] == nil {
			l.byHost[r.Host] = slices.DeleteFunc(slices.Clone(all), func(other rule) bool { return !other.fitsHost(r.Host) })
		}
	}
}

// retire ends what the next layout has no more use for.
func (l *layout) retire(next *layout) {
	close(l.replaced)
	for name, group := range l.groups {
		if next.groups[name] != group {
			group.CloseIdle()
		}
	}
}

// find gives the flow of a request, or nil.
func (l *layout) flowOf(r *http.Request) *flow {
	host := hostOf(r)
	rules, named := l.byHost[host]
	if !named {
		rules = l.others
	}
	where := plainPath(r.URL.Path)
	for i := range rules {
		if one := &rules[i]; (named || one.fitsHost(host)) && one.fits(r, where) {
			return one.flow
		}
	}
	return nil
}

// fitsHost compares a host that is in small letters already.
func (r *rule) fitsHost(host string) bool {
	if below, ok := strings.CutPrefix(r.Host, "*"); ok {
		return len(host) > len(below) && strings.HasSuffix(host, below)
	}
	return r.Host == "" || r.Host == host
}

// fits compares all but the host.
func (r *rule) fits(request *http.Request, where string) bool {
	if len(r.Methods) > 0 && !slices.Contains(r.Methods, request.Method) {
		return false
	}
	if prefix := strings.TrimSuffix(r.Path, "/"); prefix != "" {
		rest, ok := strings.CutPrefix(where, prefix)
		if !ok || rest != "" && rest[0] != '/' {
			return false
		}
	}
	for name, value := range r.Headers {
		values := request.Header.Values(name)
		if len(values) == 0 || value != "" && !slices.Contains(values, value) {
			return false
		}
	}
	return true
}

// hostOf is the host that is asked for, in small letters, without port, brackets and a dot at its end.
func hostOf(r *http.Request) string {
	host := r.Host
	if strings.IndexByte(host, ':') >= 0 {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
	}
	return plainHost(host)
}

func plainHost(host string) string {
	return strings.TrimSuffix(strings.Trim(strings.ToLower(host), "[]"), ".")
}

// plainPath is a path without detours, as the product will most likely read it: /a/../b fits what /b fits.
func plainPath(where string) string {
	if where == "" || !strings.Contains(where, "//") && !strings.Contains(where, "/.") {
		return where
	}
	return path.Clean("/" + where)
}

// asAsked is a request as its client asked it, by the host and protocol that proxies in front tell: what is stored is found
// again by that.
func (e *edge) asAsked(r *http.Request) *http.Request {
	out, target := r.WithContext(r.Context()), *r.URL
	out.URL = &target
	target.Scheme = "http"
	if r.TLS != nil {
		target.Scheme = "https"
	}
	if peer := peerOf(r); e.trusts(peer) {
		w := e.way(r, peer)
		target.Scheme, out.Host = cmp.Or(w.proto, target.Scheme), cmp.Or(w.host, r.Host)
	}
	return out
}
