package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Answer is what came of a post.
type Answer struct {
	// Code is the answer's status, 0 when there was none; Err says why then.
	Code int
	Err  error
	// RetryAfter is how long the endpoint asks to be left alone, at most a day; 0 when it does not ask.
	RetryAfter time.Duration
	// Text is the beginning of what it said, on one line, for operators.
	Text string
}

// Verdict is what an answer means for the delivery.
type Verdict string

// The verdicts.
const (
	// Delivered: the endpoint has it (2xx).
	Delivered Verdict = "delivered"
	// Passing: it may work later. The network, TLS, time and names fail so, and 408, 425, 429 and 5xx say so.
	Passing Verdict = "passing"
	// Refused: it will not work as it is, which a redirect is too, and a URL that cannot be posted to.
	Refused Verdict = "refused"
	// Gone: the endpoint wants nothing any more (410).
	Gone Verdict = "gone"
	// Forbidden: the address may not be reached from here.
	Forbidden Verdict = "forbidden"
)

// Verdict judges the answer.
func (a Answer) Verdict() Verdict {
	switch {
	case errors.Is(a.Err, ErrInward):
		return Forbidden
	case errors.Is(a.Err, ErrURL):
		return Refused
	case a.Err != nil, a.Code >= 500:
		return Passing
	case a.Code >= 200 && a.Code < 300:
		return Delivered
	case a.Code == http.StatusGone:
		return Gone
	case a.Code == http.StatusRequestTimeout, a.Code == http.StatusTooEarly, a.Code == http.StatusTooManyRequests:
		return Passing
	}
	return Refused
}

// Line says what came of the post in one line, for operators: the error, or the status and what the endpoint said.
func (a Answer) Line() string {
	if a.Err != nil {
		return oneLine(a.Err.Error())
	}
	said := strings.TrimSpace(fmt.Sprintf("%d %s", a.Code, http.StatusText(a.Code)))
	if a.Text == "" {
		return said
	}
	return oneLine(said + ": " + a.Text)
}

// read takes from an answer what is kept of it. A body that breaks off has said what it said: the status came first.
func read(r *http.Response) Answer {
	body, _ := io.ReadAll(io.LimitReader(r.Body, mostBody))
	a := Answer{Code: r.StatusCode, RetryAfter: retryAfter(r.Header, body), Text: oneLine(string(body))}
	if r.StatusCode >= 300 && r.StatusCode < 400 {
		a.Text = oneLine("redirects are not followed, and it redirects to " + r.Header.Get("Location"))
	}
	return a
}

// longestWait bounds what an endpoint may ask for.
const longestWait = 24 * time.Hour

// retryAfter is how long the header asks to wait, in seconds or until a date (RFC 9110, 10.2.3), or the body, as that
// of Discord does. A date is measured by the answer's own, so that a wrong clock on either side changes nothing.
func retryAfter(h http.Header, body []byte) time.Duration {
	var discord struct {
		RetryAfter float64 `json:"retry_after"`
	}
	if json.Unmarshal(body, &discord) != nil {
		discord.RetryAfter = 0
	}
	seconds := discord.RetryAfter
	said := h.Get("Retry-After")
	if n, err := strconv.ParseFloat(said, 64); err == nil {
		seconds = max(seconds, n)
	} else if until, err := http.ParseTime(said); err == nil {
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			seconds = max(seconds, until.Sub(date).Seconds())
		}
	}
	if !(seconds > 0) { // nothing, the past, or not a number
		return 0
	}
	return time.Duration(min(seconds, longestWait.Seconds()) * float64(time.Second)).Round(time.Millisecond)
}

// longestLine is how many characters of an answer are kept.
const longestLine = 200

// oneLine makes one line of what a stranger wrote: without control characters, nor those that turn the direction of
// writing.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	kept := []rune(strings.Join(strings.Fields(text), " "))
	if len(kept) > longestLine {
		kept = append(kept[:longestLine-1], '…')
	}
	return string(kept)
}
