package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"example.org/interlude/gate"
	"example.org/interlude/messages"
	"example.org/interlude/mx"
	"example.org/interlude/spool"
	"example.org/interlude/spool/desk"
	"example.org/interlude/spool/jetstream"
)

// storeroom is a gate's spool with what is around it: its journal, those who hand over, and the desk of operators.
type storeroom struct {
	spool   *spool.Spool
	journal closingJournal
	desk    http.Handler
	// mail hands over the mail of each of its flows, and messages takes what is to be delivered at a time; nil without.
	mail     map[string]*mx.Courier
	messages *messages.API

	stop context.CancelFunc
	done chan struct{} // closed when nothing is handed over any more
}

// closingJournal is a journal that was opened here.
type closingJournal interface {
	spool.Journal
	Close() error
}

// openStoreroom opens the spool of a configuration, or returns nil where nothing is kept. Nothing is handed over before run.
func openStoreroom(ctx context.Context, s *gateSettings, whose func() *gate.Gate, log *slog.Logger) (*storeroom, error) {
	if !s.keeps() {
		return nil, nil
	}
	if err := os.MkdirAll(s.State, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the state: %w", err)
	}
	r := &storeroom{mail: map[string]*mx.Courier{}, done: make(chan struct{})}
	token, err := deskToken(s.State)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.Spool.Folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the spool: %w", err)
	}
	reserve, err := spool.OpenReserve(s.Spool.Folder)
	if err != nil {
		return nil, err
	}
	journal, err := openJournal(ctx, s, log)
	if err != nil {
		return nil, fmt.Errorf("open the spool's journal: %w", err)
	}
	r.journal = journal
	flows, err := r.flows(ctx, s, whose, log)
	if err == nil {
		r.spool, err = spool.Open(ctx, spool.Config{
			Journal: journal, Index: filepath.Join(s.Spool.Folder, "index.db"), Flows: flows, Limits: s.Spool.limits(),
			Free: reserve.Free, Relieve: reserve.Relieve, Grace: s.Stop.Within.duration(), Log: log,
		})
	}
	if err != nil {
		return nil, errors.Join(err, journal.Close())
	}
	if r.messages != nil {
		r.messages.Attach(r.spool)
	}
	for _, courier := range r.mail {
		courier.Spool = r.spool
	}
	r.desk = desk.New(r.spool, r.spool, token, log)
	return r, nil
}

// openJournal opens the journal of a configuration.
func openJournal(ctx context.Context, s *gateSettings, log *slog.Logger) (closingJournal, error) {
	js := s.Spool.JetStream
	if js == nil {
		return spool.OpenFiles(s.Spool.Folder, spool.FilesOptions{Segment: segmentOf(int64(s.Spool.Bytes)), Log: log})
	}
	c := jetstream.Config{
		Servers: js.Servers, Stream: js.Stream, Replicas: int(js.Replicas), Credentials: js.Credentials, User: js.User, Password: js.Password,
		Timeout: js.Timeout.duration(), MaxBytes: int64(js.Bytes), Log: log,
	}
	if js.CA != "" {
		c.TLS = s.trusting("spool.jetstream.ca", js.CA)
	}
	return jetstream.Open(ctx, c)
}

// segmentOf is how large the files of a journal are that may keep so many bytes: small enough that some of them can be forgotten while
// others are full. Zero is the usual size.
func segmentOf(bytes int64) int64 {
	const usual, least, parts = 64 << 20, 1 << 20, 8
	if bytes == 0 {
		return 0
	}
	return min(max(bytes/parts, least), usual)
}

// flows are those that something may be accepted for.
func (r *storeroom) flows(ctx context.Context, s *gateSettings, whose func() *gate.Gate, log *slog.Logger) (map[string]spool.Flow, error) {
	all, couriers := map[string]spool.Flow{}, map[string]spool.Courier{}
	for name, pace := range s.queuing() {
		all[name] = pace.flow(gateCourier{whose, name})
	}
	for _, d := range s.mailDoors() {
		courier := s.mailCourier(d)
		courier.Log = log
		courier.Failed = func(err error) { whose().Door(d.Flow).Failed(err) }
		courier.Well = func() { whose().Door(d.Flow).Well() }
		r.mail[d.Flow], couriers[d.Flow] = courier, courier
		f := mailFlow(ctx, d, courier)
		f.Courier = entering{courier, whose, d.Flow}
		all[d.Flow] = f
	}
	if s.Messages == nil {
		return all, nil
	}
	c := s.messages(couriers)
	c.Log = log
	c.Interrupted = func(flow string) bool { return !whose().Door(flow).Normal() }
	c.Count = func(flow, outcome string) { whose().Door(flow).Count(outcome) }
	var err error
	if r.messages, err = messages.New(c); err != nil {
		return nil, err
	}
	for _, f := range s.Messages.Flows {
		if len(f.To) > 0 {
			all[f.Flow] = f.HandOver.flow(entering{r.messages.Courier(f.Flow), whose, f.Flow})
		}
	}
	return all, nil
}

// entering is a courier whose deliveries an interruption waits for, and that begins none while one is open.
type entering struct {
	spool.Courier
	whose func() *gate.Gate
	flow  string
}

// Deliver hands an entry over.
func (c entering) Deliver(ctx context.Context, e spool.Entry) spool.Outcome {
	leave, entered := c.whose().Door(c.flow).Enter()
	if !entered {
		return spool.Outcome{Reason: "the flow is interrupted", Away: true}
	}
	defer leave()
	return c.Courier.Deliver(ctx, e)
}

// gateCourier hands over what a gate queued, once there is a gate.
type gateCourier struct {
	whose func() *gate.Gate
	flow  string
}

// Deliver hands an entry over.
func (c gateCourier) Deliver(ctx context.Context, e spool.Entry) spool.Outcome {
	return c.whose().Courier(c.flow).Deliver(ctx, e)
}

// run hands over until the storeroom is rested.
func (r *storeroom) run(ctx context.Context) {
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() { // rest waits for it
		defer close(r.done)
		_ = r.spool.Run(ctx) // it ends with its context alone
	}()
}

// rest ends handing over, and waits for what is under way. What is there can still be looked at.
func (r *storeroom) rest() {
	if r != nil && r.stop != nil {
		r.stop()
		<-r.done
	}
}

// close lets go of the disk.
func (r *storeroom) close() error {
	if r == nil {
		return nil
	}
	if r.messages != nil {
		r.messages.Close()
	}
	return errors.Join(r.spool.Close(), r.journal.Close())
}

// deskToken is the secret by which operators of this machine are known: the one beside the gate's state, or a new one.
func deskToken(state string) (string, error) {
	name := filepath.Join(state, spoolTokenName)
	if text, err := os.ReadFile(name); err == nil && len(strings.TrimSpace(string(text))) > 0 {
		return strings.TrimSpace(string(text)), nil
	}
	secret := rand.Text()
	if err := writeSecret(name, secret); err != nil {
		return "", fmt.Errorf("keep the token of the spool: %w", err)
	}
	return secret, nil
}
