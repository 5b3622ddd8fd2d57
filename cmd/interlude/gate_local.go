package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// localGate is a gate in the server's own process. It follows the server over the loopback, as any other gate does.
type localGate struct {
	process  *gateProcess
	settings *gateSettings
	read     func() (*gateSettings, error)
}

// newLocalGate reads the gate's configuration, which names no server.
func newLocalGate(ctx context.Context, file string, s *session, log *slog.Logger) (*localGate, error) {
	read := func() (*gateSettings, error) {
		settings, err := readGate(file, s.env)
		if err == nil && settings.Server != nil {
			err = settings.located(&status.Invalid{Field: "server", Rule: "must be left out: this gate follows the server in whose process it is"})
		}
		return settings, err
	}
	settings, err := read()
	if err != nil {
		return nil, err
	}
	p, err := newGateProcess(ctx, settings, s.stdout, log)
	return &localGate{p, settings, read}, err
}

// introduce makes the gate known to the server that listens at an address.
func (g *localGate) introduce(ctx context.Context, db *store.Store, address string, now time.Time) error {
	secret, err := g.token(ctx, db, now)
	if err != nil {
		return fmt.Errorf("make the gate's token: %w", err)
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if at.Addr().IsUnspecified() { // any address of the machine
		at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
	}
	g.process.local = &api.Client{Server: "http://" + net.JoinHostPort(at.Addr().String(), fmt.Sprint(at.Port())), Token: secret, UserAgent: "interlude/" + version()}
	return nil
}

// token is what the gate says who it is with: the one beside its state, or a new one where the server does not know that.
func (g *localGate) token(ctx context.Context, db *store.Store, now time.Time) (string, error) {
	if err := os.MkdirAll(g.settings.State, 0o700); err != nil {
		return "", err
	}
	name := filepath.Join(g.settings.State, "token")
	if text, err := os.ReadFile(name); err == nil {
		secret := strings.TrimSpace(string(text))
		known, err := db.TokenByHash(ctx, access.Hash(secret))
		if err == nil && known.Allows(access.Gate) {
			return secret, nil
		}
		if err != nil && !errors.Is(err, status.ErrNotFound) {
			return "", err
		}
	}
	token, secret, err := access.New(rand.Reader, "gate "+g.settings.Name, access.Gate, now, "serve --gate")
	if err != nil {
		return "", err
	}
	if err := db.AddToken(ctx, token); err != nil {
		return "", err
	}
	return secret, writeSecret(name, secret)
}

// beside runs the gate and the server until ctx ends. The gate ends first, so that the server hears what it measured last.
func (g *localGate) beside(ctx context.Context, serve func(context.Context) error) error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	serving, stopServer := context.WithCancel(context.WithoutCancel(ctx))
	gating, stopGate := context.WithCancel(ctx)
	var both errgroup.Group
	both.Go(func() error {
		defer stopServer()
		return g.process.run(gating, g.settings, g.read, hangups, func([]string) {})
	})
	both.Go(func() error {
		defer stopGate()
		return serve(serving)
	})
	return both.Wait()
}
