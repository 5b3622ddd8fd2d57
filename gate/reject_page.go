package gate

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
)

//go:embed assets/reject.css
var refusalStyle string

//go:embed assets/reject.js
var refusalScript string

var (
	refusalStyleElement  = "<style>" + refusalStyle + "</style>"
	refusalScriptElement = "<script>" + refusalScript + "</script>"
)

// refusalPolicy allows the one script and the one style sheet, which stand within the page, by their hashes, and
// nothing else.
var refusalPolicy = []string{strings.Join([]string{
	"default-src 'none'", "script-src " + hashOf(refusalScript), "style-src " + hashOf(refusalStyle),
	"connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
}, "; ")}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// refusalView is what the page shows.
type refusalView struct {
	*notice
	// Refresh is after how many seconds a page without script loads itself again; empty is never.
	Refresh string
	// Acts says that the request was one that does something, Uncertain that nobody knows whether it was done, and
	// Carries that the page holds its fields, to be sent again.
	Acts, Uncertain, Carries bool
	Fields                   []field
}

// writePage writes the page for people.
//
// A page that somebody asked for loads itself again when the product is back. What somebody sent is never sent again by
// itself: the page carries a form's fields, or says that nothing was done and how to return to the form. Where it may have
// been done, the page offers no way to send it again.
func (n *notice) writePage(body *bytes.Buffer, h http.Header, r *http.Request) {
	v := refusalView{notice: n, Acts: !safe(r), Uncertain: n.uncertain(r)}
	switch {
	case v.Acts && !v.Uncertain:
		v.Fields, v.Carries = carried(r)
	case !v.Acts && n.seconds > 0 && n.back == "":
		h["Refresh"] = []string{strconv.Itoa(n.seconds)}
	case !v.Acts && n.seconds > 0:
		v.Refresh = strconv.Itoa(n.seconds)
	}
	h["Content-Security-Policy"] = refusalPolicy
	_ = refusalPage(v).Render(r.Context(), body) // a buffer takes everything
}

// Title is what the tab is called.
func (v refusalView) Title() string {
	if v.page == "" {
		return v.heading()
	}
	return v.heading() + " · " + v.page
}

// Tone is the colour: blue is planned work and never a failure.
func (v refusalView) Tone() string {
	switch {
	case v.why.failed():
		return "pa"
	case v.maintained():
		return "mt"
	}
	return "no"
}

// Icon is the picture in the tab, within its own address.
func (v refusalView) Icon() templ.SafeURL {
	switch v.Tone() {
	case "pa":
		return iconFailed
	case "mt":
		return iconMaintained
	}
	return iconAway
}

const (
	iconMaintained = iconHead + "%3Crect width='16' height='16' rx='4' fill='%233a78dd'/%3E" + iconLine + "M6 5v6m4-6v6" + iconTail
	iconFailed     = iconHead + "%3Cpath d='m8 0 8 15H0z' fill='%23db6424'/%3E" + iconLine + "M8 5.5v4M8 12v.3" + iconTail
	iconAway       = iconHead + "%3Ccircle cx='8' cy='8' r='8' fill='%238b93a3'/%3E" + iconLine + "M6.2 5.2v5.6M9.8 5.2v5.6" + iconTail
	iconHead       = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
	iconLine       = "%3Cpath d='"
	iconTail       = "' fill='none' stroke='%23fff' stroke-width='2' stroke-linecap='round'/%3E%3C/svg%3E"
)

// Span is the announced window as text.
func (v refusalView) Span() string { return spanText(v.window) }

// Expected is when the end is expected, as text.
func (v refusalView) Expected() string { return clockText(v.expected, v.now) }

// Continues reports whether the page goes on by itself.
func (v refusalView) Continues() bool { return !v.Acts && v.seconds > 0 }

func isoText(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Name is who is away, within a sentence.
func (v refusalView) Name() string {
	if v.page == "" {
		return "the service"
	}
	return v.page
}

// Back is what is said when the product is back.
func (v refusalView) Back() string {
	name := "The service"
	if v.page != "" {
		name = v.page
	}
	if v.Uncertain {
		return name + " is back. You can check now whether it was carried out."
	}
	return name + " is back. You can send it again now."
}
