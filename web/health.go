package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"example.org/interlude/store"
)

// health is what /healthz and /readyz answer.
type health struct {
	Ready bool            `json:"ready"`
	Parts map[string]part `json:"parts,omitempty"`
}

// part is one thing that readiness depends on. It says no more than anybody may know.
type part struct {
	OK   bool      `json:"ok"`
	Why  string    `json:"why,omitempty"`
	AsOf time.Time `json:"as_of,omitzero"`
}

// probe remembers for a second whether the store answered: anybody may ask, and the store must not feel it.
type probe struct {
	mu   sync.Mutex
	at   time.Time
	okay bool
}

// healthz says that the process lives and answers.
func (d *door) healthz(w http.ResponseWriter, _ *http.Request) { writeHealth(w, health{Ready: true}) }

// readyz says whether this node can take changes: the store answers and has room for them, the board is loaded and
// fresh, and what is due is done.
func (d *door) readyz(w http.ResponseWriter, r *http.Request) {
	answer := health{Ready: true, Parts: map[string]part{"store": d.storePart(r.Context()), "board": d.boardPart(), "clock": d.clockPart()}}
	for _, p := range answer.Parts {
		answer.Ready = answer.Ready && p.OK
	}
	writeHealth(w, answer)
}

func (d *door) storePart(ctx context.Context) part {
	d.probe.mu.Lock()
	defer d.probe.mu.Unlock()
	if time.Since(d.probe.at) >= time.Second {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), showPatience)
		defer stop()
		d.probe.okay, d.probe.at = d.Store.Ping(ctx) == nil, time.Now()
	}
	refused := d.writable()
	switch {
	case !d.probe.okay:
		return part{Why: "the database does not answer"}
	case errors.Is(refused, store.ErrFull):
		return part{Why: store.ErrFull.Error() + ": no change can be saved"}
	case refused != nil:
		return part{Why: store.ErrReadOnly.Error() + ": no change can be saved"}
	}
	return part{OK: true}
}

func (d *door) boardPart() part {
	asOf, limit := d.Board.AsOf(), d.StaleAfter
	if limit == 0 {
		limit = staleAfter
	}
	switch {
	case asOf.IsZero() || !d.Board.Current().Loaded:
		return part{Why: "nothing has been read from the database yet"}
	case d.Clock.Now().Sub(asOf) > limit:
		return part{Why: "what is shown is old: the database has not answered lately", AsOf: asOf}
	}
	return part{OK: true, AsOf: asOf}
}

// clockPart tells whether what is due is done. Why it is not, stands in the log alone. Before the clock was first looked
// at, nothing has failed.
func (d *door) clockPart() part {
	at, failed := d.Keeper.Health()
	switch {
	case failed == nil:
		return part{OK: true, AsOf: at}
	case at.IsZero():
		return part{Why: "what is due could not be done since the start"}
	}
	return part{Why: "what is due has not been done since", AsOf: at}
}

func writeHealth(w http.ResponseWriter, answer health) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !answer.Ready {
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer)
}
