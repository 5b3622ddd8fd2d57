package main

import (
	"context"
	"fmt"
	"io"

	"example.org/interlude/status"
)

// componentCommands are what people do with the parts of the product.
type componentCommands struct {
	List componentListCommand `cmd:"" help:"List what is on the page, and how it fares."`
	Set  componentSetCommand  `cmd:"" help:"Set the status of a component."`
}

type componentListCommand struct{}

// Run prints a table.
func (componentListCommand) Run(ctx context.Context, s *session) error {
	list, err := s.client().Components(ctx)
	if err != nil {
		return err
	}
	return s.print(list, func(w io.Writer) {
		if len(list) == 0 {
			fmt.Fprintln(w, "No components: apply a page document first.")
			return
		}
		rows := make([][]string, len(list))
		for i, c := range list {
			rows[i] = []string{c.ID, string(c.Status), c.FullName}
		}
		table(w, "ID STATUS NAME", rows)
	})
}

type componentSetCommand struct {
	Name   string           `arg:"" help:"Name, as Group / Component, or id."`
	Status status.Condition `arg:"" help:"operational, degraded_performance, partial_outage, major_outage or under_maintenance."`
}

// Help explains set.
func (componentSetCommand) Help() string {
	return `What a person sets overrules what open maintenances and incidents said of the component so far.

  interlude component set "Messenger / Web Messenger" degraded_performance
  interlude component set APIs operational`
}

// Run sets it.
func (c *componentSetCommand) Run(ctx context.Context, s *session) error {
	if err := oneOf("the status", c.Status, status.Conditions); err != nil {
		return err
	}
	is, err := s.client().SetComponent(ctx, c.Name, c.Status)
	if err != nil {
		return err
	}
	return s.print(is, func(w io.Writer) { fmt.Fprintf(w, "%s: %s\n", is.FullName, is.Status) })
}
