package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.org/interlude/status"
)

// TestTheLifeCyclePageAgreesWithTheLifeCycle compares the tables of states in docs/life-cycle.md with package status.
func TestTheLifeCyclePageAgreesWithTheLifeCycle(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "life-cycle.md"))
	if err != nil {
		t.Fatal(err)
	}
	moves := map[status.State]func(status.ActorKind) []status.State{}
	for _, s := range []status.State{status.Scheduled, status.InProgress, status.Verifying, status.Completed, status.Canceled} {
		moves[s] = func(by status.ActorKind) []status.State {
			return status.Maintenance{State: s}.Moves(status.Actor{Kind: by})
		}
	}
	for _, s := range []status.State{status.Investigating, status.Identified, status.Monitoring, status.Resolved, status.Postmortem} {
		moves[s] = func(by status.ActorKind) []status.State {
			return status.Incident{State: s}.Moves(status.Actor{Kind: by})
		}
	}
	told := 0
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (.*) \\| (.*) \\|$").FindAllStringSubmatch(string(text), -1) {
		legal, isState := moves[status.State(row[1])]
		if !isState {
			t.Errorf("%s is no state", row[1])
			continue
		}
		told++
		for i, by := range []status.ActorKind{status.Person, status.Runner} {
			if got, want := statesIn(row[i+2]), legal(by); !slices.Equal(got, want) {
				t.Errorf("%s, by a %s: the page says %v, want %v", row[1], by, got, want)
			}
		}
	}
	if told != len(moves) {
		t.Errorf("the page tells of %d states, want %d", told, len(moves))
	}
	var order []string
	for _, c := range status.Conditions {
		order = append(order, "`"+string(c)+"`")
	}
	if want := strings.Join(order, ", "); !strings.Contains(strings.ReplaceAll(string(text), "\n", " "), "From best to worst: "+want) {
		t.Errorf("the page does not say: from best to worst: %s", want)
	}
}

func statesIn(cell string) []status.State {
	var states []status.State
	for _, found := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cell, -1) {
		states = append(states, status.State(found[1]))
	}
	return states
}
