package notify_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"example.org/interlude/notify"
	"example.org/interlude/status"
	"example.org/interlude/store"
	"example.org/interlude/webhook"
)

// desk is a Desk before a real store, on a clock that a test sets.
type desk struct {
	*notify.Desk
	t     *testing.T
	store *store.Store
	now   time.Time
	asked int
}

var deskKeys = notify.NewKeys([]byte(strings.Repeat("secret", 6)))

func newDesk(t *testing.T) *desk {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+t.TempDir()+"/interlude.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	d := &desk{t: t, store: db, now: time.Date(2027, 1, 13, 16, 51, 0, 0, time.UTC)}
	planned := &status.Maintenance{ID: "planned", Title: "Scheduled database maintenance"}
	ids := 0
	d.Desk = &notify.Desk{
		Register: db, Endpoints: webhook.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "Interlude"),
		Channels: notify.Channels, Keys: deskKeys, Clock: d,
		NewID: func() string { ids++; return fmt.Sprintf("new%d", ids) },
		Offer: func() notify.Offer {
			return notify.Offer{
				Page:       status.Page{Name: "Northwind", URL: "https://status.northwind.example"},
				Groups:     []status.Group{{ID: "delivery", Name: "Message delivery"}, {ID: "messenger", Name: "Messenger"}},
				Components: []status.Component{{ID: "email", Name: "Email", GroupID: "delivery"}, {ID: "web", Name: "Web", GroupID: "messenger"}, {ID: "api", Name: "APIs"}},
				Event: func(id string) (*status.Maintenance, *status.Incident) {
					if id == planned.ID {
						return planned, nil
					}
					return nil, nil
				},
			}
		},
	}
	return d
}

func (d *desk) Now() time.Time { return d.now }

// apply applies from a network of its own, so that limits do not matter.
func (d *desk) apply(a notify.Application) {
	d.t.Helper()
	a.Client = d.network()
	if err := d.Subscribe(d.t.Context(), a); err != nil {
		d.t.Fatalf("got %v, want it taken", err)
	}
}

// network is one that nobody has applied from.
func (d *desk) network() string {
	d.asked++
	return fmt.Sprintf("10.0.%d.%d", d.asked/250, d.asked%250)
}

// one is the only subscriber of an address and an event.
func (d *desk) one(address, event string) notify.Subscriber {
	d.t.Helper()
	all, err := d.store.Subscribers(d.t.Context(), notify.Query{AnyEvent: true})
	if err != nil {
		d.t.Fatal(err)
	}
	var found []notify.Subscriber
	for _, s := range all {
		if s.Address == address && s.Event == event {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		d.t.Fatalf("got %d subscribers %s of %q, want one; all: %+v", len(found), address, event, all)
	}
	return found[0]
}

// told takes from the outbox what waits, in words: the kind and for whom.
func (d *desk) told() string {
	d.t.Helper()
	var words []string
	for _, channel := range notify.Channels {
		parcels, err := d.store.Take(d.t.Context(), d.now, d.now.Add(1000*time.Hour), channel, 100)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, p := range parcels {
			n, err := d.store.Notice(d.t.Context(), p.Notice)
			if err != nil {
				d.t.Fatal(err)
			}
			for _, delivery := range p.Deliveries {
				words = append(words, string(n.Kind)+" "+delivery.Address())
			}
		}
	}
	return strings.Join(words, ", ")
}

// add saves a subscriber as it is.
func (d *desk) add(s notify.Subscriber) {
	d.t.Helper()
	s.Created = d.now
	if err := d.store.AddSubscriber(d.t.Context(), d.now, s); err != nil {
		d.t.Fatal(err)
	}
}

// racing is a register in which somebody else adds the same address in between.
type racing struct {
	notify.Register
	other notify.Subscriber
}

func (r *racing) AddSubscriber(ctx context.Context, now time.Time, s notify.Subscriber, tell ...notify.Notice) error {
	if r.other.ID != "" {
		other := r.other
		r.other = notify.Subscriber{}
		if err := r.Register.AddSubscriber(ctx, now, other); err != nil {
			return err
		}
	}
	return r.Register.AddSubscriber(ctx, now, s, tell...)
}
