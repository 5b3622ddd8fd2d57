package document

import (
	"fmt"

	"example.org/interlude/status"
)

// page reads a page and its components.
func (c *checker) page(tree *node) *status.PageDocument {
	var p status.PageDocument
	f := &p.Page
	c.mapping(tree, "", aPage, []field{
		{"kind", ignored},
		{"page", func(n *node, path string) {
			if n.sort == scalar {
				// "page: Northwind" can only mean the name.
				c.line(&f.Name)(n, path)
				return
			}
			if n.sort == nothing {
				return
			}
			c.mapping(n, path, "the page", []field{
				{"id", c.line(&f.ID)},
				{"name", c.line(&f.Name)},
				{"url", c.line(&f.URL)},
				{"description", c.text(&f.Description)},
				{"time_zone", c.zone(&f.TimeZone)},
				{"least_notice", c.duration(&f.LeastNotice)},
				{"blackouts", listOf(c, &f.Blackouts, c.blackout)},
				{"maintenance_counts", c.flag(&f.MaintenanceCounts)},
			})
		}},
		{"components", listOf(c, &p.Components, c.component)},
	})
	rules := status.Page{Name: f.Name, URL: f.URL, TimeZone: f.TimeZone, Blackouts: f.Blackouts}
	if err := rules.Validate(); err != nil {
		c.invalid(tree, invalidAt(err, "page"))
	}
	if components, given := tree.value("components"); given {
		c.unique(components, "components", p.Components)
	}
	return &p
}

func (c *checker) blackout(into *status.Blackout) reader {
	return func(n *node, path string) {
		c.mapping(n, path, "a blackout", []field{
			{"from", c.date(&into.From)}, {"to", c.date(&into.To)}, {"reason", c.text(&into.Reason)},
		})
		for _, end := range []struct {
			name string
			day  status.Date
		}{{"from", into.From}, {"to", into.To}} {
			if end.day.IsZero() {
				c.invalidBelow(n, path, &status.Invalid{Field: end.name, Rule: "is required: a day such as 2027-01-15; both days are part of the blackout"})
			}
		}
	}
}

// component reads a component, which may be a name alone, or a group of components.
func (c *checker) component(into *status.ComponentNode) reader {
	return func(n *node, path string) {
		if n.sort == scalar {
			c.name(&into.Name)(n, path)
			return
		}
		if _, group := n.value("group"); !group {
			if _, inner := n.value("components"); !inner {
				c.single(into, n, path)
				return
			}
		}
		c.mapping(n, path, "a group", []field{
			{"id", c.line(&into.ID)},
			{"group", c.name(&into.Group)},
			{"description", c.text(&into.Description)},
			{"components", listOf(c, &into.Components, c.member)},
		})
		if into.Group == "" {
			c.invalidBelow(n, path, &status.Invalid{Field: "group", Rule: "is required: the name of the group"})
		}
		if len(into.Components) == 0 {
			c.invalidBelow(n, path, &status.Invalid{Field: "components", Rule: "is required: a group has at least one component"})
		}
	}
}

// member reads a component of a group, which cannot be a group itself.
func (c *checker) member(into *status.ComponentNode) reader {
	return func(n *node, path string) {
		_, group := n.value("group")
		_, inner := n.value("components")
		switch {
		case n.sort == scalar:
			c.name(&into.Name)(n, path)
		case group, inner:
			c.refuse(n, path, "is a group inside of a group: groups hold components only")
		default:
			c.single(into, n, path)
		}
	}
}

func (c *checker) single(into *status.ComponentNode, n *node, path string) {
	c.mapping(n, path, "a component", []field{
		{"id", c.line(&into.ID)},
		{"name", c.name(&into.Name)},
		{"description", c.text(&into.Description)},
		{"hide_uptime", c.flag(&into.HideUptime)},
		{"only_if_degraded", c.flag(&into.OnlyIfDegraded)},
		{"start", c.date(&into.Start)},
	})
	if into.Name == "" {
		c.invalidBelow(n, path, &status.Invalid{Field: "name", Rule: `is required: a component is a name alone, {name: …, description: …}, or {group: …, components: […]}`})
	}
}

// unique refuses a group, or a component of one group, that is given twice: nobody could tell which one is meant.
func (c *checker) unique(n *node, path string, components []status.ComponentNode) {
	seen := make(map[string]*node)
	for i, component := range components {
		at, _ := find(n, fmt.Sprintf("[%d]", i))
		where := fmt.Sprintf("%s[%d]", path, i)
		what, name := "component", component.Name
		if component.Group != "" {
			what, name = "group", component.Group
			if inner, given := at.value("components"); given {
				c.unique(inner, where+".components", component.Components)
			}
		}
		if name == "" {
			continue
		}
		if first, twice := seen[what+name]; twice {
			c.refuse(at, where, fmt.Sprintf("is the %s %s a second time; it stands in line %d already", what, shown(name), first.line))
			continue
		}
		seen[what+name] = at
	}
}
