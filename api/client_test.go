package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.org/interlude/status"
)

func TestARequestCarriesWhatItShould(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		for name, c := range map[string]struct{ got, want string }{
			"request": {r.Method + " " + r.URL.EscapedPath(), "POST /below/api/native/v1/maintenances/a%2Fb%20c/post"},
			"token":   {r.Header.Get("Authorization"), "Bearer itl_secret"},
			"program": {r.UserAgent(), "gate/1"},
			"version": {r.Header.Get("If-Match"), `"v3"`},
			"type":    {r.Header.Get("Content-Type"), "application/json"},
			"body":    {string(body), `{"body":"Halfway."}`},
		} {
			if c.got != c.want {
				t.Errorf("%s: got %s, want %s", name, c.got, c.want)
			}
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, `{"id": "m1", "version": 4, "news": "of a later server"}`)
	}))
	defer server.Close()
	c := &Client{Server: server.URL + "/below/", Token: "itl_secret", UserAgent: "gate/1"}
	m, err := c.PostMaintenance(t.Context(), "a/b c", Act{Body: "Halfway.", Version: 3})
	if err != nil || m.ID != "m1" || m.Version != 4 {
		t.Errorf("got %+v and %v, want the maintenance", m, err)
	}
}

func TestATokenDoesNotFollowARedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request went elsewhere, with Authorization: %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	_, err := (&Client{Server: server.URL, Token: "itl_secret"}).Page(t.Context())
	var foreign *Foreign
	if !errors.As(err, &foreign) || foreign.Status != http.StatusTemporaryRedirect || foreign.Location != elsewhere.URL {
		t.Fatalf("got %v, want where it redirects to", err)
	}
	if want := "it redirects to " + elsewhere.URL + ". If that is the server, give its address instead"; !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %s, want it to end %q", err, want)
	}
}

func TestWhatIsNoAddressOfAServerIsRefused(t *testing.T) {
	for _, server := range []string{
		"", "status.example.com", "ftp://status.example.com", "https://", "https://me:secret@status.example.com",
		"https://status.example.com/?page=1", "https://status.example.com/#top", "https://status example.com", "http://[::1", "localhost:8080", "127.0.0.1:8080", "me:secret@localhost:8080",
	} {
		_, err := (&Client{Server: server}).Page(t.Context())
		var invalid *status.Invalid
		if !errors.Is(err, ErrAddress) || !errors.As(err, &invalid) || invalid.Field != "server" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v, want that the server is no address, without its password", server, err)
		}
	}
	for _, server := range []string{"https://status.example.com", "http://localhost:8080/", "http://[::1]:80/below"} {
		if err := CheckServer(server); err != nil {
			t.Errorf("%q: got %v, want no error", server, err)
		}
	}
}

func TestAReferenceCannotBecomeAnotherPath(t *testing.T) {
	for _, ref := range []string{"", ".", ".."} {
		if _, err := (&Client{Server: "http://localhost"}).Maintenance(t.Context(), ref); err == nil || !strings.Contains(err.Error(), "is no id or key") {
			t.Errorf("%q: got %v, want a refusal", ref, err)
		}
	}
}

// flaky is a transport that breaks the first attempts, and notes the idempotency keys of all.
type flaky struct {
	breaks int
	keys   []string
}

func (f *flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	f.keys = append(f.keys, r.Header.Get("Idempotency-Key"))
	if len(f.keys) <= f.breaks {
		return nil, errors.New("connection refused")
	}
	recorder := httptest.NewRecorder()
	recorder.Header().Set("Content-Type", "application/json")
	_, _ = recorder.WriteString(`{"items": []}`)
	return recorder.Result(), nil
}

func TestWhatTheServerCanTellApartIsRepeated(t *testing.T) {
	read := func(ctx context.Context, c *Client) error { _, err := c.Components(ctx); return err }
	write := func(ctx context.Context, c *Client) error {
		_, err := c.CreateIncident(ctx, status.IncidentDraft{Title: "x"})
		return err
	}
	secret := func(ctx context.Context, c *Client) error {
		_, err := c.CreateToken(ctx, TokenRequest{Name: "x"})
		return err
	}
	for _, c := range []struct {
		name     string
		breaks   int
		do       func(context.Context, *Client) error
		attempts int
		fails    bool
	}{
		{"a read that breaks twice", 2, read, 3, false},
		{"a read that keeps breaking", 9, read, 3, true},
		{"a write that breaks once", 1, write, 2, false},
		{"a write that keeps breaking", 9, write, 2, true},
		{"a secret that is lost", 1, secret, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := &flaky{breaks: c.breaks}
				err := c.do(t.Context(), &Client{Server: "http://status.example", HTTP: &http.Client{Transport: transport}})
				var broken *Unreachable
				if got := errors.As(err, &broken); got != c.fails {
					t.Errorf("got %v, want failure %t", err, c.fails)
				}
				if got := len(transport.keys); got != c.attempts {
					t.Errorf("got %d attempts, want %d", got, c.attempts)
				}
				if want := "server not reachable at http://status.example: connection refused"; c.fails && err.Error() != want {
					t.Errorf("got %s, want %s", err, want)
				}
			})
		})
	}
}

func TestARepetitionHasTheKeyOfItsWriteAndAnotherWriteAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &flaky{breaks: 1}
		c := &Client{Server: "http://status.example", HTTP: &http.Client{Transport: transport}}
		for range 2 {
			if _, err := c.CreateIncident(t.Context(), status.IncidentDraft{Title: "x"}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Components(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateToken(t.Context(), TokenRequest{Name: "x"}); err != nil {
			t.Fatal(err)
		}
		k := transport.keys
		if len(k) != 5 || k[0] == "" || k[0] != k[1] || k[2] == "" || k[2] == k[0] || k[3] != "" || k[4] != "" {
			t.Errorf("got keys %q, want one for a write and its repetition, another for the next, none for a read and a token", k)
		}
	})
}

// silent is a transport that never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestACallWithoutADeadlineEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		c := &Client{Server: "http://status.example", HTTP: &http.Client{Transport: silent{}}}
		_, err := c.Page(t.Context())
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != Patience {
			t.Errorf("got %v after %s, want no answer after %s", err, time.Since(begun), Patience)
		}
	})
}

func TestACancelledCallTellsItsCause(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the operator pressed Ctrl-C")
	cancel(cause)
	c := &Client{Server: "http://status.example", HTTP: &http.Client{Transport: silent{}}}
	if _, err := c.Page(ctx); !errors.Is(err, cause) {
		t.Errorf("got %v, want %v", err, cause)
	}
}

func TestAnswersOfOthersAreToldAsSuch(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		kind, body string
		want       string
	}{
		"a proxy's error":      {502, "text/html", "<h1>Bad Gateway</h1>", "the error is not in its form"},
		"another site":         {200, "text/html", "<h1>Hello</h1>", "the answer is not JSON"},
		"broken JSON":          {200, "application/json", `{"items": 7}`, "the answer cannot be read"},
		"a broken problem":     {404, ProblemType, `nothing`, "its problem document cannot be read"},
		"a problem of no kind": {200, ProblemType, `{}`, "its problem document cannot be read"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.kind)
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		_, err := (&Client{Server: server.URL}).Components(t.Context())
		var foreign *Foreign
		if !errors.As(err, &foreign) || foreign.Status != c.status || !strings.HasPrefix(foreign.Why, c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		server.Close()
	}
}

func TestAnEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for chunk := make([]byte, 1<<20); r.Context().Err() == nil; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	_, err := (&Client{Server: server.URL}).Page(t.Context())
	var foreign *Foreign
	if !errors.As(err, &foreign) || foreign.Why != "the answer is larger than any of its own" {
		t.Errorf("got %v, want that the answer is too large", err)
	}
}
