package status

import (
	"testing"
	"time"
)

func TestDurationsAreReadAsTheyAreWritten(t *testing.T) {
	tests := map[string]string{
		"90s": "1m30s", "10s": "10s", "100s": "1m40s", "5m": "5m", "60m": "1h", "48h": "48h", "2d": "48h", "1w": "168h",
		"1d12h": "36h", "1h30m": "1h30m", "1h0m10s": "1h0m10s", "1500ms": "1.5s", "0s": "0s",
	}
	for text, want := range tests {
		d, err := ParseDuration(text)
		if err != nil || d.String() != want {
			t.Errorf("got %s and %v for %q, want %s", d, err, text, want)
		}
	}
	if d, err := ParseDuration(" 5m "); err != nil || d != Duration(5*time.Minute) {
		t.Errorf("got %s and %v with spaces around it, want 5m", d, err)
	}
	for _, wrong := range []string{"", "5", "five minutes", "-5m", "-1d", "1.5d", "d", "5m d", "99999999d", "1h-30m"} {
		if d, err := ParseDuration(wrong); err == nil {
			t.Errorf("got %s for %q, want a refusal", d, wrong)
		}
	}
}

func FuzzDuration(f *testing.F) {
	f.Add(int64(90 * time.Second))
	f.Add(int64(time.Hour + 10*time.Second))
	f.Fuzz(func(t *testing.T, n int64) {
		if n < 0 {
			return
		}
		d := Duration(n)
		if back, err := ParseDuration(d.String()); err != nil || back != d {
			t.Errorf("got %d and %v from %q, want %d", back, err, d, d)
		}
	})
}
