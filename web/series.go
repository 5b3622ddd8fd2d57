package web

import (
	"context"
	"errors"
	"slices"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/board"
	"example.org/interlude/status"
)

// aheadStarts is how many starts of a series are told.
const aheadStarts = 5

func (d *door) series(_ context.Context, _ *nothing) (*plain[api.List[api.Series]], error) {
	p := d.Board.Current()
	list := api.List[api.Series]{Items: make([]api.Series, len(p.Series))}
	for i, s := range p.Series {
		list.Items[i] = seriesView(p, *s, d.Clock.Now())
	}
	return &plain[api.List[api.Series]]{Body: list}, nil
}

func (d *door) oneSeries(_ context.Context, in *refInput) (*versioned[api.Series], error) {
	p := d.Board.Current()
	s, ok := seriesOf(p, in.Ref)
	if !ok {
		return nil, absent(p, in.Ref, status.KindSeries)
	}
	return &versioned[api.Series]{ETag: api.ETag(s.Version), Body: seriesView(p, *s, d.Clock.Now())}, nil
}

func (d *door) endSeries(ctx context.Context, in *actInput) (*versioned[api.SeriesEnded], error) {
	ask, err := decode[api.SeriesEnd](in.RawBody)
	if err != nil {
		return nil, err
	}
	who, err := asking(ctx, in.IfMatch)
	if err != nil {
		return nil, err
	}
	if !ask.CancelPlanned && (ask.Body != "" || ask.Quiet) {
		return nil, &status.Invalid{Field: "body", Rule: "and quiet are for cancel_planned: without it, readers are told nothing"}
	}
	s, canceled, err := d.Keeper.EndSeries(ctx, in.Ref, ask.CancelPlanned, status.Post{Body: ask.Body, Quiet: ask.Quiet}, who)
	if err != nil {
		return nil, d.named(err, in.Ref, status.KindSeries)
	}
	answer := api.SeriesEnded{Series: seriesView(d.shown(ctx), s, d.Clock.Now()), Canceled: []api.Occurrence{}}
	for _, m := range canceled {
		answer.Canceled = append(answer.Canceled, occurrence(m))
	}
	return &versioned[api.SeriesEnded]{ETag: api.ETag(s.Version), Body: answer}, nil
}

// named says of an act on something that does not exist what the reads say: what was probably meant.
func (d *door) named(err error, ref string, kind status.Kind) error {
	if errors.Is(err, status.ErrNotFound) {
		return absent(d.Board.Current(), ref, kind)
	}
	return err
}

// seriesOf finds a series by id or key.
func seriesOf(p *board.Picture, ref string) (*status.Series, bool) {
	if s, ok := p.SeriesOf(ref); ok {
		return s, true
	}
	i := slices.IndexFunc(p.Series, func(s *status.Series) bool { return s.Key == ref && ref != "" })
	if i < 0 {
		return nil, false
	}
	return p.Series[i], true
}

func seriesView(p *board.Picture, s status.Series, now time.Time) api.Series {
	view := api.Series{
		Series: s, Components: fullNames(p, s.Template.Affects), Words: s.Recurrence.Words(),
		Next: []time.Time{}, Open: []api.Occurrence{},
	}
	for _, w := range s.Next(p.Page.TimeZone, now, aheadStarts) {
		view.Next = append(view.Next, w.Start)
	}
	for _, m := range p.Maintenances { // by start
		if m.Series == s.ID {
			view.Open = append(view.Open, occurrence(*m))
		}
	}
	view.Template = whole(view.Template)
	return view
}

func occurrence(m status.Maintenance) api.Occurrence {
	return api.Occurrence{ID: m.ID, Key: m.Key, State: m.State, Window: m.Window}
}
