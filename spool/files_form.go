package spool

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// The form on disk. A journal is one endless sequence of bytes, and a [Position] is a place in it. It is cut into segments,
// one file each, named by the position at which it begins. Numbers are little endian.
//
//	segment: header, frame, frame, …
//	header:  magic 16 | version 4 | sum 4 | its position 8 | identity of the journal 8
//	frame:   mark 8 | length 4, and a bit for void | since 4 | sum 4 | data
//
// A mark is the frame's position and the identity of the journal, one laid over the other: so what was on the disk before,
// here or elsewhere, is not taken for a frame, and neither is what somebody sends who wants it to be. Since is how many
// bytes before it the first frame of the same Append is. Sums are CRC-32C, over all else in the header, and over mark,
// length, since and data of the frame.
//
// A segment ends where the next one begins, whatever is in its file behind that.
const (
	headerSize = 40
	frameSize  = 20

	headerMagic   = "interlude spool\n"
	headerVersion = 1

	// A void frame holds what could not be read of an Append that had not been finished when the power failed.
	voidBit = 1 << 31

	// firstSegment is where a journal begins.
	firstSegment Position = 1
	// largestAppend bounds the records of one Append, with their frames, so that lengths and distances fit.
	largestAppend = 1 << 30
)

// The ends of names in a journal's directory. A file with asideSuffix is for people: nothing here reads it.
const (
	segmentSuffix = ".spool"
	halfSuffix    = ".half" // of a segment that is being made
	asideSuffix   = ".aside"
)

var frameTable = crc32.MakeTable(crc32.Castagnoli)

// segmentName is the name of the segment that begins at a position: with all its zeros, so that names sort as positions do.
func segmentName(start Position) string {
	return fmt.Sprintf("%020d%s", start, segmentSuffix)
}

// parseSegmentName gives where the segment with a name begins, and false when it is no segment's.
func parseSegmentName(name string) (Position, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok {
		return 0, false
	}
	start, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || start < int64(firstSegment) || segmentName(Position(start)) != name {
		return 0, false
	}
	return Position(start), true
}

// identity tells one journal from another.
type identity uint64

func (id identity) mark(at Position) uint64 { return uint64(id) ^ uint64(at) }

// header is the header of the segment that begins at a position.
func (id identity) header(start Position) []byte {
	b := make([]byte, 0, headerSize)
	b = append(b, headerMagic...)
	b = binary.LittleEndian.AppendUint32(b, headerVersion)
	b = binary.LittleEndian.AppendUint32(b, 0) // for the sum
	b = binary.LittleEndian.AppendUint64(b, uint64(start))
	b = binary.LittleEndian.AppendUint64(b, uint64(id))
	binary.LittleEndian.PutUint32(b[20:], headerSum(b))
	return b
}

func headerSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:20], frameTable), frameTable, b[24:headerSize])
}

// parseHeader gives the identity in a segment's header, and false when it is damaged. An error is that it is whole, but not
// one that can be read here.
func parseHeader(b []byte, start Position) (identity, bool, error) {
	if len(b) < headerSize || string(b[:16]) != headerMagic || binary.LittleEndian.Uint32(b[20:]) != headerSum(b) {
		return 0, false, nil
	}
	if v := binary.LittleEndian.Uint32(b[16:]); v != headerVersion {
		return 0, false, fmt.Errorf("it is of version %d, and this program reads version %d; use the one that wrote it", v, headerVersion)
	}
	if p := Position(binary.LittleEndian.Uint64(b[24:])); p != start {
		return 0, false, fmt.Errorf("it begins at %d by what it says itself; give it the name %s again", p, segmentName(p))
	}
	return identity(binary.LittleEndian.Uint64(b[32:])), true, nil
}

// frame is what stands before the data of a record.
type frame struct {
	at     Position
	length int64
	// first is where the first frame of the same Append is.
	first Position
	void  bool
	sum   uint32 // as it is written
	seed  uint32 // the sum of all before the data
}

func (f frame) data() Position { return f.at + frameSize }
func (f frame) end() Position  { return f.at + frameSize + Position(f.length) }

// whole reports whether the data has the sum that the frame names.
func (f frame) whole(data []byte) bool {
	return int64(len(data)) == f.length && crc32.Update(f.seed, frameTable, data) == f.sum
}

// frame gives the frame for data at a position, of an Append whose first frame is at first.
func (id identity) frame(at, first Position, data []byte) [frameSize]byte {
	b := id.openFrame(at, first, uint32(len(data)))
	closeFrame(&b, crc32.Update(crc32.Checksum(b[:16], frameTable), frameTable, data))
	return b
}

// openFrame is a frame whose sum is not known yet.
func (id identity) openFrame(at, first Position, length uint32) (b [frameSize]byte) {
	binary.LittleEndian.PutUint64(b[0:], id.mark(at))
	binary.LittleEndian.PutUint32(b[8:], length)
	binary.LittleEndian.PutUint32(b[12:], uint32(at-first))
	return b
}

func closeFrame(b *[frameSize]byte, sum uint32) { binary.LittleEndian.PutUint32(b[16:], sum) }

// parseFrame reads the frame at a position, and gives false when there is none.
func (id identity) parseFrame(b []byte, at Position) (frame, bool) {
	if len(b) < frameSize || binary.LittleEndian.Uint64(b) != id.mark(at) {
		return frame{}, false
	}
	length := binary.LittleEndian.Uint32(b[8:])
	return frame{
		at:     at,
		length: int64(length &^ voidBit),
		first:  at - Position(binary.LittleEndian.Uint32(b[12:])),
		void:   length&voidBit != 0,
		sum:    binary.LittleEndian.Uint32(b[16:]),
		seed:   crc32.Checksum(b[:16], frameTable),
	}, true
}
