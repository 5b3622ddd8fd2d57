package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.org/interlude/spool"
	"example.org/interlude/spool/desk"
)

// spoolCommands are about what a gate has accepted and not handed over yet.
type spoolCommands struct {
	Config string `short:"c" required:"" env:"INTERLUDE_GATE_CONFIG" placeholder:"FILE" help:"The gate's configuration: it says where the gate's spool answers."`

	Flows  spoolFlowsCommand  `cmd:"" default:"withargs" help:"Show how much there is of each flow."`
	List   spoolListCommand   `cmd:"" help:"List entries, the oldest first."`
	Show   spoolShowCommand   `cmd:"" help:"Show one entry, and what it holds."`
	Retry  spoolRetryCommand  `cmd:"" help:"Have entries handed over now: those that nobody took, or one that waits."`
	Shelve spoolShelveCommand `cmd:"" help:"Give entries up for now: they lie on the shelf until somebody retries them."`
	Remove spoolRemoveCommand `cmd:"" help:"Remove entries for good."`
	Pause  spoolPauseCommand  `cmd:"" help:"Stop handing over what is of a flow."`
	Drain  spoolDrainCommand  `cmd:"" help:"Go on with a flow that was paused, and wait until nothing of it waits."`
}

// Help explains the family.
func (spoolCommands) Help() string {
	return `Mail, posts and messages that a gate accepted while the product was away lie in its spool until they have been handed over. What
nobody takes lies on the shelf, with the reason, until somebody looks at it. The commands ask the gate that runs on this
machine with the given configuration, with the token beside its state.

  interlude spool --config gate.yaml
  interlude spool list --config gate.yaml --state shelved
  interlude spool retry --config gate.yaml --all --flow hooks
  interlude spool drain hooks --config gate.yaml`
}

// spoolTokenName is the file beside the gate's state with the token of its spool.
const spoolTokenName = "spool.token"

// desk is the way to the spool of the gate of a configuration.
func (c *spoolCommands) desk(s *session) (desk.Client, error) {
	settings, err := readPlaces(c.Config)
	if err != nil {
		return desk.Client{}, err
	}
	if settings.admin == "" {
		return desk.Client{}, fmt.Errorf("%s says admin: off: the gate answers nobody about its spool", c.Config)
	}
	token, err := os.ReadFile(filepath.Join(settings.State, spoolTokenName))
	if errors.Is(err, os.ErrNotExist) {
		return desk.Client{}, fmt.Errorf("%w: it is there once the gate has run with a spool on this machine", err)
	}
	return desk.Client{Address: nearAddress(settings.admin), Token: strings.TrimSpace(string(token))}, err
}

// nearAddress is where a program on the same machine reaches what listens at an address.
func nearAddress(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

type spoolFlowsCommand struct{}

// Run prints a line for each flow.
func (spoolFlowsCommand) Run(ctx context.Context, s *session, all *spoolCommands) error {
	d, err := all.desk(s)
	if err != nil {
		return err
	}
	is, err := d.Overview(ctx)
	if err != nil {
		return err
	}
	return s.print(is, func(w io.Writer) {
		rows := make([][]string, len(is.Flows))
		for i, f := range is.Flows {
			rows[i] = []string{
				f.Flow, flowWords(f), counts(f.Waiting), counts(f.Later), counts(f.Shelved), size(f.Bytes).String(), ago(f.Oldest, time.Now()),
				fmt.Sprintf("%.1f/s", f.Rate), leftWords(f),
			}
		}
		table(w, "FLOW STATE WAITING LATER SHELVED SIZE OLDEST RATE LEFT", rows)
	})
}

// flowWords says in a word why a flow is, or is not, handed over.
func flowWords(f desk.Flow) string {
	switch {
	case f.Paused:
		return "paused"
	case f.Held:
		return "held"
	case f.Waiting > f.Later:
		return "draining"
	}
	return "idle"
}

// leftWords is how long it takes until all that is due has been handed over.
func leftWords(f desk.Flow) string {
	switch {
	case f.Waiting == f.Later:
		return ""
	case f.LeftSeconds <= 0:
		return "unknown"
	}
	return brief(time.Duration(f.LeftSeconds * float64(time.Second)))
}

// ago is how long ago something was, empty for never.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return brief(now.Sub(t))
}

type spoolListCommand struct {
	Flow  string `placeholder:"NAME" help:"Only those of this flow."`
	State string `enum:",waiting,shelved,delivered,removed" default:"" placeholder:"STATE" help:"Only those that are waiting, shelved, delivered or removed."`
	Most  int    `default:"100" placeholder:"N" help:"At most so many."`
	After string `placeholder:"ID" help:"Those that came after this one."`
}

// Run prints a line for each entry.
func (c *spoolListCommand) Run(ctx context.Context, s *session, all *spoolCommands) error {
	d, err := all.desk(s)
	if err != nil {
		return err
	}
	page, err := d.Items(ctx, spool.Filter{Flow: c.Flow, State: spool.State(c.State), After: c.After, Most: c.Most})
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(page, func(w io.Writer) {
		if len(page.Items) == 0 {
			fmt.Fprintln(w, "There is nothing.")
			return
		}
		var rows [][]string
		for _, i := range page.Items {
			state := string(i.State)
			if i.Moving {
				state = "moving"
			}
			rows = append(rows, []string{i.ID, i.Flow, state, precise(i.Due, zone), counts(int64(i.Attempts)), size(i.Bytes).String(), i.About, i.Reason})
		}
		table(w, "ID FLOW STATE DUE ATTEMPTS SIZE WHAT REASON", rows)
		if page.More != "" {
			fmt.Fprintf(w, "\nThere are more: --after %s\n", page.More)
		}
	})
}

type spoolShowCommand struct {
	ID      string `arg:"" name:"id" help:"Its id."`
	Content bool   `help:"Print what it holds: what its courier has to know, an empty line, and the body byte for byte."`
}

// Run prints one entry.
func (c *spoolShowCommand) Run(ctx context.Context, s *session, all *spoolCommands) error {
	d, err := all.desk(s)
	if err != nil {
		return err
	}
	if c.Content {
		head, body, err := d.Content(ctx, c.ID)
		if err == nil {
			_, err = s.stdout.Write(append(append(head, "\n\n"...), body...))
		}
		return err
	}
	i, err := d.Item(ctx, c.ID)
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(i, func(w io.Writer) {
		for _, line := range [][2]string{
			{"id", i.ID},
			{"flow", i.Flow},
			{"kind", string(i.Kind)},
			{"what", i.About},
			{"state", string(i.State)},
			{"accepted", precise(i.Accepted, zone)},
			{"due", precise(i.Due, zone)},
			{"expires", precise(i.Expires, zone)},
			{"attempts", counts(int64(i.Attempts))},
			{"next", precise(i.Next, zone)},
			{"settled", precise(i.Settled, zone)},
			{"reason", i.Reason},
			{"order", i.Lane},
			{"key", i.Key},
			{"size", size(i.Bytes).String()},
		} {
			if line[1] != "" {
				fmt.Fprintf(w, "%-9s %s\n", line[0], line[1])
			}
		}
	})
}
