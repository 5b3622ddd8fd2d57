package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"strings"

	"example.org/interlude/status"
)

// Keys make what subscribers prove themselves with: links that only somebody who read the mail can know, and the secrets with
// which webhooks are signed. All follow from one secret, so that nothing of them is stored.
type Keys struct{ secret []byte }

// NewKeys makes keys of a secret of at least 32 random bytes.
func NewKeys(secret []byte) Keys { return Keys{secret} }

// Purpose is what a link is for. One that is for something else does not do.
type Purpose string

// The purposes of links, as they stand in addresses.
const (
	// ToConfirm says that a subscription is wanted.
	ToConfirm Purpose = "confirm"
	// ToManage changes what a subscriber hears of, and ends it.
	ToManage Purpose = "manage"
	// ToLeave ends a subscription, and nothing else: it stands in every notice, and mail programs follow it by themselves.
	ToLeave Purpose = "unsubscribe"
)

var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Token is the last part of a link: the subscriber's id and 125 bits that nobody can guess.
func (k Keys) Token(p Purpose, id string) string {
	return id + "." + tokenText.EncodeToString(k.sum(string(p), id))[:25]
}

// Open returns the subscriber's id in a token for a purpose, or status.ErrNotFound when it is none.
func (k Keys) Open(p Purpose, token string) (id string, err error) {
	id, _, _ = strings.Cut(token, ".")
	if subtle.ConstantTimeCompare([]byte(token), []byte(k.Token(p, id))) != 1 {
		return "", status.ErrNotFound
	}
	return id, nil
}

// WebhookSecret is what a subscriber's webhooks are signed with.
func (k Keys) WebhookSecret(id string) []byte { return k.sum("webhook", id) }

// Seal is what nobody else can write under a text: 80 bits, in letters and digits that mean the same in either case.
func (k Keys) Seal(purpose, text string) string {
	return tokenText.EncodeToString(k.sum(purpose, text)[:10])
}

func (k Keys) sum(purpose, id string) []byte {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write([]byte(purpose + "\x00" + id))
	return mac.Sum(nil)
}
