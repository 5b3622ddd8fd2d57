package gate

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// frame makes a frame of a server with a payload of n bytes.
func frame(first byte, n int) []byte {
	switch {
	case n < 126:
		return append([]byte{first, byte(n)}, make([]byte, n)...)
	case n < 1<<16:
		return append(binary.BigEndian.AppendUint16([]byte{first, 126}, uint16(n)), make([]byte, n)...)
	default:
		return append(binary.BigEndian.AppendUint64([]byte{first, 127}, uint64(n)), make([]byte, n)...)
	}
}

const (
	textPart, textEnd, ping, closingFrame = 0x01, 0x80, 0x89, 0x88
	whole                                 = 0x82
)

func TestACloseFrameStandsBetweenTwoFrames(t *testing.T) {
	stream := slices.Concat(frame(whole, 0), frame(whole, 125), frame(textPart, 126), frame(ping, 3), frame(textEnd, 65535), frame(whole, 65536), frame(0xC2, 7))
	boundaries := map[int]bool{0: true}
	for _, n := range []int{2, 127, 130, 5, 65539, 65546, 9} {
		last := 0
		for at := range boundaries {
			last = max(last, at)
		}
		boundaries[last+n] = true
	}
	goodbye := closeFrame(closeServiceRestart)
	for _, size := range []int{1, 3, 4096, len(stream)} {
		for _, at := range []int{0, 1, 2, 3, 127, 129, 130, 131, 133, 259, 264, 265, 300, 65800, 65803, 65806, len(stream)} {
			var got bytes.Buffer
			f := &frames{to: &got}
			for part := range slices.Chunk(stream[:at], size) {
				_, _ = f.Write(part)
			}
			if !f.closeWith(closeServiceRestart) {
				t.Fatalf("got no place for a close frame after %d bytes, want one", at)
			}
			for part := range slices.Chunk(stream[at:], size) {
				if n, err := f.Write(part); n != len(part) || err != nil {
					t.Fatalf("got %d, %v from writing %d bytes after the close, want them to be dropped", n, err, len(part))
				}
			}
			sent, ok := bytes.CutSuffix(got.Bytes(), goodbye)
			if !ok || !bytes.HasPrefix(stream, sent) || !boundaries[len(sent)] || len(sent) < at {
				t.Errorf("in pieces of %d, closed after %d: got %d bytes before the close frame (%t), want the next boundary", size, at, len(sent), ok)
			}
		}
	}
}

func TestAStreamThatBreaksTheRulesPassesAndIsLeftAlone(t *testing.T) {
	for name, stream := range map[string][]byte{
		"a reserved operation":         frame(0x83, 3),
		"a reserved control operation": frame(0x8B, 3),
		"a masked frame":               {0x82, 0x83, 1, 2, 3, 4, 5, 6, 7},
		"a control frame in pieces":    frame(0x09, 3),
		"a control frame too long":     frame(ping, 126),
		"a length beyond all numbers":  append([]byte{0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0}, "abc"...),
		"no WebSocket at all":          []byte("SSH-2.0-server\r\n"),
		"the server's own close":       frame(closingFrame, 2),
	} {
		var got bytes.Buffer
		f := &frames{to: &got}
		_, _ = f.Write(stream)
		if f.closeWith(closeGoingAway) {
			t.Errorf("%s: got a place for a close frame, want none", name)
		}
		_, _ = f.Write([]byte("more"))
		if want := append(slices.Clone(stream), "more"...); !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: got %q, want all of it: %q", name, got.Bytes(), want)
		}
	}
}

func TestTheServersOwnCloseIsTheOnlyOne(t *testing.T) {
	var got bytes.Buffer
	f := &frames{to: &got}
	own := frame(closingFrame, 20)
	_, _ = f.Write(own[:5])
	if f.closeWith(closeServiceRestart) {
		t.Error("got a place for a close frame within the server's own, want none")
	}
	_, _ = f.Write(own[5:])
	if !bytes.Equal(got.Bytes(), own) {
		t.Errorf("got %q, want the server's own close alone: %q", got.Bytes(), own)
	}
}

// FuzzFrames holds that a stream passes unchanged whatever it is and however it is cut, up to a close frame of the gate's,
// and that the place of that frame does not depend on how the stream was cut.
func FuzzFrames(f *testing.F) {
	f.Add(slices.Concat(frame(whole, 3), frame(textPart, 130), frame(textEnd, 0)), 4, 7)
	f.Add([]byte{0x82, 127, 0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3, 0x82, 0}, 11, 2)
	f.Add([]byte{0x88, 0}, 1, 1)
	f.Add([]byte{0x82, 127, 0xff}, 0, 2)
	f.Fuzz(func(t *testing.T, stream []byte, at, size int) {
		at, size = min(max(at, 0), len(stream)), max(size, 1)
		var results [2]bytes.Buffer
		for i, piece := range []int{size, len(stream) + 1} {
			w := &frames{to: &results[i]}
			for part := range slices.Chunk(stream[:at], piece) {
				_, _ = w.Write(part)
			}
			w.closeWith(closeGoingAway)
			for part := range slices.Chunk(stream[at:], piece) {
				if n, err := w.Write(part); n != len(part) || err != nil {
					t.Fatalf("got %d, %v, want %d", n, err, len(part))
				}
			}
		}
		if !bytes.Equal(results[0].Bytes(), results[1].Bytes()) {
			t.Fatalf("got %q in pieces and %q whole, want the same", results[0].Bytes(), results[1].Bytes())
		}
		sent, _ := bytes.CutSuffix(results[0].Bytes(), closeFrame(closeGoingAway))
		if !bytes.HasPrefix(stream, sent) {
			t.Fatalf("got %q of %q, want nothing else", sent, stream)
		}
	})
}
