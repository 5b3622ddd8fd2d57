package mail

import (
	"bufio"
	"bytes"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"
)

// tape is a wire that writes into memory and reads what a relay is to have said.
func tape(said string) (*wire, *bytes.Buffer) {
	var heard bytes.Buffer
	w := &wire{in: bufio.NewReader(strings.NewReader(said))}
	w.client = &smtp.Client{Text: &textproto.Conn{Writer: textproto.Writer{W: bufio.NewWriter(&heard)}}}
	w.out = bufio.NewWriter(w.client.Text.W)
	return w, &heard
}

func TestDotsAtTheBeginningOfLinesAreDoubledAndTheEndIsMarked(t *testing.T) {
	for message, want := range map[string]string{
		"":                     ".\r\n",
		"a\r\n":                "a\r\n.\r\n",
		"a":                    "a\r\n.\r\n",
		".":                    "..\r\n.\r\n",
		".a\r\n.\r\n..b\r\nc.": "..a\r\n..\r\n...b\r\nc.\r\n.\r\n",
		"a\r\n\r\n.\r\n\r\n":   "a\r\n\r\n..\r\n\r\n.\r\n",
	} {
		w, heard := tape("")
		w.write([]byte(message))
		w.flush()
		if heard.String() != want {
			t.Errorf("%q: got %q, want %q", message, heard, want)
		}
	}
}

func TestAMessageWithALoneLineFeedIsNotSent(t *testing.T) {
	for message, want := range map[string]bool{
		"": true, "a": true, "a\r\nb\r\n": true,
		"a\nb\r\n": false, "a\rb\r\n": false, "a\r\n.\nMAIL FROM:<>\r\n": false, "\r\n\n": false, "a\n\rb": false,
	} {
		if got := lined([]byte(message)); got != want {
			t.Errorf("%q: got %v, want %v", message, got, want)
		}
	}
}

// A message that is sent arrives as it was, by the reckoning of the standard library.
func FuzzAMessageArrivesAsItWas(f *testing.F) {
	f.Add("a\r\n.\r\nb")
	f.Add(".\r\n.")
	f.Fuzz(func(t *testing.T, message string) {
		if !lined([]byte(message)) {
			return
		}
		w, heard := tape("")
		w.write([]byte(message))
		w.flush()
		heard.WriteString("QUIT\r\n")
		in := textproto.NewReader(bufio.NewReader(heard))
		got, err := in.ReadDotBytes()
		want := strings.ReplaceAll(message, "\r\n", "\n")
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		if string(got) != want || err != nil {
			t.Errorf("%q: got %q and %v, want %q", message, got, err, want)
		}
		if next, err := in.ReadLine(); next != "QUIT" || err != nil {
			t.Errorf("%q: got %q and %v after it, want QUIT", message, next, err)
		}
	})
}

func TestAnAnswerIsReadToItsLastLine(t *testing.T) {
	w, _ := tape("250-5.1.1 two\r\n250 lines\r\n354\r\n550-\n550 \n25 short\r\n")
	for _, want := range []struct {
		code int
		text string
	}{{250, "5.1.1 two\nlines\n"}, {354, "\n"}, {550, "\n\n"}} {
		code, err := w.read()
		if code != want.code || string(w.text) != want.text || err != nil {
			t.Errorf("got %d %q and %v, want %d %q", code, w.text, err, want.code, want.text)
		}
	}
	if code, err := w.read(); err == nil {
		t.Errorf("got %d, want an error for what is no answer", code)
	}
}

func TestAnEnhancedCodeIsTakenOffTheFrontOfALine(t *testing.T) {
	for line, want := range map[string][2]string{
		"5.1.1 no such user":  {"5.1.1", "no such user"},
		"4.7.28 slow down":    {"4.7.28", "slow down"},
		"2.0.0\n":             {"2.0.0", ""},
		"3.1.1 of no class":   {"", "3.1.1 of no class"},
		"5.1 of two parts":    {"", "5.1 of two parts"},
		"5.1.1.1 of four":     {"", "5.1.1.1 of four"},
		"5.1234.1 too long":   {"", "5.1234.1 too long"},
		"192.0.2.1 is listed": {"", "192.0.2.1 is listed"},
		"":                    {"", ""},
	} {
		if status, rest := cutStatus([]byte(line)); status != want[0] || string(rest) != want[1] {
			t.Errorf("%q: got %q and %q, want %q", line, status, rest, want)
		}
	}
}

func FuzzAnAnswerIsReadOrRefused(f *testing.F) {
	f.Add("250-5.1.1 a\r\n250 b\r\n")
	f.Add("421 \x1b[2J\r\n")
	f.Fuzz(func(t *testing.T, said string) {
		w, _ := tape(said)
		for {
			code, err := w.read()
			if err != nil {
				return
			}
			s := &session{wire: w, route: &route{}}
			r := s.reply(StageRcpt)
			if code < 200 || code > 599 || len(r.Text) > longestText || strings.ContainsAny(r.Text, "\r\n\x1b\x00") {
				t.Errorf("%q: got %d %+v, want a bounded answer of one line", said, code, r)
			}
		}
	})
}
