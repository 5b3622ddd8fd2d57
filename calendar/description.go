package calendar

import (
	"slices"
	"strings"
	"time"

	"example.org/interlude/status"
)

// description is a maintenance in plain text: what happened or will, whom it concerns, what was said last, where to read on.
func (e Entry) description(zone *time.Location) string {
	m := e.Maintenance
	parts := []string{outcome(m, zone)}
	if !m.Window.Equal(m.Announced) && !m.Announced.Start.IsZero() {
		parts = append(parts, "First announced for "+status.WindowText(m.Announced, zone)+".")
	}
	var latest string
	if n := len(m.Updates); n > 0 && (m.Updates[n-1].Event != status.Announced || e.Summary == "") {
		last := e.Report.Entries[0]
		latest = last.Heading + ", " + status.PostedText(last.At, zone) + "\n" + last.Body
	}
	parts = append(parts, e.Summary, e.Report.Affected, promised(m, latest), latest, e.Link)
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "\n\n")
}

// promised lists what each audience experiences, unless the given text does.
func promised(m status.Maintenance, said string) string {
	if len(m.Promises) == 0 || strings.Contains(said, m.Promises[0].Audience) {
		return ""
	}
	var b strings.Builder
	b.WriteString("What you will experience:")
	for _, p := range m.Promises {
		b.WriteString("\n- " + p.Audience + ": " + p.Words())
	}
	return b.String()
}

// outcome is how it stands with a maintenance, where its window does not say so. It does not depend on the time.
func outcome(m status.Maintenance, zone *time.Location) string {
	switch {
	case m.State == status.Canceled && m.Began.IsZero():
		return "Canceled. It does not take place."
	case m.State == status.Canceled:
		return "Broken off. It began at " + status.PostedText(m.Began, zone) + "."
	case m.State == status.Completed && !m.Began.IsZero() && !m.Ended.IsZero():
		return "Completed. It took place on " + status.WindowText(status.Window{Start: m.Began, End: m.Ended}, zone) + ", " + m.Punctual(whole, "announced") + "."
	case m.Underway() && m.Estimate.After(m.Window.End):
		return m.State.Label() + ". It is expected to end at " + status.PostedText(m.Estimate, zone) + "."
	case m.State == status.Scheduled:
		return ""
	}
	return m.State.Label() + "."
}

// whole is a duration in whole minutes: "14 minutes".
func whole(d time.Duration) string { return status.Span(status.Duration(d.Truncate(time.Minute))) }
