package document

import (
	"fmt"
	"slices"
	"strings"

	"example.org/interlude/status"
)

// document reads one tree.
func (c *checker) document(tree *node) status.Document {
	c.bad = make(map[string]bool)
	var d status.Document
	if tree.sort != mapping {
		c.refuse(tree, "", "must be a mapping such as \"title: …\", not "+tree.describe()+dividedBy(tree))
		return d
	}
	kind, told := c.kindOf(tree)
	if !told {
		return d
	}
	switch kind {
	case status.KindPage:
		d.Page = c.page(tree)
	case status.KindMaintenance:
		d.Maintenance = c.maintenance(tree)
	case status.KindIncident:
		d.Incident = c.incident(tree)
	}
	return d
}

// dividedBy helps whoever put several documents into a list.
func dividedBy(tree *node) string {
	if tree.sort != list {
		return ""
	}
	return `; several documents are divided by lines of "---"`
}

// maintenance reads a maintenance and refuses what no page could accept.
func (c *checker) maintenance(tree *node) *status.MaintenanceDocument {
	var m status.MaintenanceDocument
	c.mapping(tree, "", aMaintenance, []field{
		{"kind", ignored},
		{"id", c.line(&m.ID)},
		{"key", c.line(&m.Key)},
		{"title", c.line(&m.Title)},
		{"window", c.window(&m.Window)},
		{"summary", c.template(&m.Summary)},
		{"why", c.template(&m.Why)},
		{"affects", listOf(c, &m.Affects, c.name)},
		{"begin", oneOf(c, &m.Begin, status.Automatic, status.Manual)},
		{"complete", oneOf(c, &m.Complete, status.Automatic, status.Manual)},
		{"reminders", listOf(c, &m.Reminders, c.duration)},
		{"remind_every", c.duration(&m.RemindEvery)},
		{"overrun_every", c.duration(&m.OverrunEvery)},
		{"short_notice", c.text(&m.ShortNotice)},
		{"despite_blackout", c.text(&m.DespiteBlackout)},
		{"promises", listOf(c, &m.Promises, c.promise)},
		{"recurrence", c.recurrence(&m.Recurrence)},
		{"updates", listOf(c, &m.Updates, c.update(aMaintenance, status.MaintenanceStates))},
		{"runbook", c.opaque},
	})
	if m.Title == "" {
		c.missing(tree, "title", "is required: what readers see first")
	}
	if w, given := tree.value("window"); !given || w.sort == nothing {
		c.missing(tree, "window", "is required: {start: 2027-01-15T06:00:00Z, end: 2027-01-15T07:00:00Z}")
	} else if err := m.Window.Validate(); err != nil {
		c.invalid(tree, err)
	}
	if m.Recurrence != nil && len(m.Updates) > 0 {
		c.missing(tree, "updates", "are the record of one past maintenance, and cannot stand beside recurrence")
	}
	return &m
}

// incident reads an incident.
func (c *checker) incident(tree *node) *status.IncidentDocument {
	var i status.IncidentDocument
	c.mapping(tree, "", anIncident, []field{
		{"kind", ignored},
		{"id", c.line(&i.ID)},
		{"key", c.line(&i.Key)},
		{"title", c.line(&i.Title)},
		{"affects", listOf(c, &i.Affects, c.name)},
		{"impact", oneOf(c, &i.Impact, status.Conditions...)},
		{"updates", listOf(c, &i.Updates, c.update(anIncident, status.IncidentStates))},
	})
	if i.Title == "" {
		c.missing(tree, "title", "is required: what readers see first")
	}
	if len(i.Updates) == 0 {
		c.missing(tree, "updates", "is required: at least one, such as {status: investigating, at: 2027-01-15T06:00:00Z, body: …}")
	}
	return &i
}

// missing refuses that a value is not there, unless it is there and refused already.
func (c *checker) missing(tree *node, path, rule string) {
	c.invalid(tree, &status.Invalid{Field: path, Rule: rule})
}

// ignored passes over what was read before.
func ignored(*node, string) {}

// opaque accepts a mapping whatever it holds: somebody else reads it.
func (c *checker) opaque(n *node, path string) {
	if n.sort == scalar || n.sort == list {
		c.refuse(n, path, "must be a mapping with the keys checks and steps, not "+n.describe())
	}
}

// name reads the name of a thing, which cannot be empty.
func (c *checker) name(into *string) reader {
	return func(n *node, path string) {
		c.line(into)(n, path)
		if *into == "" && !c.bad[path] {
			c.refuse(n, path, "is empty")
		}
	}
}

func (c *checker) window(into *status.Window) reader {
	return func(n *node, path string) {
		if n.sort == nothing {
			return
		}
		c.mapping(n, path, "a window", []field{{"start", c.time(&into.Start)}, {"end", c.time(&into.End)}})
	}
}

func (c *checker) promise(into *status.Promise) reader {
	return func(n *node, path string) {
		c.mapping(n, path, "a promise", []field{
			{"audience", c.line(&into.Audience)},
			{"flow", c.line(&into.Flow)},
			{"promise", oneOf(c, &into.Promise, status.Experiences...)},
			{"at_most", c.duration(&into.AtMost)},
		})
		if into.Audience == "" {
			c.invalidBelow(n, path, &status.Invalid{Field: "audience", Rule: "is required: who will experience this, such as Developers using the API"})
		}
		if into.Promise == "" {
			c.invalidBelow(n, path, &status.Invalid{Field: "promise", Rule: "is required: uninterrupted, unavailable, limited, delayed or queued"})
		}
	}
}

// invalidBelow refuses what is missing in a mapping that stands at a path.
func (c *checker) invalidBelow(n *node, path string, bad *status.Invalid) {
	at, _ := find(n, bad.Field)
	full := bad.In(path)
	if c.bad[full.Field] || c.bad[path] {
		return
	}
	c.refuse(at, full.Field, full.Rule)
}

func (c *checker) recurrence(into **status.Recurrence) reader {
	return func(n *node, path string) {
		if n.sort == nothing {
			return
		}
		var r status.Recurrence
		c.mapping(n, path, "a recurrence", []field{
			{"rule", c.line(&r.Rule)},
			{"time_zone", c.zone(&r.TimeZone)},
			{"except", listOf(c, &r.Except, c.date)},
		})
		if r.Rule == "" {
			c.invalidBelow(n, path, &status.Invalid{Field: "rule", Rule: "is required: an RRULE of RFC 5545, such as FREQ=MONTHLY;BYDAY=1SU"})
		}
		*into = &r
	}
}

// zone reads the name of a time zone.
func (c *checker) zone(into *string) reader {
	return parsed(c, into, "an IANA name such as UTC or Europe/Berlin", func(s string) (string, error) {
		s = strings.TrimSpace(s)
		if _, err := status.LoadZone(s); err != nil {
			return "", &status.Invalid{Rule: "must be an IANA name such as UTC or Europe/Berlin, not " + shown(s)}
		}
		return s, nil
	})
}

// update reads a past update, whose status is one of the kind's states.
func (c *checker) update(what string, states []status.State) func(into *status.UpdateDocument) reader {
	return func(into *status.UpdateDocument) reader {
		return func(n *node, path string) {
			c.mapping(n, path, "an update of "+what, []field{
				{"id", c.line(&into.ID)},
				{"status", c.state(&into.Status, what, states)},
				{"at", c.time(&into.At)},
				{"body", c.text(&into.Body)},
				{"components", c.conditions(&into.Components)},
			})
			if into.Status == "" {
				c.invalidBelow(n, path, &status.Invalid{Field: "status", Rule: "is required: " + either(words(states))})
			}
			if into.At.IsZero() {
				c.invalidBelow(n, path, &status.Invalid{Field: "at", Rule: "is required: when it was posted, such as 2027-01-15T06:00:00Z"})
			}
		}
	}
}

// state reads a state of one kind, and knows the states of the other.
func (c *checker) state(into *status.State, what string, states []status.State) reader {
	return func(n *node, path string) {
		if s := status.State(n.text); !slices.Contains(states, s) && slices.Contains(slices.Concat(status.MaintenanceStates, status.IncidentStates), s) {
			c.refuse(n, path, fmt.Sprintf("must be %s, for this is %s; %s belongs to the other kind", either(words(states)), what, shown(n.text)))
			return
		}
		oneOf(c, into, states...)(n, path)
	}
}

func words(states []status.State) []string {
	list := make([]string, len(states))
	for i, s := range states {
		list[i] = string(s)
	}
	return list
}

// conditions reads the statuses of components, by name.
func (c *checker) conditions(into *map[string]status.Condition) reader {
	return func(n *node, path string) {
		if n.sort == nothing || n.sort == mapping && len(n.pairs) == 0 {
			return
		}
		if n.sort != mapping {
			c.refuse(n, path, "must be a mapping such as {Group / Component: partial_outage}, not "+n.describe())
			return
		}
		all := make(map[string]status.Condition, len(n.pairs))
		for _, p := range n.pairs {
			var name string
			c.name(&name)(p.key, below(path, p.key.text))
			var condition status.Condition
			oneOf(c, &condition, status.Conditions...)(p.value, below(path, p.key.text))
			if p.value.sort == nothing {
				c.refuse(p.key, below(path, p.key.text), "has no status: "+either(conditionWords())+" is expected")
			}
			all[name] = condition
		}
		*into = all
	}
}

func conditionWords() []string {
	list := make([]string, len(status.Conditions))
	for i, condition := range status.Conditions {
		list[i] = string(condition)
	}
	return list
}
