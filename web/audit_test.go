package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// entries are the audit log, the latest first.
func (h *house) entries() []api.AuditEntry {
	h.t.Helper()
	list, err := h.as(access.Administer).Audit(h.t.Context(), api.AuditFilter{Limit: api.LargestLimit})
	if err != nil {
		h.t.Fatal(err)
	}
	return list.Items
}

// deed is how an operation is asked for something that it does, and what that changes.
type deed struct {
	// stage readies the house.
	stage func(*house)
	path  string
	body  string
	// kinds are the kinds of what is changed, in their order.
	kinds []status.Kind
}

// moved makes a stage that plans the upgrade and takes it through acts at its start.
func moved(acts ...string) func(*house) {
	return func(h *house) {
		m := h.plan()
		h.clock.Set(m.Window.Start)
		for _, act := range acts {
			if got := h.exchange(http.MethodPost, "/maintenances/upgrade/"+act, h.tokens[access.Operate], `{}`); got != "200" {
				h.t.Fatalf("%s: got %s", act, got)
			}
		}
	}
}

var one = []status.Kind{status.KindMaintenance}

const (
	aWindow  = `"window": {"start": "2027-02-01T06:00:00Z", "end": "2027-02-01T07:00:00Z"}`
	untilTen = `{"until": "2027-01-15T10:00:00Z"}`
)

// deeds has one for each operation that changes something.
var deeds = map[string]deed{
	"apply":                {func(*house) {}, "/apply", `{"documents": [{"maintenance": {"title": "x", ` + aWindow + `}}]}`, one},
	"set-component":        {func(*house) {}, "/components/APIs", `{"status": "partial_outage"}`, []status.Kind{status.KindComponent}},
	"create-maintenance":   {func(*house) {}, "/maintenances", `{"title": "x", ` + aWindow + `}`, one},
	"revise-maintenance":   {moved(), "/maintenances/upgrade", `{"document": {"title": "x", "window": {"start": "2027-01-15T06:00:00Z", "end": "2027-01-15T07:00:00Z"}}}`, one},
	"begin-maintenance":    {moved(), "/maintenances/upgrade/begin", `{}`, one},
	"verify-maintenance":   {moved("begin"), "/maintenances/upgrade/verify", `{}`, one},
	"complete-maintenance": {moved("begin"), "/maintenances/upgrade/complete", `{}`, one},
	"cancel-maintenance":   {moved(), "/maintenances/upgrade/cancel", `{}`, one},
	"reopen-maintenance":   {moved("begin", "complete"), "/maintenances/upgrade/reopen", `{}`, one},
	"post-maintenance":     {moved(), "/maintenances/upgrade/post", `{"body": "Soon."}`, one},
	"extend-maintenance":   {moved("begin"), "/maintenances/upgrade/extend", untilTen, one},
	"estimate-maintenance": {moved("begin"), "/maintenances/upgrade/estimate", untilTen, one},
	"open-work":            {moved("begin"), "/maintenances/upgrade/work", `{"what": "step", "name": "x"}`, one},
	"close-work": {func(h *house) {
		moved("begin")(h)
		h.exchange(http.MethodPost, "/maintenances/upgrade/work", h.tokens[access.Operate], `{"what": "step", "name": "x"}`)
	}, "/maintenances/upgrade/work/close", `{"what": "step", "name": "x"}`, one},
	"open-interruption":   {moved("begin"), "/maintenances/upgrade/interruptions", `{"flows": ["api"]}`, one},
	"close-interruption":  {interrupted, "/maintenances/upgrade/interruptions/{open}/close", `{}`, one},
	"extend-interruption": {interrupted, "/maintenances/upgrade/interruptions/{open}/extend", `{"at_most": "1h"}`, one},
	"end-series": {func(h *house) {
		d := upgrade()
		d.Recurrence = &status.Recurrence{Rule: "FREQ=WEEKLY"}
		if _, err := h.as(access.Operate).CreateMaintenance(h.t.Context(), d); err != nil {
			h.t.Fatal(err)
		}
	}, "/series/upgrade/end", `{}`, []status.Kind{status.KindSeries}},
	"create-incident": {func(*house) {}, "/incidents", `{"title": "Down"}`, []status.Kind{status.KindIncident}},
	"post-incident": {func(h *house) {
		h.exchange(http.MethodPost, "/incidents", h.tokens[access.Operate], `{"key": "down", "title": "Down"}`)
	}, "/incidents/down/post", `{"body": "Still."}`, []status.Kind{status.KindIncident}},
	"retry-notice":          {moved(), "/notices/1/retry", ``, []status.Kind{"notice"}},
	"test-notice":           {func(h *house) { h.door.Notices = desk{} }, "/notices/test", `{"address": "ada@example.com"}`, nil},
	"create-subscriber":     {func(*house) {}, "/subscribers", `{"address": "ada@example.com"}`, []status.Kind{"subscriber"}},
	"create-subscribers":    {func(*house) {}, "/subscribers/import", `{"subscribers": [{"address": "ada@example.com"}]}`, []status.Kind{"subscriber"}},
	"change-subscriber":     {enrolled(notify.Active), "/subscribers/ada", `{"zone": "Europe/Berlin"}`, []status.Kind{"subscriber"}},
	"remove-subscriber":     {enrolled(notify.Active), "/subscribers/ada", ``, []status.Kind{"subscriber"}},
	"reactivate-subscriber": {enrolled(notify.Quarantined), "/subscribers/ada/reactivate", ``, []status.Kind{"subscriber"}},
	"resend-confirmation":   {enrolled(notify.Unconfirmed), "/subscribers/ada/resend", ``, []status.Kind{"subscriber"}},
	"create-token":          {func(*house) {}, "/tokens", `{"name": "pipeline", "scope": "read"}`, []status.Kind{"token"}},
	"revoke-token":          {func(*house) {}, "/tokens/{spare}", ``, []status.Kind{"token"}},
}

// interrupted is a stage on which an interruption is open.
func interrupted(h *house) {
	moved("begin")(h)
	h.exchange(http.MethodPost, "/maintenances/upgrade/interruptions", h.tokens[access.Operate], `{"flows": ["api"]}`)
}

// openInterruption is the id of the upgrade's interruption, or nothing.
func (h *house) openInterruption() string {
	m, there := h.door.Board.Current().Maintenance("upgrade")
	if !there || len(m.Interruptions) == 0 {
		return ""
	}
	return m.Interruptions[0].ID
}

// changingNothing are operations that only ask, or by which a gate tells what it found, although their method is that of a
// change.
var changingNothing = []string{"preview-notice", "tell-gate-state", "tell-outcomes"}

func TestEveryChangeLeavesOneEntryAndARefusedOneNone(t *testing.T) {
	for _, op := range operations(t) {
		if safe(op.Method) || slices.Contains(changingNothing, op.OperationID) {
			continue
		}
		t.Run(op.OperationID, func(t *testing.T) {
			d, known := deeds[op.OperationID]
			if !known {
				t.Fatalf("no deed is given for %s %s; add one to the table above", op.Method, op.Path)
			}
			h := newHouse(t).furnish()
			d.stage(h)
			spare, _, err := access.New(zeroes{}, "spare", access.Read, noon, "the tests")
			if err == nil {
				err = h.store.AddToken(t.Context(), spare)
			}
			if err != nil {
				t.Fatal(err)
			}
			path := strings.NewReplacer("{spare}", spare.ID, "{open}", h.openInterruption()).Replace(d.path)
			before := h.entries()
			for _, c := range []struct{ path, body string }{{path, `{"nonsense": 1}`}, {path + "x", d.body}} {
				if op.Method == http.MethodDelete && c.path == path {
					continue // it reads no body
				}
				if got := h.exchange(op.Method, c.path, h.tokens[access.Administer], c.body); !strings.HasPrefix(got, "4") {
					t.Errorf("%s %s: got %s, want a refusal", c.path, c.body, got)
				}
			}
			if got := h.entries(); len(got) != len(before) {
				t.Errorf("got the entry %+v for what was refused, want none", got[0])
			}
			answer, text := h.ask(op.Method, api.Prefix+path, h.tokens[access.Administer], d.body)
			if answer.StatusCode >= 300 {
				t.Fatalf("got %d %s, want it done", answer.StatusCode, text)
			}
			after := h.entries()
			if len(after) != len(before)+1 {
				t.Fatalf("got %d new entries, want 1", len(after)-len(before))
			}
			checkEntry(t, after[0], op.OperationID, answer.Header.Get("X-Request-Id"), d.kinds)
			if after[0].N != int64(len(after)) || !after[0].At.Equal(h.clock.Now()) {
				t.Errorf("got entry %d of %s, want %d of %s", after[0].N, after[0].At, len(after), h.clock.Now())
			}
		})
	}
}

func checkEntry(t *testing.T, e api.AuditEntry, operation, request string, kinds []status.Kind) {
	t.Helper()
	if e.Operation != operation || e.Request != request || e.Name != "administer token" || e.Token == "" || e.Client != "127.0.0.1" {
		t.Errorf("got %+v, want the %s of request %s by the administer token from 127.0.0.1", e, operation, request)
	}
	var got []status.Kind
	for _, s := range e.Subjects {
		got = append(got, s.Kind)
		if s.ID == "" {
			t.Errorf("got %+v, want each subject with its id", e.Subjects)
		}
	}
	if !slices.Equal(got, kinds) {
		t.Errorf("got subjects %+v, want %v", e.Subjects, kinds)
	}
}

// zeroes is randomness for a token that nobody uses.
type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestWhatTheClockDoesIsNoRequest(t *testing.T) {
	h := newHouse(t).furnish()
	m := h.plan()
	before := len(h.entries())
	h.clock.Set(m.Window.Start)
	if _, err := h.door.Keeper.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.door.Board.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if begun, err := h.as(access.Read).Maintenance(t.Context(), m.ID); err != nil || begun.State != status.InProgress {
		t.Fatalf("got it %s and %v, want that the clock began it", begun.State, err)
	}
	if got := len(h.entries()); got != before {
		t.Errorf("got %d entries, want %d as before", got, before)
	}
}

func TestTheAuditLogComesInPagesAndIsAdministrators(t *testing.T) {
	h := newHouse(t).furnish()
	for n := range 6 {
		h.exchange(http.MethodPost, "/incidents", h.tokens[access.Operate], fmt.Sprintf(`{"title": "Down %d"}`, n))
	}
	whole := h.entries()
	if len(whole) != 7 || whole[6].Operation != "apply" || whole[6].N != 1 {
		t.Fatalf("got %+v, want six incidents after the page", whole)
	}
	var numbers []int64
	for cursor := ""; ; {
		some, err := h.as(access.Administer).Audit(t.Context(), api.AuditFilter{Limit: 2, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range some.Items {
			numbers = append(numbers, e.N)
		}
		if cursor = some.Next; cursor == "" {
			break
		}
	}
	if want := []int64{7, 6, 5, 4, 3, 2, 1}; !slices.Equal(numbers, want) {
		t.Errorf("got entries %v, want %v", numbers, want)
	}
	for _, cursor := range []string{"x", "0", "-1", "1.5"} {
		if got, want := h.exchange(http.MethodGet, "/audit?cursor="+cursor, h.tokens[access.Administer], ""), "422 invalid: cursor must be next of an earlier page [cursor]"; got != want {
			t.Errorf("cursor %s: got %s, want %s", cursor, got, want)
		}
	}
	if got := h.exchange(http.MethodGet, "/audit", h.tokens[access.Operate], ""); !strings.HasPrefix(got, "403 forbidden: list-audit needs a token of scope administer") {
		t.Errorf("got %s, want that only an administrator reads it", got)
	}
}

func TestTheClientsAddressIsTheProxysWordOnlyBehindOne(t *testing.T) {
	for _, c := range []struct {
		secure bool
		remote string
		said   []string
		want   string
	}{
		{false, "192.0.2.1:1234", nil, "192.0.2.1"},
		{false, "192.0.2.1:1234", []string{"203.0.113.7"}, "192.0.2.1"},
		{true, "192.0.2.1:1234", nil, "192.0.2.1"},
		{true, "192.0.2.1:1234", []string{"203.0.113.7"}, "203.0.113.7"},
		{true, "192.0.2.1:1234", []string{"10.0.0.1, 203.0.113.7"}, "203.0.113.7"},
		{true, "192.0.2.1:1234", []string{"10.0.0.1", "10.0.0.2,203.0.113.7:99"}, "203.0.113.7"},
		{true, "192.0.2.1:1234", []string{"[2001:db8::1]:99"}, "2001:db8::1"},
		{true, "192.0.2.1:1234", []string{"2001:db8::1"}, "2001:db8::1"},
		{true, "192.0.2.1:1234", []string{"<script>"}, "192.0.2.1"},
		{true, "192.0.2.1:1234", []string{"203.0.113.7, "}, "192.0.2.1"},
		{false, "[2001:db8::1%eth0]:99", nil, "2001:db8::1"},
		{false, "[::ffff:192.0.2.1]:99", nil, "192.0.2.1"},
		{false, "@", nil, "unknown"},
	} {
		d := &door{Server: Server{Secure: c.secure}}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		for _, s := range c.said {
			r.Header.Add("X-Forwarded-For", s)
		}
		if got := d.ClientOf(r); got != c.want {
			t.Errorf("secure %v, from %s, X-Forwarded-For %q: got %s, want %s", c.secure, c.remote, c.said, got, c.want)
		}
	}
}

func TestAClientThatHasTheVersionIsToldSo(t *testing.T) {
	h := newHouse(t).furnish()
	h.plan()
	const path = api.Prefix + "/maintenances/upgrade"
	for tags, want := range map[string]int{
		`"v1"`: http.StatusNotModified, `W/"v1"`: http.StatusNotModified, `"v0", "v1"`: http.StatusNotModified, `*`: http.StatusNotModified,
		`"v2"`: http.StatusOK, `v1`: http.StatusOK, `"`: http.StatusOK,
	} {
		answer, text := h.ask(http.MethodGet, path, h.tokens[access.Read], "", "If-None-Match", tags)
		if answer.StatusCode != want || answer.Header.Get("ETag") != `"v1"` || (text == "") != (want == http.StatusNotModified) {
			t.Errorf("If-None-Match %s: got %d, ETag %s and %d bytes, want %d", tags, answer.StatusCode, answer.Header.Get("ETag"), len(text), want)
		}
	}
	h.exchange(http.MethodPost, "/maintenances/upgrade/post", h.tokens[access.Operate], `{"body": "Soon."}`)
	if answer, _ := h.ask(http.MethodGet, path, h.tokens[access.Read], "", "If-None-Match", `"v1"`); answer.StatusCode != http.StatusOK {
		t.Errorf("after a change: got %d, want 200", answer.StatusCode)
	}
	// What the page says of its status has no version, so it is told each time.
	if answer, _ := h.ask(http.MethodGet, api.Prefix+"/page", h.tokens[access.Read], "", "If-None-Match", `"v1"`); answer.StatusCode != http.StatusOK {
		t.Errorf("the page: got %d, want 200", answer.StatusCode)
	}
	if got := h.exchange(http.MethodGet, "/maintenances/nope", h.tokens[access.Read], "", "If-None-Match", "*"); !strings.HasPrefix(got, "404") {
		t.Errorf("what is not there: got %s, want 404", got)
	}
}
