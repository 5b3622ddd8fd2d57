// Package keeper is the only writer: whatever changes a page, a component, a maintenance or an incident passes
// through a [Keeper], whether a person asked for it or the clock.
//
// A keeper reads a [status.Book] from its store, lets the pure functions of package status change it, and saves what
// they wrote, with the events that tell of it, in one transaction. It decides nothing itself: what is legal, what is
// due and what is said stands in package status. [Keeper.Run] does what is due on time, on the node that leads.
//
// What it promises: a change is made wholly or not at all, once, whoever else asks for it at the same time; and a
// process that slept or died catches up in order. The promise ends where the clock of the machine is wrong.
package keeper

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"example.org/interlude/status"
)

// Store makes changes durable.
type Store interface {
	// Change opens the book in one write transaction, lets f change it and saves what f wrote. The book holds what is
	// open and what refs name by id or key. An error of f is returned as it is and nothing is saved.
	Change(ctx context.Context, now time.Time, refs []string, f func(*status.Book) error) error
}

// Clock gives the time and waits for it.
type Clock interface {
	Now() time.Time
	// Speed is how fast the clock runs: 1, unless somebody drives it.
	Speed() float64
	// Wait returns true when the clock shows until, or false when quit is closed before.
	Wait(until time.Time, quit <-chan struct{}) bool
}

// Leader says whether this node may do what is due.
type Leader interface {
	Lead(ctx context.Context, now time.Time) (bool, error)
	Leave(ctx context.Context, now time.Time) error
}

// Keeper changes things. Its fields are set before its first use and not afterwards.
type Keeper struct {
	Store  Store
	Clock  Clock
	Leader Leader
	Log    *slog.Logger
	// Changed is called after every change that was saved, so that boards need not wait to be polled. It must not block.
	Changed func()

	wake   chan struct{}
	health health
	noting sync.Mutex
	warned map[status.Warning]bool // by the last Tick
}

// New makes a keeper of its parts.
func New(store Store, clock Clock, leader Leader, log *slog.Logger, changed func()) *Keeper {
	return &Keeper{Store: store, Clock: clock, Leader: leader, Log: log, Changed: changed, wake: make(chan struct{}, 1)}
}

// Request is what comes with every act: who asks, and which version the asker saw.
type Request struct {
	By status.Actor
	// Version makes the act conditional: when it is not zero and the subject has another version by now, the act is
	// refused with status.ErrConflict.
	Version int64
	// Plan makes an apply conditional: when it is not empty and what the documents change has another plan by now, the
	// apply is refused with ErrPlan.
	Plan string
}

// NewID makes an identifier: 12 lower-case letters and digits, about 62 bits, as Statuspage's are.
func NewID() string {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyz"
	id := make([]byte, 0, 12)
	var pool [32]byte
	for len(id) < cap(id) {
		// rand.Read never fails: it ends the program when the system has no randomness.
		_, _ = rand.Read(pool[:])
		for _, b := range pool {
			if b < 252 && len(id) < cap(id) { // 252 is the largest multiple of 36 in a byte: no letter is likelier
				id = append(id, letters[b%36])
			}
		}
	}
	return string(id)
}

// Change is one transaction in which f does with the book what package status allows, for acts that combine several.
// refs name by id or key what f must see although it may have ended. An error of f undoes everything.
func (k *Keeper) Change(ctx context.Context, refs []string, f func(b *status.Book, now time.Time) error) error {
	return k.change(ctx, refs, f)
}

// change is one transaction, and afterwards tells those who follow.
func (k *Keeper) change(ctx context.Context, refs []string, f func(b *status.Book, now time.Time) error) error {
	wrote, err := k.transact(ctx, refs, f)
	if err == nil && wrote {
		k.tell()
		select {
		case k.wake <- struct{}{}: // what is due next may have changed
		default:
		}
	}
	return err
}

// transact is one transaction. The time is taken when it is the writer's turn, so that what is saved later is dated
// later.
func (k *Keeper) transact(ctx context.Context, refs []string, f func(b *status.Book, now time.Time) error) (wrote bool, err error) {
	err = k.Store.Change(ctx, k.Clock.Now(), refs, func(b *status.Book) error {
		now := k.Clock.Now()
		b.NewID = NewID
		if err := f(b, now); err != nil {
			return err
		}
		wrote = !b.Written.Empty()
		return nil
	})
	return wrote, err
}

func (k *Keeper) tell() {
	if k.Changed != nil {
		k.Changed()
	}
}

// SetComponent gives a component a condition: a person's word, which overrules what open events claimed so far.
func (k *Keeper) SetComponent(ctx context.Context, ref string, to status.Condition, ask Request) (status.Component, error) {
	var set status.Component
	err := k.change(ctx, nil, func(b *status.Book, now time.Time) error {
		c, err := oneComponent(b, ref)
		if err != nil {
			return err
		}
		if ask.Version != 0 && ask.Version != c.Version {
			return status.ErrConflict
		}
		set, err = b.SetComponent(c, to, now, ask.By)
		return err
	})
	return set, err
}

// oneComponent finds the component on the page that an id or a name means.
func oneComponent(b *status.Book, ref string) (status.Component, error) {
	if c, ok := b.Component(ref); ok && c.Removed.IsZero() {
		return c, nil
	}
	ids, err := b.Resolve([]string{ref})
	switch {
	case err != nil:
		return status.Component{}, fmt.Errorf("%w: %w", status.ErrNotFound, err)
	case len(ids) != 1:
		return status.Component{}, &status.Invalid{Field: "component", Rule: fmt.Sprintf("must be one component, and %q is a group", ref)}
	}
	c, _ := b.Component(ids[0])
	return c, nil
}
