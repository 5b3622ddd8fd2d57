package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

func gates(tb testing.TB, s *store.Store) []api.Gate {
	tb.Helper()
	all, err := s.Gates(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func note(tb testing.TB, s *store.Store, name string, state api.GateState, at time.Time) {
	tb.Helper()
	// Whatever a request says, what a gate tells is no change that somebody made.
	if err := s.NoteGate(access.WithAct(tb.Context(), access.Act{Token: "t"}), name, state, at); err != nil {
		tb.Fatal(err)
	}
}

func TestTheLastWordOfAGateCounts(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		if got := gates(t, s); len(got) != 0 {
			t.Errorf("got %+v, want no gate", got)
		}
		normal := api.GateState{Revision: 1, Version: "1.0"}
		held := filled[api.GateState](new(int))
		note(t, s, "b", normal, noon)
		note(t, s, "B", normal, noon)
		note(t, s, "a", normal, noon)
		note(t, s, "b", held, noon.Add(time.Second))
		want := []api.Gate{{Name: "B", Seen: noon, State: normal}, {Name: "a", Seen: noon, State: normal}, {Name: "b", Seen: noon.Add(time.Second), State: held}}
		if diff := cmp.Diff(want, gates(t, s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if entries, err := s.Audit(t.Context(), 0, 10); err != nil || len(entries) != 0 {
			t.Errorf("got %+v and %v in the audit log, want nothing", entries, err)
		}
		if d := since(t, s, 0); d.Seq != 0 {
			t.Errorf("got the feed at %d, want it where it was", d.Seq)
		}
	})
}

func TestAGateThatIsNotHeardIsForgotten(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		week := 7 * 24 * time.Hour
		note(t, s, "silent", api.GateState{}, noon)
		note(t, s, "other", api.GateState{}, noon.Add(time.Hour))
		note(t, s, "other", api.GateState{}, noon.Add(week))
		if got := gates(t, s); len(got) != 2 {
			t.Errorf("after a week: got %+v, want both", got)
		}
		note(t, s, "other", api.GateState{}, noon.Add(week+time.Microsecond))
		if got := gates(t, s); len(got) != 1 || got[0].Name != "other" {
			t.Errorf("after more than a week: got %+v, want the other one alone", got)
		}
		if err := s.ForgetGate(t.Context(), "other"); err != nil || len(gates(t, s)) != 0 {
			t.Errorf("got %v and %+v, want it forgotten", err, gates(t, s))
		}
		if err := s.ForgetGate(t.Context(), "other"); !errors.Is(err, status.ErrNotFound) {
			t.Errorf("got %v for one that is not there, want %v", err, status.ErrNotFound)
		}
	})
}

func TestAGateThatNobodyCouldShowIsRefused(t *testing.T) {
	flow := func(f api.FlowState) api.GateState { return api.GateState{Flows: []api.FlowState{f}} }
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		for _, c := range []struct {
			name  string
			state api.GateState
			want  string
		}{
			{"", api.GateState{}, "gate is required"},
			{strings.Repeat("x", 201), api.GateState{}, "gate must have at most 200 bytes, not 201"},
			{"a\x00", api.GateState{}, "gate must not contain the NUL character, as at byte 1"},
			{"a", api.GateState{Version: "\x1b"}, `version must not contain control characters, such as '\x1b' at byte 0`},
			{"a", flow(api.FlowState{}), "flows[0].flow is required"},
			{"a", flow(api.FlowState{Flow: "x", Does: "\xff"}), `flows[0].does must be valid UTF-8, which "\xff" is not`},
			{"a", api.GateState{Flows: make([]api.FlowState, 1001)}, "flows must be at most 1000, not 1001"},
		} {
			var invalid *status.Invalid
			if err := s.NoteGate(t.Context(), c.name, c.state, noon); !errors.As(err, &invalid) || invalid.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		}
		if got := gates(t, s); len(got) != 0 {
			t.Errorf("got %+v, want nothing kept", got)
		}
	})
}
