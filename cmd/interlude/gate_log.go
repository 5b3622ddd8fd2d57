package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"example.org/interlude/gate"
)

// accessLog writes one line of JSON for each request. Requests never wait for it: lines go into memory, and a goroutine
// writes them out. What the memory does not take, because the disk is full or nobody reads the pipe, is counted and lost.
type accessLog struct {
	log   *slog.Logger
	lines slog.Handler
	on    atomic.Bool

	mu      sync.Mutex
	waiting []byte
	dropped int64
	kick    chan struct{}

	out   sync.Mutex // held while something is written or the target is exchanged
	to    io.WriteCloser
	spare []byte
}

// The bounds of what waits in memory, in bytes: from mostly on it is written at once, and above most it is dropped.
const (
	mostlyWaiting = 64 << 10
	mostWaiting   = 8 << 20
)

// newAccessLog makes a log that is off until it has a target.
func newAccessLog(log *slog.Logger) *accessLog {
	a := &accessLog{log: log, kick: make(chan struct{}, 1)}
	a.lines = slog.NewJSONHandler(lineBuffer{a}, &slog.HandlerOptions{ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
		if attr.Key == slog.LevelKey || attr.Key == slog.MessageKey {
			return slog.Attr{}
		}
		return attr
	}})
	return a
}

// openLog opens what access_log names: a file, standard output, or nothing. A file is opened by its name each time, so that
// a program which rotates logs may rename the one before.
func openLog(name string, stdout io.Writer) (io.WriteCloser, error) {
	switch name {
	case logOff:
		return nil, nil
	case logStdout:
		return unclosed{stdout}, nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	return f, nil
}

// unclosed is a writer that is somebody else's to close.
type unclosed struct{ io.Writer }

// Close leaves it open.
func (unclosed) Close() error { return nil }

// target has the lines go somewhere else from now on; nil is nowhere. What waits still goes where it went, and if nobody
// reads there, the exchange is made in the background.
func (a *accessLog) target(to io.WriteCloser) {
	a.on.Store(to != nil)
	exchange := func() {
		a.flush()
		a.out.Lock()
		defer a.out.Unlock()
		if a.to != nil {
			_ = a.to.Close() // what was written is written
		}
		a.to = to
	}
	if !a.promptly(exchange) {
		a.log.Warn("nobody reads the access log; what follows goes elsewhere once somebody does")
	}
}

// promptly does what may have to wait for somebody who reads the log, and reports whether it is done already.
func (a *accessLog) promptly(act func()) bool {
	done := make(chan struct{})
	go func() { // it outlives this function only if a write is stuck
		defer close(done)
		act()
	}()
	select {
	case <-done:
		return true
	case <-time.After(lastLines):
		return false
	}
}

// lastLines bounds how long others wait for somebody who does not read the log.
const lastLines = 2 * time.Second

// lineBuffer takes the lines that the handler makes, one by each call.
type lineBuffer struct{ a *accessLog }

// Write keeps a line if there is room.
func (b lineBuffer) Write(line []byte) (int, error) {
	a := b.a
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting)+len(line) > mostWaiting {
		a.dropped++
		return len(line), nil
	}
	a.waiting = append(a.waiting, line...)
	if len(a.waiting) > mostlyWaiting {
		select {
		case a.kick <- struct{}{}:
		default:
		}
	}
	return len(line), nil
}

// note writes down what became of a request. The query is left out: people put secrets there.
func (a *accessLog) note(ctx context.Context, x gate.Exchange) {
	if !a.on.Load() {
		return
	}
	r, client := x.Request, ""
	if x.Client.IsValid() {
		client = x.Client.String()
	}
	line := slog.NewRecord(x.Began.UTC(), slog.LevelInfo, "", 0)
	line.AddAttrs(
		slog.String("client", client), slog.String("method", r.Method), slog.String("host", r.Host), slog.String("path", r.URL.Path),
		slog.Int("status", x.Status), slog.Int64("bytes", x.Bytes), slog.Float64("took_ms", milliseconds(x.Took)),
		slog.Float64("waited_ms", milliseconds(x.Waited)), slog.String("flow", x.Flow), slog.String("outcome", x.Outcome),
		slog.String("request", x.ID), slog.Int("attempts", x.Attempts), slog.String("proto", r.Proto),
		slog.String("user_agent", r.UserAgent()), slog.String("referer", refererHost(r.Referer())),
	)
	if span := trace.SpanContextFromContext(ctx); span.IsSampled() {
		line.AddAttrs(slog.String("trace", span.TraceID().String()))
	}
	_ = a.lines.Handle(ctx, line) // lineBuffer takes everything
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// refererHost is where somebody comes from, without what that address tells of them.
func refererHost(referer string) string {
	u, err := url.Parse(referer)
	if err != nil {
		return ""
	}
	return u.Host
}

// lost is how many lines were dropped.
func (a *accessLog) lost() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.dropped
}

// run writes out each second what waits, until ctx ends. What is left then is close's to write.
func (a *accessLog) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-a.kick:
		}
		a.flush()
	}
}

// flush writes out what waits.
func (a *accessLog) flush() {
	a.out.Lock()
	defer a.out.Unlock()
	a.mu.Lock()
	lines := a.waiting
	a.waiting, a.spare = a.spare[:0], lines
	a.mu.Unlock()
	if len(lines) == 0 || a.to == nil {
		return
	}
	if _, err := a.to.Write(lines); err != nil {
		a.log.Error("the access log cannot be written; lines are lost", "error", err)
	}
}
