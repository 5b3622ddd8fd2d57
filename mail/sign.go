package mail

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
)

// Signer signs messages in the name of a domain (DKIM, RFC 6376). Make one with [ParseSigner].
type Signer struct {
	domain, selector, public string
	key                      crypto.Signer
}

// Signers sign a message one after the other. A domain has two, as a rule: one with RSA, which every recipient can verify, and
// one with Ed25519 (RFC 8463).
type Signers []Signer

// shortestRSA is what recipients accept (RFC 8301, 3.2, which recommends it and allows less).
const shortestRSA = 2048 // bits

// ParseSigner reads a private key in PEM, RSA in PKCS #1 or #8 or Ed25519 in PKCS #8, without a passphrase. The selector names it
// among the keys of the domain, so that one can follow another.
func ParseSigner(domain, selector string, key []byte) (Signer, error) {
	name, err := parseDomain(domain)
	if err != nil {
		return Signer{}, fmt.Errorf("the domain %q of a DKIM key: %w", domain, err)
	}
	selector = strings.ToLower(selector)
	for label := range strings.SplitSeq(selector, ".") {
		if !isLabel(label) {
			return Signer{}, fmt.Errorf("the selector of a DKIM key must be a name such as 2026a, not %q", selector)
		}
	}
	s := Signer{domain: name, selector: selector}
	if s.key, err = parseKey(key); err == nil {
		s.public, err = publish(s.key.Public())
	}
	if err != nil {
		return Signer{}, fmt.Errorf("the DKIM key %s of %s: %w", selector, name, err)
	}
	return s, nil
}

func parseKey(text []byte) (crypto.Signer, error) {
	const wanted = "a private key in PEM, such as openssl genrsa 2048 writes"
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it must be " + wanted)
	}
	var key any
	var err error
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
		return nil, errors.New("it has a passphrase, which nobody is there to type: keep it without one, readable by this program alone")
	case block.Type == "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("it must be %s, not a %s", wanted, strings.ToLower(block.Type))
	}
	if err != nil {
		return nil, fmt.Errorf("it must be %s: %w", wanted, err)
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if bits := key.N.BitLen(); bits < shortestRSA {
			return nil, fmt.Errorf("it has %d bits, and recipients want %d of RSA: make one with openssl genrsa 2048", bits, shortestRSA)
		}
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, errors.New("it must be a key of RSA or Ed25519: DKIM knows no other ones")
}

// publish is how a TXT record tells the public half of a key.
func publish(key crypto.PublicKey) (string, error) {
	if key, ok := key.(ed25519.PublicKey); ok { // RFC 8463, 4: the key itself
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key), nil
	}
	encoded, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(encoded), nil
}

// Record is what the domain's DNS has to say for the signatures to be believed: the name and the text of a TXT record. Where a
// name server takes at most 255 characters at once, the text goes there in several strings.
func (s Signer) Record() (name, text string) { return s.selector + "._domainkey." + s.domain, s.public }

// String names the key and does not show it, wherever a configuration is printed.
func (s Signer) String() string { return s.selector + "._domainkey." + s.domain }

// signed are the headers that a signature covers. A name that the message does not have, and From a second time, mean that nobody can
// add one on the way (RFC 6376, 5.4).
var signed = []string{
	"From", "From", "To", "Subject", "Date", "Message-ID", "References", "In-Reply-To", "Reply-To", "List-Id",
	"List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted", "MIME-Version", "Content-Type",
}

// Append appends a message to dst with its signatures in front. The message does not overlap with what dst has room for.
func (s Signers) Append(dst, message []byte) ([]byte, error) {
	start := len(dst)
	for _, signer := range s {
		signature, err := signer.sign(message)
		if err != nil {
			return dst[:start], fmt.Errorf("sign with %s: %w", signer, err)
		}
		dst = append(dst, signature...)
	}
	return append(dst, message...), nil
}

// sign gives the header field, with its end. White space may change on the way: both halves are signed relaxed.
func (s Signer) sign(message []byte) (string, error) {
	w, err := dkim.NewSigner(&dkim.SignOptions{
		Domain: s.domain, Selector: s.selector, Signer: s.key,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed,
		BodyCanonicalization:   dkim.CanonicalizationRelaxed,
		HeaderKeys:             signed,
	})
	if err != nil {
		return "", err
	}
	_, written := w.Write(message)
	if err := errors.Join(written, w.Close()); err != nil {
		return "", err
	}
	return w.Signature(), nil
}
