package markup

import (
	"encoding/xml"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanLeavesWhatPeopleWrite(t *testing.T) {
	for text, want := range map[string]string{
		"Grüße, 漢字 👩‍👧 \u202Eabc": "Grüße, 漢字 👩‍👧 \u202Eabc", "a\r\nb\rc\td": "a\nb\nc\td", "a\x00\x1b[31mb": "a[31mb", "a\xffb": "a\uFFFDb", "\u2028": "\n",
	} {
		if got := Clean(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestATitleIsOneLine(t *testing.T) {
	if got, want := OneLine("  Upgrade\r\nSubject: \x00evil\t now "), "Upgrade Subject: evil now"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPlainTextIsTheMarkdownAsItWasWritten(t *testing.T) {
	for body, want := range map[string]string{
		"See [the guide](https://docs.example/guide), **please**.": "See [the guide](https://docs.example/guide), **please**.",
		"First.  \r\nSecond.\t\r\n\r\n- item \n":                   "First.\nSecond.\n\n- item",
		"\n\n    code\n      more\n":                               "    code\n      more",
		"a\x00\x1b]8;;x\x07b":                                      "a]8;;xb",
		" \n ":                                                     "",
	} {
		if got := Text(body); got != want {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	}
}

func TestALeadIsTheFirstParagraphWithoutItsMarkup(t *testing.T) {
	for body, want := range map[string]string{
		"# Title\n\nFirst *words*,\nand [a link](https://example.org).\n\nSecond.": "First words, and a link.",
		"- one\n- two": "one", "<b>bold</b> & <https://a.example>": "<b>bold</b> & https://a.example", "": "",
	} {
		if got := Lead(body); got != want {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x00b\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := Clean(text)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\r\x7f\u2028") || Clean(got) != got {
			t.Errorf("got %q of %q, want text alone", got, text)
		}
		var b strings.Builder
		if err := xml.EscapeText(&b, []byte(got)); err != nil || strings.Count(b.String(), "\uFFFD") != strings.Count(got, "\uFFFD") {
			t.Errorf("got %q, which XML cannot carry", got)
		}
		if plain := Text(text); Text(plain) != plain || strings.Contains(plain, " \n") {
			t.Errorf("got %q of %q, want no space before the end of a line, and the same again", plain, text)
		}
	})
}
