package messages

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"example.org/interlude/spool"
)

// Client talks to an API. Its methods give a [*Problem] when the API refuses.
type Client struct {
	// Server is where the API is: http://127.0.0.1:8490.
	Server string
	// Token is the secret.
	Token string
	// HTTP sends the requests; nil is http.DefaultClient, which waits as long as the context does.
	HTTP *http.Client
}

// largestList bounds what is read of an answer.
const largestList = 4 << 20

// Deliver has a message delivered. It is durable when there is no error. After an error that is no [*Problem] it may have been
// accepted: with a [Delivery.Key] it can be sent again without being delivered twice.
func (c *Client) Deliver(ctx context.Context, flow string, d Delivery) (Receipt, error) {
	var r Receipt
	header := http.Header{}
	if d.Key != "" {
		header.Set("Idempotency-Key", d.Key)
	}
	err := c.ask(ctx, http.MethodPost, url.PathEscape(flow), header, d, &r)
	return r, err
}

// Cancel takes a message back, unless it is being delivered or has been: then it gives a [*Problem] of status 409.
func (c *Client) Cancel(ctx context.Context, flow, id string) error {
	return c.ask(ctx, http.MethodDelete, url.PathEscape(flow)+"/"+url.PathEscape(id), nil, nil, nil)
}

// Retry has a shelved message tried again now.
func (c *Client) Retry(ctx context.Context, flow, id string) (Message, error) {
	var m Message
	err := c.ask(ctx, http.MethodPost, url.PathEscape(flow)+"/"+url.PathEscape(id)+"/retry", nil, nil, &m)
	return m, err
}

// Get tells where a message stands.
func (c *Client) Get(ctx context.Context, flow, id string) (Message, error) {
	var m Message
	err := c.ask(ctx, http.MethodGet, url.PathEscape(flow)+"/"+url.PathEscape(id), nil, nil, &m)
	return m, err
}

// Filter narrows a list. Zero fields narrow nothing.
type Filter struct {
	State spool.State
	Order string
	// After is the id to go on after, Before the time before which messages are due.
	After  string
	Before time.Time
}

// List goes through the messages of a flow, by their ids. It ends after the first error.
func (c *Client) List(ctx context.Context, flow string, f Filter) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		query := url.Values{"limit": {strconv.Itoa(mostListed)}}
		for name, value := range map[string]string{"state": string(f.State), "order": f.Order, "after": f.After} {
			if value != "" {
				query.Set(name, value)
			}
		}
		if !f.Before.IsZero() {
			query.Set("before", f.Before.Format(time.RFC3339Nano))
		}
		for {
			var l List
			if err := c.ask(ctx, http.MethodGet, url.PathEscape(flow)+"?"+query.Encode(), nil, nil, &l); err != nil {
				yield(Message{}, err)
				return
			}
			for _, m := range l.Items {
				if !yield(m, nil) {
					return
				}
			}
			if l.Next == "" {
				return
			}
			query.Set("after", l.Next)
		}
	}
}

// ask sends a request and reads its answer into a value, unless that is nil.
func (c *Client) ask(ctx context.Context, method, path string, header http.Header, body, into any) error {
	var content io.Reader
	if body != nil {
		doc, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write message: %w", err)
		}
		content = bytes.NewReader(doc)
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Server, "/")+"/v1/messages/"+path, content)
	if err != nil {
		return err
	}
	if header != nil {
		r.Header = header
	}
	r.Header.Set("Authorization", "Bearer "+c.Token)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answered, err := cmp.Or(c.HTTP, http.DefaultClient).Do(r)
	if err != nil {
		return err
	}
	defer answered.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answered.Body, largestList))
	switch {
	case err != nil:
		return fmt.Errorf("read answer: %w", err)
	case answered.StatusCode >= http.StatusMultipleChoices:
		p := &Problem{}
		if json.Unmarshal(said, p) != nil || p.Status == 0 {
			return fmt.Errorf("%s answered %d, but not as this door does", c.Server, answered.StatusCode)
		}
		return p
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(said, into); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}
