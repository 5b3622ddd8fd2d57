package upstream_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"example.org/interlude/upstream"
)

// named is a product that answers with its name.
func named(t *testing.T, name string) string {
	t.Helper()
	return server(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }))
}

// nobody is an address on which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return "http://" + l.Addr().String()
}

// turns gives who answers the next requests.
func turns(t *testing.T, g *upstream.Group, n int) string {
	t.Helper()
	var all strings.Builder
	for range n {
		all.WriteString(carry(t, g, request(t, "GET", "/", "")).Body)
	}
	return all.String()
}

func TestEachAddressHasItsTurn(t *testing.T) {
	g := newGroup(t, upstream.Config{Addresses: []string{named(t, "a"), named(t, "b"), named(t, "c")}})
	if got := turns(t, g, 6); strings.Count(got, "a") != 2 || strings.Count(got, "b") != 2 || strings.Count(got, "c") != 2 {
		t.Errorf("got %s, want each twice", got)
	}
}

func TestTheLeastBusyAddressIsChosen(t *testing.T) {
	g := newGroup(t, upstream.Config{Addresses: []string{named(t, "a"), named(t, "b")}, Balance: upstream.LeastBusy})
	first, err := g.RoundTrip(request(t, "GET", "/", ""))
	if err != nil {
		t.Fatal(err)
	}
	if states := g.Addresses(); states[0].Busy+states[1].Busy != 1 {
		t.Errorf("got %v, want one busy", states)
	}
	others := turns(t, g, 4)
	busy, _ := io.ReadAll(first.Body)
	if strings.Contains(others, string(busy)) {
		t.Errorf("got %s while %s was busy, want the other one alone", others, busy)
	}
	if got := turns(t, g, 4); strings.Count(got, "a") != 2 {
		t.Errorf("got %s, want each twice", got)
	}
}

func TestAnAddressThatCannotBeConnectedToIsPassedOver(t *testing.T) {
	dead, alive := nobody(t), named(t, "a")
	g := newGroup(t, upstream.Config{Addresses: []string{dead, strings.Replace(dead, "http:", "h2c:", 1), alive}})
	for range 4 {
		r := request(t, "POST", "/", "body") // whose body cannot be got again
		if got := carry(t, g, r); got.Body != "a" {
			t.Errorf("got %v, want a", got)
		}
	}
	states := g.Addresses()
	if states[0].Well || states[1].Well || !states[2].Well || states[0].Address != dead {
		t.Errorf("got %v, want the first two not to be well", states)
	}
}

func TestAnAddressThatCouldNotBeConnectedToLetsOthersGoFirst(t *testing.T) {
	dead := nobody(t)
	g := newGroup(t, upstream.Config{Addresses: []string{dead, named(t, "a")}})
	if got := turns(t, g, 2); got != "aa" {
		t.Errorf("got %s, want a alone", got)
	}
	l, err := net.Listen("tcp", strings.TrimPrefix(dead, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, func(c net.Conn) { answerAll(c, plain) })
	if got := turns(t, g, 4); got != "aaaa" {
		t.Errorf("just after it came back: got %s, want a alone", got)
	}
	if err := g.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := turns(t, g, 4); strings.Count(got, "hello") != 2 {
		t.Errorf("after a check that succeeded: got %s, want hello twice", got)
	}
}

func TestWhenNoAddressCanBeConnectedToNothingWasSent(t *testing.T) {
	dead := nobody(t)
	for name, addresses := range map[string][]string{"one": {dead}, "two": {dead, strings.Replace(dead, "http:", "https:", 1)}} {
		t.Run(name, func(t *testing.T) {
			g := newGroup(t, upstream.Config{Addresses: addresses})
			for range 2 { // the second meets addresses that are set aside
				r := request(t, "POST", "/", "body")
				body := &watched{Reader: strings.NewReader("body"), closed: make(chan struct{})}
				r.Body = body
				var fault *upstream.Error
				if err := fails(t, g, r); !errors.As(err, &fault) || fault.Sent || fault.Timeout {
					t.Errorf("got %v, want an Error of a request that was not sent", err)
				}
				<-body.closed
			}
		})
	}
}

func TestAConfigurationThatCannotBeIsRefused(t *testing.T) {
	good := []string{"http://127.0.0.1:8080"}
	for want, c := range map[string]upstream.Config{
		"an upstream needs at least one address":                    {},
		`upstream address "ftp://a": it begins with http://`:        {Addresses: []string{"ftp://a"}},
		`upstream address "a:80": it begins with http://`:           {Addresses: []string{"a:80"}},
		`upstream address "http://": it names no host`:              {Addresses: []string{"http://"}},
		`upstream address "http://a:b": invalid port`:               {Addresses: []string{"http://a:b"}},
		`it holds more than host and port; write "http://a:80"`:     {Addresses: []string{"http://a:80/path"}},
		`it holds more than host and port; write "https://a"`:       {Addresses: []string{"https://me@a"}},
		`a socket is written with its whole path`:                   {Addresses: []string{"unix:run/s"}},
		`balance "random": it is "round_robin" or "least_busy"`:     {Addresses: good, Balance: "random"},
		"header timeout -1ns: a duration is not negative":           {Addresses: good, HeaderTimeout: -1},
		"idle connections, header bytes, rise and fall are not neg": {Addresses: good, MaxIdle: -1},
		`path of health checks "healthz": it is written as in`:      {Addresses: good, Health: upstream.Health{Path: "healthz"}},
		`path of health checks "/?a b": it holds a space`:           {Addresses: good, Health: upstream.Health{Path: "/?a b"}},
		"status 99 of health checks: a final status is 200 to 599":  {Addresses: good, Health: upstream.Health{Status: []int{99}}},
		`upstream address "http://a\x7f": net/url: invalid control`: {Addresses: []string{"http://a\x7f"}},
	} {
		if _, err := upstream.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := upstream.New(upstream.Config{Addresses: []string{"http://[::1]", "https://app.example.com/", "h2c://10.0.0.1:1", "unix:/a"}}); err != nil {
		t.Errorf("got %v, want nothing", err)
	}
}
