package page

import (
	"math"
	"strconv"
	"time"

	"example.org/interlude/status"
)

// track is the window as a ruler: announced, gone by, run over. Its marks carry their times, so that the script can
// move them; the places are as of now.
type track struct {
	Start, End string
	// Until is where a newer estimate ends it, empty without one.
	Until string
	// Percent is how much of it has gone by, and Words what is left.
	Percent int
	Words   string
	Marks   []mark
	Flags   []flag
	// From and To are written below its ends.
	From, To string
}

// mark is a part of the track. To empty is now, "last" the end of the track.
type mark struct{ Class, From, To, X, Width string }

// flag is a moment of the track with a line and its name above.
type flag struct{ At, X, Anchor, Text string }

// track draws the window of a maintenance that is under way.
func (v view) track(m *status.Maintenance) *track {
	start, began := m.Window.Start, m.Began
	if began.IsZero() { // one that was reopened after a record without a beginning
		began = start
	}
	if began.Before(start) {
		start = began
	}
	end, last := m.Window.End, m.Window.End
	t := &track{
		Start: iso(start), End: iso(end), Words: countText(left, end.Sub(v.now)),
		From: v.clock(start), To: v.clockZone(end),
	}
	if m.Estimate.After(end) {
		t.Until, last = iso(m.Estimate), m.Estimate
		t.To = "new estimate " + v.clockZone(m.Estimate)
	}
	if v.now.After(last) {
		last, t.To = v.now, ""
	}
	if !v.sameDay(start, last) {
		t.From = start.In(v.zone).Format("January 2, ") + t.From
	}
	line := ruler{start, last}
	t.Percent = int(math.Round(line.percent(v.now)))
	t.Marks = append(t.Marks, line.mark("whole", m.Window.Start, end, iso(end)))
	if last.After(end) {
		t.Marks = append(t.Marks, line.mark("over", end, last, "last"))
		t.Flags = append(t.Flags, line.flag(end, "announced end "+v.clock(end)))
	} else if was := m.Announced.End; was.Before(end) && was.After(start) && m.Announced.Start.Equal(m.Window.Start) {
		t.Flags = append(t.Flags, line.flag(was, "first announced end "+v.clock(was)))
	}
	t.Marks = append(t.Marks, line.mark("done", began, v.now, ""))
	return t
}

// ruler places moments between two ends, in percent.
type ruler struct{ from, to time.Time }

func (r ruler) percent(t time.Time) float64 {
	whole := r.to.Sub(r.from).Seconds()
	if whole <= 0 {
		return 0
	}
	return min(100, max(0, t.Sub(r.from).Seconds()/whole*100))
}

func percentText(p float64) string { return strconv.FormatFloat(p, 'g', 4, 64) + "%" }

func (r ruler) mark(class string, from, to time.Time, until string) mark {
	x := r.percent(from)
	return mark{class, iso(from), until, percentText(x), percentText(max(0, r.percent(to)-x))}
}

func (r ruler) flag(at time.Time, text string) flag {
	x := r.percent(at)
	f := flag{At: iso(at), X: percentText(x), Text: text, Anchor: "middle"}
	// Words near an end of the track run towards its middle, so that none leave the card.
	switch {
	case x > 75:
		f.Anchor = "end"
	case x < 25:
		f.Anchor = "start"
	}
	return f
}
