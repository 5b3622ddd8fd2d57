package gate

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// An attack is bytes that two readers could understand differently, and what the product may see of them.
type attack struct {
	name string
	sent string // LF stands for CRLF; § is a bare LF, ¶ a bare CR, ¤ a NUL
	// statuses are those of the answers, in order, the gate's refusals among them.
	statuses string
	// seen are the requests at the product: their first line, host, and body.
	seen []string
}

const host = "\nHost: app.example\n"

var attacks = []attack{
	{"two lengths that differ", "POST /a HTTP/1.1" + host + "Content-Length: 5\nContent-Length: 6\n\nabcdef", "400", nil},
	{"two lengths that agree are one", "POST /a HTTP/1.1" + host + "Content-Length: 5\nContent-Length: 5\n\nabcde", "200", []string{"POST /a HTTP/1.1 app.example abcde"}},
	{"a list of lengths", "POST /a HTTP/1.1" + host + "Content-Length: 5, 5\n\nabcde", "400", nil},
	{"a length with a sign", "POST /a HTTP/1.1" + host + "Content-Length: +5\n\nabcde", "400", nil},
	{"a negative length", "POST /a HTTP/1.1" + host + "Content-Length: -1\n\nabcde", "400", nil},
	{"a length in hexadecimal", "POST /a HTTP/1.1" + host + "Content-Length: 0x5\n\nabcde", "400", nil},
	{"a length beyond all numbers", "POST /a HTTP/1.1" + host + "Content-Length: 99999999999999999999\n\nabcde", "400", nil},
	{
		"a length and chunks (CL.TE)", "POST /a HTTP/1.1" + host + "Content-Length: 44\nTransfer-Encoding: chunked\n\n5\nabcde\n0\n\nGET /next HTTP/1.1" + host + "\n",
		"200 200",
		[]string{"POST /a HTTP/1.1 app.example abcde", "GET /next HTTP/1.1 app.example "},
	},
	{"chunks and a short length (TE.CL)", "POST /a HTTP/1.1" + host + "Transfer-Encoding: chunked\nContent-Length: 4\n\n5\nabcde\n0\n\n", "200", []string{"POST /a HTTP/1.1 app.example abcde"}},
	{"a coding that is spelt oddly (TE.TE)", "POST /a HTTP/1.1" + host + "Transfer-Encoding: xchunked\n\n0\n\n", "501", nil},
	{"two codings", "POST /a HTTP/1.1" + host + "Transfer-Encoding: chunked\nTransfer-Encoding: identity\n\n0\n\n", "501", nil},
	{"a coding twice", "POST /a HTTP/1.1" + host + "Transfer-Encoding: chunked, chunked\n\n0\n\n", "501", nil},
	{"a coding after another", "POST /a HTTP/1.1" + host + "Transfer-Encoding: gzip, chunked\n\n0\n\n", "501", nil},
	{"a coding in quotes", "POST /a HTTP/1.1" + host + "Transfer-Encoding: \"chunked\"\n\n0\n\n", "501", nil},
	{"a coding with a vertical tab", "POST /a HTTP/1.1" + host + "Transfer-Encoding: \vchunked\n\n0\n\n", "400", nil},
	{"a coding by a name with an underscore", "POST /a HTTP/1.1" + host + "Transfer_Encoding: chunked\nContent-Length: 5\n\nabcde", "200", []string{"POST /a HTTP/1.1 app.example abcde"}},
	{"a coding after a space before the colon", "POST /a HTTP/1.1" + host + "Transfer-Encoding : chunked\nContent-Length: 5\n\nabcde", "400", nil},
	{"a coding on a folded line", "POST /a HTTP/1.1" + host + "Transfer-Encoding:\n chunked\n\n5\nabcde\n0\n\n", "200", []string{"POST /a HTTP/1.1 app.example abcde"}},
	{"a coding in HTTP/1.0 is none", "POST /a HTTP/1.0" + host + "Transfer-Encoding: chunked\nContent-Length: 5\n\nabcde", "200", []string{"POST /a HTTP/1.1 app.example abcde"}},
	{"chunk extensions end here", "POST /a HTTP/1.1" + host + "Transfer-Encoding: chunked\n\n5;a=\"b\";c\nabcde\n0;x\n\n", "200", []string{"POST /a HTTP/1.1 app.example abcde"}},
	{"a chunk size that ends with LF alone", "POST /a HTTP/1.1" + host + "Transfer-Encoding: chunked\n\n5§abcde\n0\n\n", "", nil},
	{"a chunk extension with LF", "POST /a HTTP/1.1" + host + "Transfer-Encoding: chunked\n\n5;§abcde\n0\n\n", "", nil},
	{"a chunk that is longer than its size", "POST /a HTTP/1.1" + host + "Transfer-Encoding: chunked\n\n3\nabcde\n0\n\nGET /next HTTP/1.1" + host + "\n", "", nil},
	{"a chunk size that is no number", "POST /a HTTP/1.1" + host + "Transfer-Encoding: chunked\n\nxyz\nabc\n0\n\nGET /next HTTP/1.1" + host + "\n", "", nil},
	{"a chunk size beyond all numbers", "POST /a HTTP/1.1" + host + "Transfer-Encoding: chunked\n\nfffffffffffffffff\nabc\n0\n\n", "", nil},
	{
		"trailers that frame or vouch", "POST /a HTTP/1.1" + host + "Transfer-Encoding: chunked\nTrailer: X-Sum, X-Forwarded-For\n\n5\nabcde\n0\nX-Sum: 1\nX-Forwarded-For: 10.0.0.1\nContent-Length: 3\n\n",
		"200",
		[]string{"POST /a HTTP/1.1 app.example abcde trailer X-Sum: 1"},
	},
	{
		"a request in the body of a GET", "GET /a HTTP/1.1" + host + "Content-Length: 41\n\nGET /next HTTP/1.1\nHost: app.example\n\n", "200",
		[]string{"GET /a HTTP/1.1 app.example GET /next HTTP/1.1\r\nHost: app.example\r\n\r\n"},
	},
	{"lines that end with LF alone", "GET /a HTTP/1.1§Host: app.example§X-A: b§§", "200", []string{"GET /a HTTP/1.1 app.example "}},
	{"a CR within a field", "GET /a HTTP/1.1" + host + "X-A: b¶X-Forwarded-For: 10.0.0.1\n\n", "400", nil},
	{"a NUL within a field", "GET /a HTTP/1.1" + host + "X-A: b¤c\n\n", "400", nil},
	{"a NUL within a name", "GET /a HTTP/1.1" + host + "X¤A: b\n\n", "400", nil},
	{"a field without a colon", "GET /a HTTP/1.1" + host + "X-A\n\n", "400", nil},
	{"a field before which there is a space", "GET /a HTTP/1.1\n Host: app.example\n\n", "400", nil},
	{"a target with a space", "GET /a b HTTP/1.1" + host + "\n", "400", nil},
	{"a target with a NUL", "GET /a¤b HTTP/1.1" + host + "\n", "400", nil},
	{"a method that is no token", "GE(T /a HTTP/1.1" + host + "\n", "400", nil},
	{"another version", "GET /a HTTP/1.9" + host + "\n", "200", []string{"GET /a HTTP/1.1 app.example "}},
	{"a version that there is not", "GET /a HTTP/3.0" + host + "\n", "505", nil},
	{"no version", "GET /a" + host + "\n", "400", nil},
	{"no host", "GET /a HTTP/1.1\nX-A: b\n\n", "400", nil},
	{"two hosts", "GET /a HTTP/1.1" + host + "Host: admin.example\n\n", "400", nil},
	{"a host with userinfo", "GET /a HTTP/1.1\nHost: app.example@admin.example\n\n", "400", nil},
	{"a host with a space", "GET /a HTTP/1.1\nHost: app.example admin.example\n\n", "400", nil},
	{"a host with a path", "GET /a HTTP/1.1\nHost: app.example/admin\n\n", "400", nil},
	{"a target that names another host wins", "GET http://app.example/a HTTP/1.1\nHost: admin.example\n\n", "200", []string{"GET /a HTTP/1.1 app.example "}},
	{"a target with userinfo", "GET http://me:secret@app.example/a HTTP/1.1" + host + "\n", "200", []string{"GET /a HTTP/1.1 app.example "}},
	{"a target of another scheme", "GET ftp://app.example/a HTTP/1.1" + host + "\n", "400", nil},
	{"an opaque target", "GET mailto:app.example HTTP/1.1" + host + "\n", "400", nil},
	{"a target that looks like a host", "GET //admin.example/a HTTP/1.1" + host + "\n", "200", []string{"GET //admin.example/a HTTP/1.1 app.example "}},
	{"CONNECT", "CONNECT admin.example:443 HTTP/1.1\nHost: admin.example:443\n\n", "405", nil},
	{"an asterisk without OPTIONS", "GET * HTTP/1.1" + host + "\n", "400", nil},
	{"HTTP/2's preface within HTTP/1", "GET /a HTTP/1.1" + host + "\nPRI * HTTP/2.0\n\nSM\n\n", "200 400", []string{"GET /a HTTP/1.1 app.example "}},
	{"an upgrade with a body", "POST /a HTTP/1.1" + host + "Connection: Upgrade\nUpgrade: websocket\nContent-Length: 5\n\nabcde", "200", []string{"POST /a HTTP/1.1 app.example abcde"}},
	{"an upgrade to another HTTP", "GET /a HTTP/1.1" + host + "Connection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__\n\n", "200", []string{"GET /a HTTP/1.1 app.example "}},
	{"Connection that takes the length away", "POST /a HTTP/1.1" + host + "Connection: Content-Length\nContent-Length: 5\n\nabcde", "200", []string{"POST /a HTTP/1.1 app.example abcde"}},
	{"Connection that takes the host away", "GET /a HTTP/1.1" + host + "Connection: Host, X-Forwarded-For\n\n", "200", []string{"GET /a HTTP/1.1 app.example "}},
	{"a body that ends too soon", "POST /a HTTP/1.1" + host + "Content-Length: 50\n\nabcde", "", nil},
	{"a body that is not there", "POST /a HTTP/1.1" + host + "\nGET /next HTTP/1.1" + host + "\n", "200 200", []string{"POST /a HTTP/1.1 app.example ", "GET /next HTTP/1.1 app.example "}},
}

func TestTheProductSeesOneRequestOrNone(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			product, address := record(t)
			d := &door{}
			gate := open(t, d, address)
			statuses := speak(t, gate, a.sent, len(strings.Fields(a.statuses)))
			if a.statuses != "" && statuses != a.statuses {
				t.Errorf("got statuses %q, want %q", statuses, a.statuses)
			}
			if a.statuses == "" && slices.Contains(strings.Fields(statuses), "200") {
				t.Errorf("got statuses %q, want no success", statuses)
			}
			a.judge(t, d, product)
		})
	}
}

// judge compares what the product has seen with what it may see, and with what a match saw.
func (a attack) judge(t *testing.T, d *door, product *recorder) {
	t.Helper()
	seen, faults := product.seen()
	if len(a.seen) == 0 && a.statuses == "" {
		// The body broke after the head was sent. A request that is never finished is none, and nothing follows it.
		if len(seen) > 1 || len(seen) != len(faults) {
			t.Errorf("got %q at the product, want at most one request, and that cut off", seen)
		}
		return
	}
	var got []string
	for i, one := range seen {
		text := one.line + " " + strings.Join(one.field("Host"), "|") + " " + one.body
		for _, field := range one.fields {
			if strings.HasPrefix(field, "trailer ") {
				text += " " + field
			}
		}
		got = append(got, text)
		if i < len(d.sights) && one.sight() != d.sights[i] {
			t.Errorf("got %v at the product, but the match saw %v", one.sight(), d.sights[i])
		}
		if vouchers := one.field("X-Forwarded-For"); !slices.Equal(vouchers, []string{"127.0.0.1"}) {
			t.Errorf("got X-Forwarded-For %q, want 127.0.0.1", vouchers)
		}
	}
	if diff := cmp.Diff(a.seen, got); diff != "" || len(faults) > 0 {
		t.Errorf("at the product, with faults %q, -want +got:\n%s", faults, diff)
	}
}

// speak sends a transcript over a bare connection, and gives the statuses of all answers. It says that it has no more to send
// when those that are expected are there; earlier, the server takes it for a client that left.
func speak(t *testing.T, gate, transcript string, answers int) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(gate, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	text := strings.NewReplacer("\n", "\r\n", "§", "\n", "¶", "\r", "¤", "\x00").Replace(transcript)
	if _, err := io.WriteString(c, text); err != nil {
		t.Log(err) // a flood is cut while it is sent
	}
	var statuses []string
	in := bufio.NewReader(c)
	for {
		if len(statuses) == answers {
			_ = c.(*net.TCPConn).CloseWrite()
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return strings.Join(statuses, " ")
		}
		statuses = append(statuses, fmt.Sprint(resp.StatusCode))
		_, _ = io.Copy(io.Discard, resp.Body)
	}
}

func TestFloodsEndAtTheDoor(t *testing.T) {
	for name, sent := range map[string]string{
		"10,000 fields of 200 bytes": "GET /a HTTP/1.1" + host + strings.Repeat("X-A: "+strings.Repeat("b", 200)+"\n", 10000) + "\n",
		"a target of 2 MB":           "GET /" + strings.Repeat("a", 2<<20) + " HTTP/1.1" + host + "\n",
	} {
		product, address := record(t)
		statuses := speak(t, open(t, &door{}, address), sent, 1)
		if seen, _ := product.seen(); len(seen) != 0 || statuses != "431" && statuses != "" {
			t.Errorf("%s: got statuses %q and %d requests at the product, want 431 or a cut, and none", name, statuses, len(seen))
		}
	}
	product, address := record(t)
	if statuses := speak(t, open(t, &door{}, address), "GET /"+strings.Repeat("a", 100<<10)+" HTTP/1.1"+host+strings.Repeat("X-A: b\n", 10000)+"\n", 1); statuses != "200" {
		t.Errorf("got statuses %q for 10,000 small fields and a long target, want 200", statuses)
	}
	if seen, _ := product.seen(); len(seen) != 1 || len(seen[0].field("X-A")) != 10000 {
		t.Errorf("got %d requests, want one with all 10,000 fields", len(seen))
	}
}

// frameAttack is a request in HTTP/2 that must not become anything else in HTTP/1.
type frameAttack struct {
	name   string
	fields []string // name, value, …
	data   string
	seen   []string
}

var frameAttacks = []frameAttack{
	{"an ordinary request", h2fields("POST", "/a", "app.example"), "abcde", []string{"POST /a HTTP/1.1 app.example abcde"}},
	{"a path with CRLF", h2fields("GET", "/a HTTP/1.1\r\nHost: admin.example\r\n\r\nGET /next", "app.example"), "", nil},
	{"a path with a space", h2fields("GET", "/a HTTP/1.1", "app.example"), "", []string{"GET /a%20HTTP/1.1 HTTP/1.1 app.example "}},
	{"a method with CRLF", h2fields("GET /a HTTP/1.1\r\nX: y\r\n\r\nGET", "/b", "app.example"), "", nil},
	{"an authority with CRLF", h2fields("GET", "/a", "app.example\r\nX-A: b"), "", nil},
	{"an authority with userinfo", h2fields("GET", "/a", "app.example@admin.example"), "", nil},
	{"an authority with a space", h2fields("GET", "/a", "app.example admin.example"), "", nil},
	{"a value with CRLF", h2fields("GET", "/a", "app.example", "x-a", "b\r\nTransfer-Encoding: chunked"), "", nil},
	{"a value with LF", h2fields("GET", "/a", "app.example", "x-a", "b\nx-b: c"), "", nil},
	{"a value with NUL", h2fields("GET", "/a", "app.example", "x-a", "b\x00"), "", nil},
	{"a name with a colon", h2fields("GET", "/a", "app.example", "x-a: b\r\nx-b", "c"), "", nil},
	{"a name with a capital", h2fields("GET", "/a", "app.example", "X-A", "b"), "", nil},
	{"a coding of HTTP/1", h2fields("POST", "/a", "app.example", "transfer-encoding", "chunked"), "0\r\n\r\nGET /next HTTP/1.1\r\n\r\n", nil},
	{"a connection's field", h2fields("GET", "/a", "app.example", "connection", "x-forwarded-for"), "", nil},
	{"another host", h2fields("GET", "/a", "app.example", "host", "admin.example"), "", []string{"GET /a HTTP/1.1 app.example "}},
	{"more than it said", h2fields("POST", "/a", "app.example", "content-length", "2"), "abcde", nil},
	{"less than it said", h2fields("POST", "/a", "app.example", "content-length", "20"), "abcde", nil},
	{"two lengths", h2fields("POST", "/a", "app.example", "content-length", "5", "content-length", "3"), "abcde", []string{"POST /a HTTP/1.1 app.example abcde"}},
	{"an upgrade", h2fields("GET", "/a", "app.example", "upgrade", "websocket"), "", nil},
	{"CONNECT", []string{":method", "CONNECT", ":authority", "admin.example:443"}, "", nil},
	{"a path that is a target", h2fields("GET", "http://admin.example/a", "app.example"), "", []string{"GET /a HTTP/1.1 app.example "}},
	{"no path", h2fields("GET", "", "app.example"), "", nil},
}

func h2fields(method, path, authority string, more ...string) []string {
	return append([]string{":method", method, ":scheme", "http", ":path", path, ":authority", authority}, more...)
}

func TestNothingInHTTP2BecomesTwoRequestsInHTTP1(t *testing.T) {
	for _, a := range frameAttacks {
		t.Run(a.name, func(t *testing.T) {
			product, address := record(t)
			d := &door{}
			status := a.send(t, open(t, d, address))
			if len(a.seen) == 0 {
				if status == "200" {
					t.Errorf("got status %s, want a refusal", status)
				}
				a := attack{statuses: ""}
				a.judge(t, d, product)
				return
			}
			if status != "200" {
				t.Errorf("got status %q, want 200", status)
			}
			(attack{statuses: "200", seen: a.seen}).judge(t, d, product)
		})
	}
}

// send sends the request as frames, and gives the status of the answer, or how the stream ended.
func (a frameAttack) send(t *testing.T, gate string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(gate, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for pair := range slices.Chunk(a.fields, 2) {
		_ = encoder.WriteField(hpack.HeaderField{Name: pair[0], Value: pair[1]})
	}
	_, _ = io.WriteString(c, http2.ClientPreface)
	framer := http2.NewFramer(c, c)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings()
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: a.data == ""})
	if a.data != "" {
		_ = framer.WriteData(1, true, []byte(a.data))
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return err.Error()
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			return f.PseudoValue("status")
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return fmt.Sprint(f.Header().Type)
		}
	}
}
