package browser

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// axe gives axe-core as a script. The protocol evaluates it in the page although the page's policy allows no script but its
// own.
func axe(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		missing(t, "axe-core is not installed: run scripts/setup")
	}
	return string(script)
}

// accessible says that axe-core finds nothing wrong with the page that is open, in light and dark, on a phone and on a
// desktop. Each scheme and each width has every rule once; what depends on both, contrast and the size of targets, is
// looked at in each of the four.
func (b *tab) accessible(what, axe string) {
	b.t.Helper()
	eval[bool](b, axe+"; true")
	every := []string{"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"}
	both := []string{"color-contrast", "target-size"}
	for _, look := range []struct {
		width  int64
		scheme string
		rules  []string
	}{{1280, "light", every}, {1280, "dark", both}, {390, "light", both}, {390, "dark", every}} {
		b.size(look.width, 900)
		b.media("", "prefers-color-scheme", look.scheme, "prefers-reduced-motion", "reduce")
		for _, found := range eval[[]string](b, `axe.run(document, {runOnly: %s, resultTypes: ["violations"]}).then(result => result.violations.map(v =>
			v.id + ": " + v.help + "\n" + v.nodes.map(n => "  " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " ")).join("\n")))`, look.rules) {
			b.t.Errorf("%s, %s, %d px wide: got the violation %s", what, look.scheme, look.width, found)
		}
	}
}

func TestTheCardOfADayIsAccessibleToo(t *testing.T) {
	browser(t)
	script := axe(t)
	s := northwind(t)
	b := newTab(t)
	b.open(s.url("/"))
	b.focusBar("Email")
	b.await(`!document.querySelector(".tip").hidden`)
	b.accessible("/ with a card", script)
}

// Axe leaves out what it cannot see a contrast for, such as drawings: shapes that carry meaning need three to one
// (WCAG 2.2, 1.4.11).
func TestShapesStandOutFromTheirGround(t *testing.T) {
	s := troubled(t)
	b := newTab(t)
	b.open(s.url("/"))
	for _, scheme := range []string{"light", "dark"} {
		b.media("", "prefers-color-scheme", scheme)
		for _, shape := range []string{"#now .st .i", "#now .track .done", "#components .bar .ok", "#components .bar .mj", "#banner .i"} {
			ratio := eval[float64](b, contrast, shape)
			if ratio < 3 {
				t.Errorf("%s, %s: got a contrast of %s, want 3 at least", scheme, shape, strings.TrimRight(fmt.Sprintf("%.2f", ratio), "0"))
			}
		}
	}
}

// contrast is that of an element's fill with the first opaque ground behind it (WCAG 2.2, relative luminance).
const contrast = `(selector => {
	const element = document.querySelector(selector)
	const rgb = text => text.match(/[\d.]+/g).map(Number)
	const light = text => rgb(text).slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0)
	let ground = "rgb(255, 255, 255)"
	for (let e = element; e; e = e.parentElement) {
		const c = getComputedStyle(e).backgroundColor
		if (rgb(c)[3] !== 0) { ground = c; break }
	}
	const [a, b] = [light(getComputedStyle(element).fill), light(ground)].sort((a, b) => b - a)
	return (a + .05) / (b + .05)
})(%s)`
