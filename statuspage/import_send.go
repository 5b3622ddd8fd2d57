package statuspage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Recipient is the management API of the server that is imported into.
type Recipient struct {
	// Server is its address, Token a secret of scope operate, and Page the identifier of its page.
	Server, Token, Page string
	// HTTP does the requests; nil is http.DefaultClient. Redirects are not followed.
	HTTP *http.Client
	// Dry only foretells what would be sent.
	Dry bool
}

// Send gives the server what no document can say, and notes in the report what it took and what not. What is there
// already is not sent again, and nobody who unsubscribed there is subscribed anew.
//
// The error is that of a server that cannot be spoken to; what it refuses stands in the report.
func (r Recipient) Send(ctx context.Context, x Extras, report *ImportReport) error {
	for _, p := range x.Patches {
		err := r.do(ctx, http.MethodPatch, "/incidents/"+url.PathEscape(p.ID), map[string]any{"incident": p.Fields}, nil)
		var refused *refusal
		if errors.As(err, &refused) { // the event itself is here, without them
			report.LeftAlone.add("setting", p.Name, "the server here refuses its "+strings.Join(slices.Sorted(maps.Keys(p.Fields)), ", ")+": "+refused.text)
			continue
		}
		if err := r.note(report, err, "setting", p.Name); err != nil {
			return err
		}
	}
	if err := r.subscribe(ctx, x.Subscribers, report); err != nil {
		return err
	}
	return r.templates(ctx, x.Templates, report)
}

// note counts what was taken, and says why something was not.
func (r Recipient) note(report *ImportReport, err error, kind, name string) error {
	var refused *refusal
	switch {
	case err == nil:
		report.Brought[kind]++
	case errors.As(err, &refused):
		report.NotCarried.add(kind, name, "the server here refuses it: "+refused.text)
	default:
		return err
	}
	return nil
}

func (r Recipient) subscribe(ctx context.Context, subscribers []NewSubscriber, report *ImportReport) error {
	if len(subscribers) == 0 {
		return nil
	}
	known := make(map[string]string)
	for _, list := range []struct {
		state, path string
		first       int
	}{{"subscribed", "/subscribers?state=all", 0}, {"unsubscribed", "/subscribers/unsubscribed?", 1}} {
		err := everyOf(ctx, r, list.path, list.first, func(s otherSubscriber) {
			at := NewSubscriber{Email: given(s.Email), Endpoint: given(s.Endpoint)}.Address()
			known[strings.ToLower(at)] = list.state
		})
		if err != nil {
			return r.note(report, err, "subscriber", fmt.Sprintf("all %d", len(subscribers)))
		}
	}
	for _, s := range subscribers {
		switch known[strings.ToLower(s.Address())] {
		case "subscribed":
			report.There["subscriber"]++
			continue
		case "unsubscribed":
			report.LeftAlone.add("subscriber", s.Address(), "unsubscribed here")
			continue
		}
		err := r.do(ctx, http.MethodPost, "/subscribers", map[string]any{"subscriber": s}, nil)
		if err := r.note(report, err, "subscriber", s.Address()); err != nil {
			return err
		}
	}
	return nil
}

func (r Recipient) templates(ctx context.Context, templates []NewTemplate, report *ImportReport) error {
	if len(templates) == 0 {
		return nil
	}
	known := make(map[string]bool)
	if err := everyOf(ctx, r, "/incident_templates?", 1, func(t otherTemplate) { known[given(t.Name)] = true }); err != nil {
		return r.note(report, err, "template", fmt.Sprintf("all %d", len(templates)))
	}
	for _, t := range templates {
		if known[t.Name] {
			report.There["template"]++
			continue
		}
		err := r.do(ctx, http.MethodPost, "/incident_templates", map[string]any{"template": t}, nil)
		if err := r.note(report, err, "template", t.Name); err != nil {
			return err
		}
	}
	return nil
}

// shortPage is how many entries a full page has.
const shortPage = 100

// everyOf reads every page of a list there, until one that is not full.
func everyOf[T any](ctx context.Context, r Recipient, path string, first int, take func(T)) error {
	for n := range mostPages {
		var list any
		err := r.do(ctx, http.MethodGet, fmt.Sprintf("%s&limit=%s&per_page=%s&page=%d", path, pageSize, pageSize, first+n), nil, &list)
		var refused *refusal
		if r.Dry && errors.As(err, &refused) && refused.code == http.StatusNotFound {
			return nil // the page does not exist yet
		}
		if err != nil {
			return err
		}
		count := 0
		err = takeList(list, path, func(t T) error { count++; take(t); return nil })
		if err != nil || count < shortPage {
			return err
		}
	}
	return nil
}

// do makes one request and reads its answer.
func (r Recipient) do(ctx context.Context, method, path string, body, into any) error {
	if r.Dry && method != http.MethodGet {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, answerPatience)
	defer stop()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return fmt.Errorf("write request: %w", err)
		}
	}
	address := strings.TrimSuffix(r.Server, "/") + strings.TrimSuffix(Prefix, "/") + "/pages/" + url.PathEscape(r.Page) + path
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Authorization", "OAuth "+r.Token)
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{}
	if r.HTTP != nil {
		client = *r.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("reach the server: %w", err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, largestAnswer))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", address, err)
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		text := sentenceIn(data)
		if text == "" {
			text = fmt.Sprintf("it answers %d, and has no management API at %s", answer.StatusCode, Prefix)
		}
		return &refusal{address, answer.StatusCode, text}
	}
	if into == nil {
		return nil
	}
	read := json.NewDecoder(bytes.NewReader(data))
	read.UseNumber()
	if err := read.Decode(into); err != nil {
		return fmt.Errorf("%s: answers something else than JSON: %w", address, err)
	}
	return nil
}
