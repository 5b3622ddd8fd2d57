package statuspage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Upstream is a page on the network that is to be read. Address or Key is needed.
type Upstream struct {
	// Address is that of the page itself, such as https://status.example.com: version 2 is read from it.
	Address string
	// API is that of the management API, Key a secret that it knows, and Page the page's identifier, which may be left out
	// when the address is given, or when the key knows one page only. The key is sent nowhere else.
	API, Key, Page string
	// HTTP does the requests; nil is http.DefaultClient. Its redirect policy is not used.
	HTTP *http.Client
	// UserAgent names the program that asks.
	UserAgent string
	// Wait lets a time pass before a request is repeated; nil waits by the machine's clock.
	Wait func(context.Context, time.Duration) error
}

// Bounds of what is read, so that nothing that answers can keep us busy for ever.
const (
	largestAnswer  = 8 << 20
	mostPages      = 10_000
	mostAttempts   = 6
	mostRedirects  = 10
	longestWait    = 2 * time.Minute
	answerPatience = 30 * time.Second
	pageSize       = "100"
)

// The documents of version 2, by their path. Those that are optional show what the others hold too, in small.
var readDocuments = []struct {
	path     string
	kind     PartKind
	optional bool
}{
	{"summary", PartSummary, false},
	{"components", PartComponents, false},
	{"incidents", PartIncidents, false},
	{"scheduled-maintenances", PartMaintenances, false},
	{"incidents/unresolved", PartIncidents, true},
	{"scheduled-maintenances/upcoming", PartMaintenances, true},
	{"scheduled-maintenances/active", PartMaintenances, true},
}

// The lists of version 1. Those that are optional are not part of every plan.
var readLists = []struct {
	path, query, state string
	kind               PartKind
	first              int // the number of the first page
	optional           bool
}{
	{"components", "per_page=" + pageSize, "", PartManagedComponents, 1, false},
	{"component-groups", "per_page=" + pageSize, "", PartGroups, 1, false},
	{"incidents", "limit=" + pageSize, "", PartManagedIncidents, 1, false},
	{"subscribers", "limit=" + pageSize + "&state=active", "active", PartSubscribers, 0, true},
	{"subscribers", "limit=" + pageSize + "&state=unconfirmed", "unconfirmed", PartSubscribers, 0, true},
	{"subscribers", "limit=" + pageSize + "&state=quarantined", "quarantined", PartSubscribers, 0, true},
	{"incident_templates", "per_page=" + pageSize, "", PartTemplates, 1, true},
	{"metrics", "per_page=" + pageSize, "", PartMetrics, 1, true},
}

// Read reads the page: version 2 from its address, or version 1 with a key.
func (u Upstream) Read(ctx context.Context) (Source, error) {
	from := Source{From: cmp.Or(u.Address, u.API)}
	if u.Address != "" {
		if err := u.readPublic(ctx, &from); err != nil {
			return from, err
		}
	}
	if u.Key == "" {
		return from, nil
	}
	if err := u.readManaged(ctx, &from); err != nil {
		return from, err
	}
	return from, nil
}

func (u Upstream) readPublic(ctx context.Context, from *Source) error {
	base := strings.TrimSuffix(u.Address, "/")
	for _, d := range readDocuments {
		if u.Key != "" && d.kind != PartSummary {
			continue // version 1 has all of it, and more
		}
		name := base + "/api/v2/" + d.path + ".json"
		data, err := u.get(ctx, name, false)
		var refused *refusal
		switch {
		case errors.As(err, &refused) && d.optional:
			continue
		case errors.As(err, &refused) && refused.code == http.StatusNotFound:
			return fmt.Errorf("%w: the address must be that of a status page, such as https://status.example.com", err)
		case err != nil:
			return err
		}
		from.Parts = append(from.Parts, Part{Kind: d.kind, Name: name, Data: data})
	}
	return nil
}

func (u Upstream) readManaged(ctx context.Context, from *Source) error {
	id, err := u.pageID(ctx, *from)
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(u.API, "/") + "/pages/" + url.PathEscape(id)
	data, err := u.get(ctx, base, true)
	if err != nil {
		return err
	}
	from.Parts = append(from.Parts, Part{Kind: PartManagedPage, Name: base, Data: data})
	for _, list := range readLists {
		parts, err := u.list(ctx, base+"/"+list.path+"?"+list.query, list.first)
		var refused *refusal
		if errors.As(err, &refused) && list.optional && refused.code != http.StatusUnauthorized {
			from.Unread = append(from.Unread, Note{Kind: list.path, Name: list.state, What: "cannot be read there: " + err.Error()})
			continue
		}
		if err != nil {
			return err
		}
		for n := range parts {
			parts[n].Kind, parts[n].State = list.kind, list.state
		}
		from.Parts = append(from.Parts, parts...)
	}
	return nil
}

// pageID is the page's identifier: the given one, that of version 2, or that of the only page that the key knows.
func (u Upstream) pageID(ctx context.Context, from Source) (string, error) {
	if u.Page != "" {
		return u.Page, nil
	}
	if len(from.Parts) > 0 {
		o, err := readOther(from.Parts)
		if err == nil && given(o.v2.ID) != "" {
			return given(o.v2.ID), nil
		}
	}
	name := strings.TrimSuffix(u.API, "/") + "/pages"
	data, err := u.get(ctx, name, true)
	if err != nil {
		return "", err
	}
	var pages []struct{ ID, Name string }
	if err := json.Unmarshal(data, &pages); err != nil {
		return "", fmt.Errorf("%s: must be a list of pages: %w", name, err)
	}
	switch len(pages) {
	case 0:
		return "", fmt.Errorf("%s: the key knows no page", name)
	case 1:
		return pages[0].ID, nil
	}
	all := make([]string, len(pages))
	for i, p := range pages {
		all[i] = p.ID + " (" + oneLine(p.Name) + ")"
	}
	return "", fmt.Errorf("%s: the key knows several pages, of which --page has to name one: %s", name, strings.Join(all, ", "))
}

// list reads the pages of a list until an empty one, for a short one need not be the last.
func (u Upstream) list(ctx context.Context, address string, first int) ([]Part, error) {
	var parts []Part
	seen := make(map[string]bool)
	for n := range mostPages {
		name := fmt.Sprintf("%s&page=%d", address, first+n)
		data, err := u.get(ctx, name, true)
		if err != nil {
			return nil, err
		}
		values, err := Part{Name: name, Data: data}.values()
		if err != nil {
			return nil, err
		}
		list, isList := values[0].([]any)
		if !isList {
			return nil, fmt.Errorf("%s: must be a list", name)
		}
		if len(list) == 0 {
			return parts, nil
		}
		fresh := false
		for _, one := range list {
			object, _ := one.(fields)
			id, _ := object["id"].(string)
			fresh = fresh || !seen[id] || id == ""
			seen[id] = true
		}
		if !fresh {
			return nil, fmt.Errorf("%s: repeats an earlier page, so that nobody can tell where the list ends", name)
		}
		parts = append(parts, Part{Name: name, Data: data})
	}
	return nil, fmt.Errorf("%s: has more than %d pages", address, mostPages)
}

// refusal is an answer other than success.
type refusal struct {
	name string
	code int
	text string
}

// Error says what the server said, and for a key what would be right.
func (r *refusal) Error() string {
	said := fmt.Sprintf("%s: answers %d %s", r.name, r.code, http.StatusText(r.code))
	if r.text != "" {
		said += ": " + r.text
	}
	if r.code == http.StatusUnauthorized {
		said += "; --key must be a key of the management API"
	}
	return said
}

// get reads a document, again and again while the server asks for patience.
func (u Upstream) get(ctx context.Context, name string, managed bool) ([]byte, error) {
	for attempt := 1; ; attempt++ {
		data, wait, err := u.once(ctx, name, managed, attempt)
		if err == nil || wait == 0 || attempt == mostAttempts {
			return data, err
		}
		if wait > longestWait {
			return nil, fmt.Errorf("%w; it asks to be left alone for %s, so try again then", err, wait)
		}
		pause := u.Wait
		if pause == nil {
			pause = waitFor
		}
		if err := pause(ctx, wait); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}

func waitFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// once asks once. wait is how long to wait before asking again, 0 when that is of no use.
func (u Upstream) once(ctx context.Context, name string, managed bool, attempt int) (data []byte, wait time.Duration, err error) {
	ctx, stop := context.WithTimeout(ctx, answerPatience)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, name, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: is no address that can be read: %w", name, err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", cmp.Or(u.UserAgent, "interlude"))
	if managed {
		r.Header.Set("Authorization", "OAuth "+u.Key)
	}
	answer, err := u.client(managed).Do(r)
	backoff := time.Second << (attempt - 1)
	if err != nil {
		var broken *url.Error
		if errors.As(err, &broken) {
			err = broken.Err
		}
		dialing := new(net.OpError)
		if errors.Is(err, errRedirected) || errors.As(err, &dialing) && dialing.Op == "dial" {
			backoff = 0 // an address that is wrong stays wrong
		}
		return nil, backoff, fmt.Errorf("%s: cannot be read: %w", name, err)
	}
	defer answer.Body.Close()
	data, err = io.ReadAll(io.LimitReader(answer.Body, largestAnswer+1))
	switch {
	case err != nil:
		return nil, backoff, fmt.Errorf("%s: breaks off: %w", name, err)
	case len(data) > largestAnswer:
		return nil, 0, fmt.Errorf("%s: is larger than %d MiB, more than any page of a list", name, largestAnswer>>20)
	case answer.StatusCode == http.StatusOK:
		return data, 0, nil
	}
	refused := &refusal{name, answer.StatusCode, sentenceIn(data)}
	switch {
	case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode == 420, answer.StatusCode >= 500:
		return nil, retryAfter(answer, backoff), refused
	}
	return nil, 0, refused
}

// sentenceIn is what a server says went wrong, in either of the forms that Statuspage has.
func sentenceIn(data []byte) string {
	var body struct {
		Error   any `json:"error"`
		Message any `json:"message"`
	}
	if json.Unmarshal(data, &body) != nil {
		return ""
	}
	switch v := cmp.Or(body.Error, body.Message).(type) {
	case string:
		return strings.Trim(short(v), `"`)
	case nil:
		return ""
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return strings.Trim(short(string(text)), `"`)
	}
}

// retryAfter is how long the server asks to be left alone (RFC 9110, 10.2.3).
func retryAfter(answer *http.Response, otherwise time.Duration) time.Duration {
	header := answer.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(header); err == nil && seconds >= 0 {
		return max(time.Duration(min(seconds, 1<<20))*time.Second, time.Millisecond)
	}
	when, err := http.ParseTime(header)
	now, err2 := http.ParseTime(answer.Header.Get("Date"))
	if err == nil && err2 == nil && when.After(now) {
		return when.Sub(now)
	}
	return otherwise
}

// errRedirected says that a redirect was not followed.
var errRedirected = errors.New("redirected")

// client follows redirects of public documents, and with a key only those that stay where the key may go.
func (u Upstream) client(managed bool) *http.Client {
	client := http.Client{}
	if u.HTTP != nil {
		client = *u.HTTP
	}
	client.CheckRedirect = func(next *http.Request, before []*http.Request) error {
		switch first := before[0].URL; {
		case len(before) >= mostRedirects:
			return fmt.Errorf("%w more than %d times, in a circle", errRedirected, mostRedirects)
		case managed && (next.URL.Host != first.Host || next.URL.Scheme != first.Scheme):
			return fmt.Errorf("%w to %s, where the key does not go", errRedirected, next.URL.Host)
		}
		return nil
	}
	return &client
}
