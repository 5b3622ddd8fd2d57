package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/document"
)

// noticeCommands are about what subscribers are told.
type noticeCommands struct {
	List       noticeListCommand       `cmd:"" help:"List what was told and how far it has come, the latest first."`
	Show       noticeShowCommand       `cmd:"" help:"Show how far one has come by each channel."`
	Watch      noticeWatchCommand      `cmd:"" help:"Follow one until nothing of it waits any more."`
	Deliveries noticeDeliveriesCommand `cmd:"" help:"List to whom one goes, and what became of that."`
	Retry      noticeRetryCommand      `cmd:"" help:"Try failed deliveries of one again."`
	Preview    noticePreviewCommand    `cmd:"" help:"Show who would get what if something were told now; nobody is told."`
	Test       noticeTestCommand       `cmd:"" help:"Send a test message, and show what the other side said."`
}

// Help explains the family.
func (noticeCommands) Help() string {
	return `A notice is named by its number, which list shows.

  interlude notice preview database-upgrade --kind begun --to ops@example.com
  interlude notice test --to ops@example.com
  interlude notice watch 17
  interlude notice deliveries 17 --fate failed
  interlude notice retry 17`
}

type noticeListCommand struct {
	Ref   string `arg:"" optional:"" name:"id" help:"Only those about this maintenance or incident, by id or key."`
	Limit int    `default:"20" placeholder:"N" help:"How many at most."`
}

// Run prints a table, and below it the channels that something is to be said of.
func (c *noticeListCommand) Run(ctx context.Context, s *session) error {
	if c.Limit < 1 {
		return usage("--limit must be at least 1, not %d", c.Limit)
	}
	list := api.Notices{Items: []api.Notice{}}
	for before := ""; ; {
		some, err := s.client().Notices(ctx, api.NoticeFilter{Subject: c.Ref, Limit: min(c.Limit-len(list.Items), api.LargestLimit), Before: before})
		if err != nil {
			return err
		}
		list.Items, list.Channels = append(list.Items, some.Items...), some.Channels
		if before = some.Next; before == "" || len(list.Items) >= c.Limit {
			break
		}
	}
	zone := s.zone(ctx)
	return s.print(list, func(w io.Writer) {
		if len(list.Items) == 0 {
			fmt.Fprintln(w, "Nothing was told yet.")
		} else {
			rows := make([][]string, len(list.Items))
			for i, n := range list.Items {
				all := summed(n)
				rows[i] = []string{
					strconv.FormatInt(n.N, 10), instant(n.At, zone), n.Kind, counts(all.Sent), counts(all.Failed), counts(all.Dropped),
					counts(all.Retrying), counts(all.Waiting), n.Title,
				}
			}
			table(w, "N TIME KIND SENT FAILED DROPPED RETRYING WAITING TITLE", rows)
		}
		s.printWays(w, list.Channels, zone)
	})
}

func counts(n int64) string { return strconv.FormatInt(n, 10) }

// summed are all channels of a notice together.
func summed(n api.Notice) api.Fanout {
	var all api.Fanout
	for _, f := range n.Channels {
		all.Total += f.Total
		all.Sent += f.Sent
		all.Failed += f.Failed
		all.Dropped += f.Dropped
		all.Waiting += f.Waiting
		all.Retrying += f.Retrying
		all.Rate += f.Rate
		all.Left = max(all.Left, f.Left)
	}
	return all
}

// printWays says what waits for a channel, and why.
func (s *session) printWays(w io.Writer, ways []api.Way, zone *time.Location) {
	for _, way := range ways {
		if way.Waiting == 0 && way.Halted == "" {
			continue
		}
		line := way.Channel + ": " + counts(way.Waiting) + " waiting"
		if !way.Due.IsZero() {
			line += ", due " + instant(way.Due, zone)
		}
		if way.Halted != "" {
			line += "; " + s.paint(w, red, "halted: "+way.Halted)
		}
		fmt.Fprintln(w, line)
	}
}

type noticeShowCommand struct {
	N int64 `arg:"" name:"n" help:"Its number."`
}

// Run prints one.
func (c *noticeShowCommand) Run(ctx context.Context, s *session) error {
	n, err := s.client().Notice(ctx, c.N)
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(n, func(w io.Writer) {
		fmt.Fprintln(w, n.Title)
		printRows(w, [][2]string{
			{"notice", strconv.FormatInt(n.N, 10)},
			{"kind", n.Kind},
			{"about", strings.ReplaceAll(string(n.Subject.Kind), "_", " ") + " " + n.Subject.ID},
			{"at", instant(n.At, zone)},
		})
		if len(n.Channels) == 0 {
			fmt.Fprintln(w, "Nobody is told.")
			return
		}
		rows := make([][]string, len(n.Channels))
		for i, f := range n.Channels {
			rows[i] = []string{
				f.Channel, counts(f.Total), counts(f.Sent), counts(f.Failed), counts(f.Dropped), counts(f.Retrying), counts(f.Waiting),
				rateWords(f), instant(f.Latest, zone),
			}
		}
		table(w, "CHANNEL TOTAL SENT FAILED DROPPED RETRYING WAITING RATE LATEST", rows)
	})
}

// rateWords is how many a second go out, empty while that is not known.
func rateWords(f api.Fanout) string {
	if f.Rate == 0 {
		return ""
	}
	return strconv.FormatFloat(f.Rate, 'f', -1, 64) + "/s"
}

type noticeDeliveriesCommand struct {
	N     int64  `arg:"" name:"n" help:"Its number."`
	Fate  string `placeholder:"FATE" help:"Only those of which this became: waiting, sent, failed or dropped."`
	Limit int    `default:"50" placeholder:"N" help:"How many at most."`
}

var fates = []string{"waiting", "sent", "failed", "dropped"}

// Run prints a table.
func (c *noticeDeliveriesCommand) Run(ctx context.Context, s *session) error {
	if err := oneOf("--fate", c.Fate, fates); err != nil {
		return err
	}
	list, err := all(c.Limit, func(limit int, after string) (api.List[api.Delivery], error) {
		return s.client().Deliveries(ctx, c.N, api.DeliveryFilter{Fate: c.Fate, Limit: limit, After: after})
	})
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(list, func(w io.Writer) {
		if len(list) == 0 {
			fmt.Fprintln(w, "No deliveries.")
			return
		}
		rows := make([][]string, len(list))
		for i, d := range list {
			rows[i] = []string{d.Address, d.Channel, d.Fate, strconv.Itoa(d.Attempts), instant(d.At, zone), instant(d.Due, zone), d.Answer, d.Subscriber}
		}
		table(w, "ADDRESS CHANNEL FATE ATTEMPTS LAST NEXT ANSWER SUBSCRIBER", rows)
	})
}

type noticeRetryCommand struct {
	N int64 `arg:"" name:"n" help:"Its number."`
}

// Help explains retry.
func (noticeRetryCommand) Help() string {
	return `Failed deliveries to subscribers who are active wait again, as if none had been tried. Whoever was found dead is taken back
with interlude subscriber reactivate first.

  interlude notice deliveries 17 --fate failed
  interlude notice retry 17`
}

// Run tries them again.
func (c *noticeRetryCommand) Run(ctx context.Context, s *session) error {
	done, err := s.client().RetryNotice(ctx, c.N)
	if err != nil {
		return err
	}
	return s.print(done, func(w io.Writer) {
		if done.Retried == 0 {
			fmt.Fprintln(w, "Nothing to try again.")
			return
		}
		words := "deliveries wait"
		if done.Retried == 1 {
			words = "delivery waits"
		}
		fmt.Fprintf(w, "%d %s again; interlude notice watch %d follows.\n", done.Retried, words, c.N)
	})
}

type noticePreviewCommand struct {
	Ref     string `arg:"" name:"id" help:"Id or key of a maintenance or an incident."`
	Kind    string `required:"" placeholder:"KIND" help:"What would be told: announced, changed, reminded, delayed, begun, running, updated, overran, extended, estimated, verifying, completed, canceled or reopened; of an incident opened, moved, resolved or postmortem."`
	Body    string `short:"b" placeholder:"TEXT" help:"What readers would be told, in Markdown; - reads standard input. Without it, the usual words."`
	Until   string `placeholder:"TIME" help:"The new end, for extended and estimated, such as 2027-01-15T07:30:00Z."`
	To      string `placeholder:"ADDRESS" help:"Show the message for this address."`
	Channel string `placeholder:"CHANNEL" help:"Show it as it goes by this channel: email, webhook, slack, teams or discord."`
	Zone    string `placeholder:"ZONE" help:"Show it with times in this zone, such as Europe/Berlin."`
	HTML    bool   `help:"Print the HTML of the message, and nothing else."`
	Limit   int    `default:"20" placeholder:"N" help:"How many recipients at most."`
}

// Help explains preview.
func (noticePreviewCommand) Help() string {
	return `What was said already is shown as it was said; what was not, as if it were done now or, where the clock tells it, as the clock
will. The recipients are those who would be told: no confirmation is missing and nothing else is in the way.

  interlude notice preview database-upgrade --kind begun
  interlude notice preview database-upgrade --kind updated --body "All went well." --to ops@example.com
  interlude notice preview database-upgrade --kind announced --zone Asia/Tokyo --html > announced.html`
}

// Run asks and prints.
func (c *noticePreviewCommand) Run(ctx context.Context, s *session) error {
	if c.HTML && c.To == "" && c.Zone == "" {
		return usage("--html needs --to or --zone: for whom the message is written")
	}
	if c.Limit < 1 || c.Limit > api.LargestLimit {
		return usage("--limit must be from 1 to %d, not %d", api.LargestLimit, c.Limit)
	}
	ask := api.NoticeQuestion{Subject: c.Ref, Kind: c.Kind, To: c.To, Channel: c.Channel, Zone: c.Zone, Limit: c.Limit}
	var err error
	if ask.Body, err = s.textOf(c.Body); err != nil {
		return err
	}
	if c.Until != "" {
		until, err := document.ParseTime(c.Until)
		if err != nil {
			return usage("--until %w", err)
		}
		ask.Until = &until
	}
	p, err := s.client().PreviewNotice(ctx, ask)
	switch {
	case err != nil:
		return err
	case c.HTML && p.Message.HTML == "":
		return errors.New("what goes to this address has no HTML")
	case c.HTML:
		_, err := io.WriteString(s.stdout, p.Message.HTML)
		return err
	}
	zone := s.zone(ctx)
	return s.print(p, func(w io.Writer) { printPreview(w, p, zone) })
}

func printPreview(w io.Writer, p api.NoticePreview, zone *time.Location) {
	fmt.Fprintf(w, "%s: %s, %s\n", p.Title, p.Kind, instant(p.At, zone))
	var reach []string
	for _, r := range p.Reach {
		reach = append(reach, fmt.Sprintf("%d by %s", r.Total, r.Channel))
	}
	if len(reach) == 0 {
		reach = []string{"nobody"}
	}
	fmt.Fprintf(w, "Told: %s\n", strings.Join(reach, ", "))
	for _, c := range p.Components {
		fmt.Fprintf(w, "Webhooks hear too: %s becomes %s\n", c.Component, strings.ReplaceAll(string(c.Is), "_", " "))
	}
	if len(p.Recipients) > 0 {
		rows := make([][]string, len(p.Recipients))
		for i, r := range p.Recipients {
			rows[i] = []string{r.Address, r.Channel, r.Why, r.Zone, r.ID}
		}
		fmt.Fprintln(w)
		table(w, "ADDRESS CHANNEL WHY ZONE ID", rows)
		if p.Next != "" {
			fmt.Fprintln(w, "… and more; --limit shows them.")
		}
	}
	if m := p.Message; m != nil {
		fmt.Fprintln(w)
		if !m.Told {
			fmt.Fprintf(w, "%s is not among them. This is what would go there:\n", m.Address)
		}
		if m.Subject != "" {
			fmt.Fprintf(w, "Subject: %s\n\n", m.Subject)
		}
		fmt.Fprintln(w, strings.TrimRight(m.Text, "\n"))
	}
}

type noticeTestCommand struct {
	To      string `required:"" placeholder:"ADDRESS" help:"Where it goes: an e-mail address, or the URL of an endpoint."`
	Channel string `placeholder:"CHANNEL" help:"By what: email, webhook, slack, teams or discord. Without it, email or, for a URL, webhook."`
}

// errNotTaken says that a test message was not accepted. What the other side said has been printed.
var errNotTaken = errors.New("the test message was not accepted")

// Run sends it.
func (c *noticeTestCommand) Run(ctx context.Context, s *session) error {
	s.task = "a test message to " + c.To
	done, err := s.client().TestNotice(ctx, api.NoticeTest{Channel: c.Channel, Address: c.To})
	if err != nil {
		return err
	}
	if err := s.print(done, func(w io.Writer) { fmt.Fprintln(w, done.Answer) }); err != nil {
		return err
	}
	if !done.Sent {
		return errNotTaken
	}
	return nil
}
