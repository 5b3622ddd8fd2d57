package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/api"
)

// tokenCommands manage what programs and people identify themselves with.
type tokenCommands struct {
	Create   tokenCreateCommand   `cmd:"" aliases:"new" help:"Make a token; its secret is shown this once."`
	Generate tokenGenerateCommand `cmd:"" help:"Print a new secret without a server, for a server's first start."`
	List     tokenListCommand     `cmd:"" help:"List tokens, revoked ones too."`
	Revoke   tokenRevokeCommand   `cmd:"" help:"Take a token back."`
}

type tokenGenerateCommand struct{}

// Help explains what the secret is good for.
func (tokenGenerateCommand) Help() string {
	return `The secret is known to no server yet. One whose database is empty takes it from INTERLUDE_TOKEN as its administrator's.

  INTERLUDE_TOKEN=$(interlude token generate) interlude serve`
}

// Run prints it.
func (tokenGenerateCommand) Run(_ context.Context, s *session) error {
	_, secret, err := access.New(rand.Reader, "administrator", access.Administer, time.Now(), "first start")
	if err != nil {
		return err
	}
	return s.print(map[string]string{"secret": secret}, func(w io.Writer) { fmt.Fprintln(w, secret) })
}

type tokenCreateCommand struct {
	Name  string `arg:"" help:"What it is for, such as \"deploy pipeline\"."`
	Scope string `default:"operate" enum:"read,operate,administer,gate" help:"The most that it allows: read, operate, administer or gate."`
}

// Help explains the scopes.
func (tokenCreateCommand) Help() string {
	return `A token of scope read may look, operate may announce and move maintenances and incidents, administer may also
change the page and make tokens. One of scope gate is for a gate, and good for nothing else. The secret is kept nowhere:
what is lost is revoked and made anew.

  interlude token create "deploy pipeline" --scope operate`
}

// Run makes it. The secret goes to standard output alone, so that it can be taken from there.
func (c *tokenCreateCommand) Run(ctx context.Context, s *session) error {
	token, err := s.client().CreateToken(ctx, api.TokenRequest{Name: c.Name, Scope: c.Scope})
	if err != nil {
		return err
	}
	return s.print(token, func(w io.Writer) {
		fmt.Fprintf(s.stderr, "Token %s, %q, may %s. Its secret is shown this once:\n", token.ID, token.Name, token.Scope)
		fmt.Fprintln(w, token.Secret)
	})
}

type tokenListCommand struct{}

// Run prints a table.
func (tokenListCommand) Run(ctx context.Context, s *session) error {
	list, err := s.client().Tokens(ctx)
	if err != nil {
		return err
	}
	zone := s.zone(ctx)
	return s.print(list, func(w io.Writer) {
		rows := make([][]string, len(list))
		for i, t := range list {
			rows[i] = []string{t.ID, t.Scope, instant(t.Created, zone), instant(t.LastUsed, zone), instant(t.Revoked, zone), t.Name}
		}
		table(w, "ID SCOPE CREATED USED REVOKED NAME", rows)
	})
}

type tokenRevokeCommand struct {
	ID string `arg:"" name:"id" help:"Id, as list shows it."`
}

// Run takes it back.
func (c *tokenRevokeCommand) Run(ctx context.Context, s *session) error {
	if err := s.client().RevokeToken(ctx, c.ID); err != nil {
		return err
	}
	return s.print(map[string]string{"revoked": c.ID}, func(w io.Writer) { fmt.Fprintf(w, "Revoked %s.\n", c.ID) })
}
