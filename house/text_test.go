package house

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	for _, name := range files(t) {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, target := range links(read(t, name)) {
			place, ok := local(name, target)
			if !ok {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, place)); err != nil {
				t.Errorf("%s links to %s, but there is no %s; links are relative to the file that holds them", name, target, place)
			}
		}
	}
}

var (
	codeBlock  = regexp.MustCompile("(?ms)^ *(```|~~~).*?^ *(```|~~~) *$")
	codeSpan   = regexp.MustCompile("`[^`\n]*`")
	inlineLink = regexp.MustCompile(`\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)`)
	namedLink  = regexp.MustCompile(`(?m)^ {0,3}\[[^\]]+\]:\s+<?([^\s>]+)`)
	scheme     = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*:`)
)

// links gives the targets of the links and images in a Markdown text, those shown as code left out.
func links(text string) []string {
	text = codeSpan.ReplaceAllString(codeBlock.ReplaceAllString(text, ""), "")
	var targets []string
	for _, form := range []*regexp.Regexp{inlineLink, namedLink} {
		for _, found := range form.FindAllStringSubmatch(text, -1) {
			targets = append(targets, found[1])
		}
	}
	return targets
}

// local gives the place in the repository that a link from a file leads to, if it leads into the repository.
func local(from, target string) (string, bool) {
	if scheme.MatchString(target) || strings.HasPrefix(target, "//") || strings.HasPrefix(target, "#") {
		return "", false
	}
	target, _, _ = strings.Cut(target, "#")
	if plain, err := url.PathUnescape(target); err == nil {
		target = plain
	}
	if strings.HasPrefix(target, "/") {
		return path.Clean(target[1:]), true
	}
	return path.Join(path.Dir(from), target), true
}

func TestLinksFindsLinks(t *testing.T) {
	text := "See [a](one.md#top), ![b](<two.png>) and [c].\n\n[c]: three.md\n\n`[d](no.md)`\n\n```\n[e](no.md)\n```\n"
	if got, want := strings.Join(links(text), " "), "one.md#top two.png three.md"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, _ := local("docs/adr/0001-a.md", "../x.md#y"); got != "docs/x.md" {
		t.Errorf("got %s, want docs/x.md", got)
	}
}

// A stranger is a piece of text that has no business in the repository.
type stranger struct {
	what  string
	sight *regexp.Regexp
}

// strangers are put together from parts, so that this file holds none of them.
func strangers(t *testing.T) []stranger {
	t.Helper()
	homes := strings.Join([]string{"work", "root"}, "|")
	all := []stranger{{
		"an absolute path of one machine; write it relative to the repository, or take it from a flag",
		regexp.MustCompile(`(^|[^A-Za-z0-9_.)}\]-])/(` + homes + `)/`),
	}}
	hosts := []string{"proxy." + "golang.org", "sum." + "golang.org", "registry." + "npmjs.org", "registry." + "yarnpkg.com", "deb." + "debian.org"}
	for _, host := range append(hosts, configuredProxies(t)...) {
		all = append(all, stranger{
			"the host of a package registry; clients know theirs, and other people use another",
			regexp.MustCompile(`(^|[^A-Za-z0-9.-])` + regexp.QuoteMeta(host)),
		})
	}
	return all
}

// configuredProxies gives the hosts from which this machine takes Go modules, whatever they are.
func configuredProxies(t *testing.T) []string {
	t.Helper()
	out, err := run("go", "env", "GOPROXY")
	if err != nil {
		t.Fatal(err)
	}
	var hosts []string
	for address := range strings.FieldsFuncSeq(string(out), func(r rune) bool { return strings.ContainsRune(",|\n", r) }) {
		if u, err := url.Parse(strings.TrimSpace(address)); err == nil && strings.Contains(u.Host, ".") {
			hosts = append(hosts, u.Host)
		}
	}
	return hosts
}

func TestTheRepositoryHoldsNothingOfOneMachine(t *testing.T) {
	const largest = 1 << 20
	unwanted := strangers(t)
	for _, name := range files(t) {
		text := read(t, name)
		if len(text) > largest || strings.ContainsRune(text[:min(len(text), 512)], 0) {
			continue // a picture or the like
		}
		for number, line := range strings.Split(text, "\n") {
			for _, s := range unwanted {
				if s.sight.MatchString(line) {
					t.Errorf("%s:%d: holds %s", name, number+1, s.what)
				}
			}
		}
	}
}

func TestStrangersAreRecognised(t *testing.T) {
	slash := "/"
	for text, want := range map[string]bool{
		"see " + slash + "work" + slash + "main":                     true,
		"https://proxy." + "golang.org" + slash:                      true,
		"frame" + slash + "work" + slash:                             false,
		"https://example.com" + slash + "a" + slash + "rootless":     false,
		"reverse-proxy." + "golang.org.example" + slash + "anything": false,
	} {
		got := false
		for _, s := range strangers(t) {
			got = got || s.sight.MatchString(text)
		}
		if got != want {
			t.Errorf("%q: got %t, want %t", text, got, want)
		}
	}
}
