package notify

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// received is a mail as a reader has it.
type received struct {
	Header                       map[string]string
	Shape                        []string // the media types, outermost first
	Text, HTML, Calendar, Method string
}

// sent is the mail of a notice to somebody.
func sent(t testing.TB, w Writer, n *Notice, to Recipient) []byte {
	t.Helper()
	template, err := w.Letter(n, to.Zone)
	if err != nil {
		t.Fatalf("write %s: %v", n.Kind, err)
	}
	message, err := template.Append(nil, w.Values(n, Delivery{Notice: n.N, To: to, By: Email}))
	if err != nil {
		t.Fatalf("write %s: %v", n.Kind, err)
	}
	return message
}

// recipient is who gets a notice in these tests: the reader or, when an endpoint has failed, its contact.
func recipient(n *Notice) Recipient {
	if n.Kind == Stopped {
		return Recipient{N: 8, ID: "sub8", Channel: Slack, Address: "https://hooks.example.com/secret", Contact: "ops@example.com", Zone: "Europe/Berlin"}
	}
	to := reader
	to.Zone = "Europe/Berlin"
	return to
}

// open reads a mail with the standard library.
func open(t testing.TB, message []byte) received {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	r := received{Header: make(map[string]string)}
	for name, values := range m.Header {
		if len(values) != 1 {
			t.Errorf("got %d headers %s, want one", len(values), name)
		}
		value, err := new(mime.WordDecoder).DecodeHeader(values[0])
		if err != nil {
			t.Error(err)
		}
		r.Header[name] = value
	}
	r.part(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
	return r
}

func (r *received) part(t testing.TB, contentType, encoding string, body io.Reader) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	r.Shape = append(r.Shape, kind)
	if strings.HasPrefix(kind, "multipart/") {
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			part, err := parts.NextRawPart()
			if err != nil {
				return
			}
			r.part(t, part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part)
		}
	}
	switch encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	switch kind {
	case "text/plain":
		r.Text = text
	case "text/html":
		r.HTML = text
	case "text/calendar":
		r.Calendar, r.Method = text, params["method"]
	}
}

// reading is what Python's email package makes of a mail, which reads as mail programs do, with what it finds wrong.
const reading = `
import email, email.policy, json, sys
m = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
html = m.get_body(("html",))
json.dump({
    "header": {k: str(v) for k, v in m.items()}, "count": len(m.items()),
    "shape": [p.get_content_type() for p in m.walk()],
    "text": m.get_body(("plain",)).get_content(),
    "html": html.get_content() if html else "",
    "calendar": "".join(p.get_content() for p in m.iter_attachments()),
    "method": "".join(p.get_param("method") for p in m.iter_attachments()),
    "defects": [repr(d) for p in m.walk() for d in list(p.defects) + [d for h in p.values() for d in getattr(h, "defects", ())]],
}, sys.stdout)`

// asked reads a mail with Python. Without Python the test is skipped or, where INTERLUDE_TEST_STRICT is 1, fails.
func asked(t *testing.T, message []byte) received {
	t.Helper()
	const python = "/usr/bin/python3"
	if _, err := os.Stat(python); err != nil {
		if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
			t.Fatal("python3 is not installed: run scripts/setup")
		}
		t.Skip("python3 is not installed: run scripts/setup")
	}
	command := exec.CommandContext(t.Context(), python, "-c", reading)
	command.Stdin, command.Stderr = bytes.NewReader(message), os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var found struct {
		received

		Count   int
		Defects []string
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	if len(found.Defects) > 0 || found.Count != len(found.Header) {
		t.Errorf("got defects %v and %d headers of %d names, want no defects and each header once", found.Defects, found.Count, len(found.Header))
	}
	found.Calendar = strings.ReplaceAll(found.Calendar, "\r\n", "\n")
	return found.received
}
