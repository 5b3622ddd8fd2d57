package statuspage_test

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.org/interlude/access"
	"example.org/interlude/statuspage"
)

// provider plays what providers for Terraform send: requests with a key in the header, bodies without a Content-Type, and a
// read after each of them.
type provider struct {
	*site
	server *httptest.Server
	key    string
	// scheme is the word before the key; form sends bodies as forms with Rails' brackets.
	scheme string
	form   bool
	// known are the ids of what was made, by the names that the transcript gives them.
	known map[string]string
}

// terraform is a provider whose key is recognised as the program recognises it.
func terraform(t *testing.T, scheme string, form bool) *provider {
	t.Helper()
	s := open(t)
	token, key, err := access.New(rand.Reader, "terraform", access.Administer, noon, "the tests")
	if err != nil {
		t.Fatal(err)
	}
	managed := (&statuspage.Management{
		Keeper: s.keeper, Board: s.board, Records: s.store, Points: s.store, Subscribers: s.store, Clock: s.clock,
		Log: slog.New(slog.DiscardHandler),
	}).Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if secret, err := access.FromHeader(r.Header.Get("Authorization")); err == nil && token.Matches(secret) {
			r = r.WithContext(access.WithToken(r.Context(), token))
		}
		managed.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	known := map[string]string{"page": s.page, "email": s.ids["Email"], "apis": s.ids["APIs"]}
	return &provider{site: s, server: server, key: key, scheme: scheme, form: form, known: known}
}

// step is one request of a transcript and what is wanted of the answer. {name} stands for the id of that name, in
// paths, bodies and answers.
type step struct {
	send string // "POST /pages/{page}/components"
	json string // the body; pairs is the same as a form
	pair string
	code int
	// keeps are the fields of the answer, as JSON; as names its id.
	keeps, as string
}

func (p *provider) play(steps ...step) {
	p.Helper()
	for _, s := range steps {
		method, path, _ := strings.Cut(p.filled(s.send), " ")
		body := p.filled(s.json)
		if p.form {
			body = p.filled(s.pair)
		}
		code, text := p.ask(method, path, body)
		if code != s.code {
			p.Fatalf("%s: got %d %s, want %d", s.send, code, text, s.code)
		}
		var got, want object
		if len(text) > 0 {
			if err := json.Unmarshal(text, &got); err != nil {
				p.Fatalf("%s: got %s: %v", s.send, text, err)
			}
		}
		if s.as != "" {
			p.known[s.as], _ = got["id"].(string)
		}
		if s.keeps != "" {
			if err := json.Unmarshal([]byte(p.filled(s.keeps)), &want); err != nil {
				p.Fatal(err)
			}
		}
		p.holds(s.send, got, want)
	}
}

func (p *provider) filled(text string) string {
	for name, id := range p.known {
		text = strings.ReplaceAll(text, "{"+name+"}", id)
	}
	return text
}

func (p *provider) ask(method, path, body string) (int, []byte) {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), method, p.server.URL+"/v1"+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Authorization", p.scheme+" "+p.key)
	if p.form {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := p.server.Client().Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.Fatal(err)
	}
	return answer.StatusCode, text
}

// inEachForm plays a transcript in each way in which providers send theirs.
func inEachForm(t *testing.T, transcript func(*provider)) {
	for name, way := range map[string]struct {
		scheme string
		form   bool
	}{"JSON without a type": {"OAuth", false}, "oauth in small letters": {"oauth", false}, "forms": {"Oauth", true}} {
		t.Run(name, func(t *testing.T) { transcript(terraform(t, way.scheme, way.form)) })
	}
}

func TestTerraformKeepsAComponent(t *testing.T) {
	const (
		first = `{"name": "Exports", "description": "Files by mail.", "status": "operational", "showcase": true, "only_show_if_degraded": false, "start_date": "2026-11-02", "group_id": null}`
		then  = `{"name": "Exports of files", "description": null, "status": "major_outage", "showcase": false, "only_show_if_degraded": true, "start_date": "2026-12-24", "group_id": null}`
		less  = `{"name": "Exports of files", "description": "Again.", "status": "operational", "showcase": false, "only_show_if_degraded": true, "start_date": "2026-12-24"}`
		one   = "/pages/{page}/components/{exports}"
	)
	inEachForm(t, func(p *provider) {
		p.play(
			step{
				send: "POST /pages/{page}/components", code: http.StatusCreated, keeps: first, as: "exports",
				json: `{"component": {"name": "Exports", "description": "Files by mail.", "showcase": true, "status": "operational", "only_show_if_degraded": false, "start_date": "2026-11-02"}}`,
				pair: "component[name]=Exports&component[description]=Files+by+mail.&component[showcase]=true&component[status]=operational&component[only_show_if_degraded]=false&component[start_date]=2026-11-02",
			},
			step{send: "GET " + one, code: http.StatusOK, keeps: first},
			step{
				send: "PATCH " + one, code: http.StatusOK, keeps: then,
				json: `{"component": {"name": "Exports of files", "description": "", "showcase": false, "status": "major_outage", "only_show_if_degraded": true, "start_date": "2026-12-24"}}`,
				pair: "component[name]=Exports+of+files&component[description]=&component[showcase]=false&component[status]=major_outage&component[only_show_if_degraded]=true&component[start_date]=2026-12-24",
			},
			step{send: "GET " + one, code: http.StatusOK, keeps: then},
			step{
				send: "PATCH " + one, code: http.StatusOK, keeps: less,
				json: `{"component": {"name": "Exports of files", "description": "Again.", "status": "operational"}}`,
				pair: "component[name]=Exports+of+files&component[description]=Again.&component[status]=operational",
			},
			step{send: "GET " + one, code: http.StatusOK, keeps: less},
			step{send: "DELETE " + one, code: http.StatusNoContent},
			step{send: "GET " + one, code: http.StatusNotFound, keeps: `{"error": "Component not found", "message": "Component not found"}`},
			step{send: "DELETE " + one, code: http.StatusNotFound, keeps: `{"error": "Component not found"}`},
		)
	})
}

func TestTerraformKeepsAGroup(t *testing.T) {
	const (
		first = `{"name": "Front", "description": "Acc. Tests", "components": ["{exports}", "{apis}"]}`
		then  = `{"name": "Front", "description": null, "components": ["{email}", "{exports}"]}`
		one   = "/pages/{page}/component-groups/{front}"
	)
	inEachForm(t, func(p *provider) {
		p.play(
			step{
				send: "POST /pages/{page}/components", code: http.StatusCreated, as: "exports",
				json: `{"component": {"name": "Exports", "description": "", "status": "operational", "showcase": true, "only_show_if_degraded": false}}`,
				pair: "component[name]=Exports&component[description]=&component[status]=operational",
			},
			step{
				send: "POST /pages/{page}/component-groups", code: http.StatusCreated, keeps: first, as: "front",
				json: `{"component_group": {"name": "Front", "description": "Acc. Tests", "components": ["{exports}", "{apis}"]}}`,
				pair: "component_group[name]=Front&component_group[description]=Acc.+Tests&component_group[components][]={exports}&component_group[components][]={apis}",
			},
			step{send: "GET " + one, code: http.StatusOK, keeps: first},
			step{send: "GET /pages/{page}/components/{exports}", code: http.StatusOK, keeps: `{"group_id": "{front}"}`},
			step{ // the component's own resource does not speak of its group
				send: "PATCH /pages/{page}/components/{exports}", code: http.StatusOK, keeps: `{"group_id": "{front}", "description": "Files."}`,
				json: `{"component": {"name": "Exports", "description": "Files.", "status": "operational", "showcase": true, "only_show_if_degraded": false}}`,
				pair: "component[name]=Exports&component[description]=Files.",
			},
			step{
				send: "PATCH " + one, code: http.StatusOK, keeps: then,
				json: `{"component_group": {"name": "Front", "components": ["{email}", "{exports}"]}, "description": ""}`,
				pair: "component_group[name]=Front&description=&component_group[components][]={email}&component_group[components][]={exports}",
			},
			step{send: "GET " + one, code: http.StatusOK, keeps: then},
			step{send: "GET /pages/{page}/components/{apis}", code: http.StatusOK, keeps: `{"group_id": null}`},
			step{send: "DELETE " + one, code: http.StatusOK, keeps: then},
			step{send: "GET " + one, code: http.StatusNotFound, keeps: `{"error": "Component group not found"}`},
			step{send: "GET /pages/{page}/components/{exports}", code: http.StatusOK, keeps: `{"group_id": null, "name": "Exports"}`},
		)
	})
}

func TestTerraformKeepsThePage(t *testing.T) {
	const is = `{"name": "Southwind", "domain": "status.southwind.example", "time_zone": "Europe/Berlin", "allow_sms_subscribers": false,
		"allow_email_subscribers": true, "branding": "basic", "viewers_must_be_team_members": false}`
	inEachForm(t, func(p *provider) {
		p.play(
			step{send: "GET /pages/{page}", code: http.StatusOK, keeps: `{"name": "Northwind", "time_zone": "UTC"}`},
			step{
				send: "PATCH /pages/{page}", code: http.StatusOK, keeps: is,
				json: `{"page": {"name": "Southwind", "domain": "status.southwind.example", "time_zone": "Europe/Berlin", "allow_sms_subscribers": false, "allow_email_subscribers": true, "branding": "basic"}}`,
				pair: "page[name]=Southwind&page[domain]=status.southwind.example&page[time_zone]=Europe%2FBerlin&page[allow_sms_subscribers]=false&page[allow_email_subscribers]=true&page[branding]=basic",
			},
			step{send: "GET /pages/{page}", code: http.StatusOK, keeps: is},
			step{
				send: "PATCH /pages/{page}", code: http.StatusUnprocessableEntity,
				json: `{"page": {"name": "Eastwind", "hidden_from_search": true}}`, pair: "page[name]=Eastwind&page[hidden_from_search]=true",
				keeps: `{"error": ["hidden_from_search cannot be set to another value than false: nothing on the page would follow it"]}`,
			},
			step{send: "GET /pages/{page}", code: http.StatusOK, keeps: is},
			step{send: "GET /pages/nothing", code: http.StatusNotFound, keeps: `{"error": "Page not found"}`},
		)
	})
}

func TestTerraformIsToldThatItsKeyIsWrong(t *testing.T) {
	p := terraform(t, "OAuth", false)
	p.key = "itl_wrong"
	p.play(
		step{send: "GET /pages/{page}", code: http.StatusUnauthorized, keeps: `{"error": "Could not authenticate"}`},
		step{send: "POST /pages/{page}/components", json: `{"component": {"name": "X"}}`, code: http.StatusUnauthorized, keeps: `{"error": "Could not authenticate"}`},
	)
	if n := len(p.board.Current().Components); n != 4 {
		t.Errorf("got %d components, want the four that were there", n)
	}
}
