// Package signature tells who signed a webhook, by the schemes of those who send them.
//
// Begin with [New]: a [Verifier] knows one [Scheme] and the secrets of one sender, and [Verifier.Verify] judges the fields
// and the body of a request. A webhook that waits before it reaches the product has to be judged when it arrives, because most
// schemes sign the time and are refused by a receiver who looks at them later.
//
// What it promises: a verdict is good only if the signature was made with one of the secrets over exactly this body, and, where
// the scheme has a time, that time is within the tolerance; signatures are compared in constant time. Several secrets are for
// changing them: each that is listed counts. Where the promise ends: GitHub signs no time, so an old delivery that is sent
// again is good; and whether a webhook was seen before is for whoever keeps their ids.
package signature

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Scheme is a way to sign.
type Scheme string

// The schemes.
const (
	// StandardWebhooks is that of standardwebhooks.com: Webhook-Id, Webhook-Timestamp and Webhook-Signature. Its secrets are
	// whsec_ and base64 for symmetric signatures (v1), or whpk_ and base64, a public key, for ed25519 (v1a).
	StandardWebhooks Scheme = "standard-webhooks"
	// GitHub is X-Hub-Signature-256.
	GitHub Scheme = "github"
	// Stripe is Stripe-Signature, whose v1 counts.
	Stripe Scheme = "stripe"
	// Slack is X-Slack-Signature with X-Slack-Request-Timestamp, version v0.
	Slack Scheme = "slack"
)

// Schemes lists every scheme.
var Schemes = []Scheme{StandardWebhooks, GitHub, Stripe, Slack}

// DefaultTolerance is how far the time of a signature may be from that of its arrival.
const DefaultTolerance = 5 * time.Minute

// Verdict is what a signature says.
type Verdict struct {
	// OK says that somebody who has one of the secrets signed this, just now.
	OK bool
	// Reason is why not, in a few words that hold nothing of the request.
	Reason string
	// Signed is when it was signed by the sender's word; zero where the scheme has no time or the request tells none.
	Signed time.Time
}

// Verifier verifies the webhooks of one sender. It may be used by many at once.
type Verifier struct {
	scheme    Scheme
	keys      []key
	tolerance time.Duration
}

// key is one secret, or a public key.
type key struct {
	secret []byte
	public ed25519.PublicKey // nil for a secret
}

// mac is the HMAC-SHA256 of parts.
func (k key) mac(parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, k.secret)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// New makes a verifier. The secrets are as the sender shows them; a tolerance of 0 is [DefaultTolerance]. The error says what
// is wrong, and never holds a secret.
func New(scheme Scheme, secrets []string, tolerance time.Duration) (*Verifier, error) {
	switch {
	case !slices.Contains(Schemes, scheme):
		return nil, fmt.Errorf("scheme: must be one of standard-webhooks, github, stripe, slack, not %q", scheme)
	case len(secrets) == 0:
		return nil, errors.New("secrets: at least one is required")
	case tolerance < 0:
		return nil, errors.New("tolerance: must not be negative")
	case tolerance == 0:
		tolerance = DefaultTolerance
	}
	v := &Verifier{scheme: scheme, tolerance: tolerance}
	for i, secret := range secrets {
		k, err := parseKey(scheme, secret)
		if err != nil {
			return nil, fmt.Errorf("secrets[%d]: %w", i, err)
		}
		v.keys = append(v.keys, k)
	}
	return v, nil
}

// parseKey reads a secret as the sender shows it. Only those of Standard Webhooks are encoded.
func parseKey(scheme Scheme, secret string) (key, error) {
	if secret == "" {
		return key{}, errors.New("must not be empty: anybody could sign with it")
	}
	if scheme != StandardWebhooks {
		return key{secret: []byte(secret)}, nil
	}
	encoded, isPublic := strings.CutPrefix(secret, "whpk_")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(encoded, "whsec_"))
	switch {
	case isPublic && (err != nil || len(raw) != ed25519.PublicKeySize):
		return key{}, errors.New("must be whpk_ and the base64 of the 32 bytes of a public key")
	case isPublic:
		return key{public: raw}, nil
	case err != nil || len(raw) == 0:
		return key{}, errors.New("must be whsec_ and the base64 of the secret, or whpk_ and that of a public key")
	}
	return key{secret: raw}, nil
}

// Scheme is what it verifies.
func (v *Verifier) Scheme() Scheme { return v.scheme }

// Verify judges a request that arrived at a time.
func (v *Verifier) Verify(h http.Header, body []byte, at time.Time) Verdict {
	said := read(v.scheme, h)
	if said.wrong != "" {
		return Verdict{Reason: said.wrong, Signed: said.signed}
	}
	switch {
	case !v.signedBy(said, body):
		return Verdict{Reason: "the signature does not match", Signed: said.signed}
	case said.signed.IsZero():
	case at.Sub(said.signed) > v.tolerance:
		return Verdict{Reason: "it was signed too long ago", Signed: said.signed}
	case said.signed.Sub(at) > v.tolerance:
		return Verdict{Reason: "it is signed with a time that has not come yet", Signed: said.signed}
	}
	return Verdict{OK: true, Signed: said.signed}
}

// signedBy reports whether one of the keys made one of the signatures. All are compared, so that the time tells nothing.
func (v *Verifier) signedBy(said claim, body []byte) bool {
	matches := false
	for _, k := range v.keys {
		if k.public != nil {
			message := append(slices.Clone(said.prefix), body...)
			for _, signature := range said.asymmetric {
				matches = ed25519.Verify(k.public, message, signature) || matches
			}
			continue
		}
		want := k.mac(said.prefix, body)
		for _, signature := range said.macs {
			matches = hmac.Equal(want, signature) || matches
		}
	}
	return matches
}
