package webhook

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestEachStatusHasAVerdict(t *testing.T) {
	for code, want := range map[int]Verdict{
		101: Refused, 200: Delivered, 204: Delivered, 299: Delivered, 301: Refused, 304: Refused, 400: Refused, 401: Refused, 403: Refused,
		404: Refused, 408: Passing, 410: Gone, 413: Refused, 425: Passing, 429: Passing, 500: Passing, 503: Passing, 599: Passing,
	} {
		if got := (Answer{Code: code}).Verdict(); got != want {
			t.Errorf("%d: got %s, want %s", code, got, want)
		}
	}
	for err, want := range map[error]Verdict{ErrInward: Forbidden, ErrURL: Refused, io.ErrUnexpectedEOF: Passing, errors.ErrUnsupported: Passing} {
		if got := (Answer{Err: err}).Verdict(); got != want {
			t.Errorf("%v: got %s, want %s", err, got, want)
		}
	}
}

func TestALineTellsOperatorsWhatCameOfAPost(t *testing.T) {
	for want, a := range map[string]Answer{
		"204 No Content":              {Code: 204},
		"404 Not Found: no such team": {Code: 404, Text: "no such team"},
		"299: taken":                  {Code: 299, Text: "taken"},
		"the first line of two":       {Err: errors.New("the first line\nof two")},
		"400 Bad Request: " + strings.Repeat("x", 182) + "…": {Code: 400, Text: strings.Repeat("x", 200)},
	} {
		if got := a.Line(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAnEndpointMaySayHowLongItWantsToBeLeftAlone(t *testing.T) {
	for _, c := range []struct {
		header, body string
		want         time.Duration
	}{
		{"", "", 0},
		{"120", "", 2 * time.Minute},
		{"0", "", 0},
		{"-5", "", 0},
		{"soon", "", 0},
		{"NaN", "", 0},
		{"99999999999999999999", "", longestWait},
		{"Fri, 15 Jan 2027 06:01:30 GMT", "", 90 * time.Second},
		{"Fri, 15 Jan 2027 05:00:00 GMT", "", 0},
		{"Fri, 15 Jan 2100 05:00:00 GMT", "", longestWait},
		{"", `{"message":"You are being rate limited.","retry_after":64.57,"global":false}`, 64570 * time.Millisecond},
		{"65", `{"retry_after":64.57}`, 65 * time.Second},
		{"", `{"retry_after":-1}`, 0},
		{"", `{"retry_after":1e99}`, longestWait},
		{"", `{"retry_after":"later"}`, 0},
		{"7", `<html>`, 7 * time.Second},
	} {
		h := http.Header{"Date": {"Fri, 15 Jan 2027 06:00:00 GMT"}, "Retry-After": {c.header}}
		if got := retryAfter(h, []byte(c.body)); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.header, c.body, got, c.want)
		}
	}
}

func TestWhatAStrangerWroteIsOneLineWithoutTricks(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		" a\r\n\tb\x00c\x1b[31md":     "a b c [31md",
		"left \u202eright":            "left right",
		"bad \xff\xfe bytes":          "bad bytes",
		"Größe 日本":                    "Größe 日本",
		strings.Repeat("ä", 200):      strings.Repeat("ä", 200),
		strings.Repeat("ä", 201):      strings.Repeat("ä", 199) + "…",
		strings.Repeat("a \n", 10000): strings.Repeat("a ", 99) + "a…",
	} {
		if got := oneLine(text); got != want {
			t.Errorf("%.40q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzALineIsShortAndPrintable(f *testing.F) {
	f.Add("a\nb")
	f.Add("\u2028\u202e\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := oneLine(text)
		if utf8.RuneCountInString(got) > longestLine || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x2028 }) {
			t.Errorf("got %q, want one line of at most %d characters", got, longestLine)
		}
	})
}
