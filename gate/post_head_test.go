package gate

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"example.org/interlude/signature"
	"example.org/interlude/spool"
	"example.org/interlude/upstream"
)

func TestAHeadIsReadAsItWasWritten(t *testing.T) {
	at := time.Date(2027, 1, 15, 6, 0, 0, 123456789, time.UTC)
	r := httptest.NewRequest(http.MethodPut, "/a%2Fb?c=%zz", nil)
	r.Host, r.Proto, r.ProtoMajor, r.ProtoMinor, r.RemoteAddr = "app.example:81", "HTTP/2.0", 2, 0, "[2001:db8::1]:9"
	r.Header = http.Header{"A": {"1", "", "\xff"}, "Connection": {"B"}, "B": {"gone"}, "X-Forwarded-For": {"1.2.3.4"}, "Content-Length": {"9"}}
	h := postHead{Received: at, Remote: r.RemoteAddr, TLS: true, Request: "r-1", Signature: `failed "x"`}
	head, back, err := decodePost(h.encode(r), []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	h.Proto = "HTTP/2.0"
	if head != h {
		t.Errorf("got %+v, want %+v", head, h)
	}
	want := http.Header{"A": {"1", "", "\xff"}, "X-Forwarded-For": {"1.2.3.4"}}
	if !reflect.DeepEqual(back.Header, want) {
		t.Errorf("got fields %q, want %q", back.Header, want)
	}
	if back.Method != http.MethodPut || back.URL.RequestURI() != "/a%2Fb?c=%zz" || back.Host != r.Host || back.TLS == nil || back.ProtoMajor != 2 {
		t.Errorf("got %s %s of %s over %s, want the same request", back.Method, back.URL, back.Host, back.Proto)
	}
	if body, _ := io.ReadAll(back.Body); string(body) != "body" || back.ContentLength != 4 {
		t.Errorf("got %q of %d bytes, want the body", body, back.ContentLength)
	}
}

func TestAHeadThatCannotBeReadGoesToTheShelf(t *testing.T) {
	for _, head := range []string{"", "{}", "{}\n", "{}\nGET / HTTP/1.1\r\n\r\n", `{"proto":"HTTP/1.1"}` + "\nGET", "\x00"} {
		if _, _, err := decodePost([]byte(head), nil); err == nil {
			t.Errorf("%q: got no error, want one", head)
		}
	}
}

func FuzzAHead(f *testing.F) {
	f.Add([]byte(`{"received":"2027-01-15T06:00:00Z","remote":"1.2.3.4:5","proto":"HTTP/1.1","request":"a"}`+"\nPOST /a HTTP/1.1\r\nHost: b\r\nC: d\r\n\r\n"), []byte("body"))
	f.Add([]byte(`{"proto":"HTTP/2.0","tls":true}`+"\nPOST * HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"), []byte(nil))
	f.Fuzz(func(t *testing.T, head, body []byte) {
		h, r, err := decodePost(head, body)
		if err != nil {
			return
		}
		again, back, err := decodePost(h.encode(r), body)
		if err != nil {
			return // what was not admitted need not be written
		}
		if again.Request != h.Request || back.Method != r.Method || back.ContentLength != int64(len(body)) {
			t.Errorf("got %+v for %+v", again, h)
		}
		if got, _ := io.ReadAll(back.Body); !bytes.Equal(got, body) {
			t.Errorf("got another body than wanted")
		}
		out := (&edge{}).outgoing(back, again.Request)
		for _, name := range []string{fieldEntry, fieldSignature, "Connection", "Transfer-Encoding"} {
			if len(out.Header[name]) > 0 {
				t.Errorf("got %s: %q for the product, want none", name, out.Header[name])
			}
		}
	})
}

func TestClientsCannotSayWhatOnlyAGateSays(t *testing.T) {
	for _, name := range []string{fieldReceived, fieldAttempt, fieldEntry, fieldSignature, "interlude_signature", "Interlude.Entry"} {
		r := newRig(t, Flow{}, func(w http.ResponseWriter, q *http.Request) {
			for field := range q.Header {
				if strings.HasPrefix(field, "Interlude") {
					w.WriteHeader(http.StatusTeapot)
				}
			}
		})
		if a := r.send(http.MethodPost, "/", "", name, "forged"); a.status != http.StatusOK {
			t.Errorf("%s: got %d, want it taken away", name, a.status)
		}
	}
}

func TestAVerdictIsToldInOneLine(t *testing.T) {
	signed := time.Date(2027, 1, 15, 7, 0, 0, 0, time.FixedZone("", 3600))
	for want, v := range map[string]signature.Verdict{
		"verified scheme=stripe signed=2027-01-15T06:00:00Z":                   {OK: true, Signed: signed},
		"verified scheme=stripe":                                               {OK: true},
		`failed scheme=stripe reason="it was old" signed=2027-01-15T06:00:00Z`: {Reason: "it was old", Signed: signed},
	} {
		if got := verdictText(signature.Stripe, v); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestRetryAfterIsRead(t *testing.T) {
	for said, want := range map[string]time.Duration{
		"": 0, "soon": 0, "0": 0, "-1": 0, "90": 90 * time.Second, "9999999999": longestAfter, "99999999999999999999": longestAfter, "NaN": 0, "0.5": 500 * time.Millisecond,
		"Fri, 15 Jan 2021 06:00:00 GMT": 0, "Fri, 15 Jan 2100 06:00:00 GMT": longestAfter,
	} {
		if got := retryAfter(http.Header{"Retry-After": {said}}); got != want {
			t.Errorf("%q: got %s, want %s", said, got, want)
		}
	}
}

func TestACourierWithoutItsFlowWaits(t *testing.T) {
	g, err := New(Config{Upstreams: map[string]upstream.Config{"product": {Addresses: []string{"http://127.0.0.1:1"}}}, Others: []string{"mail"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, flow := range []string{"gone", "mail"} {
		if o := g.Courier(flow).Deliver(t.Context(), spool.Entry{ID: "1"}); !o.Away || o.Result != 0 {
			t.Errorf("%s: got %+v, want it to wait", flow, o)
		}
	}
}
