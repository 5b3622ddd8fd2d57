package mx

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/emersion/go-smtp"
)

// answer is what an upstream says to a command (RFC 5321, 4.2): its code, and the text of all its lines with the enhanced codes in it.
type answer struct {
	code int
	text string
}

// Error is the answer on one line, without characters that could deceive a terminal or a report.
func (a answer) Error() string {
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, a.text)
	if len(text) > 400 {
		text = strings.ToValidUTF8(text[:400], "")
	}
	return strings.TrimSpace(strconv.Itoa(a.code) + " " + text)
}

// passed is the same answer for the client.
func (a answer) passed() *smtp.SMTPError {
	return &smtp.SMTPError{Code: a.code, EnhancedCode: smtp.NoEnhancedCode, Message: a.text}
}

func (a answer) ok() bool        { return a.code/100 == 2 }
func (a answer) permanent() bool { return a.code/100 == 5 }

// status is the enhanced code of the answer (RFC 2034), or the general one of its class.
func (a answer) status() string {
	word, _, _ := strings.Cut(a.text, " ")
	class := strconv.Itoa(a.code / 100)
	parts := strings.Split(word, ".")
	if len(parts) == 3 && parts[0] == class && digits(parts[1]) && digits(parts[2]) {
		return word
	}
	return class + ".0.0"
}

func digits(s string) bool { return s != "" && len(s) <= 3 && strings.Trim(s, "0123456789") == "" }

// away reports whether the answer is about the server and not about the message: it closes the connection, or its system has a
// passing trouble (RFC 3463, X.3.X).
func (a answer) away() bool { return a.code == 421 || strings.HasPrefix(a.status(), "4.3.") }

// wire is one connection to an upstream, spoken on by one goroutine at a time.
type wire struct {
	conn       net.Conn // as it was dialled; deadlines set here hold under TLS too
	bound      *io.LimitedReader
	in         *bufio.Reader
	out        *bufio.Writer
	reader     textproto.Reader
	extensions map[string]string

	dirty  bool // the upstream is in a transaction that is not wanted any more
	broken bool // nothing more can be said
	rested time.Time
}

// longestAnswer bounds an answer, in bytes.
const longestAnswer = 64 << 10

func newWire(conn net.Conn) *wire {
	w := &wire{conn: conn}
	w.attach(conn)
	return w
}

// attach reads from and writes to a connection, which is the one that was dialled, or TLS on it.
func (w *wire) attach(conn net.Conn) {
	w.bound = &io.LimitedReader{R: conn}
	w.in, w.out = bufio.NewReader(w.bound), bufio.NewWriterSize(conn, 16<<10)
	w.reader = textproto.Reader{R: w.in}
}

// encrypt goes under TLS. The handshake takes place with what is said next.
func (w *wire) encrypt(config *tls.Config) { w.attach(tls.Client(w.conn, config)) }

// obey breaks the connection off when ctx ends, until the function that it returns is called.
func (w *wire) obey(ctx context.Context) (done func()) {
	stop := context.AfterFunc(ctx, func() { w.conn.Close() })
	return func() { stop() }
}

// allow gives what comes next a bound.
func (w *wire) allow(wait time.Duration) { _ = w.conn.SetDeadline(time.Now().Add(wait)) }

func (w *wire) has(extension string) bool {
	_, ok := w.extensions[extension]
	return ok
}

// say writes a command. Whether it could be written, hear tells.
func (w *wire) say(parts ...string) {
	for _, part := range append(parts, "\r\n") {
		_, _ = w.out.WriteString(part)
	}
}

// hear sends what was written and reads one answer.
func (w *wire) hear(wait time.Duration) (answer, error) {
	w.allow(wait)
	w.bound.N = longestAnswer
	var err error
	if w.out.Buffered() > 0 {
		err = w.out.Flush()
	}
	var a answer
	if err == nil {
		a.code, a.text, err = w.reader.ReadResponse(0)
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && (a.code < 200 || a.code > 599) {
		err = fmt.Errorf("nobody expects the answer %s", a.Error())
	}
	w.broken = w.broken || err != nil || a.code == 421
	return a, err
}

// ask says a command and reads its answer.
func (w *wire) ask(parts ...string) (answer, error) {
	w.say(parts...)
	return w.hear(commandWait)
}

// expect reads an answer that has to have a code.
func (w *wire) expect(code int, what string) error {
	a, err := w.hear(helloWait)
	if err == nil && a.code != code {
		err = a
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// stale reports whether the upstream has said something unasked, which can only be that it leaves, or has left.
func (w *wire) stale() bool {
	w.allow(time.Millisecond)
	w.bound.N = longestAnswer
	_, err := w.in.Peek(1)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// quit takes leave (RFC 5321, 4.1.1.10). That the upstream may be gone already is all one.
func (w *wire) quit() {
	if !w.broken {
		w.say("QUIT")
		_, _ = w.hear(quitWait)
	}
	w.conn.Close()
}

// mailCommand begins a message. Its size is 0 where it is not known.
func (w *wire) mailCommand(e Envelope, size int64) string {
	var b strings.Builder
	b.WriteString("MAIL FROM:<" + e.From + ">")
	if w.has("SIZE") && size > 0 {
		fmt.Fprintf(&b, " SIZE=%d", size)
	}
	if w.has("8BITMIME") && e.Body != "" {
		b.WriteString(" BODY=" + e.Body)
	}
	if e.UTF8 {
		b.WriteString(" SMTPUTF8")
	}
	if w.has("DSN") {
		if e.Ret != "" {
			b.WriteString(" RET=" + e.Ret)
		}
		if e.EnvID != "" {
			b.WriteString(" ENVID=" + xtext(e.EnvID))
		}
	}
	return b.String()
}

func (w *wire) rcptCommand(r Recipient) string {
	command := "RCPT TO:<" + r.To + ">"
	if w.has("DSN") {
		if len(r.Notify) > 0 {
			command += " NOTIFY=" + strings.Join(r.Notify, ",")
		}
		if r.Orcpt != "" {
			command += " ORCPT=" + orcpt(r.Orcpt)
		}
	}
	return command
}

// able reports whether the upstream can be given a message with this envelope, and says the refusal if not. What is 8BITMIME is given also to one
// that does not say that it takes it, for none is left that does not.
func (w *wire) able(e Envelope) (refusal answer, ok bool) {
	if e.UTF8 && !w.has("SMTPUTF8") {
		return answer{550, "5.6.7 The server behind does not take SMTPUTF8 (RFC 6531)"}, false
	}
	return answer{}, true
}

// content sends a message, its lines ended by CRLF, after the upstream has asked for it, and reads one answer, or by LMTP one for
// each of those recipients that it took. When the connection breaks after some of these, the others get one of ours.
func (w *wire) content(answers int, parts ...[]byte) ([]answer, error) {
	w.allow(contentWait)
	dots := textproto.NewWriter(w.out).DotWriter()
	for _, part := range parts {
		if _, err := dots.Write(part); err != nil {
			break // the upstream may have said why
		}
	}
	_ = dots.Close()
	first, err := w.hear(answerWait)
	if err != nil {
		return nil, fmt.Errorf("answer to the message: %w", err)
	}
	w.dirty = false
	heard := []answer{first}
	for len(heard) < answers {
		next := answer{451, "4.4.2 The connection to the server behind broke"}
		if !w.broken {
			if a, err := w.hear(answerWait); err == nil {
				next = a
			}
		}
		heard = append(heard, next)
	}
	return heard, nil
}
