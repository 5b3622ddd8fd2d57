package page

import (
	"encoding/json"
	"net/http"
	"time"
)

const (
	// mostStreams bounds the live streams of one process; more readers reload as if they had no JavaScript.
	mostStreams = 20_000
	// heartbeat keeps proxies from closing a silent stream, and finds readers that have gone.
	heartbeat = 25 * time.Second
	// writing bounds one message to a slow reader.
	writing = 10 * time.Second
)

// tidings are what a live stream tells: that there is another version, and what time it is.
type tidings struct {
	Version string  `json:"version"`
	Now     string  `json:"now"`
	Speed   float64 `json:"speed"`
	// Within is the time, in milliseconds, over which readers spread their asking for the new version.
	Within int64 `json:"within,omitzero"`
}

// A crowd asks over mostWithin milliseconds, a tenth of one for each reader: ten thousand a second at first, and few
// readers at once.
const (
	mostWithin   = 300
	readersPerMS = 10
)

// serveLive is the event stream (HTML Standard, 9.2): one message at once and one for each new edition. A reader
// that is slow skips editions rather than queueing them.
func (s *Site) serveLive(w http.ResponseWriter, r *http.Request) {
	if s.streams.Add(1) > mostStreams {
		s.streams.Add(-1)
		w.Header().Set("Retry-After", "60")
		http.Error(w, "too many live readers; the page itself is up", http.StatusServiceUnavailable)
		return
	}
	defer s.streams.Add(-1)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx buffers otherwise
	out := http.NewResponseController(w)
	beat := heartbeat
	if s.clock.Speed() != 1 {
		beat = time.Second // a driven clock changes its speed; the reader's follows
	}
	timer := time.NewTimer(beat)
	defer timer.Stop()
	for {
		e := s.edition.Load()
		if err := out.SetWriteDeadline(time.Now().Add(writing)); err != nil {
			return
		}
		if _, err := w.Write(s.message(e)); err != nil || out.Flush() != nil {
			return
		}
		timer.Reset(beat)
		select {
		case <-e.replaced:
		case <-timer.C:
		case <-r.Context().Done():
			return
		case <-s.closing:
			return
		}
	}
}

func (s *Site) message(e *edition) []byte {
	data, _ := json.Marshal(tidings{ // strings and a number always marshal
		Version: e.version, Now: s.clock.Now().Format(time.RFC3339Nano), Speed: s.clock.Speed(),
		Within: min(mostWithin, s.streams.Load()/readersPerMS),
	})
	return append(append([]byte("event: page\ndata: "), data...), "\n\n"...)
}
