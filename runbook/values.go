package runbook

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"example.org/interlude/status"
)

// Step is one step as a document writes it: a mapping with one key, which says what the step does.
type Step struct {
	Check      *Check      `json:",omitempty" yaml:"check"`
	Interrupt  *Interrupt  `json:",omitempty" yaml:"interrupt"`
	Pause      *Pause      `json:",omitempty" yaml:"pgbouncer.pause"`
	Resume     *Resume     `json:",omitempty" yaml:"pgbouncer.resume"`
	Reconnect  *Reconnect  `json:",omitempty" yaml:"pgbouncer.reconnect"`
	Kill       *Kill       `json:",omitempty" yaml:"pgbouncer.kill"`
	Restart    *Restart    `json:",omitempty" yaml:"postgres.restart"`
	Reload     *Reload     `json:",omitempty" yaml:"postgres.reload"`
	Promote    *Promote    `json:",omitempty" yaml:"postgres.promote"`
	Checkpoint *Checkpoint `json:",omitempty" yaml:"postgres.checkpoint"`
	Set        *Set        `json:",omitempty" yaml:"postgres.set"`
	Vacuum     *Vacuum     `json:",omitempty" yaml:"postgres.vacuum"`
	SQL        *SQL        `json:",omitempty" yaml:"sql"`
	Run        *Run        `json:",omitempty" yaml:"run"`
	HTTP       *HTTP       `json:",omitempty" yaml:"http"`
	Wait       *Wait       `json:",omitempty" yaml:"wait"`
	Ask        *Ask        `json:",omitempty" yaml:"ask"`
	Parallel   *Parallel   `json:",omitempty" yaml:"parallel"`
	Repeat     *Repeat     `json:",omitempty" yaml:"repeat"`
	Verify     *Verify     `json:",omitempty" yaml:"verify"`
}

// Kinds are the steps that there are, as documents name them, in the order of [Step].
func Kinds() []string {
	var all []string
	for f := range reflect.TypeFor[Step]().Fields() {
		all = append(all, f.Tag.Get("yaml"))
	}
	return all
}

// act gives what a step does, and under which key it stands. A step without any gives nil, one with several the first; more says
// which others there are.
func (s Step) act() (kind string, do act, more []string) {
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		if v.Field(i).IsNil() {
			continue
		}
		name := v.Type().Field(i).Tag.Get("yaml")
		if do != nil {
			more = append(more, name)
			continue
		}
		kind, do = name, v.Field(i).Interface().(act)
	}
	return kind, do, more
}

// Common is what every step may say of itself.
type Common struct {
	// Name is what people call the step.
	Name string `yaml:"name"`
	// Timeout bounds one attempt; Retries is how many attempts may follow the first.
	Timeout status.Duration `yaml:"timeout"`
	Retries int             `yaml:"retries"`
	// Undo takes back what the step did. It also runs for a step that failed, which may have done a part.
	Undo []Step `json:"-" yaml:"undo"`
	// OnFailure is rollback, stop or ask.
	OnFailure string `json:"-" yaml:"on_failure"`
	// Expected is how long the step takes, and Rollback how long taking it back does, as far as its author knows.
	Expected status.Duration `json:"-" yaml:"expected"`
	Rollback status.Duration `json:"-" yaml:"rollback"`
	// Irreversible makes the step the point of no return.
	Irreversible bool `yaml:"irreversible"`
	// Repeatable says that doing it twice does no more than doing it once, and DoneIf how to see that it has been done. They
	// decide about a step that may have happened when the runner was killed.
	Repeatable bool       `json:"-" yaml:"repeatable"`
	DoneIf     *Condition `json:"-" yaml:"done_if"`
}

func (c *Common) common() *Common { return c }

// What may be done about a step that fails.
const (
	onRollback = "rollback"
	onStop     = "stop"
	onAsk      = "ask"
)

var failurePolicies = []string{onRollback, onStop, onAsk}

// Interrupt opens an interruption, does its steps, and ends the interruption, whatever becomes of them.
type Interrupt struct {
	Common
	Flows []string `yaml:"flows"`
	// AtMost is the bound: when it passes, what is under way is stopped, and the interruption's on_failure says what follows.
	AtMost status.Duration `yaml:"at_most"`
	Reason string          `yaml:"reason"`
	// Quiet waits so long for the gates to have it in force; without it nothing is waited for.
	Quiet status.Duration `yaml:"quiet"`
	Steps []Step          `json:"-" yaml:"steps"`
}

// Parallel does its steps at the same time, and is done when all are.
type Parallel struct {
	Common
	Steps []Step `json:"-" yaml:"steps"`
}

// Repeat does its steps once for each host, one host after the other. In their texts {{ .Host }} is the host's name.
type Repeat struct {
	Common
	Over  []string `yaml:"over"`
	Steps []Step   `json:"-" yaml:"steps"`
}

// Check fails when its condition does not hold now.
type Check struct {
	Common
	Condition
}

// Verify is a check after the work: the same, under the name by which people look for it.
type Verify struct {
	Common
	Condition
}

// Wait waits until its condition holds.
type Wait struct {
	Common
	Condition
	// Within is how long at most; 60 s without it. Every is the pause between two looks; 500 ms without it.
	Within status.Duration `yaml:"within"`
	Every  status.Duration `yaml:"every"`
}

// Ask has a person confirm.
type Ask struct {
	Common
	Question Text `yaml:"question"`
}

// Text is a text of any number of lines.
type Text string

// UnmarshalText takes it as it is.
func (t *Text) UnmarshalText(b []byte) error {
	*t = Text(b)
	return nil
}

// oneLine is a text of several lines on one, for plans and messages.
func oneLine(s string) string {
	const most = 100
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}

// forHost copies a step with a host's name in the place of {{ .Host }}.
func forHost(s Step, host string) Step {
	return replaced(reflect.ValueOf(s), func(text string) string { return hostMark.ReplaceAllLiteralString(text, host) }).Interface().(Step)
}

// replaced copies a value of a document with every text in it replaced.
func replaced(v reflect.Value, with func(string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.String:
		out.SetString(with(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(replaced(v.Elem(), with))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			out.Field(i).Set(replaced(v.Field(i), with))
		}
	case reflect.Slice:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(replaced(v.Index(i), with))
		}
	case reflect.Map:
		if v.IsNil() {
			break
		}
		out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for key, value := range v.Seq2() {
			out.SetMapIndex(key, replaced(value, with))
		}
	}
	return out
}

// written is a step as JSON: what it does, without what may change between two runs.
func written(do act) []byte {
	data, err := json.Marshal(do)
	if err != nil {
		return nil // every field of a step has a form in JSON
	}
	return data
}

// isOneOf reports whether a text is empty or one of some.
func isOneOf(s string, some []string) bool { return s == "" || slices.Contains(some, s) }
