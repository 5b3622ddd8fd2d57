package store

import (
	"context"
	"fmt"

	"example.org/interlude/status"
)

const (
	groupColumns = `id, version, seq, name, description, position, removed, created, changed`
	groupValues  = `$1, $2, $3, $4, $5, $6, $7, $8, $9`

	componentColumns = `id, version, seq, name, group_id, description, position, condition, set_at, created, removed, hide_uptime, ` +
		`only_if_degraded, start, changed`
	componentValues = `$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15`
)

func groupFields(g *status.Group, seq stamp) []any {
	return []any{&g.ID, &g.Version, seq, &g.Name, &g.Description, &g.Position, at{&g.Removed}, at{&g.Created}, at{&g.Changed}}
}

func componentFields(c *status.Component, seq stamp) []any {
	return []any{
		&c.ID, &c.Version, seq, &c.Name,
		ref{&c.GroupID},
		&c.Description, &c.Position, &c.Condition,
		at{&c.SetAt},
		at{&c.Created},
		at{&c.Removed},
		&c.HideUptime, &c.OnlyIfDegraded,
		day{&c.Start},
		at{&c.Changed},
	}
}

// groups reads the component groups that were written after seq, removed ones too.
func groups(ctx context.Context, q querier, after int64) ([]status.Group, error) {
	all, err := collect(ctx, q, func(g *status.Group) []any { return groupFields(g, 0) },
		`SELECT `+groupColumns+` FROM component_group WHERE seq > $1 ORDER BY seq, id`, after)
	if err != nil {
		return nil, fmt.Errorf("read groups: %w", err)
	}
	return all, nil
}

// components reads the components that were written after seq, removed ones too.
func components(ctx context.Context, q querier, after int64) ([]status.Component, error) {
	all, err := collect(ctx, q, func(c *status.Component) []any { return componentFields(c, 0) },
		`SELECT `+componentColumns+` FROM component WHERE seq > $1 ORDER BY seq, id`, after)
	if err != nil {
		return nil, fmt.Errorf("read components: %w", err)
	}
	return all, nil
}

// settings reads the changes of components' conditions that were written after seq, oldest first.
func settings(ctx context.Context, q querier, after int64) ([]status.Setting, error) {
	fields := func(s *status.Setting) []any { return []any{&s.ComponentID, at{&s.At}, &s.Condition} }
	all, err := collect(ctx, q, fields,
		`SELECT component, at, condition FROM component_setting WHERE seq > $1 ORDER BY at, seq, n`, after)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return all, nil
}

func saveGroup(ctx context.Context, q querier, seq stamp, g status.Group) error {
	err := save(ctx, q,
		`INSERT INTO component_group (`+groupColumns+`) VALUES (`+groupValues+`) ON CONFLICT DO NOTHING`,
		`UPDATE component_group SET (`+groupColumns+`) = (`+groupValues+`) WHERE id = $1 AND version + 1 = $2`,
		g.Version, groupFields(&g, seq))
	if err != nil {
		return fmt.Errorf("save group %s: %w", g.ID, err)
	}
	return nil
}

func saveComponent(ctx context.Context, q querier, seq stamp, c status.Component) error {
	err := save(ctx, q,
		`INSERT INTO component (`+componentColumns+`) VALUES (`+componentValues+`) ON CONFLICT DO NOTHING`,
		`UPDATE component SET (`+componentColumns+`) = (`+componentValues+`) WHERE id = $1 AND version + 1 = $2`,
		c.Version, componentFields(&c, seq))
	if err != nil {
		return fmt.Errorf("save component %s: %w", c.ID, err)
	}
	return nil
}

func saveSetting(ctx context.Context, q querier, seq stamp, n int, s status.Setting) error {
	_, err := q.ExecContext(ctx,
		`INSERT INTO component_setting (seq, n, component, at, condition) VALUES ($1, $2, $3, $4, $5)`,
		seq, n, s.ComponentID, at{&s.At}, s.Condition)
	if err != nil {
		return fmt.Errorf("save setting of component %s: %w", s.ComponentID, err)
	}
	return nil
}
