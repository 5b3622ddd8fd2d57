package mail

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"time"
)

// How long a relay is waited for. RFC 5321, 4.5.3.2 allows minutes for each; what waits here is a notice that is about to
// be out of date, and another relay may be quicker.
const (
	connectWait = 10 * time.Second
	helloWait   = 30 * time.Second // each of greeting, EHLO, STARTTLS and AUTH
	commandWait = time.Minute
	contentWait = 2 * time.Minute  // for a message to be written
	answerWait  = 2 * time.Minute  // for the answer to its end, after which the relay answers for it
	stopWait    = 20 * time.Second // for what is to be finished when a pool ends
	quitWait    = 5 * time.Second
)

// What a relay may say.
const (
	longestHello  = 128 << 10 // in bytes, until it is greeted, certificates included
	longestAnswer = 100       // in lines
)

// wire is one connection to a relay, from which the greetings are over.
//
// The standard library's client opens it. From then on the connection is spoken on directly, because that client sends
// one command at a time and waits for its answer.
type wire struct {
	conn   net.Conn // as it was dialled; deadlines set here hold under TLS too
	client *smtp.Client
	in     *bufio.Reader
	out    *bufio.Writer

	pipelining bool // RFC 2920
	sizes      bool // RFC 1870

	code int    // of the last answer
	text []byte // of the last answer, its lines ended by line feeds

	mu     sync.Mutex
	until  time.Time // when what is under way has to be done
	keep   bool      // it is to be finished even if the wire ends
	ending bool      // nothing else is to be begun
}

// allow gives what comes next a bound. A wire that ends keeps a little time for what is to be finished, and none for
// anything else.
func (w *wire) allow(wait time.Duration, keep bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until, w.keep = time.Now().Add(wait), keep
	w.limit()
}

// end interrupts the wire, unless what is under way is to be finished.
func (w *wire) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ending = true
	w.limit()
}

// limit sets the deadline. It is not told whether it could be set: on a connection where it cannot, reading and writing
// fail too.
func (w *wire) limit() {
	until := w.until
	if w.ending {
		last := time.Now()
		if w.keep {
			last = last.Add(stopWait)
		}
		if last.Before(until) {
			until = last
		}
	}
	_ = w.conn.SetDeadline(until)
}

// greet says hello, goes under TLS and authenticates, as the relay wants it.
func (w *wire) greet(r Relay, hello string, roots *x509.CertPool) error {
	config := &tls.Config{ServerName: r.host(), RootCAs: roots, MinVersion: tls.VersionTLS12}
	bound := &bounded{Conn: w.conn, left: longestHello}
	conn := net.Conn(bound)
	if r.TLS == Implicit {
		conn = tls.Client(bound, config)
	}
	w.allow(helloWait, false)
	client, err := smtp.NewClient(conn, r.host())
	if err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	w.client = client
	w.allow(helloWait, false)
	if err := client.Hello(hello); err != nil {
		return fmt.Errorf("EHLO: %w", err)
	}
	if err := w.encrypt(r, config); err != nil {
		return err
	}
	if r.User != "" {
		if err := w.authenticate(r); err != nil {
			return err
		}
	}
	w.pipelining, _ = client.Extension("PIPELINING")
	w.sizes, _ = client.Extension("SIZE")
	w.in, w.out = client.Text.R, bufio.NewWriterSize(client.Text.W, 16<<10)
	bound.open = true
	return nil
}

// encrypt goes under TLS where that is wanted and possible.
func (w *wire) encrypt(r Relay, config *tls.Config) error {
	if r.TLS == Never || r.TLS == Implicit {
		return nil
	}
	if offered, _ := w.client.Extension("STARTTLS"); !offered {
		if r.insists() {
			return errors.New("the relay offers no STARTTLS: begin its URL with smtps://, or say tls=none to one on this machine")
		}
		return nil
	}
	w.allow(helloWait, false)
	if err := w.client.StartTLS(config); err != nil {
		return fmt.Errorf("STARTTLS: %w", err)
	}
	return nil
}

// authenticate says who we are, with PLAIN (RFC 4616) or, where that is not offered, CRAM-MD5. What the relay answers to
// it is not quoted: it may repeat what it was told.
func (w *wire) authenticate(r Relay) error {
	if _, encrypted := w.client.TLSConnectionState(); !encrypted && !r.bare() {
		return errors.New("AUTH: a password is not sent in clear")
	}
	_, offered := w.client.Extension("AUTH")
	var auth smtp.Auth
	mechanisms := strings.Fields(strings.ToUpper(offered))
	for _, mechanism := range mechanisms {
		switch {
		case mechanism == "PLAIN":
			auth = smtp.PlainAuth("", r.User, r.Password, r.host())
		case mechanism == "CRAM-MD5" && auth == nil:
			auth = smtp.CRAMMD5Auth(r.User, r.Password)
		}
	}
	if auth == nil {
		return fmt.Errorf("AUTH: the relay offers %q, neither PLAIN nor CRAM-MD5", offered)
	}
	w.allow(helloWait, false)
	err := w.client.Auth(auth)
	var refusal *textproto.Error
	if errors.As(err, &refusal) {
		status, _ := cutStatus([]byte(refusal.Msg))
		return fmt.Errorf("AUTH: the relay refused user %q with %d %s", r.User, refusal.Code, status)
	}
	if err != nil {
		return fmt.Errorf("AUTH: %w", err)
	}
	return nil
}

// close ends the connection.
func (w *wire) close() {
	if w.client == nil {
		w.conn.Close()
		return
	}
	w.client.Close()
}

// quit takes leave of the relay (RFC 5321, 4.1.1.10). That it may be gone already is all one.
func (w *wire) quit() {
	w.allow(quitWait, true)
	w.say("QUIT\r\n")
	if w.flush() == nil {
		_, _ = w.read()
	}
}

// stale reports whether the relay has said something unasked, which can only be that it leaves, or has left.
func (w *wire) stale() bool {
	w.allow(time.Millisecond, true)
	_, err := w.in.Peek(1)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// say writes text. Whether it could be written is told by flush.
func (w *wire) say(parts ...string) {
	for _, part := range parts {
		_, _ = w.out.WriteString(part)
	}
}

// flush sends what was written.
func (w *wire) flush() error {
	if err := w.out.Flush(); err != nil {
		return err
	}
	return w.client.Text.W.Flush()
}

// write writes a message, dots doubled where a line begins with one (RFC 5321, 4.5.2), and its end. Whether it could be
// written is told by flush.
func (w *wire) write(message []byte) {
	ended := bytes.HasSuffix(message, []byte("\r\n")) || len(message) == 0
	if bytes.HasPrefix(message, []byte(".")) {
		w.say(".")
	}
	for {
		i := bytes.Index(message, []byte("\r\n."))
		if i < 0 {
			break
		}
		_, _ = w.out.Write(message[:i+2])
		w.say(".")
		message = message[i+2:]
	}
	_, _ = w.out.Write(message)
	if !ended {
		w.say("\r\n")
	}
	w.say(".\r\n")
}

// read takes one answer, of one line or several (RFC 5321, 4.2.1).
func (w *wire) read() (int, error) {
	w.code, w.text = 0, w.text[:0]
	for range longestAnswer {
		line, err := w.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return 0, errors.New("a line of the relay's answer is too long")
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		code, more, ok := parseLine(line)
		if !ok || w.code != 0 && w.code != code {
			return 0, fmt.Errorf("the relay's answer is not SMTP: %q", clean(line[:min(len(line), 40)]))
		}
		w.code = code
		if len(w.text) < longestText {
			w.text = append(append(w.text, line[min(4, len(line)):]...), '\n')
		}
		if !more {
			return code, nil
		}
	}
	return 0, errors.New("the relay's answer has too many lines")
}

// parseLine reads the code that a line begins with, and whether another line follows.
func parseLine(line []byte) (code int, more, ok bool) {
	if len(line) < 3 || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return 0, false, false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return 0, false, false
		}
		code = code*10 + int(c-'0')
	}
	return code, len(line) > 3 && line[3] == '-', code >= 200 && code < 600
}

// bounded is a connection that gives only so many bytes until it is opened: the standard library reads a greeting of
// whatever length into memory.
type bounded struct {
	net.Conn
	left int
	open bool
}

func (b *bounded) Read(p []byte) (int, error) {
	if !b.open {
		if b.left == 0 {
			return 0, errors.New("the relay's greeting is too long")
		}
		p = p[:min(len(p), b.left)]
	}
	n, err := b.Conn.Read(p)
	b.left -= n
	return n, err
}
