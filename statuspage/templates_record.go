package statuspage

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of what the records hold. They lie far above what people write.
const (
	longestLine = 255      // characters
	longestText = 64 << 10 // bytes
)

// recordsOf reads all records of a kind.
func recordsOf[T any](c *call, kind string) ([]T, error) {
	payloads, err := c.Records.Records(c.ctx, kind)
	if err != nil {
		return nil, err
	}
	all := make([]T, len(payloads))
	for i, payload := range payloads {
		if err := json.Unmarshal(payload, &all[i]); err != nil {
			return nil, fmt.Errorf("read %s: %w", kind, err)
		}
	}
	return all, nil
}

// changeRecordOf lets f change the record of a kind and an id in one transaction. found tells f whether there is one; f
// returns whether there is to be one.
func changeRecordOf[T any](c *call, kind, id string, f func(v *T, found bool) (keep bool, err error)) error {
	return c.Records.ChangeRecord(c.ctx, c.now, kind, id, func(was []byte) ([]byte, error) {
		var v T
		if was != nil {
			if err := json.Unmarshal(was, &v); err != nil {
				return nil, fmt.Errorf("read %s %s: %w", kind, id, err)
			}
		}
		keep, err := f(&v, was != nil)
		if err != nil || !keep {
			return nil, err
		}
		return json.Marshal(v)
	})
}

// checkLine refuses what could not be shown in one line.
func checkLine(field, text string) error {
	switch {
	case utf8.RuneCountInString(text) > longestLine:
		return unprocessable(fmt.Sprintf("%s must have at most %d characters", field, longestLine))
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return unprocessable(field + " must be one line")
	case !utf8.ValidString(text):
		return unprocessable(field + " must be valid UTF-8")
	}
	return nil
}

// checkText refuses a text that no reader would finish, and what a terminal would obey.
func checkText(field, text string) error {
	switch {
	case len(text) > longestText:
		return unprocessable(fmt.Sprintf("%s must have at most %d KiB", field, longestText>>10))
	case strings.ContainsFunc(text, func(r rune) bool { return (r < ' ' || r == 0x7f) && !strings.ContainsRune("\n\r\t", r) }):
		return unprocessable(field + " must not contain control characters")
	case !utf8.ValidString(text):
		return unprocessable(field + " must be valid UTF-8")
	}
	return nil
}

// onPage refuses ids that are no component's of the page.
func (v view) onPage(field string, ids []string) error {
	for _, id := range ids {
		if c, found := v.p.Component(id); !found || !c.Removed.IsZero() {
			return unprocessable(field + " names no component of the page: \"" + id + "\"")
		}
	}
	return nil
}

// present are those components among ids that are on the page still.
func (v view) present(ids []string) []ManagedComponent {
	shown := make([]ManagedComponent, 0, len(ids))
	for _, one := range v.named(ids) {
		if c, _ := v.p.Component(one.ID); c.Removed.IsZero() {
			shown = append(shown, v.managedComponent(one))
		}
	}
	return shown
}

// among is the place of the first element of which is holds, or an answer that there is no such thing.
func among[T any](all []T, what string, is func(T) bool) (int, error) {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return i, nil
	}
	return 0, notFound(what)
}

// stray is the first of the ids that is of none of all. A request may name tens of thousands.
func stray[T any](ids []string, all []T, id func(T) string) (string, bool) {
	known := make(map[string]bool, len(all))
	for _, one := range all {
		known[id(one)] = true
	}
	i := slices.IndexFunc(ids, func(id string) bool { return !known[id] })
	if i < 0 {
		return "", false
	}
	return ids[i], true
}

// orEmpty is a list that is never null.
func orEmpty(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}
