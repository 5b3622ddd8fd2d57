package gate

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How a bypass is sent: in a header, or in a cookie that [ownPath]bypass sets.
const (
	BypassHeader = "Interlude-Bypass"
	BypassCookie = "interlude_bypass"
)

// LeastKey is how long a key that signs bypasses has to be, in bytes.
const LeastKey = 32

// bypass knows who may use the product while all others wait.
type bypass struct {
	keys [][]byte
}

// NewBypass makes a bypass for somebody, until a time. The name is for the log; it may not hold control characters.
//
// It is v1.EXPIRES.NAME.MAC, where MAC is the HMAC-SHA256 of what comes before it: whoever has it may pass, so it is
// handed on like a password, and short-lived.
func NewBypass(key []byte, name string, until time.Time) (string, error) {
	switch {
	case len(key) < LeastKey:
		return "", errors.New("bypass key: must have at least 32 bytes")
	case name == "" || len(name) > 100 || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return "", errors.New("bypass name: must be 1 to 100 bytes without control characters")
	}
	text := "v1." + strconv.FormatInt(until.Unix(), 10) + "." + base64.RawURLEncoding.EncodeToString([]byte(name))
	return text + "." + sign(key, text), nil
}

func sign(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("interlude bypass\x00" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// check gives the name and the end of a bypass that is good at now.
func (b *bypass) check(token string, now time.Time) (name string, until time.Time, ok bool) {
	if len(token) > 512 {
		return "", time.Time{}, false
	}
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 {
		return "", time.Time{}, false
	}
	text, mac := token[:cut], token[cut+1:]
	for _, key := range b.keys {
		ok = hmac.Equal([]byte(sign(key, text)), []byte(mac)) || ok
	}
	parts := strings.Split(text, ".")
	if !ok || len(parts) != 3 || parts[0] != "v1" {
		return "", time.Time{}, false
	}
	expires, err := strconv.ParseInt(parts[1], 10, 64)
	who, decodeErr := base64.RawURLEncoding.DecodeString(parts[2])
	until = time.Unix(expires, 0)
	if err != nil || decodeErr != nil || !now.Before(until) {
		return "", time.Time{}, false
	}
	return string(who), until, true
}

// opens reports whether a request carries a bypass that is good.
func (b *bypass) opens(r *http.Request) bool {
	if len(b.keys) == 0 {
		return false
	}
	token := r.Header.Get(BypassHeader)
	if token == "" {
		if len(r.Header["Cookie"]) == 0 {
			return false
		}
		cookie, err := r.Cookie(BypassCookie)
		if err != nil {
			return false
		}
		token = cookie.Value
	}
	_, _, ok := b.check(token, time.Now())
	return ok
}

// strip takes the bypass out of a request, good or not: the product has no use for it.
func (b *bypass) strip(r *http.Request) {
	delete(r.Header, BypassHeader)
	values := r.Header["Cookie"]
	for i, line := range values {
		if !strings.Contains(line, BypassCookie) {
			continue
		}
		var kept []string
		for pair := range strings.SplitSeq(line, ";") {
			if name, _, _ := strings.Cut(strings.TrimSpace(pair), "="); name != BypassCookie {
				kept = append(kept, strings.TrimSpace(pair))
			}
		}
		values[i] = strings.Join(kept, "; ")
	}
	if len(values) == 1 && values[0] == "" {
		delete(r.Header, "Cookie")
	}
}
