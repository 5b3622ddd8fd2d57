package upstream_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"example.org/interlude/upstream"
)

const plain = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

func TestAnswersEndWhereTheySayTheyEnd(t *testing.T) {
	for name, c := range map[string]struct {
		method, answer string
		want           said
		again          bool // the connection is used for the next request
	}{
		"a length":                    {"GET", plain, said{200, "hello", nil}, true},
		"a length of nothing":         {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", said{200, "", nil}, true},
		"a length said twice":         {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", said{200, "hi", nil}, true},
		"chunks":                      {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", said{200, "hello", nil}, true},
		"chunks with a trailer":       {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n", said{200, "hi", http.Header{"X-Sum": {"7"}}}, true},
		"a trailer nobody announced":  {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n", said{200, "hi", http.Header{"X-Sum": {"7"}}}, true},
		"HEAD":                        {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", said{200, "", nil}, true},
		"HEAD of chunks":              {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", said{200, "", nil}, true},
		"204":                         {"GET", "HTTP/1.1 204 No Content\r\n\r\n", said{204, "", nil}, true},
		"304 with a length":           {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", said{304, "", nil}, true},
		"no reason":                   {"GET", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", said{200, "hi", nil}, true},
		"until the end":               {"GET", "HTTP/1.1 200 OK\r\n\r\nhello", said{200, "hello", nil}, false},
		"Connection: close":           {"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", said{200, "hi", nil}, false},
		"HTTP/1.0":                    {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", said{200, "hi", nil}, false},
		"HTTP/1.0 that stays":         {"GET", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi", said{200, "hi", nil}, true},
		"more than it says":           {"GET", plain + "HTTP/1.1 200 OK\r\n\r\n", said{200, "hello", nil}, false},
		"more after chunks":           {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", said{200, "", nil}, false},
		"a body where there is none":  {"GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", said{204, "", nil}, false},
		"chunks where there are none": {"GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", said{204, "", nil}, false},
		"a body after HEAD":           {"HEAD", plain, said{200, "", nil}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var first, second []string
			if c.again {
				first = []string{c.answer, plain}
			} else if first, second = []string{c.answer}, []string{plain}; name == "until the end" {
				first = append(first, hangUp)
			}
			address, heard := script(t, first, second)
			g := newGroup(t, upstream.Config{Addresses: []string{address}})
			got := carry(t, g, request(t, c.method, "/a", ""))
			if got.Status != c.want.Status || got.Body != c.want.Body || got.Trailer.Get("X-Sum") != c.want.Trailer.Get("X-Sum") {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if got := carry(t, g, request(t, "GET", "/b", "")); got.Body != "hello" {
				t.Errorf("the next answer: got %v, want hello", got)
			}
			where := "1"
			if c.again {
				where = "0"
			}
			heard.is(t, "0 "+c.method+" /a", where+" GET /b")
		})
	}
}

func TestAnswersThatLeaveDoubtAreRefused(t *testing.T) {
	for name, answer := range map[string]string{
		"a length and chunks":       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":               "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"a list of lengths":         "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
		"a length with a sign":      "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
		"a length below nothing":    "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
		"an empty length":           "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello",
		"a length of HEAD":          "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"another coding":            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"two codings":               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunks in HTTP/1.0":        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a space before the colon":  "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
		"no colon":                  "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\nhello",
		"a NUL":                     "HTTP/1.1 200 OK\r\nX-A: a\x00b\r\n\r\nhello",
		"a CR within a value":       "HTTP/1.1 200 OK\r\nX-A: a\rb\r\n\r\nhello",
		"a CR within a reason":      "HTTP/1.1 200 O\rK\r\n\r\nhello",
		"a field called nothing":    "HTTP/1.1 200 OK\r\n: a\r\n\r\nhello",
		"a fold before all fields":  "HTTP/1.1 200 OK\r\n X-A: a\r\n\r\nhello",
		"no HTTP":                   "SSH-2.0-OpenSSH_9.2\r\n\r\n",
		"HTTP/2":                    "HTTP/2.0 200 OK\r\n\r\n",
		"a long version":            "HTTP/1.10 200 OK\r\n\r\n",
		"a status of two digits":    "HTTP/1.1 20 OK\r\n\r\n",
		"a status below 100":        "HTTP/1.1 099 OK\r\n\r\n",
		"a status with a sign":      "HTTP/1.1 +20 OK\r\n\r\n",
		"101 that nobody asked for": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
		"a trailer that frames":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n",
		"a head that is too long":   "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 10_000) + "\r\n\r\n",
		"many heads":                strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1000) + plain,
	} {
		t.Run(name, func(t *testing.T) {
			address, heard := script(t, []string{answer}, []string{plain})
			g := newGroup(t, upstream.Config{Addresses: []string{address}, HeaderBytes: 9_000})
			err := fails(t, g, request(t, "GET", "/a", ""))
			var fault *upstream.Error
			if !errors.Is(err, upstream.ErrAnswer) || !errors.As(err, &fault) || !fault.Sent || fault.Address != address {
				t.Errorf("got %v, want an ErrAnswer to a request that was sent to %s", err, address)
			}
			if got := carry(t, g, request(t, "GET", "/b", "")); got.Body != "hello" {
				t.Errorf("the next answer: got %v, want hello", got)
			}
			heard.is(t, "0 GET /a", "1 GET /b")
		})
	}
}

func TestAnswersThatBreakOffSaySo(t *testing.T) {
	for name, answer := range map[string]string{
		"a length":             "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
		"a chunk":              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
		"between chunks":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"before the last line": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
		"in the middle of it":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r",
		"in a trailer":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := script(t, []string{answer, hangUp})
			g := newGroup(t, upstream.Config{Addresses: []string{address}})
			got, err := g.RoundTrip(request(t, "GET", "/", ""))
			if err != nil {
				t.Fatal(err)
			}
			defer got.Body.Close()
			body, err := io.ReadAll(got.Body)
			if string(body) != "hello" || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %q and %v, want hello and an unexpected EOF", body, err)
			}
			if n, err := got.Body.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("reading once more: got %d bytes and %v, want the same again", n, err)
			}
		})
	}
	t.Run("in the head", func(t *testing.T) {
		for _, answer := range []string{"HTTP/1.1 2", "HTTP/1.1 200 OK\r\nX-A", "HTTP/1.1 200 OK\r\nX-A: b\r\n"} {
			address, _ := script(t, []string{answer, hangUp})
			g := newGroup(t, upstream.Config{Addresses: []string{address}})
			var fault *upstream.Error
			if err := fails(t, g, request(t, "GET", "/", "")); !errors.As(err, &fault) || !fault.Sent {
				t.Errorf("%q: got %v, want an Error of a request that was sent", answer, err)
			}
		}
	})
}

func TestAChunkThatIsNoneCutsTheConnection(t *testing.T) {
	for _, chunks := range []string{"5\nhello\n0\n\n", "0x5\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "-5\r\nhello\r\n", "\r\nhello\r\n", "0\r\nContent-Length: 5\r\n\r\n", "0\r\nX-A : 5\r\n\r\n"} {
		address, heard := script(t, []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks}, []string{plain})
		g := newGroup(t, upstream.Config{Addresses: []string{address}})
		got, err := g.RoundTrip(request(t, "GET", "/a", ""))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(got.Body); err == nil {
			t.Errorf("%q: got no error, want one", chunks)
		}
		got.Body.Close()
		carry(t, g, request(t, "GET", "/b", ""))
		heard.is(t, "0 GET /a", "1 GET /b")
	}
}

func TestABodyThatIsClosedEarlyCutsTheConnection(t *testing.T) {
	address, heard := script(t, []string{plain}, []string{plain})
	g := newGroup(t, upstream.Config{Addresses: []string{address}})
	got, err := g.RoundTrip(request(t, "GET", "/a", ""))
	if err != nil {
		t.Fatal(err)
	}
	got.Body.Close()
	if _, err := got.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("got %v, want %v", err, http.ErrBodyReadAfterClose)
	}
	carry(t, g, request(t, "GET", "/b", ""))
	heard.is(t, "0 GET /a", "1 GET /b")
}
