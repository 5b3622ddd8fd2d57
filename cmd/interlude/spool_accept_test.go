package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"example.org/interlude/status"
)

// killRounds is how often the gate is killed; INTERLUDE_TEST_ROUNDS says another number, and `make soak` more.
const killRounds = 50

// messagesSecret is the token of those who deliver messages in tests.
const messagesSecret = "a-secret-of-tests-0123456789"

// TestWhatWasAcceptedIsDeliveredHoweverOftenTheGateIsKilled sends posts, mail and messages while the gate is killed again and
// again, in the middle of accepting and of handing over. Afterwards everything that was accepted has come to the product, and what came
// twice came under the same id.
func TestWhatWasAcceptedIsDeliveredHoweverOftenTheGateIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes over real seconds")
	}
	t.Parallel()
	rounds, _ := strconv.Atoi(cmp.Or(os.Getenv("INTERLUDE_TEST_ROUNDS"), strconv.Itoa(killRounds)))
	product := newCountingProduct(t)
	g := newSpoolStage(t, product, "")
	g.interrupt()
	open := true
	for round := range rounds {
		if round%4 == 3 { // it is killed while it hands over, too
			g.interlude("interrupt", "end", upgrade)
			open = false
		}
		g.sendFor(time.Duration(20+rand.IntN(200)) * time.Millisecond)
		if !open {
			g.interrupt()
			open = true
		}
		g.restart()
	}
	g.drain()
	if n := g.figure("interlude_spool_entries", "state", "shelved"); n > 0 {
		t.Errorf("got %v shelved, want none: the product takes everything", n)
	}
	lost, again := product.tally(g.accepted)
	if len(lost) > 0 {
		t.Errorf("got %d of %d accepted that never came, such as %s", len(lost), len(g.accepted), lost[0])
	}
	for _, line := range again {
		t.Error(line)
	}
	t.Logf("%d accepted in %d rounds, %d of them came more than once under one id", len(g.accepted), rounds, product.repeated())
}

// countingProduct takes posts, messages and mail, and notes under which id each came.
type countingProduct struct {
	http, smtp string
	mu         sync.Mutex
	came       map[string]map[string]int // by what was sent, and the ids of the entries in which it came
}

var entryNumber = regexp.MustCompile(`\sid ([0-9a-z]{20,})`)

func newCountingProduct(t *testing.T) *countingProduct {
	p := &countingProduct{came: map[string]map[string]int{}}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		p.note(string(body), r.Header.Get("Interlude-Entry"))
	}))
	t.Cleanup(web.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return letterBox{p}, nil }))
	server.Domain, server.MaxRecipients = "product.test", 10
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	p.http, p.smtp = web.URL, listener.Addr().String()
	return p
}

func (p *countingProduct) note(what, entry string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.came[what] == nil {
		p.came[what] = map[string]int{}
	}
	p.came[what][entry]++
}

// tally compares what was accepted with what came: what is lost, and what came under two ids.
func (p *countingProduct) tally(accepted map[string]bool) (lost, again []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for what := range accepted {
		if p.came[what] == nil {
			lost = append(lost, what)
		}
	}
	for what, ids := range p.came {
		delete(ids, "") // what went straight on
		if len(ids) > 1 {
			again = append(again, fmt.Sprintf("%s came under %d ids: %v", what, len(ids), ids))
		}
	}
	return lost, again
}

func (p *countingProduct) repeated() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ids := range p.came {
		for _, times := range ids {
			if times > 1 {
				n++
			}
		}
	}
	return n
}

// letterBox is an SMTP session of the product.
type letterBox struct{ p *countingProduct }

func (letterBox) Mail(string, *smtp.MailOptions) error { return nil }
func (letterBox) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (letterBox) Reset()                               {}
func (letterBox) Logout() error                        { return nil }

func (b letterBox) Data(r io.Reader) error {
	message, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	head, body, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	entry := ""
	if found := entryNumber.FindSubmatch(head); found != nil {
		entry = string(found[1])
	}
	b.p.note(strings.TrimSpace(string(body)), entry)
	return nil
}

// spoolStage is a stage whose gate keeps mail, posts and messages, and can be killed.
type spoolStage struct {
	*stage
	mail, messages string // where they are taken
	push           string // where messages are delivered
	accepted       map[string]bool
	mu             sync.Mutex
	count          atomic.Int64
}

// newSpoolStage starts it in front of a product. What is said more goes into the gate's configuration.
func newSpoolStage(t *testing.T, product *countingProduct, more string) *spoolStage {
	t.Helper()
	g := &spoolStage{mail: freeAddress(t), messages: freeAddress(t), push: product.http + "/push", accepted: map[string]bool{}}
	state := filepath.Join(t.TempDir(), "state")
	g.stage = newStage(t, fmt.Sprintf(`state: %[1]s
upstreams: {app: {to: ['%[2]s']}}
flows: [{name: hooks, upstream: app, interrupted: queue, hand_over: {from: 1000}}]
mail: {inbound: [{flow: inbound, listen: '%[3]s', upstream: 'smtp://%[4]s', domains: [northwind.test], limits: {per_client: 1000}, hand_over: {from: 1000}}]}
messages:
  listen: '%[5]s'
  tokens: [{name: app, token: %[6]s, flows: [push]}]
  flows: [{flow: push, to: ['%[2]s/push'], private: [127.0.0.0/8], hand_over: {from: 1000}}]
%[7]s`, state, product.http, g.mail, product.smtp, g.messages, messagesSecret, more),
		status.Promise{Audience: "Senders", Flow: "hooks", Promise: status.Queued},
		status.Promise{Audience: "Mail", Flow: "inbound", Promise: status.Queued},
		status.Promise{Audience: "Messages", Flow: "push", Promise: status.DelayedUp})
	return g
}

// interrupt interrupts all its flows.
func (g *spoolStage) interrupt() {
	g.Helper()
	g.interlude("interrupt", upgrade, "--flow", "hooks", "--flow", "inbound", "--flow", "push", "--at-most", "1h")
}

// drain ends the interruption, and waits until everything was handed over.
func (g *spoolStage) drain() {
	g.Helper()
	g.interlude("interrupt", "end", upgrade)
	g.eventually("empty spool", func() bool {
		return g.figure("interlude_spool_entries", "state", "due") == 0 && g.figure("interlude_spool_entries", "state", "moving") == 0
	})
}

// kill ends the gate without a word.
func (g *spoolStage) kill() {
	_ = g.gate.Process.Kill()
	_ = g.gate.Wait()
}

// restart starts the gate again, at new addresses for HTTP and the same ones for the rest.
func (g *spoolStage) restart() {
	g.Helper()
	noted := g.gate.Args[slices.Index(g.gate.Args, "--address-file")+1]
	if err := os.Remove(noted); err != nil {
		g.Fatal(err)
	}
	again := exec.Command(g.gate.Args[0], g.gate.Args[1:]...)
	again.Env, again.Stdout, again.Stderr = g.gate.Env, g.said, g.said
	again.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	before := strings.Count(g.said.String(), "operators may look")
	if err := again.Start(); err != nil {
		g.Fatal(err)
	}
	g.gate = again
	g.eventually("gate that is up again", func() bool {
		text, _ := os.ReadFile(noted)
		g.url = "http://" + strings.TrimSpace(string(text))
		return strings.HasSuffix(string(text), "\n") && strings.Count(g.said.String(), "operators may look") > before
	})
	all := regexp.MustCompile(`msg="operators may look" url=(http://[^/]+)/health\n`).FindAllStringSubmatch(g.said.String(), -1)
	g.admin = all[len(all)-1][1]
}

// sendFor has senders of every sort send until a time has passed, kills the gate then, and notes what was accepted.
func (g *spoolStage) sendFor(d time.Duration) {
	ctx, stop := context.WithTimeout(g.Context(), d)
	defer stop()
	var senders sync.WaitGroup
	for range 3 {
		for _, send := range []func(context.Context, string) bool{g.post, g.letter, g.message} {
			senders.Go(func() {
				for ctx.Err() == nil {
					what := fmt.Sprintf("%d", g.count.Add(1))
					if send(ctx, what) {
						g.mu.Lock()
						g.accepted[what] = true
						g.mu.Unlock()
					}
				}
			})
		}
	}
	<-ctx.Done()
	g.kill() // while they send
	senders.Wait()
}

func (g *spoolStage) request(ctx context.Context, url, body string, header ...string) *http.Response {
	r, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		g.Error(err)
		return nil
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp
}

func (g *spoolStage) post(ctx context.Context, what string) bool {
	resp := g.request(ctx, g.url+"/hooks", what, "X-Conversation", what[len(what)-1:])
	return resp != nil && resp.StatusCode/100 == 2
}

func (g *spoolStage) message(ctx context.Context, what string) bool {
	body, _ := json.Marshal(map[string]any{"request": map[string]string{"method": "POST", "url": g.push, "body": what}})
	resp := g.request(ctx, "http://"+g.messages+"/v1/messages/push", string(body), "Authorization", "Bearer "+messagesSecret, "Content-Type", "application/json")
	return resp != nil && resp.StatusCode == http.StatusCreated
}

func (g *spoolStage) letter(_ context.Context, what string) bool { return g.sendLetter(what) == nil }

func (g *spoolStage) sendLetter(what string) error {
	c, err := smtp.Dial(g.mail)
	if err != nil {
		return err
	}
	defer c.Close()
	text := "From: a@sender.test\r\nSubject: test\r\n\r\n" + what + "\r\n"
	return c.SendMail("a@sender.test", []string{"b@northwind.test"}, strings.NewReader(text))
}
