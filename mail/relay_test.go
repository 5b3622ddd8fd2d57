package mail

import (
	"fmt"
	"strings"
	"testing"
)

func TestARelayIsReadFromItsURL(t *testing.T) {
	for text, want := range map[string]Relay{
		"smtp://mail.example.com":                      {Address: "mail.example.com:25", Connections: 20},
		"smtp://mail.example.com:587/":                 {Address: "mail.example.com:587", Connections: 20},
		"smtps://mail.example.com":                     {Address: "mail.example.com:465", TLS: Implicit, Connections: 20},
		"smtp://[2001:db8::1]?tls=required":            {Address: "[2001:db8::1]:25", TLS: Required, Connections: 20},
		"smtp://mail.example.com?tls=starttls":         {Address: "mail.example.com:25", Connections: 20},
		"smtp://localhost:25?connections=200&tls=none": {Address: "localhost:25", TLS: Never, Connections: 200},
		"smtp://u%40example.com:p%3A%2F@mail.example.com:587": {
			Address: "mail.example.com:587", User: "u@example.com", Password: "p:/", Connections: 20,
		},
		"smtp://u:p@127.0.0.1?tls=none": {Address: "127.0.0.1:25", TLS: Never, User: "u", Password: "p", Connections: 20},
	} {
		got, err := ParseRelay(text)
		if err != nil || got != want {
			t.Errorf("%s: got %#v and %v, want %#v", text, got, err, want)
		}
	}
}

func TestARelayThatCannotBeUsedIsRefusedWithWhatWouldBeRight(t *testing.T) {
	for text, want := range map[string]string{
		"":                                            "must be a URL",
		"mail.example.com:25":                         "must be a URL",
		"smtp://":                                     "must be a URL",
		"smtp://b\u00fccher.example":                  "must be a URL",
		"smtp://::":                                   "must be a URL",
		"smtp://mail.example.com/inbox":               "must be a URL",
		"smtp://u:sec#ret@mail.example.com":           "%23",
		"smtp://u:sec/ret@mail.example.com":           "%2F",
		"smtp://u:sec%ret@mail.example.com":           "must be a URL",
		"http://mail.example.com":                     "smtp:// or smtps://",
		"smtp://mail.example.com:0":                   "1 to 65535",
		"smtp://mail.example.com:66000":               "1 to 65535",
		"smtp://u@mail.example.com":                   "both a user and a password",
		"smtp://:secret@mail.example.com":             "both a user and a password",
		"smtp://mail.example.com?conections=3":        "connections and tls",
		"smtp://mail.example.com?connections=0":       "1 to 200",
		"smtp://mail.example.com?connections=201":     "1 to 200",
		"smtp://mail.example.com?connections=ten":     "1 to 200",
		"smtp://mail.example.com?tls=no":              "starttls, required or none",
		"smtp://mail.example.com?tls=implicit":        "starttls, required or none",
		"smtp://mail.example.com?tls=none&tls=none":   "once",
		"smtp://mail.example.com?tls=%zz":             "what follows ?",
		"smtps://mail.example.com?tls=none":           "always under TLS",
		"smtp://u:secret@mail.example.com?tls=none":   "in clear",
		"smtp://u:secret@mail.example.com?nonsense=1": "connections and tls",
	} {
		_, err := ParseRelay(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want a refusal with %q", text, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "sec") || strings.Contains(err.Error(), "ret@")) {
			t.Errorf("%s: got %v, want no piece of the password", text, err)
		}
	}
}

func TestARelayIsShownWithoutItsPassword(t *testing.T) {
	r, err := ParseRelay("smtp://u:secret@mail.example.com:587?tls=required")
	if err != nil {
		t.Fatal(err)
	}
	want := "smtp://u:xxxxx@mail.example.com:587?connections=20&tls=required"
	for _, verb := range []string{"%s", "%v", "%+v"} {
		if got := fmt.Sprintf(verb, r); got != want {
			t.Errorf("%s: got %s, want %s", verb, got, want)
		}
	}
}

func FuzzARelayIsReadOrRefused(f *testing.F) {
	f.Add("smtp://u:p@mail.example.com:587?connections=20&tls=required")
	f.Add("smtps://[::1]:465")
	f.Add("smtp://host\r\n:25")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRelay(text)
		if err != nil {
			return
		}
		if r.TLS == Never && r.User != "" && !r.local() {
			t.Errorf("%q: got %+v, whose password would cross the network in clear", text, r)
		}
		if strings.ContainsAny(r.Address, "\r\n\x00") || r.connections() != r.Connections {
			t.Errorf("%q: got %+v, want an address and a number of connections that can be used", text, r)
		}
		r.User, r.Password = "", ""
		if again, err := ParseRelay(r.String()); err != nil || again != r {
			t.Errorf("%q: got %+v and %v from %s, want %+v", text, again, err, r, r)
		}
	})
}
