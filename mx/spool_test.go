package mx

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"example.org/interlude/mail"
	"example.org/interlude/spool"
)

// durable opens a real spool on files.
func durable(t testing.TB, flows map[string]spool.Flow) *spool.Spool {
	t.Helper()
	dir := t.TempDir()
	files, err := spool.OpenFiles(filepath.Join(dir, "journal"), spool.FilesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := spool.Open(t.Context(), spool.Config{Journal: files, Index: filepath.Join(dir, "index"), Flows: flows})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-done
		s.Close()
		files.Close()
	})
	return s
}

// late is a courier that is known after its spool.
type late struct{ spool.Courier }

func (l *late) Deliver(ctx context.Context, e spool.Entry) spool.Outcome {
	return l.Courier.Deliver(ctx, e)
}

func TestMailWaitsOutAnInterruption(t *testing.T) {
	p := behind(t, func(p *product) {
		p.onRcpt = func(to string) error {
			if to == "gone@example.com" {
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such user"}
			}
			return nil
		}
	})
	sender := behind(t, nil)
	in, out := &late{}, &late{}
	s := durable(t, map[string]spool.Flow{"inbound": {Courier: in}, "outgoing": {Courier: out}})
	toProduct := &Courier{Name: "mx.example.com", Upstream: Upstream{Relay: mail.Relay{Address: p.address}}, Spool: s, Bounces: "outgoing"}
	toWorld := &Courier{Name: "mx.example.com", Upstream: Upstream{Relay: mail.Relay{Address: sender.address}}, Spool: s}
	t.Cleanup(toProduct.Close)
	t.Cleanup(toWorld.Close)
	in.Courier, out.Courier = toProduct, toWorld
	s.Release("outgoing")
	r := stand(t, p.address, func(r *rig) { r.Spool = s })

	r.interrupted.Store(true)
	for n := range 20 {
		if err := send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, fmt.Sprintf("Subject: %02d\r\n\r\n", n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := send(r.address, "ann@client.example", nil, []string{"bob@example.com", "gone@example.com"}, "Subject: two\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r.interrupted.Store(false)
	s.Release("inbound")
	if err := send(r.address, "ann@client.example", nil, []string{"bob@example.com"}, "Subject: 20\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	until(t, "all are delivered, and a report is", func() bool { return len(p.all()) == 22 && len(sender.all()) == 1 })
	n := 0
	for _, l := range p.all() {
		if len(l.message) == 0 || strings.Contains(l.message, "Subject: two") {
			continue
		}
		if want := fmt.Sprintf("Subject: %02d\r\n\r\n", n); !strings.HasSuffix(l.message, want) {
			t.Errorf("got %q, want %q in its place", l.message, want)
		}
		n++
	}
	if b, err := mail.ReadBounce(strings.NewReader(sender.only(t).message)); err != nil || b.Recipients[0].Address != "gone@example.com" {
		t.Errorf("got %+v and %v, want a report of gone", b, err)
	}
}

func TestOutgoingMailLeavesWhenItIsDue(t *testing.T) {
	world := behind(t, nil)
	c := &Courier{Upstream: Upstream{Relay: mail.Relay{Address: world.address}}}
	s := durable(t, map[string]spool.Flow{"outgoing": {Courier: c}})
	c.Spool = s
	t.Cleanup(c.Close)
	s.Release("outgoing")
	address, _, _ := opened(t, (&Outgoing{Flow: "outgoing", Spool: s, Trusted: here}).Run)
	due := time.Now().Add(300 * time.Millisecond)
	later := "Deliver-At: " + due.Format(time.RFC3339Nano) + "\r\nSubject: later\r\n\r\n"
	for _, message := range []string{later, "Subject: now\r\n\r\n"} {
		if err := send(address, "app@example.com", nil, []string{"ann@elsewhere.example"}, message); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "both are delivered", func() bool { return len(world.all()) == 2 })
	if early := time.Until(due); early > 0 {
		t.Errorf("got it %s early", early)
	}
	if all := world.all(); !strings.HasSuffix(all[0].message, "Subject: now\r\n\r\n") || !strings.HasSuffix(all[1].message, "\r\nSubject: later\r\n\r\n") {
		t.Errorf("got %+v, want now and then later", all)
	}
}

// BenchmarkInbound keeps mails of 4 KiB, sent in 20 sessions, in a real spool on files.
func BenchmarkInbound(b *testing.B) {
	const sessions = 20
	s := durable(b, map[string]spool.Flow{"inbound": {Courier: &late{}}})
	r := stand(b, nowhere(b), func(r *rig) { r.Spool = s; r.interrupted.Store(true) })
	message := "Subject: bench\r\n\r\n" + strings.Repeat(strings.Repeat("x", 62)+"\r\n", 64)
	jobs := make(chan int)
	var work sync.WaitGroup
	for range sessions {
		work.Go(func() {
			c, err := smtp.Dial(r.address)
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			for n := range jobs {
				if err := c.SendMail(fmt.Sprintf("a%d@client.example", n), []string{"bob@example.com"}, strings.NewReader(message)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.SetBytes(int64(len(message)))
	for n := 0; b.Loop(); n++ {
		jobs <- n
	}
	close(jobs)
	work.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}
