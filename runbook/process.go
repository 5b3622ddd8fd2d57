package runbook

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// factProcess is the fact by which a program is found again that lives longer than the runner that started it.
const factProcess = "process"

// notePid journals which process does a step.
func (d *doing) notePid(pid int) error {
	return d.note(map[string]string{factProcess: strconv.Itoa(pid) + " " + processStart(pid)})
}

// awaitProcess waits for the program that an earlier runner started for the step, when it still runs.
func (d *doing) awaitProcess(ctx context.Context) error {
	number, start, _ := strings.Cut(d.facts[factProcess], " ")
	pid, err := strconv.Atoi(number)
	if start == "" || err != nil {
		return nil //nolint:nilerr // no program was started, or the system does not say which is which
	}
	for said := false; processStart(pid) == start; said = true {
		if !said {
			d.say(fmt.Sprintf("process %d of the runner before still does it, and is waited for", pid))
		}
		if !pause(ctx, 50*time.Millisecond) {
			return fmt.Errorf("process %d of the runner before still does it: %w", pid, context.Cause(ctx))
		}
	}
	return nil
}

// processStart tells a process from a later one of the same number, where the system says when it began. One that is dead and
// waits for its parent has ended.
func processStart(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}
