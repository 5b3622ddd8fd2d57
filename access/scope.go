package access

import (
	"fmt"
	"slices"
)

// Scope is how much a token allows. Each scope covers the ones before it: read < operate < administer.
type Scope string

// The scopes.
const (
	// Read is seeing what is not public: drafts, logs, subscribers' numbers.
	Read Scope = "read"
	// Operate is everything that happens during a maintenance: planning, posting, beginning, completing.
	Operate Scope = "operate"
	// Administer is changing the page and its components, and making and revoking tokens.
	Administer Scope = "administer"
)

// Scopes lists every scope, the narrowest first.
var Scopes = []Scope{Read, Operate, Administer}

// ParseScope reads a scope by its name.
func ParseScope(name string) (Scope, error) {
	if !slices.Contains(Scopes, Scope(name)) {
		return "", fmt.Errorf("scope must be one of read, operate, administer, not %q", name)
	}
	return Scope(name), nil
}

// Allows reports whether the scope covers what is needed. One that does not exist covers nothing and is covered by
// nothing, so that a mistake closes a door rather than opening it.
func (s Scope) Allows(needed Scope) bool {
	has, needs := slices.Index(Scopes, s), slices.Index(Scopes, needed)
	return needs >= 0 && has >= needs
}
