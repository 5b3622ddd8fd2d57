package status

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Plan makes a maintenance of its document: names become component ids, what is left out takes its default. It is
// neither announced nor checked against the page's rules yet; [Book.Announce] does both.
func (b *Book) Plan(d MaintenanceDocument) (Maintenance, error) {
	none := Maintenance{}
	if strings.TrimSpace(d.Title) == "" {
		return none, &Invalid{Field: "title", Rule: "is required: what readers see first"}
	}
	if err := checkNames(d.Title, d.Key); err != nil {
		return none, err
	}
	if err := cmp.Or(checkText("summary", d.Summary), checkText("why", d.Why)); err != nil {
		return none, err
	}
	if err := d.Window.Validate(); err != nil {
		return none, err
	}
	affects, err := b.Resolve(d.Affects)
	if err != nil {
		return none, invalidIn(err, "affects")
	}
	if err := checkID(d.ID); err != nil {
		return none, err
	}
	m := Maintenance{
		ID: d.ID, Key: d.RefKey(), Title: strings.TrimSpace(d.Title), State: Scheduled,
		Window: d.Window, Announced: d.Window, Summary: strings.TrimSpace(d.Summary), Why: strings.TrimSpace(d.Why),
		Affects: affects, Promises: d.Promises, RemindEvery: d.RemindEvery, OverrunEvery: d.OverrunEvery,
		ShortNotice: strings.TrimSpace(d.ShortNotice), DespiteBlackout: strings.TrimSpace(d.DespiteBlackout),
	}
	if m.Begins, err = mode("begin", d.Begin, Automatic); err != nil {
		return none, err
	}
	if m.Completes, err = mode("complete", d.Complete, Manual); err != nil {
		return none, err
	}
	for i, p := range d.Promises {
		if err := p.Validate(); err != nil {
			return none, invalidIn(err, indexed("promises", i))
		}
	}
	if m.Reminders, err = leadTimes(d.Reminders); err != nil {
		return none, err
	}
	if err := cmp.Or(
		checkInterval("remind_every", d.RemindEvery, leastRemindEvery),
		checkInterval("overrun_every", d.OverrunEvery, leastOverrunEvery),
	); err != nil {
		return none, err
	}
	return m, nil
}

func mode(field string, given, standard Mode) (Mode, error) {
	switch given {
	case "":
		return standard, nil
	case Automatic, Manual:
		return given, nil
	}
	return "", &Invalid{Field: field, Rule: "must be automatic or manual, not " + quote(string(given))}
}

// leadTimes sorts reminders, longest first, and refuses too many and too short ones.
func leadTimes(given []Duration) ([]Duration, error) {
	const most = 12
	if len(given) > most {
		return nil, &Invalid{Field: "reminders", Rule: fmt.Sprintf("must be at most %d, not %d", most, len(given))}
	}
	sorted := slices.Clone(given)
	for i, lead := range given {
		if lead < Duration(time.Minute) {
			return nil, &Invalid{Field: indexed("reminders", i), Rule: "must be at least 1m before the start, not " + lead.String()}
		}
	}
	slices.SortFunc(sorted, func(a, c Duration) int { return int(min(max(c-a, -1), 1)) })
	return slices.Compact(sorted), nil
}

// Announce puts a planned maintenance on the page, with its first update, and tells of it.
//
// It is refused when the page's least notice is not kept or a blackout is touched, unless the maintenance gives a
// reason for that; when its window has passed; and when its key is taken. Overlaps, and dates in its texts that
// contradict its window, are warnings.
func (b *Book) Announce(m Maintenance, now time.Time, by Actor, say Post) (Maintenance, []Warning, error) {
	if b.keyTaken(KindMaintenance, m.Key) {
		return m, nil, &Invalid{Field: "key", Rule: "is taken by another maintenance: " + quote(m.Key)}
	}
	warnings, err := b.checkRules(m, now)
	if err != nil {
		return m, nil, err
	}
	m.ID = cmp.Or(m.ID, b.NewID())
	m.Created, m.Changed = now, now
	m.Announced = m.Window
	body := say.Body
	if strings.TrimSpace(body) == "" {
		body = Announcement(m, b.Page)
	}
	if body, err = b.expandPost(say, body, m); err != nil {
		return m, nil, err
	}
	if err := cmp.Or(checkBody(body), validClaims(say.Conditions)); err != nil {
		return m, nil, err
	}
	m.Affects = PageOrder(Unique(slices.AppendSeq(m.Affects, maps.Keys(say.Conditions))), b.Groups, b.Components)
	m.Updates = []Update{{
		State: Scheduled, Event: Announced, At: now, Body: body, By: by, Quiet: say.Quiet, Conditions: maps.Clone(say.Conditions),
	}}
	b.PutMaintenance(m)
	b.Say(Event{Kind: Announced, Subject: m.Subject(), At: now, By: by, Told: !say.Quiet})
	stored, _ := b.Maintenance(m.ID)
	return stored, append(warnings, b.cautions(m)...), nil
}

// checkRules applies least notice and blackouts.
func (b *Book) checkRules(m Maintenance, now time.Time) ([]Warning, error) {
	var broken []*Invalid
	if !m.Window.End.After(now) {
		broken = append(broken, &Invalid{Field: "window.end", Rule: "has passed: " + WindowText(m.Window, b.Page.Zone()) + ". A past maintenance is entered with its updates"})
	} else if notice := m.Window.Start.Sub(now); b.Page.LeastNotice > 0 && notice < time.Duration(b.Page.LeastNotice) && m.ShortNotice == "" {
		broken = append(broken, &Invalid{Field: "window.start", Rule: b.noticeText(m, notice)})
	}
	if black, hit := b.Page.Blackout(m.Window); hit && m.DespiteBlackout == "" {
		broken = append(broken, &Invalid{Field: "window", Rule: fmt.Sprintf(
			"touches the days %s to %s, which are kept free of maintenance%s. Plan it on other days, or give the reason as despite_blackout, which readers will see",
			black.From, black.To, reasonText(black.Reason))})
	}
	if len(broken) == 0 {
		return nil, nil
	}
	if !b.Lenient {
		return nil, broken[0]
	}
	warnings := make([]Warning, len(broken))
	for i, e := range broken {
		warnings[i] = Warning{Field: e.Field, Text: e.Rule}
	}
	return warnings, nil
}

// noticeText says how much notice there is and how much there should be.
func (b *Book) noticeText(m Maintenance, notice time.Duration) string {
	is := "has passed: " + WindowText(m.Window, b.Page.Zone())
	if notice > 0 {
		is = "is " + Span(Duration(notice)) + " from now"
	}
	if b.Page.LeastNotice > 0 {
		is += ", and the page promises a notice of " + Span(b.Page.LeastNotice)
	}
	return is + ". Plan it later, or give the reason as short_notice, which readers will see"
}

func reasonText(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// cautions are what deserves a second look: overlaps, and texts that contradict the window.
func (b *Book) cautions(m Maintenance) []Warning {
	var warnings []Warning
	for _, o := range b.Maintenances {
		if o.ID == m.ID || !o.Open() || !o.Window.Overlaps(m.Window) {
			continue
		}
		text := "overlaps with " + quote(o.Title) + ", " + WindowText(o.Window, b.Page.Zone())
		if shared := b.sharedNames(m.Affects, o.Affects); shared != "" {
			text += ", which also affects " + shared
		}
		warnings = append(warnings, Warning{Field: "window", Text: text})
	}
	zone := b.Page.Zone()
	for _, part := range []struct{ field, text string }{
		{"title", m.Title}, {"summary", m.Summary}, {"why", m.Why}, {"short_notice", m.ShortNotice},
	} {
		warnings = append(warnings, Contradictions(part.field, part.text, m.Window, zone)...)
	}
	if len(m.Affects) == 0 {
		warnings = append(warnings, Warning{Field: "affects", Text: "is empty: no component will show the maintenance"})
	}
	return warnings
}

func (b *Book) sharedNames(one, other []string) string {
	var names []string
	for _, id := range one {
		if slices.Contains(other, id) {
			names = append(names, FullName(id, b.Groups, b.Components))
		}
	}
	if len(names) > 3 {
		names = append(names[:3], fmt.Sprintf("%d more", len(names)-3))
	}
	return joinAnd(names)
}

// Expand replaces the placeholders of a text about a maintenance.
func (b *Book) Expand(text string, m Maintenance) (string, error) {
	return Expand(text, PlaceholdersOf(m, b.Page, b.Groups, b.Components))
}

// PlaceholdersOf gives the values of a maintenance's placeholders as they stand.
func PlaceholdersOf(m Maintenance, p Page, groups []Group, components []Component) Placeholders {
	zone := p.Zone()
	at := func(t time.Time) string { return t.In(zone).Format("Jan 2, 2006, 15:04 ") + zoneName(t.In(zone)) }
	return Placeholders{
		Window: WindowText(m.Window, zone), Start: at(m.Window.Start), End: at(m.Window.End),
		Duration: Span(Duration(m.Window.Duration())), Title: m.Title, Page: p.Name,
		Affected: joinAnd(affectedItems(m.Affects, groups, components)), Estimate: at(m.ExpectedEnd()),
	}
}

// invalidIn places an *Invalid below a field, and leaves other errors alone.
func invalidIn(err error, field string) error {
	if bad := new(Invalid); errors.As(err, &bad) {
		return bad.In(field)
	}
	return err
}
