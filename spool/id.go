package spool

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"sync"
	"time"
)

// idText writes ids in Crockford's letters: they sort as the bytes do, and none is taken for another.
var idText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// idBytes are 6 of the time in milliseconds, and 10 of chance.
const idBytes = 16

// ids makes the ids of entries. Each is above the one before, whatever the clock does, because their order is the order in
// which entries were accepted.
type ids struct {
	mu   sync.Mutex
	last [idBytes]byte
}

// next makes an id.
func (g *ids) next(now time.Time) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var id [idBytes]byte
	binary.BigEndian.PutUint64(id[:8], uint64(max(now.UnixMilli(), 0))<<16)
	if string(id[:6]) > string(g.last[:6]) {
		_, _ = rand.Read(id[6:]) // it never fails
		id[6] &= 0x7f            // room to count up within the millisecond
	} else {
		id = g.last
		for i := idBytes - 1; i >= 0; i-- {
			if id[i]++; id[i] != 0 {
				break
			}
		}
	}
	g.last = id
	return idText.EncodeToString(id[:])
}

// goOnAfter makes all further ids be above this one.
func (g *ids) goOnAfter(id string) {
	was, err := idText.DecodeString(id)
	if err != nil || len(was) != idBytes {
		return // made by somebody else, and without an order that could be kept
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if string(was) > string(g.last[:]) {
		copy(g.last[:], was)
	}
}
