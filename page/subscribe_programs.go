package page

import (
	"encoding/json"
	"net/http"
	"net/url"

	"example.org/interlude/notify"
)

// mountPrograms serves the addresses that the forms of Statuspage post to, which programs know.
func (c *counter) mountPrograms() {
	for path, application := range map[string]func(url.Values) notify.Application{
		"new-email": func(form url.Values) notify.Application {
			return notify.Application{Channel: notify.Email, Address: form.Get("email")}
		},
		"webhook.json": func(form url.Values) notify.Application {
			return notify.Application{Channel: notify.Webhook, Address: form.Get("endpoint"), Contact: form.Get("email")}
		},
		"incident.json": func(form url.Values) notify.Application {
			return notify.Application{Channel: notify.Email, Address: form.Get("email"), Event: form.Get("incident_code")}
		},
	} {
		c.mux.HandleFunc("POST "+heldPath+path, func(w http.ResponseWriter, r *http.Request) { c.takeProgram(w, r, application) })
	}
}

// takeProgram answers as those forms are answered: with success, or with an error and its text.
func (c *counter) takeProgram(w http.ResponseWriter, r *http.Request, application func(url.Values) notify.Application) {
	if !c.parse(w, r) {
		return
	}
	type said struct {
		Type string `json:"type"`
		Text string `json:"text,omitempty"`
	}
	code, says := http.StatusOK, said{Type: "success"}
	a := application(r.PostForm)
	a.Client = c.client(r)
	if err := c.desk.Subscribe(r.Context(), a); err != nil {
		refusal := c.refused(w, r, err)
		code, says = c.code(err), said{"error", refusal.sentence()}
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(says)
}
