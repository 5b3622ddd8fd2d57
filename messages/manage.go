package messages

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.org/interlude/spool"
)

// mostListed is how many messages one list holds at most.
const mostListed = 1000

// idForm is what the ids of a spool look like.
var idForm = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)

// states are those that a list may ask for.
var states = []spool.State{spool.Waiting, spool.Shelved, spool.Delivered, spool.Removed}

func (a *API) list(v visit) error {
	f, err := filter(v)
	if err != nil {
		return err
	}
	items, err := v.spool.Items(v.r.Context(), f)
	if err != nil {
		return err
	}
	l := List{Items: make([]Message, 0, len(items))}
	for _, item := range items {
		l.Items = append(l.Items, view(item))
	}
	if len(items) == f.Most {
		l.Next = items[len(items)-1].ID
	}
	answer(v.w, http.StatusOK, "application/json", l)
	return nil
}

// filter reads what a list is to hold from the query.
func filter(v visit) (spool.Filter, error) {
	f := spool.Filter{Flow: v.flow, Most: 100}
	var err error
	for name, values := range v.r.URL.Query() {
		given := values[0]
		switch name {
		case "state":
			f.State = spool.State(given)
			if !slices.Contains(states, f.State) {
				return f, invalid("state", fmt.Sprintf("must be one of %s", strings.Trim(fmt.Sprint(states), "[]")))
			}
		case "after":
			f.After = given
			if !idForm.MatchString(given) {
				return f, invalid("after", "must be the id of a message")
			}
		case "before":
			if f.Before, err = moment("before", given); err != nil {
				return f, err
			}
		case "order":
			f.Lane = given
		case "limit":
			f.Most, err = strconv.Atoi(given)
			if err != nil || f.Most < 1 || f.Most > mostListed {
				return f, invalid("limit", fmt.Sprintf("must be from 1 to %d", mostListed))
			}
		default:
			return f, invalid(shortly(name), "is nothing that a list can be narrowed by; state, after, before, order and limit are")
		}
		if len(values) > 1 {
			return f, invalid(name, "is there twice")
		}
	}
	return f, nil
}

// item finds the message of a path. One of another flow is none.
func (v visit) item() (spool.Item, error) {
	id := v.r.PathValue("id")
	if !idForm.MatchString(id) {
		return spool.Item{}, noSuchMessage()
	}
	item, err := v.spool.Item(v.r.Context(), id)
	if err == nil && item.Flow != v.flow {
		return spool.Item{}, noSuchMessage()
	}
	return item, err
}

func (a *API) get(v visit) error {
	item, err := v.item()
	if err != nil {
		return err
	}
	answer(v.w, http.StatusOK, "application/json", view(item))
	return nil
}

// cancel takes a message back. One that was canceled already is canceled: whoever asks again has what they want.
func (a *API) cancel(v visit) error {
	item, err := v.item()
	if err != nil {
		return err
	}
	if item.State != spool.Removed {
		if err := v.spool.Remove(v.r.Context(), item.ID); err != nil {
			return v.stands(item.ID, err)
		}
		a.log.InfoContext(v.r.Context(), "message canceled", "flow", v.flow, "id", item.ID, "by", v.by.Name)
	}
	v.w.WriteHeader(http.StatusNoContent)
	return nil
}

// retry has a message tried now: one of the shelf, or one that waits for its next attempt. It does not send one before its time.
func (a *API) retry(v visit) error {
	item, err := v.item()
	if err != nil {
		return err
	}
	if item.State == spool.Waiting && item.Due.After(time.Now()) {
		return conflict(string(item.State), "this message is not due before "+item.Due.UTC().Format(time.RFC3339Nano),
			"It leaves by itself then. To send it at once, cancel it and deliver it anew.")
	}
	if err := v.spool.Retry(v.r.Context(), item.ID); err != nil {
		return v.stands(item.ID, err)
	}
	a.log.InfoContext(v.r.Context(), "message tried again", "flow", v.flow, "id", item.ID, "by", v.by.Name)
	if item, err = v.item(); err != nil {
		return err
	}
	answer(v.w, http.StatusOK, "application/json", view(item))
	return nil
}

// stands says where a message stands that nothing can be done with.
func (v visit) stands(id string, err error) error {
	switch {
	case errors.Is(err, spool.ErrMoving):
		return conflict("moving", "this message is being handed over at this moment", "Look at it again in a moment.")
	case errors.Is(err, spool.ErrEnded):
		item, err := v.spool.Item(v.r.Context(), id)
		if err != nil {
			return err
		}
		return conflict(string(item.State), "nothing can be done with this message any more: it is "+string(item.State), "")
	}
	return err
}
