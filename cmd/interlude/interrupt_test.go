package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// tellsState tells the server what is in force at a gate, as a file says.
func tellsState(ts *testscript.TestScript, neg bool, args []string) {
	var is api.GateState
	client := asGate(ts, neg, args, &is)
	ts.Check(client.TellState(context.Background(), args[0], is))
}

// tellsOutcomes tells the server what a gate measured, as a file says.
func tellsOutcomes(ts *testscript.TestScript, neg bool, args []string) {
	var batch api.OutcomeBatch
	client := asGate(ts, neg, args, &batch)
	ts.Check(client.TellOutcomes(context.Background(), args[0], batch))
}

// asGate reads what a gate tells, with what the file id holds in place of $ID. The gate's token is in the file gate-token.
func asGate(ts *testscript.TestScript, neg bool, args []string, into any) *api.Client {
	if neg || len(args) != 2 {
		ts.Fatalf("the name of a gate and a file are wanted")
	}
	text := strings.ReplaceAll(ts.ReadFile(args[1]), "$ID", strings.TrimSpace(ts.ReadFile("id")))
	ts.Check(json.Unmarshal([]byte(text), into))
	return &api.Client{Server: ts.Getenv("INTERLUDE_SERVER"), Token: strings.TrimSpace(ts.ReadFile("gate-token"))}
}

func TestGatesAreQuietWhenNothingReachesTheProduct(t *testing.T) {
	now := time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)
	i := status.Interruption{ID: "i1", Flows: []string{"messenger", "api"}}
	flow := func(name string, inFlight int64, ids ...string) api.FlowState {
		return api.FlowState{Flow: name, Interruptions: ids, InFlight: inFlight}
	}
	heard := func(name string, ago time.Duration, flows ...api.FlowState) api.Gate {
		return api.Gate{Name: name, Seen: now.Add(-ago), State: api.GateState{Flows: flows}}
	}
	quiet := heard("one", time.Second, flow("messenger", 0, "i1"), flow("api", 0, "i0", "i1"), flow("pages", 9))
	for name, c := range map[string]struct {
		gates []api.Gate
		want  []string
	}{
		"all have it":           {[]api.Gate{quiet, heard("two", alive, flow("api", 0, "i1"))}, nil},
		"one is gone":           {[]api.Gate{quiet, heard("two", alive+1, flow("api", 7))}, nil},
		"one has not heard":     {[]api.Gate{quiet, heard("two", 0, flow("api", 7, "i0"))}, []string{"two: api is not interrupted yet"}},
		"some are under way":    {[]api.Gate{quiet, heard("two", 0, flow("api", 1, "i1"))}, []string{"two: api has 1 request under way"}},
		"nobody has a flow":     {[]api.Gate{heard("two", 0, flow("api", 0, "i1"))}, []string{"no gate that was heard in the last 30s has the flow messenger"}},
		"nobody has been there": {nil, []string{"no gate that was heard in the last 30s has the flow messenger", "no gate that was heard in the last 30s has the flow api"}},
	} {
		if got := notQuiet(i, c.gates, now); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
