package status

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

var winter = Placeholders{
	Window: "Jan 15, 2027, 06:00 to 07:00 UTC", Start: "06:00", End: "07:00", Duration: "1 hour",
	Title: "Database maintenance", Page: "Northwind", Affected: "APIs", Estimate: "07:30",
}

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("load zone %s: %v", name, err)
	}
	return zone
}

func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatalf("parse %q: %v", s, err)
	}
	return at
}

func TestExpandReplacesPlaceholders(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a text without any stays as it is", "No } braces { here.", "No } braces { here."},
		{"the window is inserted", "Between {{ .Window }}.", "Between Jan 15, 2027, 06:00 to 07:00 UTC."},
		{"spaces do not matter", "{{.Start}}-{{  .End  }}", "06:00-07:00"},
		{
			"every name is known", "{{.Window}}{{.Start}}{{.End}}{{.Duration}}{{.Title}}{{.Page}}{{.Affected}}{{.Estimate}}",
			"Jan 15, 2027, 06:00 to 07:00 UTC06:0007:001 hourDatabase maintenanceNorthwindAPIs07:30",
		},
		{"two braces are written as a string", `Write {{ "{{" }} .Window }}.`, "Write {{ .Window }}."},
		{"a raw string will do", "Write {{ `{{` }}.", "Write {{."},
		{"hyphens trim the space beside them", "From \n{{- .Start -}}\n to", "From06:00to"},
		{"an empty text is empty", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Expand(c.text, winter)
			if err != nil || got != c.want {
				t.Errorf("got %q and error %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestExpandDoesNotLookThroughValuesAgain(t *testing.T) {
	got, err := Expand("{{ .Title }}", Placeholders{Title: "{{ .Window }}"})
	if err != nil || got != "{{ .Window }}" {
		t.Errorf("got %q and error %v, want the title as it is", got, err)
	}
}

func TestExpandRefusesWhatIsNotAPlaceholder(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a mistyped name is answered with the nearest", "One\nand {{ .Windw }}.", "line 2: {{ .Windw }} is not a placeholder: did you mean {{ .Window }}?"},
		{"a forgotten point is found", "{{ Window }}", "line 1: {{ Window }} is not a placeholder: did you mean {{ .Window }}?"},
		{"a name in small letters is found", "{{ .duration }}", "did you mean {{ .Duration }}?"},
		{"an unknown name is answered with all of them", "{{ .Weather }}", "there are {{ .Window }}, {{ .Start }}, {{ .End }}"},
		{"a field of a field is refused", "{{ .Window.Start }}", "line 1: {{ .Window.Start }} is not a placeholder"},
		{"the bare point is refused", "{{ . }}", "line 1: {{.}} is not a placeholder"},
		{"a pipe is refused", "{{ .Window | printf \"%s\" }}", "line 1: {{.Window | printf \"%s\"}} is not a placeholder"},
		{"a function is refused", "{{ len .Window }}", "line 1: {{len .Window}} is not a placeholder"},
		{"a condition is refused", "\n\n{{ if .Window }}x{{ end }}", "line 3: {{if .Window}}x{{end}} is not a placeholder"},
		{"a loop is refused", "{{ range .Window }}x{{ end }}", "is not a placeholder"},
		{"a variable is refused", "{{ $x := .Window }}", "is not a placeholder"},
		{"a definition is refused", "one\n{{ define \"x\" }}x{{ end }}", "line 2: a definition of \"x\" is not a placeholder"},
		{"a definition under the parser's own name is refused", "{{ define \"text\" }}x{{ end }}", "a definition of \"text\" is not a placeholder"},
		{"a comment is refused", "{{/* hm */}}", "is not a placeholder"},
		{"a number is refused", "{{ 15 }}", "line 1: {{15}} is not a placeholder"},
		{"braces left open are refused", "one\n{{ .Window", "line 2: unclosed action: a placeholder is written {{ .Window }}"},
		{"braces of another language are refused", "{{ user.name }}", "line 1: "},
		{"a flood is refused", strings.Repeat("{{if .X}}", 1001), "must hold at most 1000 placeholders, not 1001"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Expand(c.text, winter)
			invalid := new(Invalid)
			if !errors.As(err, &invalid) {
				t.Fatalf("got %q and error %v, want *Invalid", got, err)
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one line with %q", err, c.want)
			}
		})
	}
}

func TestWindowTextReadsAsASentenceWould(t *testing.T) {
	for _, c := range []struct{ name, start, end, zone, want string }{
		{"one day has one date", "2027-01-15T06:00:00Z", "2027-01-15T07:00:00Z", "UTC", "Jan 15, 2027, 06:00 to 07:00 UTC"},
		{"two days have two", "2027-01-30T21:00:00Z", "2027-01-31T05:00:00Z", "Europe/Berlin", "Jan 30, 2027, 22:00 to Jan 31, 2027, 06:00 CET"},
		{"midnight belongs to the next day", "2027-01-15T22:00:00Z", "2027-01-16T00:00:00Z", "UTC", "Jan 15, 2027, 22:00 to Jan 16, 2027, 00:00 UTC"},
		{"the change to summer time names both", "2027-03-28T00:00:00Z", "2027-03-28T02:00:00Z", "Europe/Berlin", "Mar 28, 2027, 01:00 CET to 04:00 CEST"},
		{"the change to winter time names both", "2027-10-30T22:00:00Z", "2027-10-31T02:00:00Z", "Europe/Berlin", "Oct 31, 2027, 00:00 CEST to 03:00 CET"},
		{"a zone without letters is named by its offset", "2027-01-15T06:00:00Z", "2027-01-15T07:00:00Z", "Europe/Istanbul", "Jan 15, 2027, 09:00 to 10:00 UTC+3"},
		{"west of Greenwich too", "2027-01-15T06:00:00Z", "2027-01-15T07:00:00Z", "America/Sao_Paulo", "Jan 15, 2027, 03:00 to 04:00 UTC-3"},
		{"with minutes where there are some", "2027-01-15T00:00:00Z", "2027-01-15T01:00:00Z", "Asia/Kathmandu", "Jan 15, 2027, 05:45 to 06:45 UTC+5:45"},
		{"half an hour of summer time names both", "2027-04-03T14:00:00Z", "2027-04-03T16:00:00Z", "Australia/Lord_Howe", "Apr 4, 2027, 01:00 UTC+11 to 02:30 UTC+10:30"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := WindowText(Window{instant(t, c.start), instant(t, c.end)}, mustZone(t, c.zone))
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWindowTextWithoutAZoneIsUTC(t *testing.T) {
	w := Window{instant(t, "2027-01-15T06:00:00+01:00"), instant(t, "2027-01-15T07:00:00+01:00")}
	if got, want := WindowText(w, nil), "Jan 15, 2027, 05:00 to 06:00 UTC"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNearestFindsWhatWasMeant(t *testing.T) {
	known := []string{"window", "why", "title", "summary", "affects", "updates"}
	for _, c := range []struct{ word, want string }{
		{"windwo", "window"},
		{"Window", "window"},
		{"windows", "window"},
		{"affect", "affects"},
		{"afects", "affects"},
		{"titel", "title"},
		{"summry", "summary"},
		{"upd", "updates"},
		{"wyh", "why"},
		{"wh", "why"},
		{"colour", ""},
		{"x", ""},
		{"", ""},
		{strings.Repeat("w", 65), ""},
	} {
		if got := Nearest(c.word, known); got != c.want {
			t.Errorf("nearest of %q: got %q, want %q", c.word, got, c.want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{
		"Between {{ .Window }}.", `{{ "{{" }}`, "{{ if .X }}{{ end }}", "{{ define \"text\" }}{{ end }}", "{{/* */}}", "{{- .End -}}",
		"{{ .Window", "}}{{", "{{ (((.Window))) }}", "{{ block \"x\" . }}{{ end }}", "{{ template \"x\" }}", "{{ .Title }}\xff{{ `\n` }}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Expand(text, winter)
		if err != nil {
			invalid := new(Invalid)
			if !errors.As(err, &invalid) {
				t.Fatalf("got %T %v, want *Invalid", err, err)
			}
			return
		}
		if !strings.Contains(text, "{{") && got != text {
			t.Fatalf("got %q, want the text %q unchanged", got, text)
		}
	})
}
