// Package snapshot serves bodies that are rendered once and then only written out.
//
// Begin with [New]: a [Snapshot] is one document that never changes, compressed once in each encoding that somebody
// asks for, with a strong ETag for each. [Snapshot.Serve] answers a GET or a HEAD with it and allocates nothing, however large
// it is. A [Shelf] keeps those that are made when first asked for, each as of a [Stamp].
//
// What it promises: whoever sends the tag of what they have gets 304, no two bodies share a tag, and nobody who asks is
// answered in an encoding that they refused. What is kept says nothing about who may see it: a snapshot is public.
package snapshot

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"math/bits"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// Snapshot is one document in every encoding that readers ask for. What it says never changes; it is compressed when it
// is first asked for in an encoding, once for all who ask.
type Snapshot struct {
	contentType []string
	sum         [sha256.Size]byte
	forms       [len(encodings)]form
}

// form is a document in one encoding, with its headers ready to be sent. It has no body where compressing saves
// nothing.
type form struct {
	once   sync.Once
	body   []byte
	etag   []string
	length []string
	coding []string // Content-Encoding; nil for identity
}

// The encodings that documents are kept in, in the order of preference: brotli is smallest for HTML of this size.
var encodings = [...]string{"br", "zstd", "gzip", "identity"}

// preferred is the first one, identity the last.
const (
	preferred = 0
	identity  = len(encodings) - 1
)

// smallest is the length below which compressing saves no packet.
const smallest = 256

// New makes a snapshot of a body, which belongs to it from then on.
func New(body []byte, contentType string) *Snapshot {
	d := &Snapshot{contentType: []string{contentType}, sum: sha256.Sum256(body)}
	d.forms[identity].fill(d, identity, body)
	return d
}

// form gives the document in an encoding, or nil where it saves nothing.
func (d *Snapshot) form(i int) *form {
	f := &d.forms[i]
	if i != identity {
		f.once.Do(func() {
			body := d.forms[identity].body
			if len(body) < smallest {
				return
			}
			if packed := pack(encodings[i], body); len(packed) < len(body) {
				f.coding = []string{encodings[i]}
				f.fill(d, i, packed)
			}
		})
	}
	if f.body == nil {
		return nil
	}
	return f
}

func (f *form) fill(d *Snapshot, i int, body []byte) {
	f.body = body
	f.etag = []string{`"` + base64.RawURLEncoding.EncodeToString(d.sum[:12]) + "-" + encodings[i] + `"`}
	f.length = []string{strconv.Itoa(len(body))}
}

// Warm compresses the snapshot in the encoding that nearly everybody asks for, so that nobody waits for it.
func (d *Snapshot) Warm() { d.form(preferred) }

// Name is a short text that no other body has.
func (d *Snapshot) Name() string { return hex.EncodeToString(d.sum[:6]) }

// Body is the document as it is. It must not be changed.
func (d *Snapshot) Body() []byte { return d.forms[identity].body }

// Reads reports whether the snapshot says what body says.
func (d *Snapshot) Reads(body []byte) bool { return bytes.Equal(d.forms[identity].body, body) }

var zstdEncoder, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))

// pack compresses body. Writing to memory does not fail, and the levels are constants that the libraries know.
func pack(encoding string, body []byte) []byte {
	var b bytes.Buffer
	switch encoding {
	case "br":
		// The window is as wide as the body: a wider one costs ten megabytes to compress the smallest page.
		w := brotli.NewWriterOptions(&b, brotli.WriterOptions{Quality: 5, LGWin: min(max(bits.Len(uint(len(body))), 10), 24)})
		_, _ = w.Write(body)
		_ = w.Close()
	case "zstd":
		return zstdEncoder.EncodeAll(body, nil)
	case "gzip":
		w, _ := gzip.NewWriterLevel(&b, gzip.DefaultCompression)
		_, _ = w.Write(body)
		_ = w.Close()
	}
	return b.Bytes()
}

var (
	varyEncoding = []string{"Accept-Encoding"}
	// A shared cache may answer from its copy for seconds, and for a day while the site does not answer (RFC 5861).
	cacheControl = []string{"public, max-age=0, s-maxage=5, stale-if-error=86400"}
	uncached     = []string{"no-store"}
)

// Serve answers a GET or HEAD with the document in the encoding that suits the reader, or with 304 when the reader
// has it (RFC 9110, 13.1.2). Beyond the headers it allocates nothing.
func (d *Snapshot) Serve(w http.ResponseWriter, r *http.Request, status int) {
	f := d.choose(r.Header["Accept-Encoding"])
	h := w.Header()
	h["Vary"] = varyEncoding
	if status == http.StatusOK {
		h["Etag"] = f.etag
		h["Cache-Control"] = cacheControl
		if match := r.Header["If-None-Match"]; len(match) > 0 && matches(match, f.etag[0]) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	} else {
		h["Cache-Control"] = uncached
	}
	h["Content-Type"] = d.contentType
	h["Content-Length"] = f.length
	if f.coding != nil {
		h["Content-Encoding"] = f.coding
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.body) // the reader is gone if this fails
	}
}

// choose picks the best encoding that the reader accepts and the document has (RFC 9110, 12.5.3). Weights count
// only where they are zero: a reader who accepts brotli at all gets it.
func (d *Snapshot) choose(accept []string) *form {
	var may [len(encodings)]bool
	may[identity] = true
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			name, parameters, _ := strings.Cut(part, ";")
			i := slices.Index(encodings[:], strings.ToLower(strings.TrimSpace(name)))
			switch refused := zeroWeight(parameters); {
			case i >= 0 && i != identity:
				may[i] = !refused
			case strings.TrimSpace(name) == "*" && !refused:
				may[0] = true
			}
		}
	}
	for i, ok := range may {
		if !ok {
			continue
		}
		if f := d.form(i); f != nil {
			return f
		}
	}
	return &d.forms[identity]
}

// zeroWeight reports whether the parameters of a coding are q=0, in any of its spellings.
func zeroWeight(parameters string) bool {
	name, value, ok := strings.Cut(strings.TrimSpace(parameters), "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return false
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err == nil && q == 0
}

// matches reports whether an If-None-Match names the tag. A weak tag of a cache in between still names it.
func matches(lines []string, etag string) bool {
	for _, line := range lines {
		for tag := range strings.SplitSeq(line, ",") {
			tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
			if tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}
