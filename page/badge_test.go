package page

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.org/interlude/status"
)

// readBadge is a badge as a picture program reads it.
type readBadge struct {
	XMLName xml.Name
	Width   int    `xml:"width,attr"`
	Height  int    `xml:"height,attr"`
	Role    string `xml:"role,attr"`
	Label   string `xml:"aria-label,attr"`
	Title   string `xml:"title"`
	Rects   []struct {
		Width int    `xml:"width,attr"`
		Fill  string `xml:"fill,attr"`
	} `xml:"g>rect"`
	Texts []struct {
		X      int    `xml:"x,attr"`
		Length int    `xml:"textLength,attr"`
		Text   string `xml:",chardata"`
	} `xml:"g>text"`
}

func (s *Site) badge(t testing.TB, path string) readBadge {
	t.Helper()
	var b readBadge
	if err := xml.Unmarshal(s.document(t, path), &b); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if b.XMLName.Space != "http://www.w3.org/2000/svg" || b.Role != "img" || b.Label != b.Title || len(b.Texts) != 2 || len(b.Rects) != 2 {
		t.Fatalf("%s: got %+v, want a picture with a name and two sides", path, b)
	}
	first, second := b.Texts[0], b.Texts[1]
	if first.X+first.Length > second.X || second.X+second.Length > b.Width-badgePad {
		t.Errorf("%s: got words from %d by %d and from %d by %d in %d pixels, want them beside each other", path, first.X, first.Length, second.X, second.Length, b.Width)
	}
	if width := 2 * textWidth(strings.Repeat("m", mostBadge)); b.Width > width {
		t.Errorf("%s: got %d pixels, want %d at most", path, b.Width, width)
	}
	return b
}

func TestABadgeSaysHowThePageStands(t *testing.T) {
	for name, want := range map[string][2]string{
		"planned": {"All systems operational", toneOK}, "under way": {"Maintenance in progress", toneMaintenance},
		"overrun": {"Maintenance is taking longer than planned", toneMaintenance}, "worst": {"Partial outage", tonePartial},
		"verifying": {"Maintenance done, being verified", toneMaintenance}, "empty": {"Nothing to report yet", toneNone},
	} {
		b := everyState(t)[name].badge(t, "/badge.svg")
		if b.Texts[0].Text != "Northwind" || b.Texts[1].Text != want[0] || b.Title != "Northwind: "+want[0] || b.Rects[1].Fill != badgeFills[want[1]] {
			t.Errorf("%s: got %q in %s, want Northwind: %q in %s", name, b.Title, b.Rects[1].Fill, want[0], badgeFills[want[1]])
		}
	}
}

func TestABadgeOfAComponentSaysHowItStands(t *testing.T) {
	w := northwind(t)
	w.trouble("Push is late", "2027-01-13 16:00", status.MajorOutage, "Mobile Push")
	s := w.site("2027-01-13 17:00")
	want := map[string]string{"Mobile Push": "Major outage", "Message delivery": "Major outage", "Email": "Operational", "Messenger": "Operational"}
	for _, c := range w.Components {
		if want[c.Name] != "" {
			if b := s.badge(t, "/components/"+c.ID+"/badge.svg"); b.Title != s.board.Current().FullName(c.ID)+": "+want[c.Name] {
				t.Errorf("got %q, want %s: %s", b.Title, c.Name, want[c.Name])
			}
		}
	}
	for _, g := range w.Groups {
		if b := s.badge(t, "/components/"+g.ID+"/badge.svg"); b.Title != g.Name+": "+want[g.Name] {
			t.Errorf("got %q, want %s: %s", b.Title, g.Name, want[g.Name])
		}
	}
}

func TestABadgeIsAPictureAndNothingElse(t *testing.T) {
	answer := everyState(t)["hostile"].fetch(t, http.MethodGet, "status.example", "/badge.svg")
	if got := answer.Header().Get("Content-Type") + " " + answer.Header().Get("Content-Security-Policy"); got != "image/svg+xml default-src 'none'; style-src 'unsafe-inline'; sandbox" {
		t.Errorf("got %q, want a picture that may do nothing", got)
	}
	svg := answer.Body.String()
	for _, forbidden := range []string{"<script", "<image", "<use", "<foreignObject", "<a ", "url(http", "@import"} {
		if strings.Contains(svg, forbidden) {
			t.Errorf("got %s in %s, want none", forbidden, svg)
		}
	}
	for part := range xmlAttributes(t, svg) {
		if strings.HasPrefix(part, "on") || part == "href" {
			t.Errorf("got the attribute %s, want none that acts or leads away", part)
		}
	}
}

// xmlAttributes are the names of all attributes of a document.
func xmlAttributes(t *testing.T, text string) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if token == nil {
			if err.Error() != "EOF" {
				t.Fatal(err)
			}
			return names
		}
		if start, ok := token.(xml.StartElement); ok {
			for _, a := range start.Attr {
				names[a.Name.Local] = true
			}
		}
	}
}

func TestWordsOfABadgeHaveTheWidthOfTheirLetters(t *testing.T) {
	for text, want := range map[string]int{"": 0, "i": 4, "mmmm": 43, "Operational": 64, "漢字": 23, "e\u0301": 7, "\u202E": 0} {
		if got := textWidth(text); got != want {
			t.Errorf("%q: got %d pixels, want %d", text, got, want)
		}
	}
	if got := abridged(strings.Repeat("a", 500)); len([]rune(got)) != mostBadge || !strings.HasSuffix(got, "…") {
		t.Errorf("got %d characters, want %d that end with an ellipsis", len([]rune(got)), mostBadge)
	}
}

func TestTheColoursOfABadgeCarryWhiteWords(t *testing.T) {
	fills := []string{"#3a404d"}
	for _, fill := range badgeFills {
		fills = append(fills, fill)
	}
	slices.Sort(fills)
	for _, fill := range fills {
		if got := 1.05 / (luminance(t, fill) + .05); got < 4.5 {
			t.Errorf("%s: got a contrast of %.2f to white, want 4.5 at least", fill, got)
		}
	}
	for _, tone := range []string{toneOK, toneDegraded, tonePartial, toneMajor, toneMaintenance, toneNone} {
		if badgeFills[tone] == "" || badgeSigns[tone] == "" {
			t.Errorf("%s: got no colour or no sign, want both", tone)
		}
	}
}

// luminance is the relative luminance of a colour (WCAG 2.2), near enough: the exponent is rounded.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		v, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(v) / 255
		sum += weight * c * c
	}
	return sum
}
