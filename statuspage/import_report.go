package statuspage

import (
	"cmp"
	"slices"
)

// ImportReport tells what an import did, or would do: nothing that could not be brought over goes unsaid.
type ImportReport struct {
	From string `json:"from"`
	Page string `json:"page"`
	// Brought and There count what is new here, or renewed, and what was here already, by kind.
	Brought map[string]int `json:"brought"`
	There   map[string]int `json:"already_there"`
	// Fitted is what was changed because it could not be had as it was.
	Fitted Notes `json:"changed_to_fit"`
	// LeftAlone is what differs there and goes on here.
	LeftAlone Notes `json:"left_alone"`
	// NotCarried is what stays behind.
	NotCarried Notes `json:"not_carried"`
	// Next is what remains to be done.
	Next []string `json:"next"`
}

// Note is a sentence about one thing.
type Note struct {
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	What string `json:"what"`
}

// Notes are sentences, in the order in which they arose.
type Notes []Note

func (n *Notes) add(kind, name, what string) {
	note := Note{kind, name, what}
	if len(*n) == 0 || (*n)[len(*n)-1] != note {
		*n = append(*n, note)
	}
}

func newImportReport(from Source) ImportReport {
	return ImportReport{
		From: from.From, Brought: map[string]int{}, There: map[string]int{},
		Fitted: Notes{}, LeftAlone: Notes{}, NotCarried: append(Notes{}, from.Unread...), Next: []string{},
	}
}

// Kinds are the kinds of a count, in the order in which people think of them.
func Kinds(of map[string]int) []string {
	order := []string{"page", "component", "component group", "incident", "maintenance", "status", "setting", "subscriber", "template"}
	kinds := make([]string, 0, len(of))
	for kind, n := range of {
		if n > 0 {
			kinds = append(kinds, kind)
		}
	}
	slices.SortFunc(kinds, func(a, b string) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a), slices.Index(order, b)), cmp.Compare(a, b))
	})
	return kinds
}

// once adds a note that does not stand there yet.
func (n *Notes) once(kind, name, what string) {
	if !slices.Contains(*n, Note{kind, name, what}) {
		*n = append(*n, Note{kind, name, what})
	}
}
