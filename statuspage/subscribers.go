package statuspage

import (
	"net/http"
	"slices"

	"example.org/interlude/access"
	"example.org/interlude/notify"
)

const (
	subscribersPath      = "/pages/{page_id}/subscribers"
	subscriberPath       = subscribersPath + "/{subscriber_id}"
	eventSubscribersPath = incidentPath + "/subscribers"
	eventSubscriberPath  = eventSubscribersPath + "/{subscriber_id}"

	subscribersTag = "subscribers"
)

// The parameters of lists of subscribers.
var (
	typeParameter  = parameter{"type", "string", "Only those of a type: email, webhook, slack, teams or integration_partner, which is Discord; sms has none"}
	stateParameter = parameter{"state", "string", "active, unless it says unconfirmed, quarantined or all"}
)

func subscriberRoutes() []route {
	return slices.Concat(subscriberListRoutes(), subscriberOneRoutes(), subscriberBulkRoutes(), eventSubscriberRoutes())
}

func subscriberListRoutes() []route {
	return []route{
		{
			id: "list-subscribers", tag: subscribersTag, summary: "Who is told of the page", method: http.MethodGet, path: subscribersPath,
			scope: access.Operate, answer: []Subscriber{}, do: (*call).listSubscribers,
			query: []parameter{
				{"q", "string", "Only those with this text in their address"},
				typeParameter, stateParameter, limitParameter,
				{"page", "integer", "Which page of the list, from 0"},
				{"sort_field", "string", "primary (the address), unless it says created_at, quarantined_at or relevance, which is the address too and needs q"},
				{"sort_direction", "string", "asc, unless it says desc"},
			},
		},
		{
			id: "list-unsubscribed", tag: subscribersTag, summary: "Who is no longer told", method: http.MethodGet,
			path: subscribersPath + "/unsubscribed", scope: access.Operate, query: []parameter{pageParameter, perPageParameter},
			answer: []Subscriber{}, do: (*call).listUnsubscribed,
		},
		{
			id: "count-subscribers", tag: subscribersTag, summary: "How many are told, by type", method: http.MethodGet,
			path: subscribersPath + "/count", scope: access.Read, query: []parameter{typeParameter, stateParameter},
			answer: SubscriberCount{}, do: (*call).countSubscribers,
		},
		{
			id: "count-subscribers-by-state", tag: subscribersTag, summary: "How many are told, by type and state", method: http.MethodGet,
			path: subscribersPath + "/histogram_by_state", scope: access.Read, answer: SubscriberHistogram{}, do: (*call).histogram,
		},
	}
}

// resendAbout is what there is to know of asking one address again.
const resendAbout = "Only an unconfirmed e-mail address can be asked, at most three times within a day."

func subscriberOneRoutes() []route {
	return []route{
		{
			id: "create-subscriber", tag: subscribersTag, summary: "Subscribe an address to the page", method: http.MethodPost,
			about: "An e-mail address is asked to confirm, and told of nothing until it does, unless skip_confirmation_notification vouches for it. " +
				"A server that sends no mail refuses one that nobody vouches for. A webhook is active at once.",
			path: subscribersPath, scope: access.Operate, body: subscriberBody{}, wrapped: "subscriber", answer: Subscriber{},
			code: http.StatusCreated, do: (*call).createSubscriber,
		},
		{
			id: "get-subscriber", tag: subscribersTag, summary: "One subscriber", method: http.MethodGet, path: subscriberPath,
			scope: access.Operate, answer: Subscriber{}, do: (*call).getSubscriber,
		},
		{
			id: "update-subscriber", tag: subscribersTag, summary: "Choose of which components a subscriber is told", method: http.MethodPatch,
			about: "Without component_ids it is told of all.", path: subscriberPath, scope: access.Operate, body: choiceBody{},
			answer: Subscriber{}, do: (*call).updateSubscriber,
		},
		{
			id: "delete-subscriber", tag: subscribersTag, summary: "Unsubscribe", method: http.MethodDelete, path: subscriberPath,
			about: "The subscriber is listed among the unsubscribed from then on. Nobody is written to about it.",
			query: []parameter{{"skip_unsubscription_notification", "boolean", "Nothing is sent in either case"}},
			scope: access.Operate, answer: Subscriber{}, do: (*call).deleteSubscriber,
		},
		{
			id: "resend-confirmation", tag: subscribersTag, summary: "Ask an address again to confirm", method: http.MethodPost,
			about: resendAbout, path: subscriberPath + "/resend_confirmation",
			scope: access.Operate, code: http.StatusCreated, do: (*call).resendConfirmation,
		},
	}
}

func subscriberBulkRoutes() []route {
	const about = "At most 100 by their ids, or all of them when there are fewer than 100."
	return []route{
		{
			id: "resend-confirmations", tag: subscribersTag, summary: "Ask several addresses again to confirm", method: http.MethodPost,
			about: about + " Those who are not unconfirmed, who are not told by e-mail, or who were asked three times within a day, are passed over.",
			path:  subscribersPath + "/resend_confirmation",
			scope: access.Operate, body: crowdBody{}, code: http.StatusCreated, do: (*call).resendConfirmations,
		},
		{
			id: "unsubscribe-several", tag: subscribersTag, summary: "Unsubscribe several", about: about, method: http.MethodPost,
			path: subscribersPath + "/unsubscribe", scope: access.Operate, body: crowdBody{}, code: http.StatusCreated,
			do: (*call).unsubscribeSeveral,
		},
		{
			id: "reactivate-several", tag: subscribersTag, summary: "Take several back from quarantine", method: http.MethodPost,
			about: about + " Those who are not quarantined stay as they are.", path: subscribersPath + "/reactivate",
			scope: access.Operate, body: crowdBody{}, code: http.StatusCreated, do: (*call).reactivateSeveral,
		},
	}
}

func eventSubscriberRoutes() []route {
	const tag, about = "incident subscribers", "Who is told of one incident or maintenance alone."
	return []route{
		{
			id: "list-incident-subscribers", tag: tag, summary: "Who is told of an event", about: about, method: http.MethodGet,
			path: eventSubscribersPath, scope: access.Operate, query: []parameter{pageParameter, perPageParameter},
			answer: []Subscriber{}, do: (*call).listEventSubscribers,
		},
		{
			id: "create-incident-subscriber", tag: tag, summary: "Subscribe an address to an event", about: about, method: http.MethodPost,
			path: eventSubscribersPath, scope: access.Operate, body: subscriberBody{}, wrapped: "subscriber", answer: Subscriber{},
			code: http.StatusCreated, do: (*call).createEventSubscriber,
		},
		{
			id: "get-incident-subscriber", tag: tag, summary: "One subscriber of an event", method: http.MethodGet,
			path: eventSubscriberPath, scope: access.Operate, answer: Subscriber{}, do: (*call).getSubscriber,
		},
		{
			id: "delete-incident-subscriber", tag: tag, summary: "Unsubscribe from an event", method: http.MethodDelete,
			path: eventSubscriberPath, scope: access.Operate, answer: Subscriber{}, do: (*call).deleteSubscriber,
		},
		{
			id: "resend-incident-confirmation", tag: tag, summary: "Ask an address again to confirm", method: http.MethodPost,
			about: resendAbout, path: eventSubscriberPath + "/resend_confirmation",
			scope: access.Operate, code: http.StatusCreated, do: (*call).resendConfirmation,
		},
	}
}

// Subscriber is a subscriber as version 1 shows it. Discord, for which Statuspage has no mode, is an integration_partner.
type Subscriber struct {
	ID                    string  `json:"id"`
	SkipConfirmation      bool    `json:"skip_confirmation_notification"`
	Mode                  string  `json:"mode" enum:"email,webhook,slack,teams,integration_partner"`
	Email                 *string `json:"email"`
	Endpoint              *string `json:"endpoint"`
	PhoneNumber           *string `json:"phone_number"`
	PhoneCountry          *string `json:"phone_country"`
	DisplayPhoneNumber    *string `json:"display_phone_number"`
	ObfuscatedChannelName *string `json:"obfuscated_channel_name"`
	WorkspaceName         *string `json:"workspace_name"`
	QuarantinedAt         *string `json:"quarantined_at"`
	PurgeAt               *string `json:"purge_at"`
	// Components are the ids of those that were chosen, null for all.
	Components       []string            `json:"components"`
	PageAccessUserID *string             `json:"page_access_user_id"`
	CreatedAt        string              `json:"created_at"`
	Interlude        SubscriberExtension `json:"interlude"`
}

// SubscriberExtension is what Statuspage tells by lists only.
type SubscriberExtension struct {
	State string `json:"state" enum:"active,unconfirmed,quarantined,unsubscribed"`
}

func (v view) subscriber(n notify.Subscriber) Subscriber {
	shown := Subscriber{
		ID: n.ID, SkipConfirmation: n.SkipConfirmation, Mode: wireMode(n.Channel), QuarantinedAt: v.atOrNull(n.Quarantined),
		PurgeAt: v.atOrNull(n.Purge), Components: n.Components, PageAccessUserID: orNull(n.AccessUser), CreatedAt: v.at(n.Created),
		Interlude: SubscriberExtension{string(n.State)},
	}
	if n.Channel == notify.Email {
		shown.Email = orNull(n.Address)
	} else {
		shown.Endpoint, shown.Email = orNull(n.Address), orNull(n.Contact)
	}
	return shown
}

func (v view) subscribers(all []notify.Subscriber) []Subscriber {
	shown := make([]Subscriber, len(all))
	for i, n := range all {
		shown[i] = v.subscriber(n)
	}
	return shown
}
