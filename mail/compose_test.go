package mail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// notice is a letter as a notice is one: two alternatives and a calendar entry, personal in headers and in both texts.
func notice() Letter {
	return Letter{
		From: Mailbox{"status", "northwind.example"}, FromName: "Nørthwind, Status",
		To: Slot(0), Subject: "[Nørthwind] Scheduled database maintenance",
		Date: time.Date(2026, 3, 1, 10, 0, 0, 0, time.FixedZone("CET", 3600)),
		Headers: []Header{
			{"Message-ID", "<m1.2." + Slot(1) + "@northwind.example>"},
			{"References", "<m1." + Slot(1) + "@northwind.example> <m1.1." + Slot(1) + "@northwind.example>"},
			{"List-Unsubscribe", "<https://status.northwind.example/subscriptions/" + Slot(2) + "/unsubscribe>"},
		},
		Text: "Wir arbeiten an der Datenbank.\n\nAbbestellen: " + Slot(3) + "\nFür " + Slot(0) + Slot(1) + " ",
		HTML: "<p>Wir arbeiten an der Datenbank.</p><a href=\"" + Slot(3) + "\">Abbestellen</a>\n",
		Attachments: []Attachment{{
			Name: "Wartung für alle.ics", ContentType: "text/calendar; charset=utf-8; method=PUBLISH",
			Content: []byte("BEGIN:VCALENDAR\r\n" + strings.Repeat("X-LONG:1234567890\r\n", 20) + "END:VCALENDAR\r\n"),
		}},
	}
}

var subscriber = []string{"ops@example.com", "s7", "tok-7", "https://status.northwind.example/s/tok-7?a=1&b=ü"}

// write gives the message for one recipient.
func write(tb testing.TB, l Letter, values ...string) []byte {
	tb.Helper()
	template, err := l.Compose()
	if err != nil {
		tb.Fatal(err)
	}
	message, err := template.Append(nil, values)
	if err != nil {
		tb.Fatal(err)
	}
	return message
}

// parts reads a message as a mail program does, and gives each leaf's content type, name and content.
func parts(tb testing.TB, message []byte) (netmail.Header, []string) {
	tb.Helper()
	read, err := netmail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		tb.Fatalf("got %v for\n%s", err, message)
	}
	return read.Header, leaves(tb, read.Header.Get, read.Body)
}

func leaves(tb testing.TB, header func(string) string, body io.Reader) (found []string) {
	tb.Helper()
	kind, parameters, err := mime.ParseMediaType(header("Content-Type"))
	if err != nil {
		tb.Fatal(err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		switch header("Content-Transfer-Encoding") {
		case "quoted-printable":
			body = quotedprintable.NewReader(body)
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, body)
		}
		content, err := io.ReadAll(body)
		if err != nil {
			tb.Fatal(err)
		}
		_, disposition, _ := mime.ParseMediaType(header("Content-Disposition"))
		return []string{kind + " " + parameters["charset"] + parameters["method"] + disposition["filename"] + ":\n" + string(content)}
	}
	found = append(found, kind)
	for r := multipart.NewReader(body, parameters["boundary"]); ; {
		part, err := r.NextRawPart()
		if err == io.EOF {
			return found
		}
		if err != nil {
			tb.Fatal(err)
		}
		found = append(found, leaves(tb, part.Header.Get, part)...)
	}
}

// checkLines holds a message to what every relay takes: ASCII, CRLF, and lines that are not too long.
func checkLines(tb testing.TB, message []byte) {
	tb.Helper()
	if !bytes.HasSuffix(message, []byte("\r\n")) || !lined(message) {
		tb.Errorf("the lines of %q do not all end with CRLF", message)
	}
	header, body, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	for i, half := range [][]byte{header, body} {
		longest := []int{longestLine, 76}[i]
		for line := range bytes.SplitSeq(half, []byte("\r\n")) {
			if len(line) > longest && !bytes.Contains(line, []byte("boundary=")) && !bytes.Contains(line, []byte("filename")) {
				tb.Errorf("got a line of %d characters, want at most %d: %s", len(line), longest, line)
			}
			if bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r > '~' }) {
				tb.Errorf("got the line %q, want printable ASCII", line)
			}
		}
	}
}

func TestALetterIsReadAsItWasWritten(t *testing.T) {
	message := write(t, notice(), subscriber...)
	checkLines(t, message)
	header, got := parts(t, message)
	if diff := cmp.Diff([]string{
		"multipart/mixed", "multipart/alternative",
		"text/plain utf-8:\nWir arbeiten an der Datenbank.\r\n\r\nAbbestellen: https://status.northwind.example/s/tok-7?a=1&b=ü\r\n" +
			"Für ops@example.coms7 \r\n",
		"text/html utf-8:\n<p>Wir arbeiten an der Datenbank.</p>" +
			"<a href=\"https://status.northwind.example/s/tok-7?a=1&amp;b=ü\">Abbestellen</a>\r\n",
		"text/calendar utf-8PUBLISHWartung für alle.ics:\n" + string(notice().Attachments[0].Content),
	}, got); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{
		"To":   "ops@example.com",
		"Date": "Sun, 01 Mar 2026 09:00:00 +0000", "Mime-Version": "1.0", "Message-Id": "<m1.2.s7@northwind.example>",
		"References":       "<m1.s7@northwind.example> <m1.1.s7@northwind.example>",
		"List-Unsubscribe": "<https://status.northwind.example/subscriptions/tok-7/unsubscribe>",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if from, err := header.AddressList("From"); err != nil || from[0].Name != "Nørthwind, Status" {
		t.Errorf("got %v, %v, want the name Nørthwind, Status", from, err)
	}
	if got, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject")); err != nil || got != notice().Subject {
		t.Errorf("got the subject %q, %v, want %q", got, err, notice().Subject)
	}
}

func TestALetterIsOnlyAsDeepAsItNeedsToBe(t *testing.T) {
	bare := Letter{From: Mailbox{"a", "example.com"}, To: "b@example.com", Subject: "s", Date: time.Unix(0, 0), Text: "t"}
	html := bare
	html.HTML = "<p>h</p>"
	file := bare
	file.Attachments = []Attachment{{Name: "empty"}}
	for _, c := range []struct {
		letter Letter
		want   []string
	}{
		{bare, []string{"text/plain utf-8:\nt\r\n"}},
		{html, []string{"multipart/alternative", "text/plain utf-8:\nt\r\n", "text/html utf-8:\n<p>h</p>\r\n"}},
		{file, []string{"multipart/mixed", "text/plain utf-8:\nt\r\n", "application/octet-stream empty:\n"}},
	} {
		message := write(t, c.letter)
		checkLines(t, message)
		if _, got := parts(t, message); !cmp.Equal(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestALetterIsTheSameEachTime(t *testing.T) {
	once, again := write(t, notice(), subscriber...), write(t, notice(), subscriber...)
	if !bytes.Equal(once, again) {
		t.Errorf("got\n%s\nthe second time, want\n%s", again, once)
	}
}

func TestALongHeaderIsFoldedAndUnfoldsToItself(t *testing.T) {
	l := notice()
	l.Subject = strings.Repeat("Wartung der Datenbank für alle ", 20) + "Ende"
	l.FromName = strings.Repeat("Northwind (Status) ", 10)
	var references []string
	for i := range 20 {
		references = append(references, fmt.Sprintf("<m%d.%s@northwind.example>", i, Slot(1)))
	}
	l.Headers = []Header{{"References", strings.Join(references, " ")}}
	message := write(t, l, subscriber...)
	header, _ := parts(t, message)
	if got, _ := new(mime.WordDecoder).DecodeHeader(header.Get("Subject")); got != l.Subject {
		t.Errorf("got %q, want %q", got, l.Subject)
	}
	if got, want := header.Get("References"), strings.ReplaceAll(strings.Join(references, " "), Slot(1), "s7"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if from, err := header.AddressList("From"); err != nil || from[0].Name != strings.TrimSpace(l.FromName) {
		t.Errorf("got %v, %v, want %s", from, err, l.FromName)
	}
	fields, _, _ := strings.Cut(string(message), "Content-Type")
	for line := range strings.SplitSeq(fields, "\r\n") {
		// An encoded word has up to 75 characters (RFC 2047, 2), and the first one stands behind the header's name.
		if len(line) > len("Subject: ")+75 {
			t.Errorf("got a line of %d characters: %s", len(line), line)
		}
	}
	checkLines(t, write(t, l, "ops@example.com", strings.Repeat("s", longestValue), "tok-7", "x"))
}

func TestALetterThatCouldNotStandIsRefused(t *testing.T) {
	for want, change := range map[string]func(*Letter){
		"from is required":                      func(l *Letter) { l.From = Mailbox{} },
		"to is required":                        func(l *Letter) { l.To = "" },
		"text is required":                      func(l *Letter) { l.Text = " \n" },
		"date is required":                      func(l *Letter) { l.Date = time.Time{} },
		"the same for everybody":                func(l *Letter) { l.Subject += Slot(0) },
		"Subject has no value":                  func(l *Letter) { l.Subject = "\r\n" },
		"subject stands in the message already": func(l *Letter) { l.Headers = []Header{{"subject", "x"}} },
		"MIME-VERSION stands in":                func(l *Letter) { l.Headers = []Header{{"MIME-VERSION", "x"}} },
		"Content-Type stands in":                func(l *Letter) { l.Headers = []Header{{"Content-Type", "x"}} },
		"X-A stands in":                         func(l *Letter) { l.Headers = []Header{{"X-A", "x"}, {"X-A", "y"}} },
		"'ü' is not printable ASCII":            func(l *Letter) { l.Headers = []Header{{"X-A", "ü"}} },
		"'\\x00' is not printable ASCII":        func(l *Letter) { l.Headers = []Header{{"X-A", "a\x00"}} },
		`"X-A: b" cannot name a header`:         func(l *Letter) { l.Headers = []Header{{"X-A: b", "x"}} },
		"does not fit into a line":              func(l *Letter) { l.Headers = []Header{{"X-A", strings.Repeat("x", 1000)}} },
		"a value counts 400":                    func(l *Letter) { l.Headers = []Header{{"X-A", Slot(0) + Slot(1) + Slot(2)}} },
		"must be one such as text/calendar":     func(l *Letter) { l.Attachments[0].ContentType = "text/" },
	} {
		l := notice()
		change(&l)
		if _, err := l.Compose(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %s", err, want)
		}
	}
}

func TestNobodyWritesAHeaderByWayOfAValue(t *testing.T) {
	template, err := notice().Compose()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{
		"", "ops@example.com\r\nBcc: all@example.com", "ops@example.com\n", "a b@example.com", "ö@example.com", strings.Repeat("a", 401),
	} {
		got, err := template.Append([]byte("before"), []string{address, "s7", "tok-7", "x"})
		if err == nil || string(got) != "before" {
			t.Errorf("%q: got %q, %v, want a refusal", address, got, err)
		}
	}
	if _, err := template.Append(nil, subscriber[:3]); err == nil {
		t.Error("got a message, want a refusal: a value is missing")
	}
}

func TestNobodyEndsAPartByWayOfAValue(t *testing.T) {
	message := write(t, notice(), subscriber...)
	_, want := parts(t, message)
	_, rest, _ := strings.Cut(string(message), "multipart/alternative;")
	_, rest, _ = strings.Cut(rest, "boundary=")
	line, _, _ := strings.Cut(rest, "\r\n")
	boundary := strings.Trim(line, `"`)
	hostile := "\r\n--" + boundary + "--\r\n"
	_, got := parts(t, write(t, notice(), "ops@example.com", "s7", "tok-7", hostile))
	if len(got) != len(want) || !strings.Contains(got[2], hostile) {
		t.Errorf("got %q, want the boundary %s as text", got, boundary)
	}
}

func TestSlotsAreTakenOutOfWhatOthersWrite(t *testing.T) {
	if got, want := WithoutSlots("a"+Slot(0)+"ü"+Slot(MostSlots-1)+"\U000F1000"), "aü\U000F1000"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// lines is a text as a reader of mail gets it.
func lines(text string) string {
	return strings.ReplaceAll(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n", "\r\n")
}

func FuzzALetterSaysWhatItWasGiven(f *testing.F) {
	f.Add("before ", " after", "value")
	f.Add("a\n.\n", "\r\n.\r\n", "\r\n.\r\nQUIT\r\n")
	f.Add("=_", "--=_ ", "--=_"+strings.Repeat("0", 24)+"alternative--\r\n\r\n")
	f.Add(strings.Repeat("ü ", 60), "\t", strings.Repeat(" <&>\"'=", 40))
	f.Add("", "\nafter", "ends with a space ")
	f.Add(" \n ", " ", "a \r b\t\n \n")
	f.Fuzz(func(t *testing.T, before, after, value string) {
		before, after = WithoutSlots(strings.ToValidUTF8(before, "")), WithoutSlots(strings.ToValidUTF8(after, ""))
		l := notice()
		l.Text, l.HTML = "x"+before+Slot(3)+after+"x", Slot(3)+before+Slot(3)+Slot(3)+"x"
		message := write(t, l, "ops@example.com", "s7", "tok-7", value)
		checkLines(t, message)
		_, got := parts(t, message)
		marked := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(value)
		if diff := cmp.Diff([]string{
			"multipart/mixed", "multipart/alternative",
			"text/plain utf-8:\n" + "x" + lines(before) + lines(value) + lines(after) + "x\r\n",
			"text/html utf-8:\n" + lines(marked) + lines(before) + lines(marked) + lines(marked) + "x\r\n",
		}, got[:4]); diff != "" {
			t.Errorf("%s\n%s", diff, message)
		}
	})
}

func BenchmarkTemplate(b *testing.B) {
	l := notice()
	l.Text += strings.Repeat("What is done, and why, in a sentence of its own.\n", 30)
	l.HTML += strings.Repeat("<p>What is done, and why, in a sentence of its own.</p>\n", 70)
	template, err := l.Compose()
	if err != nil {
		b.Fatal(err)
	}
	message, err := template.Append(nil, subscriber)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	for b.Loop() {
		if message, err = template.Append(message[:0], subscriber); err != nil {
			b.Fatal(err)
		}
	}
}
