package messages

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// need is what a token has to allow.
type need string

const (
	toSend   need = "deliver"
	toRead   need = "read"
	toCancel need = "cancel"
)

// key is a token as it is looked for.
type key struct {
	Token
	sum []byte
}

// tokenName is what the name of a token may look like: it stands before idempotency keys, with a colon between.
var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func newKeys(tokens []Token, flows map[string]*target) ([]key, error) {
	if len(tokens) == 0 {
		return nil, fmt.Errorf("messages: there are no tokens, so nobody could use the door; give at least one")
	}
	var keys []key
	for _, t := range tokens {
		if !tokenName.MatchString(t.Name) {
			return nil, fmt.Errorf("messages: the name of token %q must be 1 to 64 letters, digits, dots, dashes and underscores", t.Name)
		}
		sum, err := hex.DecodeString(t.Hash)
		if err != nil || len(sum) != sha256.Size {
			return nil, fmt.Errorf("messages: the hash of token %s must be a SHA-256 in 64 hexadecimal digits", t.Name)
		}
		if len(t.Flows) == 0 {
			return nil, fmt.Errorf("messages: token %s has no flows; name those that it may deliver to", t.Name)
		}
		for _, flow := range t.Flows {
			if flows[flow] == nil {
				return nil, fmt.Errorf("messages: token %s names flow %q, which takes no messages", t.Name, flow)
			}
		}
		for _, other := range keys {
			if bytes.Equal(other.sum, sum) {
				return nil, fmt.Errorf("messages: the tokens %s and %s have the same hash; whose it is could not be told", other.Name, t.Name)
			}
		}
		keys = append(keys, key{t, sum})
	}
	return keys, nil
}

// recognise finds who asks. It compares with each token, and as long with each, so that time tells nothing.
func (a *API) recognise(h http.Header) (key, error) {
	scheme, secret, _ := strings.Cut(h.Get("Authorization"), " ")
	secret = strings.TrimSpace(secret)
	if !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return key{}, problem(http.StatusUnauthorized, "unauthorized", "there is no token", "Send Authorization: Bearer TOKEN.")
	}
	sum := sha256.Sum256([]byte(secret))
	found := -1
	for i, k := range a.keys {
		if subtle.ConstantTimeCompare(k.sum, sum[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return key{}, problem(http.StatusUnauthorized, "unauthorized", "this token is not known here", "")
	}
	return a.keys[found], nil
}

// may refuses what the token does not allow.
func (k key) may(n need, flow string) error {
	switch {
	case !slices.Contains(k.Flows, flow):
		return problem(http.StatusForbidden, "forbidden", fmt.Sprintf("the token %s may not use this flow", k.Name), "It may use "+k.list()+".")
	case n == toRead && !k.Read, n == toCancel && !k.Cancel:
		return problem(http.StatusForbidden, "forbidden", fmt.Sprintf("the token %s may not %s messages", k.Name, n), "Use one that may.")
	}
	return nil
}

func (k key) list() string { return strings.Join(k.Flows, ", ") }

// keyFor is the key of an entry: each name has its own, so that nobody meets those of others.
func (k key) keyFor(given string) string {
	if given == "" {
		return ""
	}
	return k.Name + ":" + given
}

// shownKey is the key as it was given.
func shownKey(of string) string {
	if _, given, ok := strings.Cut(of, ":"); ok {
		return given
	}
	return of
}
