package gate

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"example.org/interlude/spool"
)

// queuedPath is where those whose request was queued see what became of it, by its id, which nobody can guess.
const queuedPath = ownPath + "queued/"

// queuedState is what they see.
type queuedState struct {
	ID       string      `json:"id"`
	State    spool.State `json:"state"`
	Received time.Time   `json:"received"`
	// Attempts is how often it was handed over, Settled when that ended.
	Attempts int       `json:"attempts"`
	Settled  time.Time `json:"settled,omitzero"`
}

// serveQueued tells what became of a request that was queued: nothing of what it holds, nor of what the product said.
func serveQueued(entries Entries, w http.ResponseWriter, r *http.Request, id string) {
	h := w.Header()
	h["Cache-Control"], h["X-Content-Type-Options"] = noStore, asTyped
	item, err := entries.Item(r.Context(), id)
	switch {
	case errors.Is(err, spool.ErrNotFound) || err == nil && item.Kind != spool.Post:
		http.Error(w, "Nothing that was queued here has this id, or it was done with long ago.", http.StatusNotFound)
		return
	case err != nil:
		h["Retry-After"] = []string{"5"}
		http.Error(w, "What was queued cannot be looked up at the moment.", http.StatusServiceUnavailable)
		return
	}
	h["Content-Type"] = []string{"application/json"}
	if r.Method == http.MethodHead {
		return
	}
	_ = json.NewEncoder(w).Encode(queuedState{
		ID: item.ID, State: item.State, Received: item.Accepted.UTC(), Attempts: item.Attempts, Settled: item.Settled,
	})
}
