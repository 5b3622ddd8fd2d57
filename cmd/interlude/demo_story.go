package main

import (
	"context"
	"time"

	"example.org/interlude/keeper"
	"example.org/interlude/status"
)

// demoStory is the report that Interlude comes from, happening again: announced two days ahead, updated the day
// before, begun a minute late, fourteen minutes over its announced end, with the overrun said at once this time.
func demoStory() ([]beat, error) {
	past, err := demoDocuments("page.yaml", "past.yaml", "incident.yaml")
	if err != nil {
		return nil, err
	}
	past[0].Page.Page.LeastNotice = status.Duration(36 * time.Hour) // what the report kept: 37 hours
	plan, err := demoDocuments("maintenance.yaml")
	if err != nil {
		return nil, err
	}
	d := plan[0].Maintenance
	d.Key, d.Begin = demoKey, status.Manual // the night shift begins it, as it did then
	start, end := d.Window.Start, d.Window.End
	operator := keeper.Request{By: status.Actor{Kind: status.Person, Name: "Night shift"}}

	apply := func(documents []status.Document) func(context.Context, *keeper.Keeper) error {
		return func(ctx context.Context, k *keeper.Keeper) error {
			_, err := k.Apply(ctx, documents, false, operator)
			return err
		}
	}
	move := func(to func(*keeper.Keeper, context.Context, string, status.Post, keeper.Request) (status.Maintenance, error), body string) func(context.Context, *keeper.Keeper) error {
		return func(ctx context.Context, k *keeper.Keeper) error {
			_, err := to(k, ctx, demoKey, status.Post{Body: body}, operator)
			return err
		}
	}
	announced := start.Add(-37*time.Hour - 9*time.Minute)
	return []beat{
		{announced.Add(-time.Minute), 0, apply(past)},
		{announced, 0.08, apply(plan)},
		{
			start.Add(-17*time.Hour - 57*time.Minute), 0.12,
			move((*keeper.Keeper).Post, "A reminder: this maintenance takes place tomorrow, {{ .Window }}. Nothing has changed."),
		},
		{start.Add(time.Minute), 0.16, move((*keeper.Keeper).Begin, "")},
		{start.Add(51 * time.Minute), 0.24, func(ctx context.Context, k *keeper.Keeper) error {
			_, err := k.Estimate(ctx, demoKey, end.Add(10*time.Minute), status.Post{}, operator)
			return err
		}},
		{end.Add(11 * time.Minute), 0.26, move((*keeper.Keeper).Verify, "")},
		{end.Add(14 * time.Minute), 0.08, move((*keeper.Keeper).Complete, "")},
		{end.Add(15 * time.Minute), 0.06, nil},
	}, nil
}
