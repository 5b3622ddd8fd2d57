package status

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTheAnnouncedEndMayMoveToEarlierAsLongAsItIsToCome(t *testing.T) {
	b := newBook()
	_, _ = applied(t, b, start.Add(-72*time.Hour), maintenance(MaintenanceDocument{Key: "m", Title: "M", Window: Window{start, end}}))
	m, _ := b.Maintenance("m")
	if _, _, err := m.Shorten(end.Add(-time.Minute), start, operator, Post{}); !errors.As(err, new(*Illegal)) {
		t.Errorf("got %v before it has begun, want a refusal", err)
	}
	m, e, err := m.Begin(start, operator, Post{})
	m = must(t, m, e, err)
	now := start.Add(30 * time.Minute)
	for _, to := range []time.Time{now, now.Add(-time.Minute), end, end.Add(time.Minute)} {
		if _, _, err := m.Shorten(to, now, operator, Post{}); !errors.As(err, new(*Invalid)) {
			t.Errorf("got %v for an end at %s, want a refusal", err, to)
		}
	}
	to := end.Add(-10 * time.Minute)
	shorter, e, err := m.Shorten(to, now, operator, Post{Body: "All goes well."})
	if err != nil || !shorter.Window.End.Equal(to) || !shorter.Announced.End.Equal(end) || !e.Was.End.Equal(end) || !e.Told {
		t.Errorf("got %+v, %+v and %v", shorter.Window, e, err)
	}
	if body := shorter.Updates[len(shorter.Updates)-1].Body; !strings.HasPrefix(body, "All goes well.") || !strings.Contains(body, "earlier than announced") {
		t.Errorf("got %q, want the words given and the new end", body)
	}
}

func TestTimesThatNobodyCanWriteAreRefused(t *testing.T) {
	for _, w := range []Window{
		{time.Date(9999, 12, 30, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -12*3600))},
		{time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), end},
	} {
		if err := w.Validate(); !errors.As(err, new(*Invalid)) {
			t.Errorf("%s: got %v, want a refusal", w, err)
		}
	}
}

func TestWhatWasMeasuredMovesWithItsUpdateOnly(t *testing.T) {
	b := newBook()
	_, _ = applied(t, b, start.Add(-72*time.Hour), maintenance(MaintenanceDocument{Key: "m", Title: "M", Window: Window{start, end}, Begin: Automatic}))
	b.Tick(start.Add(5 * time.Second)) // the clock was late, and the work was not
	m, _ := b.Maintenance("m")
	m, err := b.Transit(m, Maintenance.Complete, Post{}, end.Add(-10*time.Minute), operator)
	if err != nil {
		t.Fatal(err)
	}
	earlier := end.Add(-12 * time.Minute)
	if err := b.Correct(m.Subject(), m.Updates[2].ID, Correction{At: &earlier}, end, operator); err != nil {
		t.Fatal(err)
	}
	later := start.Add(time.Minute)
	if err := b.Correct(m.Subject(), m.Updates[1].ID, Correction{At: &later}, end, operator); err != nil {
		t.Fatal(err)
	}
	m, _ = b.Maintenance("m")
	if !m.Ended.Equal(earlier) || !m.Began.Equal(start) {
		t.Errorf("got %s to %s, want the end moved with its update, and the beginning as it was measured", m.Began, m.Ended)
	}
	if u := m.Updates[2]; !u.First.Equal(end.Add(-10*time.Minute)) || u.Edited.IsZero() {
		t.Errorf("got %+v, want when it was first posted kept", u)
	}
}
