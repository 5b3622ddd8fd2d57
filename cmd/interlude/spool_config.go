package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"example.org/interlude/gate"
	"example.org/interlude/mail"
	"example.org/interlude/mx"
	"example.org/interlude/signature"
	"example.org/interlude/spool"
	"example.org/interlude/status"
)

// spoolConfig is where, and how much, a gate keeps of what it accepted.
type spoolConfig struct {
	Folder    string           `yaml:"folder"`
	Bytes     size             `yaml:"bytes"`
	Entries   amount           `yaml:"entries"`
	Entry     size             `yaml:"entry"`
	Memory    size             `yaml:"memory"`
	Spare     size             `yaml:"spare"`
	Age       lasting          `yaml:"age"`
	Remember  lasting          `yaml:"remember"`
	JetStream *jetStreamConfig `yaml:"jetstream"`
}

// jetStreamConfig is a journal on several machines.
type jetStreamConfig struct {
	Servers     []string `yaml:"servers"`
	Stream      string   `yaml:"stream"`
	Replicas    amount   `yaml:"replicas"`
	Credentials string   `yaml:"credentials"`
	User        string   `yaml:"user"`
	Password    string   `yaml:"password"`
	CA          string   `yaml:"ca"`
	Timeout     lasting  `yaml:"timeout"`
	Bytes       size     `yaml:"bytes"`
}

// handOverConfig is how what was accepted for one flow is handed over.
type handOverConfig struct {
	From     amount  `yaml:"from"`
	Rate     amount  `yaml:"rate"`
	InFlight amount  `yaml:"in_flight"`
	Again    lasting `yaml:"again"`
	Most     lasting `yaml:"most"`
}

// flow is what the spool is told of it.
func (h handOverConfig) flow(c spool.Courier) spool.Flow {
	return spool.Flow{
		Courier: c, From: int(h.From), Rate: int(h.Rate), InFlight: int(h.InFlight), Again: time.Duration(h.Again), Most: time.Duration(h.Most),
	}
}

// verifyConfig is who signs the requests that are queued.
type verifyConfig struct {
	Scheme    signature.Scheme `yaml:"scheme"`
	Secrets   []string         `yaml:"secrets"`
	Tolerance lasting          `yaml:"tolerance"`
	OnFailure gate.OnFailure   `yaml:"on_failure"`
}

// queue is the step that queues.
func (s *gateSettings) queue(at string, step stepConfig) gate.Queue {
	q := gate.Queue{Methods: step.Methods, Asked: step.Asked, Order: step.Order}
	if step.Body != nil {
		q.Body = int64(*step.Body)
	}
	v := step.Verify
	if v == nil {
		return q
	}
	secrets := make([]string, len(v.Secrets))
	for i, text := range v.Secrets {
		secrets[i] = s.secret(at+".verify.secrets["+strconv.Itoa(i)+"]", text)
	}
	var err error
	if q.Verify, err = signature.New(v.Scheme, secrets, cmp.Or(time.Duration(v.Tolerance), signature.DefaultTolerance)); err != nil {
		s.wrong(at+".verify", "cannot be: %v", err)
	}
	q.OnFailure = v.OnFailure
	return q
}

// keeps reports whether something is accepted for later, so that there has to be a spool.
func (s *gateSettings) keeps() bool {
	return s.Spool != nil || s.Mail != nil || s.Messages != nil || len(s.queuing()) > 0
}

// queuing are the flows that queue, by their place in the file.
func (s *gateSettings) queuing() map[string]handOverConfig {
	all := map[string]handOverConfig{}
	for i, f := range s.config.Flows {
		for _, step := range f.Interrupted {
			if step.Do == gate.DoQueue {
				all[f.Name] = s.Flows[i].HandOver
			}
		}
	}
	return all
}

// spoolSettings fills in what the file does not say of the spool.
func (s *gateSettings) fillInSpool() {
	if s.Spool == nil {
		s.Spool = &spoolConfig{}
	}
	s.Spool.Folder = s.near(s.Spool.Folder)
	if s.Spool.Folder == "" {
		s.Spool.Folder = filepath.Join(s.State, "spool")
	}
	js := s.Spool.JetStream
	if js == nil {
		return
	}
	js.Credentials, js.CA = s.near(js.Credentials), s.near(js.CA)
	js.User, js.Password = s.secret("spool.jetstream.user", js.User), s.secret("spool.jetstream.password", js.Password)
	if len(js.Servers) == 0 {
		s.wrong("spool.jetstream.servers", "is required: where the NATS servers are, such as [nats://10.0.0.1:4222]")
	}
	if js.Stream == "" {
		s.wrong("spool.jetstream.stream", "is required: the name of the stream, one for each gate, such as gate-1")
	}
}

// keepsLike refuses another configuration whose spool, or whose doors for mail and messages, are others: what is open there cannot
// change while the gate runs. A nil receiver is that nothing was in force.
func (s *gateSettings) keepsLike(next *gateSettings) error {
	if s == nil {
		return nil
	}
	for _, part := range []struct {
		field    string
		was, now any
	}{
		{"spool", s.Spool, next.Spool}, {"mail", s.Mail, next.Mail}, {"messages", s.Messages, next.Messages}, {"flows", s.queuing(), next.queuing()},
	} {
		if !reflect.DeepEqual(part.was, part.now) {
			return &status.Invalid{Field: part.field, Rule: "differs in what is accepted for later, which does not change while the gate runs: stop it and start it again"}
		}
	}
	return nil
}

// probes tell whether the mail servers are there.
func (s *gateSettings) probes() map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{}
	for _, d := range s.mailDoors() {
		to := s.mailServer("mail", d.Upstream)
		all[d.Flow] = func(ctx context.Context) error { return greeted(ctx, to) }
	}
	return all
}

// greeted reports why a mail server does not greet whoever connects (RFC 5321, 3.1); nil is that it does.
func greeted(ctx context.Context, to mx.Upstream) error {
	network := "tcp"
	if strings.HasPrefix(to.Address, "/") {
		network = "unix"
	}
	ctx, stop := context.WithTimeout(ctx, greetingTime)
	defer stop()
	conn, err := new(net.Dialer).DialContext(ctx, network, to.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if to.TLS == mail.Implicit || to.Proxy > 0 { // it says nothing before it has heard more
		return nil
	}
	deadline, _ := ctx.Deadline()
	greeting := make([]byte, 3)
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, greeting); err != nil {
		return fmt.Errorf("it does not greet: %w", err)
	}
	if string(greeting) != "220" {
		return fmt.Errorf("it greets with %q", greeting)
	}
	_, _ = io.WriteString(conn, "QUIT\r\n") // that it may be gone already is all one
	return nil
}

// greetingTime is how long a mail server that is asked whether it is there has to greet.
const greetingTime = 2 * time.Second

// limits are the spool's.
func (c *spoolConfig) limits() spool.Limits {
	return spool.Limits{
		Bytes: int64(c.Bytes), Entries: int64(c.Entries), Entry: int64(c.Entry), Memory: int64(c.Memory), Spare: int64(c.Spare),
		Age: time.Duration(c.Age), Remember: time.Duration(c.Remember),
	}
}

// unopened stands for the spool, with its flows, while a configuration is only read.
type unopened struct{ flows map[string]handOverConfig }

func (unopened) Accept(context.Context, spool.Entry) (spool.Receipt, error) {
	return spool.Receipt{}, spool.ErrClosed
}
func (unopened) Release(string)           {}
func (unopened) Hold(string)              {}
func (unopened) Behind(string) bool       { return false }
func (unopened) Busy(string, string) bool { return false }

// Figures are those of a spool that has nothing.
func (u unopened) Figures() map[string]spool.Figures {
	all := map[string]spool.Figures{}
	for flow := range u.flows {
		all[flow] = spool.Figures{}
	}
	return all
}

func (unopened) Item(context.Context, string) (spool.Item, error) {
	return spool.Item{}, spool.ErrClosed
}
