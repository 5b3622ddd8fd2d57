package signature

import (
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// claim is what the fields of a request say of its signature.
type claim struct {
	// prefix is what was signed before the body.
	prefix []byte
	// macs and asymmetric are the signatures of the two sorts. Those that cannot be one are left out.
	macs, asymmetric [][]byte
	// signed is when, zero where the scheme has no time.
	signed time.Time
	// wrong is why there is nothing to compare; empty when there is.
	wrong string
}

// The reasons for which nothing is compared.
const (
	noSignature  = "there is no signature"
	noTime       = "there is no time that it was signed at"
	noID         = "there is no id"
	badSignature = "the signature is not written as the scheme has it"
	twice        = "a field of the signature is there more than once"
)

// mostSignatures is how many signatures of one request are looked at: more are no rotation of secrets.
const mostSignatures = 16

// read reads the fields of a scheme.
func read(scheme Scheme, h http.Header) claim {
	switch scheme {
	case StandardWebhooks:
		return readStandard(h)
	case GitHub:
		return readGitHub(h)
	case Stripe:
		return readStripe(h)
	}
	return readSlack(h)
}

// only gives a field that has to be there once: of two, another reader might take the other one.
func only(h http.Header, name, missing string) (value, wrong string) {
	switch values := h[name]; {
	case len(values) > 1:
		return "", twice
	case len(values) == 0 || values[0] == "":
		return "", missing
	default:
		return values[0], ""
	}
}

// readStandard reads Webhook-Signature: v1,BASE64 and v1a,BASE64, separated by spaces, over ID.TIME.BODY.
func readStandard(h http.Header) (c claim) {
	id, noIDs := only(h, "Webhook-Id", noID)
	at, noTimes := only(h, "Webhook-Timestamp", noTime)
	list, none := only(h, "Webhook-Signature", noSignature)
	if c.wrong = cmp.Or(none, noIDs, noTimes); c.wrong != "" {
		return c
	}
	if !c.takeTime(at) {
		return c
	}
	c.prefix = []byte(id + "." + at + ".")
	for one := range strings.FieldsSeq(list) {
		version, encoded, _ := strings.Cut(one, ",")
		signature, err := base64.StdEncoding.DecodeString(encoded)
		switch {
		case err != nil:
		case version == "v1" && len(signature) == sha256.Size:
			c.takeMAC(signature)
		case version == "v1a" && len(signature) == ed25519.SignatureSize && len(c.asymmetric) < mostSignatures:
			c.asymmetric = append(c.asymmetric, signature)
		}
	}
	return c.complete()
}

// readGitHub reads X-Hub-Signature-256: sha256=HEX over the body.
func readGitHub(h http.Header) (c claim) {
	value, wrong := only(h, "X-Hub-Signature-256", noSignature)
	if c.wrong = wrong; wrong != "" {
		return c
	}
	c.takeHex(strings.CutPrefix(value, "sha256="))
	return c.complete()
}

// readStripe reads Stripe-Signature: t=TIME,v1=HEX,v1=HEX over TIME.BODY. Other versions are passed over.
func readStripe(h http.Header) (c claim) {
	value, wrong := only(h, "Stripe-Signature", noSignature)
	if c.wrong = wrong; wrong != "" {
		return c
	}
	at := ""
	for pair := range strings.SplitSeq(value, ",") {
		switch name, text, _ := strings.Cut(strings.TrimSpace(pair), "="); {
		case name == "t" && at != "":
			c.wrong = twice
			return c
		case name == "t":
			at = text
		case name == "v1":
			c.takeHex(text, true)
		}
	}
	if at == "" {
		c.wrong = noTime
		return c
	}
	if !c.takeTime(at) {
		return c
	}
	c.prefix = []byte(at + ".")
	return c.complete()
}

// readSlack reads X-Slack-Signature: v0=HEX over v0:TIME:BODY.
func readSlack(h http.Header) (c claim) {
	at, noTimes := only(h, "X-Slack-Request-Timestamp", noTime)
	value, none := only(h, "X-Slack-Signature", noSignature)
	if c.wrong = cmp.Or(none, noTimes); c.wrong != "" {
		return c
	}
	if !c.takeTime(at) {
		return c
	}
	c.prefix = []byte("v0:" + at + ":")
	c.takeHex(strings.CutPrefix(value, "v0="))
	return c.complete()
}

// takeTime reads a time in seconds since 1970, which is signed as it is written. No sender writes one of more than 12 digits.
func (c *claim) takeTime(text string) bool {
	seconds, err := strconv.ParseUint(text, 10, 63)
	if err != nil || len(text) > 12 {
		c.wrong = noTime
		return false
	}
	c.signed = time.Unix(int64(seconds), 0).UTC()
	return true
}

// takeHex takes the HMAC that a text writes, if it does.
func (c *claim) takeHex(text string, ok bool) {
	if signature, err := hex.DecodeString(text); ok && err == nil && len(signature) == sha256.Size {
		c.takeMAC(signature)
	}
}

func (c *claim) takeMAC(signature []byte) {
	if len(c.macs) < mostSignatures {
		c.macs = append(c.macs, signature)
	}
}

// complete says what is wrong with a claim that holds no signature.
func (c *claim) complete() claim {
	if len(c.macs)+len(c.asymmetric) == 0 {
		c.wrong = badSignature
	}
	return *c
}
