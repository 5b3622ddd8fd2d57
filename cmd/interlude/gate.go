package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// gateCommands are about the reverse proxy in front of the product.
type gateCommands struct {
	Run    gateRunCommand    `cmd:"" default:"withargs" help:"Run the gate; the word run may be left out."`
	Check  gateCheckCommand  `cmd:"" help:"Read a configuration, say what it means, and what may surprise."`
	Bypass gateBypassCommand `cmd:"" help:"Make a pass by which somebody uses the product while all others wait."`
	Key    gateKeyCommand    `cmd:"" help:"Print a new key that passes are signed with."`
}

// Help explains the family.
func (gateCommands) Help() string {
	return `The gate stands in front of the product and keeps the promises of a maintenance there: while a flow is interrupted, its
requests wait, are answered from what is stored, or are refused with the best estimate of the end.

  interlude gate --config gate.yaml
  interlude gate check --config gate.yaml
  interlude gate bypass --config gate.yaml --for 2h --name ops`
}

type gateRunCommand struct {
	Config      string `short:"c" required:"" env:"INTERLUDE_GATE_CONFIG" placeholder:"FILE" help:"What the gate does for whom (YAML)."`
	AddressFile string `placeholder:"FILE" help:"Write the addresses into this file once the gate listens, one in each line: for port 0."`
	Profiles    bool   `help:"Show the program's profiles at the admin address, below /debug/pprof/."`
	LogFormat   string `default:"text" enum:"text,json" placeholder:"FORMAT" env:"INTERLUDE_LOG_FORMAT" help:"Log lines as text or json."`
	LogLevel    string `default:"info" enum:"debug,info,warn,error" placeholder:"LEVEL" env:"INTERLUDE_LOG_LEVEL" help:"Least level that is logged."`
}

// Help explains reloading and stopping.
func (gateRunCommand) Help() string {
	return `On SIGHUP the configuration, the certificates and the access log are read or opened anew; what cannot be used changes
nothing, and the log says why. On SIGTERM the gate takes no more clients, refuses those whose requests wait, lets all others
finish, and ends.

  interlude gate --config gate.yaml
  kill -HUP "$(pidof interlude)"`
}

// Run serves until ctx ends.
func (c *gateRunCommand) Run(ctx context.Context, s *session) error {
	log, err := newLog(s.stderr, c.LogFormat, c.LogLevel)
	if err != nil {
		return err
	}
	read := func() (*gateSettings, error) { return readGate(c.Config, s.env) }
	settings, err := read()
	if err != nil {
		return err
	}
	p, err := newGateProcess(ctx, settings, s.stdout, log)
	if err != nil {
		return err
	}
	p.profiles = c.Profiles
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	var noted error
	err = withHeadroom(func() error {
		return p.run(ctx, settings, read, hangups, func(addresses []string) {
			log.Info("the gate is up", "addresses", addresses, "version", version())
			if c.AddressFile != "" {
				noted = os.WriteFile(c.AddressFile, []byte(strings.Join(addresses, "\n")+"\n"), 0o644)
			}
		})
	})
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another program listens there", err)
	case err != nil:
		return err
	case noted != nil:
		return fmt.Errorf("tell the addresses: %w", noted)
	}
	log.Info("stopped")
	return nil
}
