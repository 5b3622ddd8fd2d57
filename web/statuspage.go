package web

import (
	"encoding/json"
	"errors"
	"net/http"

	"example.org/interlude/notify"
	"example.org/interlude/statuspage"
)

// largestManaged is the largest body that version 1 reads, in bytes.
const largestManaged = 1 << 20

// openStatuspage puts both versions of the Statuspage-compatible API on the mux: version 2 for everybody, version 1 for
// those with a token. It returns the description of the latter.
func (d *door) openStatuspage() apiDocument {
	public := &statuspage.Public{Board: d.Board}
	d.mux.Handle("/api/v2/", public)
	if d.Page != nil {
		d.mux.Handle("/incidents/{id}", public.Beside(d.Page))
	}
	management := &statuspage.Management{
		Keeper: d.Keeper, Board: d.Board, Records: d.Store, Points: d.Store, Subscribers: d.Store, Clock: d.Clock, Log: d.Log,
		Secure: d.Secure, Mail: !errors.Is(d.halted(notify.Email), notify.ErrNoCourier),
	}
	d.guardAt(statuspage.Prefix, largestManaged, management.Handler())
	about := apiDocument{
		path: "v1", title: "Statuspage-compatible API", raw: statuspage.Prefix + "openapi.json", openapi: statuspage.Describe(),
	}
	d.serveDescription(about)
	return about
}

// serveDescription serves an OpenAPI document to programs, of whatever site.
func (d *door) serveDescription(of apiDocument) {
	document, err := json.MarshalIndent(of.openapi, "", "  ")
	if err != nil {
		panic("the OpenAPI document cannot be written: " + err.Error()) // no input reaches here: a test would see it
	}
	d.mux.HandleFunc("GET "+of.raw, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		_, _ = w.Write(document) // the asker is gone if this fails
	})
}
