package jetstream

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"example.org/interlude/spool"
)

// The header of each message: whose it is, and which part of how many of its record. A fence is part 0 of 0.
const header = "Interlude-Part"

const (
	// largestMessage is how large a message is at most, whatever the servers allow: what Scan reads ahead stays small.
	largestMessage = 1 << 20
	// smallestMessage is how large one has to be allowed to be.
	smallestMessage = 4 << 10
	// headerRoom is more than what the headers of a message take.
	headerRoom = 256
	// storeRoom is about what a message takes in the stream beyond its content.
	storeRoom = 160
)

// newWriter makes a name that no other Journal has.
func newWriter() string { return rand.Text()[:12] }

// label is what the header of a message says.
type label struct {
	writer      string
	part, parts int
}

func (l label) String() string { return fmt.Sprintf("%s %d/%d", l.writer, l.part, l.parts) }

// labelOf reads the header of a message. One that nobody's Journal wrote has the zero label.
func labelOf(m *jetstream.RawStreamMsg) label {
	writer, series, _ := strings.Cut(m.Header.Get(header), " ")
	part, parts, _ := strings.Cut(series, "/")
	l := label{writer: writer}
	var err1, err2 error
	l.part, err1 = strconv.Atoi(part)
	l.parts, err2 = strconv.Atoi(parts)
	if writer == "" || err1 != nil || err2 != nil || l.part < 0 || l.part > l.parts {
		return label{}
	}
	return l
}

// A batch is what is sent for one Append.
type batch struct {
	messages []*nats.Msg
	// lasts are the messages that end a record, as counted from 1.
	lasts []int
	bytes int64
}

// cut makes messages of records.
func (j *Journal) cut(records [][]byte) batch {
	room := int(min(max(j.conn.MaxPayload(), smallestMessage), largestMessage)) - headerRoom
	var b batch
	for _, data := range records {
		parts := max(1, (len(data)+room-1)/room)
		for part := range parts {
			piece := data[part*room : min((part+1)*room, len(data))]
			b.messages = append(b.messages, j.message(label{j.writer, part + 1, parts}, piece))
			b.bytes += int64(len(piece)) + storeRoom
		}
		b.lasts = append(b.lasts, len(b.messages))
	}
	return b
}

func (j *Journal) message(l label, data []byte) *nats.Msg {
	return &nats.Msg{Subject: j.subject, Header: nats.Header{header: {l.String()}}, Data: data}
}

// positions are where the records of a batch stand that was sent after a sequence.
func (b batch) positions(after uint64) []spool.Position {
	at := make([]spool.Position, len(b.lasts))
	for i, n := range b.lasts {
		at[i] = spool.Position(after) + spool.Position(n)
	}
	return at
}

// A series puts the parts of records together.
type series struct {
	next  label // what the next part has to say
	at    uint64
	parts []byte
}

// add takes the next message of the stream, and gives the record that it ends. Parts whose record was never finished are left out.
func (s *series) add(m *jetstream.RawStreamMsg) (spool.Record, bool) {
	got := labelOf(m)
	switch {
	case got.part == 1:
		s.parts = nil
	case got.part == 0 || got != s.next || m.Sequence != s.at:
		*s = series{}
		return spool.Record{}, false
	}
	s.parts = append(s.parts, m.Data...)
	s.next, s.at = label{got.writer, got.part + 1, got.parts}, m.Sequence+1
	if got.part < got.parts {
		return spool.Record{}, false
	}
	whole := spool.Record{At: spool.Position(m.Sequence), Data: s.parts}
	*s = series{}
	return whole, true
}
