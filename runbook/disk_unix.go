//go:build linux || darwin || freebsd

package runbook

import "syscall"

// freeBytes is how many bytes are free for this process on the disk of a folder.
func freeBytes(path string) (Bytes, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, err
	}
	return Bytes(int64(s.Bavail) * int64(s.Bsize)), nil //nolint:unconvert // the types differ between systems
}
