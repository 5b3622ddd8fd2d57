package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/board"
)

const (
	// mostPlans bounds the streams of plans of one process.
	mostPlans = 1000
	// planBeat is how often a stream says something, looks at the clock and at the token.
	planBeat = 10 * time.Second
	// planPatience bounds one message to a slow reader.
	planPatience = 10 * time.Second
	// planAhead is how long before its start a gate hears of a maintenance.
	planAhead = 7 * 24 * time.Hour
)

// planOf is what gates have to know of a picture. It differs from one moment to another only in what comes within a week.
func planOf(p *board.Picture, now time.Time) api.Plan {
	plan := api.Plan{Revision: p.Seq, At: now, Page: p.Page.Name, URL: p.Page.URL, Maintenances: []api.PlannedMaintenance{}}
	for _, m := range p.Maintenances {
		if !m.Underway() && m.Window.Start.After(now.Add(planAhead)) {
			continue
		}
		plan.Maintenances = append(plan.Maintenances, api.PlannedMaintenance{
			ID: m.ID, Title: m.Title, State: m.State, Window: m.Window, Expected: m.ExpectedEnd(),
			Report: "/incidents/" + url.PathEscape(m.ID), Promises: orEmpty(m.Promises), Interruptions: orEmpty(m.OpenInterruptions()),
		})
	}
	return plan
}

func (d *door) followPlan(context.Context, *gateInput) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		if accepts(r, "application/json") && !accepts(r, api.EventStream) {
			d.planOnce(w, r)
		} else {
			d.streamPlans(w, r)
		}
	}}, nil
}

// accepts reports whether a request names a media type among those that it accepts.
func accepts(r *http.Request, kind string) bool {
	for _, header := range r.Header.Values("Accept") {
		for one := range strings.SplitSeq(header, ",") {
			if named, _, err := mime.ParseMediaType(one); err == nil && named == kind {
				return true
			}
		}
	}
	return false
}

// planOnce answers with the plan. One of a picture that was never loaded would tell that there is nothing to do.
func (d *door) planOnce(w http.ResponseWriter, r *http.Request) {
	p := d.Board.Current()
	if !p.Loaded {
		d.refuse(w, r, problem(http.StatusServiceUnavailable, api.CodeUnavailable, "the server has just started and has not read its database yet", "").
			with("Retry-After", "1"))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(planOf(p, d.Clock.Now())) // whoever asked is gone if this fails
}

// streamPlans sends the plan at once and after each change, as events (HTML Standard, 9.2). A gate that is slow skips
// plans rather than queueing them.
func (d *door) streamPlans(w http.ResponseWriter, r *http.Request) {
	if d.plans.Add(1) > mostPlans {
		d.plans.Add(-1)
		d.refuse(w, r, problem(http.StatusServiceUnavailable, api.CodeUnavailable, fmt.Sprintf("this node has %d gates already", mostPlans),
			"Point some of them at another node.").with("Retry-After", "60"))
		return
	}
	defer d.plans.Add(-1)
	w.Header().Set("Content-Type", api.EventStream)
	w.Header().Set("X-Accel-Buffering", "no") // nginx buffers otherwise
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	say := func(message []byte) bool {
		if err := out.SetWriteDeadline(time.Now().Add(planPatience)); err != nil {
			return false
		}
		_, err := w.Write(message)
		return err == nil && out.Flush() == nil
	}
	beat := time.NewTicker(d.planBeat)
	defer beat.Stop()
	var told, message []byte
	for {
		p := d.Board.Current()
		if message, told = planMessage(p, d.Clock.Now(), told); message != nil && !say(message) {
			return
		}
		select {
		case <-p.Replaced():
		case <-beat.C:
			if !d.stillMay(r) || !say([]byte(":\n\n")) {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// planMessage is the event that brings the plan, or nothing when it says what was told before; and what is told then.
func planMessage(p *board.Picture, now time.Time, told []byte) (message, tells []byte) {
	if !p.Loaded {
		return nil, told
	}
	plan := planOf(p, now)
	data, _ := json.Marshal(plan) // texts, numbers and times always marshal
	plan.Revision, plan.At = 0, time.Time{}
	if tells, _ = json.Marshal(plan); bytes.Equal(tells, told) {
		return nil, told
	}
	return fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", p.Seq, api.EventPlan, data), tells
}

// stillMay reports whether the token of a stream is still good.
func (d *door) stillMay(r *http.Request) bool {
	ctx, stop := context.WithTimeout(r.Context(), callPatience)
	defer stop()
	token, err := d.keys.recognise(ctx, r.Header.Get("Authorization"))
	return err == nil && token.Allows(access.Gate)
}

// describeStream says in the document that an operation answers with a stream of plans, or with one.
func describeStream(op *huma.Operation, plan *huma.Schema) {
	op.Responses["200"] = &huma.Response{Description: "The plan, and with a stream each later one", Content: map[string]*huma.MediaType{
		"application/json": {Schema: plan},
		api.EventStream:    {Schema: &huma.Schema{Type: huma.TypeString, Description: "events of the type " + api.EventPlan + ", each with a plan as its data"}},
	}}
}
