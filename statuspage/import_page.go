package statuspage

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"example.org/interlude/status"
)

// spot is a component or a group on its way into the page's document.
type spot struct {
	status.ComponentNode
	// other is its identifier there, empty for what is here alone.
	other    string
	position int
	within   string // the group's identifier there, or here
	members  []spot
}

// nodes are the components of the page in its order, and behind them what is here alone.
func (i *importer) nodes() []status.ComponentNode {
	outer := i.placed()
	i.keepOwn(&outer)
	slices.SortStableFunc(outer, func(a, b spot) int { return cmp.Compare(a.position, b.position) })
	taken := make(map[string]map[string]bool)
	groups := make(map[string]bool)
	var nodes []status.ComponentNode
	for _, p := range outer {
		if p.Group == "" {
			i.rename(&p, taken, "")
			nodes = append(nodes, p.ComponentNode)
			continue
		}
		if len(p.members) == 0 {
			i.lost("component group", p.Group, "it has no components; a group has at least one")
			continue
		}
		p.Group = i.unlike(groups, "component group", p.Group, p.Group)
		slices.SortStableFunc(p.members, func(a, b spot) int { return cmp.Compare(a.position, b.position) })
		for _, m := range p.members {
			i.rename(&m, taken, p.Group)
			p.Components = append(p.Components, m.ComponentNode)
		}
		nodes = append(nodes, p.ComponentNode)
	}
	i.name(nodes)
	i.count(nodes)
	return nodes
}

// placed are the components and groups of the other page, in the order of its lists.
func (i *importer) placed() []spot {
	var outer []spot
	groups := make(map[string]int)
	for _, c := range i.other.components {
		if !c.header() {
			continue
		}
		p := i.placeOf(c)
		p.Group, p.Name = p.Name, ""
		p.HideUptime, p.OnlyIfDegraded, p.Start = false, false, status.Date{}
		groups[p.other] = len(outer)
		outer = append(outer, p)
	}
	for _, c := range i.other.components {
		if c.header() {
			continue
		}
		p := i.placeOf(c)
		at, grouped := groups[p.within]
		if p.within != "" && !grouped {
			i.fitted("component", p.Name, "its group "+p.within+" is not on the page; it stands without one")
		}
		if grouped && p.within != "" {
			outer[at].members = append(outer[at].members, p)
			continue
		}
		p.within = ""
		outer = append(outer, p)
	}
	return outer
}

func (i *importer) placeOf(c otherComponent) spot {
	p := spot{other: given(c.ID), within: given(c.GroupID)}
	p.ID, p.Description = fitID(p.other), plain(given(c.Description))
	p.HideUptime = c.Showcase != nil && !*c.Showcase
	p.OnlyIfDegraded = c.OnlyIfDegraded != nil && *c.OnlyIfDegraded
	if c.StartDate != nil && c.StartDate.year >= 1970 {
		p.Start = status.Date{Year: c.StartDate.year, Month: time.Month(c.StartDate.month), Day: c.StartDate.day}
	}
	if c.Position != nil {
		p.position = *c.Position
	}
	was := given(c.Name)
	p.Name = nodeName(was, c.header())
	if p.Name == "" {
		p.Name = cmp.Or(p.ID, "Unnamed")
	}
	if p.Name != strings.TrimSpace(was) {
		i.fitted("component", p.Name, fmt.Sprintf("is called %q there, which cannot be a name here", was))
	}
	if p.ID != p.other {
		i.fitted("component", p.Name, fmt.Sprintf("has the identifier %q there and %s here", p.other, p.ID))
	}
	return p
}

// nodeName is a name that a document can have: one line, and without what stands between a group and its component.
func nodeName(was string, group bool) string {
	name := oneLine(was)
	for !group && strings.Contains(name, " / ") {
		name = strings.TrimSpace(strings.ReplaceAll(name, " / ", "/"))
	}
	return name
}

// keepOwn adds what is here and not there, so that nothing leaves the page, and finds what is here under another
// identifier.
func (i *importer) keepOwn(outer *[]spot) {
	there := make(map[string]bool)
	groupAt := make(map[string]int) // by identifier and by name
	for n, p := range *outer {
		there[p.ID] = true
		for _, m := range p.members {
			there[m.ID] = true
		}
		if p.Group != "" {
			groupAt["id "+p.ID], groupAt["name "+p.Group] = n, n
		}
	}
	const last = 1 << 30
	for _, c := range i.have.Components {
		if there[c.ID] {
			continue
		}
		own := spot{position: last, within: c.GroupID}
		own.ComponentNode = status.ComponentNode{
			ID: c.ID, Name: c.Name, Description: c.Description, HideUptime: c.HideUptime, OnlyIfDegraded: c.OnlyIfDegraded, Start: c.Start,
		}
		at, grouped := groupAt["id "+c.GroupID]
		if !grouped {
			at, grouped = groupAt["name "+c.Group]
		}
		switch {
		case c.Group == "" && i.same(*outer, own):
		case c.Group == "":
			*outer = append(*outer, own)
		case !grouped:
			groupAt["id "+c.GroupID] = len(*outer)
			*outer = append(*outer, spot{ComponentNode: status.ComponentNode{ID: c.GroupID, Group: c.Group}, position: last, members: []spot{own}})
		case !i.same((*outer)[at].members, own):
			(*outer)[at].members = append((*outer)[at].members, own)
		}
	}
}

// same reports whether a component that is here has its name from one there, and is taken for that.
func (i *importer) same(beside []spot, own spot) bool {
	for n, p := range beside {
		if p.Group == "" && p.Name == own.Name && p.other != "" && p.ID != own.ID {
			i.fitted("component", own.Name, fmt.Sprintf("is here already with the identifier %s, which programs must use in place of %s", own.ID, p.ID))
			beside[n].ID = own.ID
			return true
		}
	}
	return false
}

// rename gives a component a name that nothing else in its place has.
func (i *importer) rename(p *spot, taken map[string]map[string]bool, group string) {
	if taken[group] == nil {
		taken[group] = make(map[string]bool)
	}
	p.Name = i.unlike(taken[group], "component", p.Name, strings.TrimPrefix(group+" / "+p.Name, " / "))
	if p.other != "" {
		i.ids[p.other] = p.ID
	}
}

// unlike is a name that is not taken yet: the name itself, or with the next number.
func (i *importer) unlike(taken map[string]bool, kind, name, full string) string {
	fit := name
	for n := 2; taken[fit]; n++ {
		fit = fmt.Sprintf("%s (%d)", name, n)
	}
	taken[fit] = true
	if fit != name {
		i.fitted(kind, full, fmt.Sprintf("stands beside another one of this name, and is called %q", fit))
	}
	return fit
}

// name finds out how documents name each component: by its full name, or by its identifier where something else has
// that name.
func (i *importer) name(nodes []status.ComponentNode) {
	names := make(map[string]int)
	full := make(map[string]string)
	for _, n := range nodes {
		if n.Group == "" {
			names[n.Name]++
			full[n.ID] = n.Name
			continue
		}
		names[n.Group]++
		for _, c := range n.Components {
			names[n.Group+" / "+c.Name]++
			full[c.ID] = n.Group + " / " + c.Name
		}
	}
	for other, id := range i.ids {
		ref := full[id]
		if names[ref] > 1 {
			ref = id
		}
		if ref != "" {
			i.refs[other], i.called[id] = ref, ref
		}
	}
}

// count says which of the nodes are new here.
func (i *importer) count(nodes []status.ComponentNode) {
	here := make(map[string]bool)
	for _, c := range i.have.Components {
		here[c.ID], here[c.GroupID] = true, true
	}
	tally := func(kind, id string) {
		if here[id] {
			i.out.Report.There[kind]++
		} else {
			i.out.Report.Brought[kind]++
		}
	}
	for _, n := range nodes {
		if n.Group == "" {
			tally("component", n.ID)
			continue
		}
		tally("component group", n.ID)
		for _, c := range n.Components {
			tally("component", c.ID)
		}
	}
}

// fitID is an identifier that can be written into an address: the one that was given, or one made of it.
func fitID(id string) string {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && (r < 'A' || r > 'Z')
	}
	if len(id) <= 64 && !strings.ContainsFunc(id, odd) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "x" + hex.EncodeToString(sum[:8])
}

// plain is a text without what no page can show: control characters, and space at its end.
func plain(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	text = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unicode.IsControl(r) || r == '\ufeff' {
			return -1
		}
		return r
	}, text)
	return strings.TrimRight(text, " \t\n")
}

// oneLine is a text on one line, no longer than a title may be.
func oneLine(text string) string {
	const longest = 255
	text = strings.TrimSpace(strings.NewReplacer("\n", " ", "\t", " ").Replace(plain(text)))
	if utf8.RuneCountInString(text) > longest {
		text = strings.TrimSpace(string([]rune(text)[:longest-1])) + "…"
	}
	return text
}
