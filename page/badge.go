package page

import (
	"encoding/xml"
	"fmt"
	"strings"

	"example.org/interlude/markup"
	"example.org/interlude/status"
)

// badgePolicy allows a picture to draw itself and nothing else: opened by itself, an SVG is a document.
var badgePolicy = []string{"default-src 'none'; style-src 'unsafe-inline'; sandbox"}

// The fills of a badge's right side, dark enough for white words (WCAG 2.2, 1.4.3) on light and dark pages alike, and its
// signs in a square of 16: states differ without their colours too.
var (
	badgeFills = map[string]string{
		toneOK: "#17693f", toneDegraded: "#7d5600", tonePartial: "#a8410a", toneMajor: "#ab1f24", toneMaintenance: "#1d56b4", toneNone: "#5a6170",
	}
	badgeSigns = map[string]string{
		toneOK: "m3.6 8.4 3 2.9 5.8-6.4", toneDegraded: "M3.5 8h9", tonePartial: "M8 3.5v6M8 12.6v.2",
		toneMajor: "m4 4 8 8m0-8-8 8", toneMaintenance: "M5.4 4v8m5.2-8v8", toneNone: "M4 8h8",
	}
)

// Lengths in a badge, in pixels.
const (
	badgeHeight = 20
	badgePad    = 7
	badgeSign   = 12
	mostBadge   = 48 // characters on a side
)

// badge is a channel's state as a picture for other people's pages: its name at the left, its state at the right. The
// widths of the words are told to the browser, so that they fit whatever font it finds.
func (c channel) badge() ([]byte, error) {
	name, says := markup.OneLine(c.name), c.standing()
	if name == "" {
		name = c.pageName()
	}
	name, word := abridged(name), abridged(says.Word)
	left, right := textWidth(name), textWidth(word)
	middle := left + 2*badgePad
	whole := middle + 2*badgePad + badgeSign + 3 + right
	title := escaped(name + ": " + word)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" role="img" aria-label="%s"><title>%s</title>`, whole, badgeHeight, title, title)
	fmt.Fprintf(&b, `<clipPath id="c"><rect width="%d" height="%d" rx="4"/></clipPath>`, whole, badgeHeight)
	fmt.Fprintf(&b, `<g clip-path="url(#c)"><rect width="%d" height="%d" fill="#3a404d"/><rect x="%d" width="%d" height="%d" fill="%s"/></g>`,
		whole, badgeHeight, middle, whole-middle, badgeHeight, badgeFills[says.Tone])
	fmt.Fprintf(&b, `<path transform="translate(%d 4) scale(.75)" d="%s" fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round"/>`,
		middle+badgePad, badgeSigns[says.Icon])
	b.WriteString(`<g fill="#fff" font-family="Verdana,Geneva,'DejaVu Sans',sans-serif" font-size="11" text-rendering="geometricPrecision">`)
	for _, side := range []struct {
		at, width int
		text      string
	}{{badgePad, left, name}, {middle + badgePad + badgeSign + 3, right, word}} {
		fmt.Fprintf(&b, `<text x="%d" y="14" textLength="%d" lengthAdjust="spacingAndGlyphs">%s</text>`, side.at, side.width, escaped(side.text))
	}
	b.WriteString("</g></svg>\n")
	return []byte(b.String()), nil
}

// standing is the channel's state: the page's headline, or the worst of its components.
func (c channel) standing() standing {
	if c.ids == nil {
		head := c.headline()
		return standing{head.Tone, head.Tone, head.Text}
	}
	worst := status.Operational
	for _, id := range c.ids {
		worst = status.Worst(worst, c.p.Conditions[id])
	}
	return standingOf(worst)
}

// escaped is a text between tags or within quotes.
func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(markup.Clean(text))) // a builder takes everything
	return b.String()
}

// abridged is a text that leaves room beside it.
func abridged(text string) string {
	if runes := []rune(text); len(runes) > mostBadge {
		return strings.TrimSpace(string(runes[:mostBadge-1])) + "…"
	}
	return text
}
