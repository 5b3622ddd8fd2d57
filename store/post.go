package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.org/interlude/status"
)

// post is an update with the subject that it belongs to.
type post struct {
	kind    status.Kind
	subject string
	n       int
	status.Update
}

const postColumns = `kind, subject, n, id, state, event, at, due, body, by_kind, by_name, conditions, quiet, effects, first_at, edited`

func postFields(p *post) []any {
	return []any{
		&p.kind, &p.subject, &p.n, &p.ID, &p.State, &p.Event,
		at{&p.At},
		at{&p.Due},
		&p.Body, &p.By.Kind, &p.By.Name,
		asJSON(&p.Conditions), &p.Quiet, asJSON(&p.Effects),
		at{&p.First},
		at{&p.Edited},
	}
}

// posts reads the updates of the subjects whose ids a query returns, by subject, oldest first.
func posts(ctx context.Context, q querier, kind status.Kind, subjects string, args ...any) (map[string][]status.Update, error) {
	all, err := collect(ctx, q, postFields,
		`SELECT `+postColumns+` FROM post WHERE kind = '`+string(kind)+`' AND subject IN (`+subjects+`) ORDER BY subject, n`, args...)
	if err != nil {
		return nil, fmt.Errorf("read updates: %w", err)
	}
	of := make(map[string][]status.Update)
	for _, p := range all {
		of[p.subject] = append(of[p.subject], p.Update)
	}
	return of, nil
}

// savePosts makes the stored updates of a subject the given ones. Those before the first that differs are left alone;
// nearly always a change adds one at the end.
func savePosts(ctx context.Context, q querier, of status.Subject, stored, updates []status.Update) error {
	same := 0
	for same < len(stored) && same < len(updates) && equalUpdates(stored[same], updates[same]) {
		same++
	}
	if same < len(stored) {
		_, err := q.ExecContext(ctx, `DELETE FROM post WHERE kind = $1 AND subject = $2 AND n >= $3`, of.Kind, of.ID, same)
		if err != nil {
			return fmt.Errorf("replace updates: %w", err)
		}
	}
	for n := same; n < len(updates); n++ {
		if id := updates[n].ID; id == "" || slices.ContainsFunc(updates[:n], func(u status.Update) bool { return u.ID == id }) {
			return fmt.Errorf("save update %d: its id %q is empty or given twice", n, id)
		}
	}
	for n := same; n < len(updates); n += postsAtOnce {
		if err := insertPosts(ctx, q, of, n, updates[n:min(n+postsAtOnce, len(updates))]); err != nil {
			return err
		}
	}
	return nil
}

// postsAtOnce bounds the rows of one statement: thousands of placeholders is what both engines allow.
const postsAtOnce = 50

// insertPosts saves updates, the first of which is the nth of its subject, in one statement: a past that is entered
// afterwards has many at once.
func insertPosts(ctx context.Context, q querier, of status.Subject, n int, updates []status.Update) error {
	var rows []string
	var args []any
	for i, u := range updates {
		fields := postFields(&post{of.Kind, of.ID, n + i, u})
		places := make([]string, len(fields))
		for j := range fields {
			places[j] = fmt.Sprintf("$%d", len(args)+j+1)
		}
		rows = append(rows, "("+strings.Join(places, ", ")+")")
		args = append(args, fields...)
	}
	_, err := q.ExecContext(ctx, `INSERT INTO post (`+postColumns+`) VALUES `+strings.Join(rows, ", "), args...)
	if err != nil {
		return fmt.Errorf("save updates from %s: %w", updates[0].ID, err)
	}
	return nil
}

// equalUpdates reports whether two updates are the same.
func equalUpdates(a, b status.Update) bool {
	return a.ID == b.ID && a.State == b.State && a.Event == b.Event && a.At.Equal(b.At) && a.Due.Equal(b.Due) &&
		a.Body == b.Body && a.By == b.By && a.Quiet == b.Quiet && maps.Equal(a.Conditions, b.Conditions) &&
		slices.Equal(a.Effects, b.Effects) && a.Edited.Equal(b.Edited) && a.First.Equal(b.First)
}

// copyUpdates copies updates so that whoever changes the originals does not change them.
func copyUpdates(updates []status.Update) []status.Update {
	copied := slices.Clone(updates)
	for i := range copied {
		copied[i].Conditions = maps.Clone(copied[i].Conditions)
	}
	return copied
}
