package statuspage_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.org/interlude/statuspage"
)

// upstream plays Statuspage: it pages the lists of version 1 and asks for patience once.
type upstream struct {
	*httptest.Server
	asked  []string
	paused bool
}

func newUpstream(t *testing.T, incidents int) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.asked = append(u.asked, r.URL.String())
		if r.Header.Get("Authorization") != "OAuth key" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"Could not authenticate"}`)
			return
		}
		if !u.paused && strings.HasSuffix(r.URL.Path, "/components") {
			u.paused = true
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		u.answer(w, r, incidents)
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) answer(w http.ResponseWriter, r *http.Request, incidents int) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	switch path := strings.TrimPrefix(r.URL.Path, "/v1/pages"); {
	case path == "":
		fmt.Fprint(w, `[{"id":"p1","name":"Northwind"}]`)
	case path == "/p1":
		fmt.Fprint(w, `{"id":"p1","name":"Northwind","time_zone":"UTC","domain":"status.northwind.example"}`)
	case path == "/p1/incidents":
		var some []string
		for n := (page - 1) * 100; n < min(page*100, incidents); n++ {
			some = append(some, fmt.Sprintf(`{"id":"i%05d","name":"Outage %d","status":"resolved","impact":"none","incident_updates":[
				{"id":"u%d","status":"resolved","body":"Over.","display_at":"2020-01-01T00:00:00Z"}]}`, n, n, n))
		}
		fmt.Fprint(w, "["+strings.Join(some, ",")+"]")
	case path == "/p1/subscribers" && page == 0 && r.URL.Query().Get("state") == "active":
		fmt.Fprint(w, `[{"id":"s1","mode":"email","email":"ada@example.com"}]`)
	case path == "/p1/metrics":
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"error":"not in your plan"}`)
	default:
		fmt.Fprint(w, `[]`)
	}
}

func TestTheWholePastIsReadPageByPage(t *testing.T) {
	u := newUpstream(t, 250)
	var waited []time.Duration
	up := statuspage.Upstream{API: u.URL + "/v1", Key: "key", Wait: func(_ context.Context, d time.Duration) error {
		waited = append(waited, d)
		return nil
	}}
	from, err := up.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(waited, []time.Duration{7 * time.Second}) {
		t.Errorf("got the waits %v, want one of 7 seconds, as the server asked", waited)
	}
	if !slices.Contains(u.asked, "/v1/pages/p1/subscribers?limit=100&state=active&page=0") || !slices.Contains(u.asked, "/v1/pages/p1/incidents?limit=100&page=4") {
		t.Errorf("got %v, want subscribers from page 0 and incidents to the empty page 4", u.asked)
	}
	found, err := statuspage.Import(from, statuspage.Present{}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if got := found.Report.Brought["incident"]; got != 250 {
		t.Errorf("got %d incidents, want 250", got)
	}
	if len(found.Extras.Subscribers) != 1 || !strings.Contains(lines(found.Report.NotCarried), "metrics: cannot be read there: "+u.URL+"/v1/pages/p1/metrics?per_page=100&page=1: answers 403 Forbidden: not in your plan") {
		t.Errorf("got %v and %s", found.Extras.Subscribers, lines(found.Report.NotCarried))
	}
}

func TestWhatCannotBeReadIsSaidInWords(t *testing.T) {
	summary := `{"page":{"id":"p","name":"N"},"components":[],"incidents":[],"scheduled_maintenances":[]}`
	for name, c := range map[string]struct {
		path string
		send func(http.ResponseWriter, *http.Request)
		says string
	}{
		"too much": {"/api/v2/incidents.json", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"incidents":["`+strings.Repeat("x", 10<<20)+`"]}`)
		}, "/api/v2/incidents.json: is larger than 8 MiB, more than any page of a list"},
		"a page": {"/api/v2/summary.json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<!doctype html><title>x</title>") }, "/api/v2/summary.json: is a page of HTML, and JSON is expected: the address must be that of the status page itself"},
		"a wrong type": {"/api/v2/incidents.json", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"incidents":[{"id":"a","name":"b","scheduled_for":"tomorrow"}]}`)
		}, "/api/v2/incidents.json: incidents[0]: scheduled_for must be a time such as 2027-01-15T06:00:00Z"},
		"another list":   {"/api/v2/components.json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"components":{}}`) }, `/api/v2/components.json: must be a list, or an object with the list "components"`},
		"a cut":          {"/api/v2/components.json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"components":[{"id":"a"`) }, "/api/v2/components.json: is cut off: its JSON ends in the middle; read or save it again"},
		"nothing":        {"/api/v2/components.json", func(http.ResponseWriter, *http.Request) {}, "/api/v2/components.json: is empty, and JSON is expected"},
		"a circle":       {"/api/v2/summary.json", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "/api/v2/summary.json: cannot be read: redirected more than 10 times, in a circle"},
		"another site":   {"/api/v2/summary.json", http.NotFound, "/api/v2/summary.json: answers 404 Not Found: the address must be that of a status page, such as https://status.example.com"},
		"a nameless one": {"/api/v2/summary.json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"page":{"id":"p"}}`) }, `the page has no name: summary.json must hold "page" with its name`},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == c.path:
					c.send(w, r)
				case strings.HasSuffix(r.URL.Path, "/summary.json"):
					fmt.Fprint(w, summary)
				default:
					fmt.Fprint(w, `{"components":[],"incidents":[],"scheduled_maintenances":[]}`)
				}
			}))
			defer server.Close()
			from, err := statuspage.Upstream{Address: server.URL}.Read(t.Context())
			if err == nil {
				_, err = statuspage.Import(from, statuspage.Present{}, noon)
			}
			if err == nil || strings.TrimPrefix(err.Error(), server.URL) != c.says {
				t.Errorf("got %v, want %s", err, c.says)
			}
		})
	}
}

func TestTheKeyStaysWithTheAPI(t *testing.T) {
	told := ""
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told += r.Header.Get("Authorization") + "!" }))
	defer thief.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL+r.URL.Path, http.StatusFound)
	}))
	defer server.Close()
	_, err := statuspage.Upstream{API: server.URL, Key: "key", Page: "p"}.Read(t.Context())
	want := server.URL + "/pages/p: cannot be read: redirected to " + strings.TrimPrefix(thief.URL, "http://") + ", where the key does not go"
	if err == nil || err.Error() != want || told != "" {
		t.Errorf("got %v, and the other server was asked with %q, want %s", err, told, want)
	}
}

func TestAListThatRepeatsItselfEnds(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/components") {
			fmt.Fprint(w, `[{"id":"c1","name":"One"}]`)
			return
		}
		fmt.Fprint(w, `{"id":"p","name":"N"}`)
	}))
	defer server.Close()
	_, err := statuspage.Upstream{API: server.URL, Key: "key", Page: "p"}.Read(t.Context())
	if err == nil || !strings.HasSuffix(err.Error(), "page=2: repeats an earlier page, so that nobody can tell where the list ends") {
		t.Errorf("got %v", err)
	}
}
