//go:build linux || darwin || freebsd

package runbook

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience is how long the dead-man of a runner that has died is waited for: it has the lock until the poolers are resumed.
const patience = 30 * time.Second

// takeLock takes the lock of a journal, which ends with the process and with its dead-man, however they end. It refuses at once when
// the runner that has it lives.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the journal: %w", err)
	}
	for until := time.Now().Add(patience); ; {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return f, sign(f)
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			_ = f.Close()
			return nil, fmt.Errorf("lock the journal: %w", err)
		}
		if pid, alive := holder(f); alive || time.Now().After(until) {
			_ = f.Close()
			if !alive {
				return nil, fmt.Errorf("%w: its dead-man still resumes the poolers (%s)", ErrLocked, path)
			}
			return nil, fmt.Errorf("%w: process %d (%s)", ErrLocked, pid, path)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// sign writes the number of this process into the lock.
func sign(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("sign the lock: %w", err)
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0); err != nil {
		return fmt.Errorf("sign the lock: %w", err)
	}
	return nil
}

// holder is the process that signed a lock. One that has not signed yet counts as alive.
func holder(f *os.File) (pid int, alive bool) {
	data, err := io.ReadAll(io.NewSectionReader(f, 0, 20))
	if err != nil {
		return 0, true
	}
	if pid, err = strconv.Atoi(strings.TrimSpace(string(data))); err != nil {
		return 0, true
	}
	err = syscall.Kill(pid, 0)
	return pid, err == nil || errors.Is(err, syscall.EPERM)
}

// apart has a process live on when the terminal or the group of this one ends.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// ownGroup puts a command into a group of its own, so that all of it can be ended.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// endGroup ends a command and what it started in its group.
func endGroup(p *os.Process) error { return syscall.Kill(-p.Pid, syscall.SIGKILL) }
