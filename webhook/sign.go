package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"
)

// Sign is the signature of a webhook as Standard Webhooks has it: an HMAC over its id, its time and its body, so that
// an endpoint knows who sent it, that nothing was changed, and that it is not an old one sent again.
func Sign(secret []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// NewSecret is a secret that nobody can guess.
func NewSecret() []byte {
	secret := make([]byte, sha256.Size)
	_, _ = rand.Read(secret) // it never fails
	return secret
}

// EncodeSecret writes a secret as the libraries of Standard Webhooks read it.
func EncodeSecret(secret []byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(secret)
}
