package cache

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// directives is what the Cache-Control fields of a message say (RFC 9111, 5.2; RFC 5861). What is said twice counts at its
// strictest, a number that is none counts as the strictest number, and a field that breaks the grammar says no-store and
// no-cache: what cannot be read must not be taken for leave.
type directives struct {
	noStore, noCache, private, public               bool
	mustRevalidate, proxyRevalidate, mustUnderstand bool

	maxAge, sharedMaxAge, staleIfError time.Duration // unsaid where nothing is said
	maxStale, minFresh                 time.Duration // a client's; unsaid likewise

	// concealed are the fields that private and no-cache withhold without withholding the rest.
	concealed []string
}

const (
	unsaid  time.Duration = -1
	forever               = (1 << 31) * time.Second // the largest that RFC 9111, 1.2.2, asks for
)

// parse reads the lines of a Cache-Control field.
func parse(lines []string) directives {
	d := directives{maxAge: unsaid, sharedMaxAge: unsaid, staleIfError: unsaid, maxStale: unsaid, minFresh: unsaid}
	for _, line := range lines {
		for line != "" {
			name, value, rest, ok := cutDirective(line)
			if !ok {
				d.noStore, d.noCache = true, true
				break
			}
			d.say(strings.ToLower(name), value)
			line = rest
		}
	}
	return d
}

// cutDirective takes the first directive from a line: token [ "=" ( token / quoted-string ) ]. The name is empty where the
// list has an empty member. A quoted value comes without its quotes.
func cutDirective(line string) (name, value, rest string, ok bool) {
	line = strings.TrimLeft(line, " \t")
	end := strings.IndexAny(line, "=,")
	if end < 0 || line[end] == ',' {
		name, rest, _ = strings.Cut(line, ",")
		name = strings.TrimRight(name, " \t")
		return name, "", rest, name == "" || httpguts.ValidHeaderFieldName(name)
	}
	name, rest = line[:end], line[end+1:]
	if !httpguts.ValidHeaderFieldName(name) {
		return "", "", "", false
	}
	if !strings.HasPrefix(rest, `"`) {
		value, rest, _ = strings.Cut(rest, ",")
		value = strings.TrimRight(value, " \t")
		return name, value, rest, value == "" || httpguts.ValidHeaderFieldName(value)
	}
	closing := closingQuote(rest)
	if closing < 0 {
		return "", "", "", false
	}
	value, rest = rest[1:closing], strings.TrimLeft(rest[closing+1:], " \t")
	if rest != "" && rest[0] != ',' {
		return "", "", "", false
	}
	return name, value, strings.TrimPrefix(rest, ","), true
}

// closingQuote gives the place of the quote that ends the quoted string at the beginning of s, or -1.
func closingQuote(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// say adds one directive. Those that are not known are ignored.
func (d *directives) say(name, value string) {
	switch name {
	case "no-store":
		d.noStore = true
	case "no-cache":
		d.noCache = d.conceal(value) || d.noCache
	case "private":
		d.private = d.conceal(value) || d.private
	case "public":
		d.public = true
	case "must-revalidate":
		d.mustRevalidate = true
	case "proxy-revalidate":
		d.proxyRevalidate = true
	case "must-understand":
		d.mustUnderstand = true
	case "max-age":
		shorter(&d.maxAge, value)
	case "s-maxage":
		shorter(&d.sharedMaxAge, value)
	case "stale-if-error":
		shorter(&d.staleIfError, value)
	case "max-stale":
		if value == "" { // however stale (RFC 9111, 5.2.1.2)
			value = "2147483648"
		}
		shorter(&d.maxStale, value)
	case "min-fresh":
		n, ok := deltaSeconds(value)
		if !ok {
			n = forever
		}
		d.minFresh = max(d.minFresh, n)
	}
}

// conceal takes the fields that a qualified private or no-cache names, and reports whether the directive speaks of the
// whole answer instead. One whose names cannot be read does.
func (d *directives) conceal(names string) (whole bool) {
	if names == "" {
		return true
	}
	for name := range strings.SplitSeq(names, ",") {
		name = strings.Trim(name, " \t")
		if !httpguts.ValidHeaderFieldName(name) {
			return true
		}
		d.concealed = append(d.concealed, name)
	}
	return false
}

// shorter brings a duration down to what a value says, zero if it says nothing that can be read.
func shorter(d *time.Duration, value string) {
	n, _ := deltaSeconds(value)
	if *d == unsaid || n < *d {
		*d = n
	}
}

// deltaSeconds reads a number of seconds (RFC 9111, 1.2.2): digits alone. One that is too large counts as the largest.
func deltaSeconds(s string) (time.Duration, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > uint64(forever/time.Second) {
		return forever, true
	}
	return time.Duration(n) * time.Second, true
}
