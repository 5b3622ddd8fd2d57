package document

import (
	"regexp"
	"strings"
	"time"

	"example.org/interlude/status"
)

// moment is a date with a time of day and a zone, in the forms in which people write it: RFC 3339 (ISO 8601), with a
// space for the T, without seconds, with UTC for the Z.
var moment = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})(?:[Tt ]+(\d{2}):?(\d{2})(?::?(\d{2}(?:\.\d{1,9})?))?)? ?([Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$`)

// ParseTime reads a moment as documents write it, and gives it in UTC. A time without a zone is refused, because nobody can tell which hour it is.
func ParseTime(s string) (time.Time, error) {
	none := time.Time{}
	part := moment.FindStringSubmatch(strings.TrimSpace(s))
	if part == nil {
		return none, &status.Invalid{Rule: "must be a time such as 2027-01-15T06:00:00Z, not " + shown(s)}
	}
	day, hour, minute, second, zone := part[1], part[2], part[3], part[4], strings.ToUpper(part[5])
	if second == "" {
		second = "00"
	}
	switch {
	case hour == "":
		return none, &status.Invalid{Rule: "must have a time of day, such as " + day + "T06:00:00Z"}
	case zone == "":
		written := day + "T" + hour + ":" + minute + ":" + second
		return none, &status.Invalid{Rule: "must have a zone, because " + shown(s) + " is a different moment in each: add Z for UTC (" +
			written + "Z) or an offset (" + written + "+01:00)"}
	case zone == "UTC" || zone == "GMT":
		zone = "Z"
	case len(zone) == 3:
		zone += ":00"
	case len(zone) == 5:
		zone = zone[:3] + ":" + zone[3:]
	}
	t, err := time.Parse(time.RFC3339Nano, day+"T"+hour+":"+minute+":"+second+zone)
	if err != nil {
		return none, &status.Invalid{Rule: "must be a time that exists, unlike " + shown(s)}
	}
	// Stores keep microseconds; a document that is read back must be the same.
	t = t.UTC().Truncate(time.Microsecond)
	if t.Year() < 1970 || t.Year() >= 3000 {
		return none, &status.Invalid{Rule: "must lie in the years 1970 to 2999, unlike " + shown(s)}
	}
	return t, nil
}

// parseDate reads a day.
func parseDate(s string) (status.Date, error) {
	var d status.Date
	if err := d.UnmarshalText([]byte(strings.TrimSpace(s))); err != nil {
		return d, &status.Invalid{Rule: "must be a day such as 2027-01-15, not " + shown(s)}
	}
	if d.Year < 1970 || d.Year >= 3000 {
		return d, &status.Invalid{Rule: "must lie in the years 1970 to 2999, unlike " + shown(s)}
	}
	return d, nil
}

// parseDuration reads a duration. A number alone is refused, because its unit would be a guess.
func parseDuration(s string) (status.Duration, error) {
	d, err := status.ParseDuration(s)
	if err != nil {
		return 0, &status.Invalid{Rule: "must be a duration such as 90s, 5m, 48h or 2d, not " + shown(s)}
	}
	return d, nil
}

func (c *checker) time(into *time.Time) reader {
	return parsed(c, into, "a time such as 2027-01-15T06:00:00Z", ParseTime)
}

func (c *checker) date(into *status.Date) reader {
	return parsed(c, into, "a day such as 2027-01-15", parseDate)
}

func (c *checker) duration(into *status.Duration) reader {
	return parsed(c, into, "a duration such as 90s, 5m, 48h or 2d", parseDuration)
}
