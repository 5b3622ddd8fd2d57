package page

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

// frame is what every page has around its content.
type frame struct {
	Name, Title, Description, Canonical string
	Tone                                string
	// Place is the page's in the navigation: "status", "history", "subscribe" or none.
	Place string
	Zone  string
	// Now, Speed and Version are for the script. A page that is kept for long has none of them, for they would be
	// wrong by then, and no AsOf.
	Now, Speed, Version string
	AsOf                moment
	// Alone is a page without a site around it: nothing leads anywhere. Live pages have the script.
	Alone, Live bool
	// Subscribes says that readers can subscribe.
	Subscribes bool
}

func (v view) frame(title, tone string) frame {
	name := v.p.Page.Name
	f := frame{Live: true, Subscribes: v.subscribes, Name: name, Title: title, Tone: tone, Zone: v.zone.String(), Description: v.p.Page.Description}
	if name == "" {
		f.Name = "Status"
	} else if title != name {
		f.Title = title + " · " + name
	}
	if f.Description == "" {
		f.Description = "Planned maintenance, incidents and the state of every " + name + " component."
	}
	return f
}

// dated gives the frame what is only right for as long as the edition is.
func (v view) dated(f frame, e *edition) frame {
	f.Now = e.now.UTC().Format(time.RFC3339)
	f.Speed = strconv.FormatFloat(e.speed, 'g', -1, 64)
	f.Version = e.version
	f.AsOf = v.posted(e.now)
	if !e.asOf.IsZero() {
		f.AsOf = v.posted(e.asOf)
	}
	return f
}

// indexView is the front page.
type indexView struct {
	frame      frame
	Stale      []piece
	Head       headline
	Now        []card
	Planned    []card
	Rows       []plannedDay
	More       int
	Note       string
	Today      string
	Components []block
	Past       []pastDay
}

// stale says how old the page is while the store is away.
func (v view) stale() []piece {
	if v.asOf.IsZero() {
		return nil
	}
	return []piece{
		words("Shown as of "),
		v.near(v.asOf),
		words(", "),
		{Time: v.running(ago, v.asOf)},
		words(". Newer changes cannot be read at the moment; this page catches up by itself."),
	}
}

func (s *Site) renderIndex(e *edition) ([]byte, error) {
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	s.kept.turn()
	v := e.view(&s.kept)
	head := v.headline()
	title := head.Text
	if v.empty() {
		title = "Status"
	}
	f := v.dated(v.frame(title, head.Tone), e)
	f.Place, f.Canonical = "status", v.permalink("/")
	index := indexView{
		frame: f, Stale: v.stale(), Head: head, Now: v.happening(), Note: v.componentsNote(), Today: v.day(v.now).String(),
		Components: v.components(), Past: v.past(),
	}
	index.Planned, index.Rows, index.More = v.planned()
	return htmlOf(indexPage(index))
}

// framedReport is the report with what every page of it has around.
func (v view) framedReport(event board.Event) reportView {
	report := v.report(event)
	if v.subscribes && event.Open() {
		report.Follow = subscribePath + "?event=" + url.QueryEscape(event.Subject().ID)
	}
	report.frame = v.frame(report.Title, report.Standing.Tone)
	report.frame.Canonical, report.frame.Description = report.Permalink, strings.TrimSpace(report.Kind+". "+report.Affected)
	return report
}

// renderReport makes the page of an event. That of a past one is kept until it changes.
func (s *Site) renderReport(e *edition, event board.Event) ([]byte, error) {
	v := e.view(new(renderings))
	report := v.framedReport(event)
	if event.Open() || !e.asOf.IsZero() {
		report.frame = v.dated(report.frame, e)
	}
	return htmlOf(reportPage(report))
}

func (s *Site) renderHistory(e *edition, month string) ([]byte, error) {
	v := e.view(new(renderings))
	history := v.history(month)
	history.frame = v.dated(v.frame("History", toneNone), e)
	history.frame.Place, history.frame.Canonical = "history", v.permalink("/history/"+month)
	return htmlOf(historyPage(history))
}

func (s *Site) renderMissing(e *edition) ([]byte, error) {
	v := e.view(new(renderings))
	f := v.frame("Nothing is here", toneNone)
	f.Live = false
	return htmlOf(missingPage(f))
}

// renderPreview writes a report that stands alone, in a file or a mail.
func renderPreview(w io.Writer, p *board.Picture, event board.Event, now time.Time) error {
	v := view{p: p, now: now, zone: p.Page.Zone(), kept: new(renderings)}
	report := v.framedReport(event)
	report.frame.Alone, report.frame.Live = true, false
	html, err := htmlOf(reportPage(report))
	if err != nil {
		return err
	}
	if _, err := w.Write(html); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func htmlOf(c templ.Component) ([]byte, error) {
	var b bytes.Buffer
	if err := c.Render(unbound{}, &b); err != nil {
		return nil, fmt.Errorf("render the page: %w", err)
	}
	return b.Bytes(), nil
}

// rendered is HTML that a template made earlier.
type rendered []byte

// Render writes it again.
func (r rendered) Render(_ context.Context, w io.Writer) error {
	_, err := w.Write(r)
	return err
}

// render keeps what a template makes. Our templates fail only when the writer does, and memory does not.
func render(c templ.Component) rendered {
	var b bytes.Buffer
	_ = c.Render(unbound{}, &b)
	return b.Bytes()
}

// unbound is a context that never ends and holds nothing: a page is rendered from what is given, for nobody in
// particular.
type unbound struct{}

// Deadline is none.
func (unbound) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }

// Done never comes.
func (unbound) Done() <-chan struct{} { return nil }

// Err is nil.
func (unbound) Err() error { return nil }

// Value is nil.
func (unbound) Value(any) any { return nil }

// renderings is what an edition takes over from the one before, so that a change costs what it touched.
type renderings struct {
	mu    sync.Mutex // one edition at a time
	rows  memory[rendered]
	texts memory[texts]
	past  memory[pastEvent]
}

func (r *renderings) turn() {
	r.rows.turn()
	r.texts.turn()
	r.past.turn()
}

// stamps say what a thing was made from: two points of the feed, and a moment and a day of the page's where the time
// bears on it.
type stamps struct {
	touched, framed, at int64
	day                 status.Date
}

// memory keeps what was made of a thing as long as its stamps stay. What one edition did not ask for is forgotten.
type memory[V any] struct{ was, is map[string]remembered[V] }

type remembered[V any] struct {
	stamps stamps
	value  V
}

func (m *memory[V]) turn() {
	m.was, m.is = m.is, make(map[string]remembered[V], len(m.is))
}

func (m *memory[V]) get(key string, as stamps, f func() V) V {
	kept, ok := m.is[key]
	if !ok {
		kept, ok = m.was[key]
	}
	if !ok || kept.stamps != as {
		kept = remembered[V]{as, f()}
	}
	if m.is == nil {
		m.is = make(map[string]remembered[V])
	}
	m.is[key] = kept
	return kept.value
}
