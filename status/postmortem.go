package status

import (
	"slices"
	"strings"
	"time"
)

// AmendIncident gives an incident another title, other components, an impact that a person says, other metadata. What
// its updates said stays.
func (b *Book) AmendIncident(have, want Incident, now time.Time, by Actor) (Incident, error) {
	want.Title = strings.TrimSpace(want.Title)
	if want.Title == "" {
		return have, &Invalid{Field: "title", Rule: "is required: what readers see first"}
	}
	if err := checkNames(want.Title, ""); err != nil {
		return have, err
	}
	if want.Impact != "" && want.Impact.Rank() < 0 {
		return have, &Invalid{Field: "impact", Rule: "must be one of " + joinConditions() + ", not " + quote(string(want.Impact))}
	}
	i := have.clone()
	i.Title, i.Metadata = want.Title, want.Metadata
	i.Impact, i.ImpactSaid = want.Impact, want.ImpactSaid
	i.Affects = PageOrder(Unique(want.Affects), b.Groups, b.Components)
	same := i.Title == have.Title && i.Impact == have.Impact && i.ImpactSaid == have.ImpactSaid &&
		slices.Equal(i.Affects, have.Affects) && metadataField(i.Metadata) == metadataField(have.Metadata)
	if same {
		return have, nil
	}
	i.Changed = now
	b.PutIncident(i)
	b.Say(Event{Kind: Changed, Subject: i.Subject(), At: now, By: by})
	stored, _ := b.Incident(i.ID)
	return stored, nil
}

// DraftPostmortem keeps a postmortem that is being written; readers do not see it. An empty text drops the draft.
func (b *Book) DraftPostmortem(i Incident, text string, now time.Time, by Actor) (Incident, error) {
	if err := checkBody(text); err != nil {
		return i, err
	}
	i = i.clone()
	i.Draft, i.DraftAt = text, now // what readers see of it has not changed
	if text == "" {
		i.DraftAt = time.Time{}
	}
	b.PutIncident(i)
	b.Say(Event{Kind: Changed, Subject: i.Subject(), At: now, By: by})
	stored, _ := b.Incident(i.ID)
	return stored, nil
}

// PublishPostmortem shows the draft to readers as the incident's last update.
func (b *Book) PublishPostmortem(i Incident, quiet bool, now time.Time, by Actor) (Incident, error) {
	if strings.TrimSpace(i.Draft) == "" {
		return i, &Invalid{Field: "postmortem", Rule: "has no draft yet: write one before it is published"}
	}
	next, e, err := i.Post(Postmortem, now, by, Post{Body: i.Draft, Quiet: quiet})
	if err != nil {
		return i, err
	}
	b.PutIncident(next)
	b.Say(e)
	stored, _ := b.Incident(i.ID)
	return stored, nil
}

// RevertPostmortem takes a published postmortem back: it is a draft again, and the incident is resolved.
func (b *Book) RevertPostmortem(i Incident, now time.Time, by Actor) (Incident, error) {
	if i.State != Postmortem {
		return i, &Illegal{Subject: i.Subject(), From: i.State, To: Resolved, Why: "no postmortem is published", Legal: i.Moves(by)}
	}
	i = i.clone()
	if i.Draft == "" {
		i.Draft, i.DraftAt = i.Updates[len(i.Updates)-1].Body, now
	}
	i.Updates = slices.DeleteFunc(i.Updates, func(u Update) bool { return u.State == Postmortem })
	i.State, i.Changed = Resolved, now
	b.PutIncident(i)
	b.Say(Event{Kind: Changed, Subject: i.Subject(), At: now, By: by})
	stored, _ := b.Incident(i.ID)
	return stored, nil
}
