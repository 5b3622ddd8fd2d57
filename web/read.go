package web

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"example.org/interlude/api"
	"example.org/interlude/board"
	"example.org/interlude/status"
)

// lookingTwice makes a read of one that looks again when it finds nothing: another node may have written a moment ago
// what this one's board does not show yet. Whoever was given an id there is not told here that nothing has it.
func lookingTwice[I, O any](d *door, read func(context.Context, *I) (*O, error)) func(context.Context, *I) (*O, error) {
	return func(ctx context.Context, in *I) (*O, error) {
		seen := d.Board.Current()
		out, err := read(ctx, in)
		if !errors.Is(err, status.ErrNotFound) || d.caughtUp(ctx) == seen {
			return out, err
		}
		return read(ctx, in)
	}
}

// caughtUp is the picture with what the store has now. A store that does not answer soon leaves it as it is: what can be
// read is read from memory.
func (d *door) caughtUp(ctx context.Context) *board.Picture {
	limited, stop := context.WithTimeout(ctx, showPatience)
	defer stop()
	if err := d.Board.Refresh(limited); err != nil {
		d.Log.DebugContext(ctx, "what another node wrote cannot be looked for", "request", requestID(ctx), "error", err)
	}
	return d.Board.Current()
}

func (d *door) page(_ context.Context, _ *nothing) (*versioned[api.Page], error) {
	p := d.Board.Current()
	view := api.Page{Page: p.Page, Status: status.Operational}
	for _, c := range p.Conditions {
		view.Status = status.Worst(view.Status, c)
	}
	return &versioned[api.Page]{ETag: api.ETag(p.Page.Version), Body: view}, nil
}

func (d *door) components(_ context.Context, _ *nothing) (*plain[api.List[api.Component]], error) {
	p := d.Board.Current()
	list := api.List[api.Component]{Items: make([]api.Component, len(p.Components))}
	for i, c := range p.Components {
		list.Items[i] = componentView(p, c)
	}
	return &plain[api.List[api.Component]]{Body: list}, nil
}

func (d *door) report(_ context.Context, in *refInput) (*plain[status.Report], error) {
	p := d.Board.Current()
	report, ok := p.Report(in.Ref)
	if !ok {
		return nil, absent(p, in.Ref, status.KindMaintenance, status.KindIncident)
	}
	return &plain[status.Report]{Body: report}, nil
}

func (d *door) maintenance(_ context.Context, in *refInput) (*versioned[api.Maintenance], error) {
	p := d.Board.Current()
	m, ok := p.Maintenance(in.Ref)
	if !ok {
		return nil, absent(p, in.Ref, status.KindMaintenance)
	}
	return &versioned[api.Maintenance]{ETag: api.ETag(m.Version), Body: maintenanceView(p, *m)}, nil
}

func (d *door) incident(_ context.Context, in *refInput) (*versioned[api.Incident], error) {
	p := d.Board.Current()
	i, ok := p.Incident(in.Ref)
	if !ok {
		return nil, absent(p, in.Ref, status.KindIncident)
	}
	return &versioned[api.Incident]{ETag: api.ETag(i.Version), Body: incidentView(p, *i)}, nil
}

func (d *door) maintenances(_ context.Context, in *maintenanceListInput) (*plain[api.List[api.Maintenance]], error) {
	p, all := d.listing.of(d.Board.Current())
	kept := slices.DeleteFunc(slices.Clone(all.maintenances), func(m *status.Maintenance) bool {
		return len(in.State) > 0 && !slices.Contains(in.State, string(m.State))
	})
	some, next, err := cut(kept, placeOfMaintenance, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	list := api.List[api.Maintenance]{Items: make([]api.Maintenance, len(some)), Next: next}
	for i, m := range some {
		list.Items[i] = maintenanceView(p, *m)
	}
	return &plain[api.List[api.Maintenance]]{Body: list}, nil
}

func (d *door) incidents(_ context.Context, in *incidentListInput) (*plain[api.List[api.Incident]], error) {
	p, all := d.listing.of(d.Board.Current())
	kept := slices.DeleteFunc(slices.Clone(all.incidents), func(i *status.Incident) bool {
		return len(in.State) > 0 && !slices.Contains(in.State, string(i.State))
	})
	some, next, err := cut(kept, placeOfIncident, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	list := api.List[api.Incident]{Items: make([]api.Incident, len(some)), Next: next}
	for i, e := range some {
		list.Items[i] = incidentView(p, *e)
	}
	return &plain[api.List[api.Incident]]{Body: list}, nil
}

func componentView(p *board.Picture, c status.Component) api.Component {
	view := api.Component{Component: c, FullName: p.FullName(c.ID), Status: cmp.Or(p.Conditions[c.ID], c.Condition)}
	if g, ok := p.Group(c.GroupID); ok {
		view.Group = g.Name
	}
	return view
}

func maintenanceView(p *board.Picture, m status.Maintenance) api.Maintenance {
	return api.Maintenance{Maintenance: whole(m), Components: fullNames(p, m.Affects)}
}

// whole makes empty lists of those that are missing.
func whole(m status.Maintenance) status.Maintenance {
	if m.Affects == nil {
		m.Affects = []string{}
	}
	if m.Updates == nil {
		m.Updates = []status.Update{}
	}
	return m
}

func incidentView(p *board.Picture, i status.Incident) api.Incident {
	if i.Affects == nil {
		i.Affects = []string{}
	}
	if i.Updates == nil {
		i.Updates = []status.Update{}
	}
	return api.Incident{Incident: i, Components: fullNames(p, i.Affects)}
}

func fullNames(p *board.Picture, ids []string) []string {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		if name := p.FullName(id); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// listing keeps the sorted lists of one picture, so that paging through them sorts once.
type listing struct{ last atomic.Pointer[sorted] }

type sorted struct {
	of           *board.Picture
	maintenances []*status.Maintenance
	incidents    []*status.Incident
}

// of gives all events of a picture, open and past, in the order of lists. Maintenances are a plan first and a past
// then: those that have not ended, the next one first, and after them those that have, the latest first. Incidents have no
// plan: the latest comes first.
func (l *listing) of(p *board.Picture) (*board.Picture, *sorted) {
	if s := l.last.Load(); s != nil && s.of == p {
		return p, s
	}
	s := &sorted{of: p, maintenances: slices.Clone(p.Maintenances), incidents: slices.Clone(p.Incidents)}
	for _, e := range p.Past {
		if e.Maintenance != nil {
			s.maintenances = append(s.maintenances, e.Maintenance)
		} else {
			s.incidents = append(s.incidents, e.Incident)
		}
	}
	slices.SortFunc(s.maintenances, func(a, b *status.Maintenance) int {
		return placeOfMaintenance(a).compare(placeOfMaintenance(b))
	})
	slices.SortFunc(s.incidents, func(a, b *status.Incident) int { return placeOfIncident(a).compare(placeOfIncident(b)) })
	l.last.Store(s)
	return p, s
}

// place is where an event stands in its list.
type place struct {
	ahead bool  // those that are ahead come first, the soonest of them first
	at    int64 // microseconds since 1970; of those that are not ahead, later ones come first
	id    string
}

func placeOfMaintenance(m *status.Maintenance) place {
	return place{m.Open(), m.Window.Start.UnixMicro(), m.ID}
}
func placeOfIncident(i *status.Incident) place { return place{false, i.Began.UnixMicro(), i.ID} }

func (p place) compare(o place) int {
	switch {
	case p.ahead && !o.ahead:
		return -1
	case o.ahead && !p.ahead:
		return 1
	case p.ahead:
		return cmp.Or(cmp.Compare(p.at, o.at), cmp.Compare(p.id, o.id))
	}
	return cmp.Or(cmp.Compare(o.at, p.at), cmp.Compare(p.id, o.id))
}

// cursor writes a place so that nobody is tempted to make one up.
func (p place) cursor() string {
	mark := ""
	if p.ahead {
		mark = aheadMark
	}
	return base64.RawURLEncoding.EncodeToString([]byte(mark + strconv.FormatInt(p.at, 36) + "." + p.id))
}

const aheadMark = "+"

func parseCursor(text string) (place, error) {
	wrong := &status.Invalid{Field: "cursor", Rule: "must be next of an earlier page"}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return place{}, wrong
	}
	rest, ahead := strings.CutPrefix(string(raw), aheadMark)
	at, id, found := strings.Cut(rest, ".")
	micros, err := strconv.ParseInt(at, 36, 64)
	if !found || err != nil {
		return place{}, wrong
	}
	return place{ahead, micros, id}, nil
}

// cut takes one page out of a sorted list: what comes after the cursor, at most limit. What was added or has ended
// since the page before neither repeats nor hides anything else; a maintenance that ended in between may come twice.
func cut[T any](list []T, placeOf func(T) place, after string, limit int) ([]T, string, error) {
	if after != "" {
		from, err := parseCursor(after)
		if err != nil {
			return nil, "", err
		}
		begin, found := slices.BinarySearchFunc(list, from, func(e T, p place) int { return placeOf(e).compare(p) })
		if found {
			begin++
		}
		list = list[begin:]
	}
	if limit <= 0 {
		limit = api.DefaultLimit
	}
	if len(list) <= limit {
		return list, "", nil
	}
	return list[:limit], placeOf(list[limit-1]).cursor(), nil
}
