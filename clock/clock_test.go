package clock

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var dawn = time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)

func TestADrivenClockRunsAtItsSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewDriven(dawn, 3600)
		<-time.After(time.Second)
		if got, want := c.Now(), dawn.Add(time.Hour); !got.Equal(want) {
			t.Errorf("got %s after a second, want %s", got, want)
		}
		c.Drive(0)
		<-time.After(time.Hour)
		if got, want := c.Now(), dawn.Add(time.Hour); !got.Equal(want) {
			t.Errorf("got %s from a clock that stands, want %s", got, want)
		}
	})
}

func TestWaitingFollowsHowTheClockIsDriven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewDriven(dawn, 0)
		var waiting sync.WaitGroup
		var came bool
		waiting.Go(func() { came = c.Wait(dawn.Add(time.Hour), nil) })
		synctest.Wait()
		c.Drive(60)
		<-time.After(30 * time.Second)
		c.Drive(1)
		synctest.Wait()
		c.Set(dawn.Add(2 * time.Hour))
		waiting.Wait()
		if !came {
			t.Error("got no moment, want it to come when the clock was set past it")
		}
		if got, want := c.Now(), dawn.Add(2*time.Hour); !got.Equal(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestWaitingEndsWhenItIsToldTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []interface {
			Now() time.Time
			Wait(time.Time, <-chan struct{}) bool
		}{System{}, NewDriven(dawn, 0)} {
			quit := make(chan struct{})
			var waiting sync.WaitGroup
			waiting.Go(func() {
				if c.Wait(c.Now().Add(24*time.Hour), quit) {
					t.Errorf("got the moment from %T, want to be told that it did not come", c)
				}
			})
			synctest.Wait()
			close(quit)
			waiting.Wait()
		}
	})
}

func TestTheSystemClockWaitsForTheMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := time.Now().Add(90 * time.Minute)
		if !(System{}).Wait(until, nil) || time.Now().Before(until) {
			t.Errorf("got back at %s, want %s or later", time.Now(), until)
		}
	})
}
