package page

import (
	"net/url"
	"slices"
	"strings"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// subscribeView is the form, and heldView what the holder of a link may change.
type subscribeView struct {
	frame  frame
	Lead   string
	Faults []faulty
	Ways   []way
	filled
	fieldFaults
	// Title is that of the event that is on offer, if one is.
	Title  string
	Blocks []choosable
}

type heldView struct {
	frame  frame
	Lead   string
	Note   string
	Saved  bool
	Faults []faulty
	filled
	fieldFaults
	Blocks []choosable
	Secret string
	// Resume is the address that takes it back from quarantine, empty when it is not there, and Leave the one that ends it.
	Resume, Leave string
}

// faulty is one thing that is wrong, with the field that it is about; empty for the whole form.
type faulty struct{ Field, Text string }

// fieldFaults says for each field what is wrong with it.
type fieldFaults map[string]string

// way is a channel to choose.
type way struct {
	Channel    notify.Channel
	Name, Hint string
}

// choosable is a group of components, or those that stand by themselves.
type choosable struct {
	ID, Name   string
	Components []status.Component
}

// answerView is a page that says one thing, and may have a button.
type answerView struct {
	frame        frame
	Tone, Icon   string
	Title        string
	Lead         []string
	Action       string // of the button; empty for none
	Button       string
	Manage       string // the address at which to change the subscription; empty for none
	Feeds, Again bool   // ways on: feeds and calendar, subscribing anew
}

var ways = []way{
	{notify.Email, "E-mail", "With a calendar entry for each maintenance"},
	{notify.Webhook, "Webhook", "Signed JSON to a service of your own; also when the status of a component changes"},
	{notify.Slack, "Slack", "Messages into a channel, by the URL of an incoming webhook"},
	{notify.Teams, "Microsoft Teams", "Messages into a channel, by the URL of a workflow that takes webhook requests"},
	{notify.Discord, "Discord", "Messages into a channel, by the URL of one of its webhooks"},
}

// labels are the fields by the names that readers see.
var labels = map[string]string{
	"email": "E-mail address", "endpoint": "URL", "contact": "E-mail address for trouble", "channel": "The way",
	"event": "The event", "components": "Components", "zone": "Time zone",
}

// sentence is a refusal as it is read.
func (r refusal) sentence() string {
	if label, known := labels[r.Field]; known {
		return label + " " + r.Rule + "."
	}
	return r.Rule
}

// faults are a refusal as a form shows it: at the top, and beside its field.
func (r refusal) faults() ([]faulty, fieldFaults) {
	field := r.Field
	if _, known := labels[field]; !known {
		field = ""
	}
	return []faulty{{field, r.sentence()}}, fieldFaults{field: r.sentence()}
}

func (v *subscribeView) refuse(r refusal) { v.Faults, v.fieldFaults = r.faults() }
func (v *heldView) refuse(r refusal)      { v.Faults, v.fieldFaults = r.faults() }

func (c *counter) formView(v view, f filled) subscribeView {
	shown := subscribeView{filled: f, Blocks: v.choosable()}
	for _, w := range ways {
		if slices.Contains(c.desk.Open(), w.Channel) {
			shown.Ways = append(shown.Ways, w)
		}
	}
	if e, ok := v.p.Event(f.Event); ok {
		shown.Title = title(e.Maintenance, e.Incident)
	}
	shown.frame = v.frame("Subscribe", toneNone)
	shown.frame.Place, shown.frame.Canonical = "subscribe", v.permalink(subscribePath)
	shown.Lead = "Hear of planned maintenance and incidents when they are announced, change, begin and end."
	if v.p.Page.Name != "" {
		shown.Lead = "Hear of planned maintenance and incidents of " + v.p.Page.Name + " when they are announced, change, begin and end."
	}
	return shown
}

func title(m *status.Maintenance, i *status.Incident) string {
	if m != nil {
		return m.Title
	}
	return i.Title
}

// choosable are the groups and components of the page, in its order; what has no group stands together.
func (v view) choosable() []choosable {
	var blocks []choosable
	at := make(map[string]int)
	for _, c := range v.p.Components {
		g, grouped := v.p.Group(c.GroupID)
		if !grouped || !g.Removed.IsZero() {
			g = status.Group{}
		}
		i, begun := at[g.ID]
		if !begun {
			i = len(blocks)
			at[g.ID] = i
			blocks = append(blocks, choosable{ID: g.ID, Name: g.Name})
		}
		blocks[i].Components = append(blocks[i].Components, c)
	}
	return blocks
}

// held is what a subscriber may change, with the form as it was filled in.
func (v view) held(s notify.Subscription, f filled) heldView {
	shown := heldView{
		filled: f, Lead: "Notices about " + v.wanted(s.Subscriber) + " go to " + reached(s.Subscriber) + ".",
		Secret: s.Secret, Leave: heldAddress(s.Manage, "/unsubscribe"),
	}
	shown.Event, shown.Channel = s.Event, s.Channel
	if s.Event == "" {
		shown.Blocks = v.choosable()
	}
	switch s.State {
	case notify.Unconfirmed:
		shown.Note = "It is not confirmed yet. Until it is, nothing is sent."
	case notify.Quarantined:
		shown.Resume = heldAddress(s.Manage, "/return")
		shown.Note = "Nothing is sent at the moment, because what was sent there did not arrive."
	}
	shown.frame = v.frame("Your subscription", toneNone)
	return shown
}

// wanted is what a subscriber hears of, in words.
func (v view) wanted(s notify.Subscriber) string {
	if s.Event != "" {
		if e, ok := v.p.Event(s.Event); ok {
			return "“" + title(e.Maintenance, e.Incident) + "”"
		}
		return "an event that is over"
	}
	var names []string
	for _, id := range s.Groups {
		if g, ok := v.p.Group(id); ok {
			names = append(names, g.Name)
		}
	}
	for _, id := range s.Components {
		if name := v.p.FullName(id); name != "" {
			names = append(names, name)
		}
	}
	const most = 4
	switch n := len(names); {
	case n == 0 && v.p.Page.Name != "":
		return "everything of " + v.p.Page.Name
	case n == 0:
		return "the whole page"
	case n == 1:
		return names[0]
	case n > most:
		return strings.Join(names[:most-1], ", ") + " and " + plural(n-most+1, "more component")
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

// reached is where notices go. Of an endpoint it is no more than the host: its links stand in a chat, and whoever knows the rest
// of its URL may post there.
func reached(s notify.Subscriber) string {
	if s.Channel == notify.Email {
		return s.Address
	}
	i := slices.IndexFunc(ways, func(w way) bool { return w.Channel == s.Channel })
	u, err := url.Parse(s.Address)
	switch {
	case i < 0 || err != nil:
		return "an endpoint"
	case s.Channel == notify.Webhook:
		return "your webhook at " + u.Host
	}
	return "your channel in " + ways[i].Name
}

// heldAddress is that of a page about a subscription.
func heldAddress(token, of string) string { return heldPath + url.PathEscape(token) + of }

func (v view) answering(heading, tone, icon string, lead ...string) answerView {
	f := v.frame(heading, toneNone)
	f.Live = false
	return answerView{frame: f, Title: heading, Tone: tone, Icon: icon, Lead: lead}
}

// asked is what everybody reads who subscribed, whether or not the address was known.
func (v view) asked(by notify.Channel) answerView {
	shown := v.answering("Your endpoint is greeted", toneMaintenance, "queue",
		"A short message is on its way to the URL that you gave. When it is taken there, the subscription is confirmed, and you hear of everything from then on.",
		"Nothing arrives? Then the URL may be mistyped, or its service refused the message. You can subscribe again with the right one.",
		"If it is subscribed already, it gets the link to change what it hears of instead.")
	if by == notify.Email {
		shown = v.answering("Look into your mailbox", toneMaintenance, "queue",
			"A mail is on its way to the address that you gave. Follow the link in it to confirm; until then, nothing else is sent.",
			"Nothing arrives? Look among the mail that was taken for spam, and whether the address was mistyped. You can subscribe again with the right one.",
			"If it is subscribed already, the mail has the link to change what you hear of instead. One address gets three such mails a day at most.")
	}
	shown.Feeds = true
	return shown
}

func (v view) subscribed(s notify.Subscription) answerView {
	shown := v.answering("You are subscribed", toneOK, toneOK, "Notices about "+v.wanted(s.Subscriber)+" go to "+reached(s.Subscriber)+".",
		"Every notice has a link with which you can unsubscribe.")
	shown.Manage = manageAddress(s)
	return shown
}

func (v view) confirming(s notify.Subscription, token string) answerView {
	switch s.State {
	case notify.Active:
		return v.subscribed(s)
	case notify.Unsubscribed:
		return v.lost()
	}
	shown := v.answering("Confirm your subscription", toneNone, "no",
		"Notices about "+v.wanted(s.Subscriber)+" are to go to "+reached(s.Subscriber)+". Nothing is sent until you confirm.",
		"If you did not ask for this, close this page: nothing will happen.")
	shown.Action, shown.Button = heldAddress(token, "/confirm"), "Confirm"
	return shown
}

func (v view) leaving(s notify.Subscription, token string) answerView {
	if s.State != notify.Unsubscribed {
		shown := v.answering("Unsubscribe?", toneNone, "not",
			"Notices about "+v.wanted(s.Subscriber)+" go to "+reached(s.Subscriber)+". Once you unsubscribe, nothing is sent there any more.")
		shown.Action, shown.Button, shown.Manage = heldAddress(token, "/unsubscribe"), "Unsubscribe", manageAddress(s)
		return shown
	}
	shown := v.answering("You are unsubscribed", toneNone, "not", "Notices about "+v.wanted(s.Subscriber)+" no longer go to "+reached(s.Subscriber)+".")
	shown.Feeds, shown.Again = true, true
	if s.Returnable() {
		shown.Lead = append(shown.Lead, "Was that a mistake? Then you can take it back.")
		shown.Action, shown.Button, shown.Again = heldAddress(token, "/return"), "Subscribe again", false
	}
	return shown
}

// manageAddress is where to change a subscription, for whoever may.
func manageAddress(s notify.Subscription) string {
	if s.Manage == "" || s.State == notify.Unsubscribed {
		return ""
	}
	return heldAddress(s.Manage, "")
}

func (v view) lost() answerView {
	shown := v.answering("This link does not work", toneNone, "no",
		"It may have been cut in two by a mail program, or the subscription that it was for is over.")
	shown.Feeds, shown.Again = true, true
	return shown
}

func (v view) failed(r refusal) answerView {
	shown := v.answering("That did not work", toneDegraded, toneDegraded, r.sentence())
	shown.Feeds = true
	return shown
}

// zones are proposed to who has no script that knows their own: one for each offset that many live in.
var zones = []string{
	"UTC", "Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York",
	"America/Halifax", "America/Sao_Paulo", "Europe/London", "Europe/Berlin", "Europe/Athens", "Europe/Istanbul", "Africa/Lagos",
	"Africa/Johannesburg", "Africa/Nairobi", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Dhaka", "Asia/Bangkok", "Asia/Shanghai",
	"Asia/Singapore", "Asia/Tokyo", "Australia/Brisbane", "Australia/Sydney", "Pacific/Auckland",
}
