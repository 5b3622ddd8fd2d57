package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.org/interlude/markup"
	"example.org/interlude/snapshot"
	"example.org/interlude/status"
)

// What other sites take in: embed.js, which adds a frame to their pages, and what the frame is made of.
var (
	//go:embed assets/embed.css
	embedStyle string
	//go:embed assets/embed.js
	embedScript []byte
	//go:embed assets/embed-frame.js
	embedFrameScript []byte
)

const (
	embedScriptPath = "/embed/script.js"
	embedFramePath  = "/embed/frame"
	embedStatePath  = "/embed/state.json"
)

var (
	embedStyleElement        = "<style>" + embedStyle + "</style>"
	embedScriptDocument      = snapshot.New(embedScript, "text/javascript; charset=utf-8")
	embedFrameScriptDocument = snapshot.New(embedFrameScript, "text/javascript; charset=utf-8")
	embedFrameScriptPath     = "/embed/frame." + embedFrameScriptDocument.Name() + ".js"
	embedPolicy              = []string{embedFramePolicy()}
)

// embedFramePolicy is as strict as the page's, and lets every site have the frame: there is nothing in it to be tricked
// into pressing.
func embedFramePolicy() string {
	sum := sha256.Sum256([]byte(embedStyle))
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "connect-src 'self'",
		"style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		"base-uri 'none'", "form-action 'none'", "frame-ancestors *",
	}, "; ")
}

// mountEmbed opens what other sites take in.
func (s *Site) mountEmbed() {
	state := &outlet{file: embedStatePath[1:], contentType: "application/json", render: channel.embedJSON, byTheMinute: true}
	frame := &outlet{file: embedFramePath[1:], contentType: htmlType, render: channel.embedHTML, byTheMinute: true, policy: embedPolicy, framed: true}
	for _, o := range []*outlet{state, frame} {
		s.mux.HandleFunc("GET /"+o.file, func(w http.ResponseWriter, r *http.Request) { s.serveOutlet(w, r, o, "") })
	}
	s.mux.HandleFunc("GET "+embedScriptPath, func(w http.ResponseWriter, r *http.Request) {
		new(outlet).head(w.Header())
		embedScriptDocument.Serve(lasting{w}, r, http.StatusOK)
	})
	s.mux.HandleFunc("GET "+embedFrameScriptPath, func(w http.ResponseWriter, r *http.Request) {
		new(outlet).head(w.Header())
		embedFrameScriptDocument.Serve(immutable{w}, r, http.StatusOK)
	})
}

// lasting lets caches keep what is the same until the next release, and has a stable name, for some minutes.
type lasting struct{ http.ResponseWriter }

// WriteHeader sets the header last, so that it stands.
func (w lasting) WriteHeader(status int) {
	w.Header().Set("Cache-Control", "public, max-age=300, stale-while-revalidate=86400, stale-if-error=86400")
	w.ResponseWriter.WriteHeader(status)
}

// embedState is what the frame shows: how the page stands, and what is going on, the worst first.
type embedState struct {
	Page      string           `json:"page"`
	URL       string           `json:"url"`
	Headline  string           `json:"headline"`
	Condition status.Condition `json:"condition"`
	Events    []embedEvent     `json:"events"`
}

// embedEvent is an open incident or a maintenance under way.
type embedEvent struct {
	ID        string           `json:"id"`
	Kind      status.Kind      `json:"kind"`
	Condition status.Condition `json:"condition"`
	State     string           `json:"state"`
	Title     string           `json:"title"`
	Text      string           `json:"text"`
	URL       string           `json:"url"`
	Began     time.Time        `json:"began,omitzero"`
	// Until is when a maintenance is expected to end.
	Until time.Time `json:"until,omitzero"`

	rank int
}

func (c channel) embedState() embedState {
	worst, _ := c.worst()
	underway := c.underway()
	if len(underway) > 0 {
		worst = status.Worst(worst, status.UnderMaintenance)
	}
	s := embedState{Page: c.pageName(), URL: c.base + "/", Headline: c.headline().Text, Condition: worst, Events: []embedEvent{}}
	for _, i := range c.p.Incidents {
		s.Events = append(s.Events, embedEvent{
			ID: i.ID, Kind: status.KindIncident, Condition: current(i), State: i.State.Label(), Title: markup.OneLine(i.Title),
			Text: "Since " + c.nearText(i.Began), URL: c.base + address(i.ID), Began: i.Began, rank: current(i).Rank()*10 + 5,
		})
	}
	for _, m := range underway {
		e := embedEvent{
			ID: m.ID, Kind: status.KindMaintenance, Condition: status.UnderMaintenance, State: standingOfMaintenance(m, c.now).Word, Title: markup.OneLine(m.Title),
			Text: "Until " + c.nearText(m.ExpectedEnd()), URL: c.base + address(m.ID), Began: m.Began, Until: m.ExpectedEnd(),
			rank: status.UnderMaintenance.Rank()*10 + c.urgency(m),
		}
		if !m.ExpectedEnd().After(c.now) {
			e.Text, e.Until = "It was to end at "+c.nearText(m.ExpectedEnd()), time.Time{}
		}
		s.Events = append(s.Events, e)
	}
	slices.SortStableFunc(s.Events, func(a, b embedEvent) int { return b.rank - a.rank })
	return s
}

func (c channel) embedJSON() ([]byte, error) {
	body, err := json.Marshal(c.embedState())
	if err != nil {
		return nil, fmt.Errorf("write the state for frames: %w", err)
	}
	return body, nil
}

func (c channel) embedHTML() ([]byte, error) {
	body, err := c.embedJSON()
	if err != nil {
		return nil, err
	}
	return htmlOf(embedFrame(c.embedState(), string(body)))
}

// shown is what the frame says before its script looks: the worst event, or that there is none.
func (s embedState) shown() embedEvent {
	if len(s.Events) > 0 {
		return s.Events[0]
	}
	return embedEvent{Condition: s.Condition, State: s.Page, Title: s.Headline, URL: s.URL}
}

func (s embedState) more() string {
	if n := len(s.Events) - 1; n > 0 {
		return fmt.Sprintf("· %d more", n)
	}
	return ""
}
