package runbook

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Request is a request over HTTP and what its answer is to be. As a condition it holds when the answer is that.
type Request struct {
	URL     Secret            `yaml:"url"`
	Method  string            `yaml:"method"`
	Headers map[string]Secret `yaml:"headers"`
	Body    Secret            `yaml:"body"`
	// Status are the statuses that are right; any from 200 to 299 without it.
	Status []int `yaml:"status"`
	// Contains is a text that the answer is to hold.
	Contains string `yaml:"contains"`
}

// HTTP makes a request.
type HTTP struct {
	Common
	Request
}

func (q *Request) refuse(c *checker, at string) {
	c.need(q.URL.isZero(), at+".url", "where the request goes")
}

func (q *Request) does() string {
	return fmt.Sprintf("%s %s answers as expected", cmp.Or(q.Method, http.MethodGet), q.URL)
}

func (a *HTTP) does() string { return cmp.Or(a.Method, http.MethodGet) + " " + a.URL.String() }

// harmless reports whether making the request twice is by its method the same as once (RFC 9110, 9.2.2).
func (q *Request) harmless() bool {
	return slices.Contains([]string{"", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete}, q.Method)
}

func (a *HTTP) do(ctx context.Context, d *doing) error {
	saw, err := a.holds(ctx, d.run.vault)
	switch {
	case err != nil && !isAnswer(err) && !a.harmless():
		return unclear{err}
	case err != nil:
		return err
	}
	d.say(saw)
	return nil
}

// again decides about a request that may have been made: by its method, and otherwise nobody knows.
func (a *HTTP) again(context.Context, *doing) (verdict, error) {
	if a.harmless() {
		return notYet, nil
	}
	return unknown, nil
}

// largestAnswer is how much of an answer is looked at.
const largestAnswer = 1 << 20

func (q *Request) holds(ctx context.Context, v *Vault) (string, error) {
	request, err := q.make(ctx, v)
	if err != nil {
		return "", err
	}
	client := &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, largestAnswer))
	if err != nil {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	right := answer.StatusCode >= 200 && answer.StatusCode < 300
	if len(q.Status) > 0 {
		right = slices.Contains(q.Status, answer.StatusCode)
	}
	switch {
	case !right:
		return "", differs{fmt.Errorf("the answer is %s: %s", answer.Status, oneLine(string(body)))}
	case !strings.Contains(string(body), q.Contains):
		return "", differs{fmt.Errorf("the answer does not hold %q: %s", q.Contains, oneLine(string(body)))}
	}
	return answer.Status, nil
}

func (q *Request) make(ctx context.Context, v *Vault) (*http.Request, error) {
	address, err := v.Resolve(ctx, q.URL)
	if err != nil {
		return nil, err
	}
	body := ""
	if !q.Body.isZero() {
		if body, err = v.Resolve(ctx, q.Body); err != nil {
			return nil, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, cmp.Or(q.Method, http.MethodGet), address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, from := range q.Headers {
		value, err := v.Resolve(ctx, from)
		if err != nil {
			return nil, err
		}
		request.Header.Set(name, value)
	}
	return request, nil
}
