package status

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// starts writes the starts of windows in a zone, for comparison.
func starts(windows []Window, zone *time.Location) string {
	var all []string
	for _, w := range windows {
		all = append(all, w.Start.In(zone).Format("2006-01-02T15:04-07:00"))
	}
	return strings.Join(all, " ")
}

func hour(t testing.TB, start string) Window {
	t.Helper()
	at := instant(t, start)
	return Window{at, at.Add(time.Hour)}
}

func TestNextFollowsTheRule(t *testing.T) {
	for _, c := range []struct{ name, rule, zone, first, want string }{
		{
			"every week keeps its weekday", "FREQ=WEEKLY", "UTC", "2027-01-03T06:00:00Z",
			"2027-01-03T06:00+00:00 2027-01-10T06:00+00:00 2027-01-17T06:00+00:00 2027-01-24T06:00+00:00",
		},
		{
			"two days every other week", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "UTC", "2027-01-04T06:00:00Z",
			"2027-01-04T06:00+00:00 2027-01-07T06:00+00:00 2027-01-18T06:00+00:00 2027-01-21T06:00+00:00",
		},
		{
			"WKST decides which week is the other one", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", "UTC", "1997-08-05T09:00:00Z",
			"1997-08-05T09:00+00:00 1997-08-17T09:00+00:00 1997-08-19T09:00+00:00 1997-08-31T09:00+00:00",
		},
		{
			"the last Sunday of a month", "FREQ=MONTHLY;BYDAY=-1SU", "UTC", "2027-01-31T06:00:00Z",
			"2027-01-31T06:00+00:00 2027-02-28T06:00+00:00 2027-03-28T06:00+00:00 2027-04-25T06:00+00:00",
		},
		{
			"the 31st skips short months", "FREQ=MONTHLY;BYMONTHDAY=31", "UTC", "2027-01-31T06:00:00Z",
			"2027-01-31T06:00+00:00 2027-03-31T06:00+00:00 2027-05-31T06:00+00:00 2027-07-31T06:00+00:00",
		},
		{
			"a monthly rule keeps the day of its first window", "FREQ=MONTHLY", "UTC", "2027-01-31T06:00:00Z",
			"2027-01-31T06:00+00:00 2027-03-31T06:00+00:00 2027-05-31T06:00+00:00 2027-07-31T06:00+00:00",
		},
		{
			"the last day of a month knows leap years", "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=-1", "UTC", "2027-02-28T06:00:00Z",
			"2027-02-28T06:00+00:00 2028-02-29T06:00+00:00 2029-02-28T06:00+00:00 2030-02-28T06:00+00:00",
		},
		{
			"February 29 waits for leap years and skips 2100", "FREQ=YEARLY", "UTC", "2092-02-29T06:00:00Z",
			"2092-02-29T06:00+00:00 2096-02-29T06:00+00:00 2104-02-29T06:00+00:00 2108-02-29T06:00+00:00",
		},
		{
			"the last weekday of a month", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "UTC", "2027-01-29T06:00:00Z",
			"2027-01-29T06:00+00:00 2027-02-26T06:00+00:00 2027-03-31T06:00+00:00 2027-04-30T06:00+00:00",
		},
		{
			"a plain weekday beside a numbered one counts in full", "FREQ=MONTHLY;BYDAY=SU,1MO", "UTC", "2027-01-03T06:00:00Z",
			"2027-01-03T06:00+00:00 2027-01-04T06:00+00:00 2027-01-10T06:00+00:00 2027-01-17T06:00+00:00",
		},
		{
			"positions count in the whole first week", "FREQ=WEEKLY;BYDAY=MO,WE;BYSETPOS=1", "UTC", "2027-01-06T06:00:00Z",
			"2027-01-06T06:00+00:00 2027-01-11T06:00+00:00 2027-01-18T06:00+00:00 2027-01-25T06:00+00:00",
		},
		{"COUNT counts the first window", "FREQ=DAILY;COUNT=2", "UTC", "2027-01-03T06:00:00Z", "2027-01-03T06:00+00:00 2027-01-04T06:00+00:00"},
		{
			"COUNT counts a first window that the rule does not give", "FREQ=WEEKLY;BYDAY=SU;COUNT=2", "UTC", "2027-01-01T06:00:00Z",
			"2027-01-01T06:00+00:00 2027-01-03T06:00+00:00",
		},
		{
			"UNTIL as a moment includes it", "FREQ=DAILY;UNTIL=20270105T060000Z", "UTC", "2027-01-03T06:00:00Z",
			"2027-01-03T06:00+00:00 2027-01-04T06:00+00:00 2027-01-05T06:00+00:00",
		},
		{
			"UNTIL as a moment ends before the next", "FREQ=DAILY;UNTIL=20270105T055959Z", "UTC", "2027-01-03T06:00:00Z",
			"2027-01-03T06:00+00:00 2027-01-04T06:00+00:00",
		},
		{
			"UNTIL as a day is a day of the zone", "FREQ=DAILY;UNTIL=20270105", "America/New_York", "2027-01-04T04:00:00Z",
			"2027-01-03T23:00-05:00 2027-01-04T23:00-05:00 2027-01-05T23:00-05:00",
		},
		{"small letters and the name of the property are understood", " rrule:freq=daily;count=1 ", "UTC", "2027-01-03T06:00:00Z", "2027-01-03T06:00+00:00"},
		{
			"the day is that of the zone", "FREQ=WEEKLY;BYDAY=SU", "America/New_York", "2027-01-04T04:00:00Z",
			"2027-01-03T23:00-05:00 2027-01-10T23:00-05:00 2027-01-17T23:00-05:00 2027-01-24T23:00-05:00",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			first := hour(t, c.first)
			r := Recurrence{Rule: c.rule, TimeZone: c.zone}
			if err := r.Validate(first.Start, "UTC"); err != nil {
				t.Fatalf("got %v, want a valid rule", err)
			}
			got := starts(r.Next(first, "UTC", first.Start.Add(-time.Second), 4), mustZone(t, c.zone))
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNextKeepsTheClockTimeWhenClocksChange(t *testing.T) {
	for _, c := range []struct{ name, zone, first, want string }{
		{
			"Berlin, spring: 02:30 does not exist and is 03:30", "Europe/Berlin", "2027-03-27T01:30:00Z",
			"2027-03-27T02:30+01:00 2027-03-28T03:30+02:00 2027-03-29T02:30+02:00",
		},
		{
			"Berlin, autumn: the first 02:30", "Europe/Berlin", "2027-10-30T00:30:00Z",
			"2027-10-30T02:30+02:00 2027-10-31T02:30+02:00 2027-11-01T02:30+01:00",
		},
		{
			"New York, spring", "America/New_York", "2027-03-13T07:30:00Z",
			"2027-03-13T02:30-05:00 2027-03-14T03:30-04:00 2027-03-15T02:30-04:00",
		},
		{
			"New York, autumn", "America/New_York", "2027-11-06T05:30:00Z",
			"2027-11-06T01:30-04:00 2027-11-07T01:30-04:00 2027-11-08T01:30-05:00",
		},
		{
			"Lord Howe, spring: half an hour", "Australia/Lord_Howe", "2027-10-01T15:45:00Z",
			"2027-10-02T02:15+10:30 2027-10-03T02:45+11:00 2027-10-04T02:15+11:00",
		},
		{
			"Lord Howe, autumn: half an hour", "Australia/Lord_Howe", "2027-04-02T14:45:00Z",
			"2027-04-03T01:45+11:00 2027-04-04T01:45+11:00 2027-04-05T01:45+10:30",
		},
		{
			"Santiago: midnight does not exist", "America/Santiago", "2027-09-04T04:00:00Z",
			"2027-09-04T00:00-04:00 2027-09-05T01:00-03:00 2027-09-06T00:00-03:00",
		},
		{
			"Apia: a whole day does not exist, and its moment is not given twice", "Pacific/Apia", "2011-12-29T16:00:00Z",
			"2011-12-29T06:00-10:00 2011-12-31T06:00+14:00 2012-01-01T06:00+14:00",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			first := hour(t, c.first)
			got := starts(Recurrence{Rule: "FREQ=DAILY"}.Next(first, c.zone, first.Start.Add(-time.Second), 3), mustZone(t, c.zone))
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNextKeepsTheLengthInElapsedTime(t *testing.T) {
	for _, c := range []struct{ name, first, after, want string }{
		{"across midnight", "2027-01-15T22:00:00Z", "2027-01-16T00:00:00Z", "2027-01-16T23:00+01:00 2027-01-17T03:00+01:00"},
		{"across the change to summer time", "2027-01-15T22:00:00Z", "2027-03-27T12:00:00Z", "2027-03-27T23:00+01:00 2027-03-28T04:00+02:00"},
		{"across the change to winter time", "2027-01-15T22:00:00Z", "2027-10-30T12:00:00Z", "2027-10-30T23:00+02:00 2027-10-31T02:00+01:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			berlin := mustZone(t, "Europe/Berlin")
			first := Window{instant(t, c.first), instant(t, c.first).Add(4 * time.Hour)}
			w := Recurrence{Rule: "FREQ=DAILY", TimeZone: "Europe/Berlin"}.Next(first, "", instant(t, c.after), 1)
			if len(w) != 1 {
				t.Fatalf("got %d windows, want 1", len(w))
			}
			const form = "2006-01-02T15:04-07:00"
			if got := w[0].Start.In(berlin).Format(form) + " " + w[0].End.In(berlin).Format(form); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestNextLeavesOutExceptions(t *testing.T) {
	first := hour(t, "2027-01-04T04:00:00Z") // January 3 in New York
	except := []Date{{2027, time.January, 3}, {2027, time.January, 17}}
	for _, c := range []struct{ name, rule, want string }{
		{"by their day in the zone", "FREQ=WEEKLY", "2027-01-10T23:00-05:00 2027-01-24T23:00-05:00 2027-01-31T23:00-05:00"},
		{"and counts them", "FREQ=WEEKLY;COUNT=4", "2027-01-10T23:00-05:00 2027-01-24T23:00-05:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Recurrence{Rule: c.rule, TimeZone: "America/New_York", Except: except}
			if got := starts(r.Next(first, "UTC", time.Time{}, 3), mustZone(t, "America/New_York")); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestNextIsStrictlyAfter(t *testing.T) {
	first := hour(t, "2027-01-03T06:00:00Z")
	r := Recurrence{Rule: "FREQ=DAILY"}
	if got, want := starts(r.Next(first, "", first.Start, 1), time.UTC), "2027-01-04T06:00+00:00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := r.Next(first, "", first.Start, 0); len(got) != 0 {
		t.Errorf("got %d windows, want none", len(got))
	}
	if got := (Recurrence{Rule: "FREQ=HOURLY"}).Next(first, "", first.Start, 1); len(got) != 0 {
		t.Errorf("got %d windows of an invalid rule, want none", len(got))
	}
}

func TestNextOfASeriesLeavesOutWhatWasCalledOff(t *testing.T) {
	first := hour(t, "2027-01-03T06:00:00Z")
	s := Series{Template: Maintenance{Window: first}, Recurrence: Recurrence{Rule: "FREQ=DAILY", Except: []Date{{2027, 1, 4}}}, Skipped: []Date{{2027, 1, 5}}}
	if got, want := starts(s.Next("", first.Start, 2), time.UTC), "2027-01-06T06:00+00:00 2027-01-07T06:00+00:00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	s.Ended = true
	if got := s.Next("", first.Start, 1); len(got) != 0 {
		t.Errorf("got %d windows of an ended series, want none", len(got))
	}
}

func TestNextIsTheSameHoweverFarTheSeriesHasCome(t *testing.T) {
	rules := []string{
		"FREQ=DAILY;INTERVAL=11", "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,SU;WKST=SU", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;BYSETPOS=-1",
		"FREQ=MONTHLY;INTERVAL=5", "FREQ=MONTHLY;BYDAY=-1SU", "FREQ=YEARLY;INTERVAL=3", "FREQ=YEARLY;BYDAY=53SA", "FREQ=YEARLY;INTERVAL=7;BYMONTHDAY=31",
	}
	first := hour(t, "2027-01-30T01:30:00Z")
	for _, rule := range rules {
		t.Run(rule, func(t *testing.T) {
			r := Recurrence{Rule: rule, TimeZone: "Europe/Berlin"}
			all := r.Next(first, "", time.Time{}, 2000)
			for i := 0; i+1 < len(all); i += 1 + i/3 {
				got := r.Next(first, "", all[i].Start, 1)
				if len(got) != 1 || !got[0].Equal(all[i+1]) {
					t.Fatalf("after %s: got %v, want %v", all[i].Start, got, all[i+1])
				}
			}
		})
	}
}

func TestNextGrowsAndKeepsTheClockTime(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca", "Asia/Tehran"}
	rules := []string{
		"FREQ=DAILY", "FREQ=DAILY;INTERVAL=9", "FREQ=WEEKLY;BYDAY=SU", "FREQ=WEEKLY;BYDAY=SA,SU,MO", "FREQ=MONTHLY;BYDAY=-1SU,2SU",
		"FREQ=MONTHLY;BYMONTHDAY=1,15,-1", "FREQ=YEARLY;BYYEARDAY=87,300,-1",
	}
	for range 100 {
		zone := mustZone(t, zones[random.IntN(len(zones))])
		r := Recurrence{Rule: rules[random.IntN(len(rules))], TimeZone: zone.String()}
		start := time.Unix(1800000000+random.Int64N(60*86400), 0).Truncate(5 * time.Minute)
		first := Window{start, start.Add(time.Duration(1+random.IntN(600)) * time.Minute)}
		clock := start.In(zone).Format("15:04:05")
		last := start.Add(-time.Second)
		for _, w := range r.Next(first, "", last, 400) {
			if !w.Start.After(last) || w.Duration() != first.Duration() || w.Start.Location() != time.UTC {
				t.Fatalf("%v: got %v after %v, want it later, %v long and in UTC", r, w, last, first.Duration())
			}
			last = w.Start
			if got := w.Start.In(zone).Format("15:04:05"); got != clock && !inGap(DateOf(w.Start.In(zone)), clock, zone) {
				t.Fatalf("%v: got %s at %s, want %s", r, got, w.Start.In(zone), clock)
			}
		}
	}
}

// inGap reports whether no moment of the day shows the clock time, by trying all of them.
func inGap(day Date, clock string, zone *time.Location) bool {
	for at := day.In(zone).Add(-3 * time.Hour); DateOf(at.In(zone)) == day || at.Before(day.In(zone)); at = at.Add(5 * time.Minute) {
		if at.In(zone).Format("15:04:05") == clock && DateOf(at.In(zone)) == day {
			return false
		}
	}
	return true
}

func TestValidateRefusesRulesThatNoCalendarFollows(t *testing.T) {
	for _, c := range []struct{ name, rule, want string }{
		{"no rule", " ", "rule is required, for example FREQ=MONTHLY;BYDAY=1SU"},
		{"no frequency", "BYDAY=SU", "rule needs FREQ: FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY"},
		{"hourly", "FREQ=HOURLY", "rule has FREQ=HOURLY: FREQ must be DAILY"},
		{"an unknown part", "FREQ=DAILY;BYDAYS=SU", `rule has an unknown part "BYDAYS": did you mean BYDAY?`},
		{"a part of no sort", "FREQ=DAILY;COLOUR=RED", `rule has an unknown part "COLOUR": the parts are FREQ, INTERVAL`},
		{"an empty part", "FREQ=DAILY;", `rule has an unknown part ""`},
		{"a part twice", "FREQ=DAILY;FREQ=WEEKLY", "rule must hold FREQ only once"},
		{"the start inside the rule", "DTSTART:20270101T000000Z\nRRULE:FREQ=DAILY", "rule must not hold DTSTART: the window gives the first start"},
		{"an exception inside the rule", "FREQ=DAILY;EXDATE=20270101", "rule must not hold EXDATE: days without it are listed in `except`"},
		{"a clock time", "FREQ=DAILY;BYHOUR=6", "rule must not hold BYHOUR: the window gives the clock time"},
		{"no interval", "FREQ=DAILY;INTERVAL=0", `rule must have INTERVAL as a number from 1 to 3660, not "0"`},
		{"an absurd interval", "FREQ=YEARLY;INTERVAL=11", "rule must have an INTERVAL of at most 10 (ten years), not 11"},
		{"too many", "FREQ=DAILY;COUNT=10001", `rule must have COUNT as a number from 1 to 10000, not "10001"`},
		{"two ends", "FREQ=DAILY;COUNT=2;UNTIL=20280101", "rule must hold COUNT or UNTIL, not both"},
		{"an end without a zone", "FREQ=DAILY;UNTIL=20280101T060000", "rule must have UNTIL as a day (20271231) or as a moment in UTC (20271231T060000Z)"},
		{"an end before the start", "FREQ=DAILY;UNTIL=20261231", "rule must not have an UNTIL before the window's start, 2027-01-03T06:00:00Z"},
		{"a weekday of no language", "FREQ=WEEKLY;BYDAY=SO", "rule must have BYDAY as weekdays such as SU, 1SU (the first) or -1SU (the last), not \"SO\""},
		{"a week that begins on no day", "FREQ=WEEKLY;WKST=XX", "rule must have WKST as one of MO, TU, WE, TH, FR, SA, SU, not \"XX\""},
		{"a zeroth weekday", "FREQ=MONTHLY;BYDAY=0SU", "rule must have BYDAY as weekdays"},
		{"a numbered weekday of a week", "FREQ=WEEKLY;BYDAY=1SU", "rule must number a weekday (1SU) only with FREQ=MONTHLY or YEARLY"},
		{"a sixth Sunday", "FREQ=MONTHLY;BYDAY=6SU", "rule must number a weekday of a month from 1 to 5 or from -1 to -5, not 6SU"},
		{"a 13th month", "FREQ=YEARLY;BYMONTH=13", `rule must have BYMONTH as numbers from 1 to 12, not "13"`},
		{"a 32nd day", "FREQ=MONTHLY;BYMONTHDAY=32", `rule must have BYMONTHDAY as numbers from 1 to 31 or from -1 to -31, not "32"`},
		{"a month day of a week", "FREQ=WEEKLY;BYMONTHDAY=1", "rule must not hold BYMONTHDAY with FREQ=WEEKLY"},
		{"a week of the year", "FREQ=YEARLY;BYWEEKNO=1", "rule must not hold BYWEEKNO: calendars disagree on weeks"},
		{"a day of the year in a month", "FREQ=MONTHLY;BYYEARDAY=1", "rule must hold BYYEARDAY only with FREQ=YEARLY"},
		{"a position of nothing", "FREQ=MONTHLY;BYSETPOS=1", "rule must hold BYSETPOS only beside another BY part"},
		{"February 30, yearly", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "rule never happens from 2027-01-03 on"},
		{"February 30, daily", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "rule never happens from 2027-01-03 on"},
		{"a fifth Monday on the first", "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1", "rule never happens from 2027-01-03 on"},
		{"a leap day in odd years", "FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29", "rule never happens from 2027-01-03 on"},
		{"a flood", "FREQ=DAILY;BYDAY=" + strings.Repeat("SU,", 1000) + "SU", "rule must be shorter than 2000 characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Recurrence{Rule: c.rule}.Validate(instant(t, "2027-01-03T06:00:00Z"), "")
			invalid := new(Invalid)
			if !errors.As(err, &invalid) || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s…", err, c.want)
			}
		})
	}
}

func TestValidateRefusesAnUnknownZoneAndEmptyExceptions(t *testing.T) {
	start := instant(t, "2027-01-03T06:00:00Z")
	if err := (Recurrence{Rule: "FREQ=DAILY", TimeZone: "Mars/Olympus"}).Validate(start, ""); err == nil || !strings.HasPrefix(err.Error(), "time_zone ") {
		t.Errorf("got %v, want a refusal of time_zone", err)
	}
	if err := (Recurrence{Rule: "FREQ=DAILY", Except: []Date{{2027, 1, 4}, {}}}).Validate(start, ""); err == nil || !strings.HasPrefix(err.Error(), "except[1] ") {
		t.Errorf("got %v, want a refusal of except[1]", err)
	}
	if err := (Recurrence{Rule: "FREQ=DAILY", Except: make([]Date, 1001)}).Validate(start, ""); err == nil || !strings.HasPrefix(err.Error(), "except ") {
		t.Errorf("got %v, want a refusal of except", err)
	}
}

func TestRecurrenceWarnsOfDaysThatTheRuleDoesNotGive(t *testing.T) {
	r := Recurrence{Rule: "FREQ=WEEKLY;BYDAY=SU", Except: []Date{{2027, 1, 3}, {2027, 1, 12}}}
	got := r.Warnings(hour(t, "2027-01-01T06:00:00Z"), "")
	if len(got) != 2 || got[0].Field != "rule" || !strings.Contains(got[0].Text, "Friday, January 1, 2027") ||
		got[1] != (Warning{Field: "except[1]", Text: "is a day on which it would not happen anyway: 2027-01-12"}) {
		t.Errorf("got %v, want warnings of rule and except[1]", got)
	}
	if got := r.Warnings(hour(t, "2027-01-03T06:00:00Z"), ""); len(got) != 1 {
		t.Errorf("got %v, want only the warning of except[1]", got)
	}
}

func TestWordsReadAsAPersonWouldSayThem(t *testing.T) {
	for rule, want := range map[string]string{
		"FREQ=DAILY":                                     "every day",
		"FREQ=DAILY;INTERVAL=3;COUNT=10":                 "every 3 days, 10 times",
		"FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR":                "every day from Monday to Friday",
		"FREQ=WEEKLY":                                    "every week",
		"FREQ=WEEKLY;BYDAY=SU":                           "every week on Sunday",
		"FREQ=WEEKLY;INTERVAL=2;BYDAY=TH,MO":             "every 2 weeks on Monday and Thursday",
		"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR":               "every week from Monday to Friday",
		"FREQ=WEEKLY;BYDAY=SU;UNTIL=20271231":            "every week on Sunday, until December 31, 2027",
		"FREQ=WEEKLY;BYDAY=SU;UNTIL=20271231T060000Z":    "every week on Sunday, until December 31, 2027, 06:00 UTC",
		"FREQ=WEEKLY;BYDAY=SU;BYMONTH=7,1":               "every week on Sunday in January and July",
		"FREQ=MONTHLY":                                   "every month",
		"FREQ=MONTHLY;BYDAY=1SU":                         "on the first Sunday of each month",
		"FREQ=MONTHLY;BYDAY=SU;BYSETPOS=1":               "on the first Sunday of each month",
		"FREQ=MONTHLY;BYDAY=-1SU":                        "on the last Sunday of each month",
		"FREQ=MONTHLY;BYDAY=1SU,3SU":                     "on the first Sunday and third Sunday of each month",
		"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1":  "on the last weekday (Monday to Friday) of each month",
		"FREQ=MONTHLY;BYMONTHDAY=1,15":                   "on the 1st and 15th of each month",
		"FREQ=MONTHLY;BYMONTHDAY=22":                     "on the 22nd of each month",
		"FREQ=MONTHLY;BYMONTHDAY=13":                     "on the 13th of each month",
		"FREQ=MONTHLY;BYMONTHDAY=-1":                     "on the last day of each month",
		"FREQ=MONTHLY;INTERVAL=3;BYDAY=1SU":              "every 3 months on the first Sunday",
		"FREQ=MONTHLY;BYMONTH=1,4,7,10;BYDAY=1SU":        "on the first Sunday of each January, April, July, and October",
		"FREQ=YEARLY":                                    "every year",
		"FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=15":            "each year on January 15",
		"FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYMONTHDAY=15": "every 2 years on January 15",
		"FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU":              "each year on the last Sunday of October",
		"FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU;COUNT=1":    "each year on the last Sunday of March and October, once",
		"FREQ=YEARLY;BYYEARDAY=100":                      "FREQ=YEARLY;BYYEARDAY=100",
		"FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13":            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
		"FREQ=MONTHLY;BYDAY=SU":                          "FREQ=MONTHLY;BYDAY=SU",
		"FREQ=DAILY;INTERVAL=2;BYDAY=MO":                 "FREQ=DAILY;INTERVAL=2;BYDAY=MO",
		"FREQ=DAILY;BYMONTH=6;BYMONTHDAY=1":              "FREQ=DAILY;BYMONTH=6;BYMONTHDAY=1",
		"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU":         "every week on every day",
		"FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1":             "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1",
		"FREQ=YEARLY;BYMONTH=6":                          "each year in June",
		"FREQ=YEARLY;BYDAY=SU":                           "FREQ=YEARLY;BYDAY=SU",
		"FREQ=MONTHLY;BYMONTHDAY=3,-2":                   "FREQ=MONTHLY;BYMONTHDAY=3,-2",
		"nonsense":                                       "nonsense",
	} {
		if got := (Recurrence{Rule: rule}).Words(); got != want {
			t.Errorf("%s: got %q, want %q", rule, got, want)
		}
	}
}

func BenchmarkNextAfterFiftyYears(b *testing.B) {
	first := hour(b, "1977-01-03T06:00:00Z")
	after := instant(b, "2027-01-15T12:00:00Z")
	for _, rule := range []string{"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SU", "FREQ=MONTHLY;BYDAY=-1SU", "FREQ=DAILY;COUNT=10000", "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1"} {
		r := Recurrence{Rule: rule, TimeZone: "Europe/Berlin"}
		b.Run(rule, func(b *testing.B) {
			for b.Loop() {
				r.Next(first, "", after, 5)
			}
		})
	}
}

func FuzzRecurrence(f *testing.F) {
	for _, seed := range []string{
		"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SU;INTERVAL=2", "FREQ=MONTHLY;BYDAY=-1SU,1MO,SU", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29,30",
		"FREQ=YEARLY;BYDAY=53MO,-53TU;BYSETPOS=1", "FREQ=YEARLY;BYWEEKNO=53,-1;WKST=SU", "FREQ=DAILY;COUNT=10000", "FREQ=YEARLY;BYYEARDAY=366,-366",
		"FREQ=MONTHLY;BYMONTHDAY=-31;BYSETPOS=-1;UNTIL=20991231T000000Z", "RRULE:FREQ=DAILY;UNTIL=20280101", "FREQ=SECONDLY", "DTSTART:20270101\nFREQ=DAILY",
	} {
		f.Add(seed, "Europe/Berlin", int64(1800000000), int64(1900000000))
	}
	f.Add("FREQ=YEARLY", "Pacific/Apia", int64(-62135596800), int64(253402300799))
	f.Fuzz(func(t *testing.T, text, zone string, start, after int64) {
		began := time.Now()
		defer func() {
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%q: took %s, want far less than a second", text, took)
			}
		}()
		r := Recurrence{Rule: text, TimeZone: zone, Except: []Date{{2027, 1, 15}}}
		first := Window{time.Unix(start, 0), time.Unix(start, 0).Add(time.Hour)}
		_ = r.Words()
		_ = r.Warnings(first, "UTC")
		windows := r.Next(first, "UTC", time.Unix(after, 0), 20)
		if err := r.Validate(first.Start, "UTC"); err != nil {
			invalid := new(Invalid)
			if !errors.As(err, &invalid) || invalid.Field == "" {
				t.Fatalf("got %T %v, want *Invalid with a field", err, err)
			}
		}
		last := time.Unix(after, 0)
		for _, w := range windows {
			if !w.Start.After(last) || w.Start.Before(first.Start) || w.Duration() != time.Hour {
				t.Fatalf("%q: got %v after %v, want later windows of one hour", text, w, last)
			}
			last = w.Start
		}
	})
}
