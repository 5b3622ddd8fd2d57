package api

import (
	"context"
	"net/http"

	"example.org/interlude/status"
)

// The paths of gates and interruptions below Prefix; {name} is a gate's name.
const (
	PathGates              = "/gates"
	PathGatePlan           = "/gates/{name}/plan"
	PathGateState          = "/gates/{name}/state"
	PathGateOutcomes       = "/gates/{name}/outcomes"
	PathInterruptions      = "/maintenances/{ref}/interruptions"
	PathInterruptionClose  = "/maintenances/{ref}/interruptions/{id}/close"
	PathInterruptionExtend = "/maintenances/{ref}/interruptions/{id}/extend"
	PathMeasured           = "/maintenances/{ref}/measured"
)

// InterruptionExtension moves the time at which an interruption lapses.
type InterruptionExtension struct {
	// AtMost is how long it may last from now on. Zero is five minutes.
	AtMost status.Duration `json:"at_most,omitempty"`
	// Expected is how long it is expected to last from now on; zero leaves what was said.
	Expected status.Duration `json:"expected,omitempty"`
}

// Gates lists the gates that were heard, by name.
func (c *Client) Gates(ctx context.Context) ([]Gate, error) {
	list, err := get[List[Gate]](ctx, c, PathGates, nil)
	return list.Items, err
}

// TellState tells what is in force at a gate. It may be repeated: the last one counts.
func (c *Client) TellState(ctx context.Context, name string, is GateState) error {
	return c.tell(ctx, PathGateState, name, is)
}

// TellOutcomes tells what a gate measured. It may be repeated: each batch is counted once.
func (c *Client) TellOutcomes(ctx context.Context, name string, batch OutcomeBatch) error {
	return c.tell(ctx, PathGateOutcomes, name, batch)
}

func (c *Client) tell(ctx context.Context, pattern, name string, what any) error {
	path, err := fill(pattern, name)
	if err != nil {
		return err
	}
	return c.do(ctx, call{method: http.MethodPost, path: path, body: what, repeatable: true}, nil)
}

// Interrupt opens an interruption of a maintenance that is under way: gates hold or refuse the flows until it is ended
// or has lapsed.
func (c *Client) Interrupt(ctx context.Context, ref string, ask InterruptionRequest) (status.Interruption, error) {
	path, err := fill(PathInterruptions, ref)
	if err != nil {
		return status.Interruption{}, err
	}
	return send[status.Interruption](ctx, c, http.MethodPost, path, ask, 0)
}

// EndInterruption ends one. Ending what has ended is no error, so that it may be repeated.
func (c *Client) EndInterruption(ctx context.Context, ref, id string) (status.Interruption, error) {
	return c.interruption(ctx, PathInterruptionClose, ref, id, struct{}{})
}

// ExtendInterruption moves the time at which an open one lapses.
func (c *Client) ExtendInterruption(ctx context.Context, ref, id string, by InterruptionExtension) (status.Interruption, error) {
	return c.interruption(ctx, PathInterruptionExtend, ref, id, by)
}

func (c *Client) interruption(ctx context.Context, pattern, ref, id string, body any) (status.Interruption, error) {
	path, err := fill(pattern, ref)
	if err == nil {
		path, err = fill(path, id)
	}
	if err != nil {
		return status.Interruption{}, err
	}
	return send[status.Interruption](ctx, c, http.MethodPost, path, body, 0)
}

// Interruptions lists those of a maintenance, open and closed, in the order in which they were opened.
func (c *Client) Interruptions(ctx context.Context, ref string) ([]status.Interruption, error) {
	path, err := fill(PathInterruptions, ref)
	if err != nil {
		return nil, err
	}
	list, err := get[List[status.Interruption]](ctx, c, path, nil)
	return list.Items, err
}

// Measured tells what the gates measured of a maintenance.
func (c *Client) Measured(ctx context.Context, ref string) (Measured, error) {
	path, err := fill(PathMeasured, ref)
	if err != nil {
		return Measured{}, err
	}
	return get[Measured](ctx, c, path, nil)
}
