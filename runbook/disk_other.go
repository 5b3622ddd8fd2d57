//go:build !(linux || darwin || freebsd)

package runbook

import "errors"

func freeBytes(string) (Bytes, error) {
	return 0, errors.New("free disk cannot be told on this system")
}
