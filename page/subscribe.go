package page

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/notify"
	"example.org/interlude/snapshot"
	"example.org/interlude/status"
)

// Offer is what a picture lets people subscribe to.
func Offer(p *board.Picture) notify.Offer {
	return notify.Offer{
		Page: p.Page, Groups: p.Groups, Components: p.Components,
		Event: func(id string) (*status.Maintenance, *status.Incident) {
			e, ok := p.Event(id)
			if !ok || !e.Open() || e.Subject().ID != id {
				return nil, nil
			}
			return e.Maintenance, e.Incident
		},
	}
}

// counter is the part of the site where readers subscribe. It alone writes, and waits for the desk; the form itself is
// rendered from the board, as everything else is.
type counter struct {
	*Site

	desk *notify.Desk
	// client gives the address of the network that a request comes from.
	client func(*http.Request) string
}

// Subscriptions lets readers subscribe at a desk, and shows them where. It is called once, before the site is used; a site
// without it has no such pages.
func (s *Site) Subscriptions(d *notify.Desk, client func(*http.Request) string) {
	c := &counter{s, d, client}
	s.subscribes = true
	s.mux.HandleFunc("GET "+subscribePath, c.serveForm)
	s.mux.HandleFunc("POST "+subscribePath, c.subscribe)
	s.mux.HandleFunc("GET "+heldPath+"{token}", c.serveHeld)
	s.mux.HandleFunc("POST "+heldPath+"{token}", c.change)
	s.mux.HandleFunc("GET "+heldPath+"{token}/confirm", c.serveConfirm)
	s.mux.HandleFunc("POST "+heldPath+"{token}/confirm", c.confirm)
	s.mux.HandleFunc("GET "+heldPath+"{token}/unsubscribe", c.serveLeave)
	s.mux.HandleFunc("POST "+heldPath+"{token}/unsubscribe", c.leave)
	s.mux.HandleFunc("POST "+heldPath+"{token}/return", c.comeBack)
	c.mountPrograms()
	s.publish()
}

const (
	subscribePath = "/subscribe"
	heldPath      = "/subscriptions/"
	// largestForm is room for the ids of thousands of components.
	largestForm = 256 << 10
	// soon is when to try again what could not be saved.
	soon = 30 * time.Second
)

// The values of the field "scope".
const (
	wholePage   = "page"
	chosenParts = "chosen"
	oneEvent    = "event"
)

// filled is a form as somebody filled it in, or as it is at first.
type filled struct {
	Channel                  notify.Channel
	Email, Endpoint, Contact string
	Event                    string
	Scope                    string
	Components, Groups       []string
	Zone                     string
	// NoZone says that the zone is not somebody's own choice yet, so that the browser's may take its place.
	NoZone bool
}

// serveForm answers with the form, made again only when what there is to choose has changed.
func (c *counter) serveForm(w http.ResponseWriter, r *http.Request) {
	e := c.edition.Load()
	v := e.view(new(renderings))
	asked := r.URL.Query()
	if by := notify.Channel(asked.Get("asked")); by.Known() {
		c.serveKept(w, r, subscribePath+"?asked="+string(by), snapshot.Stamp{Frame: e.picture.Framed}, func() ([]byte, error) {
			return htmlOf(answerPage(v.asked(by)))
		})
		return
	}
	f := filled{Scope: wholePage, Zone: v.zone.String(), NoZone: true}
	if open := c.desk.Open(); len(open) > 0 {
		f.Channel = open[0]
	}
	key, as := subscribePath, snapshot.Stamp{Frame: e.picture.Framed}
	if event, ok := e.picture.Event(asked.Get("event")); ok && event.Open() {
		f.Scope, f.Event, as.Event = oneEvent, event.Subject().ID, event.Seq
		key += "?event=" + f.Event
	} else if component, ok := e.picture.Component(asked.Get("component")); ok && component.Removed.IsZero() {
		f.Scope, f.Components = chosenParts, []string{component.ID}
		key += "?component=" + component.ID
	}
	c.serveKept(w, r, key, as, func() ([]byte, error) { return htmlOf(subscribePage(c.formView(v, f))) })
}

// subscribe takes the form. What follows is the same for everybody: see notify.Desk.
func (c *counter) subscribe(w http.ResponseWriter, r *http.Request) {
	if !c.parse(w, r) {
		return
	}
	f := read(r.PostForm)
	err := errNothingChosen(f)
	if err == nil {
		err = c.desk.Subscribe(r.Context(), f.application(c.client(r)))
	}
	if err == nil {
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, subscribePath+"?asked="+url.QueryEscape(string(f.Channel)), http.StatusSeeOther)
		return
	}
	view := c.formView(c.edition.Load().view(new(renderings)), f)
	view.refuse(c.refused(w, r, err))
	c.write(w, r, c.code(err), func() ([]byte, error) { return htmlOf(subscribePage(view)) })
}

// parse reads a form, or answers why it cannot.
func (c *counter) parse(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, largestForm)
	err := r.ParseForm()
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return true
	case errors.As(err, &large):
		http.Error(w, "This is more than a form can hold.", http.StatusRequestEntityTooLarge)
	default:
		http.Error(w, "This form cannot be read.", http.StatusBadRequest)
	}
	return false
}

// read takes the values of a form.
func read(values url.Values) filled {
	f := filled{
		Channel: notify.Channel(values.Get("channel")), Email: values.Get("email"), Endpoint: values.Get("endpoint"),
		Contact: values.Get("contact"), Event: values.Get("event"), Scope: values.Get("scope"),
		Components: values["component"], Groups: values["group"], Zone: values.Get("zone"),
	}
	if f.Channel == "" {
		f.Channel = notify.Email
	}
	return f
}

// errNothingChosen refuses what says that it chooses, and does not.
func errNothingChosen(f filled) error {
	if f.Scope == chosenParts && len(f.Components)+len(f.Groups) == 0 {
		return &status.Invalid{Field: "components", Rule: "must be chosen, one at least; or choose the whole page"}
	}
	return nil
}

func (f filled) choice() notify.Choice {
	choice := notify.Choice{Zone: f.Zone}
	if f.Scope == chosenParts {
		choice.Components, choice.Groups = f.Components, f.Groups
	}
	return choice
}

func (f filled) application(client string) notify.Application {
	a := notify.Application{Channel: f.Channel, Address: f.Email, Choice: f.choice(), Client: client}
	if f.Channel != notify.Email {
		a.Address, a.Contact = f.Endpoint, f.Contact
	}
	if f.Scope == oneEvent {
		a.Event = f.Event
	}
	return a
}

// refusal is what is said of something that was not done: of one field, or of everything.
type refusal struct {
	Field, Rule string
}

// refused says why in words for whoever asked, and in the log what is not theirs to know.
func (c *counter) refused(w http.ResponseWriter, r *http.Request, err error) refusal {
	var invalid *status.Invalid
	var many *notify.TooMany
	switch {
	case errors.As(err, &invalid):
		return refusal{invalid.Field, invalid.Rule}
	case errors.As(err, &many):
		seconds := int(math.Ceil(many.After.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		return refusal{Rule: "Too many subscriptions were asked for, from your network or in all. Nothing was saved; please try again in " +
			plural(max(1, int(math.Ceil(many.After.Minutes()))), "minute") + "."}
	}
	c.log.ErrorContext(r.Context(), "a subscription could not be saved", "error", err)
	w.Header().Set("Retry-After", strconv.Itoa(int(soon.Seconds())))
	return refusal{Rule: "Nothing was saved, because the list of subscribers cannot be reached at the moment. Please try again in a minute. " +
		"The feeds and the calendar below are there all the while."}
}

// code is the status of an answer that says why something was not done.
func (c *counter) code(err error) int {
	var invalid *status.Invalid
	var many *notify.TooMany
	switch {
	case errors.As(err, &invalid):
		return http.StatusUnprocessableEntity
	case errors.As(err, &many):
		return http.StatusTooManyRequests
	}
	return http.StatusServiceUnavailable
}

// write answers with a page that is this reader's alone.
func (c *counter) write(w http.ResponseWriter, r *http.Request, code int, f func() ([]byte, error)) {
	html, err := f()
	if err != nil {
		c.log.ErrorContext(r.Context(), "a page cannot be rendered", "path", r.Pattern, "error", err)
		http.Error(w, "This page cannot be shown at the moment.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", htmlType)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(html)
}
