package page

import (
	"fmt"
	"slices"
	"time"

	"example.org/interlude/status"
)

// headline is the answer to the reader's question, in a few words, and one sentence about it.
type headline struct {
	Tone, Text string
	Lead       []piece
}

// piece is a part of a sentence: words, or a time.
type piece struct {
	Text   string
	Strong bool
	// Time is set instead of Text where a machine should read it too.
	Time count
}

func words(text string) piece  { return piece{Text: text} }
func strong(text string) piece { return piece{Text: text, Strong: true} }

// recently is how long the headline speaks of a maintenance that was completed.
const recently = 6 * time.Hour

// headline says the worst there is: a fault before planned work, planned work before nothing.
func (v view) headline() headline {
	underway := v.underway()
	worst, affected := v.worst()
	switch {
	case !v.p.Loaded:
		return headline{toneNone, "The status page is starting", []piece{words("It is shown as soon as it has been read. This takes seconds.")}}
	case worst.Rank() > status.UnderMaintenance.Rank():
		return headline{toneOf(worst), worst.Label(), v.faultLead(worst, affected, underway)}
	case len(underway) > 0:
		return v.maintenanceHeadline(underway)
	case worst == status.UnderMaintenance:
		return headline{toneMaintenance, "Maintenance in progress", append(v.names(affected), words(verb(affected)+" under maintenance."))}
	case v.empty():
		return headline{toneNone, "Nothing to report yet", []piece{
			words("This page is new. Components, planned maintenance and incidents appear here as soon as there are any."),
		}}
	}
	return headline{toneOK, "All systems operational", v.calmLead()}
}

// empty reports whether nobody has entered anything yet.
func (v view) empty() bool {
	return len(v.p.Components)+len(v.p.Maintenances)+len(v.p.Incidents)+len(v.p.Past) == 0
}

// underway are the maintenances under way, those that run over first, those being verified last.
func (v view) underway() []*status.Maintenance {
	var under []*status.Maintenance
	for _, m := range v.p.Maintenances {
		if m.Underway() {
			under = append(under, m)
		}
	}
	slices.SortStableFunc(under, func(a, b *status.Maintenance) int { return v.urgency(b) - v.urgency(a) })
	return under
}

func (v view) urgency(m *status.Maintenance) int {
	switch {
	case m.Overrun(v.now) > 0:
		return 3
	case m.State == status.InProgress:
		return 2
	case m.State == status.Verifying:
		return 1
	}
	return 0
}

// worst is the worst condition of any component, or of an open incident that names none, and the components in it.
func (v view) worst() (status.Condition, []status.Component) {
	worst := status.Operational
	for _, c := range v.p.Components {
		worst = status.Worst(worst, v.p.Conditions[c.ID])
	}
	for _, i := range v.p.Incidents {
		if len(i.Claims()) == 0 {
			worst = status.Worst(worst, current(i))
		}
	}
	var affected []status.Component
	for _, c := range v.p.Components {
		if worst != status.Operational && v.p.Conditions[c.ID] == worst {
			affected = append(affected, c)
		}
	}
	return worst, affected
}

// names are the components in strong words; many are counted.
func (v view) names(of []status.Component) []piece {
	if len(of) > 3 {
		return []piece{strong(plural(len(of), "component"))}
	}
	var pieces []piece
	for i, c := range of {
		switch {
		case i > 0 && i == len(of)-1 && len(of) == 2:
			pieces = append(pieces, words(" and "))
		case i > 0 && i == len(of)-1:
			pieces = append(pieces, words(", and "))
		case i > 0:
			pieces = append(pieces, words(", "))
		}
		pieces = append(pieces, strong(v.nameOf(c)))
	}
	return pieces
}

// nameOf is the component's name, with its group where another component has the same one.
func (v view) nameOf(c status.Component) string {
	same := func(o status.Component) bool { return o.Name == c.Name && o.ID != c.ID }
	if g, ok := v.p.Group(c.GroupID); ok && slices.ContainsFunc(v.p.Components, same) {
		return c.Name + " (" + g.Name + ")"
	}
	return c.Name
}

func verb(of []status.Component) string {
	if len(of) == 1 {
		return " is"
	}
	return " are"
}

func (v view) faultLead(worst status.Condition, affected []status.Component, underway []*status.Maintenance) []piece {
	lead := v.names(affected)
	if len(affected) > 0 {
		lead = append(lead, words(verb(affected)+" affected."))
	} else {
		for _, i := range v.p.Incidents {
			if current(i) == worst {
				lead = []piece{strong(i.Title), words(".")}
			}
		}
	}
	others := -len(affected)
	for _, c := range v.p.Components {
		if v.listed(c) {
			others++
		}
	}
	if others == v.operational() && len(affected) > 0 {
		switch {
		case others == 1:
			lead = append(lead, words(" The other component is operational."))
		case others > 1:
			lead = append(lead, words(fmt.Sprintf(" The other %d components are operational.", others)))
		}
	}
	if len(underway) == 0 {
		return lead
	}
	doing, late := " A planned maintenance is also in progress", "."
	if underway[0].State == status.Verifying {
		doing = " A planned maintenance is also being verified"
	}
	if underway[0].Overrun(v.now) > 0 {
		late = ", and takes longer than planned."
	}
	return append(lead, words(doing+late))
}

// operational counts the components that are.
func (v view) operational() int {
	n := 0
	for _, c := range v.p.Components {
		if v.listed(c) && v.p.Conditions[c.ID] == status.Operational {
			n++
		}
	}
	return n
}

func (v view) maintenanceHeadline(underway []*status.Maintenance) headline {
	m := underway[0]
	var text string
	var lead []piece
	switch v.urgency(m) {
	case 3:
		text, lead = "Maintenance is taking longer than planned", v.overrunLead(m)
	case 1:
		text, lead = "Maintenance done, being verified", []piece{words("We call it complete when everything has been checked.")}
	default:
		text, lead = "Maintenance in progress", v.progressLead(underway)
	}
	up := v.operational()
	if v.urgency(m) == 2 && up > 0 {
		worst, affected := v.worst()
		if worst == status.UnderMaintenance && up == len(v.p.Components)-len(affected) {
			lead = append(lead, words(" Everything else is operational."))
		}
	}
	return headline{toneMaintenance, text, lead}
}

func (v view) overrunLead(m *status.Maintenance) []piece {
	var lead []piece
	if m.State == status.Verifying {
		lead = append(lead, words("The work is done and is being checked. "))
	}
	lead = append(lead, words("It was to end at "), v.near(m.Window.End), words(". "))
	switch {
	case m.Estimate.After(v.now):
		return append(lead, words("The new estimate is "), v.nearStrong(m.Estimate), words("."))
	case m.Estimate.After(m.Window.End):
		return append(lead, words("The estimate of "), v.near(m.Estimate), words(" has passed too; there is no newer one yet."))
	}
	return append(lead, words("There is no new estimate yet."))
}

// nearStrong is the moment that a sentence is about.
func (v view) nearStrong(t time.Time) piece {
	p := v.near(t)
	p.Strong = true
	return p
}

func (v view) progressLead(underway []*status.Maintenance) []piece {
	m := underway[0]
	end := v.near(m.ExpectedEnd())
	switch {
	case len(underway) > 1:
		for _, o := range underway {
			if o.ExpectedEnd().After(m.ExpectedEnd()) {
				m = o
			}
		}
		return []piece{words(fmt.Sprintf("%d maintenances are under way, the last one until ", len(underway))), v.near(m.ExpectedEnd()), words(".")}
	case m.Estimate.After(m.Window.End):
		return []piece{words("It is now expected to end at "), v.nearStrong(m.Estimate), words(", " +
			brief(m.Estimate.Sub(m.Window.End)) + " later than announced.")}
	case !m.Estimate.IsZero() && m.Estimate.Before(m.Window.End):
		return []piece{words("It is expected to end at "), end, words(", earlier than announced.")}
	case m.Punctuality(v.now).Extended:
		return []piece{words("It was extended from "), v.near(m.Announced.End), words(" to "), end, words(".")}
	}
	return []piece{words("As planned, until "), end, words(".")}
}

// calmLead says what comes next, and what has just ended.
func (v view) calmLead() []piece {
	var lead []piece
	if !v.asOf.IsZero() {
		lead = append(lead, words("As far as this page knows. "))
	}
	for _, i := range v.p.Incidents {
		doing := " is being looked into. "
		if i.State == status.Monitoring {
			doing = " is being monitored. "
		}
		lead = append(lead, strong(i.Title), words(doing))
	}
	planned, late := v.scheduled()
	for _, m := range late {
		lead = append(lead, strong(m.Title), words(" was to begin at "), v.near(m.Window.Start), words(" and has not begun yet. "))
	}
	if len(lead) == 0 && len(v.p.Past) > 0 {
		if m := v.p.Past[0].Maintenance; m != nil && m.State == status.Completed && v.now.Sub(m.Ended) < recently {
			lead = append(lead, strong(m.Title), words(" was completed "), piece{Time: v.running(ago, m.Ended)}, words(". "))
		}
	}
	if len(planned) == 0 {
		if len(lead) > 0 {
			return lead
		}
		return []piece{words("No maintenance is planned.")}
	}
	next := planned[0].Window.Start
	return append(lead, words("Next maintenance "), piece{Time: v.running(begins, next)}, words(", "+v.dayWords(next)+" at "+v.clockZone(next)+"."))
}

// dayWords names a day to come as people do.
func (v view) dayWords(t time.Time) string {
	switch local := t.In(v.zone); {
	case v.sameDay(t, v.now):
		return "today"
	case t.Sub(v.now) < 6*24*time.Hour:
		return "on " + local.Format("Monday")
	case local.Year() != v.now.In(v.zone).Year():
		return "on " + local.Format("January 2, 2006,")
	default:
		return "on " + local.Format("January 2")
	}
}
