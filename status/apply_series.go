package status

import (
	"slices"
	"time"
)

// Ahead is how long before its start an occurrence of a series is announced at the latest; the next one always is.
const Ahead = 35 * 24 * time.Hour

// mostAnnounced bounds how many occurrences of one series are on the page at once.
const mostAnnounced = 12

// applySeries makes a recurring maintenance what the document says: its rule, and every occurrence that was not
// edited by itself.
func (b *Book) applySeries(d MaintenanceDocument, now time.Time, by Actor) ([]Change, []Warning, error) {
	if len(d.Updates) > 0 {
		return nil, nil, &Invalid{Field: "updates", Rule: "cannot be given for a recurring maintenance; each occurrence has its own"}
	}
	template, err := b.Plan(d)
	if err != nil {
		return nil, nil, err
	}
	if err := d.Recurrence.Validate(template.Window.Start, b.Page.TimeZone); err != nil {
		return nil, nil, invalidIn(err, "recurrence")
	}
	if _, err := b.Expand(Announcement(template, b.Page), template); err != nil {
		return nil, nil, invalidIn(err, "summary")
	}
	have, exists := b.FindSeries(template.Key)
	want := Series{ID: have.ID, Key: template.Key, Template: template, Recurrence: *d.Recurrence, Announced: have.Announced, Version: have.Version}
	fields := seriesFields(have, want, b)
	if exists && len(fields) == 0 {
		return nil, nil, nil
	}
	action := Amend
	if !exists {
		want.ID, action = b.NewID(), Create
	}
	b.PutSeries(want)
	b.Say(Event{Kind: SeriesChanged, Subject: want.Subject(), At: now, By: by})
	if exists {
		if err := b.followSeries(want, now, by); err != nil {
			return nil, nil, err
		}
	}
	warnings, err := b.Occur(want.ID, now, by)
	return []Change{{Action: action, Subject: want.Subject(), Name: template.Title, Fields: fields}}, warnings, err
}

func seriesFields(was, is Series, b *Book) []FieldChange {
	d := differences(maintenanceFields(was.Template, is.Template, b))
	d.add("recurrence.rule", was.Recurrence.Rule, is.Recurrence.Rule)
	d.add("recurrence.time_zone", was.Recurrence.TimeZone, is.Recurrence.TimeZone)
	d.add("recurrence.except", datesField(was.Recurrence.Except), datesField(is.Recurrence.Except))
	return d
}

func datesField(days []Date) string {
	var text string
	for i, d := range days {
		if i > 0 {
			text += ", "
		}
		text += d.String()
	}
	return text
}

// followSeries brings the planned occurrences of a series after its change: those that the rule still has keep their
// place, those that moved are rescheduled in order, and those that are left over are canceled.
func (b *Book) followSeries(s Series, now time.Time, by Actor) error {
	var planned []Maintenance
	for _, m := range b.Maintenances {
		if m.Series == s.ID && m.State == Scheduled && !m.Detached {
			planned = append(planned, m)
		}
	}
	slices.SortFunc(planned, func(x, y Maintenance) int { return x.Occurrence.Compare(y.Occurrence) })
	windows := s.Recurrence.Next(s.Template.Window, b.Page.TimeZone, now, max(len(planned), 1)+mostAnnounced)
	var moved []Maintenance
	for _, m := range planned {
		at := slices.IndexFunc(windows, func(w Window) bool { return w.Start.Equal(m.Occurrence) })
		if at < 0 {
			moved = append(moved, m)
			continue
		}
		if err := b.follow(m, s, windows[at], now, by); err != nil {
			return err
		}
		windows = slices.Delete(windows, at, at+1)
	}
	for _, m := range moved {
		day := DateOf(m.Occurrence.In(b.seriesZone(s)))
		if len(windows) == 0 || slices.Contains(s.Recurrence.Except, day) {
			next, e, err := m.Cancel(now, by, Post{})
			if err != nil {
				return err
			}
			b.PutMaintenance(next)
			b.Say(e)
			continue
		}
		if err := b.follow(m, s, windows[0], now, by); err != nil {
			return err
		}
		if s.Announced.Before(windows[0].Start) {
			s.Announced = windows[0].Start
			b.PutSeries(s)
		}
		windows = windows[1:]
	}
	return nil
}

func (b *Book) seriesZone(s Series) *time.Location {
	if zone, err := LoadZone(s.Recurrence.TimeZone); err == nil && s.Recurrence.TimeZone != "" {
		return zone
	}
	return b.Page.Zone()
}

// follow makes one occurrence what its series now says.
func (b *Book) follow(m Maintenance, s Series, w Window, now time.Time, by Actor) error {
	want := s.Template
	want.Window, want.Key = w, m.Key
	next, fields, _, err := b.Revise(m, want, now, by, Post{})
	if err != nil || len(fields) == 0 {
		return err
	}
	next.Detached, next.Occurrence = false, w.Start
	b.PutMaintenance(next)
	return nil
}

// Occur announces the occurrences of a series that are due to be announced: always the next one, and every one that
// starts within [Ahead] or the page's least notice, whichever is longer. Occurrences whose start has passed without
// having been announced are left out: nobody was promised them.
func (b *Book) Occur(seriesID string, now time.Time, by Actor) ([]Warning, error) {
	var warnings []Warning
	for range mostAnnounced {
		s, ok := b.FindSeries(seriesID)
		if !ok || s.Ended {
			return warnings, nil
		}
		after := s.Announced
		if after.Before(now) {
			after = now
		}
		windows := s.Recurrence.Next(s.Template.Window, b.Page.TimeZone, after, 1)
		if len(windows) == 0 {
			s.Ended = !b.hasPlanned(s.ID) && !s.Announced.After(now)
			if s.Ended {
				b.PutSeries(s)
				b.Say(Event{Kind: SeriesChanged, Subject: s.Subject(), At: now, By: by})
			}
			return warnings, nil
		}
		w := windows[0]
		if b.hasPlanned(s.ID) && w.Start.Sub(now) > b.ahead() {
			return warnings, nil
		}
		m := s.Template
		m.Window, m.Series, m.Occurrence = w, s.ID, w.Start
		if _, err := b.checkRules(m, now); err != nil {
			warnings = append(warnings, Warning{Field: "recurrence", Text: "the occurrence of " + WindowText(w, b.Page.Zone()) + " is left out: its " + err.Error()})
			s.Announced = w.Start
			b.PutSeries(s)
			continue
		}
		m.Key = s.Key + w.Start.In(b.seriesZone(s)).Format("-2006-01-02")
		if taken, exists := b.Maintenance(m.Key); exists && taken.Series != s.ID {
			m.Key += w.Start.UTC().Format("-1504")
		}
		_, cautions, err := b.Announce(m, now, by, Post{})
		if err != nil {
			return warnings, err
		}
		warnings = append(warnings, cautions...)
		s, _ = b.FindSeries(seriesID)
		s.Announced = w.Start
		b.PutSeries(s)
	}
	return warnings, nil
}

func (b *Book) hasPlanned(seriesID string) bool {
	return slices.ContainsFunc(b.Maintenances, func(m Maintenance) bool { return m.Series == seriesID && m.State == Scheduled })
}

func (b *Book) ahead() time.Duration { return max(Ahead, time.Duration(b.Page.LeastNotice)) }

// NextOccurrence is when the clock has to look at a series again to announce the next occurrence; false when never.
func (b *Book) NextOccurrence(s Series, now time.Time) (time.Time, bool) {
	if s.Ended {
		return time.Time{}, false
	}
	after := s.Announced
	if after.Before(now) {
		after = now
	}
	windows := s.Recurrence.Next(s.Template.Window, b.Page.TimeZone, after, 1)
	if len(windows) == 0 {
		return time.Time{}, false
	}
	if !b.hasPlanned(s.ID) {
		return now, true
	}
	return windows[0].Start.Add(-b.ahead()), true
}
