package status

import (
	"slices"
	"strings"
	"time"
)

// The standard wordings. They say what happened and when, and nothing that nobody measured.

const (
	verifyWords = "The work is done. We are checking that everything is as it should be."
	reopenWords = "The work is not finished after all: the maintenance is in progress again."
)

func orWording(body, standard string) string {
	if strings.TrimSpace(body) == "" {
		return standard
	}
	return body
}

func beginWords(m Maintenance, now time.Time, zone *time.Location) string {
	when := ""
	switch late := now.Sub(m.Window.Start).Truncate(time.Minute); {
	case late > 0 && !m.Window.End.After(now):
		return "The scheduled maintenance began at " + clockText(m.Window.Start, now, zone) + "."
	case late > 0:
		when = ", " + Span(Duration(late)) + " after its announced start"
	case late < 0:
		when = ", " + Span(Duration(-late)) + " before its announced start"
	}
	return "The scheduled maintenance has begun" + when + ". We expect to finish by " + clockText(m.Window.End, now, zone) + "."
}

func delayedWords(start, now time.Time, zone *time.Location) string {
	return "The maintenance was announced to begin at " + clockText(start, now, zone) + " and has not begun yet. We will say when it does."
}

func overrunWords(m Maintenance, now time.Time, zone *time.Location) string {
	goesOn := "the work goes on"
	if m.State == Verifying {
		goesOn = "its result is still being checked"
	}
	words := "The maintenance is taking longer than planned. It was announced to end at " + clockText(m.Window.End, now, zone) + ", and " + goesOn + "."
	if m.Estimate.After(now) {
		return words + " We now expect to finish by " + clockText(m.Estimate, now, zone) + "."
	}
	return words + " We do not have a new estimate yet, and will post again within " + Span(Duration(m.overrunEvery())) + "."
}

// Punctuality is how an end compares with what was announced.
type Punctuality struct {
	// Late is how long after Against it was, in whole minutes; negative is earlier.
	Late time.Duration
	// Against is the announced end that counts: the last one when it was passed, otherwise the first one.
	Against time.Time
	// Extended says that the end had been moved after the work began.
	Extended bool
}

// Punctuality compares an end at a moment with the announcement. An end within an extended window is measured from
// the end that was first announced, so that an extension never makes a late end look early. A window that was
// rescheduled before it began counts as it was rescheduled.
func (m Maintenance) Punctuality(at time.Time) Punctuality {
	first := m.Window.End
	if m.Announced.Start.Equal(m.Window.Start) && m.extended() {
		first = m.Announced.End
	}
	p := Punctuality{Against: first, Extended: m.Window.End.After(first)}
	if at.After(m.Window.End) {
		p.Against = m.Window.End
	}
	p.Late = at.Sub(p.Against).Truncate(time.Minute)
	return p
}

// Punctual compares the measured end with what counts of the announcement: "as planned", "14 minutes later than planned".
// The span is written as given, and planned is the word for what was announced.
func (m Maintenance) Punctual(span func(time.Duration) string, planned string) string {
	p := m.Punctuality(m.Ended)
	last := p.Extended && p.Against.Equal(m.Window.End)
	switch {
	case last && p.Late == 0:
		return "at its extended end"
	case last:
		return span(p.Late) + " after its extended end"
	case p.Extended && p.Late > 0:
		return span(p.Late) + " later than first " + planned
	case p.Late > 0:
		return span(p.Late) + " later than " + planned
	case p.Late < 0:
		return span(-p.Late) + " earlier than " + planned
	}
	return "as " + planned
}

func (m Maintenance) extended() bool {
	return slices.ContainsFunc(m.Updates, func(u Update) bool { return u.Event == Extended })
}

func completeWords(m Maintenance, now time.Time, zone *time.Location) string {
	const done = "The scheduled maintenance has been completed"
	p := m.Punctuality(now)
	against := clockText(p.Against, now, zone) + "."
	switch {
	case p.Late == 0:
		return done + "."
	case p.Late < 0:
		return done + ", " + Span(Duration(-p.Late)) + " earlier than announced."
	case !p.Extended:
		return done + ", " + Span(Duration(p.Late)) + " after its announced end of " + against
	case p.Against.Equal(m.Window.End):
		return done + ", " + Span(Duration(p.Late)) + " after its extended end of " + against
	}
	return done + ", within its extended window and " + Span(Duration(p.Late)) + " after the end first announced, " + against
}

func cancelWords(begun bool) string {
	if begun {
		return "The maintenance has been broken off. Nothing more will be done in this window."
	}
	return "The maintenance has been canceled. It will not take place in this window."
}

func extendWords(was, to, now time.Time, zone *time.Location) string {
	return "The maintenance will take longer than announced: it is extended from " + clockText(was, now, zone) + " to " + clockText(to, now, zone) + "."
}

func shortenWords(was, to, now time.Time, zone *time.Location) string {
	return "The maintenance will be over earlier than announced: by " + clockText(to, now, zone) + " in place of " + clockText(was, now, zone) + "."
}

func estimateWords(end, to, now time.Time, zone *time.Location) string {
	if to.After(end) {
		return "The maintenance will take longer than planned. We now expect to finish by " + clockText(to, now, zone) + "."
	}
	return "We expect to finish by " + clockText(to, now, zone) + "."
}

func rescheduleWords(was, is Window, zone *time.Location) string {
	return "The maintenance has been rescheduled.\n\nWas: " + WindowText(was, zone) + "\nIs: " + WindowText(is, zone)
}

// clockText gives a time of day with its zone, and the day and year too when they are others than now's.
func clockText(t, now time.Time, zone *time.Location) string {
	at, then := t.In(zone), now.In(zone)
	layout := "15:04 "
	switch {
	case at.Year() != then.Year():
		layout = "Jan 2, 2006, 15:04 "
	case at.YearDay() != then.YearDay():
		layout = "Jan 2, 15:04 "
	}
	return at.Format(layout) + zoneName(at)
}

// withWords puts the standard words after what somebody wrote, for acts whose facts must not be left out.
func withWords(body, standard string) string {
	if strings.TrimSpace(body) == "" {
		return standard
	}
	return strings.TrimSpace(body) + "\n\n" + standard
}

// Announcement is the text with which a maintenance is announced when its document gives the parts: what and when,
// why, and what each audience will experience.
func Announcement(m Maintenance, p Page) string {
	var b strings.Builder
	if s := strings.TrimSpace(m.Summary); s != "" {
		b.WriteString(s)
	} else {
		b.WriteString("We will be carrying out scheduled maintenance: " + WindowText(m.Window, p.Zone()) + ".")
	}
	if m.ShortNotice != "" {
		b.WriteString("\n\nThis is announced at short notice: " + m.ShortNotice)
	}
	if m.DespiteBlackout != "" {
		b.WriteString("\n\nThis is within a period that we keep free of maintenance: " + m.DespiteBlackout)
	}
	if why := strings.TrimSpace(m.Why); why != "" {
		b.WriteString("\n\n**Why are we doing this?**\n" + why)
	}
	if len(m.Promises) > 0 {
		b.WriteString("\n\n**What will you experience?**\n")
		for _, p := range m.Promises {
			b.WriteString("\n- " + p.Audience + ": " + p.Words())
		}
	}
	return b.String()
}
