package page

import (
	"strings"
	"time"

	"example.org/interlude/board"
	"example.org/interlude/status"
)

// reportView is a report page: the event at length, planned beside actual, each update as it was posted.
type reportView struct {
	frame                  frame
	Kind, Title, Permalink string
	// Calendar is the address of the calendar entry, empty where nothing is left to be noted.
	Calendar string
	// Follow is where to subscribe to it, empty where nothing is to come.
	Follow     string
	Standing   standing
	Lead       []piece
	Postmortem *said
	FactsName  string
	Facts      []fact
	Figure     *figure
	// Window, Count and Track stand in place of the facts while the end is not known.
	Window       *window
	Count        count
	Track        *track
	Note         []piece
	Conditions   []string
	PromisesName string
	PromisesNote string
	Caption      string
	Promises     []promised
	Updates      []said
	Affected     string
}

// fact is one measured or announced thing.
type fact struct {
	Name string
	Time moment
	// To makes it a span, Struck one that did not take place.
	To     moment
	Struck bool
	// Text stands in place of a time, Count is a time that runs.
	Text  string
	Count count
	Small string
}

func (v view) report(e board.Event) reportView {
	r, _ := v.p.Report(e.Subject().ID)
	shown := reportView{Kind: r.Heading, Title: r.Title, Affected: r.Affected, Permalink: v.permalink(address(r.Subject.ID))}
	entries := r.Entries
	for n, entry := range entries {
		if entry.State == status.Postmortem && shown.Postmortem == nil {
			shown.Postmortem = v.said(entry)
			entries = append(entries[:n:n], entries[n+1:]...)
			break
		}
	}
	for _, entry := range entries {
		shown.Updates = append(shown.Updates, *v.said(entry))
	}
	switch m := e.Maintenance; {
	case m == nil:
		v.incidentReport(&shown, e.Incident)
	case m.Open():
		v.openReport(&shown, m)
	default:
		v.endedReport(&shown, m)
	}
	return shown
}

// permalink is an address on the page's own host, empty where that is not known.
func (v view) permalink(path string) string {
	if v.p.Page.URL == "" {
		return ""
	}
	return strings.TrimSuffix(v.p.Page.URL, "/") + path
}

func (v view) incidentReport(shown *reportView, i *status.Incident) {
	shown.Standing = standingOfIncident(i)
	shown.FactsName = "Facts"
	shown.Facts = []fact{v.instant("Began", i.Began, status.Date{})}
	if i.Open() {
		shown.Lead = []piece{{Time: v.running(since, i.Began)}}
		shown.Facts = append(shown.Facts, fact{Name: "State", Text: i.State.Label()})
		return
	}
	if i.Ended.IsZero() {
		return
	}
	shown.Facts = append(shown.Facts, v.instant("Resolved", i.Ended, v.day(i.Began)))
	if lasted := i.Ended.Sub(i.Began); lasted > 0 {
		shown.Lead = []piece{words("after " + status.Span(status.Duration(lasted)))}
		shown.Facts = append(shown.Facts, fact{Name: "Lasted", Text: brief(lasted)})
	}
}

// instant is a fact with one time, and its day unless it is the given one.
func (v view) instant(name string, t time.Time, known status.Date) fact {
	f := fact{Name: name, Time: v.at(t, v.clockZone(t))}
	if v.day(t) != known {
		f.Small = t.In(v.zone).Format("January 2, 2006")
	}
	return f
}

func (v view) span(name string, w status.Window) fact {
	from, to := v.clock(w.Start), v.clock(w.End)
	small := v.zoneAt(w.End) + ", "
	if !v.sameDay(w.Start, w.End) {
		small += dates(v.day(w.Start), v.day(w.End)) + w.End.In(v.zone).Format(", 2006")
	} else {
		small += w.Start.In(v.zone).Format("January 2, 2006")
	}
	return fact{Name: name, Time: v.at(w.Start, from), To: v.at(w.End, to), Small: small}
}

// openReport is of a maintenance that is planned or under way.
func (v view) openReport(shown *reportView, m *status.Maintenance) {
	s := standingOfMaintenance(m, v.now)
	shown.Standing = standing{s.Tone, s.Icon, m.State.Label()}
	w := v.window(m.Window)
	shown.Window, shown.Calendar = &w, address(m.ID)+calendarName
	shown.Conditions = v.conditions(m)
	shown.FactsName, shown.Count = "When", v.running(begins, m.Window.Start)
	shown.PromisesName, shown.Caption = "What you will experience", "During the maintenance"
	shown.Promises = promises(m, m.Underway())
	if !m.Window.Equal(m.Announced) && !m.Announced.Start.IsZero() {
		shown.Note = []piece{words("First announced for " + status.WindowText(m.Announced, v.zone) + ".")}
	}
	switch {
	case m.Late(v.now):
		shown.Lead = []piece{words("and not begun yet")}
		return
	case !m.Underway():
		shown.Lead = []piece{words("for " + w.Day)}
		return
	}
	shown.FactsName, shown.Count, shown.Track = "Progress", v.running(left, m.Window.End), v.track(m)
	shown.PromisesName, shown.Caption = "What works meanwhile", "Until the end of the maintenance"
	switch {
	case m.Overrun(v.now) > 0 && m.State == status.Verifying:
		shown.Lead, shown.Note = []piece{words("the work that was done, for longer than planned")}, v.estimateNote(m)
	case m.Overrun(v.now) > 0:
		shown.Lead, shown.Note = []piece{words("and taking longer than planned")}, v.estimateNote(m)
	case m.State == status.Verifying:
		shown.Lead = []piece{words("the work that was done")}
	case m.Estimate.After(m.Window.End):
		shown.Lead = []piece{words("and expected to end at "), v.near(m.Estimate)}
	case m.Began.Before(m.Window.Start.Add(-time.Minute)):
		shown.Lead = []piece{words("before its announced start")}
	case m.Window.End.After(m.Announced.End) && !m.Announced.End.IsZero():
		shown.Lead = []piece{words("and extended")}
	default:
		shown.Lead = []piece{words("as planned")}
	}
}

// endedReport sets what was planned beside what happened.
func (v view) endedReport(shown *reportView, m *status.Maintenance) {
	shown.Standing = standingOfMaintenance(m, v.now)
	shown.FactsName = "Planned and actual"
	shown.PromisesName, shown.PromisesNote, shown.Caption = "Promises", "What was announced.", "What was announced"
	shown.Promises = promises(m, false)
	if !m.Window.Equal(m.Announced) && !m.Announced.Start.IsZero() {
		shown.Facts = append(shown.Facts, v.span("First announced", m.Announced))
	}
	announced := v.span("Announced", m.Window)
	day := v.day(m.Window.Start)
	if m.State == status.Canceled {
		v.canceledReport(shown, m, announced)
		return
	}
	shown.Facts = append(shown.Facts, announced)
	if !m.Began.IsZero() {
		began := v.instant("Began", m.Began, day)
		began.Small = joined(began.Small, lateness(m.Began.Sub(m.Window.Start), " than announced"))
		shown.Facts = append(shown.Facts, began)
	}
	if m.Ended.IsZero() {
		return
	}
	shown.Lead = []piece{words("on " + m.Ended.In(v.zone).Format("January 2, 2006") + ", " + m.Punctual(whole, "planned"))}
	ended := v.instant("Ended", m.Ended, day)
	ended.Small = joined(ended.Small, m.Punctual(brief, "announced"))
	shown.Facts = append(shown.Facts, ended)
	if took := m.Ended.Sub(m.Began); !m.Began.IsZero() && took > 0 {
		planned := m.Punctuality(m.Ended).Against.Sub(m.Window.Start)
		shown.Facts = append(shown.Facts, fact{Name: "Took", Text: brief(took), Small: brief(planned) + " was planned"})
		shown.Figure = v.figure(m)
	}
}

func (v view) canceledReport(shown *reportView, m *status.Maintenance, announced fact) {
	at := board.Event{Maintenance: m}.At()
	announced.Struck = m.Began.IsZero()
	shown.Facts = append(shown.Facts, announced)
	shown.Lead = []piece{words("before it began")}
	if !m.Began.IsZero() {
		shown.Lead = []piece{words("after it had begun")}
		shown.Facts = append(shown.Facts, v.instant("Began", m.Began, v.day(m.Window.Start)))
	}
	shown.Facts = append(shown.Facts, v.instant("Canceled", at, status.Date{}))
}

func joined(parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, ", ")
}

// figure draws the announced span, to the end that counts, above the actual one, to one scale.
type figure struct {
	Label, Announced, Actual, Difference     string
	PlannedX, PlannedWidth, DoneX, DoneWidth string
	// EndX is where the announced end was, empty when the work ended by then.
	EndX string
}

func (v view) figure(m *status.Maintenance) *figure {
	p := m.Punctuality(m.Ended)
	line := ruler{m.Window.Start, p.Against}
	if m.Began.Before(line.from) {
		line.from = m.Began
	}
	if m.Ended.After(line.to) {
		line.to = m.Ended
	}
	day := v.day(m.Window.Start)
	planned, done := line.mark("", m.Window.Start, p.Against, ""), line.mark("", m.Began, m.Ended, "")
	announced := "Announced "
	if p.Against.Before(m.Window.End) {
		announced = "First announced "
	}
	f := &figure{
		Announced: announced + v.hours(m.Window.Start, p.Against, day), Actual: "Actual " + v.hours(m.Began, m.Ended, day),
		Difference: lateness(p.Late, ""),
		PlannedX:   planned.X, PlannedWidth: planned.Width, DoneX: done.X, DoneWidth: done.Width,
	}
	f.Label = f.Announced + "; " + f.Actual
	if m.Ended.After(p.Against) {
		f.EndX = percentText(line.percent(p.Against))
	}
	return f
}
