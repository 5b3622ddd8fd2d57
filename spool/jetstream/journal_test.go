package jetstream_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"example.org/interlude/spool"
	"example.org/interlude/spool/jetstream"
)

// bytesOf are bytes without a pattern.
func bytesOf(n int) []byte {
	data := make([]byte, n)
	_, _ = mathrand.NewChaCha8([32]byte{byte(n)}).Read(data)
	return data
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	s := single(t, "")
	j := open(t, on(s))
	records := [][]byte{bytesOf(1), {}, bytesOf(3_500_000), bytesOf(1 << 20), bytesOf(1<<20 - 256), bytesOf(200)}
	at := add(t, j, records[:4]...)
	at = append(at, add(t, j, records[4:]...)...)

	for _, name := range []string{"at first", "opened again"} {
		t.Run(name, func(t *testing.T) {
			want(t, all(t, j, 0), records...)
			for i, r := range records {
				want(t, all(t, j, at[i]), records[i:]...)
				got, err := j.Read(t.Context(), at[i])
				if err != nil || !bytes.Equal(got, r) {
					t.Errorf("record %d: got %d bytes, %v; want %d", i, len(got), err, len(r))
				}
			}
			if got := all(t, j, at[5]+1); len(got) > 0 {
				t.Errorf("got %d records after the last, want none", len(got))
			}
			if _, err := j.Read(t.Context(), at[2]-1); err == nil {
				t.Error("got a record where only a part of one stands, want an error")
			}
		})
		j.Close()
		j = open(t, on(s))
	}
	if _, err := j.Read(t.Context(), j.Usage().End+1); err == nil {
		t.Error("got a record after the end, want an error")
	}
}

func TestSmallMessagesCarryLargeRecords(t *testing.T) {
	j := open(t, on(single(t, "max_payload: 8192")))
	records := [][]byte{bytesOf(7000), bytesOf(8192 - 256), bytesOf(8192), bytesOf(6_000_000), bytesOf(0)}
	at := add(t, j, records...)
	want(t, all(t, j, at[2]), records[2:]...)
	got, err := j.Read(t.Context(), at[3])
	if err != nil || !bytes.Equal(got, records[3]) {
		t.Errorf("got %d bytes, %v; want %d", len(got), err, len(records[3]))
	}
}

func TestForgetKeepsTheRecordAtItsPositionWhole(t *testing.T) {
	j := open(t, on(single(t, "")))
	records := [][]byte{bytesOf(100), bytesOf(2_500_000), bytesOf(2_600_000), bytesOf(300)}
	at := add(t, j, records...)
	before := j.Usage()
	for i, r := range records {
		if err := j.Forget(t.Context(), at[i]); err != nil {
			t.Fatal(err)
		}
		want(t, all(t, j, 0), records[i:]...)
		if got, err := j.Read(t.Context(), at[i]); err != nil || !bytes.Equal(got, r) {
			t.Errorf("record %d: got %d bytes, %v; want %d", i, len(got), err, len(r))
		}
	}
	if got := j.Usage(); got.First <= before.First || got.End != before.End || got.Bytes > before.Bytes/1000 {
		t.Errorf("got a usage of %+v after %+v, want little of it left", got, before)
	}
	if err := j.Forget(t.Context(), j.Usage().End); err != nil {
		t.Fatal(err)
	}
	want(t, all(t, j, 0))
	if got := j.Usage(); got.First != got.End || got.Bytes != 0 {
		t.Errorf("got a usage of %+v, want nothing", got)
	}
	add(t, j, bytesOf(5))
	want(t, all(t, j, 0), bytesOf(5))
}

func TestRecordsThatWereNeverFinishedAreSkipped(t *testing.T) {
	s := single(t, "")
	j := open(t, on(s))
	add(t, j, []byte("first"))
	j.Close()
	js := admin(t, s)
	for _, label := range []string{"w 1/3", "w 2/3", "w 1/3", "w 3/3", "w 2/2", "", "w", "w 1/0", "w 1/2", "v 2/2"} {
		m := &nats.Msg{Subject: "interlude.journal.GATE", Data: []byte("torn"), Header: nats.Header{"Interlude-Part": {label}}}
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	j = open(t, on(s))
	add(t, j, []byte("second"))
	want(t, all(t, j, 0), []byte("first"), []byte("second"))
}

func TestAFullStreamSaysSo(t *testing.T) {
	s := single(t, "")
	c := on(s)
	c.MaxBytes = 1 << 20
	j := open(t, c)
	var kept [][]byte
	var at []spool.Position
	var err error
	for n := 0; err == nil && n < 1000; n++ {
		records := [][]byte{fmt.Appendf(nil, "record %d", n), bytesOf(10_000), bytesOf(20_000), bytesOf(30_000)}
		var more []spool.Position
		if more, err = j.Append(t.Context(), records); err == nil {
			kept, at = append(kept, records...), append(at, more...)
		}
	}
	if !errors.Is(err, spool.ErrFull) {
		t.Fatalf("got %v, want %v", err, spool.ErrFull)
	}
	want(t, all(t, j, 0), kept...)
	if err := j.Forget(t.Context(), at[8]); err != nil {
		t.Fatal(err)
	}
	add(t, j, bytesOf(50_000))
	want(t, all(t, j, 0), append(kept[8:], bytesOf(50_000))...)
	j.Close()

	c.MaxBytes = 2 << 20
	j = open(t, c)
	add(t, j, bytesOf(1_000_000))
	want(t, all(t, j, 0), append(kept[8:], bytesOf(50_000), bytesOf(1_000_000))...)
}

func TestAStreamThatWouldNotKeepItsWordIsRefused(t *testing.T) {
	s := single(t, "")
	js := admin(t, s)
	open(t, on(s)).Close()
	made, err := js.Stream(t.Context(), "GATE")
	if err != nil {
		t.Fatal(err)
	}
	for why, spoil := range map[string]func(*natsjs.StreamConfig){
		"something else":       func(c *natsjs.StreamConfig) { c.Metadata = nil },
		"for orders.>":         func(c *natsjs.StreamConfig) { c.Subjects = []string{"orders.>"} },
		"in memory":            func(c *natsjs.StreamConfig) { c.Storage = natsjs.MemoryStorage },
		"what somebody has":    func(c *natsjs.StreamConfig) { c.Retention = natsjs.WorkQueuePolicy },
		"--discard new":        func(c *natsjs.StreamConfig) { c.Discard = natsjs.DiscardOld },
		"--max-age 0":          func(c *natsjs.StreamConfig) { c.MaxAge = 1e15 },
		"number of records":    func(c *natsjs.StreamConfig) { c.MaxMsgs = 5 },
		"size of a message":    func(c *natsjs.StreamConfig) { c.MaxMsgSize = 5000 },
		"acknowledges nothing": func(c *natsjs.StreamConfig) { c.NoAck = true },
		"have not caught up":   func(c *natsjs.StreamConfig) { c.AllowDirect = true },
		"be removed":           func(c *natsjs.StreamConfig) { c.DenyPurge = true },
		"persist_mode async":   func(c *natsjs.StreamConfig) { c.PersistMode = natsjs.AsyncPersistMode },
	} {
		t.Run(why, func(t *testing.T) {
			c, config := on(s), made.CachedInfo().Config
			c.Stream = rand.Text()
			config.Name, config.Subjects = c.Stream, []string{"interlude.journal." + c.Stream}
			spoil(&config)
			if _, err := js.CreateStream(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			j, err := jetstream.Open(t.Context(), c)
			if err == nil {
				j.Close()
			}
			if err == nil || !strings.Contains(err.Error(), why) {
				t.Errorf("got %v, want an error that says %q", err, why)
			}
		})
	}
	for replicas, why := range map[int]string{3: "has 1 replicas, and 3 are asked for", 6: "cannot have 6 replicas"} {
		c := on(s)
		c.Replicas = replicas
		if _, err := jetstream.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("got %v, want an error that says %q", err, why)
		}
	}
}

func TestServersThatCannotHaveTheStreamAreRefused(t *testing.T) {
	for why, c := range map[string]jetstream.Config{
		"needs a cluster of as many servers": {Servers: on(single(t, "")).Servers, Stream: "GATE"},
		"connect to the NATS servers":        {Servers: []string{"nats://" + freeAddress(t)}, Stream: "GATE"},
		"needs the address":                  {Stream: "GATE"},
		"cannot be the name":                 {Servers: []string{"nats://127.0.0.1"}, Stream: "a.b"},
		"max_payload has to be":              {Servers: on(single(t, "max_payload: 1024")).Servers, Stream: "GATE", Replicas: 1},
		"Authorization Violation": {
			Servers: on(single(t, "authorization { user: gate, password: secret }")).Servers, Stream: "GATE", Token: "other",
		},
	} {
		if _, err := jetstream.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("got %v, want an error that says %q", err, why)
		}
	}
	c := on(single(t, "authorization { user: gate, password: secret }"))
	c.User, c.Password = "gate", "secret"
	open(t, c)
}

// Accounts as in a larger installation: the gate's may ask how the servers write.
const accounts = `jetstream { store_dir: "DIR"%s }
accounts {
  SYS: { users: [{user: admin, password: admin}], exports: [{service: "$SYS.REQ.SERVER.PING.JSZ", response_type: stream}] }
  GATES: { jetstream: enabled, users: [{user: gate, password: gate}], imports: [{service: {account: SYS, subject: "$SYS.REQ.SERVER.PING.JSZ"}}] }
}
system_account: SYS`

func TestServersThatAPowerFailureWouldEmptyAreRefused(t *testing.T) {
	const why = "set sync_interval: always"
	for sync, refused := range map[string]bool{"": true, ", sync_interval: 10s": true, ", sync_interval: always": false} {
		c := on(single(t, fmt.Sprintf(accounts, sync)))
		c.User, c.Password = "gate", "gate"
		log := &lockedBuffer{}
		c.Log = logTo(log)
		j, err := jetstream.Open(t.Context(), c)
		if err == nil {
			j.Close()
		}
		if refused && (err == nil || !strings.Contains(err.Error(), why)) || !refused && err != nil {
			t.Errorf("%q: got %v, want it refused: %t", sync, err, refused)
		}
		if strings.Contains(log.String(), "not known") {
			t.Errorf("%q: got %s, want nothing said of a power failure", sync, log)
		}
	}
	c := on(single(t, ""))
	log := &lockedBuffer{}
	c.Log = logTo(log)
	open(t, c)
	if !strings.Contains(log.String(), "alone") || !strings.Contains(log.String(), "sync_interval: always") {
		t.Errorf("got %q, want it said that server alone cannot be asked", log)
	}
}

func TestAClosedJournalSaysSo(t *testing.T) {
	j := open(t, on(single(t, "")))
	at := add(t, j, []byte("one"))
	j.Close()
	if _, err := j.Append(t.Context(), [][]byte{[]byte("two")}); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("got %v, want %v", err, spool.ErrClosed)
	}
	if _, err := j.Read(t.Context(), at[0]); err == nil {
		t.Error("got a record of a closed journal, want an error")
	}
	if err := j.Forget(t.Context(), at[0]); err == nil {
		t.Error("a closed journal forgot, want an error")
	}
	if i := slices.IndexFunc(errorsOf(t, j), func(err error) bool { return err != nil }); i != 0 {
		t.Errorf("got an error of scan as number %d, want it first", i)
	}
}
