package status

import (
	"strconv"
	"strings"
	"time"
)

// Duration is a span of time as documents write it: "90s", "5m", "48h", "2d", "1h30m". A day is 24 hours.
type Duration time.Duration

// ParseDuration reads a duration with the units w, d, h, m and s.
func ParseDuration(s string) (Duration, error) {
	wrong := &Invalid{Rule: "must be a duration such as 90s, 5m, 48h or 2d, not " + quote(s)}
	rest, total := strings.TrimSpace(s), time.Duration(0)
	for _, unit := range []struct {
		mark string
		of   time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, after, found := strings.Cut(rest, unit.mark)
		if !found {
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n > 10000 {
			return 0, wrong
		}
		total += time.Duration(n) * unit.of
		rest = after
	}
	if rest != "" || total == 0 {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 {
			return 0, wrong
		}
		total += d
	}
	return Duration(total), nil
}

// String is the shortest form: "48h", "1h30m", "1m30s". ParseDuration reads it back as the same duration.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText writes the duration as String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDuration reads.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := ParseDuration(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}
