package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// auditCommand shows the audit log.
type auditCommand struct {
	Limit  int    `default:"50" placeholder:"N" help:"How many entries at most."`
	Format string `default:"table" enum:"table,json" help:"table, or json, which --json means too."`
}

// Help explains what is in it.
func (auditCommand) Help() string {
	return `The latest comes first. Each entry is one request that changed something: when, with which token, from where, what was
asked for, and what was changed. What was refused, and what the clock did by itself, is not there.

An operation of the native API stands there by its name, such as begin-maintenance; one of the Statuspage-compatible API by its
name behind the version, such as v1/create-incident. REQUEST is how the server's own log names the request. The token needs the
scope administer.

  interlude audit --limit 20
  interlude audit --format json --limit 1000`
}

// Run prints the entries, as many pages of them as it takes.
func (c *auditCommand) Run(ctx context.Context, s *session) error {
	if c.Limit < 1 {
		return usage("--limit must be at least 1, not %d", c.Limit)
	}
	entries := []api.AuditEntry{}
	for cursor := ""; ; {
		some, err := s.client().Audit(ctx, api.AuditFilter{Limit: min(c.Limit-len(entries), api.LargestLimit), Cursor: cursor})
		if err != nil {
			return err
		}
		entries = append(entries, some.Items...)
		if cursor = some.Next; cursor == "" || len(entries) >= c.Limit {
			break
		}
	}
	if s.json || c.Format == "json" {
		return s.printJSON(entries)
	}
	if len(entries) == 0 {
		fmt.Fprintln(s.stdout, "Nothing was changed yet.")
		return nil
	}
	zone := s.zone(ctx)
	rows := make([][]string, len(entries))
	for i, e := range entries {
		rows[i] = []string{
			strconv.FormatInt(e.N, 10), instant(e.At, zone), e.Name, e.Client, e.Operation, subjectWords(e.Subjects), e.Request,
		}
	}
	table(s.stdout, "N TIME TOKEN CLIENT OPERATION CHANGED REQUEST", rows)
	return nil
}

// subjectWords names what was changed: the first of it, and how much more there is.
func subjectWords(subjects []status.Subject) string {
	const shown = 2
	var words []string
	for _, of := range subjects[:min(len(subjects), shown)] {
		words = append(words, strings.ReplaceAll(string(of.Kind), "_", " ")+" "+of.ID)
	}
	if more := len(subjects) - shown; more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	return strings.Join(words, ", ")
}
