package gate

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"example.org/interlude/status"
)

// refusal is all that a refused request is told.
type refusal struct {
	why refusalCause
	// status is 503, 502 or 504.
	status int
	// sent says that the request may have reached the product: its sender cannot know whether it was carried out.
	sent bool
	// after is the best estimate of how long it takes until it is worth trying again. Zero is unknown.
	after time.Duration
	// restart says that somebody opened the interruption on purpose: WebSockets are told of it.
	restart bool
	// page is the name of the organisation's page, report the address of the maintenance's report there, title the
	// maintenance's; each may be empty.
	page, report, title string
	// window is the announced one, expected when the end is expected; each may be zero.
	window   status.Window
	expected time.Time
	// request is the request's id, for those who ask somebody about it.
	request string
	// back is a path that answers 204 when the flow is normal again, and 503 until then; empty is none.
	back string
}

// refusalCause is why a request is refused.
type refusalCause int8

const (
	// whyInterrupted is the flow being interrupted, whyFull a hold without room for the request or for those
	// who came later, whyExpired a wait that was as long as it may be. What they refuse has not reached the product,
	// unless the refusal says that it was sent: a product that goes away takes requests with it.
	whyInterrupted refusalCause = iota
	whyFull
	whyExpired
	// whyNoRoom is that the spool has no room to accept the request for later, whyNotDurable that it could not be in time.
	whyNoRoom
	whyNotDurable
	// whyUnreachable and whySlow are the product's failure outside of any maintenance. What they refuse may have
	// reached it.
	whyUnreachable
	whySlow
)

// failed reports whether it is the product that failed, and not the gate that keeps requests from it.
func (c refusalCause) failed() bool { return c >= whyUnreachable }

// refuser tells those who are refused why, and when to come back, in the form that they read. Its zero value is ready.
type refuser struct {
	// jitter lengthens a wait, so that those who are refused together do not come back together; nil is by up to a
	// fifth, and by up to leastSpread where that is more.
	jitter func(time.Duration) time.Duration
	// now is the time; nil is the machine's.
	now func() time.Time
}

// The bounds of Retry-After. Nobody is sent away for longer than a day, because an estimate may be wrong. It counts whole
// seconds, so a fifth of a short wait would send everybody back in the same one.
const (
	shortestReturn = time.Second
	longestReturn  = 24 * time.Hour
	leastSpread    = 2 * time.Second
)

// notice is a refusal as it is told at one moment.
type notice struct {
	refusal
	now time.Time
	// wait is until it is worth trying again, never less than the estimate; zero is not said. seconds is the same in whole
	// ones, rounded up before it is spread.
	wait    time.Duration
	seconds int
}

func (f *refuser) notice(why refusal) notice {
	if why.status == 0 {
		why.status = http.StatusServiceUnavailable
	}
	if why.why.failed() {
		why.back = "" // the flow is normal, so its way back would say that all is well
	}
	n := notice{refusal: why}
	if f.now == nil {
		n.now = time.Now()
	} else {
		n.now = f.now()
	}
	after := why.after
	if after <= 0 && !why.why.failed() {
		after = defaultReturn
	}
	if after > 0 {
		n.wait = f.spread(min(after, longestReturn))
		whole := (after + time.Second - 1).Truncate(time.Second)
		n.seconds = int(f.spread(min(max(whole, shortestReturn), longestReturn)).Round(time.Second) / time.Second)
	}
	return n
}

func (f *refuser) spread(d time.Duration) time.Duration {
	if f.jitter != nil {
		return min(max(d, f.jitter(d)), longestReturn)
	}
	return min(d+rand.N(max(d/5, leastSpread)+1), longestReturn)
}

// Header fields that are the same for all.
var (
	noStore    = []string{"no-store"}
	byAccept   = []string{"Accept"}
	inEnglish  = []string{"en"}
	asTyped    = []string{"nosniff"}
	closing    = []string{"close"}
	typeOfForm = [...][]string{
		asProblem: {"application/problem+json"}, asPage: {"text/html; charset=utf-8"}, asText: {"text/plain; charset=utf-8"},
	}
)

// bodies are buffers for what is said.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// refuse answers a request that goes no further: with a page for people, a problem for programs (RFC 9457), a line of text, or a
// gRPC status. Upgrades to WebSocket have closeWebSocket.
//
// It reads the request's body only where the page carries a form's fields, and then no more than 64 KiB of it.
func (f *refuser) refuse(w http.ResponseWriter, r *http.Request, why refusal) {
	n, h := f.notice(why), w.Header()
	h["Cache-Control"], h["X-Content-Type-Options"] = noStore, asTyped
	if kind := grpcKind(r); kind != "" {
		n.refuseGRPC(w, r, kind)
		return
	}
	body := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(body)
	body.Reset()
	as := preferred(r.Header["Accept"])
	switch as {
	case asPage:
		page := n // what a template is given outlives the stack, which the other forms do without
		page.writePage(body, h, r)
	case asProblem:
		n.writeProblem(body, r)
	case asText:
		body.WriteString(n.line(r))
	}
	h["Vary"], h["Content-Language"], h["Content-Type"] = byAccept, inEnglish, typeOfForm[as]
	h["Content-Length"] = []string{strconv.Itoa(body.Len())}
	if n.seconds > 0 {
		h["Retry-After"] = []string{strconv.Itoa(n.seconds)}
	}
	leaveUnread(h, r)
	w.WriteHeader(n.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes())
	}
}

// longestUnread is the largest body that is worth reading for the sake of the connection.
const longestUnread = 64 << 10

// leaveUnread closes the connection after the answer if the request's body is large, or of unknown size. Before it
// answers, net/http reads up to 256 KiB of what a handler left unread, so that the connection can be used again; the
// answer would wait for a slow client to send all that for nothing. HTTP/2 resets the stream instead and keeps the
// connection.
func leaveUnread(h http.Header, r *http.Request) {
	if r.ProtoMajor == 1 && r.Body != nil && r.Body != http.NoBody && (r.ContentLength < 0 || r.ContentLength > longestUnread) {
		h["Connection"] = closing
	}
}

// writeProblem writes the refusal for programs (RFC 9457). It is put together by hand, for a gate that refuses has to do
// so quickly.
func (n *notice) writeProblem(body *bytes.Buffer, r *http.Request) {
	to := append(body.AvailableBuffer(), `{"type":"about:blank","title":`...)
	to = appendQuoted(to, http.StatusText(n.status))
	to = strconv.AppendInt(append(to, `,"status":`...), int64(n.status), 10)
	to = appendQuoted(append(to, `,"detail":`...), n.detail(r))
	for _, member := range [...]struct{ name, text string }{
		{`,"maintenance":`, n.title}, {`,"report":`, n.report}, {`,"request_id":`, n.request},
	} {
		if member.text != "" {
			to = appendQuoted(append(to, member.name...), member.text)
		}
	}
	for _, member := range [...]struct {
		name string
		at   time.Time
	}{{`,"window_start":"`, n.window.Start}, {`,"window_end":"`, n.window.End}, {`,"expected":"`, n.expected}} {
		if !member.at.IsZero() {
			to = append(member.at.UTC().AppendFormat(append(to, member.name...), time.RFC3339), '"')
		}
	}
	if n.seconds > 0 {
		to = strconv.AppendInt(append(to, `,"retry_after":`...), int64(n.seconds), 10)
	}
	body.Write(append(to, '}', '\n'))
}

// appendQuoted appends text as JSON has it.
func appendQuoted(to []byte, text string) []byte {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // a string is always possible
			return append(to, quoted...)
		}
	}
	return append(append(append(to, '"'), text...), '"')
}
