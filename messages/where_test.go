package messages

import (
	"net/url"
	"strings"
	"testing"
)

// pushOnly is a target of one place, with a path.
func pushOnly(t testing.TB, to ...string) *target {
	t.Helper()
	made, err := newTarget("push", Target{To: to})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestMessagesGoWhereTheFlowMayDeliver(t *testing.T) {
	to := pushOnly(t, "https://push.example.com/v1/")
	for _, good := range []string{
		"https://push.example.com/v1/", "https://push.example.com/v1/send", "https://push.example.com/v1/send?to=a%2Fb&x=..",
		"https://push.example.com:443/v1/send", "HTTPS://PUSH.Example.com/v1/send", "https://push.example.com/v1/a%20b",
		"https://push.example.com/v1/a%2Fb", "https://push.example.com/v1/a;v=1", "https://push.example.com/v1/...",
		"https://push.example.com/v1//send", "https://push.example.com/v1/100%25", "https://push.example.com/v1/a..b",
	} {
		u, err := to.where(good)
		if err != nil {
			t.Errorf("%s: got %v, want it allowed", good, err)
			continue
		}
		if again, err := url.Parse(u.String()); err != nil || again.EscapedPath() != u.EscapedPath() || again.Host != u.Host {
			t.Errorf("%s: got %v when it is read again, want the same", good, again)
		}
	}
}

func TestTricksWithURLsLeadNowhere(t *testing.T) {
	to := pushOnly(t, "https://push.example.com/v1/")
	for _, bad := range []string{
		"", "/v1/send", "//push.example.com/v1/send", "push.example.com/v1/send", "https:push.example.com/v1/send", "https:///v1/send",
		"https:/push.example.com/v1/send", "javascript:alert(1)", "file:///etc/passwd", "gopher://push.example.com/v1/",
		// another scheme, port or host
		"http://push.example.com/v1/send", "https://push.example.com:8443/v1/send", "https://push.example.com:80/v1/send",
		"https://push.example.com:0443/v1/send", "https://push.example.com:/v1/send", "https://push.example.com:99999/v1/send",
		"https://push.example.com.evil.example/v1/", "https://evil-push.example.com/v1/", "https://push.example.com./v1/send",
		"https://push.example.com../v1/send", "https://push.example.com%2e/v1/send", "https://push%2eexample.com/v1/send",
		"https://127.0.0.1/v1/send", "https://[::1]/v1/send", "https://[::ffff:127.0.0.1]/v1/send", "https://2130706433/v1/send",
		"https://0x7f.1/v1/send", "https://169.254.169.254/v1/", "https://[fe80::1%25eth0]/v1/",
		// user names
		"https://push.example.com@evil.example/v1/", "https://user@push.example.com/v1/", "https://user:pw@push.example.com/v1/",
		"https://evil.example@push.example.com/v1/", "https://@push.example.com/v1/", "https://push.example.com:443@evil.example/v1/",
		// what readers read differently
		`https://push.example.com\@evil.example/v1/`, `https:\\push.example.com\v1\send`, `https://push.example.com/v1\..\admin`,
		"https://evil.example\\push.example.com/v1/", "https://push.example.com/v1/send#x", "https://evil.example#@push.example.com/v1/",
		"https://push.example.com/v1/ send", " https://push.example.com/v1/send", "https://push.example.com/v1/send\n",
		"https://push.example.com/v1/\x00", "https://push.example.com/v1/ü", "https://püsh.example.com/v1/", "https://push.example。com/v1/",
		"https://push.example.com\t/v1/", "ht\ntps://push.example.com/v1/",
		// above the path
		"https://push.example.com", "https://push.example.com/", "https://push.example.com/v1", "https://push.example.com/v10/send",
		"https://push.example.com/V1/send", "https://push.example.com/v2/v1/", "https://push.example.com//v1/send",
		"https://push.example.com/v1/..", "https://push.example.com/v1/../admin", "https://push.example.com/v1/./send",
		"https://push.example.com/v1/a/../../admin", "https://push.example.com/v1/%2e%2e/admin", "https://push.example.com/v1/%2E./admin",
		"https://push.example.com/v1/.%2e%2fadmin", "https://push.example.com/v1/..%2fadmin", "https://push.example.com/v1/..%5cadmin",
		"https://push.example.com/v1/%252e%252e/admin", "https://push.example.com/v1/%25252e%25252e%25252fadmin",
		"https://push.example.com/v1/..;/admin", "https://push.example.com/v1/..;a=b/admin", "https://push.example.com/v1/%2e%2e%3b/admin",
		"https://push.example.com/v1%2fsend", "https://push.example.com/%76%31/send", "https://push.example.com/v1/%00",
		"https://push.example.com/v1/a%0d%0aX-Evil:%20b", "https://push.example.com/v1/%zz", "https://push.example.com/v1/%2525252525252e",
		"https://push.example.com/v1/" + strings.Repeat("a", longestURL),
	} {
		if u, err := to.where(bad); err == nil {
			t.Errorf("%q: got %s, want it refused", bad, u)
		}
	}
}

func TestAPrefixEndsWhereAPartOfThePathEnds(t *testing.T) {
	to := pushOnly(t, "http://a.example:8080/v1", "https://b.example", "http://[2001:DB8::1]/x/")
	for given, want := range map[string]bool{
		"http://a.example:8080/v1": true, "http://a.example:8080/v1?q": true, "http://a.example:8080/v1/": true, "http://a.example:8080/v1/a": true,
		"http://a.example:8080/v10": false, "http://a.example:8080/v1;a": false, "http://a.example:8080/": false, "http://a.example/v1": false,
		"https://b.example": true, "https://b.example/": true, "https://b.example/a?b": true, "https://b.example?b": true,
		"http://b.example/": false, "http://[2001:db8::1]/x/y": true, "http://[2001:db8::2]/x/y": false,
	} {
		if _, err := to.where(given); (err == nil) != want {
			t.Errorf("%s: got %v, want allowed %t", given, err, want)
		}
	}
}

func FuzzAnAllowedURLStaysBelowItsPrefix(f *testing.F) {
	for _, seed := range []string{
		"https://push.example.com/v1/send", "https://push.example.com/v1/%2e%2e/admin", "https://push.example.com@evil/v1/", "https://push.example.com/v1/..;/x",
	} {
		f.Add(seed)
	}
	to := pushOnly(f, "https://push.example.com/v1/")
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := to.where(raw)
		if err != nil {
			return
		}
		again, err := url.Parse(u.String())
		if err != nil || again.Scheme != "https" || !strings.EqualFold(again.Hostname(), "push.example.com") || again.User != nil {
			t.Fatalf("%q: got %v, want a URL of push.example.com", raw, again)
		}
		// However often its path is decoded and cleaned, it stays where it is.
		path := again.EscapedPath()
		for range mostDecoding {
			base, _ := url.Parse("https://push.example.com/")
			if clean := base.JoinPath(path); !strings.HasPrefix(clean.EscapedPath(), "/v1") {
				t.Fatalf("%q: got %s after cleaning, want it below /v1", raw, clean)
			}
			if path, err = url.PathUnescape(path); err != nil {
				break
			}
		}
	})
}
