package status

import (
	"slices"
	"strconv"
	"time"
)

// Ahead is how long before its start an occurrence of a series is announced at the latest; the next one always is.
const Ahead = 35 * 24 * time.Hour

// mostAnnounced bounds how many occurrences of one series are announced at a time. The rest follow with the next look.
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
	want := Series{ID: have.ID, Key: template.Key, Template: template, Recurrence: *d.Recurrence, Announced: have.Announced, Skipped: have.Skipped, Version: have.Version}
	fields := seriesFields(have, want, b)
	if exists && len(fields) == 0 {
		if have.Ended {
			return nil, []Warning{{Field: "key", Text: "is that of a series that has ended, so nothing more is planned. Change its rule, or give another key, to plan it again"}}, nil
		}
		return nil, nil, nil
	}
	action := Amend
	if !exists {
		want.ID, action = b.NewID(), Create
	}
	b.PutSeries(want)
	b.Say(Event{Kind: SeriesChanged, Subject: want.Subject(), At: now, By: by})
	warnings := d.Recurrence.Warnings(template.Window, b.Page.TimeZone)
	if exists {
		more, err := b.followSeries(want, now, by)
		if err != nil {
			return nil, nil, err
		}
		warnings = append(warnings, more...)
	}
	more, err := b.Occur(want.ID, now, by)
	warnings = append(warnings, more...)
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

// followSeries brings the planned occurrences of a series after its change: those that the rule has on the same day
// keep their place, those that moved to other days are rescheduled in order, and those that are left over or fall on
// an excepted day are canceled. One that was edited by itself stays as it is, and takes the place of its day.
func (b *Book) followSeries(s Series, now time.Time, by Actor) ([]Warning, error) {
	var warnings []Warning
	follow := func(m Maintenance, w Window) error {
		more, err := b.follow(m, s, w, now, by)
		warnings = append(warnings, more...)
		return err
	}
	planned := b.plannedOf(s.ID)
	windows := s.Next(b.Page.TimeZone, now, len(planned)+mostAnnounced)
	day := func(t time.Time) Date { return DateOf(t.In(b.seriesZone(s))) }
	var moved []Maintenance
	for _, m := range planned {
		at := slices.IndexFunc(windows, func(w Window) bool { return day(w.Start) == day(m.Occurrence) })
		switch {
		case at < 0 && !m.Detached:
			moved = append(moved, m)
			continue
		case at < 0:
			continue
		case !m.Detached:
			if err := follow(m, windows[at]); err != nil {
				return nil, err
			}
		}
		windows = slices.Delete(windows, at, at+1)
	}
	for _, m := range moved {
		if len(windows) == 0 || slices.Contains(s.Recurrence.Except, day(m.Occurrence)) {
			next, e, err := m.Cancel(now, by, Post{})
			if err != nil {
				return nil, err
			}
			b.PutMaintenance(next)
			b.Say(e)
			continue
		}
		if err := follow(m, windows[0]); err != nil {
			return nil, err
		}
		windows = windows[1:]
	}
	s.Announced = time.Time{} // the rule may have new occurrences before the last one
	b.PutSeries(s)
	return warnings, nil
}

// plannedOf lists the planned occurrences of a series, the next first.
func (b *Book) plannedOf(seriesID string) []Maintenance {
	var planned []Maintenance
	for _, m := range b.Maintenances {
		if m.Series == seriesID && m.State == Scheduled {
			planned = append(planned, m)
		}
	}
	slices.SortFunc(planned, func(x, y Maintenance) int { return x.Occurrence.Compare(y.Occurrence) })
	return planned
}

func (b *Book) seriesZone(s Series) *time.Location {
	if zone, err := LoadZone(s.Recurrence.TimeZone); err == nil && s.Recurrence.TimeZone != "" {
		return zone
	}
	return b.Page.Zone()
}

// follow makes one occurrence what its series now says. One that is too near to be moved within the page's rules stays
// when it was announced, with a warning.
func (b *Book) follow(m Maintenance, s Series, w Window, now time.Time, by Actor) ([]Warning, error) {
	want := s.Template
	want.Window, want.Key = w, m.Key
	var warnings []Warning
	if !m.Window.Equal(w) {
		if _, err := b.checkRules(want, now); err != nil {
			warnings = []Warning{{Field: "recurrence", Text: "the occurrence of " + WindowText(m.Window, b.Page.Zone()) + " stays when it was announced: its new " + err.Error()}}
			want.Window = m.Window
		}
	}
	next, fields, _, err := b.Revise(m, want, now, by, Post{})
	if err != nil || len(fields) == 0 {
		return warnings, err
	}
	next.Detached, next.Occurrence = false, w.Start
	b.PutMaintenance(next)
	return warnings, nil
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
		windows := b.unannounced(s, after)
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
		m.Key = b.freeKey(s.Key + w.Start.In(b.seriesZone(s)).Format("-2006-01-02"))
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

// unannounced lists the next occurrences after a moment that are not on the page yet.
func (b *Book) unannounced(s Series, after time.Time) []Window {
	zone := b.seriesZone(s)
	there := make(map[Date]bool)
	for _, m := range b.Maintenances {
		if m.Series == s.ID && m.Open() {
			there[DateOf(m.Occurrence.In(zone))] = true
		}
	}
	windows := s.Next(b.Page.TimeZone, after, len(there)+1)
	return slices.DeleteFunc(windows, func(w Window) bool { return there[DateOf(w.Start.In(zone))] })
}

// freeKey is the key or, where it is taken by an occurrence that was moved from that day, the key with a number.
func (b *Book) freeKey(key string) string {
	free := key
	for n := 2; ; n++ {
		if !b.keyTaken(KindMaintenance, free) {
			return free
		}
		free = key + "-" + strconv.Itoa(n)
	}
}

func (b *Book) hasPlanned(seriesID string) bool { return len(b.plannedOf(seriesID)) > 0 }

// ahead is longer than the least notice, so that the clock can be late and still keep it.
func (b *Book) ahead() time.Duration {
	return max(Ahead, time.Duration(b.Page.LeastNotice)+24*time.Hour)
}

// Skip notes that an occurrence was called off by a person, so that no later change of its series announces its day
// again. It does nothing for what belongs to no series.
func (b *Book) Skip(m Maintenance) {
	s, ok := b.FindSeries(m.Series)
	if !ok || m.State != Canceled {
		return
	}
	s.Skipped = append(slices.Clip(s.Skipped), DateOf(m.Occurrence.In(b.seriesZone(s))))
	b.PutSeries(s)
}

// NextOccurrence is when the clock has to look at a series again to announce the next occurrence; false when never.
func (b *Book) NextOccurrence(s Series, now time.Time) (time.Time, bool) {
	if s.Ended {
		return time.Time{}, false
	}
	after := s.Announced
	if after.Before(now) {
		after = now
	}
	windows := b.unannounced(s, after)
	if len(windows) == 0 {
		return time.Time{}, false
	}
	if !b.hasPlanned(s.ID) {
		return now, true
	}
	return windows[0].Start.Add(-b.ahead()), true
}
