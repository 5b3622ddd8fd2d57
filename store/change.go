package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// Change lets f change a book, and saves what f put into it, with its events, at now: all of it or nothing.
//
// The book holds the page, all groups and components, and the maintenances, incidents and series that have not ended; and those
// ended ones whose id or key is in refs. Changes follow one another: what f reads is what is saved until it returns. So
// f should be quick, and must not call the store.
//
// An error of f undoes everything and is returned as it is. When f puts nothing, nothing is written and the feed stands
// still. A key that something else of its kind has, or text that cannot be kept, is a *status.Invalid;
// status.ErrConflict says that what f put was not made from what the book held. After [ErrUnknown] the change may have been saved; after
// any other error it was not.
func (s *Store) Change(ctx context.Context, now time.Time, refs []string, f func(*status.Book) error) error {
	tx, err := s.beginWrite(ctx)
	if err != nil {
		return s.wrap("begin change", err)
	}
	defer tx.Rollback()
	seq, err := s.lock(ctx, tx)
	if err != nil {
		return s.wrap("begin change", err)
	}
	book, err := load(ctx, tx, refs)
	if err != nil {
		return s.wrap("begin change", err)
	}
	said, was := sayings(book), notify.Look(book)
	var asking error
	book.KeyTaken = func(kind status.Kind, key string) bool {
		taken, err := keyTaken(ctx, tx, kind, key)
		asking = errors.Join(asking, err)
		return taken
	}
	if err := f(book); err != nil {
		return err
	}
	if asking != nil {
		return s.wrap("look up a key", asking)
	}
	if book.Written.Empty() {
		return nil
	}
	if err := s.saveWritten(ctx, tx, seq+1, now, book.Written, said); err != nil {
		return s.wrap("save change", err)
	}
	if err := tell(ctx, tx, now, was, book); err != nil {
		return s.wrap("save change", err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("save change: %w", err)
	}
	if err := s.commit(tx); err != nil {
		return s.wrap("commit change", err)
	}
	return nil
}

// load reads a book.
func load(ctx context.Context, tx *sql.Tx, refs []string) (*status.Book, error) {
	var b status.Book
	p, err := page(ctx, tx, 0)
	if err != nil {
		return nil, err
	}
	if p != nil {
		b.Page = *p
	}
	if b.Groups, err = groups(ctx, tx, 0); err != nil {
		return nil, err
	}
	if b.Components, err = components(ctx, tx, 0); err != nil {
		return nil, err
	}
	if err := loadWhere(ctx, tx, &b, `open`); err != nil {
		return nil, err
	}
	asked := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(refs))), func(ref string) bool { return ref == "" })
	for some := range slices.Chunk(asked, refsAtOnce) {
		if err := loadRefs(ctx, tx, &b, some); err != nil {
			return nil, err
		}
	}
	return &b, nil
}

// refsAtOnce bounds the placeholders of one query: entering a past names thousands of things, and a query for each
// would take longer than all the rest.
const refsAtOnce = 500

// loadRefs adds to the book what has ended and has one of the ids or keys.
func loadRefs(ctx context.Context, tx *sql.Tx, b *status.Book, refs []string) error {
	places, args := make([]string, len(refs)), make([]any, len(refs))
	for i, ref := range refs {
		places[i], args[i] = fmt.Sprintf("$%d", i+1), ref
	}
	list := strings.Join(places, ", ")
	// That the key is not empty goes without saying, except to the planners: the index holds no empty keys.
	return loadWhere(ctx, tx, b, `NOT open AND (id IN (`+list+`) OR key IN (`+list+`) AND key <> '')`, args...)
}

// loadWhere adds to the book what a condition holds for.
func loadWhere(ctx context.Context, tx *sql.Tx, b *status.Book, where string, args ...any) error {
	ms, err := maintenances(ctx, tx, where, args...)
	if err != nil {
		return err
	}
	is, err := incidents(ctx, tx, where, args...)
	if err != nil {
		return err
	}
	ss, err := series(ctx, tx, where, args...)
	if err != nil {
		return err
	}
	for _, m := range ms {
		if _, there := b.Maintenance(m.ID); !there {
			b.Maintenances = append(b.Maintenances, m)
		}
	}
	for _, i := range is {
		if _, there := b.Incident(i.ID); !there {
			b.Incidents = append(b.Incidents, i)
		}
	}
	for _, s := range ss {
		if _, there := b.FindSeries(s.ID); !there {
			b.Series = append(b.Series, s)
		}
	}
	return nil
}

// sayings are the stored updates of everything in a book.
func sayings(b *status.Book) map[status.Subject][]status.Update {
	said := make(map[status.Subject][]status.Update, len(b.Maintenances)+len(b.Incidents))
	for _, m := range b.Maintenances {
		said[m.Subject()] = copyUpdates(m.Updates)
	}
	for _, i := range b.Incidents {
		said[i.Subject()] = copyUpdates(i.Updates)
	}
	return said
}

// saveWritten saves what was put into a book as transaction seq. What is referred to goes before what refers to it.
func (s *Store) saveWritten(
	ctx context.Context, tx *sql.Tx, seq stamp, now time.Time, w status.Written, said map[status.Subject][]status.Update,
) error {
	if err := checkText(w); err != nil {
		return err
	}
	if w.Page != nil {
		if err := savePage(ctx, tx, seq, *w.Page); err != nil {
			return err
		}
	}
	if err := saveComponents(ctx, tx, seq, w); err != nil {
		return err
	}
	if err := saveSubjects(ctx, tx, seq, w, said); err != nil {
		return err
	}
	for n, e := range w.Events {
		if err := saveEvent(ctx, tx, seq, n, e); err != nil {
			return err
		}
	}
	if err := record(ctx, tx, now, subjectsOf(w)); err != nil {
		return err
	}
	return advance(ctx, tx, seq, now)
}

func saveComponents(ctx context.Context, tx *sql.Tx, seq stamp, w status.Written) error {
	for _, g := range w.Groups {
		if err := saveGroup(ctx, tx, seq, g); err != nil {
			return err
		}
	}
	for _, c := range w.Components {
		if err := saveComponent(ctx, tx, seq, c); err != nil {
			return err
		}
	}
	for n, setting := range w.Settings {
		if err := saveSetting(ctx, tx, seq, n, setting); err != nil {
			return err
		}
	}
	return nil
}

func saveSubjects(
	ctx context.Context, tx *sql.Tx, seq stamp, w status.Written, said map[status.Subject][]status.Update,
) error {
	for _, s := range w.Series {
		if err := keyIsFree(ctx, tx, s.Subject(), s.Key); err != nil {
			return err
		}
		if err := saveSeries(ctx, tx, seq, s); err != nil {
			return err
		}
	}
	for _, m := range w.Maintenances {
		if err := keyIsFree(ctx, tx, m.Subject(), m.Key); err != nil {
			return err
		}
		if err := saveMaintenance(ctx, tx, seq, m, said[m.Subject()]); err != nil {
			return err
		}
	}
	for _, i := range w.Incidents {
		if err := keyIsFree(ctx, tx, i.Subject(), i.Key); err != nil {
			return err
		}
		if err := saveIncident(ctx, tx, seq, i, said[i.Subject()]); err != nil {
			return err
		}
	}
	return nil
}

// keyIsFree refuses a key that something else of the same kind has. The unique index would refuse it too, but neither
// engine would say whose key it is. No other writer can take it in between.
func keyIsFree(ctx context.Context, tx *sql.Tx, of status.Subject, key string) error {
	if of.ID == "" {
		return fmt.Errorf("save %s: it has no id", of.Kind)
	}
	if key == "" {
		return nil
	}
	holders, err := keyHolders(ctx, tx, of.Kind, key, of.ID)
	if err != nil {
		return err
	}
	if len(holders) > 0 {
		return &status.Invalid{
			Field: "key",
			Rule:  fmt.Sprintf("must be unique: %s %s has the key %q already", of.Kind, holders[0], key),
		}
	}
	return nil
}

// keyTaken reports whether anything of the kind has the key, ended or not.
func keyTaken(ctx context.Context, tx *sql.Tx, kind status.Kind, key string) (bool, error) {
	holders, err := keyHolders(ctx, tx, kind, key, "")
	return len(holders) > 0, err
}

// keyHolders are the ids of what has a key, but for one of them.
func keyHolders(ctx context.Context, tx *sql.Tx, kind status.Kind, key, but string) ([]string, error) {
	ids, err := collect(ctx, tx, func(id *string) []any { return []any{id} },
		`SELECT id FROM `+string(kind)+` WHERE key = $1 AND key <> '' AND id <> $2`, key, but)
	if err != nil {
		return nil, fmt.Errorf("look for key %s: %w", key, err)
	}
	return ids, nil
}
