package page

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/markup"
	"example.org/interlude/snapshot"
	"example.org/interlude/status"
)

// outlet is a document by which the page is read elsewhere than on it: a feed, a calendar, a badge. It is made of a
// channel, kept as a snapshot, and open to every site.
type outlet struct {
	file, contentType string
	render            func(channel) ([]byte, error)
	// byTheMinute outlets say what depends on the time, so that each edition has its own. Others change with what
	// they tell of, and once a day for what has become too old.
	byTheMinute bool
	// policy stands in place of the page's Content-Security-Policy.
	policy []string
	// framed outlets may stand in a frame of any site.
	framed bool
	// latest is what was last served of the whole page: most readers come for it.
	latest atomic.Pointer[printed]
}

// printed is a snapshot with what it was made from.
type printed struct {
	as snapshot.Stamp
	at string // its origin
	*snapshot.Snapshot
}

// mostOutlets bounds the documents that are kept of components and of other hosts.
const mostOutlets = 256

// mountOutlets opens what is read elsewhere.
func (s *Site) mountOutlets() {
	for _, o := range []*outlet{
		{file: "history.atom", contentType: "application/atom+xml; charset=utf-8", render: channel.atom},
		{file: "history.rss", contentType: "application/rss+xml; charset=utf-8", render: channel.rss},
		{file: "history.ics", contentType: calendarType, render: channel.calendar},
		{file: "badge.svg", contentType: "image/svg+xml", render: channel.badge, byTheMinute: true, policy: badgePolicy},
	} {
		s.mux.HandleFunc("GET /"+o.file, func(w http.ResponseWriter, r *http.Request) { s.serveOutlet(w, r, o, "") })
		s.mux.HandleFunc("GET /components/{id}/"+o.file, func(w http.ResponseWriter, r *http.Request) {
			s.serveOutlet(w, r, o, r.PathValue("id"))
		})
	}
	s.mountEmbed()
}

var (
	anyone     = []string{"*"}
	everywhere = []string{"cross-origin"}
)

// head sets what the answer needs besides the document.
func (o *outlet) head(h http.Header) {
	h["Access-Control-Allow-Origin"] = anyone
	h["Cross-Origin-Resource-Policy"] = everywhere
	if o.policy != nil {
		h["Content-Security-Policy"] = o.policy
	}
	if o.framed {
		delete(h, "X-Frame-Options") // the door sets it for everything; the policy above says who may frame this
	}
}

// stamp says what the document is made from.
func (o *outlet) stamp(e *edition) snapshot.Stamp {
	if o.byTheMinute {
		return snapshot.Stamp{Edition: e.number}
	}
	return snapshot.Stamp{Event: e.picture.Seq, Edition: e.now.Unix() / int64(24*time.Hour/time.Second)}
}

// serveOutlet answers with the document of the whole page or, where id is not empty, of a component or a group.
func (s *Site) serveOutlet(w http.ResponseWriter, r *http.Request, o *outlet, id string) {
	e := s.edition.Load()
	at, ok := e.origin(w, r)
	if !ok {
		return
	}
	as := o.stamp(e)
	if p := o.latest.Load(); id == "" && p != nil && p.as == as && p.at == at {
		o.head(w.Header())
		p.Serve(w, r, http.StatusOK)
		return
	}
	c, ok := e.channel(at, id)
	if !ok {
		s.serveMissing(w, r)
		return
	}
	d, ok := s.keptOutlet(w, at, c.path+o.file, as, o.contentType, func() ([]byte, error) { return o.render(c) })
	if !ok {
		return
	}
	if id == "" {
		o.latest.Store(&printed{as, at, d})
	}
	o.head(w.Header())
	d.Serve(w, r, http.StatusOK)
}

// keptOutlet is the document at a path as of a stamp. When it cannot be made, the reader has been told so.
func (s *Site) keptOutlet(w http.ResponseWriter, at, path string, as snapshot.Stamp, contentType string, f func() ([]byte, error)) (*snapshot.Snapshot, bool) {
	d, err := s.outlets.Get(at+" "+path, as, func() (*snapshot.Snapshot, error) {
		body, err := f()
		if err != nil {
			return nil, err
		}
		return snapshot.New(body, contentType), nil
	})
	if err != nil {
		s.log.Error("a document cannot be made", "path", path, "error", err)
		http.Error(w, "This document cannot be made at the moment.", http.StatusInternalServerError)
		return nil, false
	}
	return d, true
}

// origin is where a reader found the page, as snapshot.Origin has it. A request that names no host is refused, as is
// everything before the page has been read, and the reader has been told so.
func (e *edition) origin(w http.ResponseWriter, r *http.Request) (origin string, ok bool) {
	switch {
	case !e.picture.Loaded:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "The status page is starting.", http.StatusServiceUnavailable)
		return "", false
	case e.home != "":
		return e.home, true
	}
	// The door promises https for good only where readers come by it, also when a proxy ends TLS before it.
	if origin, ok = snapshot.Origin("", r, w.Header()["Strict-Transport-Security"] != nil); !ok {
		http.Error(w, "The request names no host.", http.StatusBadRequest)
	}
	return origin, ok
}

// channel is what somebody subscribes to: the whole page, or a component or group of it.
type channel struct {
	view
	// base is where absolute addresses begin, and path the folder of the channel's documents.
	base, path string
	// name is that of the component or group, empty for the whole page, and ids are the components.
	name string
	ids  []string
}

// channel finds the one with an id, the whole page where it is empty.
func (e *edition) channel(origin, id string) (channel, bool) {
	c := channel{view: e.view(new(renderings)), base: origin, path: "/"}
	if id == "" {
		return c, true
	}
	c.path = "/components/" + url.PathEscape(id) + "/"
	if component, ok := c.p.Component(id); ok && component.Removed.IsZero() {
		c.name, c.ids = c.p.FullName(id), []string{id}
		return c, true
	}
	group, ok := c.p.Group(id)
	if !ok || !group.Removed.IsZero() {
		return channel{}, false
	}
	c.name, c.ids = group.Name, []string{}
	for _, component := range c.p.Components {
		if component.GroupID == id {
			c.ids = append(c.ids, component.ID)
		}
	}
	return c, true
}

// pageName is the page's, or what stands for it while it has none.
func (v view) pageName() string { return cmp.Or(markup.Clean(v.p.Page.Name), "Status") }

// events are what the channel tells of: what is open, and what is past, the latest end first.
func (c channel) events() (open, past []board.Event) {
	if c.ids == nil {
		for _, m := range c.p.Maintenances {
			open = append(open, board.Event{Maintenance: m})
		}
		for _, i := range c.p.Incidents {
			open = append(open, board.Event{Incident: i})
		}
		return open, c.p.Past
	}
	seen := make(map[status.Subject]bool)
	for _, id := range c.ids {
		for _, e := range c.p.Concerning(id) {
			switch {
			case seen[e.Subject()]:
			case e.Open():
				open = append(open, e)
			default:
				past = append(past, e)
			}
			seen[e.Subject()] = true
		}
	}
	slices.SortFunc(past, func(a, b board.Event) int {
		return cmp.Or(b.At().Compare(a.At()), cmp.Compare(a.Subject().ID, b.Subject().ID))
	})
	return open, past
}

// link is the address of an event's report.
func (c channel) link(e board.Event) string { return c.base + address(e.Subject().ID) }
