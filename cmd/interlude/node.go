package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"

	"golang.org/x/sync/errgroup"

	"example.org/interlude/board"
	"example.org/interlude/keeper"
	"example.org/interlude/page"
	"example.org/interlude/store"
	"example.org/interlude/web"
)

// ticking is a clock that everything on time shares.
type ticking interface {
	keeper.Clock
	page.Clock
}

// node is one server with its parts wired together: serve runs it on the machine's clock, the demonstration on one
// that it drives.
type node struct {
	store  *store.Store
	board  *board.Board
	keeper *keeper.Keeper
	site   *page.Site
	door   web.Server
	// hands are what works beside the door.
	hands []func(context.Context) error
}

// newNode wires the parts: the keeper writes to the store and prods the board, the board shows the page.
func newNode(s *store.Store, clock ticking, leader keeper.Leader, log *slog.Logger) *node {
	b := board.New(s, clock, log)
	k := keeper.New(s, clock, leader, log, b.Prod)
	site := page.New(b, clock, log)
	return &node{
		store: s, board: b, keeper: k, site: site, hands: []func(context.Context) error{b.Run, k.Run, site.Run},
		door: web.Server{Keeper: k, Board: b, Store: s, Page: site, Clock: clock, Log: log, Version: version()},
	}
}

// run serves until ctx ends. It stops from the outside in: the door closes first, so that nothing new comes in, then
// the hands stop. The store is its owner's to close.
func (n *node) run(ctx context.Context, listener net.Listener) error {
	if err := n.board.Refresh(ctx); err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	serving, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	working, rest := context.WithCancel(context.WithoutCancel(ctx))
	defer rest()
	var all errgroup.Group
	hand := func(run func(context.Context) error) {
		all.Go(func() error {
			err := run(working)
			if err != nil {
				stop(err)
			}
			return err
		})
	}
	for _, run := range n.hands {
		hand(run)
	}
	err := n.door.Run(serving, listener)
	rest()
	if handErr := all.Wait(); handErr != nil {
		return handErr
	}
	return err
}

// version is the commit and tag that Go stamped into the program.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
