package notify

import (
	"strings"
	"time"

	"example.org/interlude/status"
)

// headlines are those that always read the same.
var headlines = map[Kind]string{
	Kind(status.Announced): "Maintenance announced",
	Kind(status.Delayed):   "Has not begun yet",
	Kind(status.Begun):     "Maintenance has begun",
	Kind(status.Running):   "Still in progress",
	Kind(status.Updated):   "Update",
	Kind(status.Overran):   "Taking longer than planned",
	Kind(status.Verified):  "Being verified",
	Kind(status.Finished):  "Completed",
	Kind(status.Reopened):  "In progress again",
}

// maintenanceHeadline says what happened to a maintenance.
func maintenanceHeadline(n *Notice, said status.Update, previous status.State, in places) string {
	m := n.Maintenance
	switch status.EventKind(n.Kind) {
	case status.Changed:
		switch {
		case n.Event.Was == status.Window{}:
			return "The plan has changed"
		case m.Underway():
			return "Will end earlier: by " + in.near(m.Window.End, n.At)
		}
		return "The window has changed"
	case status.Reminded:
		// The clock speaks a moment late, and a machine that slept later than that.
		return "Reminder: begins in " + status.Span(status.Duration(m.Window.Start.Sub(n.At).Round(time.Minute)))
	case status.Extended:
		return "Extended until " + in.near(m.Window.End, n.At)
	case status.Estimated:
		return "Now expected to end by " + in.near(m.ExpectedEnd(), n.At)
	case status.CalledOff:
		if !m.Began.IsZero() {
			return "Broken off"
		}
		return "Canceled"
	}
	if known, ok := headlines[n.Kind]; ok {
		return known
	}
	return said.Heading(previous)
}

// incidentHeadline says what is known of an incident now.
func incidentHeadline(n *Notice, said status.Update, previous status.State) string {
	switch {
	case n.Kind == Kind(status.Opened):
		return "Incident: " + strings.ToLower(n.Incident.State.Label())
	case n.Kind == Kind(status.PostmortemOut):
		return "Postmortem published"
	case said.ID == "":
		return n.Incident.State.Label()
	case previous.Ended() && !said.State.Ended():
		return "Open again: " + strings.ToLower(said.State.Label())
	}
	return said.Heading(previous)
}

func maintenanceTone(n *Notice) tone {
	m := n.Maintenance
	switch {
	case m.State == status.Canceled:
		return quiet
	case m.State == status.Completed:
		return good
	case n.Kind == Kind(status.Extended), n.Kind == Kind(status.Delayed), n.Kind == Kind(status.Overran),
		m.Overrun(n.At) > 0, m.Underway() && m.Estimate.After(m.Window.End):
		return late
	}
	return planned
}

func incidentTone(i *status.Incident) tone {
	if !i.Open() {
		return good
	}
	if c := conditionTone(i.Impact); c == fault {
		return fault
	}
	return late
}

func conditionTone(c status.Condition) tone {
	switch c {
	case status.Operational:
		return good
	case status.UnderMaintenance:
		return planned
	case status.DegradedPerformance:
		return late
	}
	return fault
}
