package notify

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

var noon = time.Date(2027, 1, 15, 12, 0, 0, 0, time.UTC)

func refusedFor(t *testing.T, err error) time.Duration {
	t.Helper()
	var many *TooMany
	if err == nil {
		return 0
	}
	if !errors.As(err, &many) {
		t.Fatalf("got %v, want a refusal for a limit", err)
	}
	return many.After
}

func TestOneNetworkAppliesTenTimesAnHour(t *testing.T) {
	var l limits
	for n := range 5 {
		if wait := refusedFor(t, l.admit(noon, fmt.Sprintf("2001:db8:1:2::%d", n+1), "")); wait != 0 {
			t.Fatalf("application %d: got refused for %s, want it taken", n+1, wait)
		}
	}
	for range 3 { // what is refused does not count
		if wait := refusedFor(t, l.admit(noon, "2001:db8:1:2:ffff::1", "")); wait != 6*time.Minute {
			t.Errorf("got refused for %s, want 6m: the network is the same", wait)
		}
	}
	for _, other := range []string{"2001:db8:1:3::1", "192.0.2.1", "192.0.2.2", "::ffff:192.0.2.3", "unix"} {
		if wait := refusedFor(t, l.admit(noon, other, "")); wait != 0 {
			t.Errorf("%s: got refused for %s, want another network taken", other, wait)
		}
	}
	if wait := refusedFor(t, l.admit(noon.Add(6*time.Minute), "2001:db8:1:2::9", "")); wait != 0 {
		t.Errorf("got refused for %s after six minutes, want it taken", wait)
	}
	for range 5 {
		_ = l.admit(noon, "192.0.2.9", "")
	}
	if wait := refusedFor(t, l.admit(noon, "::ffff:192.0.2.9", "")); wait == 0 {
		t.Error("got an address of IPv4 taken in the form of IPv6, want it to be the same network")
	}
}

func TestOneHostIsNamedThirtyTimesAnHour(t *testing.T) {
	var l limits
	for n := range 10 {
		if wait := refusedFor(t, l.admit(noon, fmt.Sprintf("192.0.2.%d", n), "example.com")); wait != 0 {
			t.Fatalf("application %d: got refused for %s, want it taken", n+1, wait)
		}
	}
	if wait := refusedFor(t, l.admit(noon, "192.0.2.99", "example.com")); wait != 2*time.Minute {
		t.Errorf("got refused for %s, want 2m", wait)
	}
	if wait := refusedFor(t, l.admit(noon, "192.0.2.99", "example.org")); wait != 0 {
		t.Errorf("got refused for %s, want another host taken", wait)
	}
}

func TestAllTogetherApplySixtyTimesAMinute(t *testing.T) {
	var l limits
	for n := range 60 {
		if wait := refusedFor(t, l.admit(noon, fmt.Sprintf("192.0.2.%d", n), "")); wait != 0 {
			t.Fatalf("application %d: got refused for %s, want it taken", n+1, wait)
		}
	}
	for range 10 {
		if wait := refusedFor(t, l.admit(noon, "198.51.100.1", "")); wait != time.Second {
			t.Errorf("got refused for %s, want 1s", wait)
		}
	}
	// The refusals above did not use up what that network may have.
	for n := range 5 {
		if wait := refusedFor(t, l.admit(noon.Add(time.Minute), "198.51.100.1", "")); wait != 0 {
			t.Errorf("application %d a minute later: got refused for %s, want it taken", n+1, wait)
		}
	}
}

func TestNetworksAreForgottenWhenThereAreTooMany(t *testing.T) {
	var l limits
	for n := range 3 * mostLimited {
		_ = l.admit(noon, fmt.Sprintf("2001:db8:%x:%x::1", n>>16, n&0xffff), "")
	}
	if got := len(l.clients); got > mostLimited {
		t.Errorf("got %d networks remembered, want %d at most", got, mostLimited)
	}
}

func TestARefusalSaysWhenToTryAgain(t *testing.T) {
	if got, want := (&TooMany{After: 90 * time.Second}).Error(), "too many subscriptions were asked for; try again in 1m30s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
