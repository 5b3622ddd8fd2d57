package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/clock"
	"example.org/interlude/keeper"
	"example.org/interlude/store"
)

// serveCommand runs the server: the page, the APIs, and the clock that moves maintenances.
type serveCommand struct {
	Listen      string `default:"127.0.0.1:8484" env:"INTERLUDE_LISTEN" placeholder:"HOST:PORT" help:"Address to listen on."`
	Store       string `default:"interlude.db" env:"INTERLUDE_STORE" placeholder:"NAME" help:"Database: a file for SQLite, which is created, or postgres://user@host/database when several nodes share it."`
	Secure      bool   `env:"INTERLUDE_SECURE" help:"Readers come by https, through a proxy that ends TLS."`
	Notices     string `env:"INTERLUDE_NOTICES" placeholder:"FILE" type:"existingfile" help:"How subscribers are told: mail relays, signatures, limits (YAML). Without it, webhooks and chats are told and nobody by mail."`
	Gate        string `env:"INTERLUDE_GATE" placeholder:"FILE" type:"existingfile" help:"Run a gate in the same process, by this configuration (YAML), which names no server."`
	TokenFile   string `placeholder:"FILE" help:"Write the administrator token of the first start into this file, readable by its owner only, instead of showing it."`
	AddressFile string `placeholder:"FILE" help:"Write the address into this file once the server listens: for port 0."`
	LogFormat   string `default:"text" enum:"text,json" placeholder:"FORMAT" env:"INTERLUDE_LOG_FORMAT" help:"Log lines as text or json."`
	LogLevel    string `default:"info" enum:"debug,info,warn,error" placeholder:"LEVEL" env:"INTERLUDE_LOG_LEVEL" help:"Least level that is logged."`
}

// Help explains the first start.
func (serveCommand) Help() string {
	return `The first start on an empty database makes one administrator's token and shows its secret once, or writes it into
--token-file. With INTERLUDE_TOKEN it makes that token known instead of a new one, and logs that it did, which suits machines
that are set up by a program; several nodes may then start at once with the same one. interlude token generate makes such a
secret.

  interlude serve
  interlude serve --store postgres://interlude@db/interlude --listen 0.0.0.0:8484
  INTERLUDE_TOKEN=$(interlude token generate) interlude serve`
}

// Run serves until ctx ends. It listens before it opens the store, so that a start on an address that is taken leaves
// nothing behind: no database, and no token that nobody would look for there.
func (c *serveCommand) Run(ctx context.Context, s *session) error {
	log, err := newLog(s.stderr, c.LogFormat, c.LogLevel)
	if err != nil {
		return err
	}
	told, err := readNotices(c.Notices, s.env)
	if err != nil {
		return err
	}
	var local *localGate
	if c.Gate != "" {
		if local, err = newLocalGate(ctx, c.Gate, s, log); err != nil {
			return err
		}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another program listens there; give another address with --listen", err)
	case err != nil:
		return err
	}
	defer listener.Close()
	db, err := openStore(ctx, c.Store, log)
	if err != nil {
		return err
	}
	defer db.Close()
	n := newNode(db, clock.System{}, store.Leader{Store: db, Name: "clock", Node: nodeName()}, log)
	n.door.Secure = c.Secure
	if err := n.tellSubscribers(ctx, told, clock.System{}, log); err != nil {
		if c.Notices != "" {
			err = fmt.Errorf("%s: %w", c.Notices, err)
		}
		return err
	}
	if err := c.firstToken(ctx, db, s, log); err != nil {
		return err
	}
	address := listener.Addr().String()
	if c.AddressFile != "" {
		if err := os.WriteFile(c.AddressFile, []byte(address+"\n"), 0o644); err != nil {
			return err
		}
	}
	log.Info("the page is up", "url", "http://"+address+"/", "version", version())
	serve := func(ctx context.Context) error { return n.run(ctx, listener) }
	if local != nil {
		if err := local.introduce(ctx, db, address, clock.System{}.Now()); err != nil {
			return err
		}
		err = local.beside(ctx, serve)
	} else {
		err = serve(ctx)
	}
	if err == nil {
		log.Info("stopped")
	}
	return err
}

// nodeName tells this process from all others that share the store.
func nodeName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), keeper.NewID()[:6])
}

// storePatience is how long a start waits for a database server that is still starting itself.
const storePatience = 30 * time.Second

// openStore opens the database. One that cannot be reached is asked again for a while, because servers are often
// started together; everything else that is wrong is said at once.
func openStore(ctx context.Context, name string, log *slog.Logger) (*store.Store, error) {
	deadline := time.Now().Add(storePatience)
	for {
		db, err := store.Open(ctx, name)
		if err == nil {
			return db, nil
		}
		var unreachable net.Error
		if refused := new(net.OpError); !errors.As(err, &refused) && !errors.As(err, &unreachable) || time.Now().After(deadline) || ctx.Err() != nil {
			return nil, err
		}
		log.Warn("the database does not answer yet; trying again", "error", err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// firstToken makes the administrator's token when there is none at all: INTERLUDE_TOKEN where it is set, else a new
// one that is shown this once. Of several nodes that start at once, one does.
func (c *serveCommand) firstToken(ctx context.Context, db *store.Store, s *session, log *slog.Logger) error {
	token, secret, err := access.New(rand.Reader, "administrator", access.Administer, clock.System{}.Now(), "first start")
	if err != nil {
		return fmt.Errorf("make the first token: %w", err)
	}
	given := s.token
	if given != "" {
		token.Hash, secret = access.Hash(given), given
	}
	added, err := db.AddFirstToken(ctx, token, func() error {
		switch {
		case given != "" && !access.WellFormed(given):
			return errors.New("INTERLUDE_TOKEN is not a token of Interlude: make one with `interlude token generate`, or leave it empty to be shown one")
		case c.TokenFile != "":
			return writeSecret(c.TokenFile, secret)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("first start: %w", err)
	}
	switch {
	case added && given != "":
		log.Info("first start: the token in INTERLUDE_TOKEN is the administrator's from now on", "id", token.ID)
	case added && c.TokenFile == "":
		fmt.Fprintf(s.stderr, "\nFirst start. This administrator token is shown once; keep it safe:\n\n  export INTERLUDE_TOKEN=%s\n\n", secret)
	}
	return nil
}

// writeSecret writes a file that its owner alone may read, also when it was there before.
func writeSecret(name, secret string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the first token: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		err = f.Chmod(0o600)
	}
	if err == nil {
		_, err = f.WriteString(secret + "\n")
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the first token: %w", err)
	}
	return nil
}

func newLog(w io.Writer, format, level string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: least}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return slog.New(slog.NewTextHandler(w, options)), nil
}
