package desk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"example.org/interlude/spool"
)

// Bounds of a page of entries.
const (
	usualPage = 100
	mostPage  = 1000
)

// wrongQuery is a query that cannot be answered.
type wrongQuery struct{ field, rule string }

func (w *wrongQuery) Error() string { return w.field + " " + w.rule }

// filterOf reads what is asked for.
func filterOf(q url.Values) (spool.Filter, error) {
	f := spool.Filter{Flow: q.Get("flow"), State: spool.State(q.Get("state")), Lane: q.Get("lane"), After: q.Get("after"), Most: usualPage}
	states := []spool.State{"", spool.Waiting, spool.Shelved, spool.Delivered, spool.Removed}
	if !slices.Contains(states, f.State) {
		return f, &wrongQuery{"state", fmt.Sprintf("must be waiting, shelved, delivered or removed, not %q", f.State)}
	}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostPage {
			return f, &wrongQuery{"limit", fmt.Sprintf("must be a number from 1 to %d, not %q", mostPage, text)}
		}
		f.Most = n
	}
	return f, nil
}

func (d *desk) overview(*http.Request) (any, error) {
	figures := d.flows.Figures()
	all := Overview{Flows: []Flow{}}
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		all.Flows = append(all.Flows, flowOf(name, figures[name]))
	}
	return all, nil
}

func (d *desk) list(r *http.Request) (any, error) {
	f, err := filterOf(r.URL.Query())
	if err != nil {
		return nil, err
	}
	items, err := d.spool.Items(r.Context(), f)
	if err != nil {
		return nil, err
	}
	page := List{Items: items}
	if page.Items == nil {
		page.Items = []spool.Item{}
	}
	if len(items) == f.Most {
		page.More = items[len(items)-1].ID
	}
	return page, nil
}

func (d *desk) show(r *http.Request) (any, error) {
	return d.spool.Item(r.Context(), r.PathValue("id"))
}

func (d *desk) head(r *http.Request) (any, error) {
	e, err := d.spool.Entry(r.Context(), r.PathValue("id"))
	return content(e.Head), err
}

func (d *desk) body(r *http.Request) (any, error) {
	e, err := d.spool.Entry(r.Context(), r.PathValue("id"))
	return content(e.Body), err
}

func (d *desk) retry(r *http.Request) (any, error) {
	return nil, d.spool.Retry(r.Context(), r.PathValue("id"))
}

func (d *desk) shelve(r *http.Request) (any, error) {
	return nil, d.flows.Shelve(r.Context(), r.PathValue("id"))
}

func (d *desk) remove(r *http.Request) (any, error) {
	return nil, d.spool.Remove(r.Context(), r.PathValue("id"))
}

func (d *desk) pause(r *http.Request) (any, error) {
	return nil, d.flows.Pause(r.Context(), r.PathValue("flow"))
}

func (d *desk) resume(r *http.Request) (any, error) {
	return nil, d.flows.Resume(r.Context(), r.PathValue("flow"))
}

func (d *desk) retryAll(r *http.Request) (any, error) { return d.each(r, d.spool.Retry) }

// removeAll removes what is shelved, of one flow or of all, and nothing that waits: that somebody asks for one by one.
func (d *desk) removeAll(r *http.Request) (any, error) {
	if r.URL.Query().Get("state") != string(spool.Shelved) {
		return nil, &wrongQuery{"state", "must be shelved: what waits is removed one by one"}
	}
	return d.each(r, d.spool.Remove)
}

// each does something with every entry that is asked for. One that has gone meanwhile, or is under way, is passed over.
func (d *desk) each(r *http.Request, act func(context.Context, string) error) (any, error) {
	f, err := filterOf(r.URL.Query())
	if err != nil {
		return nil, err
	}
	if f.State == "" {
		f.State = spool.Shelved
	}
	f.Most = mostPage
	var done Done
	for {
		items, err := d.spool.Items(r.Context(), f)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			err := act(r.Context(), item.ID)
			switch {
			case err == nil:
				done.Done++
			case !errors.Is(err, spool.ErrMoving) && !errors.Is(err, spool.ErrEnded) && !errors.Is(err, spool.ErrNotFound):
				return nil, err
			}
		}
		if len(items) < f.Most {
			return done, nil
		}
		f.After = items[len(items)-1].ID
	}
}
