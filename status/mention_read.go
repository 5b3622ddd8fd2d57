package status

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// passedOver are parts of a text in which digits are no dates: code, placeholders, addresses, versions.
var passedOver = regexp.MustCompile("(?s)```.*?(?:```|$)|`[^`\n]*`" + `|\{\{.*?(?:\}\}|$)|\]\([^)\s]*\)` +
	`|(?i:\b[a-z][a-z0-9+.-]*://|\bwww\.)\S+` +
	`|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\b[0-9a-fA-F:]*::[0-9a-fA-F:]*` +
	`|\bv\d+(?:\.\d+)+\S*`)

const (
	monthPattern = `(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?`
	yearPattern  = `(?:,?\s+((?:19|20)\d\d)\b)?`
	dayPattern   = `(\d{1,2})(?:st|nd|rd|th)?\b`
)

// datePatterns read dates. Each gives year, month and day by the numbers of its groups.
var datePatterns = []struct {
	pattern          *regexp.Regexp
	year, month, day int
}{
	{regexp.MustCompile(`\b(\d{4})[-/](\d{1,2})[-/](\d{1,2})`), 1, 2, 3},
	{regexp.MustCompile(`\b` + dayPattern + `\s+(?:of\s+)?` + monthPattern + yearPattern), 3, 2, 1},
	{regexp.MustCompile(`\b` + monthPattern + `\s+(?:the\s+)?` + dayPattern + yearPattern), 3, 1, 2},
	{regexp.MustCompile(`\b(\d{1,2})\.(\d{1,2})\.(\d{4})`), 3, 2, 1},
	{regexp.MustCompile(`\b(\d{1,2})/(\d{1,2})/(\d{4})`), 3, 2, 1},
	{regexp.MustCompile(`\b(\d{1,2})/(\d{1,2})/(\d{4})`), 3, 1, 2},
}

var (
	meridiemTime = regexp.MustCompile(`\b(\d{1,2})(?:[:.](\d{2}))?\s?([AaPp])(?:[Mm]\b|\.[Mm]\.|\.[Mm]\b)`)
	colonTime    = regexp.MustCompile(`(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?`)
	digitsTime   = regexp.MustCompile(`(\d{2})(\d{2})`)
	lengthUnit   = regexp.MustCompile(`^[\s-]?(?i:h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)\b`)
	hoursWord    = regexp.MustCompile(`^\s?(?i:h|hrs|hours)\b`)

	betweenRange  = regexp.MustCompile(`^\s{0,2}(?:-|–|—|to|and|until|till|through)\s{0,2}$`)
	dateThenTime  = regexp.MustCompile(`^(?:T|[\s,]{0,3}(?:(?:at|from|between|@|-|–|\()\s?)?)$`)
	timeThenDate  = regexp.MustCompile(`^\s?,?\s?\(?(?:on\s|of\s)?(?:the\s)?(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,?\s)?$`)
	weekdayNamed  = regexp.MustCompile(`\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b`)
	weekdayBefore = regexp.MustCompile(`(?i)\b(?:on|this|next|coming|until|till|by|from|between)\s+$`)
	weekdaySpan   = regexp.MustCompile(`^\s?(?:-|–|to|through|until)\s?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b`)
	spanBefore    = regexp.MustCompile(`(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\s?(?:-|–|to|through|until)\s?$`)
	// "1200-1300 on Friday" are times, "1200-1300 users" are not.
	counted     = regexp.MustCompile(`^\s[a-z]`)
	stillATime  = regexp.MustCompile(`^\s(?:on|in|at|and|or|local|this|next)\b`)
	dateFollows = regexp.MustCompile(`^,?\s(?:the\s)?$`)
)

// mostMentions bounds how many passages of one form are looked at: no text that people read has more.
const mostMentions = 500

// longestRead is how much of a text is read, in bytes.
const longestRead = 64 << 10

// mentionsIn finds, in order, the dates, clock times and weekdays of a text, dates joined with the times beside them.
func mentionsIn(text string, w Window, page *time.Location) []mention {
	text = text[:min(len(text), longestRead)]
	masked := passedOver.ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat("\x00", len(s)) })
	dates := datesIn(masked)
	mentions := slices.Concat(dates, timesIn(masked, dates, w, page))
	slices.SortFunc(mentions, func(a, b mention) int { return cmp.Compare(a.from, b.from) })
	mentions = ranged(masked, joined(masked, mentions))
	mentions = append(mentions, weekdaysIn(masked, dates)...)
	slices.SortStableFunc(mentions, func(a, b mention) int { return cmp.Compare(a.from, b.from) })
	return mentions
}

func datesIn(text string) []mention {
	var dates []mention
	for _, p := range datePatterns {
		for _, at := range p.pattern.FindAllStringSubmatchIndex(text, mostMentions) {
			part := func(n int) string {
				if at[2*n] < 0 {
					return ""
				}
				return text[at[2*n]:at[2*n+1]]
			}
			year, _ := strconv.Atoi(part(p.year))
			day, _ := strconv.Atoi(part(p.day))
			month, err := strconv.Atoi(part(p.month))
			if err != nil {
				month = monthNamed(part(p.month))
			}
			// 2000 was a leap year: a day without a year may be February 29.
			if !isDate(cmp.Or(year, 2000), month, day) || digitBeside(text, at[0], at[1]) {
				continue
			}
			reading := Date{year, time.Month(month), day}
			same := slices.IndexFunc(dates, func(m mention) bool { return m.from == at[0] && m.to == at[1] })
			if same >= 0 {
				dates[same].days = append(dates[same].days, reading)
				continue
			}
			if !slices.ContainsFunc(dates, func(m mention) bool { return m.from < at[1] && at[0] < m.to }) {
				dates = append(dates, mention{from: at[0], to: at[1], days: []Date{reading}})
			}
		}
	}
	return dates
}

func monthNamed(name string) int {
	for m := time.January; m <= time.December; m++ {
		if len(name) >= 3 && m.String()[:3] == name[:3] {
			return int(m)
		}
	}
	return 0
}

// digitBeside reports whether a match is only a part of a longer number.
func digitBeside(text string, from, to int) bool {
	before := from > 1 && strings.IndexByte("-/.", text[from-1]) >= 0 && isDigit(text[from-2])
	return before || to < len(text) && isDigit(text[to]) ||
		to+1 < len(text) && strings.IndexByte("-/.", text[to]) >= 0 && isDigit(text[to+1]) && text[to] != '-'
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

func timesIn(text string, dates []mention, w Window, page *time.Location) []mention {
	var times []mention
	free := func(from, to int) bool {
		taken := func(m mention) bool { return m.from < to && from < m.to }
		return !slices.ContainsFunc(dates, taken) && !slices.ContainsFunc(times, taken)
	}
	for _, pattern := range []*regexp.Regexp{meridiemTime, colonTime, digitsTime} {
		for _, at := range pattern.FindAllStringSubmatchIndex(text, mostMentions) {
			from, to := at[0], at[1]
			afterT := from > 0 && text[from-1] == 'T' && slices.ContainsFunc(dates, func(m mention) bool { return m.to == from-1 })
			if !free(from, to) || !afterT && partOfMore(text, from) {
				continue
			}
			m := mention{from: from, to: to, meridiem: pattern == meridiemTime, unsure: pattern == digitsTime}
			hour, _ := strconv.Atoi(text[at[2]:at[3]])
			minute := 0
			if at[4] >= 0 {
				minute, _ = strconv.Atoi(text[at[4]:at[5]])
			}
			if m.meridiem {
				if hour < 1 || hour > 12 {
					continue
				}
				hour %= 12
				if text[at[6]] == 'p' || text[at[6]] == 'P' {
					hour += 12
				}
			}
			if minute > 59 || hour*60+minute > 24*60 || !m.endsWell(text) {
				continue
			}
			m.clocks = []int{hour*60 + minute}
			m.readZone(text, afterT, w, page)
			times = append(times, m)
		}
	}
	return times
}

// partOfMore reports whether what stands before a time makes it part of something else, such as an address.
func partOfMore(text string, from int) bool {
	if from == 0 {
		return false
	}
	before := text[from-1]
	if before == '-' && from > 1 {
		// A range goes from a time to a time; "INC-0600" is a name.
		return isLetter(text[from-2]) && !strings.HasSuffix(strings.ToUpper(text[:from-1]), "M") && !endsWithZone(text[:from-1])
	}
	return isDigit(before) || isLetter(before) || strings.IndexByte(":./@#_\\+\x00", before) >= 0
}

var zoneAtEnd = regexp.MustCompile(`(?:\b|\d)([A-Z]{1,5})$`)

func endsWithZone(text string) bool {
	at := zoneAtEnd.FindStringSubmatch(text[max(0, len(text)-8):])
	return at != nil && (at[1] == "Z" || zoneMinutes[at[1]] != nil)
}

// endsWell reports whether what stands behind a time leaves it one: no further digits, no unit of length. Four digits
// become sure by the word "hours".
func (m *mention) endsWell(text string) bool {
	rest := text[m.to:]
	if m.meridiem {
		return true
	}
	if m.unsure {
		if hoursWord.MatchString(rest) {
			m.unsure = false
		}
	} else if lengthUnit.MatchString(rest) {
		return false
	}
	if rest == "" {
		return true
	}
	if rest[0] == ':' || rest[0] == '.' {
		return len(rest) == 1 || !isDigit(rest[1]) && !isLetter(rest[1])
	}
	return !isDigit(rest[0]) && strings.IndexByte("%/_\x00", rest[0]) < 0
}

var (
	zoneOffset = regexp.MustCompile(`^\s?\(?((?:UTC|GMT|utc|gmt)\s?([+-])(\d{1,2})(?::?(\d{2}))?)\)?`)
	bareOffset = regexp.MustCompile(`^\s?(([+-])(\d{2}):?(\d{2}))\b`)
	zonePlace  = regexp.MustCompile(`^\s?\(?([A-Z][a-z]+(?:/[A-Z][A-Za-z_]+)+)\)?`)
	zoneLetter = regexp.MustCompile(`^\s?\(?([A-Z]{1,5}|utc|gmt)\b\)?`)
	zoneBehind = regexp.MustCompile(`^\s?[A-Z]{3}`)
)

// readZone reads the zone behind a time, and makes it part of the passage.
func (m *mention) readZone(text string, iso bool, w Window, page *time.Location) {
	rest := text[m.to:]
	take := func(length int, zones ...*time.Location) {
		m.to, m.zones, m.unsure = m.to+length, zones, false
	}
	// "06:00 UTC-07:00 UTC" is a range, "06:00 UTC-07:00" is not.
	if at := zoneOffset.FindStringSubmatch(rest); at != nil && !zoneBehind.MatchString(rest[len(at[0]):]) {
		take(len(at[0]), offsetZone(at[2], at[3], at[4]))
		return
	}
	// "06:00-07:00" is a range, and only in the full form of ISO 8601 an offset.
	if at := bareOffset.FindStringSubmatch(rest); at != nil && (iso || at[2] == "+") {
		take(len(at[0]), offsetZone(at[2], at[3], at[4]))
		return
	}
	if at := zonePlace.FindStringSubmatch(rest); at != nil {
		if zone, err := LoadZone(at[1]); err == nil {
			take(len(at[0]), zone)
		}
		return
	}
	at := zoneLetter.FindStringSubmatch(rest)
	if at == nil {
		return
	}
	name := strings.ToUpper(at[1])
	for _, moment := range []time.Time{w.Start, w.End} {
		if own, _ := moment.In(page).Zone(); own == name && name != "UTC" {
			take(len(at[0]), page)
			return
		}
	}
	if name == "Z" && rest[0] != 'Z' {
		return
	}
	var zones []*time.Location
	for _, minutes := range zoneMinutes[name] {
		zones = append(zones, time.FixedZone(name, 60*minutes))
	}
	if len(zones) > 0 {
		take(len(at[0]), zones...)
	}
}

func offsetZone(sign, hours, minutes string) *time.Location {
	h, _ := strconv.Atoi(hours)
	m, _ := strconv.Atoi(minutes)
	seconds := min(h, 23)*3600 + min(m, 59)*60
	if sign == "-" {
		seconds = -seconds
	}
	return time.FixedZone("", seconds)
}

// zoneMinutes are the abbreviations of zones that people write, in minutes east of Greenwich. Some have two readings.
var zoneMinutes = map[string][]int{
	"UTC": {0}, "GMT": {0}, "Z": {0}, "WET": {0}, "WEST": {60}, "BST": {60}, "CET": {60}, "CEST": {120}, "EET": {120}, "EEST": {180},
	"MSK": {180}, "SAST": {120}, "GST": {240}, "IST": {330, 60}, "SGT": {480}, "HKT": {480}, "JST": {540}, "KST": {540},
	"AWST": {480}, "ACST": {570}, "ACDT": {630}, "AEST": {600}, "AEDT": {660}, "NZST": {720}, "NZDT": {780},
	"EST": {-300}, "EDT": {-240}, "CST": {-360, 480}, "CDT": {-300}, "MST": {-420}, "MDT": {-360}, "PST": {-480}, "PDT": {-420},
	"AKST": {-540}, "AKDT": {-480}, "HST": {-600}, "BRT": {-180},
	"ET": {-300, -240}, "CT": {-360, -300}, "MT": {-420, -360}, "PT": {-480, -420},
}

// joined puts a date and the time beside it into one mention.
func joined(text string, mentions []mention) []mention {
	var all []mention
	for _, m := range mentions {
		if len(all) > 0 {
			last := &all[len(all)-1]
			gap := text[min(last.to, m.from):m.from]
			lastDate, lastTime := len(last.clocks) == 0, len(last.days) == 0
			if lastDate && len(m.days) == 0 && dateThenTime.MatchString(gap) {
				// Four digits behind a date are a time, whatever stands behind them.
				m.from, m.days, m.unsure = last.from, last.days, false
				*last = m
				continue
			}
			if lastTime && !last.unsure && !last.closes && len(m.clocks) == 0 && timeThenDate.MatchString(gap) {
				last.to, last.days = m.to, m.days
				continue
			}
			m.closes = len(m.days) == 0 && betweenRange.MatchString(gap)
		}
		all = append(all, m)
	}
	return all
}

// ranged lets the two ends of a range share what only one of them says: the zone, am or pm, and being a time at all.
func ranged(text string, mentions []mention) []mention {
	for i := 1; i < len(mentions); i++ {
		a, b := &mentions[i-1], &mentions[i]
		if len(a.clocks) == 0 || len(b.clocks) == 0 || !betweenRange.MatchString(text[min(a.to, b.from):b.from]) {
			continue
		}
		if b.meridiem && !a.meridiem && a.clocks[0] < 12*60 {
			a.clocks = append(a.clocks, a.clocks[0]+12*60)
		}
		if len(a.zones) == 0 {
			a.zones = b.zones
		} else if len(b.zones) == 0 {
			b.zones = a.zones
		}
		switch {
		case a.unsure && b.unsure:
			rest := text[b.to:]
			years := yearLike(a.clocks[0]) && yearLike(b.clocks[0]) // "2019-2020"
			doubtful := years || counted.MatchString(rest) && !stillATime.MatchString(rest)
			a.unsure, b.unsure = doubtful, doubtful
		case !a.unsure || !b.unsure:
			a.unsure, b.unsure = false, false
		}
	}
	return slices.DeleteFunc(mentions, func(m mention) bool { return m.unsure })
}

func yearLike(clock int) bool { return clock >= 19*60 && clock < 21*60 }

// weekdaysIn finds weekdays that speak of one day: "on Sunday", "Sunday, January 15". Spans of them, plurals, and
// names such as Black Friday are none.
func weekdaysIn(text string, dates []mention) []mention {
	var days []mention
	for _, at := range weekdayNamed.FindAllStringIndex(text, mostMentions) {
		before, behind := text[max(0, at[0]-24):at[0]], text[at[1]:]
		if weekdaySpan.MatchString(behind) || spanBefore.MatchString(before) {
			continue
		}
		dated := slices.ContainsFunc(dates, func(m mention) bool { return m.from > at[1] && dateFollows.MatchString(text[at[1]:m.from]) })
		if !dated && !weekdayBefore.MatchString(before) {
			continue
		}
		name := text[at[0]:at[1]]
		for d := time.Sunday; d <= time.Saturday; d++ {
			if d.String() == name {
				days = append(days, mention{from: at[0], to: at[1], weekdays: []time.Weekday{d}})
			}
		}
	}
	return days
}
