package statuspage

import (
	"cmp"
	"fmt"
	"slices"
)

// NewSubscriber is a subscriber as version 1 is told to add one.
type NewSubscriber struct {
	Email    string `json:"email,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	// Confirmed ones said there that they want to be told, and are not asked again.
	Confirmed  bool     `json:"skip_confirmation_notification"`
	Components []string `json:"component_ids,omitempty"`
}

// Address is where the subscriber is told.
func (s NewSubscriber) Address() string { return cmp.Or(s.Endpoint, s.Email) }

// NewTemplate is a template as version 1 is told to add one.
type NewTemplate struct {
	Name       string   `json:"name"`
	Title      string   `json:"title"`
	Body       string   `json:"body"`
	Status     string   `json:"update_status,omitempty"`
	Notify     bool     `json:"should_send_notifications"`
	Components []string `json:"component_ids,omitempty"`
}

// extras are the subscribers and the templates.
func (i *importer) extras() {
	for _, s := range i.other.subscribers {
		if why := i.subscriber(s); why != "" {
			i.lost("subscriber", cmp.Or(given(s.Email), given(s.Endpoint), given(s.Mode)+" "+given(s.ID)), why)
		}
	}
	for _, t := range i.other.templates {
		made := NewTemplate{
			Name: oneLine(given(t.Name)), Title: oneLine(given(t.Title)), Body: plain(given(t.Body)), Status: given(t.Status), Notify: t.Notify != nil && *t.Notify,
		}
		if made.Name == "" || made.Body == "" {
			i.lost("template", cmp.Or(made.Name, given(t.ID)), "it has no name or no text")
			continue
		}
		for _, c := range t.affects {
			if id := i.ids[given(c.ID)]; id != "" {
				made.Components = append(made.Components, id)
			}
		}
		i.out.Extras.Templates = append(i.out.Extras.Templates, made)
	}
}

// subscriber takes one over, or says why not.
func (i *importer) subscriber(s foundSubscriber) string {
	mode := given(s.Mode)
	if mode == "" {
		mode = "email"
		if given(s.Endpoint) != "" {
			mode = "webhook"
		}
	}
	switch {
	case mode != "email" && mode != "webhook":
		return "it is told by " + mode + ", which is not supported here"
	case s.Quarantined != nil || s.state == "quarantined":
		return "its address is in quarantine there, because it failed"
	case given(s.AccessUser) != "":
		return "it belongs to a page access user, and these are not brought over"
	case mode == "webhook" && given(s.Endpoint) == "", mode == "email" && given(s.Email) == "":
		return "it has no address"
	}
	made := NewSubscriber{Email: given(s.Email), Confirmed: s.state != "unconfirmed"}
	if mode == "webhook" {
		made.Endpoint = given(s.Endpoint)
	}
	for _, c := range s.Components {
		if id := i.ids[c]; id != "" {
			made.Components = append(made.Components, id)
		}
	}
	if len(s.Components) > 0 && len(made.Components) == 0 {
		return "it chose components that are gone, and is not told of all others instead"
	}
	i.out.Extras.Subscribers = append(i.out.Extras.Subscribers, made)
	return ""
}

// notCarried says what no import has, and what only version 1 could have told.
func (i *importer) notCarried() {
	for _, list := range i.other.full {
		i.lost(list, "", fmt.Sprintf("version 2 shows the latest %d only; with the key of the management API the whole past is read", most))
	}
	for _, m := range i.other.metrics {
		i.lost("metric", cmp.Or(given(m.Name), given(m.ID)), "the points of metrics cannot be read there; create it with the management API and go on sending")
	}
	if n := len(i.spent); n > 0 {
		i.lost("maintenances", "", fmt.Sprintf("auto_transition settings of %d that are over are not entered: they had their effect there, and read true here", n))
	}
	if slices.ContainsFunc(i.other.events, func(e foundEvent) bool { return e.Interlude != nil }) {
		i.lost("maintenances", "", "the former page is an Interlude too, and tells no reminders but those of an hour before the start, no summary, no reason and "+
			"no overrun_every: give them here")
	}
	const later = "is not in what can be read there"
	i.lost("page", "", "its design (style sheets, logos, header and footer) stays there")
	i.lost("users", "", "members of the team, and page access users and groups, stay there; make tokens here instead")
	if !i.other.managed() {
		i.lost("subscribers", "", later+" without the key of the management API; so are templates, metadata and how maintenances begin")
		return
	}
	i.lost("subscribers", "", "those of single events, and the identifiers of those that are brought over, are not carried: unsubscribe links of old mails end there")
}
