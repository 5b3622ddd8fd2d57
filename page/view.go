package page

import (
	"net/url"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

// view is a picture seen at a moment. Its methods say what a reader is shown, in words and in order, so that the
// templates only lay it out; they read nothing but the view, and the same view says the same.
type view struct {
	p    *board.Picture
	now  time.Time
	zone *time.Location
	asOf time.Time // zero while the store answers
	kept *renderings
	// subscribes says that readers can subscribe.
	subscribes bool
}

func (e *edition) view(kept *renderings) view {
	return view{p: e.picture, now: e.now, zone: e.picture.Page.Zone(), asOf: e.asOf, kept: kept, subscribes: e.subscribes}
}

// standing is a state in a word and a sign, never in a colour alone.
type standing struct{ Tone, Icon, Word string }

// The tones of the style sheet.
const (
	toneOK          = "ok"
	toneDegraded    = "dg"
	tonePartial     = "pa"
	toneMajor       = "mj"
	toneMaintenance = "mt"
	toneNone        = "no"
)

func toneOf(c status.Condition) string {
	switch c {
	case status.Operational:
		return toneOK
	case status.UnderMaintenance:
		return toneMaintenance
	case status.DegradedPerformance:
		return toneDegraded
	case status.PartialOutage:
		return tonePartial
	case status.MajorOutage:
		return toneMajor
	}
	return toneNone
}

func standingOf(c status.Condition) standing {
	tone := toneOf(c)
	return standing{tone, tone, c.Label()}
}

// safe is HTML to be written as it is: only package markup makes it.
type safe string

// said is an update as it stands in a card or a report.
type said struct {
	Heading string
	Text    safe
	Posted  moment
	// Due is when the announcement had it, for what the clock did late; empty otherwise.
	Due moment
}

// promised is what one audience will experience.
type promised struct{ Audience, Tone, Icon, Words string }

// card is an event as the front page shows it: what is happening, and what is planned.
type card struct {
	Href, Title string
	Standing    standing
	On          bool // it is happening
	Count       count
	Window      window
	Track       *track
	Note        []piece // what a reader should know before the rest
	Text        safe
	Caption     string
	Promises    []promised
	Said        *said
	More        []string
	Link        string
	// Calendar is the address of the calendar entry of what is planned, empty for everything else.
	Calendar string
}

// section is a part of the page that the script may replace by itself.
type section struct{ ID, Name, Label, Note, Today string }

func (s section) label() string {
	if s.Label != "" {
		return s.Label
	}
	return s.Name
}

// address is the path of an event's report.
func address(id string) string { return "/incidents/" + url.PathEscape(id) }

// current is what an incident now says of the components: its last claims or, while it has claimed nothing, its impact.
func current(i *status.Incident) status.Condition {
	claims := i.Claims()
	if len(claims) == 0 {
		return status.Worst(i.Impact)
	}
	worst := status.Operational
	for _, c := range claims {
		worst = status.Worst(worst, c)
	}
	return worst
}

// standingOfIncident is what it does to readers while it is open, else its state.
func standingOfIncident(i *status.Incident) standing {
	worst := current(i)
	switch {
	case !i.Open():
		return standing{toneOK, toneOK, status.Resolved.Label()}
	case worst != status.Operational:
		return standingOf(worst)
	case i.State == status.Monitoring:
		return standing{toneOK, toneOK, i.State.Label()}
	}
	return standing{toneNone, toneNone, i.State.Label()}
}

func standingOfMaintenance(m *status.Maintenance, now time.Time) standing {
	switch {
	case m.State == status.Completed:
		return standing{toneOK, toneOK, m.State.Label()}
	case m.State == status.Canceled:
		return standing{toneNone, "not", m.State.Label()}
	case m.Overrun(now) > 0:
		return standing{toneMaintenance, toneMaintenance, "Overrun"}
	case m.State == status.Verifying:
		return standing{toneMaintenance, toneMaintenance, m.State.Label()}
	case m.Underway():
		return standing{toneMaintenance, toneMaintenance, "Maintenance in progress"}
	case m.Late(now):
		return standing{toneMaintenance, "clock", "Not begun yet"}
	}
	return standing{toneMaintenance, toneMaintenance, "Scheduled maintenance"}
}
