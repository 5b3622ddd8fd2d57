package lease

import (
	"testing"
	"time"
)

func TestALeaseIsTakenRenewedAndTakenOver(t *testing.T) {
	now := time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		term Term
		node string
		now  time.Time
		held bool
	}{
		{"a lease that nobody holds is taken", Term{}, "one", now, true},
		{"its holder renews it", Term{"one", now.Add(time.Second)}, "one", now, true},
		{"another node waits", Term{"one", now.Add(time.Second)}, "two", now, false},
		{"it is free at the moment it runs out", Term{"one", now}, "two", now, true},
		{"one that lies too far ahead was written by a wrong clock", Term{"one", now.Add(time.Hour)}, "two", now, true},
		{"one of full length is respected", Term{"one", now.Add(TTL)}, "two", now, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, held := tt.term.Take(tt.node, tt.now, TTL)
			want := tt.term
			if tt.held {
				want = Term{tt.node, tt.now.Add(TTL)}
			}
			if held != tt.held || got != want {
				t.Errorf("got %v and held %v, want %v and %v", got, held, want, tt.held)
			}
		})
	}
}
