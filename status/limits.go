package status

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of texts. They lie far above what people write, and below what would hurt a page, a mail or a table.
const (
	mostTitle = 255      // characters
	mostID    = 64       // bytes
	mostKey   = 150      // characters
	mostBody  = 64 << 10 // bytes
)

// checkNames refuses titles and keys that could not be shown or written into an address.
func checkNames(title, key string) error {
	if err := checkLine("title", title); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(key); n > mostKey {
		return &Invalid{Field: "key", Rule: fmt.Sprintf("must have at most %d characters, not %d", mostKey, n)}
	}
	if strings.ContainsAny(key, " \t\r\n/?#%&\\\"'<>") {
		return &Invalid{Field: "key", Rule: "must be a word such as database-2027-01, without spaces and without / ? # % & \\ \" ' < >, not " + quote(key)}
	}
	return nil
}

// checkLine refuses names that could not be shown in one line.
func checkLine(field, text string) error {
	if n := utf8.RuneCountInString(text); n > mostTitle {
		return &Invalid{Field: field, Rule: fmt.Sprintf("must have at most %d characters, not %d", mostTitle, n)}
	}
	if strings.ContainsAny(text, "\r\n") {
		return &Invalid{Field: field, Rule: "must be one line"}
	}
	return nil
}

// The years that times may have: before the first nobody kept such records by machine, and beyond the last they are
// written with five digits, which nobody reads.
const (
	firstYear = 1970
	lastYear  = 9998
)

// CheckYear refuses times of years that calendars, feeds and JSON cannot say, or that nobody kept such records in.
func CheckYear(field string, t time.Time) error {
	if year := t.UTC().Year(); year < firstYear || year > lastYear {
		return &Invalid{Field: field, Rule: fmt.Sprintf("must lie in the years %d to %d, not in %d", firstYear, lastYear, year)}
	}
	return nil
}

// checkID refuses identifiers from elsewhere that could not be written into an address. None is right: one is made.
func checkID(id string) error {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && (r < 'A' || r > 'Z')
	}
	if len(id) > mostID || strings.ContainsFunc(id, odd) {
		return &Invalid{Field: "id", Rule: fmt.Sprintf("must be at most %d letters, digits, - and _, not %s", mostID, quote(id))}
	}
	return nil
}

// The shortest intervals at which something is said again. That all goes well bears fewer words than that it takes longer.
const (
	leastRemindEvery  = Duration(15 * time.Minute)
	leastOverrunEvery = Duration(time.Minute)
)

// checkInterval refuses what would be said too often. None is right: then it has its default.
func checkInterval(field string, every, least Duration) error {
	if every != 0 && every < least {
		return &Invalid{Field: field, Rule: "must be at least " + least.String() + ", not " + every.String()}
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
