package statuspage

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"example.org/interlude/board"
	"example.org/interlude/snapshot"
	"example.org/interlude/status"
)

// most is how many events a list of version 2 has at most.
const most = 50

// documents are the answers of version 2, by their path below /api/v2/ without the suffix.
var documents = map[string]func(view) any{
	"summary": func(v view) any {
		return struct {
			Page         Page          `json:"page"`
			Components   []Component   `json:"components"`
			Incidents    []Incident    `json:"incidents"`
			Maintenances []Maintenance `json:"scheduled_maintenances"`
			Status       Status        `json:"status"`
		}{v.page(), v.components(), v.unresolved(), v.maintenances(anyState), v.overall()}
	},
	"status": func(v view) any {
		return struct {
			Page   Page   `json:"page"`
			Status Status `json:"status"`
		}{v.page(), v.overall()}
	},
	"components": func(v view) any {
		return struct {
			Page       Page        `json:"page"`
			Components []Component `json:"components"`
		}{v.page(), v.components()}
	},
	"incidents":            func(v view) any { return v.incidentList(v.recentIncidents(false)) },
	"incidents/unresolved": func(v view) any { return v.incidentList(v.unresolved()) },
	"incidents/resolved":   func(v view) any { return v.incidentList(v.recentIncidents(true)) },
	"scheduled-maintenances": func(v view) any {
		return v.maintenanceList(v.recentMaintenances())
	},
	"scheduled-maintenances/upcoming": func(v view) any {
		return v.maintenanceList(v.maintenances(func(m *status.Maintenance) bool { return m.State == status.Scheduled }))
	},
	"scheduled-maintenances/active": func(v view) any {
		return v.maintenanceList(v.maintenances((*status.Maintenance).Underway))
	},
}

func anyState(*status.Maintenance) bool { return true }

func (v view) incidentList(incidents []Incident) any {
	return struct {
		Page      Page       `json:"page"`
		Incidents []Incident `json:"incidents"`
	}{v.page(), incidents}
}

func (v view) maintenanceList(maintenances []Maintenance) any {
	return struct {
		Page         Page          `json:"page"`
		Maintenances []Maintenance `json:"scheduled_maintenances"`
	}{v.page(), maintenances}
}

// unresolved are the incidents that are open, the latest first.
func (v view) unresolved() []Incident {
	all := make([]Incident, 0, len(v.p.Incidents))
	for _, i := range v.p.Incidents {
		all = append(all, v.incident(i))
	}
	return all
}

// maintenances are those that have not ended and of which is is true, the next one first.
func (v view) maintenances(is func(*status.Maintenance) bool) []Maintenance {
	all := []Maintenance{}
	for _, m := range v.p.Maintenances {
		if is(m) {
			all = append(all, v.maintenance(m))
		}
	}
	return all
}

// recentIncidents are the latest incidents, in whatever state or only those that are over, by when they were created.
func (v view) recentIncidents(over bool) []Incident {
	newest := ranking[*status.Incident]{later: func(a, b *status.Incident) bool { return a.Created.After(b.Created) }}
	if !over {
		for _, i := range v.p.Incidents {
			newest.add(i)
		}
	}
	for _, e := range v.p.Past {
		if e.Incident != nil {
			newest.add(e.Incident)
		}
	}
	all := make([]Incident, 0, len(newest.top))
	for _, i := range newest.top {
		all = append(all, v.incident(i))
	}
	return all
}

// recentMaintenances are the latest maintenances in whatever state, by when they were or are to be.
func (v view) recentMaintenances() []Maintenance {
	newest := ranking[*status.Maintenance]{later: func(a, b *status.Maintenance) bool { return a.Window.Start.After(b.Window.Start) }}
	for _, m := range v.p.Maintenances {
		newest.add(m)
	}
	for _, e := range v.p.Past {
		if e.Maintenance != nil {
			newest.add(e.Maintenance)
		}
	}
	all := make([]Maintenance, 0, len(newest.top))
	for _, m := range newest.top {
		all = append(all, v.maintenance(m))
	}
	return all
}

// ranking keeps the latest of what it is given, however much that is.
type ranking[T any] struct {
	later func(a, b T) bool
	top   []T
}

func (r *ranking[T]) add(one T) {
	if len(r.top) == most && !r.later(one, r.top[most-1]) {
		return
	}
	place, _ := slices.BinarySearchFunc(r.top, one, func(there, one T) int {
		if r.later(one, there) {
			return 1
		}
		return -1
	})
	r.top = slices.Insert(r.top, place, one)
	r.top = r.top[:min(len(r.top), most)]
}

// edition is version 2 at one picture, for readers who found the page at one address. Each document is made when it is
// first asked for.
type edition struct {
	picture *board.Picture
	home    string
	// known says that the page knows its own address, so that home is the same for all readers.
	known   bool
	printed map[string]*printed
	events  snapshot.Shelf
}

type printed struct {
	once sync.Once
	*snapshot.Snapshot
}

func newEdition(p *board.Picture, home string) *edition {
	e := &edition{
		picture: p, home: home, known: snapshot.Home(p.Page.URL) != "",
		printed: make(map[string]*printed, len(documents)), events: snapshot.Shelf{Most: mostEvents},
	}
	for name := range documents {
		e.printed[name] = &printed{}
	}
	return e
}

// mostEvents bounds the single events that are kept as documents of their own, and mostHomes the addresses at which
// readers are told the same picture.
const (
	mostEvents = 256
	mostHomes  = 64
)

// Public is the public API, version 2: a handler for everything below /api/v2/, and for the JSON of a report page. It reads
// nothing but the board.
type Public struct {
	Board *board.Board

	// current is the edition that was last read.
	current atomic.Pointer[edition]

	mu sync.Mutex // held for what follows
	// shown is the picture of the editions, which are kept by their addresses.
	shown    *board.Picture
	editions map[string]*edition
}

// ServeHTTP answers GET and HEAD, and tells browsers that any site may ask.
func (s *Public) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Access-Control-Allow-Origin"] = anyone
	h["Cross-Origin-Resource-Policy"] = everywhere
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "*")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		h.Set("Allow", "GET, HEAD, OPTIONS")
		refuse(w, http.StatusMethodNotAllowed, "This API is read with GET; the management API below /v1/ changes things")
		return
	}
	// The door promises https for good only where readers come by it, also when a proxy ends TLS before it.
	e, safe := s.edition(r, h["Strict-Transport-Security"] != nil)
	if !safe {
		refuse(w, http.StatusBadRequest, "The Host header names no host")
		return
	}
	if !e.picture.Loaded {
		h.Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable, "The page is not loaded yet")
		return
	}
	name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/api/v2/"), ".json")
	if id, ok := strings.CutPrefix(r.URL.Path, "/incidents/"); ok {
		s.serveEvent(w, r, e, strings.TrimSuffix(id, ".json"))
		return
	}
	if p, ok := e.printed[name]; ok {
		p.once.Do(func() { p.Snapshot = frozen(documents[name](public(e.picture, e.home))) })
		p.Serve(w, r, http.StatusOK)
		return
	}
	for _, folder := range []string{"incidents/", "scheduled-maintenances/"} {
		if id, ok := strings.CutPrefix(name, folder); ok {
			s.serveEvent(w, r, e, id)
			return
		}
	}
	refuse(w, http.StatusNotFound, "Not found")
}

var (
	anyone     = []string{"*"}
	everywhere = []string{"cross-origin"}
)

// serveEvent answers with one event, bare.
func (s *Public) serveEvent(w http.ResponseWriter, r *http.Request, e *edition, id string) {
	event, ok := e.picture.Event(id)
	if !ok {
		refuse(w, http.StatusNotFound, "Incident not found")
		return
	}
	kept, err := e.events.Get(event.Subject().ID, snapshot.Stamp{}, func() (*snapshot.Snapshot, error) {
		v := public(e.picture, e.home)
		if event.Maintenance != nil {
			return frozen(v.maintenance(event.Maintenance)), nil
		}
		return frozen(v.incident(event.Incident)), nil
	})
	if err != nil {
		refuse(w, http.StatusInternalServerError, "This event cannot be shown at the moment")
		return
	}
	kept.Serve(w, r, http.StatusOK)
}

// edition is that of the board's picture, for the address that the reader used while the page does not know its own.
// It is false for a request that names no host.
func (s *Public) edition(r *http.Request, secure bool) (*edition, bool) {
	if e := s.current.Load(); e != nil && e.known && e.picture == s.Board.Current() {
		return e, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.Board.Current() // looked at under the lock: no picture follows a later one
	home, ok := snapshot.Origin(p.Page.URL, r, secure)
	if !ok {
		return nil, false
	}
	if s.shown != p {
		s.shown, s.editions = p, make(map[string]*edition)
	}
	e, ok := s.editions[home]
	if !ok {
		for other := range s.editions {
			if len(s.editions) < mostHomes {
				break
			}
			delete(s.editions, other) // any one: what is read often is soon back
		}
		e = newEdition(p, home)
		s.editions[home] = e
	}
	s.current.Store(e)
	return e, true
}

const jsonType = "application/json; charset=utf-8"

// frozen makes a snapshot of an answer. The shapes of the wire hold nothing that JSON cannot say.
func frozen(answer any) *snapshot.Snapshot {
	body, err := json.Marshal(answer)
	if err != nil {
		panic("an answer of version 2 cannot be written: " + err.Error())
	}
	return snapshot.New(body, jsonType)
}

// refuse answers with an error as clients of both versions read it.
func refuse(w http.ResponseWriter, code int, text string) {
	h := w.Header()
	h.Set("Content-Type", jsonType)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text}) // the reader is gone if this fails
}

// Beside puts the JSON of single events, /incidents/ID.json, beside the report pages of a site.
func (s *Public) Beside(page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".json") {
			s.ServeHTTP(w, r)
			return
		}
		page.ServeHTTP(w, r)
	})
}
