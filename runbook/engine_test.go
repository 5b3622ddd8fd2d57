package runbook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestStepsAreDoneInOrderAndOnce(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	r := newRig(t, "steps:\n  - "+appends(log, "a")+"\n  - parallel: {steps: [{"+appends(log, "b")+"}]}\n  - repeat: {over: [x, z], steps: [{"+appends(log, "c-{{.Host}}")+"}]}\n")
	for range 2 { // a run that has ended does nothing more
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.open()
	}
	if got, want := fileText(t, log), "a b c-x c-z"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := "begun 1, done 1, begun 2, begun 2.1, done 2.1, done 2, begun 3, begun 3.1, done 3.1, begun 3.2, done 3.2, done 3, finished"
	if got := r.story(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// undoable are steps of which each takes itself back, and the last of which fails.
func undoable(log, failing string) string {
	step := func(name string) string {
		return appends(log, name, "undo: [{"+appends(log, "undo-"+name)+"}]")
	}
	return fmt.Sprintf("steps:\n  - %s\n  - interrupt: {flows: [app], at_most: 20s, steps: [{%s}, {%s}]}\n", step("a"), step("b"), failing)
}

func TestAFailureRollsBackInReverseOrder(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	r := newRig(t, undoable(log, "run: {command: [false], retries: 1, undo: [{"+appends(log, "undo-c")+"}]}"))
	err := r.Run(t.Context())
	if !errors.Is(err, ErrRolledBack) || !strings.Contains(err.Error(), "step 2.2 (run false): exit status 1") {
		t.Errorf("got %v, want %v with the step that failed", err, ErrRolledBack)
	}
	if got, want := fileText(t, log), "a b undo-c undo-b undo-a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := len(r.heard(EventRetry)); got != 1 {
		t.Errorf("got %d retries, want 1", got)
	}
	r.open()
	if err := r.Run(t.Context()); !errors.Is(err, ErrRolledBack) {
		t.Errorf("got %v from another start, want %v", err, ErrRolledBack)
	}
	if got, want := fileText(t, log), "a b undo-c undo-b undo-a"; got != want {
		t.Errorf("got %s after another start, want %s", got, want)
	}
}

func TestAFailureStopsWhereTheRunbookSaysSoAndTheRunGoesOn(t *testing.T) {
	dir := t.TempDir()
	log, flag := filepath.Join(dir, "log"), filepath.Join(dir, "flag")
	r := newRig(t, "on_failure: stop\nsteps:\n  - "+appends(log, "a")+"\n  - check: {command: {command: [test, -e, "+flag+"]}}\n  - "+appends(log, "b")+"\n")
	if err := r.Run(t.Context()); !errors.Is(err, ErrStopped) {
		t.Errorf("got %v, want %v", err, ErrStopped)
	}
	writeFile(t, flag, "")
	r.open()
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := fileText(t, log), "a b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNothingIsUndoneBeyondThePointOfNoReturn(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	r := newRig(t, "steps:\n  - "+appends(log, "a", "undo: [{"+appends(log, "undo-a")+"}]")+"\n  - "+appends(log, "b", "irreversible: true")+"\n  - run: {command: [false]}\n")
	err := r.Run(t.Context())
	if !errors.Is(err, ErrStopped) || !strings.Contains(err.Error(), "Step 2 was the point of no return") {
		t.Errorf("got %v, want %v and why nothing was undone", err, ErrStopped)
	}
	if got, want := fileText(t, log), "a b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAPersonSaysWhatFollowsAFailure(t *testing.T) {
	for answer, want := range map[string]string{
		"skip": "a b", onRollback: "a undo-a", onStop: "a",
	} {
		t.Run(answer, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			r := newRig(t, "steps:\n  - "+appends(log, "a", "undo: [{"+appends(log, "undo-a")+"}]")+"\n  - run: {command: [false], on_failure: ask}\n  - "+appends(log, "b")+"\n")
			answers := []string{"retry", answer}
			r.Ask = func(_ context.Context, q Question) (string, error) {
				next := answers[0]
				answers = answers[1:]
				return next, nil
			}
			_ = r.Run(t.Context())
			if got := fileText(t, log); got != want || len(answers) != 0 {
				t.Errorf("got %s and %d answers left, want %s and none", got, len(answers), want)
			}
		})
	}
}

func TestAQuestionThatNobodyAnswersStopsTheRun(t *testing.T) {
	r := newRig(t, "steps:\n  - ask: {question: Is everybody ready?}\n")
	if err := r.Run(t.Context()); !errors.Is(err, ErrStopped) {
		t.Errorf("got %v, want %v", err, ErrStopped)
	}
	r.open()
	r.Ask = func(_ context.Context, q Question) (string, error) { return q.Choices[0], nil }
	if err := r.Run(t.Context()); err != nil {
		t.Errorf("got %v with somebody there, want none", err)
	}
}

func TestABoundThatPassesEndsWhatIsUnderWayAndRollsBack(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	r := newRig(t, "steps:\n  - interrupt: {flows: [app], at_most: 1s, steps: [{"+appends(log, "a", "undo: [{"+appends(log, "undo-a")+"}]")+"}, {run: {command: [sleep, '60']}}]}\n")
	begun := time.Now()
	err := r.Run(t.Context())
	if !errors.Is(err, ErrRolledBack) || !strings.Contains(err.Error(), "has passed its bound of 1s") {
		t.Errorf("got %v, want %v because of the bound", err, ErrRolledBack)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("got %s, want it soon after the bound", took)
	}
	if got, want := fileText(t, log), "a undo-a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestANoGoDoesNothing(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	steps := "checks:\n  - command: {command: [false]}\nsteps:\n  - " + appends(log, "a") + "\n"
	r := newRig(t, steps)
	if err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no-go: check 1") {
		t.Errorf("got %v, want a no-go", err)
	}
	if got := fileText(t, log); got != "" {
		t.Errorf("got %s, want nothing done", got)
	}
	r.open()
	r.Book = read(t, strings.Replace(steps, "false", "true", 1)) // a check may be changed
	if err := r.Run(t.Context()); err != nil || fileText(t, log) != "a" {
		t.Errorf("got %v, want it to go once the check holds", err)
	}
}

func TestAStepThatWasBegunMayNotBeChanged(t *testing.T) {
	r := newRig(t, "on_failure: stop\nsteps:\n  - run: {command: [true]}\n  - run: {command: [false]}\n  - run: {command: [echo]}\n")
	_ = r.Run(t.Context())
	r.open()
	r.Book = read(t, "on_failure: stop\nsteps:\n  - run: {command: [echo]}\n  - run: {command: [false]}\n")
	if err := r.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "step 1 (run echo) was begun by the run before and has been changed") {
		t.Errorf("got %v, want a refusal", err)
	}
	r.Book = read(t, "on_failure: stop\nsteps:\n  - run: {command: [true]}\n  - run: {command: [false], undo: [{run: {command: [true]}}]}\n  - run: {command: [pwd]}\n")
	if err := r.Run(t.Context()); !errors.Is(err, ErrStopped) {
		t.Errorf("got %v with a change of what was not begun, want it to go on to step 2", err)
	}
}

func TestAStepOfWhichNobodyKnowsIsAskedAbout(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	file := bookFile(t, "steps:\n  - run: {command: [sh, -c, 'echo a >>"+log+"']}\n  - http: {url: 'http://127.0.0.1:1/', method: POST, on_failure: stop}\n")
	if code, _ := child(t, file, "before done 1"); code != -1 {
		t.Fatalf("got exit code %d, want it killed", code)
	}
	code, said := child(t, file, "")
	if code != 1 || !strings.Contains(said, "--settle 1=done") {
		t.Errorf("got %d: %s, want a question", code, said)
	}
	for answer, want := range map[string]string{"done": "a", "repeat": "a a"} {
		copied := filepath.Join(t.TempDir(), "copy.journal")
		data, err := os.ReadFile(file + ".journal")
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, copied, string(data))
		writeFile(t, log, "a\n")
		j, err := OpenJournal(copied)
		if err != nil {
			t.Fatal(err)
		}
		book, err := Read([]byte(inDocument("steps:\n  - run: {command: [sh, -c, 'echo a >>"+log+"']}\n")), "m.yaml")
		if err != nil {
			t.Fatal(err)
		}
		r := &Runner{Book: book, Journal: j, Env: os.Getenv, Settle: map[string]string{"1": answer}}
		if err := r.Run(t.Context()); err != nil {
			t.Errorf("%s: got %v, want none", answer, err)
		}
		if got := fileText(t, log); got != want {
			t.Errorf("%s: got %s, want %s", answer, got, want)
		}
		_ = j.Close()
	}
}

func TestNoSecretReachesTheJournalTheOutputOrTheEvents(t *testing.T) {
	t.Setenv("TOKEN", "hunter2-hunter2")
	r := newRig(t, "on_failure: stop\nsteps:\n  - run: {command: [sh, -c, 'echo token is $TOKEN'], env: {TOKEN: $TOKEN}}\n  - run: {command: [sh, -c, 'echo $TOKEN >&2; exit 3'], env: {TOKEN: $TOKEN}}\n")
	err := r.Run(t.Context())
	all := fmt.Sprint(r.events)
	_ = filepath.Walk(r.dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			all += fileText(t, path)
		}
		return err
	})
	if strings.Contains(all, "hunter2") || !strings.Contains(all, Hidden) {
		t.Errorf("got %s, want no secret in it", all)
	}
	if err == nil {
		t.Error("got no error, want one")
	}
}

// TestKilledAtEveryBoundaryEachStepHappensOnce kills the runner before and after each entry of its journal.
func TestKilledAtEveryBoundaryEachStepHappensOnce(t *testing.T) {
	for _, c := range []struct{ name, last, want string }{
		{"forward", "run: {command: [true], repeatable: true}", "a b"},
		{"rolling back", "run: {command: [false], repeatable: true}", "a b undo-b undo-a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := 1; ; n++ {
				log := filepath.Join(t.TempDir(), "log")
				file := bookFile(t, undoable(log, c.last))
				code, _ := child(t, file, strconv.Itoa(n))
				if code != -1 {
					if n < 10 {
						t.Errorf("got %d boundaries, want more", n)
					}
					return
				}
				_, said := child(t, file, "")
				if got := fileText(t, log); got != c.want {
					t.Fatalf("killed at boundary %d: got %s, want %s: %s", n, got, c.want, said)
				}
			}
		})
	}
}

func TestARunnerThatIsEndedStopsAndGoesOn(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	steps := "steps:\n  - interrupt: {flows: [app], at_most: 20s, steps: [{" + appends(log, "a", "undo: [{"+appends(log, "undo-a")+"}]") + "}, " +
		"{wait: {command: {command: [test, -e, " + log + ".ready]}, within: 30s, every: 10ms}}, {" + appends(log, "b") + "}]}\n"
	r := newRig(t, steps)
	ctx, end := context.WithCancel(t.Context())
	hear := r.Hear
	r.Hear = func(e Event) {
		if hear(e); e.What == Begun && e.Step == "1.2" {
			end()
		}
	}
	if err := r.Run(ctx); !errors.Is(err, ErrStopped) {
		t.Errorf("got %v, want %v", err, ErrStopped)
	}
	if got := len(r.heard(EventEnded)); got != 1 {
		t.Errorf("got %d interruptions ended, want 1", got)
	}
	writeFile(t, log+".ready", "")
	r.open()
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := fileText(t, log), "a b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
