package main

import (
	"context"
	"strings"
	"time"
)

// zone is the one of the page, in which every command shows times, as the page does. Without an answer it is UTC: each
// time names its zone, so that none is wrong.
func (s *session) zone(ctx context.Context) *time.Location {
	if s.json {
		return time.UTC // programs get what the server said
	}
	p, err := s.client().Page(ctx)
	if err != nil {
		return time.UTC
	}
	return p.Zone()
}

// instant is a moment as tables show it, empty when there is none.
func instant(t time.Time, zone *time.Location) string { return moment(t, zone, "2006-01-02 15:04") }

// precise is a moment where seconds matter.
func precise(t time.Time, zone *time.Location) string { return moment(t, zone, "2006-01-02 15:04:05") }

func moment(t time.Time, zone *time.Location, form string) string {
	if t.IsZero() {
		return ""
	}
	name, _ := t.In(zone).Zone()
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") { // a zone without a name of its own
		name = "UTC" + name
	}
	return t.In(zone).Format(form) + " " + name
}
