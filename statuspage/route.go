package statuspage

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/status"
)

// Prefix is where the management API begins.
const Prefix = "/v1/"

// route is one operation of the management API. The description of the API is made from the same table.
type route struct {
	// id names the operation, tag the group it belongs to.
	id, tag, summary, about string
	// method is GET, POST, PATCH (which PUT is taken for as well), PUT or DELETE.
	method, path string
	// scope is the least that a token must have.
	scope access.Scope
	// query describes the parameters.
	query []parameter
	// body is a struct that bind reads, in an object of the name wrapped; nil for none.
	body    any
	wrapped string
	// sample is an example of a body, where the examples of its fields do not make a good one.
	sample any
	// answer is a value of the type that success answers with, nil for nothing, and code its status.
	answer any
	code   int
	do     func(*call) (any, error)
}

// parameter is a parameter of the query.
type parameter struct{ name, kind, about string }

// call is one request of an operation.
type call struct {
	*Management
	ctx context.Context //nolint:containedctx // a call lives as long as its request
	r   *http.Request
	// body is what was sent, in the query too.
	body fields
	now  time.Time
	by   status.Actor
}

// routes is the table of operations.
func routes() []route {
	return slices.Concat(
		pageRoutes(), componentRoutes(), groupRoutes(), uptimeRoutes(), incidentRoutes(), postmortemRoutes(), templateRoutes(),
		subscriberRoutes(), metricRoutes(), accessRoutes(), embedConfigRoutes(),
	)
}

// Handler is the management API. Whoever mounts it says who asks: access.WithToken in the request's context.
func (m *Management) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, o := range routes() {
		mux.HandleFunc(o.method+" "+strings.TrimSuffix(Prefix, "/")+o.path, m.serve(o))
		if o.method == http.MethodPatch {
			mux.HandleFunc("PUT "+strings.TrimSuffix(Prefix, "/")+o.path, m.serve(o))
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, known := access.TokenOf(r.Context()); !known {
			(&failure{code: http.StatusUnauthorized, text: "Could not authenticate"}).write(w)
			return
		}
		r.URL.Path = strings.TrimSuffix(strings.TrimSuffix(r.URL.Path, "/"), ".json")
		if _, pattern := mux.Handler(r); pattern == "" {
			missing(mux, r).write(w)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// missing tells a path that does not exist from a method that it does not have.
func missing(mux *http.ServeMux, r *http.Request) *failure {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return &failure{code: http.StatusNotFound, text: "Not found"}
	}
	return &failure{code: http.StatusMethodNotAllowed, allowed: allowed, text: r.Method + " is not possible here; " + strings.Join(allowed, ", ") + " is"}
}

// serve answers the requests of one operation.
func (m *Management) serve(o route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := m.answer(o, r)
		if err != nil {
			f := failureOf(err)
			logFailure(m.Log, r, f, err)
			f.write(w)
			return
		}
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		if answer == nil {
			w.WriteHeader(cmp.Or(o.code, http.StatusNoContent))
			return
		}
		h.Set("Content-Type", jsonType)
		w.WriteHeader(cmp.Or(o.code, http.StatusOK))
		_ = json.NewEncoder(w).Encode(answer) // the asker is gone if this fails
	}
}

func (m *Management) answer(o route, r *http.Request) (any, error) {
	token, _ := access.TokenOf(r.Context())
	if err := needs(token, o.scope, "this"); err != nil {
		return nil, err
	}
	body, err := readFields(r)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	if act, ok := access.ActOf(ctx); ok {
		act.Operation = "v1/" + o.id
		ctx = access.WithAct(ctx, act)
	}
	c := &call{
		Management: m, ctx: ctx, r: r, body: body, now: m.Clock.Now(), by: status.Actor{Kind: status.Person, Name: token.Name},
	}
	seen := m.Board.Current()
	answer, err := c.try(o)
	// What is not found here may have been made on another node a moment ago. Nothing was changed yet.
	if err != nil && failureOf(err).code == http.StatusNotFound && c.refresh() && m.Board.Current() != seen {
		return c.try(o)
	}
	return answer, err
}

// try carries the operation out on what the board shows.
func (c *call) try(o route) (any, error) {
	picture := c.Board.Current()
	if id := c.id("page_id"); id != "" && id != picture.Page.ID {
		return nil, notFound("Page")
	}
	if _, ok := originOf(picture, c.r, c.Secure); !ok {
		return nil, badRequest("The Host header names no host")
	}
	return o.do(c)
}

// needs refuses a token of a narrower scope than something asks for.
func needs(token access.Token, scope access.Scope, what string) error {
	if token.Allows(scope) {
		return nil
	}
	return &failure{
		code: http.StatusForbidden,
		text: "The token " + token.Name + " has the scope " + string(token.Scope) + ", and " + what + " needs " + string(scope),
	}
}

// id is a part of the path.
func (c *call) id(name string) string { return c.r.PathValue(name) }

// view shows the board as it is.
func (c *call) view() view {
	p := c.Board.Current()
	home, _ := originOf(p, c.r, c.Secure) // it was one when the call began
	return managed(p, home)
}

// shown is the view once the board shows what was just written. When that takes long the answer does not wait: the write
// is done.
func (c *call) shown() view {
	c.refresh()
	return c.view()
}

// refresh lets the board look at the feed now, and reports whether it could.
func (c *call) refresh() bool {
	ctx, stop := context.WithTimeout(context.WithoutCancel(c.ctx), showPatience)
	defer stop()
	err := c.Board.Refresh(ctx)
	if err != nil {
		c.Log.DebugContext(c.ctx, "the board does not show what was saved yet", "error", err)
	}
	return err == nil
}

// showPatience is how long an answer waits for the board.
const showPatience = 2 * time.Second

// change is one transaction of the keeper, at one time.
func (c *call) change(refs []string, f func(b *status.Book, now time.Time) error) error {
	return c.Keeper.Change(c.ctx, refs, f)
}

// bound reads the body, in an object of the name where one is given.
func bound[T any](c *call, wrapped string) (T, error) {
	var into T
	object, err := within(c.body, wrapped)
	if err != nil {
		return into, err
	}
	return into, bind(object, &into)
}

// The parameters of lists.
var (
	pageParameter    = parameter{"page", "integer", "Which page of the list, from 1"}
	perPageParameter = parameter{"per_page", "integer", "How many entries a page has: 100 unless it says otherwise, at most 1100"}
	limitParameter   = parameter{"limit", "integer", "How many entries a page has: 100 unless it says otherwise, at most 1100"}
)

// standardPage and largestPage are how many entries a page of a list has when nobody says, and at most.
const (
	standardPage = 100
	largestPage  = 1100
)

// paging are the parameters by which a list is read page by page.
type paging struct {
	Page    *int `json:"page"`
	PerPage *int `json:"per_page"`
	Limit   *int `json:"limit"`
}

// slice is where a page of a list begins and how many entries it has. first is the number of the first page.
func (p paging) slice(first int) (skip, take int, err error) {
	take = standardPage
	for _, size := range []*int{p.PerPage, p.Limit} {
		if size != nil {
			take = *size
		}
	}
	page := first
	if p.Page != nil {
		page = max(*p.Page, first)
	}
	if take < 1 {
		return 0, 0, unprocessable("per_page must be at least 1")
	}
	take = min(take, largestPage)
	if page-first > 1_000_000 {
		return 0, 0, unprocessable("page is beyond every list")
	}
	return (page - first) * take, take, nil
}

// paged is the page of a list that the query asks for: an empty one behind the last.
func paged[T any](c *call, all []T) ([]T, error) {
	var p paging
	if err := bind(c.body, &p); err != nil {
		return nil, err
	}
	skip, take, err := p.slice(1)
	if err != nil {
		return nil, err
	}
	skip = min(skip, len(all))
	return append([]T{}, all[skip:min(skip+take, len(all))]...), nil
}
