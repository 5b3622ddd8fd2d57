package web

import (
	"fmt"
	"strings"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

// missing is a reference in the path that names nothing, with what was probably meant. It is a status.ErrNotFound.
type missing struct{ detail, hint string }

func (e *missing) Error() string { return e.detail }
func (e *missing) Unwrap() error { return status.ErrNotFound }

// absent is the answer for a reference that names nothing of the kinds that an operation takes. It says what has that
// name instead, or nearly that name.
func absent(p *board.Picture, ref string, kinds ...status.Kind) error {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	detail := fmt.Sprintf("no %s has the id or key %q", strings.Join(words, " or "), ref)
	if other, ok := kindOf(p, ref); ok {
		return &missing{fmt.Sprintf("%s; it is %s", detail, article(other)), fmt.Sprintf("`interlude %s show %s` shows it.", other, ref)}
	}
	var keys, lists []string
	for _, k := range kinds {
		keys = append(keys, keysOf(p, k)...)
		lists = append(lists, fmt.Sprintf("`interlude %s list`", k))
	}
	if near := status.Nearest(ref, keys); near != "" {
		return &missing{detail: fmt.Sprintf("%s; did you mean %q?", detail, near)}
	}
	verb := " shows them."
	if len(lists) > 1 {
		verb = " show them."
	}
	return &missing{detail, strings.Join(lists, " and ") + verb}
}

// kindOf is what has an id or key.
func kindOf(p *board.Picture, ref string) (status.Kind, bool) {
	if _, ok := p.Maintenance(ref); ok {
		return status.KindMaintenance, true
	}
	if _, ok := p.Incident(ref); ok {
		return status.KindIncident, true
	}
	_, ok := seriesOf(p, ref)
	return status.KindSeries, ok
}

func article(k status.Kind) string {
	if k == status.KindIncident {
		return "an incident"
	}
	return "a " + string(k)
}

// mostKeysCompared bounds the past that a mistyped key is compared with.
const mostKeysCompared = 1000

// keysOf are the keys of a kind: of all that is open, and of the latest past.
func keysOf(p *board.Picture, kind status.Kind) []string {
	var keys []string
	switch kind {
	case status.KindMaintenance:
		for _, m := range p.Maintenances {
			keys = append(keys, m.Key)
		}
	case status.KindIncident:
		for _, i := range p.Incidents {
			keys = append(keys, i.Key)
		}
	case status.KindSeries:
		for _, s := range p.Series {
			keys = append(keys, s.Key)
		}
	}
	for _, e := range p.Past[:min(len(p.Past), mostKeysCompared)] {
		if kind == status.KindMaintenance && e.Maintenance != nil {
			keys = append(keys, e.Maintenance.Key)
		}
		if kind == status.KindIncident && e.Incident != nil {
			keys = append(keys, e.Incident.Key)
		}
	}
	return keys
}
