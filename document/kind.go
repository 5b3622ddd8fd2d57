package document

import (
	"fmt"
	"slices"
	"strings"

	"example.org/interlude/status"
)

// The keys of each kind of document, for finding out which one it is before it is read.
var (
	pageKeys        = []string{"kind", "page", "components"}
	maintenanceKeys = []string{
		"kind", "id", "key", "title", "window", "summary", "why", "affects", "begin", "complete", "reminders", "remind_every",
		"overrun_every", "short_notice", "despite_blackout", "promises", "recurrence", "updates", "runbook",
	}
	incidentKeys = []string{"kind", "id", "key", "title", "affects", "impact", "updates"}
)

// kindOf finds out what a document is. The strongest sign decides; what contradicts it is refused afterwards, as a key
// that is not known there.
func (c *checker) kindOf(tree *node) (status.Kind, bool) {
	if n, given := tree.value("kind"); given {
		var kind status.Kind
		oneOf(c, &kind, status.KindPage, status.KindMaintenance, status.KindIncident)(n, "kind")
		if kind != "" || n.sort != nothing {
			return kind, kind != ""
		}
	}
	keys := exactKeys(tree)
	if kind, told := kindOfKeys(tree, keys); told {
		return kind, true
	}
	if kind, told := kindOfKeys(tree, meantKeys(tree)); told {
		return kind, true
	}
	if len(keys) == 0 {
		c.refuse(tree, "", "is no document that is known: a page begins with page, a maintenance has a title and a window, an incident a title and updates")
		return "", false
	}
	c.refuse(tree, "", "could be a maintenance or an incident: a maintenance has a window, an incident has updates with a status such as investigating; "+
		"kind: maintenance or kind: incident says it outright")
	return "", false
}

// kindOfKeys follows the strongest sign among the keys that a document has.
func kindOfKeys(tree *node, keys []string) (status.Kind, bool) {
	has := func(some ...string) bool {
		return slices.ContainsFunc(some, func(key string) bool { return slices.Contains(keys, key) })
	}
	switch {
	case has("page"):
		return status.KindPage, true
	case has("window", "recurrence"):
		return status.KindMaintenance, true
	}
	if kind, told := kindOfUpdates(tree); told {
		return kind, true
	}
	switch {
	case has(without(maintenanceKeys, incidentKeys)...):
		return status.KindMaintenance, true
	case has("impact"):
		return status.KindIncident, true
	case has("components") && !has("title"):
		return status.KindPage, true
	}
	return "", false
}

// everyKey is each key that some kind of document has, but for kind itself.
var everyKey = without(slices.Concat(pageKeys, maintenanceKeys, incidentKeys), []string{"kind"})

// exactKeys are the keys of the document that are known.
func exactKeys(tree *node) []string {
	var keys []string
	for _, p := range tree.pairs {
		if slices.Contains(everyKey, p.key.text) {
			keys = append(keys, p.key.text)
		}
	}
	return keys
}

// meantKeys are the known keys and, for mistyped ones, the nearest that any document knows.
func meantKeys(tree *node) []string {
	keys := exactKeys(tree)
	for _, p := range tree.pairs {
		if near := status.Nearest(p.key.text, everyKey); near != "" {
			keys = append(keys, near)
		}
	}
	return keys
}

// kindOfUpdates asks the first update whose status only one kind has.
func kindOfUpdates(tree *node) (status.Kind, bool) {
	updates, _ := tree.value("updates")
	if updates == nil {
		return "", false
	}
	for _, u := range updates.items {
		state, _ := u.value("status")
		if state == nil {
			continue
		}
		var scratch checker
		scratch.src, scratch.bad = &source{lines: []string{""}}, map[string]bool{}
		var s status.State
		oneOf(&scratch, &s, slices.Concat(status.MaintenanceStates, status.IncidentStates)...)(state, "")
		switch {
		case slices.Contains(status.MaintenanceStates, s):
			return status.KindMaintenance, true
		case slices.Contains(status.IncidentStates, s):
			return status.KindIncident, true
		}
	}
	return "", false
}

// elsewhere says where a key belongs that is not known where it stands, when that can be told, and what it was meant
// to be.
func elsewhere(what, key string) (hint, meant string) {
	event := what == aMaintenance || what == anIncident
	switch {
	case what == aMaintenance && slices.Contains([]string{"start", "end", "scheduled_for"}, key):
		return "the window says when: window: {start: …, end: …}", "window"
	case what == aMaintenance && slices.Contains([]string{"description", "body", "message"}, key):
		return "the summary says it: summary: …", "summary"
	case event && key == "name":
		return "the title says it: title: …", "title"
	case event && key == "components":
		return "what is affected stands in affects: [Group, Group / Component]", "affects"
	}
	kinds := map[string][]string{aPage: pageKeys, aMaintenance: maintenanceKeys, anIncident: incidentKeys}
	if kinds[what] == nil {
		return "", ""
	}
	var owners []string
	for _, kind := range []string{aPage, aMaintenance, anIncident} {
		if slices.Contains(kinds[kind], key) {
			owners = append(owners, kind)
		}
	}
	if len(owners) == 0 {
		return "", ""
	}
	return fmt.Sprintf(`it belongs to %s, and this is %s: a line of "---" divides documents`, strings.Join(owners, " or "), what), key
}

// What messages call the kinds of documents.
const (
	aPage        = "a page"
	aMaintenance = "a maintenance"
	anIncident   = "an incident"
)

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}
