package snapshot

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

func TestAReaderGetsTheBestEncodingThatItAccepts(t *testing.T) {
	d := New([]byte(strings.Repeat("All systems operational. ", 100)), "text/html; charset=utf-8")
	tests := []struct{ accept, want string }{
		{"", ""},
		{"br", "br"},
		{"gzip, deflate, br, zstd", "br"},
		{"gzip, zstd", "zstd"},
		{"gzip", "gzip"},
		{"GZIP", "gzip"},
		{"deflate", ""},
		{"br;q=0, gzip", "gzip"},
		{"br; q=0.0, gzip;q=0", ""},
		{"br;q=0.1", "br"},
		{"*", "br"},
		{"*;q=0", ""},
		{"identity", ""},
		{"br;q=nonsense", "br"},
		{",,;;=,", ""},
	}
	for _, tt := range tests {
		t.Run(tt.accept, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept-Encoding", tt.accept)
			w := httptest.NewRecorder()
			d.Serve(w, r, http.StatusOK)
			if got := w.Header().Get("Content-Encoding"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := unpacked(t, tt.want, w.Body); !d.Reads(got) {
				t.Errorf("got %d other bytes, want the document", len(got))
			}
			if w.Header().Get("Vary") != "Accept-Encoding" || !strings.HasSuffix(w.Header().Get("Etag"), `"`) {
				t.Errorf("got headers %v, want Vary and a strong ETag", w.Header())
			}
		})
	}
}

func unpacked(t *testing.T, encoding string, body io.Reader) []byte {
	t.Helper()
	switch encoding {
	case "br":
		body = brotli.NewReader(body)
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		body = z
	case "zstd":
		z, err := zstd.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		body = z
	}
	all, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEachEncodingHasATagOfItsOwn(t *testing.T) {
	d := New(bytes.Repeat([]byte("x"), 1000), "text/plain")
	seen := make(map[string]bool)
	for i := range encodings {
		f := d.form(i)
		if f == nil || seen[f.etag[0]] {
			t.Fatalf("got %s missing or with a tag of another, want four forms with four tags: a strong tag names bytes", encodings[i])
		}
		seen[f.etag[0]] = true
	}
	small := New([]byte("x"), "text/plain")
	if small.form(preferred) != nil || small.choose([]string{"br"}).coding != nil {
		t.Error("got a compressed form of one byte, want it as it is")
	}
}

func TestAnEncodingIsMadeOnceForAllWhoAsk(t *testing.T) {
	d := New(bytes.Repeat([]byte("All systems operational. "), 1000), "text/plain")
	var all sync.WaitGroup
	var first atomic.Pointer[byte]
	for range 50 {
		all.Go(func() {
			f := d.choose([]string{"zstd"})
			if !first.CompareAndSwap(nil, &f.body[0]) && first.Load() != &f.body[0] {
				t.Error("got the page compressed again, want what was made for the first reader")
			}
		})
	}
	all.Wait()
	if d.forms[preferred].body != nil {
		t.Error("got an encoding that nobody asked for")
	}
}

func FuzzChoose(f *testing.F) {
	f.Add("gzip;q=1.0, *;q=0")
	f.Add("br;q=,identity;q=0")
	d := New(bytes.Repeat([]byte("x"), 1000), "text/plain")
	f.Fuzz(func(t *testing.T, accept string) {
		if form := d.choose([]string{accept}); form.body == nil {
			t.Errorf("got a form that is not there for %q", accept)
		}
		_ = matches([]string{accept}, `"tag"`)
	})
}
