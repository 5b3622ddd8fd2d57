package gate

import "testing"

func TestTheClosestRangeSpeaksForAForm(t *testing.T) {
	for _, c := range []struct {
		accept []string
		want   form
	}{
		{nil, asProblem},
		{[]string{""}, asProblem},
		{[]string{"*/*"}, asProblem},
		{[]string{"text/*"}, asPage},
		{[]string{"text/plain, text/html"}, asPage},
		{[]string{"text/plain, text/html;q=0.9"}, asText},
		{[]string{"text/html;q=0.9, application/json"}, asProblem},
		{[]string{"text/html", "application/json;q=0.9"}, asPage},
		{[]string{"TEXT/HTML ; Q=1.000"}, asPage},
		{[]string{"text/html, */*"}, asPage}, // named before any
		{[]string{"text/html, */*; q=0.01"}, asPage},
		{[]string{"text/html;q=0, */*"}, asProblem},
		{[]string{"*/*, application/*;q=0, text/html;q=0"}, asText},
		{[]string{"*/*;q=0.5, text/*;q=0.7, text/plain;q=0.2"}, asPage},
		{[]string{"application/vnd.api+json"}, asProblem},
		{[]string{"application/problem+json;q=0.1, text/plain;q=0.1"}, asProblem},
		{[]string{"application/problem+xml"}, asText},
		{[]string{"text/event-stream"}, asText},
		{[]string{"image/avif,image/webp,*/*;q=0.8"}, asProblem},
		{[]string{`text/plain;note="a,text/html;q=1", application/json;q=0.5`}, asText},
		{[]string{`text/plain;note="\",text/html;q=1", application/json;q=0.5`}, asText},
		{[]string{"text/html;q=2, text/plain;q=0.1"}, asText},       // a weight that is none
		{[]string{"text/html;q=0.1234, text/plain;q=0.1"}, asText},  // likewise
		{[]string{"text/html;q=-1, text/plain;q=0.001"}, asText},    // likewise
		{[]string{"text/html;q=1.001, text/plain;q=0.001"}, asText}, // likewise
		{[]string{"html, ,;q=1, text/plain"}, asText},
		{[]string{"*/*;q=0"}, asText},
	} {
		if got := preferred(c.accept); got != c.want {
			t.Errorf("%q: got form %d, want %d", c.accept, got, c.want)
		}
	}
}

func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"text/html,*/*;q=0.8", `a/b;c="\",d";q=0.1`, "q=;;,/;q=1.", `"`, `\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		got := preferred([]string{accept})
		if got < 0 || got >= forms {
			t.Fatalf("%q: got form %d, want one of the %d", accept, got, forms)
		}
		if same := preferred([]string{accept, "image/png"}); same != got && !(got == asProblem && same == asText) {
			t.Errorf("%q: got form %d with a range beside it that fits nothing, want %d", accept, same, got)
		}
	})
}
