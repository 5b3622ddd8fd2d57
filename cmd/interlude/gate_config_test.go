package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/gate"
)

// leastGate is a configuration that says no more than it has to.
const leastGate = `listen: {address: 127.0.0.1:0}
admin: off
upstreams:
  app: {to: [http://127.0.0.1:8080]}
flows:
  - {name: app, upstream: app}
`

// gateOf reads a configuration.
func gateOf(t *testing.T, text string) (*gateSettings, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "gate.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"INTERLUDE_TOKEN": "itl_secret", "KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
	return readGate(name, func(name string) string { return env[name] })
}

func TestAConfigurationOfAGateIsReadStrictly(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                          {"", `gate.yaml:1:1: listen is required`},
		"a key with a typo":                {leastGate + "upstreems: {}\n", `gate.yaml:7:1: unknown key "upstreems"; did you mean "upstreams"?`},
		"a key far below":                  {"upstreams:\n  app:\n    health: {pth: /}\n", `gate.yaml:3:14: unknown key "pth"; did you mean "path"?`},
		"a duration without unit":          {leastGate + "limits: {idle: 30}\n", `gate.yaml:7:16: limits.idle must be a duration such as`},
		"a duration of nothing":            {leastGate + "limits: {idle: 0s}\n", `limits.idle must be longer than nothing`},
		"a size of words":                  {leastGate + "limits: {bytes: much}\n", `limits.bytes must be a number of bytes such as 4096, 64KiB or 1.5MiB, not "much"`},
		"a size that is negative":          {leastGate + "limits: {bytes: -1MiB}\n", `limits.bytes must be a number of bytes`},
		"a number that is none":            {leastGate + "limits: {connections: 0}\n", `limits.connections must be a whole number of at least 1, not "0"`},
		"a header limit beyond reason":     {leastGate + "limits: {header: 1GiB}\n", `limits.header must be from 4KiB to 16MiB, not 1GiB`},
		"a flow without upstream":          {leastGate + "  - {name: b, upstream: other}\n", `gate.yaml:7:25: flows[1].upstream must name one of the upstreams, not "other"`},
		"a flow twice":                     {leastGate + "  - {name: app, upstream: app}\n", `gate.yaml:7:12: flows[1].name "app" is taken by a flow before`},
		"a host with a port":               {leastGate + "  - {name: b, upstream: app, match: [{host: a}, {host: 'b:80'}]}\n", `gate.yaml:7:56: flows[1].match[1].host must be a name such as`},
		"an order of what does not queue":  {leastGate + "  - {name: b, upstream: app, interrupted: {do: hold, order: X-A}}\n", `flows[1].interrupted[0] has the keys methods, asked, order and verify only if it queues`},
		"a scheme that is none":            {leastGate + "  - {name: b, upstream: app, interrupted: {do: queue, verify: {scheme: paypal, secrets: [a]}}}\n", `flows[1].interrupted[0].verify cannot be`},
		"mail for nobody":                  {leastGate + "mail: {inbound: [{flow: inbound, listen: '127.0.0.1:25', upstream: 'smtp://127.0.0.1:26'}]}\n", `mail.inbound[0] cannot be: inbound mail: it needs the domains`},
		"mail to nowhere":                  {leastGate + "mail: {inbound: [{flow: inbound, listen: '127.0.0.1:25', upstream: 'http://127.0.0.1', domains: [a.test]}]}\n", `mail.inbound[0].upstream must be a mail server such as`},
		"mail without address":             {leastGate + "mail: {inbound: [{flow: inbound, upstream: 'smtp://127.0.0.1', domains: [a.test]}]}\n", `mail.inbound[0].listen must be an address with a port`},
		"mail from everybody":              {leastGate + "mail: {outgoing: [{flow: out, listen: '127.0.0.1:25', upstream: 'smtp://127.0.0.1'}]}\n", `mail.outgoing[0] cannot be: outgoing mail: nobody may send`},
		"bounces by no flow":               {leastGate + "mail: {inbound: [{flow: inbound, listen: '127.0.0.1:25', upstream: 'smtp://127.0.0.1', domains: [a.test], bounces: out}]}\n", `is no flow of mail.outgoing`},
		"a list that is not there":         {leastGate + "mail: {inbound: [{flow: inbound, listen: '127.0.0.1:25', upstream: 'smtp://127.0.0.1', domains: [a.test], recipients: none.txt}]}\n", `mail.inbound[0].recipients cannot be used`},
		"mail under the name of a flow":    {leastGate + "mail: {inbound: [{flow: app, listen: '127.0.0.1:25', upstream: 'smtp://127.0.0.1', domains: [a.test]}]}\n", `"app"`},
		"messages for nobody":              {leastGate + "messages: {flows: [{flow: push, to: ['https://a.test/']}]}\n", `messages cannot be: messages: there are no tokens`},
		"messages with a short token":      {leastGate + "messages: {tokens: [{name: a, token: x, flows: [push]}], flows: [{flow: push, to: ['https://a.test/']}]}\n", `messages.tokens[0].token must be a secret of at least 16 characters`},
		"messages to nowhere":              {leastGate + "messages: {tokens: [{name: a, token: 0123456789abcdef, flows: [push]}], flows: [{flow: push}]}\n", `messages.flows[0].to is required`},
		"a journal on no servers":          {leastGate + "spool: {jetstream: {stream: gate-1}}\n", `spool.jetstream.servers is required`},
		"a key of the spool that is none":  {leastGate + "spool: {memry: 1MiB}\n", `did you mean "memory"?`},
		"a behaviour that is none":         {leastGate + "  - {name: b, upstream: app, interrupted: {do: wait}}\n", `gate.yaml:7:48: flows[1].interrupted[0].do must be one of pass, reject, hold, stale, queue, not "wait"`},
		"a step twice":                     {leastGate + "  - name: b\n    upstream: app\n    interrupted:\n      do: hold\n      then: {do: stale, then: hold}\n", `gate.yaml:11:31: flows[1].interrupted[0].then[0].then[0].do hold is there already`},
		"a hold too long":                  {leastGate + "  - {name: b, upstream: app, interrupted: [stale, {do: hold, for: 1h}]}\n", `gate.yaml:7:67: flows[1].interrupted[1].for must be at most ten minutes`},
		"bounds of what does not hold":     {leastGate + "  - {name: b, upstream: app, interrupted: {do: stale, bytes: 1MiB}}\n", `flows[1].interrupted[0] has the keys requests, bytes and full only if it holds`},
		"a time for what has none":         {leastGate + "  - {name: b, upstream: app, interrupted: {do: reject, for: 1s}}\n", `flows[1].interrupted[0] has the key for only`},
		"then in the middle":               {leastGate + "  - {name: b, upstream: app, interrupted: [{do: stale, then: pass}, hold]}\n", `stands in the middle of a list`},
		"an upstream without address":      {"upstreams: {app: {balance: round_robin}}\n", `gate.yaml:1:18: upstreams.app.to is required`},
		"an upstream of another kind":      {"upstreams: {app: {to: [ftp://x]}}\n", `gate.yaml:1:18: upstreams.app cannot be: `},
		"a balance that is none":           {"upstreams: {app: {to: [http://x], balance: random}}\n", `upstreams.app cannot be: `},
		"an authority that is not there":   {"upstreams: {app: {to: [https://x], ca: none.pem}}\n", `gate.yaml:1:40: upstreams.app.ca does not fit: open `},
		"an address without port":          {"listen: {address: 0.0.0.0}\n", `gate.yaml:1:19: listen[0].address must be an address with a port`},
		"an address twice":                 {"listen: [{address: ':80'}, {address: ':80'}]\n", `listen[1].address ":80" is there already`},
		"a certificate that is not there":  {"listen: {address: ':443', tls: {cert: a.pem, key: b.pem}}\n", `gate.yaml:1:32: listen[0].tls[0] does not fit: open `},
		"half a certificate":               {"listen: {address: ':443', tls: {cert: a.pem}}\n", `listen[0].tls[0] must have cert and key`},
		"an authority beside files":        {"listen: {address: ':443', tls: [{cert: a, key: b}, {acme: {hosts: [a]}}]}\n", `listen[0].tls[1].acme must stand alone`},
		"an authority for nobody":          {"listen: {address: ':443', tls: {acme: {email: a@example.com}}}\n", `listen[0].tls[0].acme.hosts is required`},
		"HTTP/2 without TLS":               {"listen: {address: ':80', http2: true}\n", `listen[0].http2 needs tls`},
		"h2c with TLS":                     {"listen: {address: ':80', h2c: yes, tls: {acme: {hosts: [a]}}}\n", `listen[0].h2c is HTTP/2 without TLS`},
		"a network that is none":           {leastGate + "trusted: [intranet]\n", `gate.yaml:7:11: trusted[0] must be a network such as 10.0.0.0/8 or an address, not "intranet"`},
		"an admin address that is none":    {"admin: here\n", `gate.yaml:1:8: admin must be an address with a port`},
		"a server that is none":            {leastGate + "server: {url: status, token: x}\n", `gate.yaml:7:15: server.url must be the address of an Interlude server`},
		"a server without token":           {leastGate + "server: {url: http://127.0.0.1:8484}\n", `server.token is required`},
		"a variable that is not set":       {leastGate + "server: {url: http://127.0.0.1:8484, token: $NOWHERE}\n", `gate.yaml:7:45: server.token names $NOWHERE, which is not set`},
		"a key too short":                  {leastGate + "bypass: {keys: [$KEY, short]}\n", `gate.yaml:7:23: bypass.keys[1] must have at least 32 bytes`},
		"a status that means well":         {leastGate + "find: {statuses: [502, 200]}\n", `gate.yaml:7:24: find.statuses[1] must be from 500 to 599`},
		"finding that is neither":          {leastGate + "find: on\n", `find must be off, or a mapping`},
		"traces to nowhere":                {leastGate + "traces: {endpoint: collector}\n", `traces.endpoint must be where an OpenTelemetry collector`},
		"more traces than requests":        {leastGate + "traces: {endpoint: http://127.0.0.1:4318, sample: 2}\n", `traces.sample must be a part from 0 to 1`},
		"a name with a slash":              {leastGate + "name: a/b\n", `name must be a short name without spaces`},
		"two documents":                    {leastGate + "---\nname: b\n", `begins a second document`},
		"what is no text":                  {"name: a\x00b\n", `control character`},
		"several faults, in their order":   {"admin: here\nlisten: {address: x}\n", "gate.yaml:2:19: listen[0].address"},
		"aliases that expand without end":  {"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n", `expand to too much`},
		"a mapping where a list is wanted": {leastGate + "trusted: {a: b}\n", `trusted[0] must be one word or number, not a mapping`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gateOf(t, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
}

func TestAConfigurationSaysMoreWithFewWords(t *testing.T) {
	s, err := gateOf(t, leastGate+`  - name: messenger
    match: {host: "*.messenger.example", path: /v1, methods: GET, headers: {X-Y: z}}
    upstream: app
    interrupted: {do: hold, for: 45s, requests: 10, bytes: 1.5MiB, body: 0, full: newest, then: {do: stale, for: 2h, then: reject}}
  - {name: pages, upstream: app, interrupted: stale}
trusted: 10.1.2.3
server: {url: "http://127.0.0.1:8484", token: $INTERLUDE_TOKEN}
bypass: {keys: "${KEY}"}
find: off
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []gate.Flow{
		{Name: "app", Upstream: "app"},
		{
			Name: "messenger", Upstream: "app",
			Match: []gate.Match{{Host: "*.messenger.example", Path: "/v1", Methods: []string{"GET"}, Headers: map[string]string{"X-Y": "z"}}},
			Interrupted: []gate.Step{
				{Do: gate.DoHold, Hold: gate.Hold{For: 45 * time.Second, Requests: 10, Bytes: 3 << 19, Body: -1, Full: gate.Newest}},
				{Do: gate.DoStale, Stale: gate.Stale{For: 2 * time.Hour}},
				{Do: gate.DoReject},
			},
		},
		{Name: "pages", Upstream: "app", Interrupted: []gate.Step{{Do: gate.DoStale}}},
	}
	if diff := cmp.Diff(want, s.config.Flows); diff != "" {
		t.Errorf("the flows are not what was written (-want +got):\n%s", diff)
	}
	if got := s.config.Trusted[0].String(); got != "10.1.2.3/32" {
		t.Errorf("got the network %s, want the one address", got)
	}
	if s.Server.Token != "itl_secret" || string(s.config.Bypass[0]) != "01234567890123456789012345678901" {
		t.Errorf("got the secrets %q and %q, want those of the environment", s.Server.Token, s.config.Bypass[0])
	}
	if !s.config.Find.Off || s.admin != "" {
		t.Errorf("got finding %v and admin %q, want both off", s.config.Find, s.admin)
	}
}

func TestASecretStaysOutOfWhatIsSaid(t *testing.T) {
	for _, text := range []string{
		leastGate + "server: {url: status, token: $INTERLUDE_TOKEN}\n", leastGate + "bypass: {keys: $KEY}\nadmin: x\n",
	} {
		if _, err := gateOf(t, text); err == nil || strings.Contains(err.Error(), "itl_secret") || strings.Contains(err.Error(), "MDEy") {
			t.Errorf("got %v, want a refusal without the secret", err)
		}
	}
}
