package web

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/board"
	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

// act is a transition of the keeper.
type act func(ctx context.Context, ref string, say status.Post, ask keeper.Request) (status.Maintenance, error)

// actUntil is one that needs a time.
type actUntil func(ctx context.Context, ref string, until time.Time, say status.Post, ask keeper.Request) (status.Maintenance, error)

// actWork is one about something that keeps a maintenance from being complete.
type actWork func(ctx context.Context, ref string, what status.Unfinished, ask keeper.Request) (status.Maintenance, error)

// asking is the keeper's view of who asks, on the condition of an If-Match header.
func asking(ctx context.Context, ifMatch string) (keeper.Request, error) {
	version, err := api.ParseETag(ifMatch)
	return keeper.Request{By: visitorOf(ctx).actor(), Version: version}, err
}

// shown waits until the board of this node shows what was just written, so that whoever wrote reads it. When that
// takes long the answer does not wait: the write is done.
func (d *door) shown(ctx context.Context) *board.Picture {
	ctx, stop := context.WithTimeout(ctx, showPatience)
	defer stop()
	if err := d.Board.Refresh(ctx); err != nil {
		d.Log.DebugContext(ctx, "a change is saved and not shown yet", "request", requestID(ctx), "error", err)
	}
	return d.Board.Current()
}

func (d *door) apply(ctx context.Context, in *bodyInput) (*plain[api.ApplyResult], error) {
	ask, err := decode[api.ApplyRequest](in.RawBody)
	if err != nil {
		return nil, err
	}
	if len(ask.Documents) == 0 {
		return nil, &status.Invalid{Field: "documents", Rule: "must hold at least one document"}
	}
	for _, doc := range ask.Documents {
		if doc.Page == nil {
			continue
		}
		if err := permit(visitorOf(ctx).token, access.Administer, "applying a page document"); err != nil {
			return nil, err
		}
	}
	who, err := asking(ctx, "")
	if err != nil {
		return nil, err
	}
	who.Plan = ask.Plan
	do := d.Keeper.Apply
	if ask.CreateOnly {
		do = d.Keeper.Create
	}
	result, err := do(ctx, ask.Documents, ask.DryRun, who)
	if err != nil {
		return nil, err
	}
	if result.Applied {
		d.shown(ctx)
	}
	return &plain[api.ApplyResult]{Body: api.ApplyResult{
		Changes: orEmpty(result.Changes), Warnings: orEmpty(result.Warnings), Applied: result.Applied, Plan: result.Plan,
	}}, nil
}

func (d *door) setComponent(ctx context.Context, in *actInput) (*versioned[api.Component], error) {
	ask, err := decode[api.Setting](in.RawBody)
	if err != nil {
		return nil, err
	}
	who, err := asking(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	c, err := d.Keeper.SetComponent(ctx, in.Ref, ask.Status, who)
	if err != nil {
		return nil, unknownComponent(err)
	}
	return &versioned[api.Component]{ETag: api.ETag(c.Version), Body: componentView(d.shown(ctx), c)}, nil
}

// unknownComponent makes "not found" of a name in the path that means no component, or more than one.
func unknownComponent(err error) error {
	var invalid *status.Invalid
	if errors.As(err, &invalid) && strings.HasPrefix(invalid.Field, "[") {
		return &missing{detail: "what was given " + invalid.Rule}
	}
	return err
}

func (d *door) createMaintenance(ctx context.Context, in *bodyInput) (*created[api.Scheduled], error) {
	doc, err := decode[status.MaintenanceDocument](in.RawBody)
	if err != nil {
		return nil, err
	}
	who, err := asking(ctx, "")
	if err != nil {
		return nil, err
	}
	result, err := d.Keeper.Schedule(ctx, doc, who)
	if err != nil {
		return nil, bare(err)
	}
	p := d.shown(ctx)
	answer := &created[api.Scheduled]{Body: api.Scheduled{Changes: orEmpty(result.Changes), Warnings: orEmpty(result.Warnings)}}
	for _, c := range result.Changes {
		if m, ok := announced(p, c.Subject); ok {
			view := maintenanceView(p, *m)
			answer.Body.Maintenance, answer.ETag = &view, api.ETag(m.Version)
			answer.Location = location(api.PathMaintenances, m.ID)
			break
		}
	}
	return answer, nil
}

// announced finds the maintenance that a change made, or the first occurrence of the series that it made.
func announced(p *board.Picture, made status.Subject) (*status.Maintenance, bool) {
	if made.Kind == status.KindMaintenance {
		return p.Maintenance(made.ID)
	}
	for _, m := range p.Maintenances { // by start
		if made.Kind == status.KindSeries && m.Series == made.ID {
			return m, true
		}
	}
	return nil, false
}

// bare takes a fault out of its document: the request is the document.
func bare(err error) error {
	var in *status.DocumentError
	if errors.As(err, &in) {
		return in.Err
	}
	return err
}

func (d *door) reviseMaintenance(ctx context.Context, in *actInput) (*versioned[api.Revised], error) {
	ask, err := decode[api.Revision](in.RawBody)
	if err != nil {
		return nil, err
	}
	who, err := asking(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	say := status.Post{Body: ask.Body, Quiet: ask.Quiet}
	m, warnings, err := d.Keeper.Revise(ctx, in.Ref, ask.Document, say, who)
	if err != nil {
		var invalid *status.Invalid
		if errors.As(err, &invalid) {
			return nil, invalid.In("document")
		}
		return nil, d.named(err, in.Ref, status.KindMaintenance)
	}
	return &versioned[api.Revised]{ETag: api.ETag(m.Version), Body: api.Revised{
		Maintenance: maintenanceView(d.shown(ctx), m), Warnings: orEmpty(warnings),
	}}, nil
}

// acting is the handler of a transition.
func (d *door) acting(do act) func(context.Context, *actInput) (*versioned[api.Maintenance], error) {
	return func(ctx context.Context, in *actInput) (*versioned[api.Maintenance], error) {
		ask, who, err := readAct(ctx, in)
		if err != nil {
			return nil, err
		}
		if ask.Until != nil {
			return nil, &status.Invalid{Field: "until", Rule: "has no meaning here: extend and estimate take it"}
		}
		return d.acted(ctx, in.Ref)(do(ctx, in.Ref, status.Post{Body: ask.Body, Quiet: ask.Quiet}, who))
	}
}

// actingUntil is the handler of a transition that needs a time.
func (d *door) actingUntil(do actUntil) func(context.Context, *actInput) (*versioned[api.Maintenance], error) {
	return func(ctx context.Context, in *actInput) (*versioned[api.Maintenance], error) {
		ask, who, err := readAct(ctx, in)
		if err != nil {
			return nil, err
		}
		if ask.Until == nil {
			return nil, &status.Invalid{Field: "until", Rule: "is required: the new end, for example 2027-01-15T07:30:00Z"}
		}
		return d.acted(ctx, in.Ref)(do(ctx, in.Ref, *ask.Until, status.Post{Body: ask.Body, Quiet: ask.Quiet}, who))
	}
}

func readAct(ctx context.Context, in *actInput) (api.Act, keeper.Request, error) {
	ask, err := decode[api.Act](in.RawBody)
	if err != nil {
		return ask, keeper.Request{}, err
	}
	who, err := asking(ctx, in.IfMatch)
	return ask, who, err
}

// working is the handler of an act on what keeps a maintenance from being complete.
func (d *door) working(do actWork) func(context.Context, *actInput) (*versioned[api.Maintenance], error) {
	return func(ctx context.Context, in *actInput) (*versioned[api.Maintenance], error) {
		ask, err := decode[api.Work](in.RawBody)
		if err != nil {
			return nil, err
		}
		who, err := asking(ctx, in.IfMatch)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSpace(ask.Name)
		switch {
		case !slices.Contains(sortsOfWork, ask.What):
			return nil, &status.Invalid{Field: "what", Rule: fmt.Sprintf("must be one of %s, not %q", strings.Join(sortsOfWork, ", "), ask.What)}
		case name == "":
			return nil, &status.Invalid{Field: "name", Rule: "is required: which " + ask.What + " it is"}
		case len([]rune(name)) > longestName:
			return nil, &status.Invalid{Field: "name", Rule: fmt.Sprintf("must have at most %d characters", longestName)}
		}
		return d.acted(ctx, in.Ref)(do(ctx, in.Ref, status.Unfinished{What: ask.What, Name: name}, who))
	}
}

var sortsOfWork = []string{api.Interruption, api.Step, api.Hold}

// longestName is the longest name of something that is open, in characters: reports show it.
const longestName = 200

func (d *door) acted(ctx context.Context, ref string) func(status.Maintenance, error) (*versioned[api.Maintenance], error) {
	return func(m status.Maintenance, err error) (*versioned[api.Maintenance], error) {
		if err != nil {
			return nil, d.named(err, ref, status.KindMaintenance)
		}
		return &versioned[api.Maintenance]{ETag: api.ETag(m.Version), Body: maintenanceView(d.shown(ctx), m)}, nil
	}
}

func (d *door) createIncident(ctx context.Context, in *bodyInput) (*created[api.Incident], error) {
	draft, err := decode[status.IncidentDraft](in.RawBody)
	if err != nil {
		return nil, err
	}
	who, err := asking(ctx, "")
	if err != nil {
		return nil, err
	}
	i, err := d.Keeper.OpenIncident(ctx, draft, who)
	if err != nil {
		return nil, err
	}
	return &created[api.Incident]{
		Location: location(api.PathIncidents, i.ID), ETag: api.ETag(i.Version), Body: incidentView(d.shown(ctx), i),
	}, nil
}

func (d *door) postIncident(ctx context.Context, in *actInput) (*versioned[api.Incident], error) {
	ask, err := decode[api.IncidentPost](in.RawBody)
	if err != nil {
		return nil, err
	}
	who, err := asking(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	i, err := d.Keeper.PostIncident(ctx, in.Ref, ask.Status, ask.NamedPost, who)
	if err != nil {
		return nil, d.named(err, in.Ref, status.KindIncident)
	}
	return &versioned[api.Incident]{ETag: api.ETag(i.Version), Body: incidentView(d.shown(ctx), i)}, nil
}

func location(list, id string) string { return api.Prefix + list + "/" + url.PathEscape(id) }

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
