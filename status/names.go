package status

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Resolve finds the components that names mean: a group's name means all its components, "Group / Component" and a
// name that only one component has mean that component. The result is in the order of the page, each once.
//
// A name that means nothing, or two things, is an *Invalid whose field is the position in the list.
func (b *Book) Resolve(names []string) ([]string, error) {
	var ids []string
	for i, name := range names {
		found, err := b.resolve(strings.TrimSpace(name))
		if err != nil {
			return nil, err.In(indexed("", i))
		}
		ids = append(ids, found...)
	}
	return PageOrder(Unique(ids), b.Groups, b.Components), nil
}

func (b *Book) resolve(name string) ([]string, *Invalid) {
	if name == "" {
		return nil, &Invalid{Rule: "must be the name of a group or component"}
	}
	var group, single []string
	var isGroup bool
	for _, g := range b.Groups {
		if g.Removed.IsZero() && g.Name == name {
			isGroup = true
			group = b.members(g.ID)
		}
	}
	for _, c := range b.Components {
		if !c.Removed.IsZero() {
			continue
		}
		if b.isCalled(c, name) {
			if isGroup {
				return nil, &Invalid{Rule: fmt.Sprintf("names both a group and a component: %s. Write one of the group's components as %q", quote(name), name+" / …")}
			}
			return []string{c.ID}, nil
		}
		if c.Name == name || c.ID == name {
			single = append(single, c.ID)
		}
	}
	switch {
	case isGroup && len(group) == 0:
		return nil, &Invalid{Rule: "names the group " + quote(name) + ", which has no components"}
	case isGroup:
		return group, nil
	case len(single) == 1:
		return single, nil
	case len(single) > 1:
		full := make([]string, len(single))
		for i, id := range single {
			full[i] = quote(FullName(id, b.Groups, b.Components))
		}
		return nil, &Invalid{Rule: "could be any of " + strings.Join(full, ", ") + ": write one of these in place of " + quote(name)}
	}
	return nil, b.unknownName(name)
}

// isCalled reports whether a component has a full name, without making that of each component that is asked about.
func (b *Book) isCalled(c Component, name string) bool {
	return strings.HasSuffix(name, c.Name) && b.fullName(c) == name
}

func (b *Book) unknownName(name string) *Invalid {
	var known []string
	for _, g := range b.Groups {
		if g.Removed.IsZero() {
			known = append(known, g.Name)
		}
	}
	for _, c := range b.Components {
		if c.Removed.IsZero() {
			known = append(known, c.Name, FullName(c.ID, b.Groups, b.Components))
		}
	}
	rule := "names no group or component of the page: " + quote(name)
	if near := Nearest(name, known); near != "" {
		return &Invalid{Rule: rule + "; did you mean " + quote(near) + "?"}
	}
	if len(known) == 0 {
		return &Invalid{Rule: rule + "; the page has no components yet, apply a page document first"}
	}
	return &Invalid{Rule: rule}
}

// withPast is the book with the components and groups that have left the page, for records of the time in which they
// were there. What is there now comes first where both have a name.
func (b *Book) withPast() *Book {
	if b.past == nil {
		b.past = b.makePast()
	}
	past := *b
	past.Groups, past.Components = b.past.Groups, b.past.Components
	past.groups, past.components = b.past.groups, b.past.components
	return &past
}

// makePast makes the groups and components of withPast, and finds them all once, so that entering thousands of records
// does so once and not for each.
func (b *Book) makePast() *Book {
	past := &Book{Groups: slices.Clone(b.Groups), Components: slices.Clone(b.Components)}
	groups, names := make(map[string]bool), make(map[string]bool)
	for _, g := range b.Groups {
		groups[g.Name] = groups[g.Name] || g.Removed.IsZero()
	}
	for _, c := range b.Components {
		if c.Removed.IsZero() {
			names[c.Name], names[b.fullName(c)] = true, true
		}
	}
	for i, g := range past.Groups {
		if !groups[g.Name] {
			past.Groups[i].Removed = time.Time{}
		}
	}
	for i, c := range past.Components {
		if !names[c.Name] && !names[b.fullName(c)] {
			past.Components[i].Removed = time.Time{}
		}
	}
	past.Group("")
	past.Component("")
	return past
}

// fullName is FullName, found by index.
func (b *Book) fullName(c Component) string {
	g, _ := b.Group(c.GroupID)
	return c.FullName(g)
}

// members are the ids of a group's components.
func (b *Book) members(groupID string) []string {
	var ids []string
	for _, c := range b.Components {
		if c.Removed.IsZero() && c.GroupID == groupID {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// Unique are the ids without repetitions, in their order, however many there are; nil stays nil.
func Unique(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		was := seen[id]
		seen[id] = true
		return was
	})
}

// slug makes a key of a title: lower case letters and digits, joined by hyphens.
func slug(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() > 60 {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}
