package status

import (
	"strings"
	"time"
)

// Page is the public face of one organisation, with the rules that its maintenances follow.
type Page struct {
	ID string `json:"id"`
	// Name is the organisation's, as readers see it.
	Name string `json:"name"`
	// URL is where readers find the page; permalinks begin with it. Empty while it is not known.
	URL         string `json:"url,omitempty"`
	Description string `json:"description,omitempty"`
	// TimeZone is an IANA name; the page's times are written in it. Empty is UTC.
	TimeZone string `json:"time_zone"`
	// LeastNotice is how long before its start a maintenance must be announced.
	LeastNotice Duration `json:"least_notice,omitempty"`
	// Blackouts are spans of days without maintenances.
	Blackouts []Blackout `json:"blackouts,omitempty"`
	// MaintenanceCounts makes planned work count as downtime in the figures; they say which it is.
	MaintenanceCounts bool      `json:"maintenance_counts,omitempty"`
	Created           time.Time `json:"created,omitzero"`
	Changed           time.Time `json:"changed,omitzero"`
	Version           int64     `json:"version"`
}

// Blackout is a span of whole days, both included, in the page's zone, in which nothing may be planned.
type Blackout struct {
	From   Date   `json:"from" yaml:"from"`
	To     Date   `json:"to" yaml:"to"`
	Reason string `json:"reason,omitempty" yaml:"reason"`
}

// Date is a calendar day without a zone, written 2027-01-15.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the day of t in its own location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// In is the day's beginning in the zone: midnight, or the first moment after it where the clock skips midnight.
func (d Date) In(zone *time.Location) time.Time {
	midnight := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
	if zone == time.UTC {
		return midnight
	}
	return atClock(midnight, zone)
}

// String is the ISO 8601 form.
func (d Date) String() string { return d.In(time.UTC).Format(time.DateOnly) }

// IsZero reports whether no day was given.
func (d Date) IsZero() bool { return d == Date{} }

// MarshalText writes the ISO 8601 form.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads the ISO 8601 form.
func (d *Date) UnmarshalText(b []byte) error {
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil {
		return &Invalid{Rule: "must be a day such as 2027-01-15, not " + quote(string(b))}
	}
	*d = DateOf(t)
	return nil
}

// Zone is the page's location; UTC when none or an unknown one is set.
func (p Page) Zone() *time.Location {
	zone, err := LoadZone(p.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// LoadZone finds an IANA time zone. The machine's own zone ("Local") is refused, for it differs between machines.
func LoadZone(name string) (*time.Location, error) {
	switch name {
	case "", "UTC", "Etc/UTC":
		return time.UTC, nil
	case "Local":
		return nil, &Invalid{Field: "time_zone", Rule: `must name a place such as Europe/Berlin, not "Local"`}
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, &Invalid{Field: "time_zone", Rule: "must be an IANA name such as UTC or Europe/Berlin, not " + quote(name)}
	}
	return zone, nil
}

// Validate refuses a page without a name, with an unknown zone, a relative URL or a blackout that ends before it begins.
func (p Page) Validate() error {
	if strings.TrimSpace(p.Name) == "" {
		return &Invalid{Field: "name", Rule: "is required: the organisation's name as readers know it"}
	}
	if p.URL != "" && !strings.HasPrefix(p.URL, "https://") && !strings.HasPrefix(p.URL, "http://") {
		return &Invalid{Field: "url", Rule: "must begin with https:// or http://, not " + quote(p.URL)}
	}
	if _, err := LoadZone(p.TimeZone); err != nil {
		return err
	}
	for i, b := range p.Blackouts {
		if b.From.IsZero() || b.To.In(time.UTC).Before(b.From.In(time.UTC)) {
			return &Invalid{Field: indexed("blackouts", i), Rule: "must have a day `from` and a day `to` that is not before it"}
		}
	}
	return nil
}

// Blackout returns the blackout that the window touches, if any.
func (p Page) Blackout(w Window) (Blackout, bool) {
	zone := p.Zone()
	for _, b := range p.Blackouts {
		end := b.To.In(zone).AddDate(0, 0, 1)
		if w.Overlaps(Window{b.From.In(zone), end}) {
			return b, true
		}
	}
	return Blackout{}, false
}
