package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// gatesKept is how long a gate is remembered that is not heard any more.
const gatesKept = 7 * 24 * time.Hour

// Bounds of what gates tell.
const (
	mostGateName  = 200 // bytes, of whatever has a name there
	mostGateFlows = 1000
)

func gateFields(g *api.Gate) []any {
	return []any{&g.Name, at{&g.Seen}, asJSON(&g.State)}
}

// NoteGate keeps what a gate says of itself at now; the last word counts. Gates that were not heard for a week are
// forgotten on the way, but not what they measured. It changes nothing that boards hold, and comes every few seconds: it
// stands neither in the feed nor in the audit log.
func (s *Store) NoteGate(ctx context.Context, name string, state api.GateState, now time.Time) error {
	if err := cmp.Or(checkGateName("gate", name), checkState(state)); err != nil {
		return fmt.Errorf("note gate: %w", err)
	}
	// A statement of its own, so that nobody waits for one row while holding another.
	old := now.Add(-gatesKept)
	if _, err := s.write.ExecContext(ctx, `DELETE FROM gate WHERE seen < $1`, at{&old}); err != nil {
		return s.wrap("forget gates", err)
	}
	_, err := s.write.ExecContext(ctx, `INSERT INTO gate (name, seen, state) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET seen = excluded.seen, state = excluded.state`,
		gateFields(&api.Gate{Name: name, Seen: now, State: state})...)
	if err != nil {
		return s.wrap("note gate "+name, err)
	}
	s.wrote()
	return nil
}

// Gates returns the gates that are known, by name.
func (s *Store) Gates(ctx context.Context) ([]api.Gate, error) {
	gates, err := collect(ctx, s.read, gateFields, `SELECT name, seen, state FROM gate`)
	if err != nil {
		return nil, s.wrap("list gates", err)
	}
	// The collations of the engines differ.
	slices.SortFunc(gates, func(a, b api.Gate) int { return strings.Compare(a.Name, b.Name) })
	return gates, nil
}

// ForgetGate forgets what a gate said of itself, but not what it measured. One that lives is known again with its next
// word. A name that no gate has is status.ErrNotFound.
func (s *Store) ForgetGate(ctx context.Context, name string) error {
	result, err := s.write.ExecContext(ctx, `DELETE FROM gate WHERE name = $1`, name)
	if err != nil {
		return s.wrap("forget gate "+name, err)
	}
	s.wrote()
	if n, err := result.RowsAffected(); err == nil && n == 0 {
		return fmt.Errorf("forget gate %s: %w", name, status.ErrNotFound)
	}
	return nil
}

// checkGateName refuses names that could not be kept or shown.
func checkGateName(field, name string) error {
	switch wrong := wrongText(name); {
	case name == "":
		return &status.Invalid{Field: field, Rule: "is required"}
	case len(name) > mostGateName:
		return &status.Invalid{Field: field, Rule: fmt.Sprintf("must have at most %d bytes, not %d", mostGateName, len(name))}
	case wrong != nil:
		return wrong.In(field)
	}
	return nil
}

func checkState(state api.GateState) error {
	if n := len(state.Flows); n > mostGateFlows {
		return &status.Invalid{Field: "flows", Rule: fmt.Sprintf("must be at most %d, not %d", mostGateFlows, n)}
	}
	for i, f := range state.Flows {
		if err := checkGateName(fmt.Sprintf("flows[%d].flow", i), f.Flow); err != nil {
			return err
		}
	}
	return checkText(state)
}
