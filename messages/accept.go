package messages

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.org/interlude/spool"
)

// head is what the courier has to know of a request.
type head struct {
	Method string      `json:"method"`
	URL    string      `json:"url"`
	Header http.Header `json:"header,omitempty"`
}

// The bounds of a message's times and texts.
const (
	furthest    = 366 * 24 * time.Hour
	longestLane = 200
	longestKey  = 255
	longestBody = time.Minute // until all of it is here
)

func (a *API) acceptJSON(v visit) error {
	kind, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return problem(http.StatusUnsupportedMediaType, "media_type", "the body must be JSON", "Send Content-Type: application/json, or a body as it is to "+v.r.URL.Path+"/raw.")
	}
	return a.accept(v, parseJSON)
}

func (a *API) acceptRaw(v visit) error {
	return a.accept(v, func(body []byte) (*asked, error) { return parseRaw(v.r.Header, body) })
}

// accept takes a message, and answers when it is durable.
func (a *API) accept(v visit, parse func([]byte) (*asked, error)) error {
	if coding := v.r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return problem(http.StatusUnsupportedMediaType, "media_type", "the body must not be compressed on its way here",
			"To deliver a compressed body, send it raw with Deliver-Header-Content-Encoding.")
	}
	given, err := idempotencyKey(v.r.Header.Values("Idempotency-Key"))
	if err != nil {
		return err
	}
	leave, err := a.enter(v.r.Context())
	if err != nil {
		return err
	}
	defer leave()
	body, err := a.read(v)
	if err != nil {
		return err
	}
	m, err := parse(body)
	if err != nil {
		return err
	}
	e, err := m.entry(v.target, time.Now())
	if err != nil {
		return err
	}
	mark := fingerprint(m, e)
	if given != "" {
		e.Key = v.by.keyFor(given)
		e.About += " " + mark
	}
	waits := a.config.Interrupted != nil && a.config.Interrupted(v.flow)
	now := time.Now()
	receipt, err := v.spool.Accept(v.r.Context(), e)
	if err != nil {
		return err
	}
	if receipt.Known {
		return a.known(v, receipt.ID, mark)
	}
	if e.Due.IsZero() {
		a.count(v.flow, waits)
		e.Due = now
	}
	v.w.Header().Set("Location", "/v1/messages/"+v.flow+"/"+receipt.ID)
	answer(v.w, http.StatusCreated, "application/json", Receipt{ID: receipt.ID, Flow: v.flow, State: spool.Waiting, DeliverAt: e.Due.UTC()})
	return nil
}

// known answers a repetition with what became of the first. Another message under the same key is refused: its sender would
// believe it accepted.
func (a *API) known(v visit, id, mark string) error {
	item, err := v.spool.Item(v.r.Context(), id)
	if err != nil && !errors.Is(err, spool.ErrNotFound) {
		return err
	}
	if err == nil && !strings.HasSuffix(item.About, " "+mark) {
		p := problem(http.StatusUnprocessableEntity, "key_reused", "this idempotency key came with another message before; this one was not accepted",
			"Give each message a key of its own, and the same one only to its repetitions.")
		p.Field = "Idempotency-Key"
		return p
	}
	v.w.Header().Set("Location", "/v1/messages/"+v.flow+"/"+id)
	answer(v.w, http.StatusOK, "application/json", Receipt{ID: id, Flow: v.flow, State: item.State, DeliverAt: item.Due, Known: true})
	return nil
}

func (a *API) count(flow string, waited bool) {
	if a.config.Count == nil {
		return
	}
	outcome := Passed
	if waited {
		outcome = Queued
	}
	a.config.Count(flow, outcome)
}

// read takes the body up to the limit, and waits for it a minute.
func (a *API) read(v visit) ([]byte, error) {
	most := a.config.Limits.Body
	tooLarge := problem(http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the request is larger than %d bytes, the limit of this door", most), "")
	if v.r.ContentLength > most {
		return nil, tooLarge
	}
	until := http.NewResponseController(v.w)
	_ = until.SetReadDeadline(time.Now().Add(longestBody)) // a writer of tests has none
	body, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, most))
	_ = until.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge
	case err != nil:
		return nil, malformed("the body could not be read to its end")
	}
	return body, nil
}

// idempotencyKey reads a key: a text as it is, or a string of RFC 8941 in its quotes.
func idempotencyKey(given []string) (string, error) {
	if len(given) == 0 {
		return "", nil
	}
	k := given[0]
	if len(k) >= 2 && k[0] == '"' && k[len(k)-1] == '"' {
		k = k[1 : len(k)-1]
	}
	if len(given) > 1 || k == "" || len(k) > longestKey || strings.ContainsFunc(k, invisible) {
		return "", malformed("Idempotency-Key must be one text of 1 to 255 visible characters of ASCII")
	}
	return k, nil
}

func invisible(r rune) bool { return r < '!' || r > '~' }

// entry judges what was asked for, and makes of it what the spool keeps.
func (m *asked) entry(t *target, now time.Time) (spool.Entry, error) {
	e := spool.Entry{Flow: t.flow, Lane: m.order}
	var err error
	if e.Due, err = moment("deliver_at", m.deliverAt); err != nil {
		return e, err
	}
	if e.Expires, err = moment("expires", m.expires); err != nil {
		return e, err
	}
	if e.Due.After(now.Add(furthest)) {
		return e, invalid("deliver_at", "must be within 366 days from now")
	}
	if !e.Due.After(now) {
		e.Due = time.Time{}
	}
	switch {
	case !e.Expires.IsZero() && !(e.Expires.After(now) && e.Expires.After(e.Due)):
		return e, invalid("expires", "must lie ahead, and after deliver_at")
	case len(m.order) > longestLane || strings.ContainsFunc(m.order, invisible):
		return e, invalid("order", fmt.Sprintf("must be at most %d visible characters of ASCII, without spaces", longestLane))
	}
	if t.mail != nil {
		err = m.asMail(t, &e)
	} else {
		err = m.asRequest(t, &e)
	}
	return e, err
}

// moment reads a time, and rounds it up to what the spool keeps, so that nothing leaves before it.
func moment(field, given string) (time.Time, error) {
	if given == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, given)
	if err != nil {
		return at, invalid(field, "must be a time with its zone, such as 2027-01-15T06:00:00Z")
	}
	if cut := at.Truncate(time.Microsecond); cut.Before(at) {
		at = cut.Add(time.Microsecond)
	}
	return at.UTC(), nil
}

func (m *asked) asMail(t *target, e *spool.Entry) error {
	if m.hasRequest {
		return invalid("request", "must not be there: this flow delivers mail")
	}
	if err := m.mail.check(); err != nil {
		return err
	}
	head, err := t.envelope(*m.mail.from, m.mail.to, m.mail.message)
	if err != nil {
		return invalid("mail", "cannot be delivered: "+err.Error())
	}
	e.Kind, e.Head, e.Body = spool.Mail, head, m.mail.message
	e.About = fmt.Sprintf("mail to %d recipients", len(m.mail.to))
	if len(m.mail.to) == 1 {
		e.About = "mail to 1 recipient"
	}
	return nil
}

func (m *asked) asRequest(t *target, e *spool.Entry) error {
	if m.hasMail {
		return invalid("mail", "must not be there: this flow delivers requests")
	}
	if m.method == "" {
		m.method = http.MethodPost
	}
	if !slices.Contains(methods, m.method) {
		return invalid("request.method", "must be one of "+strings.Join(methods, ", "))
	}
	u, err := t.where(m.url)
	if err != nil {
		return invalid("request.url", err.Error())
	}
	if err := checkFields(m.headers); err != nil {
		return err
	}
	// Marshal cannot fail here: these are texts, and the keys of the map are sorted.
	e.Head, _ = json.Marshal(head{Method: m.method, URL: u.String(), Header: m.headers})
	e.Kind, e.Body = spool.Message, m.body
	// Paths and queries may hold secrets, such as those of chats.
	e.About = m.method + " " + u.Host
	return nil
}

// fingerprint is the same for the same message only, in whichever form it was sent. Its times are those that were asked for, since
// those of the entry depend on when it was. Each part is preceded by its length, so that none can pass for the end of another.
func fingerprint(m *asked, e spool.Entry) string {
	sum := sha256.New()
	for _, part := range [][]byte{[]byte(m.deliverAt), []byte(m.expires), []byte(m.order), e.Head, e.Body} {
		sum.Write(binary.AppendUvarint(nil, uint64(len(part))))
		sum.Write(part)
	}
	return "#" + hex.EncodeToString(sum.Sum(nil)[:8])
}
