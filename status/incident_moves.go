package status

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// incidentStates are the open ones; an incident moves between them freely.
var incidentStates = []State{Investigating, Identified, Monitoring}

// Moves lists the states that an actor may move the incident to. Only a person reopens a resolved one.
func (i Incident) Moves(by Actor) []State {
	switch i.State {
	case Resolved:
		legal := []State{Postmortem}
		if by.Kind == Person {
			legal = append(legal, incidentStates...)
		}
		return legal
	case Postmortem:
		return nil
	}
	others := slices.DeleteFunc(slices.Clone(incidentStates), func(s State) bool { return s == i.State })
	return append(others, Resolved)
}

// Post moves the incident to a state with an update. The same state again is an update of it; an empty state
// means that it stays. A claim that an update gives for a component holds until the incident ends or another
// update says otherwise.
func (i Incident) Post(to State, now time.Time, by Actor, say Post) (Incident, Event, error) {
	if to == "" {
		to = i.State
	}
	if strings.TrimSpace(say.Body) == "" {
		return i, Event{}, &Invalid{Field: "body", Rule: "is required: what readers should know"}
	}
	if to != i.State && !slices.Contains(i.Moves(by), to) {
		why := ""
		if i.State == Resolved && by.Kind != Person {
			why = "only a person may reopen it"
		}
		return i, Event{}, &Illegal{Subject: i.Subject(), From: i.State, To: to, Why: why, Legal: i.Moves(by)}
	}
	if err := checkBody(say.Body); err != nil {
		return i, Event{}, err
	}
	if err := validClaims(say.Conditions); err != nil {
		return i, Event{}, err
	}
	reopened := i.State.Ended() && !to.Ended()
	i = i.clone()
	i.State, i.Changed = to, now
	i.Updates = append(i.Updates, Update{
		State: to, Event: incidentEvent(to), At: now, Body: say.Body, By: by,
		Conditions: maps.Clone(say.Conditions), Quiet: say.Quiet,
	})
	for id, condition := range say.Conditions {
		if !i.ImpactSaid {
			i.Impact = Worst(i.Impact, condition)
		}
		if !slices.Contains(i.Affects, id) {
			i.Affects = append(i.Affects, id)
		}
	}
	switch {
	case reopened:
		i.Ended = time.Time{}
	case to == Resolved && i.Ended.IsZero():
		i.Ended = now
	}
	return i, Event{Kind: i.Updates[len(i.Updates)-1].Event, Subject: i.Subject(), At: now, By: by, Told: !say.Quiet && !i.Backfilled}, nil
}

func incidentEvent(to State) EventKind {
	switch to {
	case Resolved:
		return Ended
	case Postmortem:
		return PostmortemOut
	}
	return Moved
}

func validClaims(claims map[string]Condition) error {
	for id, c := range claims {
		if c.Rank() < 0 {
			return &Invalid{Field: "components." + id, Rule: "must be one of " + joinConditions() + ", not " + quote(string(c))}
		}
	}
	return nil
}
