// Package statuspage serves Interlude's page in the API of Atlassian Statuspage, so that the programs which speak it go
// on working when a company changes the base address.
//
// Begin with [Public] for version 2, which everybody may read, and with [Management] for version 1, which needs a
// token and changes things. Both show the board's picture; what version 1 changes goes through the keeper, so that a
// maintenance that was planned here is the same as one that was planned by a document. [Import] brings another page over.
//
// # What is matched
//
// Names, nulls, enumerations, times, status codes and the shapes of errors are those that clients have seen. Bodies are
// accepted in each form that they send: JSON, JSON that is not called so, and forms with Rails' brackets. What is not
// known to us is passed over; what is known and cannot be honoured is refused with a sentence that says so, never
// ignored. What the format lacks, such as overruns, cancellations and the times at which work really began and ended, stands in
// an object named interlude, which old clients pass over.
//
// # Where it differs
//
// A component shows the worst of what was set and of what open events say of it, so that resolving an incident ends
// what it claimed; Statuspage leaves its components as they were. A maintenance that was called off is shown as completed, for
// the format has no other word; interlude.state tells. Nothing is posted to Twitter, and no SMS is sent.
//
// What it promises: an answer of success means that the change is saved, and whoever made it reads it from this node.
// The promise ends where a client depends on what only Atlassian's service has: organizations, single sign-on,
// metric providers that fetch by themselves.
package statuspage

import (
	"context"
	"log/slog"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/keeper"
	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// Clock gives the time.
type Clock interface {
	Now() time.Time
}

// Records keeps what the API has and the life cycle knows nothing of: JSON documents by kind and id.
type Records interface {
	Records(ctx context.Context, kind string) ([][]byte, error)
	// ChangeRecord lets f make a document what it returns, nil takes it away; was is nil when there is none. An error of
	// f is returned as it is.
	ChangeRecord(ctx context.Context, now time.Time, kind, id string, f func(was []byte) ([]byte, error)) error
}

// Points keeps the values of metrics.
type Points interface {
	AddPoints(ctx context.Context, now, keepFrom time.Time, points map[string][]status.Point) error
	Points(ctx context.Context, metric string, from, to time.Time, limit int) ([]status.Point, error)
	DropPoints(ctx context.Context, now time.Time, metric string) error
}

// Subscribers keeps who is to be told.
type Subscribers interface {
	// AddSubscriber saves a new one, and what it is to be told, in one transaction.
	AddSubscriber(ctx context.Context, now time.Time, n notify.Subscriber, tell ...notify.Notice) error
	// ChangeSubscribers lets f change several in one transaction: all of them or, when f fails for one, none.
	ChangeSubscribers(ctx context.Context, now time.Time, ids []string, f func(*notify.Subscriber) error) error
	// TellSubscriber lets f change one, and saves what f returns to be told, in one transaction. One that is not there is
	// status.ErrNotFound.
	TellSubscriber(ctx context.Context, now time.Time, id string, f func(*notify.Subscriber) ([]notify.Notice, error)) error
	Subscribers(ctx context.Context, q notify.Query) ([]notify.Subscriber, error)
	CountSubscribers(ctx context.Context) (notify.Tally, error)
}

// Management is the management API, version 1: a handler for everything below /v1/. Its fields are set before its first
// use and not afterwards. Who asks stands in the request's context: see package access.
type Management struct {
	Keeper      *keeper.Keeper
	Board       *board.Board
	Records     Records
	Points      Points
	Subscribers Subscribers
	Clock       Clock
	Log         *slog.Logger
	// Mail says that this server can write to e-mail addresses. Without it nobody can be asked to confirm one.
	Mail bool
	// Secure says that readers come by https although this process does not see it.
	Secure bool
}
