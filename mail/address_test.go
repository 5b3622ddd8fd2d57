package mail

import (
	netmail "net/mail"
	"strings"
	"testing"
)

func TestAMailboxIsReadInItsAsciiForm(t *testing.T) {
	for text, want := range map[string]Mailbox{
		"ops@example.com":                      {"ops", "example.com"},
		"Ops.Team+Page@Example.COM":            {"Ops.Team+Page", "example.com"},
		"o'hara@sub.example.org":               {"o'hara", "sub.example.org"},
		"ops@bücher.example":                   {"ops", "xn--bcher-kva.example"},
		"ops@BÜCHER。example":                   {"ops", "xn--bcher-kva.example"},
		"ops@xn--bcher-kva.example":            {"ops", "xn--bcher-kva.example"},
		"!#$%&'*+-/=?^_`{|}~@example.com":      {"!#$%&'*+-/=?^_`{|}~", "example.com"},
		strings.Repeat("a", 64) + "@9.example": {strings.Repeat("a", 64), "9.example"},
	} {
		got, err := ParseMailbox(text)
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestWhatIsNoMailboxIsRefusedWithTheReason(t *testing.T) {
	long := strings.Repeat("a", 60) + "."
	for text, want := range map[string]string{
		"":                                       "has no @",
		"ops":                                    "has no @",
		"@example.com":                           "nothing stands before",
		"ops@":                                   "must be whole",
		"ops@example":                            "must be whole",
		"ops@localhost":                          "must be whole",
		"ops@example.com.":                       "cannot be part",
		"ops@example..com":                       "cannot be part",
		"ops@-example.com":                       "no domain",
		"ops@exa_mple.com":                       "no domain",
		"ops@exam ple.com":                       "no domain",
		"ops@\xdf.example":                       "no domain",
		"ops@[127.0.0.1]":                        "not the address of a machine",
		"ops@127.0.0.1":                          "not the address of a machine",
		"ops@xn--a.example":                      "no domain",
		".ops@example.com":                       "the dots",
		"ops.@example.com":                       "the dots",
		"o..ps@example.com":                      "the dots",
		"o ps@example.com":                       `' ' must not stand`,
		"öps@example.com":                        `'ö' must not stand`,
		`"ops"@example.com`:                      `'"' must not stand`,
		"a@b@example.com":                        `'@' must not stand`,
		"Ops <ops@example.com>":                  `' ' must not stand`,
		"<ops@example.com>":                      `'<' must not stand`,
		"ops@example.com>":                       "no domain",
		"ops\r\nBcc:all@example.com":             `'\r' must not stand`,
		"ops@example.com\r\nRCPT TO:<x@y.org>":   "must not stand",
		strings.Repeat("a", 65) + "@example.com": "more than 64",
		"ops@" + strings.Repeat("a", 64) + ".example":                      "cannot be part",
		"ops@" + strings.Repeat(long, 4) + "aaaaaaaaaa.example":            "more than 253",
		strings.Repeat("a", 64) + "@" + long + long + long + "aaa.example": "at most 254",
		strings.Repeat("a", 5000):                                          "at most 254",
	} {
		got, err := ParseMailbox(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want an error that says %q", text, got, err, want)
		}
	}
}

func FuzzAMailboxCanStandAnywhere(f *testing.F) {
	for _, seed := range []string{"ops@example.com", "ops@bücher.example", `"a b"@example.com`, "a@b@c.de", "a@１.２.３.４", "a@ß。example", "a@[::1]", "0@\xdf.A"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMailbox(text)
		if err != nil {
			return
		}
		address := m.String()
		if !sendable(address) || strings.ContainsAny(address, "\"\\,;:()[]") || strings.Count(address, "@") != 1 {
			t.Errorf("%q: got %q, which cannot stand in a command", text, address)
		}
		if again, err := ParseMailbox(address); err != nil || again != m {
			t.Errorf("%q: got %v, %v the second time, want %v", text, again, err, m)
		}
		if read, err := netmail.ParseAddress(address); err != nil || read.Address != address {
			t.Errorf("%q: a reader of mail gets %v, %v, want %s", text, read, err, address)
		}
	})
}
