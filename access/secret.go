package access

import (
	"hash/crc32"
	"io"
	"strings"
)

// Prefix begins every secret.
const Prefix = "itl_"

// Pattern is the regular expression by which scanners of leaked secrets find candidates; [WellFormed] confirms them.
const Pattern = `\bitl_[0-9A-Za-z]{49}\b`

// The parts of a secret and of an id, in characters.
const (
	bodyLength     = 43 // 62^43 is just above 2^256
	checksumLength = 6  // 62^6 is just above 2^32
	idLength       = 16
)

// digits are the 62 that need no escaping in a URL, a shell or a double click.
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// WellFormed reports whether the text has the form and the checksum of a secret. It does not say that the secret is
// good for anything.
func WellFormed(secret string) bool {
	rest, found := strings.CutPrefix(secret, Prefix)
	if !found || len(rest) != bodyLength+checksumLength {
		return false
	}
	for i := range len(rest) {
		if strings.IndexByte(digits, rest[i]) < 0 {
			return false
		}
	}
	return checksum(rest[:bodyLength]) == rest[bodyLength:]
}

// letters draws n digits, each as likely as any other.
func letters(random io.Reader, n int) (string, error) {
	// 248 is the largest multiple of 62 in a byte; what lies above would make the first digits likelier.
	const fair = 256 / len(digits) * len(digits)
	drawn := make([]byte, 0, n)
	for buffer := make([]byte, n); len(drawn) < n; {
		if _, err := io.ReadFull(random, buffer); err != nil {
			return "", err
		}
		for _, b := range buffer {
			if int(b) < fair && len(drawn) < n {
				drawn = append(drawn, digits[int(b)%len(digits)])
			}
		}
	}
	return string(drawn), nil
}

// checksum is the CRC-32 (IEEE 802.3) of the body, in six digits.
func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	var text [checksumLength]byte
	for i := checksumLength - 1; i >= 0; i-- {
		text[i] = digits[sum%uint32(len(digits))]
		sum /= uint32(len(digits))
	}
	return string(text[:])
}
