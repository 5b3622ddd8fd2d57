package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is what a reader has open.
type tab struct {
	t   *testing.T
	ctx context.Context
	// lossy tabs lose their connection during the test, which browsers complain of.
	lossy bool

	mu       sync.Mutex
	said     []string // what the browser complained of
	requests map[network.RequestID]*request
	streamed chan struct{} // closed when something has come over the live stream
}

// request is one that the page made.
type request struct {
	url   string
	kind  network.ResourceType
	bytes int64 // as they came over the wire
}

// newTab opens a tab of 1280 by 900 pixels, and closes it with the test. A page that complains of anything fails it.
func newTab(t *testing.T) *tab {
	t.Helper()
	ctx, leave := chromedp.NewContext(browser(t))
	b := &tab{t: t, ctx: ctx, requests: make(map[network.RequestID]*request), streamed: make(chan struct{})}
	t.Cleanup(func() {
		leave()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, complaint := range b.said {
			t.Errorf("got a complaint of the browser, want none: %s", complaint)
		}
	})
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	b.size(1280, 900)
	// The page behaves as the one that the reader looks at, wherever the window is.
	call(b, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	return b
}

// hear notes what goes over the wire and what the browser complains of: errors, breaches of the policy, dialogs.
func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests[e.RequestID] = &request{url: e.Request.URL, kind: e.Type}
	case *network.EventResponseReceived:
		if r := b.requests[e.RequestID]; r != nil && e.Type == network.ResourceTypeEventSource {
			r.bytes = int64(e.Response.EncodedDataLength)
		}
	case *network.EventDataReceived:
		if r := b.requests[e.RequestID]; r != nil && r.kind == network.ResourceTypeEventSource {
			r.bytes += e.EncodedDataLength
			select {
			case <-b.streamed:
			default:
				close(b.streamed)
			}
		}
	case *network.EventLoadingFinished:
		if r := b.requests[e.RequestID]; r != nil {
			r.bytes = int64(e.EncodedDataLength)
		}
	case *runtime.EventExceptionThrown:
		what := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			what += " " + e.ExceptionDetails.Exception.Description
		}
		b.said = append(b.said, "exception: "+what)
	case *runtime.EventConsoleAPICalled:
		if !b.lossy && (e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning) {
			what := fmt.Sprintf("console.%s:", e.Type)
			for _, arg := range e.Args {
				what += " " + string(arg.Value)
			}
			b.said = append(b.said, what)
		}
	case *log.EventEntryAdded:
		lost := b.lossy && e.Entry.Source == log.EntrySourceNetwork
		if !lost && (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) {
			b.said = append(b.said, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
		}
	case *page.EventJavascriptDialogOpening:
		b.said = append(b.said, "dialog: "+e.Message)
	}
}

// call sends a command of the protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

// do runs actions, each within patience.
func (b *tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

func (b *tab) size(width, height int64) {
	b.t.Helper()
	b.do("set the size", chromedp.EmulateViewport(width, height))
}

// media emulates a medium and the reader's wishes, given as name and value.
func (b *tab) media(medium string, wishes ...string) {
	b.t.Helper()
	params := emulation.SetEmulatedMediaParams{Media: medium}
	for i := 0; i < len(wishes); i += 2 {
		params.Features = append(params.Features, &emulation.MediaFeature{Name: wishes[i], Value: wishes[i+1]})
	}
	call(b, emulation.SetEmulatedMedia, params)
}

// open loads a page.
func (b *tab) open(url string) {
	b.t.Helper()
	b.do("open "+url, chromedp.Navigate(url))
}

// press types keys as a keyboard does.
func (b *tab) press(keys string, modifiers ...chromedp.Modifier) {
	b.t.Helper()
	b.do("press", chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
}

// eval gives the value of an expression in the page; each %s stands for one of the arguments.
func eval[T any](b *tab, expression string, args ...any) T {
	b.t.Helper()
	for i, arg := range args {
		text, err := json.Marshal(arg)
		if err != nil {
			b.t.Fatal(err)
		}
		args[i] = text
	}
	if len(args) > 0 {
		expression = fmt.Sprintf(expression, args...)
	}
	ctx, stop := context.WithTimeout(b.ctx, patience)
	defer stop()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%.300s: %v", expression, err)
	}
	return value
}

// comes waits until an expression is true in the page, and reports whether it came so. chromedp's Poll would need a
// policy that allows eval.
func (b *tab) comes(expression string, args ...any) bool {
	b.t.Helper()
	return eval[bool](b, `new Promise(resolve => {
		const until = Date.now() + 10_000
		const look = () => (`+expression+`) ? resolve(true) : Date.now() > until ? resolve(false) : setTimeout(look, 15)
		look()
	})`, args...)
}

// await waits until an expression is true in the page.
func (b *tab) await(expression string, args ...any) {
	b.t.Helper()
	if !b.comes(expression, args...) {
		b.t.Fatalf("got false for 10 s, want true: "+expression+"\nthe page reads: "+b.text("main"), args...)
	}
}

// reading is the words of the first element that matches, with single spaces.
const reading = `(document.querySelector(%s)?.textContent ?? "(nothing)").replace(/\s+/g, " ").trim()`

// text is what the first element that matches reads now.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return eval[string](b, reading, selector)
}

// texts is what each element that matches reads.
func (b *tab) texts(selector string) []string {
	b.t.Helper()
	return eval[[]string](b, `[...document.querySelectorAll(%s)].map(e => e.textContent.replace(/\s+/g, " ").trim())`, selector)
}

// reads says what the first element that matches should read now.
func (b *tab) reads(selector, want string) {
	b.t.Helper()
	if got := b.text(selector); got != want {
		b.t.Errorf("%s: got %q, want %q", selector, got, want)
	}
}

// sees waits until the first element that matches reads what it should.
func (b *tab) sees(selector, want string) {
	b.t.Helper()
	if !b.comes(reading+" === %s", selector, want) {
		b.t.Fatalf("%s: got %q, want %q", selector, b.text(selector), want)
	}
}

// attribute is one of the first element that matches.
func (b *tab) attribute(selector, name string) string {
	b.t.Helper()
	return eval[string](b, `document.querySelector(%s)?.getAttribute(%s) ?? "(none)"`, selector, name)
}

// node is one of the accessibility tree: what assistive technology gets.
type node struct {
	role, name string
	level      int // of a heading
}

// tree is the accessibility tree, in the order of the page.
func (b *tab) tree() []node {
	b.t.Helper()
	all := call(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes
	byID := make(map[accessibility.NodeID]*accessibility.Node, len(all))
	for _, n := range all {
		byID[n.NodeID] = n
	}
	var nodes []node
	var walk func(*accessibility.Node)
	walk = func(n *accessibility.Node) {
		if !n.Ignored && n.Role != nil {
			nodes = append(nodes, b.node(n))
		}
		for _, id := range n.ChildIDs {
			if child := byID[id]; child != nil {
				walk(child)
			}
		}
	}
	walk(all[0])
	return nodes
}

func (b *tab) node(n *accessibility.Node) node {
	b.t.Helper()
	found := node{role: b.word(n.Role.Value)}
	if n.Name != nil {
		found.name = strings.Join(strings.Fields(b.word(n.Name.Value)), " ")
	}
	for _, property := range n.Properties {
		if property.Name == accessibility.PropertyNameLevel {
			if err := json.Unmarshal(property.Value.Value, &found.level); err != nil {
				b.t.Fatalf("%s: %v", property.Value.Value, err)
			}
		}
	}
	return found
}

func (b *tab) word(raw []byte) string {
	b.t.Helper()
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		b.t.Fatalf("%s: %v", raw, err)
	}
	return text
}
