package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"example.org/interlude/api"
)

// subscriberCommands are about who is told.
type subscriberCommands struct {
	List       subscriberListCommand       `cmd:"" help:"List them, in the order of their subscription."`
	Show       subscriberShowCommand       `cmd:"" help:"Show one, with what it was told."`
	Add        subscriberAddCommand        `cmd:"" help:"Subscribe an address."`
	Change     subscriberChangeCommand     `cmd:"" help:"Choose what one hears of, and in which time zone."`
	Remove     subscriberRemoveCommand     `cmd:"" help:"Unsubscribe one."`
	Reactivate subscriberReactivateCommand `cmd:"" help:"Take one back that was found dead."`
	Resend     subscriberResendCommand     `cmd:"" help:"Ask one again whether it wants to be told."`
	Import     subscriberImportCommand     `cmd:"" help:"Subscribe many, from a list or a table."`
}

// Help explains the family.
func (subscriberCommands) Help() string {
	return `A subscriber is named by its id, which list shows.

  interlude subscriber list --state quarantined
  interlude subscriber add ops@example.com --component APIs
  interlude subscriber import addresses.txt --confirmed`
}

// The words of channels and states.
var (
	channels         = []string{"email", "webhook", "slack", "teams", "discord"}
	subscriberStates = []string{"unconfirmed", "active", "quarantined", "unsubscribed"}
)

type subscriberListCommand struct {
	Text    string `arg:"" optional:"" help:"Only those with this in their address."`
	Channel string `placeholder:"CHANNEL" help:"Only those who are told by it: email, webhook, slack, teams or discord."`
	State   string `placeholder:"STATE" help:"Only those in a state: unconfirmed, active, quarantined or unsubscribed. Without it, all but the unsubscribed."`
	Event   string `placeholder:"ID" help:"Only those who asked about one maintenance or incident alone, by its id or key."`
	Limit   int    `default:"50" placeholder:"N" help:"How many at most."`
}

// Run prints a table.
func (c *subscriberListCommand) Run(ctx context.Context, s *session) error {
	if err := oneOf("--channel", c.Channel, channels); err != nil {
		return err
	}
	if err := oneOf("--state", c.State, subscriberStates); err != nil {
		return err
	}
	list, err := all(c.Limit, func(limit int, cursor string) (api.List[api.Subscriber], error) {
		return s.client().Subscribers(ctx, api.SubscriberFilter{
			Text: c.Text, Channel: c.Channel, State: c.State, Event: c.Event, Limit: limit, Cursor: cursor,
		})
	})
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(list, func(w io.Writer) {
		if len(list) == 0 {
			fmt.Fprintln(w, "No subscribers.")
			return
		}
		rows := make([][]string, len(list))
		for i, one := range list {
			rows[i] = []string{one.ID, one.Channel, one.State, instant(one.Created, zone), one.Address}
		}
		table(w, "ID CHANNEL STATE CREATED ADDRESS", rows)
	})
}

// subscriberID names one.
type subscriberID struct {
	ID string `arg:"" name:"id" help:"Its id."`
}

type subscriberShowCommand struct{ subscriberID }

// Run prints one.
func (c *subscriberShowCommand) Run(ctx context.Context, s *session) error {
	one, err := s.client().Subscriber(ctx, c.ID)
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(one, func(w io.Writer) {
		printSubscriber(w, one.Subscriber, zone)
		if len(one.History) == 0 {
			return
		}
		rows := make([][]string, len(one.History))
		for i, d := range one.History {
			rows[i] = []string{strconv.FormatInt(d.Notice, 10), instant(d.Noticed, zone), d.Kind, d.Fate, strconv.Itoa(d.Attempts), d.Answer}
		}
		fmt.Fprintln(w)
		table(w, "NOTICE TIME KIND FATE ATTEMPTS ANSWER", rows)
	})
}

func printSubscriber(w io.Writer, one api.Subscriber, zone *time.Location) {
	hears := "the whole page"
	switch {
	case one.Event != "":
		hears = "event " + one.Event + " alone"
	case len(one.Components)+len(one.Groups) > 0:
		hears = strings.Join(append(append([]string{}, one.Groups...), one.Components...), ", ")
	}
	state := one.State
	if one.VouchedFor {
		state += ", vouched for"
	}
	fmt.Fprintln(w, one.Address)
	printRows(w, [][2]string{
		{"id", one.ID},
		{"channel", one.Channel},
		{"contact", one.Contact},
		{"state", state},
		{"reason", one.Reason},
		{"purge", instant(one.Purge, zone)},
		{"hears of", hears},
		{"zone", one.Zone},
		{"created", instant(one.Created, zone)},
		{"asked", instant(one.Asked, zone)},
		{"confirmed", instant(one.Confirmed, zone)},
	})
}

// did prints what a subscriber became.
func (s *session) did(ctx context.Context) func(api.Subscriber, error) error {
	return func(one api.Subscriber, err error) error {
		if err != nil {
			return err
		}
		zone := s.zone(ctx)
		return s.print(one, func(w io.Writer) { printSubscriber(w, one, zone) })
	}
}

// choice is what a subscriber hears of.
type choice struct {
	Component []string `short:"c" sep:"none" placeholder:"NAME" help:"Hear of this component, by name or id. May be given several times."`
	Group     []string `short:"g" sep:"none" placeholder:"NAME" help:"Hear of whatever is in this group, by name or id. May be given several times."`
	Zone      string   `placeholder:"ZONE" help:"Read times in this zone, such as Europe/Berlin; without it, in the page's."`
}

func (c choice) wire() api.SubscriberChoice {
	return api.SubscriberChoice{Components: c.Component, Groups: c.Group, Zone: c.Zone}
}

type subscriberAddCommand struct {
	Address   string `arg:"" help:"An e-mail address, or the URL of an endpoint."`
	Channel   string `placeholder:"CHANNEL" help:"email, webhook, slack, teams or discord. Without it, email or, for a URL, webhook."`
	Contact   string `placeholder:"ADDRESS" help:"Whom to write to when an endpoint fails."`
	Event     string `placeholder:"ID" help:"Hear of one maintenance or incident alone, by its id or key."`
	Confirmed bool   `help:"Vouch for it: it is told from now on, and not asked."`
	choice
}

// Help explains add.
func (subscriberAddCommand) Help() string {
	return `The address is asked whether it wants to be told, and is told when it has said so. With --confirmed you say that it does.

  interlude subscriber add ops@example.com --component APIs --zone Europe/Berlin
  interlude subscriber add https://hooks.example.com/in --confirmed --contact ops@example.com`
}

// Run subscribes it.
func (c *subscriberAddCommand) Run(ctx context.Context, s *session) error {
	if err := oneOf("--channel", c.Channel, channels); err != nil {
		return err
	}
	return s.did(ctx)(s.client().CreateSubscriber(ctx, api.NewSubscriber{
		Channel: c.Channel, Address: c.Address, Contact: c.Contact, Event: c.Event, SubscriberChoice: c.wire(), SkipConfirmation: c.Confirmed,
	}))
}

type subscriberChangeCommand struct {
	subscriberID
	choice
}

// Help explains change.
func (subscriberChangeCommand) Help() string {
	return `What is left out is given up: without any flag it hears of the whole page, in the page's zone.

  interlude subscriber change ID --group Messenger --zone Asia/Tokyo`
}

// Run changes it.
func (c *subscriberChangeCommand) Run(ctx context.Context, s *session) error {
	return s.did(ctx)(s.client().ChangeSubscriber(ctx, c.ID, c.wire()))
}

type subscriberRemoveCommand struct{ subscriberID }

// Run unsubscribes it.
func (c *subscriberRemoveCommand) Run(ctx context.Context, s *session) error {
	if err := s.client().RemoveSubscriber(ctx, c.ID); err != nil {
		return err
	}
	return s.print(map[string]string{"removed": c.ID}, func(w io.Writer) { fmt.Fprintf(w, "Unsubscribed %s.\n", c.ID) })
}

type subscriberReactivateCommand struct{ subscriberID }

// Run takes it back.
func (c *subscriberReactivateCommand) Run(ctx context.Context, s *session) error {
	return s.did(ctx)(s.client().ReactivateSubscriber(ctx, c.ID))
}

type subscriberResendCommand struct{ subscriberID }

// Run asks it again.
func (c *subscriberResendCommand) Run(ctx context.Context, s *session) error {
	return s.did(ctx)(s.client().ResendConfirmation(ctx, c.ID))
}
