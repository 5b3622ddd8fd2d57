//go:build unix

package upstream

import "syscall"

// look reads from a descriptor that does not block. A byte that it reads is lost, and so is the connection.
func (c *conn) look(fd uintptr) bool {
	var one [1]byte
	_, err := syscall.Read(int(fd), one[:])
	c.silent = err == syscall.EAGAIN
	return true // never wait
}
