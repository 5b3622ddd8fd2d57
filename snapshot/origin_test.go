package snapshot

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAnAddressThatIsNoneIsNotUsed(t *testing.T) {
	for address, want := range map[string]string{
		"": "", "https://status.example": "https://status.example", "https://status.example/": "https://status.example",
		"http://status.example:8080/status/": "http://status.example:8080/status", "ftp://status.example": "", "https://": "",
		"https://a b/": "", "https://status.example/\r\nX: y": "", "https://a<b>/": "", "https://ada@status.example": "https://status.example",
		"https://status.example/\"><script>?q#f": "https://status.example/%22%3E%3Cscript%3E",
	} {
		if got := Home(address); got != want {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	}
}

func TestWhatIsNotConfiguredIsWhatTheReaderUsed(t *testing.T) {
	for _, c := range []struct {
		configured, host string
		secure           bool
		want             string
	}{
		{"https://status.example/", "other.example", false, "https://status.example"},
		{"", "status.example:8080", false, "http://status.example:8080"},
		{"", "status.example", true, "https://status.example"},
		{"gopher://status.example", "[::1]:80", false, "http://[::1]:80"},
		{"", "status.example/\"><script>", false, ""},
		{"", "", false, ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = c.host
		r.Header.Set("X-Forwarded-Host", "evil.example")
		if got, ok := Origin(c.configured, r, c.secure); got != c.want || ok != (c.want != "") {
			t.Errorf("%+v: got %q and %v, want %q", c, got, ok, c.want)
		}
	}
}
