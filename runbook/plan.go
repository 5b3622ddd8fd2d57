package runbook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"example.org/interlude/status"
)

// act is what a kind of step is able to.
type act interface {
	common() *Common
	// refuse tells what is wrong with what the document says.
	refuse(c *checker, at string)
	// does says in a few words what it does.
	does() string
	// do does it once, and returns when it is seen to have happened.
	do(ctx context.Context, d *doing) error
}

// Item is a step of a plan: numbered, and with the hosts of a repeat filled in.
type Item struct {
	// Number is its place, such as 2.1. It is the same in every run of an unchanged runbook.
	Number string `json:"number"`
	// Kind is the key in the document, Name what people call it, and Does what it does in a few words.
	Kind string `json:"kind"`
	Name string `json:"name"`
	Does string `json:"does"`
	// Host is set inside of a repeat.
	Host string `json:"host,omitempty"`
	// Expected and Rollback are the sums of what it holds where it says nothing itself.
	Expected status.Duration `json:"expected"`
	Rollback status.Duration `json:"rollback"`
	// AtMost is the bound of an interruption.
	AtMost status.Duration `json:"at_most,omitempty"`
	// Irreversible makes it the point of no return.
	Irreversible bool    `json:"irreversible,omitempty"`
	Steps        []*Item `json:"steps,omitempty"`
	Undo         []*Item `json:"undo,omitempty"`

	act       act
	parent    *Item
	onFailure string
	hash      string
}

// Plan is a runbook as it will be carried out.
type Plan struct {
	Title  string        `json:"title"`
	Window status.Window `json:"window"`
	Checks []*Item       `json:"checks"`
	Steps  []*Item       `json:"steps"`
	// Expected is how long the steps take together, and Rollback the longest way back from any point before that of no return.
	Expected status.Duration `json:"expected"`
	Rollback status.Duration `json:"rollback"`
	// NoReturn is the number of the first step that cannot be undone, empty where there is none.
	NoReturn string `json:"no_return,omitempty"`
	// Spare is what is left of the window when all steps have taken as long as expected and the longest way back is added; less
	// than zero when that does not fit.
	Spare status.Duration `json:"spare"`
	// Unknown counts the steps that do not say how long they take.
	Unknown int `json:"unknown,omitempty"`
}

// checkPrefix is how the numbers of go and no-go checks begin.
const checkPrefix = "check "

// Plan numbers the steps and adds up their minutes.
func (b *Book) Plan() *Plan {
	p := &Plan{Title: b.Title, Window: b.Window}
	for i := range b.Checks {
		p.Checks = append(p.Checks, item(Step{Check: &b.Checks[i]}, checkPrefix+strconv.Itoa(i+1), nil, onStop, ""))
	}
	policy := onRollback
	if b.OnFailure != "" {
		policy = b.OnFailure
	}
	p.Steps = items(b.Steps, "", nil, policy, "")
	for _, it := range p.Steps {
		p.Expected += it.Expected
		if p.NoReturn == "" {
			p.Rollback += it.Rollback
			p.NoReturn = it.noReturn()
		}
	}
	Walk(p.Steps, func(it *Item) {
		if len(it.Steps) == 0 && it.Expected == 0 {
			p.Unknown++
		}
	})
	p.Spare = status.Duration(b.Window.End.Sub(b.Window.Start)) - p.Expected - p.Rollback
	return p
}

// Walk calls visit with each step and those in it, in the order in which they are done. Undo is not among them.
func Walk(all []*Item, visit func(*Item)) {
	for _, it := range all {
		visit(it)
		Walk(it.Steps, visit)
	}
}

// walkAll visits the steps of undo too.
func walkAll(all []*Item, visit func(*Item)) {
	for _, it := range all {
		visit(it)
		walkAll(it.Steps, visit)
		walkAll(it.Undo, visit)
	}
}

// items makes a list of steps, numbered below a prefix such as "2.".
func items(steps []Step, prefix string, parent *Item, policy, host string) []*Item {
	all := make([]*Item, len(steps))
	for i, s := range steps {
		all[i] = item(s, prefix+strconv.Itoa(i+1), parent, policy, host)
	}
	return all
}

// item makes one step of a plan.
func item(s Step, number string, parent *Item, policy, host string) *Item {
	kind, do, _ := s.act()
	c := do.common()
	sum := sha256.Sum256(append([]byte(kind+" "+host+" "), written(do)...))
	it := &Item{
		Number: number, Kind: kind, Name: c.Name, Does: do.does(), Host: host, Expected: c.Expected, Rollback: c.Rollback,
		Irreversible: c.Irreversible, act: do, parent: parent, onFailure: policy, hash: hex.EncodeToString(sum[:8]),
	}
	if c.OnFailure != "" {
		it.onFailure = c.OnFailure
	}
	if it.Name == "" {
		it.Name = it.Does
	}
	switch do := do.(type) {
	case *Interrupt:
		it.AtMost, it.Steps = do.AtMost, items(do.Steps, number+".", it, it.onFailure, host)
	case *Parallel:
		it.Steps = items(do.Steps, number+".", it, it.onFailure, host)
	case *Repeat:
		it.Steps = it.each(do)
	}
	it.Undo = items(c.Undo, number+".undo.", it, onStop, host)
	it.sum()
	return it
}

// each makes the steps of a repeat, host after host.
func (it *Item) each(do *Repeat) []*Item {
	var all []*Item
	for _, host := range do.Over {
		for _, s := range do.Steps {
			all = append(all, item(forHost(s, host), fmt.Sprintf("%s.%d", it.Number, len(all)+1), it, it.onFailure, host))
		}
	}
	return all
}

// sum fills in the minutes that a step does not say itself.
func (it *Item) sum() {
	expected, rollback := status.Duration(0), status.Duration(0)
	for _, inner := range it.Steps {
		if _, together := it.act.(*Parallel); together {
			expected, rollback = max(expected, inner.Expected), max(rollback, inner.Rollback)
			continue
		}
		expected, rollback = expected+inner.Expected, rollback+inner.Rollback
	}
	if it.Expected == 0 {
		it.Expected = expected
	}
	if it.Rollback == 0 {
		it.Rollback = rollback
	}
}

// noReturn is the number of the first step, of this one and those in it, that cannot be undone.
func (it *Item) noReturn() string {
	if it.Irreversible {
		return it.Number
	}
	for _, inner := range it.Steps {
		if number := inner.noReturn(); number != "" {
			return number
		}
	}
	return ""
}

// interruption is the interrupt that a step stands in, or nil.
func (it *Item) interruption() *Item {
	for at := it; at != nil; at = at.parent {
		if _, is := at.act.(*Interrupt); is {
			return at
		}
	}
	return nil
}

// timeout is how long one attempt of a step may take.
func (it *Item) timeout() time.Duration {
	if t := it.act.common().Timeout; t > 0 {
		return time.Duration(t)
	}
	switch do := it.act.(type) {
	case *Wait:
		return do.within() + 5*time.Second
	case *Check, *Verify, *Pause, *Resume, *Reconnect, *Kill:
		return 10 * time.Second
	case *HTTP, *Reload, *Set, *Promote:
		return 30 * time.Second
	case *Restart:
		return 90 * time.Second
	case *Ask:
		return 24 * time.Hour
	}
	return 10 * time.Minute
}
