package statuspage

import (
	"net/http"
	"slices"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/status"
)

const postmortemPath = incidentPath + "/postmortem"

func postmortemRoutes() []route {
	const tag, about = "postmortems", "Only an incident that is resolved has a postmortem; a maintenance has its report instead."
	return []route{
		{
			id: "get-postmortem", tag: tag, summary: "The postmortem of an incident, draft and publication", about: about,
			method: http.MethodGet, path: postmortemPath, scope: access.Read, answer: Postmortem{}, do: (*call).getPostmortem,
		},
		{
			id: "update-postmortem", tag: tag, summary: "Write a draft", about: about + " Readers see it once it is published.",
			method: http.MethodPut, path: postmortemPath, scope: access.Operate, body: draftBody{}, wrapped: "postmortem",
			answer: Postmortem{}, do: (*call).draftPostmortem,
		},
		{
			id: "delete-postmortem", tag: tag, summary: "Take draft and publication away", about: about, method: http.MethodDelete,
			path: postmortemPath, scope: access.Operate, code: http.StatusNoContent, do: (*call).deletePostmortem,
		},
		{
			id: "publish-postmortem", tag: tag, summary: "Show the draft to readers", method: http.MethodPut,
			about: "It becomes the last update of the incident, which is in the state postmortem from then on. Publishing it again replaces its words or, when " +
				"subscribers are to be told, adds another update; what is published already stays as it is.",
			path: postmortemPath + "/publish", scope: access.Operate, body: publishBody{}, wrapped: "postmortem",
			answer: Postmortem{}, do: (*call).publishPostmortem,
		},
		{
			id: "revert-postmortem", tag: tag, summary: "Take a publication back", method: http.MethodPut,
			about: "It is a draft again, and the incident is resolved.", path: postmortemPath + "/revert", scope: access.Operate,
			answer: Postmortem{}, do: (*call).revertPostmortem,
		},
	}
}

// Postmortem is a postmortem as version 1 shows it.
type Postmortem struct {
	// PreviewKey is null: a draft is shown to nobody without a token.
	PreviewKey         *string `json:"preview_key"`
	Body               *string `json:"body"`
	BodyUpdatedAt      *string `json:"body_updated_at"`
	BodyDraft          *string `json:"body_draft"`
	BodyDraftUpdatedAt *string `json:"body_draft_updated_at"`
	PublishedAt        *string `json:"published_at"`
	NotifySubscribers  bool    `json:"notify_subscribers"`
	NotifyTwitter      bool    `json:"notify_twitter"`
	CustomTweet        *string `json:"custom_tweet"`
	CreatedAt          *string `json:"created_at"`
	UpdatedAt          *string `json:"updated_at"`
}

// draftBody is what clients write.
type draftBody struct {
	BodyDraft *string `json:"body_draft" example:"A certificate ran out." doc:"The postmortem in Markdown; required"`
}

// publishBody is how it is published.
type publishBody struct {
	NotifySubscribers *bool   `json:"notify_subscribers" example:"false" doc:"Tell subscribers; false unless it says otherwise"`
	NotifyTwitter     *bool   `json:"notify_twitter" cannot:"nothing is posted to Twitter"`
	CustomTweet       *string `json:"custom_tweet" cannot:"nothing is posted to Twitter"`
}

// published is the update that shows the postmortem to readers, if any: the last one counts.
func published(i status.Incident) (status.Update, bool) {
	for _, u := range slices.Backward(i.Updates) {
		if u.State == status.Postmortem {
			return u, true
		}
	}
	return status.Update{}, false
}

func (v view) postmortem(i status.Incident) (Postmortem, error) {
	out, isOut := published(i)
	if !isOut && i.Draft == "" {
		return Postmortem{}, notFound("Postmortem")
	}
	shown := Postmortem{BodyDraft: orNull(i.Draft), BodyDraftUpdatedAt: v.atOrNull(i.DraftAt)}
	if isOut {
		shown.Body, shown.BodyUpdatedAt = orNull(out.Body), v.atOrNull(latest(out.At, out.Edited))
		shown.PublishedAt, shown.NotifySubscribers = v.atOrNull(out.At), !out.Quiet
	}
	created := i.DraftAt
	for _, u := range i.Updates {
		if u.State == status.Postmortem && (created.IsZero() || u.At.Before(created)) {
			created = u.At
		}
	}
	shown.CreatedAt, shown.UpdatedAt = v.atOrNull(created), v.atOrNull(latest(i.DraftAt, out.At, out.Edited))
	return shown, nil
}

// postmortemOf is the incident of the path, or why it can have no postmortem.
func (c *call) postmortemOf(v view) (status.Incident, error) {
	e, err := v.event(c.id("incident_id"))
	switch {
	case err != nil:
		return status.Incident{}, err
	case e.Incident == nil:
		return status.Incident{}, unprocessable("A maintenance has no postmortem: what was done and how long it took stands in its report")
	}
	return *e.Incident, nil
}

func (c *call) getPostmortem() (any, error) {
	v := c.view()
	i, err := c.postmortemOf(v)
	if err != nil {
		return nil, err
	}
	return v.postmortem(i)
}

// changePostmortem lets f change the incident of the path, once it is resolved.
func (c *call) changePostmortem(f func(b *status.Book, i status.Incident, now time.Time) error) (view, status.Incident, error) {
	seen, err := c.postmortemOf(c.view())
	if err != nil {
		return view{}, seen, err
	}
	err = c.change([]string{seen.ID}, func(b *status.Book, now time.Time) error {
		i, found := b.Incident(seen.ID)
		switch {
		case !found || !i.Removed.IsZero():
			return notFound("Incident")
		case !i.State.Ended():
			return unprocessable("The incident is " + string(i.State) + ": only one that is resolved has a postmortem")
		}
		return f(b, i, now)
	})
	if err != nil {
		return view{}, seen, err
	}
	v := c.shown()
	is, err := c.postmortemOf(v)
	return v, is, err
}

func (c *call) draftPostmortem() (any, error) {
	body, err := bound[draftBody](c, "postmortem")
	if err != nil {
		return nil, err
	}
	text := given(body.BodyDraft)
	if text == "" {
		return nil, unprocessable("body_draft is required: what readers are to know once it is published")
	}
	v, i, err := c.changePostmortem(func(b *status.Book, i status.Incident, now time.Time) error {
		_, err := b.DraftPostmortem(i, text, now, c.by)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v.postmortem(i)
}

func (c *call) publishPostmortem() (any, error) {
	body, err := bound[publishBody](c, "postmortem")
	if err != nil {
		return nil, err
	}
	quiet := body.NotifySubscribers == nil || !*body.NotifySubscribers
	v, i, err := c.changePostmortem(func(b *status.Book, i status.Incident, now time.Time) error {
		out, isOut := published(i)
		switch {
		case isOut && out.Body == i.Draft && (quiet || !out.Quiet):
			return nil // a client that asks again, for its first answer was lost
		case isOut && quiet && i.Draft != "":
			return b.Correct(i.Subject(), out.ID, status.Correction{Body: &i.Draft}, now, c.by)
		}
		_, err := b.PublishPostmortem(i, quiet, now, c.by)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v.postmortem(i)
}

func (c *call) revertPostmortem() (any, error) {
	v, i, err := c.changePostmortem(func(b *status.Book, i status.Incident, now time.Time) error {
		_, err := b.RevertPostmortem(i, now, c.by)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v.postmortem(i)
}

func (c *call) deletePostmortem() (any, error) {
	_, _, err := c.changePostmortem(func(b *status.Book, i status.Incident, now time.Time) (err error) {
		_, isOut := published(i)
		switch {
		case !isOut && i.Draft == "":
			return notFound("Postmortem")
		case i.State == status.Postmortem:
			if i, err = b.RevertPostmortem(i, now, c.by); err != nil {
				return err
			}
		}
		_, err = b.DraftPostmortem(i, "", now, c.by)
		return err
	})
	return nil, err
}
