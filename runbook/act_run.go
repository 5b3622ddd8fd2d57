package runbook

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Program is a program with its arguments, which are not given to a shell. As a condition it holds when the program ends with 0.
type Program struct {
	Command []string `yaml:"command"`
	// Env is added to the environment of the runner. This is how secrets reach a program: its arguments are seen by other users.
	Env map[string]Secret `yaml:"env"`
	Dir string            `yaml:"dir"`
}

// Run runs a program.
type Run struct {
	Common
	Program
}

func (p *Program) refuse(c *checker, at string) {
	c.need(len(p.Command) == 0, at+".command", `a program and its arguments, such as [systemctl, restart, app]; for a shell, ["sh", "-c", "…"]`)
}

func (p *Program) does() string { return p.words() + " succeeds" }
func (a *Run) does() string     { return "run " + a.words() }
func (p *Program) words() string {
	return oneLine(strings.Join(p.Command, " "))
}

func (p *Program) holds(ctx context.Context, v *Vault) (string, error) {
	last := ""
	err := p.run(ctx, v, func(int) error { return nil }, func(line string) { last = cmp.Or(strings.TrimSpace(line), last) })
	if err != nil {
		return "", withTail(err, last)
	}
	return cmp.Or(oneLine(last), "succeeds"), nil
}

func (a *Run) do(ctx context.Context, d *doing) error {
	log := d.openOutput()
	defer log.Close()
	last := ""
	err := a.run(ctx, d.run.vault, d.notePid, func(line string) {
		line = d.run.vault.Redact(line)
		last = cmp.Or(strings.TrimSpace(line), last)
		log.line(line)
		d.output(line)
	})
	if err != nil {
		return withTail(err, last)
	}
	d.say(oneLine(last))
	return nil
}

// again decides about a program that may have run: nobody knows.
func (a *Run) again(context.Context, *doing) (verdict, error) { return unknown, nil }

func withTail(err error, last string) error {
	if last == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, oneLine(last))
}

// run runs a program to its end. started gets its number before anything else happens; line gets what it writes, line by line.
// When ctx ends before, the program and all that it started in its group are killed.
func (p *Program) run(ctx context.Context, v *Vault, started func(pid int) error, line func(string)) error {
	c := exec.Command(p.Command[0], p.Command[1:]...) //nolint:noctx // the group is ended as a whole, below
	c.Dir, c.Env, c.SysProcAttr = p.Dir, os.Environ(), ownGroup()
	for name, from := range p.Env {
		value, err := v.Resolve(ctx, from)
		if err != nil {
			return untouched{err}
		}
		c.Env = append(c.Env, name+"="+value)
	}
	// What a program leaves running may keep the pipe open for ever: its own end is waited for, and that of the pipe a moment.
	read, write, err := os.Pipe()
	if err != nil {
		return untouched{err}
	}
	defer func() { _ = read.Close() }()
	c.Stdout, c.Stderr = write, write
	if err := c.Start(); err != nil {
		_ = write.Close()
		return untouched{err}
	}
	_ = write.Close()
	noted := started(c.Process.Pid)
	read2 := make(chan struct{})
	go func() {
		defer close(read2)
		lines(read, line)
	}()
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		_ = endGroup(c.Process)
		if err = context.Cause(ctx); <-ended == nil {
			err = nil // it had just ended
		}
	}
	select {
	case <-read2:
	case <-time.After(time.Second):
		_ = read.SetReadDeadline(time.Now())
		<-read2
	}
	return errors.Join(err, noted)
}

// longestLine is how much of a line of output is taken as one.
const longestLine = 8 << 10

// lines calls line for each line of r.
func lines(r io.Reader, line func(string)) {
	in := bufio.NewReaderSize(r, longestLine)
	for {
		text, err := in.ReadSlice('\n')
		if len(text) > 0 {
			line(strings.ToValidUTF8(strings.TrimRight(string(text), "\r\n"), "\uFFFD"))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// largestOutput is how much of a step's output is kept in its file.
const largestOutput = 1 << 20

// outputFile keeps what a step writes, beside the journal. That it cannot be written is no reason to stop.
type outputFile struct {
	mutex sync.Mutex
	file  *os.File
	left  int
}

func (d *doing) openOutput() *outputFile {
	folder := d.run.journal.Path() + ".output"
	o := &outputFile{left: largestOutput}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return o
	}
	o.file, _ = os.OpenFile(filepath.Join(folder, d.item.Number+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	return o
}

func (o *outputFile) line(text string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.file == nil || o.left <= 0 {
		return
	}
	if o.left -= len(text) + 1; o.left <= 0 {
		text = "(what follows is not kept)"
	}
	_, _ = o.file.WriteString(text + "\n")
}

// Close ends the file.
func (o *outputFile) Close() {
	if o.file != nil {
		_ = o.file.Close()
	}
}
