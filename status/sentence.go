package status

import "strings"

// Affected is the sentence that ends a report: "This scheduled maintenance affected: Group (A, B), Group (C), and D, E."
//
// Components of one group are gathered under its name, and those without a group stand together as one item, all in
// the order of the page. The items are joined as English does: "A", "A and B", "A, B, and C". It is empty when
// nothing is affected, and in the present tense while the event is open.
func Affected(kind Kind, open bool, ids []string, groups []Group, components []Component) string {
	items := affectedItems(ids, groups, components)
	if len(items) == 0 {
		return ""
	}
	what := "This incident"
	if kind == KindMaintenance {
		what = "This scheduled maintenance"
	}
	verb := " affected: "
	if open {
		verb = " affects: "
	}
	return what + verb + joinAnd(items) + "."
}

func affectedItems(ids []string, groups []Group, components []Component) []string {
	type item struct {
		group string
		names []string
	}
	var items []*item
	byGroup := make(map[string]*item)
	for _, id := range PageOrder(ids, groups, components) {
		c, known := first(components, func(c Component) bool { return c.ID == id })
		if !known {
			continue
		}
		it := byGroup[c.GroupID]
		if it == nil {
			it = &item{}
			if g, ok := first(groups, func(g Group) bool { return g.ID == c.GroupID }); ok {
				it.group = g.Name
			}
			byGroup[c.GroupID] = it
			items = append(items, it)
		}
		it.names = append(it.names, c.Name)
	}
	texts := make([]string, len(items))
	for i, it := range items {
		texts[i] = strings.Join(it.names, ", ")
		if it.group != "" {
			texts[i] = it.group + " (" + texts[i] + ")"
		}
	}
	return texts
}

// joinAnd joins items with commas and a serial "and".
func joinAnd(items []string) string {
	switch n := len(items); n {
	case 0:
		return ""
	case 1:
		return items[0]
	case 2:
		return items[0] + " and " + items[1]
	default:
		return strings.Join(items[:n-1], ", ") + ", and " + items[n-1]
	}
}
