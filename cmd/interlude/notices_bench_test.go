package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.org/interlude/mail"
	"example.org/interlude/notify"
	"example.org/interlude/store"
)

// BenchmarkTellingSubscribers tells INTERLUDE_BENCH_SUBSCRIBERS subscribers (100,000) by e-mail of one maintenance: a real
// process on SQLite, into Postfix's smtp-sink over 50 connections. Beside it, in the same run, smtp-source sends as many
// messages of the same size, keeping its 50 connections, as fast as it can: a load generator that keeps nothing.
// INTERLUDE_BENCH_PEER names a program that is measured too: it is given the address of the sink, the number of messages and
// their size in bytes, and ends when it has sent them, as a script that drives listmonk can.
func BenchmarkTellingSubscribers(b *testing.B) {
	count := 100_000
	if text := os.Getenv("INTERLUDE_BENCH_SUBSCRIBERS"); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	sink := startSink(b)
	for b.Loop() {
		name := filepath.Join(b.TempDir(), "bench.db")
		readers(b, name, count)
		config := filepath.Join(b.TempDir(), "notices.yaml")
		text := "mail:\n  from: Northwind Status <status@northwind.example>\n  relays: ['smtp://" + sink + "?connections=50']\n"
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		s := newServing(b, name, 1, "--notices", config)[0]
		db, err := store.Open(b.Context(), name)
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		began := time.Now()
		announce(b, s, time.Now().Add(48*time.Hour))
		b.ReportMetric(time.Since(began).Seconds(), "announce-s")
		f := awaitFanout(b, db, int64(count))
		ours := float64(count) / time.Since(began).Seconds()
		b.ReportMetric(ours, "ours-mails/s")
		b.ReportMetric(float64(peakMemory(b, s.process.Process.Pid))/1024, "ours-MB")
		size := letterSize(b, db)
		b.ReportMetric(float64(size), "bytes/mail")
		s.kill()
		bare := bareGenerator(b, sink, count, size)
		b.ReportMetric(bare, "smtp-source-mails/s")
		b.ReportMetric(ours/bare, "of-smtp-source")
		if peer := os.Getenv("INTERLUDE_BENCH_PEER"); peer != "" {
			theirs := timed(b, count, peer, sink, strconv.Itoa(count), strconv.Itoa(size))
			b.ReportMetric(theirs, "peer-mails/s")
			b.ReportMetric(ours/theirs, "of-peer")
		}
		b.Logf("%d told in %s", f.Sent, f.Latest.Sub(f.Began))
	}
}

// startSink runs Postfix's smtp-sink, which accepts and forgets, and gives its address.
func startSink(b *testing.B) string {
	b.Helper()
	program, err := exec.LookPath("smtp-sink")
	if err != nil {
		if program = "/usr/sbin/smtp-sink"; !there(program) {
			b.Skip("smtp-sink is not installed; it comes with Postfix")
		}
	}
	listener, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	args := []string{address, "1000"}
	if os.Getuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...)
	}
	sink := exec.CommandContext(b.Context(), program, args...)
	if err := sink.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = sink.Process.Kill(); _ = sink.Wait() })
	for range 100 {
		if conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", address); err == nil {
			_ = conn.Close()
			return address
		}
		<-time.After(20 * time.Millisecond)
	}
	b.Fatal("smtp-sink does not listen")
	return ""
}

func there(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// awaitFanout waits until all of the first notice are sent.
func awaitFanout(tb testing.TB, db *store.Store, want int64) notify.Fanout {
	tb.Helper()
	ctx, stop := context.WithTimeout(tb.Context(), 5*time.Minute)
	defer stop()
	for {
		progress, err := db.Progress(ctx, "", 0, 1)
		if err == nil && len(progress) == 1 && progress[0].Fanouts[0].Sent == want {
			return progress[0].Fanouts[0]
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			tb.Fatalf("got %+v and error %v in time, want %d sent", progress, err, want)
		}
	}
}

// peakMemory is the largest resident memory that a process has had, in KiB.
func peakMemory(tb testing.TB, pid int) int {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmHWM:" {
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				tb.Fatal(err)
			}
			return n
		}
	}
	tb.Fatal("the process shows no VmHWM")
	return 0
}

// letterSize is how long a message of the fan-out is.
func letterSize(b *testing.B, db *store.Store) int {
	b.Helper()
	n, err := db.Notice(b.Context(), 1)
	if err != nil {
		b.Fatal(err)
	}
	w := notify.Writer{From: mail.Mailbox{Local: "status", Domain: "northwind.example"}, FromName: "Northwind Status", Keys: notify.NewKeys(make([]byte, 32))}
	letter, err := w.Letter(&n, "")
	if err != nil {
		b.Fatal(err)
	}
	to := notify.Recipient{ID: "s00000000001", Channel: notify.Email, Address: readerAddress(10_000)}
	message, err := letter.Append(nil, w.Values(&n, notify.Delivery{Notice: 1, To: to, By: notify.Email}))
	if err != nil {
		b.Fatal(err)
	}
	return len(message)
}

// bareGenerator sends as many messages of a size with smtp-source, and tells how many a second.
func bareGenerator(b *testing.B, sink string, count, size int) float64 {
	b.Helper()
	return timed(b, count, "smtp-source", "-d", "-s", "50", "-m", strconv.Itoa(count), "-l", strconv.Itoa(size),
		"-f", "status@northwind.example", "-t", "reader@example.com", sink)
}

// timed runs a program that sends so many messages, and tells how many a second.
func timed(b *testing.B, count int, program string, args ...string) float64 {
	b.Helper()
	var said bytes.Buffer
	began := time.Now()
	sending := exec.CommandContext(b.Context(), program, args...)
	sending.Stderr = &said
	if err := sending.Run(); err != nil {
		b.Fatalf("%s: %v: %s", program, err, said.String())
	}
	return float64(count) / time.Since(began).Seconds()
}
