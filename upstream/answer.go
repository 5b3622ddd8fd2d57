package upstream

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// readHead reads the status line and the fields of an answer. RFC 9112, 4 and 5.
func (c *conn) readHead() (*http.Response, error) {
	line, err := c.text.ReadLine()
	if err != nil {
		return nil, err
	}
	answer, err := parseStatus(line)
	if err != nil {
		return nil, err
	}
	answer.Header, err = c.readFields()
	return answer, err
}

// parseStatus reads a status line. RFC 9112, 4.
func parseStatus(line string) (*http.Response, error) {
	proto, status, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(status, " ")
	number, err := strconv.Atoi(code)
	if err != nil || len(code) != 3 || number < 100 || !httpguts.ValidHeaderFieldValue(status) {
		return nil, unfit("its first line is %.80q", line)
	}
	answer := &http.Response{Proto: proto, Status: status, StatusCode: number, ProtoMajor: 1}
	switch proto {
	case "HTTP/1.1":
		answer.ProtoMinor = 1
	case "HTTP/1.0":
	default:
		return nil, unfit("its first line is %.80q", line)
	}
	return answer, nil
}

// readFields reads the fields of a head or of a trailer. It is stricter than the parser, which allows space before the colon.
// RFC 9112, 5.1.
func (c *conn) readFields() (http.Header, error) {
	fields, err := c.text.ReadMIMEHeader()
	if fault, ok := errors.AsType[textproto.ProtocolError](err); ok {
		return nil, unfit("%.200s", string(fault))
	}
	if err != nil {
		return nil, err
	}
	for name := range fields {
		if strings.Contains(name, " ") {
			return nil, unfit("a field is called %.80q", name)
		}
	}
	return http.Header(fields), nil
}

// frame finds out where an answer ends, as RFC 9112, 6.3, has it, and refuses what leaves a doubt: whoever gets an answer
// wrong by one byte takes the rest for the answer to somebody else. An answer without a body gets http.NoBody; every
// other one is the exchange's to read.
func (x *exchange) frame(answer *http.Response) error {
	coded, sized := answer.Header["Transfer-Encoding"], answer.Header["Content-Length"]
	length, err := parseLength(sized)
	switch {
	case err != nil:
		return err
	case len(coded) > 0 && len(sized) > 0:
		return unfit("it has a Content-Length and a Transfer-Encoding")
	case len(coded) > 0 && answer.ProtoMinor == 0:
		return unfit("it has a Transfer-Encoding in HTTP/1.0")
	case len(coded) > 1 || len(coded) == 1 && !strings.EqualFold(coded[0], "chunked"):
		return unfit("its Transfer-Encoding is %.80q; only chunked is read", coded)
	case answer.StatusCode == http.StatusSwitchingProtocols && (!asksToUpgrade(x.request) || hasBody(x.request)):
		return unfit("it is 101, and nobody asked for another protocol")
	}
	if len(sized) > 1 { // all the same, which RFC 9110, 8.6, allows to be written once
		answer.Header["Content-Length"] = sized[:1]
	}
	x.usable = persists(answer) && !x.request.Close && answer.StatusCode != http.StatusSwitchingProtocols
	answer.ContentLength = length
	bodiless := answer.StatusCode < 200 || answer.StatusCode == http.StatusNoContent
	switch {
	case bodiless || answer.StatusCode == http.StatusNotModified || x.request.Method == http.MethodHead:
		x.usable = x.usable && !(bodiless && (len(coded) > 0 || length > 0)) // a body that must not be may come yet
		if x.request.Method != http.MethodHead {
			answer.ContentLength = 0
		}
		answer.Body = http.NoBody
	case len(coded) > 0:
		answer.TransferEncoding = []string{"chunked"}
		x.chunks = httputil.NewChunkedReader(x.conn.buffer)
		if err := announceTrailer(answer); err != nil {
			return err
		}
	case length == 0:
		answer.Body = http.NoBody
	default:
		x.usable = x.usable && length > 0
		x.left = length
	}
	delete(answer.Header, "Transfer-Encoding")
	answer.Close = !x.usable
	return nil
}

// parseLength reads Content-Length, which may be repeated if it always says the same. RFC 9110, 8.6.
func parseLength(values []string) (int64, error) {
	if len(values) == 0 {
		return unknown, nil
	}
	length, err := strconv.ParseUint(values[0], 10, 63)
	if err != nil {
		return 0, unfit("its Content-Length is %.80q", values[0])
	}
	for _, other := range values[1:] {
		if other != values[0] {
			return 0, unfit("its Content-Length is %.80q", values)
		}
	}
	return int64(length), nil
}

// persists tells whether the product means to keep the connection. RFC 9112, 9.3.
func persists(answer *http.Response) bool {
	options := answer.Header["Connection"]
	if answer.ProtoMinor == 0 {
		return httpguts.HeaderValuesContainsToken(options, "keep-alive") && !httpguts.HeaderValuesContainsToken(options, "close")
	}
	return !httpguts.HeaderValuesContainsToken(options, "close")
}

// announceTrailer moves the names in the Trailer field to where net/http has them.
func announceTrailer(answer *http.Response) error {
	values, ok := answer.Header["Trailer"]
	if !ok {
		return nil
	}
	delete(answer.Header, "Trailer")
	answer.Trailer = make(http.Header)
	for _, list := range values {
		for name := range strings.SplitSeq(list, ",") {
			name = http.CanonicalHeaderKey(textproto.TrimString(name))
			switch {
			case name == "":
			case !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidTrailerHeader(name):
				return unfit("it announces the trailer %.80q", name)
			default:
				answer.Trailer[name] = nil
			}
		}
	}
	return nil
}

// readTrailer reads what follows the last chunk.
func (x *exchange) readTrailer() error {
	x.conn.allowed = x.pool.config.HeaderBytes
	defer func() { x.conn.allowed = unbounded }()
	mark, err := x.conn.buffer.Peek(len("\r\n"))
	if err != nil {
		return err
	}
	if string(mark) == "\r\n" {
		_, err := x.conn.buffer.Discard(len(mark))
		return err
	}
	if mark[0] == '\n' {
		return unfit("its trailer ends without CR")
	}
	fields, err := x.conn.readFields()
	if err != nil {
		return err
	}
	for name := range fields {
		if !httpguts.ValidTrailerHeader(name) {
			return unfit("its trailer holds %.80q", name)
		}
	}
	if x.answer.Trailer == nil {
		x.answer.Trailer = fields
		return nil
	}
	for name, values := range fields {
		x.answer.Trailer[name] = values
	}
	return nil
}

// Read reads the body of the answer. An answer that breaks off gives io.ErrUnexpectedEOF.
func (x *exchange) Read(p []byte) (int, error) {
	if x.done != nil {
		return 0, x.done
	}
	if x.over.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := x.read(p)
	if err == nil {
		return n, nil
	}
	if !errors.Is(err, io.EOF) {
		x.leave(false)
		_, err = x.explain(err)
	} else {
		x.leave(true)
	}
	x.done = err
	return n, err
}

// read reads as far as the body goes.
func (x *exchange) read(p []byte) (int, error) {
	if x.chunks != nil {
		n, err := x.chunks.Read(p)
		if errors.Is(err, io.EOF) {
			if fault := x.readTrailer(); fault != nil {
				return n, broken(fault)
			}
		}
		return n, err
	}
	if x.left == unknown {
		return x.conn.buffer.Read(p)
	}
	n, err := x.conn.buffer.Read(p[:min(int64(len(p)), x.left)])
	x.left -= int64(n)
	if x.left == 0 {
		return n, io.EOF
	}
	return n, broken(err)
}

// broken turns the end of the connection into what it is before the end of an answer.
func broken(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Close gives up what was not read of the body.
func (x *exchange) Close() error {
	x.leave(false)
	return nil
}

// tunnel is what an answer of 101 leaves: the connection, in both directions.
type tunnel struct{ *exchange }

// Read reads what the product sends.
func (t tunnel) Read(p []byte) (int, error) {
	n, err := t.conn.buffer.Read(p)
	if err != nil && t.request.Context().Err() != nil {
		_, err = t.explain(err)
	}
	return n, err
}

// Write sends to the product.
func (t tunnel) Write(p []byte) (int, error) { return t.conn.Write(p) }

// CloseWrite tells the product that nothing follows, and lets it finish.
func (t tunnel) CloseWrite() error {
	if half, ok := t.conn.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Buffered is how much of the body can be read without waiting for the product. Whoever passes the body on writes it out
// before a read that may wait, and not before each.
func (x *exchange) Buffered() int {
	there := x.conn.buffer.Buffered()
	if x.chunks == nil || there == 0 {
		return there
	}
	// The line end of the last chunk may be all that is there, with nothing behind it yet.
	if ahead, _ := x.conn.buffer.Peek(there); bytes.IndexByte(ahead[min(2, there):], '\n') < 0 {
		return 0
	}
	return there
}
