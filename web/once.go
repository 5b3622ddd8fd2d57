package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// The headers of draft-ietf-httpapi-idempotency-key-header, and ours that marks an answer which was given before.
const (
	keyHeader      = "Idempotency-Key"
	replayedHeader = "Idempotency-Replayed"
)

const (
	// longestKey is the longest idempotency key, in characters.
	longestKey = 255
	// largestKept is the largest answer that is kept for a repetition, in bytes. What does not fit was still carried out
	// once, and a repetition is told so.
	largestKept = 4 << 20
)

// What is wrong with an idempotency key.
var (
	errKeyForm = &malformed{
		"Idempotency-Key must be one text of 1 to 255 visible characters of ASCII", "A UUID is a good one.",
	}
	errKeySecret = &malformed{
		"this operation takes no Idempotency-Key: its answer holds a secret, which is kept nowhere and so cannot be given again",
		"Send it without one. When the answer is lost, revoke the token and make another.",
	}
	errKeyReused = errors.New("this idempotency key came with another request before")
)

// repeatable is what has to be known of a request that may carry an idempotency key.
type repeatable struct {
	token access.Token
	// most is the largest body, in bytes.
	most int
	// secret says that the answer must be kept nowhere.
	secret bool
	// refuse writes a refusal in the form of the API that was asked.
	refuse func(http.ResponseWriter, *http.Request, error)
}

// once lets next answer a request. One that carries an idempotency key makes its change one time, however often it is
// sent: a repetition is given the first answer again.
//
// The store remembers the key in the transaction of the change itself, so that neither a crash nor another node comes in
// between; the answer is kept afterwards. In the gap, and when the answer was lost, a repetition is refused with the
// advice to read. A request that was refused, or that changed nothing, leaves no key: repeating it does no harm.
func (d *door) once(w http.ResponseWriter, r *http.Request, how repeatable, next func(http.ResponseWriter, *http.Request)) {
	given := r.Header.Values(keyHeader)
	if len(given) == 0 || safe(r.Method) {
		next(w, r)
		return
	}
	key, err := parseKey(given)
	if err == nil && how.secret {
		err = errKeySecret
	}
	var body []byte
	if err == nil {
		body, err = wholeBody(w, r, how.most)
	}
	if err != nil {
		how.refuse(w, r, err)
		return
	}
	repeat := &access.Repeat{Key: access.RepeatKey(how.token.ID, key), Fingerprint: fingerprint(r, body)}
	if had, err := d.Store.AnswerTo(r.Context(), repeat.Key); !errors.Is(err, status.ErrNotFound) {
		replay(w, r, repeat, had, err, how.refuse)
		return
	}
	act, _ := access.ActOf(r.Context())
	act.Repeat = repeat
	r = r.WithContext(access.WithAct(r.Context(), act))
	r.Body = io.NopCloser(bytes.NewReader(body))
	out := &held{ResponseWriter: w, header: w.Header().Clone()}
	next(out, r)
	if out.done() {
		d.keepAnswer(r, repeat, out)
	} else if had, err := d.Store.AnswerTo(r.Context(), repeat.Key); err == nil {
		// A twin was faster, so this one was refused for what the twin had done.
		replay(w, r, repeat, had, nil, how.refuse)
		return
	}
	out.release()
}

// replay answers a request whose key is known, or whose key could not be looked up.
func replay(
	w http.ResponseWriter, r *http.Request, repeat *access.Repeat, had store.Answer, err error,
	refuse func(http.ResponseWriter, *http.Request, error),
) {
	switch {
	case err != nil:
		refuse(w, r, err)
	case had.Fingerprint != repeat.Fingerprint:
		refuse(w, r, errKeyReused)
	case had.Status == 0:
		refuse(w, r, access.ErrRepeated)
	default:
		for name, values := range had.Header {
			w.Header()[name] = values
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set(replayedHeader, "true")
		w.WriteHeader(had.Status)
		_, _ = io.WriteString(w, had.Body)
	}
}

// keepAnswer keeps what a request was answered, as far as a repetition needs it. Failing at it is no reason to keep the
// answer from whoever waits for it now.
func (d *door) keepAnswer(r *http.Request, repeat *access.Repeat, out *held) {
	body := out.body.String()
	if len(body) > largestKept || !utf8.ValidString(body) || strings.ContainsRune(body, 0) {
		return
	}
	header := map[string][]string{}
	for _, name := range []string{"Content-Type", "Location", "Etag"} {
		if values := out.header.Values(name); len(values) > 0 {
			header[name] = values
		}
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(r.Context()), touchLimit)
	defer stop()
	answer := store.Answer{Fingerprint: repeat.Fingerprint, Status: out.status, Header: header, Body: body}
	if err := d.Store.KeepAnswer(ctx, repeat.Key, answer); err != nil {
		d.Log.WarnContext(ctx, "an answer is not kept for repetitions of its request", "request", requestID(ctx), "error", err)
	}
}

// parseKey reads an idempotency key: a text as it is, or a string of RFC 8941 in its quotes, as the draft has it.
func parseKey(given []string) (string, error) {
	key := strings.Trim(given[0], " \t")
	if inner, opened := strings.CutPrefix(key, `"`); opened {
		if text, closed := strings.CutSuffix(inner, `"`); closed {
			key = text
		}
	}
	visible := func(r rune) bool { return r < '!' || r > '~' }
	if len(given) > 1 || key == "" || len(key) > longestKey || strings.ContainsFunc(key, visible) {
		return "", errKeyForm
	}
	return key, nil
}

// wholeBody reads a body up to a limit.
func wholeBody(w http.ResponseWriter, r *http.Request, most int) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(most)))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &refusal{Problem: api.TooLarge(most)}
	case err != nil:
		return nil, &malformed{"the body could not be read to its end", ""}
	}
	return body, nil
}

// fingerprint is the same for the same request only. Each part is preceded by its length, so that none can pass for
// the end of another.
func fingerprint(r *http.Request, body []byte) string {
	sum := sha256.New()
	for _, part := range [][]byte{
		[]byte(r.Method), []byte(r.URL.EscapedPath()), []byte(r.URL.RawQuery), []byte(r.Header.Get("Content-Type")), body,
	} {
		sum.Write(binary.AppendUvarint(nil, uint64(len(part))))
		sum.Write(part)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// safe reports whether a method changes nothing (RFC 9110, section 9.2.1).
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// held is an answer that is not sent before it is whole.
type held struct {
	http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is the answer's own: what a refused twin set does not go into the answer that replaces it.
func (h *held) Header() http.Header { return h.header }

// WriteHeader notes the status.
func (h *held) WriteHeader(status int) {
	if h.status == 0 && status >= http.StatusOK {
		h.status = status
	}
}

// Write keeps what is to be sent.
func (h *held) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(b)
}

// Flush sends nothing yet.
func (h *held) Flush() {}

// Unwrap gives the writer below, for its deadlines.
func (h *held) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// done reports whether what was asked for was done.
func (h *held) done() bool { return h.status < http.StatusMultipleChoices }

// release sends the answer.
func (h *held) release() {
	to := h.ResponseWriter.Header()
	for name, values := range h.header {
		to[name] = values
	}
	if h.status != 0 {
		h.ResponseWriter.WriteHeader(h.status)
	}
	_, _ = h.body.WriteTo(h.ResponseWriter)
}
