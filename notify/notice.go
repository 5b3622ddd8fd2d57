package notify

import (
	"slices"
	"time"

	"example.org/interlude/status"
)

// Kind is a sort of notice. Those of events have the names of their events.
type Kind string

// Kinds that are not those of an event on the page.
const (
	// ComponentChanged tells webhooks that readers see another condition of a component.
	ComponentChanged Kind = "component"
	// Confirm asks somebody to say that the subscription is theirs; an endpoint confirms by answering.
	Confirm Kind = "confirm"
	// Link sends a subscriber the way to change what they hear of, because somebody asked in their name.
	Link Kind = "link"
	// Stopped tells the contact of an endpoint that it was found dead.
	Stopped Kind = "stopped"
	// Test shows an operator what would be received.
	Test Kind = "test"
)

// Personal reports whether the notice is for one subscriber and about the subscription, not about the page.
func (k Kind) Personal() bool { return k == Confirm || k == Link || k == Stopped || k == Test }

// Notice is one thing to tell, as it was when it happened: what is said later does not change it.
type Notice struct {
	// N counts notices from 1. The store gives it.
	N    int64     `json:"-"`
	Kind Kind      `json:"kind"`
	At   time.Time `json:"at"`
	// Event is what happened; zero for personal notices.
	Event status.Event `json:"event,omitzero"`
	// Update is the id of the update that tells of it, empty for what has none, such as a reminder.
	Update string      `json:"update,omitempty"`
	Page   status.Page `json:"page"`
	// Groups and Components are those on the page, with the conditions that readers see. Those that the notice does not
	// concern have no more than their id, their group and their condition.
	Groups      []status.Group      `json:"groups,omitempty"`
	Components  []status.Component  `json:"components,omitempty"`
	Maintenance *status.Maintenance `json:"maintenance,omitempty"`
	Incident    *status.Incident    `json:"incident,omitempty"`
	// Left are the components that a change took out of the maintenance or incident, by id.
	Left []string `json:"left,omitempty"`
	// Component is the one that changed, and Was what readers saw of it before.
	Component string           `json:"component,omitempty"`
	Was       status.Condition `json:"was,omitempty"`
	// Reason says why an endpoint is told no more.
	Reason string `json:"reason,omitempty"`

	Audience Audience `json:"audience"`
}

// Audience is who is told of something.
type Audience struct {
	// Event is the maintenance or incident: those who asked about it alone are told too.
	Event string `json:"event,omitempty"`
	// Components and Groups are told to those who chose any of them, and to those who chose nothing.
	Components []string `json:"components,omitempty"`
	Groups     []string `json:"groups,omitempty"`
	// Everyone is told whatever they chose: what names no component concerns the whole page.
	Everyone bool `json:"everyone,omitempty"`
	// Channel restricts it to one way; empty is all.
	Channel Channel `json:"channel,omitempty"`
	// Only is the id of the one subscriber of a personal notice, who is told by Channel when it is set.
	Only string `json:"only,omitempty"`
}

// Expires is when it is too late to tell, zero when it never is: a reminder of a start is worth nothing after it, nor is one that
// work goes on after its end.
func (n Notice) Expires() time.Time {
	switch {
	case n.Maintenance == nil:
	case n.Kind == Kind(status.Reminded):
		return n.Maintenance.Window.Start
	case n.Kind == Kind(status.Running):
		return n.Maintenance.Window.End
	}
	return time.Time{}
}

// Reaches reports whether somebody in a state is told. A confirmation is for those who have not confirmed, and what
// concerns the subscription itself for everybody who has not left.
func (n Notice) Reaches(s State) bool {
	switch n.Kind {
	case Confirm:
		return s == Unconfirmed
	case Link, Stopped:
		return s != Unsubscribed
	}
	return s == Active
}

// Subject is what the notice is about, zero for personal ones.
func (n Notice) Subject() status.Subject { return n.Event.Subject }

// Said is the update that tells of it, and the state before it; the first is zero where there is none.
func (n Notice) Said() (said status.Update, previous status.State) {
	var updates []status.Update
	switch {
	case n.Maintenance != nil:
		updates = n.Maintenance.Updates
	case n.Incident != nil:
		updates = n.Incident.Updates
	}
	for _, u := range updates {
		if u.ID == n.Update {
			return u, previous
		}
		previous = u.State
	}
	return status.Update{}, ""
}

// passing are notices that say how it stands at the moment, and are worth nothing once it stands otherwise.
var passing = []Kind{Kind(status.Reminded), Kind(status.Running), Kind(status.Delayed), Kind(status.Overran)}

// Overtaken are the kinds of waiting notices of the same subject that an event makes pointless, whether or not it is
// told itself.
func Overtaken(by status.EventKind) []Kind {
	switch by {
	case status.Withdrawn:
		return []Kind{
			Kind(status.Announced), Kind(status.Changed), Kind(status.Begun), Kind(status.Updated), Kind(status.Extended),
			Kind(status.Estimated), Kind(status.Verified), Kind(status.Finished), Kind(status.CalledOff), Kind(status.Reopened),
			Kind(status.Opened), Kind(status.Moved), Kind(status.Ended), Kind(status.PostmortemOut), Kind(status.Reminded),
			Kind(status.Running), Kind(status.Delayed), Kind(status.Overran),
		}
	case status.Changed, status.Begun, status.Extended, status.Verified, status.Finished, status.CalledOff, status.Reopened:
		return passing
	case status.Reminded, status.Running, status.Delayed, status.Overran:
		return []Kind{Kind(by)}
	}
	return nil
}

// Before is what a book held before a change, as far as those who are told need it.
type Before struct {
	affects    map[status.Subject][]string
	conditions map[string]status.Condition
}

// Look remembers how a book is before it is changed.
func Look(b *status.Book) Before {
	was := Before{affects: make(map[status.Subject][]string), conditions: b.Conditions()}
	for _, m := range b.Maintenances {
		was.affects[m.Subject()] = slices.Clone(m.Affects)
	}
	for _, i := range b.Incidents {
		was.affects[i.Subject()] = slices.Clone(i.Affects)
	}
	return was
}

// Notices are what is to be told of what was written into the book since, in the order in which it happened. What a later
// event of the same change overtakes is left out.
func (was Before) Notices(b *status.Book) []Notice {
	var all []Notice
	for i, e := range b.Written.Events {
		if !e.Told || overtaken(e, b.Written.Events[i+1:]) {
			continue
		}
		if n, ok := was.notice(b, e); ok {
			all = append(all, n)
		}
	}
	return append(all, was.conditionNotices(b)...)
}

// overtaken reports whether one of the events after it makes an event pointless to tell.
func overtaken(e status.Event, later []status.Event) bool {
	return slices.ContainsFunc(later, func(by status.Event) bool {
		return by.Subject == e.Subject && slices.Contains(Overtaken(by.Kind), Kind(e.Kind))
	})
}

// notice is what an event gives to tell.
func (was Before) notice(b *status.Book, e status.Event) (Notice, bool) {
	n := Notice{Kind: Kind(e.Kind), At: e.At, Event: e, Page: b.Page}
	var affects []string
	var updates []status.Update
	switch e.Subject.Kind {
	case status.KindMaintenance:
		m, found := b.Maintenance(e.Subject.ID)
		if !found {
			return n, false
		}
		n.Maintenance, affects, updates = &m, m.Affects, m.Updates
	case status.KindIncident:
		i, found := b.Incident(e.Subject.ID)
		if !found {
			return n, false
		}
		n.Incident, affects, updates = &i, i.Affects, i.Updates
	default:
		return n, false
	}
	for _, u := range slices.Backward(updates) {
		if u.At.Equal(e.At) && u.By == e.By && sameEvent(u.Event, e.Kind) {
			n.Update = u.ID
			break
		}
	}
	// Those who were told that it concerns them are told that it does not any more.
	concerned := status.Unique(slices.Concat(affects, was.affects[e.Subject]))
	n.Left = slices.DeleteFunc(slices.Clone(concerned), func(id string) bool { return slices.Contains(affects, id) })
	n.Groups, n.Components = pageParts(b, concerned)
	n.Audience = audience(b, concerned)
	n.Audience.Event = e.Subject.ID
	return n, true
}

// sameEvent reports whether an update tells of an event. An incident's first event is its opening, and its update tells
// of the state that it was opened in.
func sameEvent(update, event status.EventKind) bool {
	return update == event || event == status.Opened
}

// audience is who is told of what concerns components.
func audience(b *status.Book, components []string) Audience {
	a := Audience{Components: components, Everyone: len(components) == 0}
	for _, id := range components {
		if c, there := b.Component(id); there && c.GroupID != "" {
			a.Groups = append(a.Groups, c.GroupID)
		}
	}
	a.Groups = status.Unique(a.Groups)
	return a
}

// conditionNotices tell webhooks what readers see of components since the change.
func (was Before) conditionNotices(b *status.Book) []Notice {
	var all []Notice
	conditions := b.Conditions()
	for _, c := range b.Components {
		before, known := was.conditions[c.ID]
		after, there := conditions[c.ID]
		if !known || !there || before == after || !c.Removed.IsZero() || len(b.Written.Events) == 0 {
			continue
		}
		last := b.Written.Events[len(b.Written.Events)-1]
		n := Notice{
			Kind: ComponentChanged, At: last.At, Page: b.Page, Component: c.ID, Was: before,
			Event: status.Event{Kind: status.ComponentSet, Subject: status.Subject{Kind: status.KindComponent, ID: c.ID}, At: last.At, By: last.By},
		}
		n.Groups, n.Components = pageParts(b, []string{c.ID})
		n.Audience = audience(b, []string{c.ID})
		n.Audience.Channel = Webhook
		all = append(all, n)
	}
	return all
}

// pageParts are the groups and components on the page, as readers see them. A notice is kept for months, so that those
// which it does not concern are kept as small as what the overall status needs.
func pageParts(b *status.Book, affects []string) ([]status.Group, []status.Component) {
	conditions := b.Conditions()
	var groups []status.Group
	var components []status.Component
	for _, c := range b.Components {
		if !c.Removed.IsZero() {
			continue
		}
		if !slices.Contains(affects, c.ID) {
			c = status.Component{ID: c.ID, GroupID: c.GroupID}
		}
		c.Condition = conditions[c.ID]
		components = append(components, c)
	}
	for _, g := range b.Groups {
		if slices.ContainsFunc(components, func(c status.Component) bool { return c.GroupID == g.ID && c.Name != "" }) {
			groups = append(groups, g)
		}
	}
	return groups, components
}
