package notify

import (
	"fmt"
	"net/url"
	"strings"

	"example.org/interlude/mail"
	"example.org/interlude/status"
)

// The personal values of a letter, in the order of their slots.
const (
	slotAddress = iota // the bare address
	slotID             // the subscriber's id
	slotAct            // the token with which the recipient does what the notice is for: confirm, else manage
	slotLeave          // the token with which the subscription ends
	slotScope          // what was asked for, such as "everything on the page"
	slotWhere          // the endpoint, such as "Slack (hooks.example.com)"
	slots
)

// personal words what concerns a subscription. What was asked for and where the endpoint is are slots.
func (w *wording) personal(n *Notice) {
	w.Tone = planned
	scope, where := mail.Slot(slotScope), mail.Slot(slotWhere)
	switch n.Kind {
	case Confirm:
		w.Headline = "Please confirm"
		w.Says = []string{
			"Somebody, hopefully you, asked that this address be told of " + scope + " on the status page of " + w.Page + ".",
			"Nothing is sent here unless you confirm. If it was not you, there is nothing to do: ignore this message.",
		}
	case Link:
		w.Headline = "Your subscription"
		w.Says = []string{
			"Somebody, hopefully you, asked for the link to your subscription to the status page of " + w.Page +
				". With it you change what you are told of, or end it.",
			"Whoever has the link can do so: keep it to yourself. If it was not you who asked, nothing has changed.",
		}
	case Stopped:
		w.Headline, w.Tone = "Notices have stopped", late
		w.Says = []string{
			"Your endpoint, " + where + ", is told no more of what happens on the status page of " + w.Page + ", because it did not take what it was sent.",
		}
		if reason := line(n.Reason); reason != "" {
			w.Says = append(w.Says, "The last answer was: "+reason)
		}
		w.Says = append(w.Says, "Once it works again, the subscription can be taken up again.")
	case Test:
		w.Headline = "This is a test"
		w.Says = []string{
			"Nothing has happened. An operator of " + w.Page + " wanted to see whether notices arrive here, and they do.",
		}
	}
}

// scope is what a recipient asked for, in words that follow "told of".
func scope(n *Notice, to Recipient) string {
	subject := n.Subject()
	switch {
	case to.Event == "" && to.Chosen:
		return "the components that were chosen"
	case to.Event == "":
		return "everything"
	case subject.ID == to.Event && subject.Kind == status.KindMaintenance:
		return "this maintenance"
	case subject.ID == to.Event:
		return "this incident"
	}
	return "one event"
}

// channelWords are the channels as people call them.
var channelWords = map[Channel]string{Email: "e-mail", Webhook: "a webhook", Slack: "Slack", Teams: "Microsoft Teams", Discord: "Discord"}

// where names an endpoint without giving away its address, which is a secret for chats.
func where(to Recipient) string {
	name := channelWords[to.Channel]
	u, err := url.Parse(to.Address)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Hostname(), "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		return name
	}
	return fmt.Sprintf("%s (%s)", name, u.Hostname())
}
