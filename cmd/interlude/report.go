package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"example.org/interlude/api"
)

// reportCommand prints a report.
type reportCommand struct {
	Ref    string `arg:"" name:"id" help:"Id or key of a maintenance or an incident."`
	Format string `default:"text" enum:"text,json,html" help:"text, json or html."`
}

// Help explains report.
func (reportCommand) Help() string {
	return `The report is what readers see on the page: every update, newest first, and what was affected.

  interlude report database-upgrade-2027-01-15-0600
  interlude report ID --format html > report.html`
}

// Run fetches the report and prints it.
func (c *reportCommand) Run(ctx context.Context, s *session) error {
	report, err := s.client().Report(ctx, c.Ref)
	if err != nil {
		return err
	}
	if c.Format == "html" {
		return s.copyPage(ctx, "/incidents/"+url.PathEscape(report.Subject.ID))
	}
	if s.json {
		c.Format = "json"
	}
	return printReport(s.stdout, s, report, c.Format)
}

// copyPage prints a public page of the server.
func (s *session) copyPage(ctx context.Context, path string) error {
	ctx, stop := context.WithTimeout(ctx, api.Patience)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(s.server, "/")+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask for the page: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return &api.Unreachable{Server: s.server, Err: err}
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return &api.Foreign{Server: s.server, Status: answer.StatusCode, Why: "the page " + path + " is expected"}
	}
	if _, err := io.Copy(s.stdout, answer.Body); err != nil {
		return fmt.Errorf("copy the page: %w", err)
	}
	return nil
}
