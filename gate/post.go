package gate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"example.org/interlude/signature"
	"example.org/interlude/spool"
)

// Times within which a request that is queued has its answer: those who send webhooks give up after five to ten seconds.
const (
	bodyWithin   = 2 * time.Second
	acceptWithin = 3 * time.Second
)

// takes reports whether the step accepts a request for later. One that wants to go on speaking, as a WebSocket does, or that
// waits for a message of gRPC, has no use for an answer of 202.
func (q *Queue) takes(r *http.Request) bool {
	return q != nil && slices.Contains(q.Methods, r.Method) && len(r.Header["Upgrade"]) == 0 && grpcKind(r) == "" &&
		(!q.Asked || prefersAsync(r.Header))
}

// prefersAsync reports whether a client is content with an answer of 202 (RFC 7240, 4.1).
func prefersAsync(h http.Header) bool {
	return httpguts.HeaderValuesContainsToken(h["Prefer"], "respond-async")
}

// longestLane is how long a value may be that names a lane; longer ones are named by their hash.
const longestLane = 100

// lane is what orders a request: the value of the field that the configuration names, empty for none.
func (q *Queue) lane(h http.Header) string {
	value := strings.Join(h.Values(q.Order), ", ")
	if q.Order == "" || value == "" {
		return ""
	}
	if len(value) > longestLane || value != plainLine(value) {
		return digest(value)
	}
	return value
}

// standsBehind reports whether a request belongs behind what is queued: while the flow catches up, each that its queue takes; and
// always, what is of a lane that has something queued.
func (p *passage) standsBehind() bool {
	q := p.flow.queue
	if !q.takes(p.r) || p.flow.DryRun {
		return false
	}
	switch phase(p.flow.lane.phase.Load()) {
	case interrupted: // the chain decides
		return false
	case draining:
		if p.layout.spool.Behind(p.flow.Name) {
			return true
		}
	case catchingUp:
		return true
	}
	lane := q.lane(p.r.Header)
	return lane != "" && p.layout.entries.Busy(p.flow.Name, lane)
}

// enqueue accepts the request for later, and answers it.
func (p *passage) enqueue() {
	q, until := p.flow.queue, time.Now().Add(acceptWithin)
	body, ok := p.collect(q.Body, until.Add(bodyWithin-acceptWithin))
	if !ok {
		return
	}
	judged := p.judge(q, body)
	if judged.bad && q.OnFailure == Refuse {
		p.decline(http.StatusBadRequest, "The signature of this request is not good: "+judged.reason+".")
		return
	}
	e := spool.Entry{
		Flow: p.flow.Name, Kind: spool.Post, Lane: q.lane(p.r.Header), About: plainLine(p.r.Method + " " + p.r.URL.Path), Body: body,
		Head: postHead{Received: p.arrived, Remote: p.r.RemoteAddr, TLS: p.r.TLS != nil, Request: p.id, Signature: judged.said}.encode(p.r),
	}
	mark := ""
	if !judged.bad {
		e.Key, mark = idempotencyKey(p.r, body)
	}
	if mark != "" {
		e.About += " " + mark
	}
	ctx, stop := context.WithDeadline(p.r.Context(), until)
	defer stop()
	receipt, err := p.layout.spool.Accept(ctx, e)
	if err == nil && receipt.Known && mark != "" && !p.sameMark(ctx, receipt.ID, mark) {
		p.decline(http.StatusUnprocessableEntity, "This Idempotency-Key came with another request before. That one was accepted, this one was not.")
		return
	}
	p.settleAccept(receipt, err)
}

// settleAccept answers as the spool did.
func (p *passage) settleAccept(receipt spool.Receipt, err error) {
	switch {
	case err == nil:
		p.accepted(receipt.ID)
		if p.attempts > 0 { // the product has failed it, although the flow counted as normal
			p.flow.lane.standBehind()
		}
		return
	case errors.Is(err, spool.ErrTooLarge):
		p.tooLarge()
		return
	case p.r.Context().Err() != nil:
		p.gone()
	case errors.Is(err, spool.ErrFull):
		p.why = whyNoRoom
	default:
		p.why = whyNotDurable
	}
	p.gate.log.Warn("a request is not accepted for later", "flow", p.flow.Name, "request", p.id, "error", err)
	p.refuse()
}

// accepted answers 202.
func (p *passage) accepted(id string) {
	h := p.w.Header()
	link := queuedPath + id
	h["Cache-Control"], h["Content-Type"], h["Location"] = noStore, []string{"application/json"}, []string{link}
	if prefersAsync(p.r.Header) {
		h["Preference-Applied"] = []string{"respond-async"}
	}
	p.w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(p.w).Encode(struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}{id, link})
	p.end(wasQueued)
}

// collect reads the body to its end, by a time. It returns false when the request has been answered instead.
func (p *passage) collect(most int64, by time.Time) (body []byte, ok bool) {
	size := p.r.ContentLength
	switch {
	case size == 0:
		return nil, true
	case size > most:
		p.tooLarge()
		return nil, false
	}
	room := size
	if size < 0 {
		room = most
	}
	if !p.gate.hold.load(room) {
		p.why = whyNoRoom
		p.refuse()
		return nil, false
	}
	p.charged += room
	source := io.Reader(p.r.Body)
	if p.body != nil {
		source = p.body.reader()
	}
	control := http.NewResponseController(p.w)
	_ = control.SetReadDeadline(by) // a writer of tests has none
	buffer := bytes.NewBuffer(make([]byte, 0, max(size, 0)+bytes.MinRead))
	_, err := buffer.ReadFrom(io.LimitReader(source, most+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		if p.r.ProtoMajor == 1 { // or the server would wait for the rest before it answers
			p.w.Header()["Connection"] = closing
		}
		p.why = whyNotDurable
		p.refuse()
		return nil, false
	case err != nil:
		p.gone()
	case int64(buffer.Len()) > most:
		p.tooLarge()
		return nil, false
	}
	_ = control.SetReadDeadline(time.Time{})
	return buffer.Bytes(), true
}

func (p *passage) tooLarge() {
	p.decline(http.StatusRequestEntityTooLarge, "The body of this request is larger than what is accepted for later.")
}

// decline refuses a request that would be refused again, however often it came (RFC 9457).
func (p *passage) decline(code int, why string) {
	h := p.w.Header()
	h["Cache-Control"], h["X-Content-Type-Options"], h["Content-Type"] = noStore, asTyped, typeOfForm[asProblem]
	if p.r.ProtoMajor == 1 && unread(p.r) {
		h["Connection"] = closing
	}
	p.w.WriteHeader(code)
	_ = json.NewEncoder(p.w).Encode(struct {
		Type    string `json:"type"`
		Title   string `json:"title"`
		Status  int    `json:"status"`
		Detail  string `json:"detail"`
		Request string `json:"request_id"`
	}{"about:blank", http.StatusText(code), code, why + " The request was not carried out.", p.id})
	p.end(wasRejected)
}

// judgement is what is known of the signature of a request. The zero value is that nobody asks.
type judgement struct {
	bad    bool
	reason string
	said   string // to the product
}

// judge verifies the signature of a request as of its arrival.
func (p *passage) judge(q *Queue, body []byte) judgement {
	if q.Verify == nil {
		return judgement{}
	}
	v := q.Verify.Verify(p.r.Header, body, p.arrived)
	return judgement{bad: !v.OK, reason: v.Reason, said: verdictText(q.Verify.Scheme(), v)}
}

// verdictText is what the product is told: verified scheme=stripe signed=2027-01-15T06:00:00Z, or failed scheme=stripe
// reason="the signature does not match".
func verdictText(scheme signature.Scheme, v signature.Verdict) string {
	said := "verified scheme=" + string(scheme)
	if !v.OK {
		said = "failed scheme=" + string(scheme) + ` reason="` + v.Reason + `"`
	}
	if !v.Signed.IsZero() {
		said += " signed=" + v.Signed.UTC().Format(time.RFC3339)
	}
	return said
}

// idempotencyKey is by what a repetition of a request is known, empty for nothing.
//
// An Idempotency-Key belongs to whoever shows these credentials, and to one method and address; mark tells its payload from another
// one under the same key. An id of Standard Webhooks belongs to its payload, too: anybody may make up an id, and must not be
// able to have the true webhook taken for a repetition.
func idempotencyKey(r *http.Request, body []byte) (key, mark string) {
	if given := r.Header.Get("Idempotency-Key"); given != "" {
		by := strings.Join(r.Header["Authorization"], ", ")
		return "key:" + digest(given, r.Method, r.Host, r.URL.RequestURI(), by), digest(string(body))[:12]
	}
	if id := r.Header.Get("Webhook-Id"); id != "" {
		return "webhook:" + digest(id, r.Method, r.Host, r.URL.RequestURI(), string(body)), ""
	}
	return "", ""
}

// digest is the hash of texts, which cannot run into one another.
func digest(texts ...string) string {
	hash := sha256.New()
	for _, text := range texts {
		sum := sha256.Sum256([]byte(text))
		hash.Write(sum[:])
	}
	return base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
}

// sameMark reports whether what was accepted under a key had the same payload. Nothing speaks against what is forgotten.
func (p *passage) sameMark(ctx context.Context, id, mark string) bool {
	item, err := p.layout.entries.Item(ctx, id)
	return err != nil || strings.HasSuffix(item.About, " "+mark)
}

func (q Queue) withDefaults() Queue {
	if q.Body == 0 {
		q.Body = DefaultBody
	}
	if len(q.Methods) == 0 {
		q.Methods = []string{http.MethodPost, http.MethodPut}
	}
	return q
}
