package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

func (n *native) interruptionRoutes() {
	d, tag := n.door, "maintenances"
	register(n, route{
		id: "open-interruption", method: http.MethodPost, path: api.PathInterruptions, tag: tag, scope: access.Operate,
		summary: "Interrupt flows: gates hold or refuse them", answer: http.StatusCreated, body: reflect.TypeFor[api.InterruptionRequest](),
		about: "Only while the maintenance is under way. Several may be open, also for the same flow, which is interrupted while any of " +
			"them is. The maintenance cannot be completed meanwhile.",
	}, d.openInterruption)
	register(n, route{
		id: "list-interruptions", method: http.MethodGet, path: api.PathInterruptions, tag: tag, scope: access.Read,
		summary: "The interruptions of a maintenance, open and closed",
	}, d.interruptions)
	register(n, route{
		id: "close-interruption", method: http.MethodPost, path: api.PathInterruptionClose, tag: tag, scope: access.Operate,
		summary: "End an interruption: gates let what they held go", body: reflect.TypeFor[nothing](),
		about: "Ending what has ended is no error, so that it may be repeated.",
	}, d.closeInterruption)
	register(n, route{
		id: "extend-interruption", method: http.MethodPost, path: api.PathInterruptionExtend, tag: tag, scope: access.Operate,
		summary: "Let an open interruption last longer", body: reflect.TypeFor[api.InterruptionExtension](),
		about: "It lapses at_most from now on, which may be sooner than before.",
	}, d.extendInterruption)
}

type interruptionInput struct {
	Ref     string `path:"ref" maxLength:"300" doc:"the maintenance's id or key"`
	ID      string `path:"id" maxLength:"60" doc:"the interruption's id" example:"k3v9x2m4q8t1"`
	IfMatch string `header:"If-Match" doc:"the ETag of the maintenance that was seen; with it, the change is refused with 412 when somebody else was faster" example:"\"v3\""`
	RawBody []byte `contentType:"application/json"`
}

func (d *door) openInterruption(ctx context.Context, in *actInput) (*created[status.Interruption], error) {
	ask, err := decode[api.InterruptionRequest](in.RawBody)
	if err != nil {
		return nil, err
	}
	who, err := asking(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	draft := status.InterruptionDraft{Flows: ask.Flows, AtMost: ask.AtMost, Expected: ask.Expected, Reason: ask.Reason}
	m, i, err := d.Keeper.Interrupt(ctx, in.Ref, draft, who)
	if err != nil {
		return nil, d.named(err, in.Ref, status.KindMaintenance)
	}
	d.shown(ctx)
	return &created[status.Interruption]{Location: location(api.PathMaintenances, m.ID) + "/interruptions/" + i.ID, ETag: api.ETag(m.Version), Body: i}, nil
}

func (d *door) interruptions(_ context.Context, in *refInput) (*plain[api.List[status.Interruption]], error) {
	p := d.Board.Current()
	m, ok := p.Maintenance(in.Ref)
	if !ok {
		return nil, absent(p, in.Ref, status.KindMaintenance)
	}
	return &plain[api.List[status.Interruption]]{Body: api.List[status.Interruption]{Items: orEmpty(m.Interruptions)}}, nil
}

func (d *door) closeInterruption(ctx context.Context, in *interruptionInput) (*versioned[status.Interruption], error) {
	if _, err := decode[nothing](in.RawBody); err != nil {
		return nil, err
	}
	return d.onInterruption(ctx, in, d.Keeper.EndInterruption)
}

func (d *door) extendInterruption(ctx context.Context, in *interruptionInput) (*versioned[status.Interruption], error) {
	ask, err := decode[api.InterruptionExtension](in.RawBody)
	if err != nil {
		return nil, err
	}
	return d.onInterruption(ctx, in, func(ctx context.Context, ref, id string, who keeper.Request) (status.Maintenance, status.Interruption, error) {
		return d.Keeper.ExtendInterruption(ctx, ref, id, ask.AtMost, ask.Expected, who)
	})
}

// onInterruption lets the keeper change an interruption, and shows it as it then is.
func (d *door) onInterruption(
	ctx context.Context, in *interruptionInput,
	do func(ctx context.Context, ref, id string, who keeper.Request) (status.Maintenance, status.Interruption, error),
) (*versioned[status.Interruption], error) {
	who, err := asking(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	m, i, err := do(ctx, in.Ref, in.ID, who)
	if err != nil {
		return nil, d.noInterruption(err, in)
	}
	d.shown(ctx)
	return &versioned[status.Interruption]{ETag: api.ETag(m.Version), Body: i}, nil
}

// noInterruption says of an id which nothing has whether it is the maintenance's or the interruption's.
func (d *door) noInterruption(err error, in *interruptionInput) error {
	if m, ok := d.Board.Current().Maintenance(in.Ref); ok && errors.Is(err, status.ErrNotFound) {
		return &missing{
			fmt.Sprintf("maintenance %s has no interruption with the id %q", m.Key, in.ID), fmt.Sprintf("`interlude interrupt list %s` shows them.", m.Key),
		}
	}
	return d.named(err, in.Ref, status.KindMaintenance)
}
