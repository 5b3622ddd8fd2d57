package access

import (
	"fmt"
	"slices"
	"strings"
)

// Scope is how much a token allows. Among those for people and their programs each covers the ones before it: read < operate
// < administer. The one for gates stands beside them, and of these only administer covers it.
type Scope string

// The scopes.
const (
	// Read is seeing what is not public: drafts, logs, subscribers' numbers.
	Read Scope = "read"
	// Operate is everything that happens during a maintenance: planning, posting, beginning, completing.
	Operate Scope = "operate"
	// Administer is changing the page and its components, and making and revoking tokens.
	Administer Scope = "administer"
	// Gate is what a gate needs, and nothing else: reading the plan, telling its state and what it measured. Whoever takes
	// a gate's disk can neither change nor read anything with what is on it.
	Gate Scope = "gate"
)

// Scopes lists every scope: those for people, the narrowest first, and the one for gates.
var Scopes = []Scope{Read, Operate, Administer, Gate}

// covers is what each scope allows.
var covers = map[Scope][]Scope{
	Read:       {Read},
	Operate:    {Read, Operate},
	Administer: {Read, Operate, Administer, Gate},
	Gate:       {Gate},
}

// ParseScope reads a scope by its name.
func ParseScope(name string) (Scope, error) {
	if !slices.Contains(Scopes, Scope(name)) {
		names := make([]string, len(Scopes))
		for i, s := range Scopes {
			names[i] = string(s)
		}
		return "", fmt.Errorf("scope must be one of %s, not %q", strings.Join(names, ", "), name)
	}
	return Scope(name), nil
}

// Allows reports whether the scope covers what is needed. One that does not exist covers nothing and is covered by
// nothing, so that a mistake closes a door rather than opening it.
func (s Scope) Allows(needed Scope) bool { return slices.Contains(covers[s], needed) }
