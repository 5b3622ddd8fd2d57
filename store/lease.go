package store

import (
	"context"
	"time"

	"example.org/interlude/lease"
)

// Leader is a [lease.Leader] for the nodes that share a store.
type Leader struct {
	// Store is where the lease is kept.
	Store *Store
	// Name is what is led, such as "clock". Leases of different names are independent.
	Name string
	// Node is this node, and must differ from the others'.
	Node string
}

var _ lease.Leader = Leader{}

// Lead takes or renews the lease at now, and reports whether this node holds it.
func (l Leader) Lead(ctx context.Context, now time.Time) (bool, error) {
	holds, err := l.lead(ctx, now)
	if err != nil {
		return false, l.Store.wrap("take lease "+l.Name, err)
	}
	return holds, nil
}

func (l Leader) lead(ctx context.Context, now time.Time) (bool, error) {
	tx, err := l.Store.beginWrite(ctx)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	// The row must be there to be locked.
	_, err = tx.ExecContext(ctx, `INSERT INTO lease (name, holder) VALUES ($1, '') ON CONFLICT DO NOTHING`, l.Name)
	if err != nil {
		return false, err
	}
	var term lease.Term
	err = tx.QueryRowContext(ctx, `SELECT holder, until FROM lease WHERE name = $1`+l.Store.dialect.forUpdate, l.Name).
		Scan(&term.Holder, at{&term.Until})
	if err != nil {
		return false, err
	}
	if term.Fresh(l.Node, now, lease.TTL) {
		return true, nil // half a lease is left: nothing to write, and nothing to sync
	}
	term, holds := term.Take(l.Node, now, lease.TTL)
	if !holds {
		return false, nil
	}
	_, err = tx.ExecContext(ctx, `UPDATE lease SET holder = $2, until = $3 WHERE name = $1`, l.Name, term.Holder, at{&term.Until})
	if err != nil {
		return false, err
	}
	return true, l.Store.commit(tx)
}

// Leave gives the lease up if this node holds it.
func (l Leader) Leave(ctx context.Context, _ time.Time) error {
	_, err := l.Store.write.ExecContext(ctx, `UPDATE lease SET holder = '', until = NULL WHERE name = $1 AND holder = $2`, l.Name, l.Node)
	if err != nil {
		return l.Store.wrap("leave lease "+l.Name, err)
	}
	return nil
}
