package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The mark of a stream that is a journal, and of the form of its messages.
const (
	markKey   = "interlude"
	markValue = "spool journal 1"
)

func (j *Journal) useJetStream(context.Context) (err error) {
	if most := j.conn.MaxPayload(); most < smallestMessage {
		return fmt.Errorf("the server takes messages of %d bytes at most; its max_payload has to be %d or more, and is best left at 1 MB",
			most, smallestMessage)
	}
	j.js, err = jetstream.New(j.conn, jetstream.WithPublishAsyncMaxPending(2*mostInFlight), jetstream.WithPublishAsyncTimeout(j.c.patience()))
	return err
}

// wanted is the stream as it should be.
func (j *Journal) wanted() jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name:        j.c.Stream,
		Description: "What an Interlude gate has accepted. It writes and clears this stream itself.",
		Subjects:    []string{j.subject},
		Metadata:    map[string]string{markKey: markValue},
		Storage:     jetstream.FileStorage,
		Replicas:    j.c.Replicas,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew,
		MaxBytes:    -1,
		AllowDirect: false, // any server answers a direct get, also one that has not caught up
	}
	if j.c.MaxBytes > 0 {
		c.MaxBytes = j.c.MaxBytes
	}
	return c
}

// findStream finds the stream, or makes it.
func (j *Journal) findStream(ctx context.Context) error {
	want := j.wanted()
	err := j.insist(ctx, func(ctx context.Context) (err error) {
		j.stream, err = j.js.Stream(ctx, j.c.Stream)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			j.stream, err = j.js.CreateStream(ctx, want)
		}
		return err
	})
	if err != nil {
		return hinted(err, j.c.Replicas)
	}
	have := j.stream.CachedInfo().Config
	if err := refuse(have, want); err != nil {
		return err
	}
	if have.MaxBytes == want.MaxBytes {
		return nil
	}
	have.MaxBytes = want.MaxBytes
	return j.insist(ctx, func(ctx context.Context) (err error) {
		j.stream, err = j.js.UpdateStream(ctx, have)
		return err
	})
}

// hinted says what to do about an error that a stream could not be found or made for.
func hinted(err error, replicas int) error {
	said, _ := refusal(err)
	switch said.ErrorCode {
	case codeNoPeers, codeNotClustered:
		return fmt.Errorf("%w; a stream of %d replicas needs a cluster of as many servers with JetStream", err, replicas)
	case jetstream.JSErrCodeJetStreamNotEnabled, jetstream.JSErrCodeJetStreamNotEnabledForAccount:
		return fmt.Errorf("%w; the configuration of the server needs a jetstream block, and the account jetstream: enabled", err)
	}
	return err
}

// refuse says why a stream cannot be the journal, and how to mend it.
func refuse(have, want jetstream.StreamConfig) error {
	if have.Metadata[markKey] != markValue || !slices.Equal(have.Subjects, want.Subjects) {
		return fmt.Errorf("it is not a journal, but something else for %s; give the journal another stream, or remove this one",
			strings.Join(have.Subjects, ", "))
	}
	faults := []struct {
		found     bool
		what, how string
	}{
		{have.Storage != jetstream.FileStorage, "it is kept in memory", "remove it, and a new one is made on disk"},
		{
			have.Replicas < want.Replicas, fmt.Sprintf("it has %d replicas, and %d are asked for", have.Replicas, want.Replicas),
			fmt.Sprintf("nats stream edit %s --replicas %d", want.Name, want.Replicas),
		},
		{have.PersistMode == jetstream.AsyncPersistMode, "it acknowledges before it has written (persist_mode async)", "remove it"},
		{have.Retention != jetstream.LimitsPolicy, "it forgets what somebody has read", "remove it"},
		{have.Discard != jetstream.DiscardNew, "it drops old records when it is full", "nats stream edit " + want.Name + " --discard new"},
		{have.MaxAge > 0, "it drops records that are old", "nats stream edit " + want.Name + " --max-age 0"},
		{have.MaxMsgs > 0 || have.MaxMsgsPerSubject > 0, "it bounds the number of records", "remove these limits"},
		{have.MaxMsgSize > 0, "it bounds the size of a message", "nats stream edit " + want.Name + " --max-msg-size -1"},
		{have.NoAck, "it acknowledges nothing", "set no_ack to false"},
		{have.AllowDirect, "servers that have not caught up answer for it", "nats stream edit " + want.Name + " --no-allow-direct"},
		{have.DenyDelete || have.DenyPurge || have.Sealed, "nothing can be removed from it", "remove it"},
		{have.Mirror != nil || len(have.Sources) > 0, "it copies other streams", "remove its mirror or sources"},
		{have.SubjectTransform != nil, "it renames its messages", "remove its subject transform"},
	}
	var errs []error
	for _, f := range faults {
		if f.found {
			errs = append(errs, fmt.Errorf("%s; to mend it: %s", f.what, f.how))
		}
	}
	return errors.Join(errs...)
}

// becomeWriter asks whether somebody else writes the stream, and says from then on that this Journal does.
//
// That keeps a gate away whose configuration was copied from another's. What a torn network hides from it, the sequence of
// the stream finds out.
func (j *Journal) becomeWriter(ctx context.Context) error {
	subject := "interlude.writer." + j.c.Stream
	ask, cancel := context.WithTimeout(ctx, j.c.patience())
	defer cancel()
	if other, err := j.conn.RequestWithContext(ask, subject, nil); err == nil {
		return fmt.Errorf("%w; it answers from connection %s. Stop that gate, or name a stream of its own for each", errAnotherWriter, other.Data)
	}
	_, err := j.conn.Subscribe(subject, func(m *nats.Msg) {
		id, _ := j.conn.GetClientID()
		_ = m.Respond(fmt.Appendf(nil, "%d of server %s", id, j.conn.ConnectedServerName()))
	})
	return err
}
