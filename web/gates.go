package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

func (n *native) gateRoutes() {
	d, tag := n.door, "gates"
	register(n, route{
		id: "list-gates", method: http.MethodGet, path: api.PathGates, tag: tag, scope: access.Read,
		summary: "The gates that were heard within a week, and what is in force there",
	}, d.gates)
	register(n, route{
		id: "follow-plan", method: http.MethodGet, path: api.PathGatePlan, tag: tag, scope: access.Gate, stream: true,
		summary: "What a gate has to know: a stream of events, or, for whoever accepts application/json alone, the plan as it is now",
		about: "The stream brings an event plan at once and after each change, with the whole plan in one line. Two plans of one " +
			"revision differ where time alone has changed something; what comes later counts. A comment every ten seconds says that " +
			"the connection lives. The stream ends within that time when the token is taken back.",
	}, d.followPlan)
	register(n, route{
		id: "tell-gate-state", method: http.MethodPost, path: api.PathGateState, tag: tag, scope: access.Gate, answer: http.StatusNoContent,
		summary: "Tell what is in force at a gate", body: reflect.TypeFor[api.GateState](), measured: true,
		about: "It may be told as often as needed: the last one counts. While a flow that a maintenance promises something about is " +
			"held there, the maintenance cannot be completed.",
	}, d.tellState)
	register(n, route{
		id: "tell-outcomes", method: http.MethodPost, path: api.PathGateOutcomes, tag: tag, scope: access.Gate, answer: http.StatusNoContent,
		summary: "Tell what a gate measured", body: reflect.TypeFor[api.OutcomeBatch](), measured: true,
		about: "A batch that was counted before is not counted again, and no error.",
	}, d.tellOutcomes)
	register(n, route{
		id: "get-measured", method: http.MethodGet, path: api.PathMeasured, tag: tag, scope: access.Read,
		summary: "What the gates measured of a maintenance",
	}, d.measured)
}

type gateInput struct {
	Name string `path:"name" maxLength:"200" doc:"the gate's name" example:"gate-1"`
}

type gateBodyInput struct {
	Name    string `path:"name" maxLength:"200" doc:"the gate's name" example:"gate-1"`
	RawBody []byte `contentType:"application/json"`
}

func (d *door) gates(ctx context.Context, _ *nothing) (*plain[api.List[api.Gate]], error) {
	all, err := d.Store.Gates(ctx)
	if err != nil {
		return nil, err
	}
	return &plain[api.List[api.Gate]]{Body: api.List[api.Gate]{Items: orEmpty(all)}}, nil
}

func (d *door) tellState(ctx context.Context, in *gateBodyInput) (*nothing, error) {
	is, err := decode[api.GateState](in.RawBody)
	if err != nil {
		return nil, err
	}
	if err := checkFlows(is.Flows); err != nil {
		return nil, err
	}
	now := d.Clock.Now()
	if err := d.Store.NoteGate(ctx, in.Name, is, now); err != nil {
		return nil, err
	}
	return nil, d.keepHolds(ctx, in.Name, is, now)
}

var flowStates = []string{api.FlowNormal, api.FlowInterrupted, api.FlowDraining}

// checkFlows refuses states that no flow has, and one flow in two states.
func checkFlows(flows []api.FlowState) error {
	seen := map[string]bool{}
	for i, f := range flows {
		at := fmt.Sprintf("flows[%d].", i)
		switch {
		case seen[f.Flow]:
			return &status.Invalid{Field: at + "flow", Rule: fmt.Sprintf("names %q a second time", f.Flow)}
		case f.InFlight < 0 || f.Held < 0 || f.Bytes < 0:
			return &status.Invalid{Field: at + "held", Rule: "must not be below zero, and neither may in_flight and bytes"}
		case f.Spool != nil && min(f.Spool.Waiting, f.Spool.Shelved, f.Spool.Later, f.Spool.Bytes) < 0:
			return &status.Invalid{Field: at + "spool", Rule: "must have no number of entries or bytes below zero"}
		case !slices.Contains(flowStates, f.State):
			return &status.Invalid{Field: at + "state", Rule: fmt.Sprintf("must be one of %s, not %q", strings.Join(flowStates, ", "), f.State)}
		}
		seen[f.Flow] = true
	}
	return nil
}

// What a gate holds keeps a maintenance from being complete for holdLife after it was told last, and is renewed when
// less than holdRenewed of that is left: a gate that died blocks nothing for long, and one that lives costs a change now and
// then rather than one for each report.
const (
	holdLife    = time.Minute
	holdRenewed = 40 * time.Second
)

// keepHolds keeps the maintenances under way from being complete while a gate holds requests of flows that they concern, or mail and
// posts that it has accepted, or has found by itself that such a flow is interrupted. What was opened so is kept until the gate tells that the flow is
// normal: requests that come and go meanwhile open and close nothing. What is open is read from the board, so that the
// reports of one gate may reach several nodes.
func (d *door) keepHolds(ctx context.Context, gate string, is api.GateState, now time.Time) error {
	open := d.Board.Current().Maintenances
	known := map[string]bool{} // interruptions that were opened here
	for _, m := range open {
		for _, i := range m.Interruptions {
			known[i.ID] = true
		}
	}
	who := keeper.Request{By: status.Actor{Kind: status.Gate, Name: gate}}
	for _, m := range open {
		for _, f := range is.Flows {
			if !m.Underway() || !concerns(m, f.Flow) {
				continue
			}
			hold := status.Unfinished{What: api.Hold, Name: f.Flow + " at " + gate, Lapses: now.Add(holdLife)}
			kept := slices.IndexFunc(m.Unfinished, func(u status.Unfinished) bool { return u.What == hold.What && u.Name == hold.Name })
			var err error
			free := f.State == api.FlowNormal && !late(f, now)
			switch {
			case free && kept >= 0:
				_, err = d.Keeper.CloseWork(ctx, m.ID, hold, who)
			case kept >= 0 && m.Unfinished[kept].Lapses.Sub(now) > holdRenewed:
			case !free && (kept >= 0 || waits(f) || foundThere(f, known)):
				_, err = d.Keeper.OpenWork(ctx, m.ID, hold, who)
			}
			if err := d.overtaken(ctx, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// concerns reports whether a maintenance promises something about a flow, or interrupts or has interrupted it.
func concerns(m *status.Maintenance, flow string) bool {
	return slices.ContainsFunc(m.Promises, func(p status.Promise) bool { return p.Flow == flow }) ||
		slices.ContainsFunc(m.Interruptions, func(i status.Interruption) bool { return slices.Contains(i.Flows, flow) })
}

// waits reports whether requests wait at the gate, or something that was accepted there is still to be handed over.
func waits(f api.FlowState) bool {
	return f.Held > 0 || f.Spool != nil && f.Spool.Waiting > f.Spool.Later
}

// late reports whether something that was accepted at the gate has been due for so long that it is not just on its way.
func late(f api.FlowState, now time.Time) bool {
	const onItsWay = 15 * time.Second
	return f.Spool != nil && f.Spool.Waiting > f.Spool.Later && now.Sub(f.Spool.Oldest) > onItsWay
}

// foundThere reports whether the gate found an interruption of the flow by itself: one that nobody opened here.
func foundThere(f api.FlowState, known map[string]bool) bool {
	return f.State == api.FlowInterrupted && slices.ContainsFunc(f.Interruptions, func(id string) bool { return !known[id] })
}

// overtaken leaves of an error what is to be told: that the maintenance has ended meanwhile, or that another node was
// faster, is no fault of a report.
func (d *door) overtaken(ctx context.Context, err error) error {
	var (
		illegal *status.Illegal
		invalid *status.Invalid
	)
	if errors.As(err, &illegal) || errors.As(err, &invalid) || errors.Is(err, status.ErrNotFound) {
		d.Log.DebugContext(ctx, "a gate's hold is not noted", "request", requestID(ctx), "error", err)
		return nil
	}
	return err
}

func (d *door) tellOutcomes(ctx context.Context, in *gateBodyInput) (*nothing, error) {
	batch, err := decode[api.OutcomeBatch](in.RawBody)
	if err != nil {
		return nil, err
	}
	_, err = d.Store.CountOutcomes(ctx, in.Name, batch, d.Clock.Now())
	return nil, err
}

func (d *door) measured(ctx context.Context, in *refInput) (*plain[api.Measured], error) {
	p := d.Board.Current()
	m, ok := p.Maintenance(in.Ref)
	if !ok {
		return nil, absent(p, in.Ref, status.KindMaintenance)
	}
	found, err := d.Store.Measured(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	found.Flows, found.Spans = orEmpty(found.Flows), orEmpty(found.Spans)
	return &plain[api.Measured]{Body: found}, nil
}
