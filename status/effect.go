package status

import (
	"cmp"
	"slices"
	"time"
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

// watch sets an event, and notes what its new updates did to the components. Those that are left stay as they were, or
// as a new last update says. Records, which are not live, change nothing that is shown.
func (b *Book) watch(live bool, at time.Time, updates []Update, fresh int, affects, left []string, set func()) {
	if !live || fresh == len(updates) && len(left) == 0 {
		set()
		return
	}
	before := b.Conditions()
	set()
	var last Update
	if n := len(updates); n > 0 {
		last = updates[n-1]
	}
	if last.At = at; fresh == len(updates) {
		last.Conditions = nil // it was said before
	}
	b.leave(left, before, last)
	effects(updates, fresh, affects, before, b.Conditions()) // the updates are of the slice that was set
}

// let are the components that an event lets go of: all when it is over, else those that it no longer names.
func let(was, is []string, open bool) []string {
	if !open {
		return was
	}
	return slices.DeleteFunc(slices.Clone(was), func(id string) bool { return slices.Contains(is, id) })
}

// leave gives components the conditions that they had until now, unless the event's last word says otherwise.
func (b *Book) leave(components []string, before map[string]Condition, last Update) {
	if len(components) == 0 {
		return
	}
	now := b.Conditions()
	for _, id := range components {
		c, there := b.Component(id)
		to := cmp.Or(last.Conditions[id], before[id])
		if !there || to == "" || to == now[id] {
			continue
		}
		_, _ = b.SetComponent(c, to, last.At, last.By) // it was shown, or said and checked, so it is a condition
	}
}

// Effects are what the nth update, counted from the oldest, did to the components that the maintenance affects. Of one
// from before that was kept, they follow from its states.
func (m Maintenance) Effects(n int) []Effect {
	if kept(m.Updates, m.Open()) {
		return m.Updates[n].Effects
	}
	return m.derivedEffects(n)
}

// Effects are what the nth update, counted from the oldest, did to the components that the incident affects.
func (i Incident) Effects(n int) []Effect {
	if kept(i.Updates, i.Open()) {
		return i.Updates[n].Effects
	}
	return i.derivedEffects(n)
}

// kept reports whether effects were kept as they happened.
func kept(updates []Update, open bool) bool {
	return open || slices.ContainsFunc(updates, func(u Update) bool { return len(u.Effects) > 0 })
}

// derivedEffects are those that follow from the states alone, for records.
func (m Maintenance) derivedEffects(n int) []Effect {
	return derived(m.Affects, n, func(upTo int, id string) Condition {
		if upTo < 0 || m.Updates[upTo].State.Ended() || m.Updates[upTo].State == Scheduled {
			return Operational
		}
		condition := UnderMaintenance
		if m.Marks == Manual {
			condition = Operational
		}
		return lastSaid(m.Updates[:upTo+1], id, condition)
	})
}

// derivedEffects are those that follow from the states alone, for records.
func (i Incident) derivedEffects(n int) []Effect {
	return derived(i.Affects, n, func(upTo int, id string) Condition {
		if upTo < 0 || i.Updates[upTo].State.Ended() {
			return Operational
		}
		return lastSaid(i.Updates[:upTo+1], id, Operational)
	})
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
