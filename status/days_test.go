package status

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var (
	ada      = Actor{Kind: Person, Name: "ada"}
	midnight = time.Date(2027, 1, 15, 0, 0, 0, 0, time.UTC)
)

// clock15 is a moment of January 15, 2027, given as "06:30".
func clock15(clock string) time.Time {
	t, err := time.Parse("15:04", clock)
	if err != nil {
		panic(err)
	}
	return midnight.Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute)
}

func stretches(history []Stretch) string {
	var all []string
	for _, s := range history {
		all = append(all, s.From.Format("15:04")+" "+string(s.Condition)+" "+s.To.Format("15:04"))
	}
	return strings.Join(all, ", ")
}

// worked is a maintenance of c that went through the given states at the given times.
func worked(moves ...any) Maintenance {
	m := Maintenance{ID: "m", State: Scheduled, Affects: []string{"c"}}
	for i := 0; i < len(moves); i += 2 {
		now, state := clock15(moves[i].(string)), moves[i+1].(State)
		var err error
		switch {
		case state == InProgress && m.State == Scheduled:
			m, _, err = m.Begin(now, ada, Post{})
		case state == InProgress:
			m, _, err = m.Reopen(now, ada, Post{})
		case state == Verifying:
			m, _, err = m.Verify(now, ada, Post{})
		case state == Completed:
			m, _, err = m.Complete(now, ada, Post{})
		default:
			m, _, err = m.Cancel(now, ada, Post{})
		}
		if err != nil {
			panic(err)
		}
	}
	return m
}

// told is an incident of c that was given conditions, "" for none, and was resolved where it says so.
func told(says ...any) Incident {
	i := Incident{ID: "i", State: Investigating, Began: clock15(says[0].(string)), Affects: []string{"c"}}
	for n := 0; n < len(says); n += 2 {
		say := Post{Body: "Something."}
		to := Investigating
		switch said := says[n+1].(type) {
		case Condition:
			if said != "" {
				say.Conditions = map[string]Condition{"c": said}
			}
		case State:
			to = said
		}
		var err error
		if i, _, err = i.Post(to, clock15(says[n].(string)), ada, say); err != nil {
			panic(err)
		}
	}
	return i
}

func TestHistoryFollowsSettingsAndClaims(t *testing.T) {
	set := func(clock string, c Condition) Setting { return Setting{"c", clock15(clock), c} }
	for _, c := range []struct {
		name         string
		component    Component
		settings     []Setting
		maintenances []Maintenance
		incidents    []Incident
		want         string
	}{
		{
			name: "a component that nothing happened to is operational",
			want: "00:00 operational 23:00",
		},
		{
			name:      "nothing is known before its creation",
			component: Component{Created: clock15("05:00")}, want: "05:00 operational 23:00",
		},
		{
			name:      "nor after its removal",
			component: Component{Removed: clock15("05:00")}, want: "00:00 operational 05:00",
		},
		{
			name:     "a setting holds until the next",
			settings: []Setting{set("02:00", MajorOutage), set("03:00", Operational), {"other", clock15("04:00"), MajorOutage}},
			want:     "00:00 operational 02:00, 02:00 major_outage 03:00, 03:00 operational 23:00",
		},
		{
			name:      "its own state is the last setting",
			component: Component{Condition: PartialOutage, SetAt: clock15("04:00")}, want: "00:00 operational 04:00, 04:00 partial_outage 23:00",
		},
		{
			name:         "a maintenance claims from beginning to end",
			maintenances: []Maintenance{worked("06:01", InProgress, "07:00", Verifying, "07:14", Completed)},
			want:         "00:00 operational 06:01, 06:01 under_maintenance 07:14, 07:14 operational 23:00",
		},
		{
			name:         "one under way goes on",
			maintenances: []Maintenance{worked("06:00", InProgress)}, want: "00:00 operational 06:00, 06:00 under_maintenance 23:00",
		},
		{
			name:         "one that was reopened claims twice",
			maintenances: []Maintenance{worked("06:00", InProgress, "07:00", Completed, "08:00", InProgress, "09:00", Completed)},
			want:         "00:00 operational 06:00, 06:00 under_maintenance 07:00, 07:00 operational 08:00, 08:00 under_maintenance 09:00, 09:00 operational 23:00",
		},
		{
			name:         "one that was canceled before it began claims nothing",
			maintenances: []Maintenance{worked("06:00", Canceled)}, want: "00:00 operational 23:00",
		},
		{
			name:         "one that was given up claims until then",
			maintenances: []Maintenance{worked("06:00", InProgress, "06:30", Canceled)},
			want:         "00:00 operational 06:00, 06:00 under_maintenance 06:30, 06:30 operational 23:00",
		},
		{
			name:         "a setting overrules what was claimed before it",
			settings:     []Setting{set("06:30", Operational)},
			maintenances: []Maintenance{worked("06:00", InProgress, "07:00", Completed)},
			want:         "00:00 operational 06:00, 06:00 under_maintenance 06:30, 06:30 operational 23:00",
		},
		{
			name:         "and is overruled by going back to work",
			settings:     []Setting{set("06:30", Operational)},
			maintenances: []Maintenance{worked("06:00", InProgress, "06:45", Verifying, "06:50", InProgress, "07:00", Completed)},
			want:         "00:00 operational 06:00, 06:00 under_maintenance 06:30, 06:30 operational 06:50, 06:50 under_maintenance 07:00, 07:00 operational 23:00",
		},
		{
			name:      "an incident claims what its updates say",
			incidents: []Incident{told("01:00", MajorOutage, "02:00", Condition(""), "03:00", DegradedPerformance, "04:00", Resolved)},
			want:      "00:00 operational 01:00, 01:00 major_outage 03:00, 03:00 degraded_performance 04:00, 04:00 operational 23:00",
		},
		{
			name:      "and again when it is reopened",
			incidents: []Incident{told("01:00", MajorOutage, "02:00", Resolved, "03:00", Condition(""), "04:00", Resolved)},
			want:      "00:00 operational 01:00, 01:00 major_outage 02:00, 02:00 operational 03:00, 03:00 major_outage 04:00, 04:00 operational 23:00",
		},
		{
			name:         "the worst of several is shown",
			maintenances: []Maintenance{worked("01:00", InProgress, "03:00", Completed)},
			incidents:    []Incident{told("02:00", PartialOutage, "04:00", Resolved)},
			want:         "00:00 operational 01:00, 01:00 under_maintenance 02:00, 02:00 partial_outage 04:00, 04:00 operational 23:00",
		},
		{
			name:         "a component is known from the first event that was entered for it",
			component:    Component{Created: clock15("12:00"), SetAt: clock15("12:00"), Condition: Operational},
			maintenances: []Maintenance{worked("06:00", InProgress, "07:00", Completed)},
			want:         "06:00 under_maintenance 07:00, 07:00 operational 23:00",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.component.ID = "c"
			got := stretches(History(c.component, c.settings, c.maintenances, c.incidents, midnight, clock15("23:00")))
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestHistoryEndsAMaintenanceWhenItWasMeasuredToEnd(t *testing.T) {
	m := worked("06:00", InProgress, "09:00", Completed)
	m.Ended = clock15("07:00") // the clock slept through the end
	got := stretches(History(Component{ID: "c"}, nil, []Maintenance{m}, nil, clock15("05:00"), clock15("10:00")))
	if want := "05:00 operational 06:00, 06:00 under_maintenance 07:00, 07:00 operational 10:00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// asOf is what was known at a moment.
func asOf(c Component, settings []Setting, m Maintenance, i Incident, now time.Time) (Component, []Maintenance, []Incident) {
	c.Condition, c.SetAt = Operational, time.Time{}
	for _, s := range settings {
		if !s.At.After(now) {
			c.Condition, c.SetAt = s.Condition, s.At
		}
	}
	m.State = Scheduled
	for n, u := range m.Updates {
		if u.At.After(now) {
			m.Updates = m.Updates[:n]
			break
		}
		m.State = u.State
	}
	i.State = Resolved
	for n, u := range i.Updates {
		if u.At.After(now) {
			i.Updates = i.Updates[:n]
			break
		}
		i.State = u.State
	}
	return c, []Maintenance{m}, []Incident{i}
}

func TestHistoryIsWhatReadersSawMinuteByMinute(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	times := func(n int) []string {
		minute, all := 0, make([]string, n)
		for i := range all {
			minute += 1 + random.IntN(80)
			all[i] = fmt.Sprintf("%02d:%02d", minute/60, minute%60)
		}
		return all
	}
	for range 80 {
		var settings []Setting
		for _, clock := range times(random.IntN(5)) {
			settings = append(settings, Setting{"c", clock15(clock), Conditions[random.IntN(5)]})
		}
		m := Maintenance{ID: "m", State: Scheduled, Affects: []string{"c"}}
		for _, clock := range times(random.IntN(9)) {
			if m.State == Canceled {
				break
			}
			moves := m.Moves(ada)
			m, _, _ = map[State]func(time.Time, Actor, Post) (Maintenance, Event, error){
				InProgress: m.Reopen, Verifying: m.Verify, Completed: m.Complete, Canceled: m.Cancel, Scheduled: m.Begin,
			}[begins(m.State, moves[random.IntN(len(moves))])](clock15(clock), ada, Post{})
		}
		i := Incident{ID: "i", State: Investigating}
		for _, clock := range times(random.IntN(9)) {
			say := Post{Body: "Something."}
			if random.IntN(2) == 0 {
				say.Conditions = map[string]Condition{"c": Conditions[random.IntN(5)]}
			}
			i, _, _ = i.Post([]State{Investigating, Monitoring, Resolved}[random.IntN(3)], clock15(clock), ada, say)
		}
		c := Component{ID: "c"}
		history := History(c, settings, []Maintenance{m}, []Incident{i}, midnight, clock15("20:00"))
		next := 0
		for now := midnight; now.Before(clock15("20:00")); now = now.Add(time.Minute) {
			b := Book{}
			component, maintenances, incidents := asOf(c, settings, m, i, now)
			b.Components, b.Maintenances, b.Incidents = []Component{component}, maintenances, incidents
			for !history[next].To.After(now) {
				next++
			}
			if got, want := history[next].Condition, b.Conditions()["c"]; got != want || history[next].From.After(now) {
				t.Fatalf("at %s: got %v of %s, want %s\nsettings %v\nmaintenance %v\nincident %v", now, got, stretches(history), want, settings, m.Updates, i.Updates)
			}
		}
	}
}

// begins tells the beginning of a maintenance from going back to work.
func begins(from, to State) State {
	if from == Scheduled && to == InProgress {
		return Scheduled
	}
	return to
}

func TestDaysCutTheHistoryAtTheZonesMidnight(t *testing.T) {
	berlin := mustZone(t, "Europe/Berlin")
	m := worked("22:30", InProgress, "23:30", Completed) // 23:30 to 00:30 in Berlin
	calendar := LastDays(Date{2027, 1, 16}, 3, berlin)
	history := History(Component{ID: "c", Created: clock15("00:00")}, nil, []Maintenance{m}, []Incident{told("23:00", MajorOutage, "23:10", Resolved)},
		calendar.From(), calendar.To())
	got := fmt.Sprint(calendar.Days(history, []Maintenance{m}, []Incident{told("23:00", MajorOutage, "23:10", Resolved)}))
	want := "[{2027-01-14  false 0s 0s []} {2027-01-15 under_maintenance true 0s 30m0s [{maintenance m}]}" +
		" {2027-01-16 major_outage true 10m0s 20m0s [{maintenance m} {incident i}]}]"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDaysAreAsLongAsTheZoneHasThem(t *testing.T) {
	for _, c := range []struct {
		name, zone string
		day        Date
		want       time.Duration
	}{
		{"an ordinary one", "Europe/Berlin", Date{2027, 1, 15}, 24 * time.Hour},
		{"summer time begins", "Europe/Berlin", Date{2027, 3, 28}, 23 * time.Hour},
		{"summer time ends", "Europe/Berlin", Date{2027, 10, 31}, 25 * time.Hour},
		{"half an hour of summer time", "Australia/Lord_Howe", Date{2027, 10, 3}, 23*time.Hour + 30*time.Minute},
		{"its midnight does not exist", "America/Santiago", Date{2027, 9, 5}, 23 * time.Hour},
		{"its midnight exists twice", "America/Havana", Date{2027, 11, 7}, 25 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			calendar := LastDays(c.day, 1, mustZone(t, c.zone))
			if got := calendar.To().Sub(calendar.From()); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			history := []Stretch{{calendar.From().Add(-time.Hour), calendar.To().Add(time.Hour), MajorOutage}}
			if got := calendar.Days(history, nil, nil)[0]; got.Down != c.want || got.Date != c.day {
				t.Errorf("got %v, want %s down on %s", got, c.want, c.day)
			}
		})
	}
}

func TestDaysListEventsOnEachDayThatTheyTouch(t *testing.T) {
	calendar := LastDays(Date{2027, 1, 16}, 3, nil)
	m := Maintenance{ID: "long", State: InProgress, Began: midnight.Add(-72 * time.Hour)}
	point := Incident{ID: "point", State: Resolved, Began: midnight, Ended: midnight}
	planned := Maintenance{ID: "planned", State: Scheduled}
	past := Incident{ID: "past", State: Resolved, Began: midnight.Add(-72 * time.Hour), Ended: calendar.From()}
	history := []Stretch{{calendar.From(), midnight.Add(time.Hour), Operational}}
	var got []string
	for _, d := range calendar.Days(history, []Maintenance{m, planned}, []Incident{point, past}) {
		got = append(got, fmt.Sprint(d.Events))
	}
	if want := "[{maintenance long}] [{maintenance long} {incident point}] []"; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestUptimeCountsByTheConvention(t *testing.T) {
	for _, c := range []struct {
		name     string
		of       Condition
		counts   bool
		fraction float64
	}{
		{"operational is up", Operational, true, 1},
		{"a major outage counts in full", MajorOutage, false, 0.9},
		{"a partial outage counts 30 %", PartialOutage, false, 0.97},
		{"degraded performance does not count", DegradedPerformance, true, 1},
		{"maintenance does not count by itself", UnderMaintenance, false, 1},
		{"maintenance counts where the page says so", UnderMaintenance, true, 0.9},
	} {
		t.Run(c.name, func(t *testing.T) {
			history := []Stretch{{clock15("00:00"), clock15("09:00"), Operational}, {clock15("09:00"), clock15("10:00"), c.of}}
			got, known := Uptime(history, c.counts)
			if !known || got < c.fraction-1e-9 || got > c.fraction+1e-9 {
				t.Errorf("got %v (known %v), want %v", got, known, c.fraction)
			}
		})
	}
	if _, known := Uptime(nil, false); known {
		t.Errorf("got a figure for no history, want none")
	}
}

func BenchmarkDaysOf500Components(b *testing.B) {
	zone := mustZone(b, "Europe/Berlin")
	last := Date{2027, 1, 16}
	m := []Maintenance{worked("06:00", InProgress, "07:00", Completed)}
	i := []Incident{told("02:00", PartialOutage, "04:00", Resolved)}
	for b.Loop() {
		calendar := LastDays(last, 90, zone)
		for n := range 500 {
			c := Component{ID: "c", Created: midnight.AddDate(-1, 0, 0)}
			var history []Stretch
			if n%10 == 0 {
				history = History(c, nil, m, i, calendar.From(), calendar.To())
				calendar.Days(history, m, i)
			} else {
				history = History(c, nil, nil, nil, calendar.From(), calendar.To())
				calendar.Days(history, nil, nil)
			}
			Uptime(history, false)
		}
	}
}

func TestAPastCountsFromTheStart(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	day := func(d int) Date { return Date{2027, time.January, d} }
	before := midnight.Add(-72 * time.Hour)
	down := told("02:00", MajorOutage, "03:00", Resolved)
	for _, c := range []struct {
		name      string
		component Component
		zone      *time.Location
		begins    time.Time // zero when nothing is known
	}{
		{"without one it begins with the first that is known of it", Component{ID: "c", Created: clock15("05:00")}, time.UTC, clock15("02:00")},
		{"an earlier one says that it was well", Component{ID: "c", Created: clock15("05:00"), Start: day(14)}, time.UTC, midnight.Add(-24 * time.Hour)},
		{"one of the same day begins at midnight", Component{ID: "c", Created: clock15("05:00"), Start: day(15)}, time.UTC, midnight},
		{"midnight is that of the zone", Component{ID: "c", Created: before, Start: day(15)}, berlin, midnight.Add(-time.Hour)},
		{"one before the time in question changes nothing", Component{ID: "c", Created: before, Start: day(1)}, time.UTC, before},
		{"a later one cuts what was", Component{ID: "c", Created: before, Start: day(16)}, time.UTC, time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			counted, from := c.component.Counted(before, c.zone)
			var begins time.Time
			history := History(counted, nil, nil, []Incident{down}, from, clock15("10:00"))
			if len(history) > 0 {
				begins = history[0].From
			}
			if !begins.Equal(c.begins) {
				t.Errorf("the history begins at %v, want %v", begins, c.begins)
			}
		})
	}
}
