package mx

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"

	"golang.org/x/net/idna"
)

// Recipients is the list of addresses that there are, for when the server that knows them is away. Nil is all addresses.
//
// In text it is one pattern a line: an address; one with *, which stands for any characters, as in *@example.com and
// orders+*@example.com; or a regular expression between slashes, which has to fit the whole address. Case makes no
// difference. What follows # at the beginning of a line or after a space is a comment.
type Recipients struct {
	exact    map[string]bool
	patterns []*regexp.Regexp
}

// longestPattern bounds a line of a list, in bytes.
const longestPattern = 4096

// ParseRecipients reads a list. An error says which line is wrong.
func ParseRecipients(r io.Reader) (*Recipients, error) {
	list := &Recipients{exact: make(map[string]bool)}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestPattern)
	for n := 1; lines.Scan(); n++ {
		if err := list.add(uncommented(lines.Text())); err != nil {
			return nil, fmt.Errorf("recipients, line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("recipients: %w", err)
	}
	return list, nil
}

// uncommented is a line without spaces around it and without its comment.
func uncommented(line string) string {
	line = " " + strings.ReplaceAll(line, "\t", " ")
	if i := strings.Index(line, " #"); i >= 0 {
		line = line[:i]
	}
	return strings.TrimSpace(line)
}

// add reads one pattern.
func (l *Recipients) add(pattern string) error {
	var expression string
	switch {
	case pattern == "":
		return nil
	case len(pattern) > 1 && strings.HasPrefix(pattern, "/") && strings.HasSuffix(pattern, "/"):
		expression = pattern[1 : len(pattern)-1]
	case strings.Count(pattern, "@") != 1 || strings.ContainsAny(pattern, " <>") ||
		strings.HasPrefix(pattern, "@") || strings.HasSuffix(pattern, "@"):
		return fmt.Errorf("%q is not an address, nor a pattern such as *@example.com or /.+@example\\.com/", pattern)
	case strings.Contains(pattern, "*"):
		expression = strings.ReplaceAll(regexp.QuoteMeta(canonical(pattern)), `\*`, ".*")
	default:
		l.exact[canonical(pattern)] = true
		return nil
	}
	compiled, err := regexp.Compile("(?is)^(?:" + expression + ")$")
	if err != nil {
		return fmt.Errorf("%q: %w", pattern, err)
	}
	l.patterns = append(l.patterns, compiled)
	return nil
}

// Has reports whether an address is in the list.
func (l *Recipients) Has(address string) bool {
	if l == nil {
		return true
	}
	address = canonical(address)
	if l.exact[address] {
		return true
	}
	for _, p := range l.patterns {
		if p.MatchString(address) {
			return true
		}
	}
	return false
}

// canonical is an address in lower case, its domain as the DNS has it.
func canonical(address string) string {
	local, domain := cut(address)
	return strings.ToLower(local) + "@" + asciiDomain(domain)
}

// cut splits an address at its last @.
func cut(address string) (local, domain string) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address, ""
	}
	return address[:at], address[at+1:]
}

// asciiDomain is a domain in lower case and, where that can be, in ASCII.
func asciiDomain(domain string) string {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if ascii(domain) {
		return domain
	}
	if converted, err := idna.Lookup.ToASCII(domain); err == nil {
		return converted
	}
	return domain
}

// within reports whether an address is in one of the domains: example.com is itself, *.example.com is all below it.
func within(address string, domains []string) bool {
	_, domain := cut(address)
	domain = asciiDomain(domain)
	for _, d := range domains {
		if above, below := strings.CutPrefix(d, "*."); below {
			if strings.HasSuffix(domain, "."+asciiDomain(above)) {
				return true
			}
		} else if domain != "" && domain == asciiDomain(d) {
			return true
		}
	}
	return false
}
