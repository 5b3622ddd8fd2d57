//go:build !(linux || darwin || freebsd)

package runbook

import (
	"fmt"
	"os"
	"syscall"
)

// takeLock opens the lock and does no more here: that only one runner is at work is for those who start it.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the journal: %w", err)
	}
	return f, nil
}

func apart() *syscall.SysProcAttr    { return nil }
func ownGroup() *syscall.SysProcAttr { return nil }
func endGroup(p *os.Process) error   { return p.Kill() }
