package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A record of the journal begins with the version of its form and its tag, one byte each. The rest are fields one after
// another: numbers as varints, times in microseconds, text and bytes with their length before them. Nothing follows.
const recordForm = 1

// tag is what a record tells.
type tag byte

// The tags of records.
//
// An entry record is an entry with where it stands: when it is accepted, and again when it is carried forward so that the
// journal before it can be forgotten; that of one that has ended is without head and body. A standing record is where an
// entry stands from then on. A pause record is that somebody paused a flow, or lets it go on.
const (
	tagEntry    tag = 1
	tagStanding tag = 2
	tagPause    tag = 3
)

// states are the states by the number that records and the index have for them.
var states = []State{Waiting, Shelved, Delivered, Removed}

// number is the state's place in states.
func (s State) number() int { return slices.Index(states, s) }

// standing is what changes about an entry.
type standing struct {
	state    State
	attempts int
	// next is when it is handed over again, settled when it was delivered, removed or shelved.
	next, settled time.Time
	// expires is zero where nothing else was said than [Limits.Age].
	expires time.Time
	// warned says that it was told of as late.
	warned bool
	reason string
}

// record is one record of the journal.
type record struct {
	tag tag
	// entry is the entry of an entry record, and of a standing record only its ID. Its Expires is in standing.
	entry Entry
	// bytes are those of head and body, also where these are gone.
	bytes    int64
	standing standing
	// flow and paused are those of a pause record.
	flow   string
	paused bool
}

// encode writes a record.
func (r *record) encode() []byte {
	b := make([]byte, 0, 160+len(r.entry.About)+len(r.entry.Lane)+len(r.entry.Key)+len(r.standing.reason)+len(r.entry.Head)+len(r.entry.Body))
	b = append(b, recordForm, byte(r.tag))
	switch r.tag {
	case tagEntry:
		e := &r.entry
		for _, text := range []string{e.ID, e.Flow, string(e.Kind), e.Lane, e.Key, e.About} {
			b = appendText(b, text)
		}
		b = appendTime(appendTime(b, e.Accepted), e.Due)
		b = binary.AppendUvarint(b, uint64(r.bytes))
		b = r.standing.append(b)
		b = appendText(appendText(b, e.Head), e.Body)
	case tagStanding:
		b = r.standing.append(appendText(b, r.entry.ID))
	case tagPause:
		b = appendBool(appendText(b, r.flow), r.paused)
	}
	return b
}

func (s *standing) append(b []byte) []byte {
	b = append(b, byte(s.state.number()))
	b = binary.AppendUvarint(b, uint64(s.attempts))
	b = appendTime(appendTime(appendTime(b, s.next), s.settled), s.expires)
	return appendText(appendBool(b, s.warned), s.reason)
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendTime(b []byte, t time.Time) []byte { return binary.AppendVarint(b, micros(t)) }

func appendBool(b []byte, is bool) []byte {
	if is {
		return append(b, 1)
	}
	return append(b, 0)
}

// micros is a time as a number; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// moment is the time of a number that micros gave.
func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// errRecord is that a record is not as encode writes them.
var errRecord = errors.New("malformed record")

// decode reads a record. Head and body are parts of data.
func decode(data []byte) (record, error) {
	if len(data) < 2 {
		return record{}, fmt.Errorf("%w: %d bytes, want at least 2", errRecord, len(data))
	}
	if data[0] != recordForm {
		return record{}, fmt.Errorf("%w: form %d, want %d; a newer version may have written it", errRecord, data[0], recordForm)
	}
	r, p := record{tag: tag(data[1])}, &parser{rest: data[2:]}
	switch r.tag {
	case tagEntry:
		p.entry(&r)
	case tagStanding:
		r.entry.ID = string(p.bytes("id"))
		r.standing = p.standing()
	case tagPause:
		r.flow, r.paused = string(p.bytes("flow")), p.bool("paused")
	default:
		return record{}, fmt.Errorf("%w: tag %d is not known", errRecord, r.tag)
	}
	if p.err == nil && len(p.rest) > 0 {
		p.fail("the end", "%d bytes follow", len(p.rest))
	}
	if p.err != nil {
		return record{}, p.err
	}
	return r, nil
}

// parser reads fields until one is wrong.
type parser struct {
	rest []byte
	err  error
}

func (p *parser) fail(field, format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("%w: %s: %s", errRecord, field, fmt.Sprintf(format, args...))
	}
	p.rest = nil
}

func (p *parser) entry(r *record) {
	e := &r.entry
	e.ID, e.Flow, e.Kind = string(p.bytes("id")), string(p.bytes("flow")), Kind(p.bytes("kind"))
	e.Lane, e.Key, e.About = string(p.bytes("lane")), string(p.bytes("key")), string(p.bytes("about"))
	e.Accepted, e.Due = p.time("accepted"), p.time("due")
	r.bytes = p.number("size")
	r.standing = p.standing()
	e.Head, e.Body = p.bytes("head"), p.bytes("body")
}

func (p *parser) standing() (s standing) {
	if n := p.byte("state"); int(n) < len(states) {
		s.state = states[n]
	} else {
		p.fail("state", "%d is not known", n)
	}
	s.attempts = int(p.number("attempts"))
	s.next, s.settled, s.expires = p.time("next"), p.time("settled"), p.time("expires")
	s.warned = p.bool("warned")
	s.reason = string(p.bytes("reason"))
	return s
}

func (p *parser) byte(field string) byte {
	if len(p.rest) == 0 {
		p.fail(field, "is missing")
		return 0
	}
	b := p.rest[0]
	p.rest = p.rest[1:]
	return b
}

func (p *parser) bool(field string) bool {
	b := p.byte(field)
	if b > 1 {
		p.fail(field, "%d is neither 0 nor 1", b)
	}
	return b == 1
}

// number reads a number that is not negative.
func (p *parser) number(field string) int64 {
	n, size := binary.Uvarint(p.rest)
	if size <= 0 || n > 1<<62 {
		p.fail(field, "no number, or one too large")
		return 0
	}
	p.rest = p.rest[size:]
	return int64(n)
}

func (p *parser) time(field string) time.Time {
	us, size := binary.Varint(p.rest)
	if size <= 0 {
		p.fail(field, "no time")
		return time.Time{}
	}
	p.rest = p.rest[size:]
	return moment(us)
}

// bytes reads a field with its length before it. It is nil where there are none.
func (p *parser) bytes(field string) []byte {
	n := p.number(field)
	if n > int64(len(p.rest)) {
		p.fail(field, "%d bytes long, and %d are left", n, len(p.rest))
		return nil
	}
	if n == 0 {
		return nil
	}
	b := p.rest[:n:n]
	p.rest = p.rest[n:]
	return b
}
