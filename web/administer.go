package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
)

func (d *door) tokens(ctx context.Context, _ *nothing) (*plain[api.List[api.Token]], error) {
	all, err := d.Store.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	list := api.List[api.Token]{Items: make([]api.Token, len(all))}
	for i, t := range all {
		list.Items[i] = tokenView(t)
	}
	return &plain[api.List[api.Token]]{Body: list}, nil
}

func (d *door) createToken(ctx context.Context, in *bodyInput) (*created[api.NewToken], error) {
	ask, err := decode[api.TokenRequest](in.RawBody)
	if err != nil {
		return nil, err
	}
	const longest = 100
	switch name := strings.TrimSpace(ask.Name); {
	case name == "":
		return nil, &status.Invalid{Field: "name", Rule: "is required: what the token is for, such as deploy pipeline"}
	case len([]rune(name)) > longest:
		return nil, &status.Invalid{Field: "name", Rule: fmt.Sprintf("must have at most %d characters", longest)}
	}
	scope, err := access.ParseScope(ask.Scope)
	if err != nil {
		return nil, &status.Invalid{Field: "scope", Rule: fmt.Sprintf("must be one of read, operate, administer, gate, not %q", ask.Scope)}
	}
	t, secret, err := access.New(rand.Reader, strings.TrimSpace(ask.Name), scope, d.Clock.Now(), visitorOf(ctx).token.Name)
	if err != nil {
		return nil, err
	}
	if err := d.Store.AddToken(ctx, t); err != nil {
		return nil, err
	}
	return &created[api.NewToken]{
		Location: location(api.PathTokens, t.ID), Body: api.NewToken{Token: tokenView(t), Secret: secret},
	}, nil
}

func (d *door) revokeToken(ctx context.Context, in *tokenInput) (*nothing, error) {
	err := d.Store.RevokeToken(ctx, in.ID, d.Clock.Now())
	d.keys.drop(func(o key) bool { return o.token.ID == in.ID })
	if errors.Is(err, status.ErrNotFound) {
		return nil, &missing{fmt.Sprintf("no token has the id %q", in.ID), "`interlude token list` shows them."}
	}
	return nil, err
}

func tokenView(t access.Token) api.Token {
	return api.Token{
		ID: t.ID, Name: t.Name, Scope: string(t.Scope), Created: t.Created, LastUsed: t.LastUsed, Revoked: t.Revoked, By: t.By,
	}
}

func (d *door) events(ctx context.Context, in *eventListInput) (*plain[api.List[api.Event]], error) {
	after, n, err := parseEventID(in.After)
	if err != nil {
		return nil, err
	}
	from := after
	if n >= 0 {
		from-- // what the same change caused after that entry is still to be seen
	}
	entries, err := d.Store.Events(ctx, from, in.Limit)
	if err != nil {
		return nil, err
	}
	list := api.List[api.Event]{Items: []api.Event{}}
	for _, e := range entries {
		if e.Seq == after && e.N <= n {
			continue
		}
		list.Items = append(list.Items, api.Event{ID: fmt.Sprintf("%d.%d", e.Seq, e.N), Event: e.Event})
	}
	if len(entries) >= in.Limit {
		list.Next = strconv.FormatInt(entries[len(entries)-1].Seq, 10)
	}
	return &plain[api.List[api.Event]]{Body: list}, nil
}

// parseEventID reads the id of an entry, "12.0", or a cursor, "12"; n is -1 for the latter.
func parseEventID(text string) (seq int64, n int, err error) {
	if text == "" {
		return 0, -1, nil
	}
	wrong := &status.Invalid{Field: "after", Rule: "must be the id of an entry, or next of an earlier page"}
	first, second, inner := strings.Cut(text, ".")
	seq, err = strconv.ParseInt(first, 10, 64)
	if err != nil || seq < 0 {
		return 0, 0, wrong
	}
	if !inner {
		return seq, -1, nil
	}
	n, err = strconv.Atoi(second)
	if err != nil || n < 0 {
		return 0, 0, wrong
	}
	return seq, n, nil
}

func (d *door) audit(ctx context.Context, in *auditListInput) (*plain[api.List[api.AuditEntry]], error) {
	before := int64(0)
	if in.Cursor != "" {
		var err error
		if before, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil || before < 1 {
			return nil, &status.Invalid{Field: "cursor", Rule: "must be next of an earlier page"}
		}
	}
	entries, err := d.Store.Audit(ctx, before, in.Limit)
	if err != nil {
		return nil, err
	}
	list := api.List[api.AuditEntry]{Items: make([]api.AuditEntry, len(entries))}
	for i, e := range entries {
		list.Items[i] = api.AuditEntry{
			N: e.N, At: e.At, Token: e.Token, Name: e.Name, Operation: e.Operation, Request: e.Request, Client: e.Client,
			Subjects: orEmpty(e.Subjects),
		}
	}
	if last := len(entries) - 1; len(entries) == in.Limit && entries[last].N > 1 {
		list.Next = strconv.FormatInt(entries[last].N, 10)
	}
	return &plain[api.List[api.AuditEntry]]{Body: list}, nil
}

func (d *door) version(ctx context.Context, _ *nothing) (*plain[api.Version], error) {
	t := visitorOf(ctx).token
	return &plain[api.Version]{Body: api.Version{Version: d.Version, API: "v1", Token: t.Name, Scope: string(t.Scope)}}, nil
}
