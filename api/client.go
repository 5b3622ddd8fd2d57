package api

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"example.org/interlude/status"
)

// Client speaks to a server. Its fields are set before its first use; it may then be used by many at once.
type Client struct {
	// Server is its address, such as https://status.example.com; a path is where the server lives below a proxy.
	Server string
	// Token is the secret that every request carries; empty sends none.
	Token string
	// HTTP does the requests; nil is http.DefaultClient. Its redirect policy is not used.
	HTTP *http.Client
	// UserAgent names the program that asks; empty is "interlude".
	UserAgent string
}

// Patience is how long a call may take whose context has no deadline, and ApplyPatience how long an apply: each is a
// little more than what the server gives itself.
const (
	Patience      = 30 * time.Second
	ApplyPatience = 130 * time.Second
)

// largestAnswer bounds what is read of an answer: the changes of the largest apply, before and after, are below it.
const largestAnswer = 4 * LargestApply

// pauses are waited between the attempts of a call.
var pauses = []time.Duration{100 * time.Millisecond, 400 * time.Millisecond}

// ErrAddress says that what was given is no address of a server: nothing was sent anywhere.
var ErrAddress = errors.New("no address of a server")

// misaddressed is an ErrAddress with its reason.
type misaddressed struct{ *status.Invalid }

func (m misaddressed) Unwrap() []error { return []error{ErrAddress, m.Invalid} }

// CheckServer refuses what is no address of a server, and says what one looks like: an [ErrAddress] that is a
// [*status.Invalid] too.
func CheckServer(server string) error {
	wrong := func(why string) error {
		return misaddressed{&status.Invalid{Field: "server", Rule: "must be an address such as https://status.example.com: " + why}}
	}
	u, err := url.Parse(server)
	switch {
	case server == "":
		return wrong("none was given")
	case strings.Contains(server, "@"): // what stands before it may be a password
		return wrong("leave the user and password out of it; the token is given by itself")
	case !strings.Contains(server, "://"):
		return wrong(fmt.Sprintf("%q does not begin with https:// or http://", server))
	case err != nil:
		return wrong("what was given cannot be read as one")
	case u.Scheme != "http" && u.Scheme != "https":
		return wrong(fmt.Sprintf("%q does not begin with https:// or http://", server))
	case u.Hostname() == "":
		return wrong(fmt.Sprintf("%q names no host", server))
	case u.RawQuery != "" || u.Fragment != "":
		return wrong(fmt.Sprintf("%q has more after the path", server))
	}
	return nil
}

// call is one operation on the wire.
type call struct {
	method, path string
	query        url.Values
	body         any
	version      int64
	// most is the largest body that the server reads, and patience how long the call may take; 0 are LargestBody and
	// Patience.
	most     int
	patience time.Duration
	// secret says that the answer holds a secret, which the server keeps for no repetition.
	secret bool
	// repeatable says that making it twice does no more than making it once, so that it needs no key.
	repeatable bool
	// key is what the server knows a repetition of a write by, empty for calls that have none.
	key string
}

// attempts is how often a call is made when the connection breaks before its answer: a write that cannot be known
// again is made once, for nobody could tell whether it was made already.
func (w call) attempts() int {
	switch {
	case w.method == http.MethodGet:
		return 1 + len(pauses)
	case w.key != "" || w.repeatable:
		return 2
	}
	return 1
}

// do makes a call and reads its answer into out, unless that is nil.
func (c *Client) do(ctx context.Context, what call, out any) error {
	if err := CheckServer(c.Server); err != nil {
		return err
	}
	if _, limited := ctx.Deadline(); !limited {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, cmp.Or(what.patience, Patience))
		defer stop()
	}
	var body []byte
	if what.body != nil {
		var err error
		if body, err = json.Marshal(what.body); err != nil {
			return fmt.Errorf("write request: %w", err)
		}
	}
	if most := cmp.Or(what.most, LargestBody); len(body) > most {
		return TooLarge(most) // while it is sent, the server's own answer would often be lost
	}
	if what.method != http.MethodGet && !what.secret && !what.repeatable {
		what.key = rand.Text()
	}
	for attempt := 1; ; attempt++ {
		err := c.once(ctx, what, body, out)
		var broken *Unreachable
		if !errors.As(err, &broken) || attempt == what.attempts() || ctx.Err() != nil {
			return err
		}
		pause(ctx, pauses[attempt-1])
	}
}

// pause lets some time pass, or less when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	ctx, stop := context.WithTimeout(ctx, d)
	defer stop()
	<-ctx.Done()
}

func (c *Client) once(ctx context.Context, what call, body []byte, out any) error {
	request, err := c.request(ctx, what, body)
	if err != nil {
		return err
	}
	answer, err := c.http().Do(request)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(answer.Body, largestAnswer+1))
	switch {
	case err != nil:
		return c.unreachable(ctx, err)
	case len(data) > largestAnswer:
		return c.foreign(answer, "the answer is larger than any of its own")
	}
	return c.read(answer, data, out)
}

// http is the client to use: the given one, except that it does not follow redirects. A redirect could take the token
// to another host, or a write to a place where it does something else.
func (c *Client) http() *http.Client {
	client := http.Client{}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

func (c *Client) request(ctx context.Context, what call, body []byte) (*http.Request, error) {
	address := strings.TrimRight(c.Server, "/") + Prefix + what.path
	if len(what.query) > 0 {
		address += "?" + what.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, what.method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Accept", "application/json, "+ProblemType)
	request.Header.Set("User-Agent", "interlude")
	if c.UserAgent != "" {
		request.Header.Set("User-Agent", c.UserAgent)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if what.key != "" {
		request.Header.Set("Idempotency-Key", what.key)
	}
	if what.version != 0 {
		request.Header.Set("If-Match", ETag(what.version))
	}
	return request, nil
}

// read takes what the server said out of its answer.
func (c *Client) read(answer *http.Response, data []byte, out any) error {
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case kind == ProblemType:
		problem := &Problem{}
		if err := json.Unmarshal(data, problem); err != nil || answer.StatusCode < 400 {
			return c.foreign(answer, "its problem document cannot be read")
		}
		problem.Status = answer.StatusCode
		return problem
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return c.foreign(answer, "it redirects")
	case answer.StatusCode >= 400:
		return c.foreign(answer, "the error is not in its form")
	case out == nil:
		return nil
	case kind != "application/json":
		return c.foreign(answer, "the answer is not JSON")
	}
	if err := json.Unmarshal(data, out); err != nil {
		return c.foreign(answer, "the answer cannot be read ("+err.Error()+")")
	}
	return nil
}

// unreachable tells that no answer came. The address of the request is in the error already, so that of the
// transport's own error is left out; and when the context ended, its cause is the reason.
func (c *Client) unreachable(ctx context.Context, err error) error {
	var transport *url.Error
	if errors.As(err, &transport) {
		err = transport.Err
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, context.DeadlineExceeded):
		err = fmt.Errorf("no answer in time: %w", cause)
	case cause != nil:
		err = cause
	}
	return &Unreachable{Server: c.Server, Err: err}
}

func (c *Client) foreign(answer *http.Response, why string) error {
	return &Foreign{Server: c.Server, Status: answer.StatusCode, Location: answer.Header.Get("Location"), Why: why}
}
