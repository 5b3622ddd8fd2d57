package cache

import (
	"bytes"
	"io"
	"sync"
)

// copying is the body of an answer on its way to its client, of which a copy is made. It is stored when the end is reached
// and the length is right; the copy is dropped when the body breaks, grows too long, or is closed before.
type copying struct {
	body   io.ReadCloser
	store  *Store
	at     target
	kept   *stored
	length int64 // as announced, or -1

	mu       sync.Mutex // a body may be closed while it is read
	over     bool
	copy     []byte
	reserved int64
}

// Read reads the body.
func (c *copying) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 && !c.over {
		c.take(p[:n])
	}
	if err != nil && !c.over {
		if err == io.EOF && (c.length < 0 || int64(len(c.copy)) == c.length) {
			c.store.put(c.at, c.kept, c.fitting())
		}
		c.drop()
	}
	return n, err
}

// Close closes the body. What was not read to its end by then is not stored.
func (c *copying) Close() error {
	c.mu.Lock()
	c.drop()
	c.mu.Unlock()
	return c.body.Close()
}

// take copies what was read, as far as there is room.
func (c *copying) take(p []byte) {
	length := int64(len(c.copy) + len(p))
	if length > c.store.largest || (c.length >= 0 && length > c.length) {
		c.drop()
		return
	}
	if length > c.reserved {
		room := c.length // at once, where it is known
		if room < 0 {
			room = min(max(2*c.reserved, length), c.store.largest)
		}
		if !c.reserve(room) {
			c.drop()
			return
		}
		c.copy = append(make([]byte, 0, room), c.copy...)
	}
	c.copy = append(c.copy, p...)
}

// reserve makes room for a copy of so many bytes, within what all copies may take.
func (c *copying) reserve(room int64) bool {
	more := room - c.reserved
	c.reserved = room
	return c.store.copies.Add(more) <= c.store.quarter
}

// fitting gives the copy without the room that it did not need.
func (c *copying) fitting() []byte {
	if len(c.copy) == cap(c.copy) {
		return c.copy
	}
	return bytes.Clone(c.copy)
}

// drop ends the copying and gives back its room.
func (c *copying) drop() {
	c.store.copies.Add(-c.reserved)
	c.over, c.copy, c.reserved, c.kept = true, nil, 0, nil
}
