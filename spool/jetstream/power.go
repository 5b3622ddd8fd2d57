package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
)

// powerSubject is where each server tells its settings to those who may know them.
const powerSubject = "$SYS.REQ.SERVER.PING.JSZ"

// A setting is what a server says of how it writes.
type setting struct {
	Server struct {
		Name string `json:"name"`
	} `json:"server"`
	Data struct {
		Config struct {
			SyncInterval time.Duration `json:"sync_interval"`
			SyncAlways   bool          `json:"sync_always"`
		} `json:"config"`
	} `json:"data"`
}

// checkPower refuses servers of the stream that would lose in a power failure what they have acknowledged. Where this user may not
// read their settings it says so in the log.
func (j *Journal) checkPower(ctx context.Context) error {
	settings, err := j.settings(ctx)
	if err != nil {
		return err
	}
	var errs []error
	var silent []string
	for _, name := range j.members() {
		i := slices.IndexFunc(settings, func(s setting) bool { return s.Server.Name == name })
		switch {
		case i < 0:
			silent = append(silent, name)
		case !settings[i].Data.Config.SyncAlways:
			errs = append(errs, fmt.Errorf("server %s writes what it has acknowledged to its disk only within %v; "+
				"set sync_interval: always in the jetstream block of its configuration, and restart it",
				name, settings[i].Data.Config.SyncInterval))
		}
	}
	if len(silent) > 0 && len(errs) == 0 {
		j.c.Log.Warn("It is not known whether the journal survives a power failure: these servers did not say. "+
			"Make sure that each has sync_interval: always in the jetstream block of its configuration.",
			"stream", j.c.Stream, "servers", silent)
	}
	return errors.Join(errs...)
}

// members are the names of the servers that have the stream.
func (j *Journal) members() []string {
	cluster := j.stream.CachedInfo().Cluster
	if cluster == nil || cluster.Leader == "" {
		return []string{j.conn.ConnectedServerName()}
	}
	names := []string{cluster.Leader}
	for _, peer := range cluster.Replicas {
		names = append(names, peer.Name)
	}
	return names
}

// settings asks all servers. It waits until the stream's have answered, and not at all when this user may not ask.
func (j *Journal) settings(ctx context.Context) ([]setting, error) {
	ctx, cancel := context.WithTimeout(ctx, j.c.patience()/2)
	defer cancel()
	inbox := j.conn.NewRespInbox()
	answers, err := j.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answers.Unsubscribe() }()
	if err := j.conn.PublishRequest(powerSubject, inbox, nil); err != nil {
		return nil, err
	}
	var settings []setting
	for missing := j.members(); len(missing) > 0; {
		m, err := answers.NextMsgWithContext(ctx)
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrNoResponders) {
			break
		}
		if err != nil {
			return nil, err
		}
		var s setting
		if json.Unmarshal(m.Data, &s) == nil {
			settings = append(settings, s)
			missing = slices.DeleteFunc(missing, func(name string) bool { return name == s.Server.Name })
		}
	}
	return settings, nil
}
