package web

import (
	"cmp"
	"context"
	"mime"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"example.org/interlude/access"
	"example.org/interlude/api"
)

// route is one operation of the native API, as the table in routes.go declares it.
type route struct {
	id, method, path string
	summary, about   string
	tag              string
	// scope is the least that a token must have. There is no operation without one.
	scope access.Scope
	// answer is the status of success, 200 when it is 0.
	answer int
	// body is the type that a request carries, nil for none.
	body reflect.Type
	// sample is an example of the body, where one of its type would lack what the operation needs.
	sample any
	// most is the largest body, in bytes, and patience how long a call may take; 0 are api.LargestBody and callPatience.
	most     int
	patience time.Duration
	// secret says that the answer holds a secret and must be kept nowhere, so that the operation takes no idempotency key.
	secret bool
	// settled says that the answer is another one only when its version is, but for the names of components: a client that
	// has that version is told so in place of an answer.
	settled bool
	// stream says that the answer goes on until whoever asked leaves or the server stops.
	stream bool
	// measured says that a machine tells what it found. No person does anything by that, so it is not audited; and
	// telling it again changes nothing, so it takes no idempotency key.
	measured bool
}

// callOf is the context of a call. One that was begun is finished, whether or not somebody waits for its answer; a stream
// ends with whoever reads it.
func (r route) callOf(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.stream {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), r.patience)
}

// routeKey is where an operation keeps the route that declares it, and scopeKey its scope alone, for those who only look
// at the operations.
const (
	routeKey = "route"
	scopeKey = "scope"
)

// routeOf is the route of an operation, with what it leaves out filled in.
func routeOf(op *huma.Operation) route {
	r, _ := op.Metadata[routeKey].(route)
	r.most, r.patience = cmp.Or(r.most, api.LargestBody), cmp.Or(r.patience, callPatience)
	return r
}

// native registers operations.
type native struct {
	door *door
	huma huma.API
}

// openNative puts the native API on the mux, and returns its description.
func (d *door) openNative() apiDocument {
	n := &native{door: d, huma: newHuma(d.mux)}
	n.huma.UseMiddleware(n.guard)
	n.routes()
	finish(n.huma.OpenAPI())
	explain(n.huma.OpenAPI())
	about := apiDocument{path: "native", title: "Native API", raw: api.Prefix + api.PathOpenAPI, openapi: n.huma.OpenAPI()}
	d.serveDescription(about)
	d.mux.HandleFunc(api.Prefix+"/", d.notThere)
	return about
}

func newHuma(mux *http.ServeMux) huma.API {
	return humago.NewWithPrefix(mux, api.Prefix, huma.Config{
		OpenAPI: describe(),
		Formats: map[string]huma.Format{
			"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat,
		},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{translated},
	})
}

// register adds an operation. Its handler's errors pass through the table in problem.go.
func register[I, O any](n *native, r route, handle func(context.Context, *I) (*O, error)) {
	patience := cmp.Or(r.patience, callPatience)
	op := huma.Operation{
		OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary, Description: r.about, Tags: []string{r.tag},
		DefaultStatus: r.answer, Metadata: map[string]any{routeKey: r, scopeKey: r.scope},
		Security:         []map[string][]string{{"token": {string(r.scope)}}},
		MaxBodyBytes:     int64(cmp.Or(r.most, api.LargestBody)) + 1, // huma refuses a body of exactly the limit
		BodyReadTimeout:  min(patience, bodyPatience),
		SkipValidateBody: true, // decode reads it, and says what is wrong in our words
		Responses:        map[string]*huma.Response{"default": problemResponse(n.huma.OpenAPI().Components.Schemas)},
	}
	writes := r.method != http.MethodGet
	if !writes {
		handle = lookingTwice(n.door, handle)
	}
	huma.Register(n.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err == nil {
			if writes {
				n.door.metrics.acts.WithLabelValues(r.id, "done").Inc()
			}
			return out, nil
		}
		answer := n.door.refusalOf(ctx, err)
		answer.Instance = requestID(ctx)
		if writes {
			n.door.metrics.acts.WithLabelValues(r.id, string(answer.Code)).Inc()
		}
		return nil, answer
	})
	n.describeOperation(r)
}

// guard lets those in who may do what they ask for. It stands before the body is read.
func (n *native) guard(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	op, d := ctx.Operation(), n.door
	this := routeOf(op)
	call, stop := this.callOf(r.Context())
	defer stop()
	if this.patience > callPatience {
		// A writer without deadlines, as in tests, has no slow readers either.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(this.patience + writePatience))
	}
	w.Header().Set("Cache-Control", "no-store")
	asked, answered := context.WithTimeout(call, this.patience)
	token, err := d.keys.recognise(asked, r.Header.Get("Authorization"))
	answered()
	if err == nil {
		recordOf(call).token = token.Name
		err = permit(token, this.scope, this.id)
	}
	if err == nil {
		err = checkMediaType(r)
	}
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	call = context.WithValue(call, visitorKey{}, visitor{token: token, conditional: r.Header.Get("If-Match") != ""})
	if known := r.Header.Get("If-None-Match"); this.settled && known != "" {
		w = &unchanged{ResponseWriter: w, known: known}
	}
	handle := func(w http.ResponseWriter, r *http.Request) { next(humago.NewContext(op, r, w)) }
	if this.measured {
		handle(w, r.WithContext(call))
		return
	}
	if !safe(r.Method) {
		call = d.onBehalf(call, r, token, this.id)
	}
	how := repeatable{token: token, most: this.most, secret: this.secret, refuse: d.refuse}
	d.once(w, r.WithContext(call), how, handle)
}

// checkMediaType refuses a body that is not called JSON. A request without a body needs no type.
func checkMediaType(r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return errMediaType
	}
	return nil
}
