package compat

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// cacheTests is how many tests http-cache-tests has, so that none is left out unseen.
const cacheTests = 329

// cacheOrigin is the suite's own origin server, on a port that it prints, with and without /kept before its paths. What the suite
// logs is left out.
const cacheOrigin = `
import http from 'node:http'
import config from './node_modules/http-cache-tests/server/handle-config.mjs'
import state from './node_modules/http-cache-tests/server/handle-state.mjs'
import test from './node_modules/http-cache-tests/server/handle-test.mjs'
const handlers = { config, state, test }
const say = console.log
console.log = () => {}
const origin = http.createServer((request, response) => {
  const segments = request.url.split('?')[0].replace(/^\/kept\//, '/').split('/')
  handlers[segments[1]](segments.slice(2), request, response)
})
origin.listen(0, '127.0.0.1', () => say('127.0.0.1:' + origin.address().port))
`

// cacheClient is the suite's own client, and gets the address to ask. Told to wait, it prints a line when each test has sent its
// first request, if it sends more, and goes on when it reads a line. At last it prints what came of each test.
const cacheClient = `
import readline from 'node:readline'
import fetch from './node_modules/node-fetch/lib/index.mjs'
import { runTests, getResults } from './node_modules/http-cache-tests/client/runner.mjs'
import { testResults } from './node_modules/http-cache-tests/client/test.mjs'
import suites from './node_modules/http-cache-tests/tests/index.mjs'
const [, base, wait] = process.argv
const found = {}
for (const suite of suites) {
  for (const { id, kind = 'required', browser_only: skipped } of suite.tests) if (!skipped) found[id] = { kind, stored: false }
}
const total = Object.keys(found).length
let waiting = 0
let go = () => {}
const told = wait ? new Promise(resolve => { go = resolve }) : undefined
readline.createInterface({ input: process.stdin }).on('line', () => go())
const watch = wait && setInterval(() => {
  if (waiting + Object.keys(testResults).length < total) return
  clearInterval(watch)
  console.log('all wait')
}, 20)
async function ask (url, init) {
  const { 'Req-Num': number, 'Test-ID': id } = Object.fromEntries(init?.headers ?? [])
  if (told && number === '2') {
    waiting++
    await told
  }
  const answer = await fetch(url, init)
  if (number && Number(answer.headers.get('Server-Request-Count') ?? number) < Number(number)) found[id].stored = true
  return answer
}
await runTests(suites, ask, false, base, total)
for (const [id, result] of Object.entries(getResults())) found[id].result = [].concat(result)
console.log(JSON.stringify(found))
process.exit()
`

// outcome is what came of one test of http-cache-tests.
type outcome struct {
	Kind   string // required, optimal, or check: a question without a right answer
	Stored bool   // whether an answer came out of a store
	Result []any  // true, or the name of the fault and its words
}

func (o outcome) passed() bool { return len(o.Result) == 1 && o.Result[0] == true }

// node starts a script, with the program's folder as its own, and returns its streams. It ends with the test at the latest.
func node(t *testing.T, script string, args ...string) (io.Writer, *bufio.Reader) {
	t.Helper()
	ctx, stop := context.WithTimeout(context.WithoutCancel(t.Context()), 3*patience)
	process := exec.CommandContext(ctx, program(t, "node"), append([]string{"--no-warnings", "--input-type=module", "--eval", script}, args...)...)
	var faults bytes.Buffer
	process.Stderr = &faults
	in, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = process.Wait() // it was stopped
		if t.Failed() && faults.Len() > 0 {
			t.Log(faults.String())
		}
	})
	return in, bufio.NewReader(out)
}

// outcomes reads the last line of a client.
func outcomes(out *bufio.Reader) (all map[string]outcome, err error) {
	line, err := out.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	return all, json.Unmarshal(line, &all)
}

// TestTheGateIsNoCacheUntilItIsInterrupted runs the tests of HTTP caches that cache-tests.fyi collects, three times at once: with nothing
// between client and origin, through a gate that passes everything on, and through one whose flow is interrupted after
// the first request of each test, so that it answers from its store.
func TestTheGateIsNoCacheUntilItIsInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("the suite lets answers grow old")
	}
	if _, err := os.Stat("node_modules/http-cache-tests"); err != nil {
		missing(t, "node_modules is not there: scripts/setup installs it")
	}
	_, said := node(t, cacheOrigin)
	address, err := said.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	origin := "http://" + strings.TrimSpace(address)
	g := startGate(t, origin)
	_, direct := node(t, cacheClient, origin)
	_, passing := node(t, cacheClient, "http://"+g.plain)
	tell, closed := node(t, cacheClient, "http://"+g.plain+"/kept", "wait")
	if _, err := closed.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	g.interrupt("kept")
	if _, err := io.WriteString(tell, "\n"); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var found [3]map[string]outcome
	for i, out := range []*bufio.Reader{direct, passing, closed} {
		all.Go(func() {
			var err error
			if found[i], err = outcomes(out); err != nil || len(found[i]) != cacheTests {
				t.Errorf("got %d outcomes (%v), want %d", len(found[i]), err, cacheTests)
			}
		})
	}
	all.Wait()
	t.Run("passing", func(t *testing.T) { checkUnchanged(t, found[0], found[1]) })
	t.Run("interrupted", func(t *testing.T) { checkStored(t, found[2]) })
}

// changed are the tests that end otherwise through a gate, by patterns of their names, and why.
var changed = map[string]string{
	"stale-*":                         `The origin hangs up; the gate answers 502 for it.`,
	"*-Content-Length":                `The origin sends more than its Content-Length says. The gate ends the answer there, the client stumbles over the rest.`,
	"headers-store-Transfer-Encoding": `The origin names a coding that there is none of: where the body ends is not known, and the gate answers 502.`,
}

// checkUnchanged wants the tests to end through the gate as they do without it, and no answer to come out of its store.
func checkUnchanged(t *testing.T, direct, passing map[string]outcome) {
	used := map[string]bool{}
	for id, want := range direct {
		got := passing[id]
		if got.Stored {
			t.Errorf("%s: an answer came out of the store, want it from the origin", id)
		}
		if reflect.DeepEqual(got.Result, want.Result) || reasoned(id, changed, used) {
			continue
		}
		t.Errorf("%s: got %v through the gate, want %v as without it", id, got.Result, want.Result)
	}
	checkUsed(t, changed, used)
}

// unwanted are the tests that a cache has to pass and that fail because an answer comes out of the store, by patterns of their
// names, and why that is right while the product is away.
var unwanted = map[string]string{
	"304-*":                      `The test wants the stored answer validated by the origin, which is away.`,
	"conditional-etag-vary-*":    `Likewise.`,
	"status-*-stale":             `The stored answer is stale. To give it nevertheless is what the flow was told (RFC 9111, 4.2.4).`,
	"freshness-expires-*":        `Likewise.`,
	"freshness-max-age-0*":       `Likewise.`,
	"freshness-max-age-ignore-*": `Likewise.`,
	"freshness-max-age-negative": `Likewise.`,
	"freshness-max-age-single-*": `Likewise: what cannot be read as an age is none.`,
	"partial-use-headers":        `The stored answer is given whole where a range was asked for, as RFC 9110, 14.2, allows.`,
}

// fewestFromStore is how many tests have to pass while the flow is interrupted, so that refusing everything does not. It is a few less
// than pass today, as some depend on how old an answer is to the second.
const fewestFromStore = 135

// checkStored wants nothing out of the store that a cache may not give: neither what must not be stored or used without asking,
// nor what was meant for another request.
func checkStored(t *testing.T, closed map[string]outcome) {
	used, passed := map[string]bool{}, 0
	for id, got := range closed {
		switch {
		case got.passed():
			passed++
		case got.Kind == "required" && got.Stored && !reasoned(id, unwanted, used):
			t.Errorf("%s: an answer came out of the store, and %v", id, got.Result)
		}
	}
	if passed < fewestFromStore {
		t.Errorf("%d tests pass, want %d at least", passed, fewestFromStore)
	}
	checkUsed(t, unwanted, used)
}

// reasoned reports whether a list has a reason for a test, and marks its pattern as used.
func reasoned(id string, list map[string]string, used map[string]bool) bool {
	for pattern := range list {
		if fits, err := path.Match(pattern, id); err == nil && fits {
			used[pattern] = true
			return true
		}
	}
	return false
}

// checkUsed wants each pattern of a list to be still needed.
func checkUsed(t *testing.T, list map[string]string, used map[string]bool) {
	t.Helper()
	for pattern := range list {
		if !used[pattern] {
			t.Errorf("%s: no test of that name ends otherwise, want it off the list", pattern)
		}
	}
}
