package status

import (
	"cmp"
	"slices"
)

// Effect is what an update did to a component, as readers saw it. Both conditions are the same when it did nothing.
type Effect struct {
	Component string    `json:"component"`
	Was       Condition `json:"was"`
	Is        Condition `json:"is"`
}

// effects notes what the updates from a place on did to the components. What was said at once is the first one's doing.
func effects(updates []Update, from int, affects []string, before, after map[string]Condition) {
	for i := from; i < len(updates); i++ {
		updates[i].Effects = nil
		for _, id := range affects {
			is, shown := after[id]
			if !shown {
				continue // it has left the page
			}
			was := is
			if i == from {
				was = before[id]
			}
			updates[i].Effects = append(updates[i].Effects, Effect{id, was, is})
		}
	}
}

// leave gives components that an event took, and does not release at its end, the conditions that its last word gave
// them: what they had until now, unless that word says otherwise.
func (b *Book) leave(affects []string, before map[string]Condition, last Update) {
	now := b.Conditions()
	for _, id := range affects {
		c, there := b.Component(id)
		to := cmp.Or(last.Conditions[id], before[id])
		if !there || to == "" || to == now[id] {
			continue
		}
		if c, e, err := c.Set(to, last.At, last.By); err == nil {
			b.PutComponent(c)
			b.Say(e)
		}
	}
}

// Effects are what the nth update, counted from the oldest, did to the components that the maintenance affects. For a
// record, of which only the states are known, they follow from these.
func (m Maintenance) Effects(n int) []Effect {
	if u := m.Updates[n]; len(u.Effects) > 0 || len(m.Affects) == 0 {
		return u.Effects
	}
	shown := func(upTo int, id string) Condition {
		if upTo < 0 || m.Updates[upTo].State.Ended() || m.Updates[upTo].State == Scheduled {
			return Operational
		}
		condition := UnderMaintenance
		if m.Marks == Manual {
			condition = Operational
		}
		return lastSaid(m.Updates[:upTo+1], id, condition)
	}
	return derived(m.Affects, n, shown)
}

// Effects are what the nth update, counted from the oldest, did to the components that the incident affects.
func (i Incident) Effects(n int) []Effect {
	if u := i.Updates[n]; len(u.Effects) > 0 || len(i.Affects) == 0 {
		return u.Effects
	}
	shown := func(upTo int, id string) Condition {
		if upTo < 0 || i.Updates[upTo].State.Ended() {
			return Operational
		}
		return lastSaid(i.Updates[:upTo+1], id, Operational)
	}
	return derived(i.Affects, n, shown)
}

func derived(affects []string, n int, shown func(upTo int, id string) Condition) []Effect {
	var all []Effect
	for _, id := range affects {
		all = append(all, Effect{id, shown(n-1, id), shown(n, id)})
	}
	return all
}

// lastSaid is the condition that the last of the updates to name a component gave it.
func lastSaid(updates []Update, id string, otherwise Condition) Condition {
	for _, u := range slices.Backward(updates) {
		if c, said := u.Conditions[id]; said {
			return c
		}
	}
	return otherwise
}
