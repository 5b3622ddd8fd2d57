package runbook

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
)

// trace is what a journal says of one step.
type trace struct {
	begun, done, failed, untouched, undone bool
	// cut says that it failed because it was cut short: it may have happened nevertheless.
	cut bool
	// before says that it was done once already, and has been begun again since.
	before bool
	hash   string
	facts  map[string]string
}

// unsettled reports whether the step may have happened or not.
func (t trace) unsettled() bool { return t.begun && !t.done && !t.untouched && (!t.failed || t.cut) }

// touched reports whether the step may have changed something that has not been taken back.
func (t trace) touched() bool { return t.begun && !t.untouched && !t.undone }

// pending is something that the server is to be told.
type pending struct {
	n     int64
	facts map[string]string
	text  string
}

// memory is what a journal says, kept up as entries are added.
type memory struct {
	mutex   sync.Mutex
	steps   map[string]*trace
	rolling bool
	why     string
	ended   string
	tells   []pending
}

func remember(entries []Entry) *memory {
	m := &memory{steps: map[string]*trace{}}
	for _, e := range entries {
		m.apply(e)
	}
	return m
}

func (m *memory) apply(e Entry) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if e.Step != "" {
		m.step(e)
	}
	switch e.What {
	case Rolling:
		m.rolling, m.why = true, e.Text
	case Finished, RolledBack:
		m.ended = e.What
	case Tell:
		m.tells = append(m.tells, pending{e.N, e.Facts, e.Text})
	case Told:
		if n, err := strconv.ParseInt(e.Facts["n"], 10, 64); err == nil && len(m.tells) > 0 && m.tells[0].n == n {
			m.tells = m.tells[1:]
		}
	}
}

func (m *memory) step(e Entry) {
	t := m.steps[e.Step]
	if t == nil {
		t = &trace{}
		m.steps[e.Step] = t
	}
	switch e.What {
	case Begun:
		*t = trace{begun: true, hash: e.Hash, facts: merged(t.facts, e.Facts), before: t.done || t.before}
	case Noted:
		t.facts = merged(t.facts, e.Facts)
	case Done:
		t.done, t.begun = true, true
	case Failed:
		t.failed, t.cut = true, e.Facts[factCut] != ""
	case Untouched:
		t.untouched = true
	case Undone:
		t.undone = true
	}
}

// factCut marks a failure of which nobody knows whether the step happened.
const factCut = "cut"

// of is what is known of a step.
func (m *memory) of(number string) trace {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	t := m.steps[number]
	if t == nil {
		return trace{}
	}
	copied := *t
	copied.facts = maps.Clone(t.facts)
	return copied
}

// next is what the server is to be told next.
func (m *memory) next() (pending, bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if len(m.tells) == 0 {
		return pending{}, false
	}
	return m.tells[0], true
}

// agree refuses a plan in which a step is another one than when it was begun.
func (m *memory) agree(p *Plan) error {
	known := map[string]*Item{}
	walkAll(p.Steps, func(it *Item) { known[it.Number] = it })
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for number, t := range m.steps {
		if !t.begun || t.undone || strings.HasPrefix(number, checkPrefix) { // checks change nothing, and are gone through anew
			continue
		}
		it := known[number]
		switch {
		case it == nil:
			return fmt.Errorf("step %s was begun by the run before, and the runbook has no such step any more: put it back, or begin anew with --again", number)
		case it.hash != t.hash:
			return fmt.Errorf("step %s (%s) was begun by the run before and has been changed since: change it back, or begin anew with --again. Steps that were not begun may be changed", number, it.Name)
		}
	}
	return nil
}
