package document

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"example.org/interlude/status"
)

// Marshal writes a document in the form that [Read] reads, as a person would write it: keys in the order of the
// reference, windows and promises on one line each, longer texts as blocks.
//
// What is read back is the same document, but for space at the beginning and end of texts. A document that is none of
// the three kinds, or more than one, and a text with control characters are refused.
func Marshal(d status.Document) ([]byte, error) {
	var w writer
	switch {
	case d.Page != nil && d.Maintenance == nil && d.Incident == nil:
		w.page(*d.Page)
	case d.Maintenance != nil && d.Page == nil && d.Incident == nil:
		w.maintenance(*d.Maintenance)
	case d.Incident != nil && d.Page == nil && d.Maintenance == nil:
		w.incident(*d.Incident)
	default:
		return nil, errors.New("a document must be one of page, maintenance and incident")
	}
	if w.err != nil {
		return nil, fmt.Errorf("write the document: %w", w.err)
	}
	return w.out, nil
}

// writer puts keys and values at a depth of indentation.
type writer struct {
	out   []byte
	depth int
	err   error
}

func (w *writer) page(p status.PageDocument) {
	w.head("page")
	w.depth++
	w.text("id", p.Page.ID)
	w.text("name", p.Page.Name)
	w.text("url", p.Page.URL)
	w.text("description", p.Page.Description)
	w.text("time_zone", p.Page.TimeZone)
	w.duration("least_notice", p.Page.LeastNotice)
	w.flag("maintenance_counts", p.Page.MaintenanceCounts)
	if len(p.Page.Blackouts) > 0 {
		w.head("blackouts")
		for _, b := range p.Page.Blackouts {
			w.item(w.flow(member{"from", b.From.String()}, member{"to", b.To.String()}, w.quoted("reason", b.Reason)))
		}
	}
	w.depth--
	if len(p.Components) > 0 {
		w.head("components")
		for _, c := range p.Components {
			w.component(c)
		}
	}
}

func (w *writer) component(c status.ComponentNode) {
	if plain(c) {
		w.item(w.scalar(c.Name, true))
		return
	}
	w.block(func() {
		w.text("id", c.ID)
		w.text("name", c.Name)
		w.text("group", c.Group)
		w.text("description", c.Description)
		w.flag("hide_uptime", c.HideUptime)
		w.flag("only_if_degraded", c.OnlyIfDegraded)
		if !c.Start.IsZero() {
			w.raw("start", c.Start.String())
		}
		if slices.ContainsFunc(c.Components, func(c status.ComponentNode) bool { return !plain(c) }) {
			w.head("components")
			for _, inner := range c.Components {
				w.component(inner)
			}
			return
		}
		list := make([]string, len(c.Components))
		for i, inner := range c.Components {
			list[i] = inner.Name
		}
		w.names("components", list)
	})
}

// plain reports whether a component is nothing but a name.
func plain(c status.ComponentNode) bool {
	return reflect.DeepEqual(c, status.ComponentNode{Name: c.Name})
}

func (w *writer) flag(key string, on bool) {
	if on {
		w.raw(key, "true")
	}
}

func (w *writer) maintenance(m status.MaintenanceDocument) {
	w.text("id", m.ID)
	w.text("key", m.Key)
	w.text("title", m.Title)
	w.raw("window", w.flow(member{"start", utc(m.Window.Start)}, member{"end", utc(m.Window.End)}))
	if r := m.Recurrence; r != nil {
		w.head("recurrence")
		w.depth++
		w.text("rule", r.Rule)
		w.text("time_zone", r.TimeZone)
		days := make([]string, len(r.Except))
		for i, day := range r.Except {
			days[i] = day.String()
		}
		w.list("except", days)
		w.depth--
	}
	w.text("summary", m.Summary)
	w.text("why", m.Why)
	w.names("affects", m.Affects)
	w.raw("begin", string(m.Begin))
	w.raw("complete", string(m.Complete))
	leads := make([]string, len(m.Reminders))
	for i, lead := range m.Reminders {
		leads[i] = lead.String()
	}
	w.list("reminders", leads)
	w.duration("remind_every", m.RemindEvery)
	w.duration("overrun_every", m.OverrunEvery)
	w.text("short_notice", m.ShortNotice)
	w.text("despite_blackout", m.DespiteBlackout)
	if len(m.Promises) > 0 {
		w.head("promises")
		for _, p := range m.Promises {
			most := ""
			if p.AtMost != 0 {
				most = p.AtMost.String()
			}
			w.item(w.flow(w.quoted("audience", p.Audience), w.quoted("flow", p.Flow), member{"promise", string(p.Promise)}, member{"at_most", most}))
		}
	}
	w.updates(m.Updates)
}

func (w *writer) incident(i status.IncidentDocument) {
	w.text("id", i.ID)
	w.text("key", i.Key)
	w.text("title", i.Title)
	w.names("affects", i.Affects)
	w.raw("impact", string(i.Impact))
	w.updates(i.Updates)
}

func (w *writer) updates(updates []status.UpdateDocument) {
	if len(updates) == 0 {
		return
	}
	w.head("updates")
	for _, u := range updates {
		w.block(func() {
			w.text("id", u.ID)
			w.raw("status", string(u.Status))
			w.raw("at", utc(u.At))
			w.text("body", u.Body)
			if len(u.Components) == 0 {
				return
			}
			w.head("components")
			w.depth++
			for _, name := range slices.Sorted(maps.Keys(u.Components)) {
				w.raw(w.scalar(name, true), string(u.Components[name]))
			}
			w.depth--
		})
	}
}

func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}

// line writes one line at the current depth.
func (w *writer) line(parts ...string) {
	w.out = append(w.out, strings.Repeat("  ", w.depth)...)
	for _, p := range parts {
		w.out = append(w.out, p...)
	}
	w.out = append(w.out, '\n')
}

func (w *writer) head(key string) { w.line(key, ":") }

// raw writes a value that needs no quotes, unless it is empty.
func (w *writer) raw(key, value string) {
	if value != "" {
		w.line(key, ": ", value)
	}
}

func (w *writer) duration(key string, d status.Duration) {
	if d != 0 {
		w.raw(key, d.String())
	}
}

// text writes a text in its shortest safe form, unless it is empty.
func (w *writer) text(key, text string) {
	if text = strings.TrimRight(strings.TrimLeft(text, "\n"), " \t\n"); text == "" {
		return
	}
	if !fitsBlock(text) {
		w.line(key, ": ", w.scalar(text, false))
		return
	}
	w.line(key, ": |")
	w.depth++
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			w.out = append(w.out, '\n')
			continue
		}
		w.line(line)
	}
	w.depth--
}

// names writes a list of names, on one line where it is short.
func (w *writer) names(key string, names []string) {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = w.scalar(name, true)
	}
	w.list(key, list)
}

// list writes a list of what is quoted already.
func (w *writer) list(key string, list []string) {
	const width = 100
	if len(list) == 0 {
		return
	}
	if flow := strings.Join(list, ", "); len(flow) < width {
		w.line(key, ": [", flow, "]")
		return
	}
	w.head(key)
	for _, element := range list {
		w.item(element)
	}
}

// item writes one element of a list below its key.
func (w *writer) item(text string) { w.line("  - ", text) }

// block writes an element that is a mapping of several lines: the first of them begins with the dash.
func (w *writer) block(fields func()) {
	dash := len(w.out) + (w.depth+1)*2
	w.depth += 2
	fields()
	w.depth -= 2
	if dash < len(w.out) {
		w.out[dash] = '-'
	}
}

// member is a key with its value, ready to be written.
type member struct{ key, value string }

func (w *writer) quoted(key, value string) member {
	if value == "" {
		return member{}
	}
	return member{key, w.scalar(value, true)}
}

// flow is a mapping on one line, without its empty members.
func (w *writer) flow(members ...member) string {
	var parts []string
	for _, m := range members {
		if m.value != "" {
			parts = append(parts, m.key+": "+m.value)
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
