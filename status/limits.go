package status

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of texts. They lie far above what people write, and below what would hurt a page, a mail or a table.
const (
	mostTitle = 250      // characters
	mostKey   = 150      // characters
	mostBody  = 64 << 10 // bytes
)

// checkNames refuses titles and keys that could not be shown or written into an address.
func checkNames(title, key string) error {
	if n := utf8.RuneCountInString(title); n > mostTitle {
		return &Invalid{Field: "title", Rule: fmt.Sprintf("must have at most %d characters, not %d", mostTitle, n)}
	}
	if strings.ContainsAny(title, "\r\n") {
		return &Invalid{Field: "title", Rule: "must be one line"}
	}
	if n := utf8.RuneCountInString(key); n > mostKey {
		return &Invalid{Field: "key", Rule: fmt.Sprintf("must have at most %d characters, not %d", mostKey, n)}
	}
	if strings.ContainsAny(key, " \t\r\n/?#%&\\\"'<>") {
		return &Invalid{Field: "key", Rule: "must be a word such as database-2027-01, without spaces and without / ? # % & \\ \" ' < >, not " + quote(key)}
	}
	return nil
}

// checkBody refuses texts that no reader would finish.
func checkBody(body string) error { return checkText("body", body) }

func checkText(field, text string) error {
	if len(text) > mostBody {
		return &Invalid{Field: field, Rule: fmt.Sprintf("must have at most %d KiB, not %d", mostBody>>10, len(text)>>10)}
	}
	return nil
}
