package status

import (
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
	words := "The scheduled maintenance has begun. We expect to finish by " + clockText(m.Window.End, now, zone) + "."
	switch late := now.Sub(m.Window.Start); {
	case late >= time.Minute:
		words = "The scheduled maintenance has begun, " + Span(Duration(late)) + " after its announced start. We expect to finish by " + clockText(m.Window.End, now, zone) + "."
		if !m.Window.End.After(now) {
			words = "The scheduled maintenance began at " + clockText(m.Window.Start, now, zone) + "."
		}
	case late <= -time.Minute:
		words = "The scheduled maintenance has begun, " + Span(Duration(-late)) + " before its announced start. We expect to finish by " + clockText(m.Window.End, now, zone) + "."
	}
	return words
}

func delayedWords(start, now time.Time, zone *time.Location) string {
	return "The maintenance was announced to begin at " + clockText(start, now, zone) + " and has not begun yet. We will say when it does."
}

func overrunWords(m Maintenance, now time.Time, zone *time.Location) string {
	words := "The maintenance is taking longer than planned. It was announced to end at " + clockText(m.Window.End, now, zone) + ", and the work goes on."
	if m.Estimate.After(now) {
		return words + " We now expect to finish by " + clockText(m.Estimate, now, zone) + "."
	}
	return words + " We do not have a new estimate yet, and will post again within " + Span(Duration(m.overrunEvery())) + "."
}

func completeWords(m Maintenance, now time.Time, zone *time.Location) string {
	const done = "The scheduled maintenance has been completed"
	late := now.Sub(m.Window.End).Truncate(time.Minute)
	switch {
	case late > 0:
		return done + ", " + Span(Duration(late)) + " after its announced end of " + clockText(m.Window.End, now, zone) + "."
	case late < 0:
		return done + ", " + Span(Duration(-late)) + " earlier than announced."
	}
	return done + "."
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

func estimateWords(end, to, now time.Time, zone *time.Location) string {
	if to.After(end) {
		return "The maintenance will take longer than planned. We now expect to finish by " + clockText(to, now, zone) + "."
	}
	return "We expect to finish by " + clockText(to, now, zone) + "."
}

func rescheduleWords(was, is Window, zone *time.Location) string {
	return "The maintenance has been rescheduled.\n\nWas: " + WindowText(was, zone) + "\nIs: " + WindowText(is, zone)
}

// clockText gives a time of day with its zone, and the day too when it is another one than now's.
func clockText(t, now time.Time, zone *time.Location) string {
	if DateOf(t.In(zone)) == DateOf(now.In(zone)) {
		return t.In(zone).Format("15:04 ") + zoneText(t, zone)
	}
	return t.In(zone).Format("Jan 02, 15:04 ") + zoneText(t, zone)
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
