// Package browser tests the public page where readers meet it: in a real Chromium, served by a real server.
//
// Begin with northwind, which is a whole server (store, keeper, board, page and door) on a clock that the test sets, and with
// newTab, which opens a tab of the one browser that all tests share. A test says what happens on the server
// and what a reader then sees, hears or can reach; it waits for that to be so and never for time to pass. What the
// page says in each state without a browser is tested in package page; here stands what only a browser can tell:
// roles and names as assistive technology gets them, the keyboard, changes without a reload, the reader's own zone,
// contrast and reflow, what goes over the wire, print, and the page without JavaScript.
//
// The tests need the path of Chromium in INTERLUDE_TEST_CHROMIUM, and axe-core in node_modules, which scripts/setup
// installs. Without them they are skipped or, where INTERLUDE_TEST_STRICT is 1, fail. They promise nothing
// about other browsers.
package browser

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// chromium is the browser of all tests, started by the first that needs it.
var chromium struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.stop != nil {
		chromium.stop()
	}
	os.Exit(code)
}

// browser gives the context of the running browser.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := os.Getenv("INTERLUDE_TEST_CHROMIUM")
	if path == "" {
		missing(t, "INTERLUDE_TEST_CHROMIUM does not name a Chromium")
	}
	chromium.once.Do(func() { startChromium(path) })
	if chromium.err != nil {
		t.Fatalf("start %s: %v", path, chromium.err)
	}
	return chromium.ctx
}

// missing skips a test for want of something, or fails it where nothing may be skipped.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// startChromium starts it with a new profile, which it forgets afterwards, and without anything that it does of its own accord
// on a network.
func startChromium(path string) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("hide-scrollbars", false),
		chromedp.Flag("lang", "en-US"),
	)
	allocator, free := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, leave := chromedp.NewContext(allocator)
	chromium.ctx, chromium.stop = ctx, func() {
		_ = chromedp.Cancel(ctx) // it has been asked to close; what is left is ended below
		leave()
		free()
	}
	chromium.err = chromedp.Do(ctx)
}
