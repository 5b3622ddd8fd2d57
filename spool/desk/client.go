package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"example.org/interlude/spool"
)

// Client asks a desk. Refusals are a [*Problem].
type Client struct {
	// Address is the gate's admin address, such as 127.0.0.1:8486, and Token that of its spool.
	Address, Token string
}

// patience is for an answer about one entry or one page. An act on many entries is left to its context.
const patience = 30 * time.Second

// most bounds what is read of an answer: the largest entry, and a little more.
const most = 1 << 30

// Overview asks what there is of each flow.
func (c Client) Overview(ctx context.Context) (Overview, error) {
	var all Overview
	err := c.ask(ctx, http.MethodGet, "/spool", nil, &all)
	return all, err
}

// Items asks for a page of entries, and for the id to go on after.
func (c Client) Items(ctx context.Context, f spool.Filter) (List, error) {
	var page List
	err := c.ask(ctx, http.MethodGet, "/spool/entries", queryOf(f), &page)
	return page, err
}

// Item asks for one entry.
func (c Client) Item(ctx context.Context, id string) (spool.Item, error) {
	var item spool.Item
	err := c.ask(ctx, http.MethodGet, entryPath(id), nil, &item)
	return item, err
}

// Content asks for what an entry holds: what its courier has to know, and its body.
func (c Client) Content(ctx context.Context, id string) (head, body []byte, err error) {
	if err := c.ask(ctx, http.MethodGet, entryPath(id)+"/head", nil, &head); err != nil {
		return nil, nil, err
	}
	err = c.ask(ctx, http.MethodGet, entryPath(id)+"/body", nil, &body)
	return head, body, err
}

// Retry has an entry handed over now.
func (c Client) Retry(ctx context.Context, id string) error {
	return c.ask(ctx, http.MethodPost, entryPath(id)+"/retry", nil, nil)
}

// RetryAll has all shelved entries of a flow handed over now; an empty name is all flows.
func (c Client) RetryAll(ctx context.Context, flow string) (int, error) {
	var done Done
	err := c.ask(ctx, http.MethodPost, "/spool/retry", url.Values{"flow": {flow}}, &done)
	return done.Done, err
}

// Shelve gives an entry up for now: nobody tries it until it is retried.
func (c Client) Shelve(ctx context.Context, id string) error {
	return c.ask(ctx, http.MethodPost, entryPath(id)+"/shelve", nil, nil)
}

// Remove removes an entry for good.
func (c Client) Remove(ctx context.Context, id string) error {
	return c.ask(ctx, http.MethodDelete, entryPath(id), nil, nil)
}

// RemoveShelved removes all that is shelved of a flow for good; an empty name is all flows.
func (c Client) RemoveShelved(ctx context.Context, flow string) (int, error) {
	var done Done
	err := c.ask(ctx, http.MethodDelete, "/spool/entries", url.Values{"flow": {flow}, "state": {string(spool.Shelved)}}, &done)
	return done.Done, err
}

// Pause stops handing over what is of a flow, and Resume goes on.
func (c Client) Pause(ctx context.Context, flow string) error {
	return c.ask(ctx, http.MethodPost, "/spool/flows/"+url.PathEscape(flow)+"/pause", nil, nil)
}

// Resume goes on with a flow that was paused.
func (c Client) Resume(ctx context.Context, flow string) error {
	return c.ask(ctx, http.MethodPost, "/spool/flows/"+url.PathEscape(flow)+"/resume", nil, nil)
}

func entryPath(id string) string { return "/spool/entries/" + url.PathEscape(id) }

func queryOf(f spool.Filter) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"flow": f.Flow, "state": string(f.State), "lane": f.Lane, "after": f.After} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Most > 0 {
		q.Set("limit", strconv.Itoa(f.Most))
	}
	return q
}

// ask sends a request and reads its answer: JSON, or bytes where into is a *[]byte.
func (c Client) ask(ctx context.Context, method, path string, query url.Values, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+c.Address+path+"?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("ask the gate's spool: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+c.Token)
	client := &http.Client{Timeout: patience}
	if _, many := into.(*Done); many {
		client.Timeout = 0
	}
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("ask the gate's spool: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return fmt.Errorf("read the answer of the gate's spool: %w", err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		problem := &Problem{}
		if json.Unmarshal(data, problem) != nil || problem.Detail == "" {
			problem = &Problem{
				Title: resp.Status, Status: resp.StatusCode, Detail: "the gate at " + c.Address + " answered " + resp.Status,
				Hint: "Is there a gate with a spool at this address?",
			}
		}
		return problem
	}
	switch into := into.(type) {
	case nil:
		return nil
	case *[]byte:
		*into = data
		return nil
	default:
		return json.Unmarshal(data, into)
	}
}
