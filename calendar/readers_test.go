package calendar

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.org/interlude/status"
)

// Programs that other people wrote read what goes with an e-mail. scripts/setup installs them; a test whose program is
// missing is skipped or, where INTERLUDE_TEST_STRICT is 1, fails.

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("INTERLUDE_TEST_STRICT") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// runs gives what a program writes, in a home of its own.
func runs(t *testing.T, home string, in []byte, name string, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Stdin = home, strings.NewReader(string(in))
	c.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC", "TERM=dumb"}
	var said strings.Builder
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out, said.String())
	}
	return string(out)
}

func TestIcalendarReadsInvitations(t *testing.T) {
	const interpreter = "/usr/bin/python3"
	if err := exec.CommandContext(t.Context(), interpreter, "-c", "import icalendar").Run(); err != nil {
		missing(t, interpreter+" has no icalendar: run scripts/setup")
	}
	const script = `import icalendar, json, sys
c = icalendar.Calendar.from_ical(sys.stdin.buffer.read())
e, = c.walk("VEVENT")
print(json.dumps([str(c["METHOD"]), str(e["UID"]), str(e["SUMMARY"]), e.decoded("DTSTART").isoformat(), e.decoded("DTEND").isoformat(), str(e["STATUS"]), len(c.errors) + len(e.errors)]))`
	m := upgrade()
	for want, m := range map[string]status.Maintenance{
		`["PUBLISH","m1@interlude","Database upgrade; part 1, of 2","2027-01-15T06:00:00+00:00","2027-01-15T07:00:00+00:00","CONFIRMED",0]`:          m,
		`["CANCEL","m1@interlude","Canceled: Database upgrade; part 1, of 2","2027-01-15T06:00:00+00:00","2027-01-15T07:00:00+00:00","CANCELLED",0]`: after(t, m, status.Maintenance.Cancel, announced.Add(time.Hour)),
	} {
		var read []any
		out := runs(t, t.TempDir(), invitation(t, m), interpreter, "-c", script)
		if err := json.Unmarshal([]byte(out), &read); err != nil {
			t.Fatalf("%v: %.500s", err, out)
		}
		if got, err := json.Marshal(read); err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}

func TestKhalKeepsOneEntryThroughAllInvitations(t *testing.T) {
	khal, err := exec.LookPath("khal")
	if err != nil {
		missing(t, "khal is not installed: run scripts/setup")
	}
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "calendar"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(home, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("config", []byte("[calendars]\n[[status]]\npath = "+filepath.Join(home, "calendar")+"\n[locale]\nlocal_timezone = Europe/Berlin\ndefault_timezone = Europe/Berlin\n"+
		"timeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\ndatetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n[sqlite]\npath = "+filepath.Join(home, "khal.db")+"\n"))
	moved := upgrade()
	moved.Window, moved.Version = status.Window{Start: start.Add(24 * time.Hour), End: start.Add(25 * time.Hour)}, 2
	for _, step := range []struct {
		m    status.Maintenance
		want string
	}{
		{upgrade(), "2027-01-15 07:00 2027-01-15 08:00 Database upgrade; part 1, of 2"},
		{moved, "2027-01-16 07:00 2027-01-16 08:00 Database upgrade; part 1, of 2"},
		{after(t, moved, status.Maintenance.Cancel, announced.Add(time.Hour)), "2027-01-16 07:00 2027-01-16 08:00 Canceled: Database upgrade; part 1, of 2"},
	} {
		write("invitation.ics", invitation(t, step.m))
		runs(t, home, nil, khal, "-c", "config", "import", "--batch", "-a", "status", "invitation.ics")
		out := runs(t, home, nil, khal, "-c", "config", "list", "--once", "-df", "", "-f", "{start-long} {end-long} {title}", "2027-01-01", "2027-12-31")
		if got := strings.TrimSpace(out); got != step.want {
			t.Errorf("got %q, want %q alone", got, step.want)
		}
	}
}
