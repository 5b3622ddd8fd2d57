package status

import "time"

// Series is a recurring maintenance: what each occurrence is made from, and when.
type Series struct {
	ID  string `json:"id"`
	Key string `json:"key"`
	// Template holds what occurrences have in common. Its window is the first occurrence.
	Template Maintenance `json:"template"`
	// Recurrence says when it happens.
	Recurrence Recurrence `json:"recurrence"`
	// Announced is the start of the last occurrence that was announced, so that none is announced twice.
	Announced time.Time `json:"announced,omitzero"`
	// Skipped are the days of occurrences that a person called off; they are not announced again.
	Skipped []Date `json:"skipped,omitempty"`
	// Ended series announce nothing more.
	Ended   bool  `json:"ended,omitempty"`
	Version int64 `json:"version"`
}

// Subject names the series in events and errors.
func (s Series) Subject() Subject { return Subject{KindSeries, s.ID} }

// Recurrence is a rule of RFC 5545 (section 3.3.10) in a time zone, with its exceptions.
type Recurrence struct {
	// Rule is an RRULE value, such as FREQ=MONTHLY;BYDAY=1SU. FREQ is DAILY, WEEKLY, MONTHLY or YEARLY.
	Rule string `json:"rule" yaml:"rule"`
	// TimeZone is the IANA zone in which the clock time stays the same all year; empty is the page's.
	TimeZone string `json:"time_zone,omitempty" yaml:"time_zone"`
	// Except lists the days, in TimeZone, on which it does not happen (EXDATE).
	Except []Date `json:"except,omitempty" yaml:"except"`
}
