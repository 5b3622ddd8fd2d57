package keeper

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"example.org/interlude/status"
)

// Result is what an apply did or, when it was dry, would do.
type Result struct {
	Changes  []status.Change  `json:"changes"`
	Warnings []status.Warning `json:"warnings"`
	// Applied is false for a dry run.
	Applied bool `json:"applied"`
	// Plan is the name of these changes: an apply on its condition makes these and no others.
	Plan string `json:"plan"`
}

// ErrPlan is a status.ErrConflict: what the documents change is no longer what the asker saw.
var ErrPlan = fmt.Errorf("what the documents change is no longer what was planned: %w", status.ErrConflict)

// errDry ends the transaction of a dry run without saving.
var errDry = errors.New("dry run")

// Apply makes everything what the documents say, in one transaction, or only tells what that would change. With
// ask.Plan it makes what a dry run told, or nothing.
func (k *Keeper) Apply(ctx context.Context, documents []status.Document, dry bool, ask Request) (Result, error) {
	return k.apply(ctx, documents, dry, ask, func(*status.Book) error { return nil })
}

// Create is Apply for what is new: it refuses all documents when any of them is of something that exists.
func (k *Keeper) Create(ctx context.Context, documents []status.Document, dry bool, ask Request) (Result, error) {
	return k.apply(ctx, documents, dry, ask, func(b *status.Book) error {
		for i, d := range documents {
			if err := isNew(b, d); err != nil {
				return &status.DocumentError{Index: i, Source: d.Source, Err: err}
			}
		}
		return nil
	})
}

// apply is one transaction: the documents change the book, unless check refuses it before.
func (k *Keeper) apply(ctx context.Context, documents []status.Document, dry bool, ask Request, check func(*status.Book) error) (Result, error) {
	var result Result
	err := k.change(ctx, documentKeys(documents), func(b *status.Book, now time.Time) (err error) {
		if err := check(b); err != nil {
			return err
		}
		if result.Changes, result.Warnings, err = b.Apply(documents, now, ask.By); err != nil {
			return err
		}
		if result.Plan, err = planOf(result.Changes); err != nil {
			return err
		}
		if ask.Plan != "" && ask.Plan != result.Plan {
			return ErrPlan
		}
		if dry {
			return errDry
		}
		return nil
	})
	if dry && errors.Is(err, errDry) {
		return result, nil
	}
	result.Applied = err == nil
	return result, err
}

// planOf names changes: the same ones have the same name, whenever they are found. The identifiers of what would be
// created are left out, for they are drawn anew each time.
func planOf(changes []status.Change) (string, error) {
	hash := sha256.New()
	out := json.NewEncoder(hash)
	for _, c := range changes {
		if c.Action == status.Create {
			c.Subject.ID = ""
		}
		if err := out.Encode(c); err != nil {
			return "", fmt.Errorf("name the plan: %w", err)
		}
	}
	return hex.EncodeToString(hash.Sum(nil)[:16]), nil
}

// isNew refuses a document of something that exists.
func isNew(b *status.Book, d status.Document) error {
	taken := func(what, id, key string) error {
		return &status.Invalid{Field: "key", Rule: fmt.Sprintf("is taken by the %s %s: %q. Give another key, or change that one", what, id, key)}
	}
	switch {
	case d.Page != nil:
		return &status.Invalid{Field: "page", Rule: "cannot be created, for there is one page: apply its document"}
	case d.Maintenance != nil && d.Maintenance.Recurrence != nil:
		if s, exists := b.FindSeries(d.Maintenance.RefKey()); exists {
			return taken("series", s.ID, d.Maintenance.RefKey())
		}
	case d.Maintenance != nil:
		if m, exists := b.Maintenance(d.Maintenance.RefKey()); exists {
			return taken("maintenance", m.ID, d.Maintenance.RefKey())
		}
	case d.Incident != nil:
		if i, exists := b.Incident(d.Incident.RefKey()); exists {
			return taken("incident", i.ID, d.Incident.RefKey())
		}
	}
	return nil
}

// documentKeys names what a change by documents must be able to see, though it may have ended long ago.
func documentKeys(documents []status.Document) []string {
	var keys []string
	for _, d := range documents {
		if d.Maintenance != nil {
			keys = append(keys, d.Maintenance.ID, d.Maintenance.RefKey())
		}
		if d.Incident != nil {
			keys = append(keys, d.Incident.ID, d.Incident.RefKey())
		}
	}
	return keys
}
