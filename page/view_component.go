package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"example.org/interlude/status"
)

const (
	// barDays is how many days a component's bar has.
	barDays = 90
	// fewComponents is how many components are shown with every group open.
	fewComponents = 12
)

// block is a group of components, or one component that stands by itself.
type block struct {
	ID, Name string
	Count    int
	Standing standing
	Open     bool
	// Rows are components that were rendered before: see row.
	Rows  []templ.Component
	Alone bool
}

// component is one line of the list, with its bar.
type component struct {
	ID, Name, About string
	// Past says that there is a bar, with a figure; without it neither is worked out.
	Past     bool
	Uptime   string
	Standing standing
	Alone    bool
	Label    string
	Runs     []run
}

// run is a span of days that read the same.
type run struct {
	Tone     string
	X, Width int
	Title    string
}

// listed reports whether readers see a component: some are there only while something is wrong with them.
func (v view) listed(c status.Component) bool {
	return !c.OnlyIfDegraded || v.p.Conditions[c.ID] != status.Operational
}

// components are the blocks of the list, in the page's order. A component whose past has not changed is not looked
// at again: its row stands as it was rendered.
func (v view) components() []block {
	groups := make(map[string]int)
	var blocks []block
	calendar := status.LastDays(v.day(v.now), barDays, v.zone)
	for _, c := range v.p.Components {
		if !v.listed(c) {
			continue
		}
		g, grouped := v.p.Group(c.GroupID)
		grouped = grouped && g.Removed.IsZero()
		at, begun := groups[c.GroupID]
		if !grouped || !begun {
			at = len(blocks)
			blocks = append(blocks, block{ID: c.ID, Alone: true})
			if grouped {
				groups[c.GroupID] = at
				blocks[at] = block{ID: g.ID, Name: g.Name, Standing: standingOf(status.Operational), Open: len(v.p.Components) <= fewComponents}
			}
		}
		b := &blocks[at]
		b.Count++
		b.Rows = append(b.Rows, v.row(c, calendar, !grouped))
		if condition := v.p.Conditions[c.ID]; condition != status.Operational && !b.Alone {
			b.Open = true
			if worse(condition, b.Standing) {
				b.Standing = standingOf(condition)
			}
		}
	}
	return blocks
}

func worse(c status.Condition, than standing) bool {
	for _, o := range status.Conditions {
		if toneOf(o) == than.Tone {
			return c.Rank() > o.Rank()
		}
	}
	return true
}

// row renders a component's line, or takes it as it was rendered. What a component's past says moves with the time:
// by the minute while something is going on, and otherwise so slowly that an hour is soon enough. A new day is one at
// once, and does not begin with an hour of UTC in every zone.
func (v view) row(c status.Component, calendar status.Calendar, alone bool) templ.Component {
	step := time.Hour
	if v.p.Conditions[c.ID] != status.Operational {
		step = time.Minute
	}
	stamp := stamps{v.p.Touched[c.ID], v.p.Framed, v.now.Truncate(step).Unix(), v.day(v.now)}
	return v.kept.rows.get(c.ID, stamp, func() rendered { return render(componentRow(v.component(c, calendar, alone))) })
}

func (v view) component(c status.Component, calendar status.Calendar, alone bool) component {
	shown := component{ID: c.ID, Name: c.Name, About: c.Description, Alone: alone, Standing: standingOf(v.p.Conditions[c.ID]), Past: !c.HideUptime}
	if shown.Past {
		v.recall(&shown, c, calendar)
	}
	return shown
}

// recall gives a line its bar and its figure.
func (v view) recall(shown *component, c status.Component, calendar status.Calendar) {
	var maintenances []status.Maintenance
	var incidents []status.Incident
	from := calendar.From()
	for _, e := range v.p.Concerning(c.ID) {
		switch {
		case e.Maintenance != nil:
			m := e.Maintenance
			switch {
			case m.Began.IsZero():
			case m.Open() || !m.Ended.Before(from):
				maintenances = append(maintenances, *m)
			default:
				c.Created = earlier(c.Created, m.Began) // too old to draw, and still a sign that it existed then
			}
		case e.Incident.Open() || !e.Incident.Ended.Before(from):
			incidents = append(incidents, *e.Incident)
		default:
			c.Created = earlier(c.Created, e.Incident.Began)
		}
	}
	c, from = c.Counted(from, v.zone)
	history := status.History(c, v.p.Settings(c.ID), maintenances, incidents, from, v.now)
	shown.Uptime = uptime(history, v.p.Page.MaintenanceCounts)
	b := bar{view: v, history: history, condition: v.p.Conditions[c.ID], counts: make(map[string]int)}
	shown.Runs = b.runs(calendar.Days(history, maintenances, incidents))
	shown.Label = c.Name + ", last 90 days: " + b.summary(shown.Uptime)
}

// uptime is in percent, cut: nothing below 100 reads as 100.
func uptime(history []status.Stretch, maintenanceCounts bool) string {
	fraction, known := status.Uptime(history, maintenanceCounts)
	switch {
	case !known:
		return "No data"
	case fraction >= 1:
		return "100 %"
	}
	return strconv.FormatFloat(math.Floor(fraction*10000)/100, 'f', 2, 64) + " %"
}

// bar makes the runs of one component's days.
type bar struct {
	view
	history   []status.Stretch
	condition status.Condition
	counts    map[string]int // days by tone
}

// saying is what is said of a day, and of each day beside it of which the same is said.
type saying struct{ tone, text string }

func (b *bar) runs(days []status.Day) []run {
	var runs []run
	var last saying
	first := 0
	for i, d := range days {
		says := b.day(d, i == len(days)-1)
		b.counts[says.tone]++
		if i == 0 || says != last {
			runs, last, first = append(runs, run{Tone: says.tone, X: i}), says, i
		}
		r := &runs[len(runs)-1]
		r.Width = i - first + 1
		if says.text != "" {
			when := dates(days[first].Date, d.Date)
			if first == 0 && says.tone == toneNone {
				when = "until " + dates(d.Date, d.Date)
			}
			r.Title = when + ": " + says.text
		}
	}
	return runs
}

// day says what there is to say of a day; nothing of one on which all was well.
func (b *bar) day(d status.Day, today bool) saying {
	if !d.Known {
		return saying{toneNone, "No data"}
	}
	says := saying{tone: toneOf(d.Worst)}
	switch {
	case d.Worst == status.Operational:
		if len(d.Events) == 0 {
			return says
		}
		says.text = d.Worst.Label()
	case today && d.Worst == b.condition:
		says.text = d.Worst.Label()
	default:
		word := d.Worst.Label()
		if d.Worst == status.UnderMaintenance {
			word = "Planned maintenance"
		}
		says.text = word + ", " + brief(b.spent(d))
	}
	if titles := b.titles(d.Events); titles != "" {
		says.text += ". " + titles
	}
	return says
}

// spent is how much of a day was in its worst condition.
func (b *bar) spent(d status.Day) time.Duration {
	from := d.Date.In(b.zone)
	to := from.AddDate(0, 0, 1)
	var total time.Duration
	for _, s := range b.history {
		if s.Condition != d.Worst || !s.To.After(from) || !s.From.Before(to) {
			continue
		}
		begin, end := s.From, s.To
		if begin.Before(from) {
			begin = from
		}
		if to.Before(end) {
			end = to
		}
		total += end.Sub(begin)
	}
	return total
}

// titles are those of the day's events; of many, the first.
func (b *bar) titles(events []status.Subject) string {
	const most = 3
	var titles []string
	for _, s := range events[:min(most, len(events))] {
		e, ok := b.p.Event(s.ID)
		switch {
		case !ok:
		case e.Maintenance != nil:
			titles = append(titles, e.Maintenance.Title)
		default:
			titles = append(titles, e.Incident.Title)
		}
	}
	text := strings.Join(titles, "; ")
	if n := len(events) - most; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text
}

// summary is the bar in words, for who cannot see it.
func (b *bar) summary(uptime string) string {
	text := "no data"
	if b.counts[toneNone] < barDays {
		text = uptime + " uptime"
	}
	for _, c := range []status.Condition{status.MajorOutage, status.PartialOutage, status.DegradedPerformance, status.UnderMaintenance} {
		n := b.counts[toneOf(c)]
		if n == 0 {
			continue
		}
		what := strings.ToLower(c.Label())
		if c == status.UnderMaintenance {
			what = "planned maintenance"
		}
		text += ", " + plural(n, "day") + " with " + what
	}
	return text
}

// componentsNote says how the figures count; once, for all of them, where there are any.
func (v view) componentsNote() string {
	if !slices.ContainsFunc(v.p.Components, func(c status.Component) bool { return v.listed(c) && !c.HideUptime }) {
		return ""
	}
	if v.p.Page.MaintenanceCounts {
		return "The last 90 days, today at the right. Uptime counts planned maintenance as downtime."
	}
	return "The last 90 days, today at the right. Uptime does not count planned maintenance."
}
