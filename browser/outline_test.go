package browser

import (
	"fmt"
	"slices"
)

// outlined says of the page that is open that it has its landmarks, once each, a status region, and headings in order under
// one of the first level.
func (b *tab) outlined(what string) {
	b.t.Helper()
	nodes := b.tree()
	landmarks := make(map[string]int)
	var headings []string
	last := 0
	for _, n := range nodes {
		landmarks[n.role]++
		if n.role != "heading" {
			continue
		}
		headings = append(headings, fmt.Sprintf("%d %s", n.level, n.name))
		switch {
		case n.name == "":
			b.t.Errorf("%s: got a heading without words, want some; all: %q", what, headings)
		case len(headings) == 1 && n.level != 1, len(headings) > 1 && n.level == 1, n.level > last+1:
			b.t.Errorf("%s: got headings %q, want one h1, first, and no level left out", what, headings)
		}
		last = n.level
	}
	for _, role := range []string{"banner", "main", "contentinfo"} {
		if landmarks[role] != 1 {
			b.t.Errorf("%s: got %d landmarks %s, want 1", what, landmarks[role], role)
		}
	}
	if !slices.Contains(nodes, node{role: "navigation", name: "Pages"}) {
		b.t.Errorf("%s: got no navigation with the name Pages, want one", what)
	}
	if landmarks["status"] == 0 {
		b.t.Errorf("%s: got no status region, want one at least", what)
	}
}
