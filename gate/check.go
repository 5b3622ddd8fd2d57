package gate

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"example.org/interlude/status"
	"example.org/interlude/upstream"
)

// check refuses a configuration that cannot work. All that is wrong is told at once.
func (c *Config) check() error {
	var wrong []error
	names := map[string]bool{}
	for i := range c.Flows {
		f := &c.Flows[i]
		at := "flows[" + strconv.Itoa(i) + "]"
		switch {
		case strings.TrimSpace(f.Name) == "" || len(f.Name) > 100:
			wrong = append(wrong, invalid(at+".name", "is required, in at most 100 bytes: it is how promises name the flow"))
		case names[f.Name]:
			wrong = append(wrong, invalid(at+".name", fmt.Sprintf("%q is taken by a flow before", f.Name)))
		}
		names[f.Name] = true
		if _, ok := c.Upstreams[f.Upstream]; !ok {
			wrong = append(wrong, invalid(at+".upstream", fmt.Sprintf("must name one of the upstreams, not %q", f.Upstream)))
		}
		for j := range f.Match {
			wrong = append(wrong, f.Match[j].check(at+".match["+strconv.Itoa(j)+"]")...)
		}
		wrong = append(wrong, checkChain(at+".interrupted", f.Interrupted)...)
		wrong = append(wrong, c.checkSpool(at+".interrupted", f)...)
	}
	wrong = append(wrong, c.checkOthers(names)...)
	if len(c.Flows)+len(c.Others) == 0 {
		wrong = append(wrong, invalid("flows", "is required: the traffic that the gate takes"))
	}
	for i, key := range c.Bypass {
		if len(key) < LeastKey {
			wrong = append(wrong, invalid("bypass["+strconv.Itoa(i)+"]", "must have at least 32 bytes"))
		}
	}
	for i, s := range c.Find.Statuses {
		if s < 500 || s > 599 {
			wrong = append(wrong, invalid("find.statuses["+strconv.Itoa(i)+"]", "must be from 500 to 599"))
		}
	}
	if c.Drain.From < 0 || c.Drain.InFlight < 0 {
		wrong = append(wrong, invalid("drain", "must not be negative"))
	}
	if c.Limits.Requests < 0 || c.Limits.Bytes < 0 {
		wrong = append(wrong, invalid("limits", "must not be negative"))
	}
	return errors.Join(wrong...)
}

func (m *Match) check(at string) (wrong []error) {
	host := strings.TrimPrefix(m.Host, "*.")
	if strings.ContainsAny(host, "*/: ") && net.ParseIP(strings.Trim(host, "[]")) == nil {
		wrong = append(wrong, invalid(at+".host", fmt.Sprintf("must be a name such as app.example.com or *.example.com, without port, not %q", m.Host)))
	}
	if m.Path != "" && m.Path[0] != '/' {
		wrong = append(wrong, invalid(at+".path", fmt.Sprintf("must begin with /, not %q", m.Path)))
	}
	for _, method := range m.Methods {
		if method == "" || method != strings.ToUpper(method) || !httpguts.ValidHeaderFieldName(method) {
			wrong = append(wrong, invalid(at+".methods", fmt.Sprintf("must be methods in capital letters, not %q", method)))
		}
	}
	for name := range m.Headers {
		if !httpguts.ValidHeaderFieldName(name) {
			wrong = append(wrong, invalid(at+".headers", fmt.Sprintf("must be names of header fields, not %q", name)))
		}
	}
	return wrong
}

// longestHold bounds a hold: no client waits longer.
const longestHold = 10 * time.Minute

func checkChain(at string, chain []Step) (wrong []error) {
	seen := map[Behaviour]bool{}
	for i, step := range chain {
		at := at + "[" + strconv.Itoa(i) + "]"
		switch {
		case !slices.Contains(Behaviours, step.Do):
			wrong = append(wrong, invalid(at+".do", fmt.Sprintf("must be one of pass, reject, hold, stale, queue, not %q", step.Do)))
		case seen[step.Do]:
			wrong = append(wrong, invalid(at+".do", fmt.Sprintf("%s is there already", step.Do)))
		case (step.Do == DoPass || step.Do == DoReject) && i < len(chain)-1:
			wrong = append(wrong, invalid(at+".do", fmt.Sprintf("nothing can follow %s: it settles every request", step.Do)))
		}
		seen[step.Do] = true
		if step.Do == DoHold {
			wrong = append(wrong, step.Hold.check(at)...)
		}
		if step.Do == DoQueue {
			wrong = append(wrong, step.Queue.check(at)...)
		}
		if step.Stale.For < 0 {
			wrong = append(wrong, invalid(at+".for", "must not be negative"))
		}
	}
	return wrong
}

// checkSpool refuses a flow that queues where nothing keeps what is queued.
func (c *Config) checkSpool(at string, f *Flow) []error {
	i := slices.IndexFunc(f.Interrupted, func(s Step) bool { return s.Do == DoQueue })
	if i < 0 {
		return nil
	}
	at += "[" + strconv.Itoa(i) + "].do"
	if c.Spool == nil || c.Entries == nil {
		return []error{invalid(at, "queue needs a spool, where what is accepted is durable: configure one, or use hold or reject")}
	}
	if _, ok := c.Spool.Figures()[f.Name]; !ok {
		return []error{invalid(at, "queue needs a spool that has this flow: it knows those with which the program was started, so start it anew")}
	}
	return nil
}

// checkOthers refuses names that flows have already, and probes of nothing.
func (c *Config) checkOthers(names map[string]bool) (wrong []error) {
	for i, name := range c.Others {
		at := "others[" + strconv.Itoa(i) + "]"
		switch {
		case strings.TrimSpace(name) == "" || len(name) > 100:
			wrong = append(wrong, invalid(at, "must be the name of a flow, in at most 100 bytes"))
		case names[name]:
			wrong = append(wrong, invalid(at, fmt.Sprintf("%q is taken by a flow before", name)))
		}
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(c.Probes)) {
		if !slices.Contains(c.Others, name) {
			wrong = append(wrong, invalid("probes."+name, "must be of one of the others: flows of HTTP are asked at their upstream"))
		}
	}
	return wrong
}

// largestQueued bounds a body that is queued: all of it is in memory while it is accepted.
const largestQueued = 64 << 20

func (q *Queue) check(at string) (wrong []error) {
	if q.Body < 0 || q.Body > largestQueued {
		wrong = append(wrong, invalid(at+".body", "must be at most 64 MiB: all of it is in memory until it is durable"))
	}
	for _, method := range q.Methods {
		if !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, method) {
			wrong = append(wrong, invalid(at+".methods", fmt.Sprintf("must be some of POST, PUT, PATCH, DELETE, not %q: all others want their answer at once", method)))
		}
	}
	if q.Order != "" && !httpguts.ValidHeaderFieldName(q.Order) {
		wrong = append(wrong, invalid(at+".order", fmt.Sprintf("must be the name of a header field, not %q", q.Order)))
	}
	switch {
	case q.OnFailure != "" && q.OnFailure != Tell && q.OnFailure != Refuse:
		wrong = append(wrong, invalid(at+".on_failure", fmt.Sprintf("must be tell or refuse, not %q", q.OnFailure)))
	case q.OnFailure == Refuse && q.Verify == nil:
		wrong = append(wrong, invalid(at+".on_failure", "refuse needs a scheme to verify by"))
	}
	return wrong
}

func (h *Hold) check(at string) (wrong []error) {
	if h.For < 0 || h.For > longestHold {
		wrong = append(wrong, invalid(at+".for", "must be at most ten minutes: clients and proxies before the gate give up earlier"))
	}
	if h.Requests < 0 || h.Bytes < 0 {
		wrong = append(wrong, invalid(at, "requests and bytes must not be negative: a hold without bounds would let anybody fill the memory"))
	}
	if h.Full != "" && h.Full != Oldest && h.Full != Newest {
		wrong = append(wrong, invalid(at+".full", fmt.Sprintf("must be oldest or newest, not %q", h.Full)))
	}
	return wrong
}

func invalid(field, rule string) error { return &status.Invalid{Field: field, Rule: rule} }

// within puts an error into the field where it was found.
func within(field string, err error) error {
	return &status.Invalid{Field: field, Rule: err.Error()}
}

func (h Hold) withDefaults() Hold {
	h.For = cmp.Or(h.For, DefaultFor)
	h.Requests = cmp.Or(h.Requests, DefaultRequests)
	h.Bytes = cmp.Or(h.Bytes, DefaultBytes)
	h.Body = cmp.Or(h.Body, DefaultBody)
	h.Full = cmp.Or(h.Full, Oldest)
	return h
}

func (s Stale) withDefaults() Stale {
	s.For = cmp.Or(s.For, time.Hour)
	return s
}

func (l Limits) withDefaults() Limits {
	return Limits{cmp.Or(l.Requests, 50_000), cmp.Or(l.Bytes, 256<<20)}
}

func (d Drain) withDefaults() Drain {
	return Drain{cmp.Or(d.From, 500), cmp.Or(d.InFlight, 250)}
}

func (f Find) withDefaults() Find {
	if len(f.Statuses) == 0 {
		f.Statuses = []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	}
	f.Failures = cmp.Or(f.Failures, 3)
	f.Within = cmp.Or(f.Within, 2*time.Second)
	f.Successes = cmp.Or(f.Successes, 2)
	f.Every = cmp.Or(f.Every, 250*time.Millisecond)
	return f
}

// away reports whether an answer means that the product is away.
func (f *Find) away(code int) bool { return slices.Contains(f.Statuses, code) }

// sameUpstream reports whether a group may stay as it is, with its connections. Pools of certificates are compared by what
// is in them, for each reading of a file makes another.
func sameUpstream(a, b upstream.Config) bool {
	if a.TLS != nil && b.TLS != nil && a.TLS.RootCAs.Equal(b.TLS.RootCAs) {
		a.TLS, b.TLS = a.TLS.Clone(), b.TLS.Clone()
		a.TLS.RootCAs, b.TLS.RootCAs = nil, nil
	}
	a.Log, b.Log = nil, nil
	return reflect.DeepEqual(a, b)
}
