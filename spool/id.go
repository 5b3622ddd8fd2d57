package spool

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"math/bits"
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
	// chance is read in bulk: what is used of it, from its beginning on, is not used again.
	chance [64 * idBytes]byte
	used   int // 0 is that nothing was read yet
}

// next makes an id.
func (g *ids) next(now time.Time) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var id [idBytes]byte
	binary.BigEndian.PutUint64(id[:8], uint64(max(now.UnixMilli(), 0))<<16)
	if string(id[:6]) > string(g.last[:6]) || !g.step(&id) {
		g.draw(id[6:])
		id[6] &= 0x7f // room to go up within the millisecond
	}
	g.last = id
	return idText.EncodeToString(id[:])
}

// step makes the next id of the millisecond of the last one: it is above that by chance, so that nobody who knows one can tell
// the next. When there is no room for it id has only a time, which is the next millisecond.
func (g *ids) step(id *[idBytes]byte) bool {
	var by [4]byte
	g.draw(by[:])
	low, carry := bits.Add64(binary.BigEndian.Uint64(g.last[8:]), 1+uint64(binary.BigEndian.Uint32(by[:])), 0)
	high, lost := bits.Add64(binary.BigEndian.Uint64(g.last[:8]), carry, 0)
	fits := lost == 0 && high>>16 == binary.BigEndian.Uint64(g.last[:8])>>16
	if !fits {
		low, high = 0, (binary.BigEndian.Uint64(g.last[:8])>>16+1)<<16
	}
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], low)
	return fits
}

// draw fills to with chance.
func (g *ids) draw(to []byte) {
	if g.used == 0 || len(g.chance)-g.used < len(to) {
		_, _ = rand.Read(g.chance[:]) // it never fails
		g.used = 0
	}
	g.used += copy(to, g.chance[g.used:])
}

// goOnAfter makes all further ids be above this one.
func (g *ids) goOnAfter(id string) {
	was, err := idText.DecodeString(id)
	if err != nil || len(was) != idBytes || string(was[:6]) == "\xff\xff\xff\xff\xff\xff" {
		return // made by somebody else, and without an order that could be kept, or room above it
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if string(was) > string(g.last[:]) {
		copy(g.last[:], was)
	}
}
