package status

import (
	"strings"
	"testing"
	"time"
)

const seedSentence = "Between 2020-01-15 0600 UTC and 2020-01-15 0700 UTC customers may experience a series of brief interruptions " +
	"to the following features: Outbound Message Delivery, User Service, Inbox, Campaigns, and Articles."

// quoted are the passages that warnings quote.
func quoted(warnings []Warning) string {
	var all []string
	for _, w := range warnings {
		_, rest, _ := strings.Cut(w.Text, `"`)
		passage, _, _ := strings.Cut(rest, `"`)
		all = append(all, passage)
	}
	return strings.Join(all, " | ")
}

func TestContradictionsOfTheFirstReport(t *testing.T) {
	w := hour(t, "2020-01-15T06:00:00Z")
	if got := Contradictions("summary", seedSentence, w, time.UTC); len(got) != 0 {
		t.Errorf("got %v, want none with its own window", got)
	}
	moved := hour(t, "2020-01-16T06:00:00Z")
	got := Contradictions("summary", seedSentence, moved, time.UTC)
	if want := "2020-01-15 0600 UTC | 2020-01-15 0700 UTC"; quoted(got) != want {
		t.Fatalf("got %v, want warnings of %s", got, want)
	}
	want := Warning{Field: "summary", Text: `says "2020-01-15 0600 UTC", but the window is Jan 16, 2020, 06:00 to 07:00 UTC. Written as {{ .Window }} it is always right`}
	if got[0] != want {
		t.Errorf("got %v, want %v", got[0], want)
	}
	if got := quoted(Contradictions("summary", seedSentence, hour(t, "2020-01-15T07:00:00Z"), nil)); got != "2020-01-15 0600 UTC" {
		t.Errorf("got %q for a window an hour later, want only the start", got)
	}
}

// The window of these is Friday, January 15, 2027, 06:00 to 07:00 UTC, which is 07:00 to 08:00 in Berlin.
func TestContradictionsLeaveAlone(t *testing.T) {
	w := hour(t, "2027-01-15T06:00:00Z")
	for name, texts := range map[string][]string{
		"the day in each of its forms": {
			"2027-01-15", "2027/01/15", "15 January 2027", "15th of January", "the 15th of January, 2027", "January 15", "January 15th, 2027", "Jan 15", "Jan. 15",
			"15.01.2027", "1/15/2027", "15/1/2027", "Friday, January 15", "on Friday", "Friday 15 January",
		},
		"its times in each of their forms": {
			"06:00", "6:00 am", "6am", "6 a.m.", "0600 UTC", "0600-0700", "06:00Z", "06:00 UTC", "06:30:00 UTC", "06:00-07:00 UTC", "6:00 to 7:00 am", "at 06:15.",
			"06:00 UTC–07:00 UTC", "0630 hours", "from 06:00 until 07:00",
		},
		"its times in another zone": {
			"07:00 CET", "7 am CET", "1:00 am EST", "1am ET", "08:00 EET", "11:30 IST", "07:30 IST", "08:00+02:00", "UTC+2: none", "08:00 UTC+2", "08:00 (UTC+02:00)",
			"01:00 UTC-5", "10 pm PST on January 14", "10:00 PM PST (Jan 14)", "07:00 Europe/Berlin", "2027-01-15T01:00:00-05:00", "2027-01-15T06:00Z", "15:00 JST",
		},
		"the page's own zone where none is named": {"07:30", "08:00", "between 7:00 and 8:00"},
		"day and time together": {
			"January 15 at 06:00 UTC", "06:00 UTC on Friday, January 15", "2027-01-15, 06:00 to 07:00 UTC", "January 15, 2027 0600 UTC", "06:00 to 07:00 UTC on January 15",
		},
		"what is no date and no time": {
			"version 1.2.3", "v15.02.2027", "10.0.0.1:1200", "port :8080", "localhost:1234", "see https://example.com/2026-01-01/12:00", "`2026-01-01 12:00`",
			"```\n12:00\n```", "{{ .Start }} 5", "in 2026", "2019-2020", "for 5:00 minutes", "1:30 hours", "503", "16:9", "RFC 5321", "1200 requests", "PostgreSQL 15.4",
			"2001:db8::12:34", "INC-0900-1000", "May I ask", "in March", "January 2026", "12:00:00:00", "call 555-1200", "99.99 %", "Monday to Friday", "on Sundays",
			"Black Friday", "1200 MB", "[report](/2026-01-01)", "12-13 databases", "ratio 12:345", "1200-1300 users", "1200 to 1300 tenants", "1.2.2026.3", "32.13.2026", "2026-13-45",
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range texts {
				if got := Contradictions("summary", text, w, mustZone(t, "Europe/Berlin")); len(got) != 0 {
					t.Errorf("%q: got %v, want no warning", text, got)
				}
			}
		})
	}
}

func TestContradictionsQuoteThePassage(t *testing.T) {
	w := hour(t, "2027-01-15T06:00:00Z")
	for _, c := range []struct{ text, want string }{
		{"On 2027-01-16 we work.", "2027-01-16"},
		{"On 16 January 2027 we work.", "16 January 2027"},
		{"On the 16th of January we work.", "16th of January"},
		{"On January 16th, 2027, we work.", "January 16th, 2027"},
		{"On Jan 15, 2026, we work.", "Jan 15, 2026"},
		{"On 16.01.2027 we work.", "16.01.2027"},
		{"On 1/16/2027 or 16/1/2027 we work.", "1/16/2027 | 16/1/2027"},
		{"On Sunday we work.", "Sunday"},
		{"Sunday, January 15", "Sunday"},
		{"We work at 09:00.", "09:00"},
		{"We work at 9:00 am.", "9:00 am"},
		{"We work at 9am", "9am"},
		{"We work at 6 p.m. and rest.", "6 p.m."},
		{"We work at 0900 UTC.", "0900 UTC"},
		{"We work 0900-1000.", "0900 | 1000"},
		{"We work 0900-1000 on Friday.", "0900 | 1000"},
		{"We work 09:00Z.", "09:00Z"},
		{"We work at 07:30 UTC.", "07:30 UTC"},
		{"We work at 06:00 CET.", "06:00 CET"},
		{"We work at 06:00+02:00.", "06:00+02:00"},
		{"We work at 2027-01-15T06:00:00-05:00.", "2027-01-15T06:00:00-05:00"},
		{"We work on January 16\nat 06:00 UTC.", "January 16 at 06:00 UTC"},
		{"We work at 06:00 UTC on January 16.", "06:00 UTC on January 16"},
		{"Between {{ .Start }} and 09:00 UTC", "09:00 UTC"},
		{"06:00 to 09:00 UTC, and 09:00 UTC again", "09:00 UTC"},
		{"06:00 UTC-09:00 UTC", "09:00 UTC"},
		{"1:00-3:00 pm", "1:00 | 3:00 pm"},
		{"1:00 am Europe/London", "1:00 am Europe/London"},
	} {
		if got := quoted(Contradictions("summary", c.text, w, mustZone(t, "Europe/Berlin"))); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestContradictionsKnowTheDayOfATime(t *testing.T) {
	night := Window{instant(t, "2027-01-15T22:00:00Z"), instant(t, "2027-01-16T02:00:00Z")}
	for _, c := range []struct{ text, want string }{
		{"January 15, 22:00 to January 16, 02:00 UTC", ""},
		{"January 15, 22:00 to 02:00 UTC", ""},
		{"22:00 to 02:00 UTC on January 15", ""},
		{"from 22:00 on January 15 to 02:00 on January 16", ""},
		{"on Friday night", ""},
		{"on Saturday", ""},
		{"January 15, 2027, 02:00 UTC", "January 15, 2027, 02:00 UTC"},
		{"January 16, 22:00 to January 17, 02:00 UTC", "January 16, 22:00 | January 17, 02:00 UTC"},
	} {
		if got := quoted(Contradictions("summary", c.text, night, nil)); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestContradictionsKnowMidnightLeapDaysAndClockChanges(t *testing.T) {
	berlin := mustZone(t, "Europe/Berlin")
	for _, c := range []struct {
		name, start, end, text, want string
	}{
		{"24:00 is the end of a day", "2027-01-15T22:00:00Z", "2027-01-16T00:00:00Z", "January 15, 22:00 to 24:00 UTC", ""},
		{"a leap day needs no year", "2028-02-29T06:00:00Z", "2028-02-29T07:00:00Z", "February 29", ""},
		{"a time that occurs twice is either", "2027-10-31T01:00:00Z", "2027-10-31T02:00:00Z", "October 31, 02:30", ""},
		{"a window across the new year has both years", "2026-12-31T22:00:00Z", "2027-01-01T02:00:00Z", "December 31, 2026 and January 1", ""},
		{"and not the other ones", "2026-12-31T22:00:00Z", "2027-01-01T02:00:00Z", "December 31, 2027", "December 31, 2027"},
		{"every time is in a window of two days", "2027-01-15T06:00:00Z", "2027-01-17T06:00:00Z", "at 13:00 and 05:00", ""},
		{"every weekday is in a week", "2027-01-15T06:00:00Z", "2027-01-22T06:00:00Z", "on Sunday, on Thursday", ""},
		{"a window without an end contradicts nothing", "2027-01-15T06:00:00Z", "2027-01-15T06:00:00Z", "2020-01-01", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := quoted(Contradictions("summary", c.text, Window{instant(t, c.start), instant(t, c.end)}, berlin))
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestContradictionsSayTheWindowInTheNamedZone(t *testing.T) {
	w := hour(t, "2027-01-15T06:00:00Z")
	for _, c := range []struct{ text, want string }{
		{"at 06:00 CET", "the window is Jan 15, 2027, 07:00 to 08:00 CET"},
		{"at 06:00 UTC+2", "the window is Jan 15, 2027, 08:00 to 09:00 UTC+2"},
		{"on Sunday", "the window is Friday, Jan 15, 2027, 06:00 to 07:00 UTC"},
	} {
		got := Contradictions("why", c.text, w, nil)
		if len(got) != 1 || got[0].Field != "why" || !strings.Contains(got[0].Text, c.want) {
			t.Errorf("%q: got %v, want %q", c.text, got, c.want)
		}
	}
}

func TestContradictionsAreFew(t *testing.T) {
	w := hour(t, "2027-01-15T06:00:00Z")
	var b strings.Builder
	for at := w.Start; at.Year() < 2028; at = at.AddDate(0, 0, 1) {
		b.WriteString(at.AddDate(1, 0, 0).Format("2006-01-02 and "))
	}
	if got := Contradictions("summary", b.String(), w, nil); len(got) != 20 {
		t.Errorf("got %d warnings, want 20", len(got))
	}
}

func FuzzContradictions(f *testing.F) {
	for _, seed := range []string{
		seedSentence, "January 15, 22:00 to January 16, 02:00 UTC", "06:00 UTC-07:00 UTC", "`06:00` {{ .Window }} https://x/12:00", "1/2/2027 6 p.m. (UTC+02:00)",
		"0600-0700 0600 hours", "Sunday, Jan. 3rd", "2027-01-15T06:00:00-05:00", "24:00 on Feb 29", "12:00 Europe/Berlin", "9:99 99:99 25 pm 13 pm 0000Z", "\x00\xff06:00é",
	} {
		f.Add(seed, int64(1800000000), int64(3600))
	}
	f.Fuzz(func(t *testing.T, text string, start, seconds int64) {
		w := Window{time.Unix(start, 0), time.Unix(start, 0).Add(time.Duration(seconds) * time.Second)}
		for _, got := range Contradictions("summary", text, w, mustZone(t, "Europe/Berlin")) {
			if got.Field != "summary" || !strings.HasPrefix(got.Text, `says "`) {
				t.Fatalf("got %v, want a warning that quotes the summary", got)
			}
		}
		// What the product writes itself never contradicts.
		if year := w.Start.Year(); year > 1950 && year < 2090 && w.Validate() == nil {
			if got := Contradictions("summary", WindowText(w, time.UTC), w, time.UTC); len(got) != 0 {
				t.Fatalf("got %v for the window's own text %s, want none", got, WindowText(w, time.UTC))
			}
		}
	})
}
