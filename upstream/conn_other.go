//go:build !unix

package upstream

// look cannot read without waiting here, and waits briefly after all.
func (c *conn) look(uintptr) bool {
	c.silent = c.waitBriefly()
	return true
}
