package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/keeper"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// refusal is a problem on its way out, with the headers that go with it. It is an error that huma writes as it stands.
type refusal struct {
	*api.Problem
	headers http.Header
}

// GetStatus, GetHeaders and ContentType tell huma how to write it.
func (r *refusal) GetStatus() int            { return r.Status }
func (r *refusal) GetHeaders() http.Header   { return r.headers }
func (r *refusal) ContentType(string) string { return api.ProblemType }

// MarshalJSON writes the problem alone.
func (r *refusal) MarshalJSON() ([]byte, error) { return json.Marshal(r.Problem) }

// with adds a header.
func (r *refusal) with(name, value string) *refusal {
	if r.headers == nil {
		r.headers = http.Header{}
	}
	r.headers.Set(name, value)
	return r
}

func problem(status int, code api.Code, detail, hint string) *refusal {
	return &refusal{Problem: &api.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail, Hint: hint,
	}}
}

// Facts about requests, as errors.
var (
	errCrossOrigin = errors.New("cross-origin request")
	errMediaType   = errors.New("body is not JSON")
)

// malformed is a request that cannot be read.
type malformed struct{ detail, hint string }

func (e *malformed) Error() string { return e.detail }

// tooNarrow is a token whose scope does not cover what is needed.
type tooNarrow struct {
	name          string
	has, required access.Scope
	what          string
}

func (e *tooNarrow) Error() string {
	return fmt.Sprintf("%s needs a token of scope %s; %q has %s", e.what, e.required, e.name, e.has)
}

func noSuchPath(path string) error {
	return problem(http.StatusNotFound, api.CodeNotFound, fmt.Sprintf("the API has no path %q", path),
		"Its operations are listed in "+api.Prefix+api.PathOpenAPI+".")
}

func noSuchMethod(method string, allowed []string) error {
	list := strings.Join(allowed, ", ")
	return problem(http.StatusMethodNotAllowed, api.CodeMethod, fmt.Sprintf("%s is not possible here", method),
		"This path has "+list+".").with("Allow", list)
}

// refusalOf is the table: it turns a fact into status, code and sentence. What is not in it is nothing that the
// visitor could mend, and its text may hold anything; it is kept from them.
func (d *door) refusalOf(ctx context.Context, err error) *refusal {
	var (
		ready   *refusal
		illegal *status.Illegal
		invalid *status.Invalid
		broken  *malformed
		narrow  *tooNarrow
		gone    *missing
	)
	switch {
	case errors.As(err, &ready):
		return ready
	case errors.As(err, &illegal):
		r := problem(http.StatusConflict, api.CodeIllegal, illegal.Error(), "")
		r.Legal = illegal.Legal
		return placed(r, err)
	case errors.As(err, &invalid):
		r := problem(http.StatusUnprocessableEntity, api.CodeInvalid, invalid.Error(), "")
		r.Field = invalid.Field
		return placed(r, err)
	case errors.As(err, &broken):
		return problem(http.StatusBadRequest, api.CodeMalformed, broken.detail, broken.hint)
	case errors.Is(err, api.ErrETag):
		return problem(http.StatusBadRequest, api.CodeMalformed, err.Error(), "")
	case errors.Is(err, access.ErrRepeated):
		return problem(http.StatusConflict, api.CodeRepeated, "a request with this idempotency key was carried out already, or is being carried out now, and its answer is not there",
			"Read what it was to change. Nothing was changed by this one.")
	case errors.Is(err, errKeyReused):
		return problem(http.StatusUnprocessableEntity, api.CodeKeyReused, errKeyReused.Error()+"; nothing was changed",
			"Give each request a key of its own, and the same one only to its repetitions.")
	case errors.Is(err, errMediaType):
		return problem(http.StatusUnsupportedMediaType, api.CodeMediaType, "the body must be JSON", "Send Content-Type: application/json.")
	case notKnown(err):
		return unauthorized(err)
	case errors.As(err, &narrow):
		return problem(http.StatusForbidden, api.CodeForbidden, narrow.Error(), "Ask an administrator for a token of that scope.").
			with("WWW-Authenticate", `Bearer realm="interlude", error="insufficient_scope", scope="`+string(narrow.required)+`"`)
	case errors.Is(err, errCrossOrigin):
		return problem(http.StatusForbidden, api.CodeForbidden, "a page of another site may not send this request", "")
	case errors.Is(err, keeper.ErrPlan):
		return problem(http.StatusConflict, api.CodeConflict, "something was changed meanwhile, and the documents would no longer change what was shown; nothing was applied",
			"Run it again: a dry run shows what they change now.")
	case errors.Is(err, status.ErrConflict) && visitorOf(ctx).conditional:
		return problem(http.StatusPreconditionFailed, api.CodeConflict, "it has another version by now: somebody else changed it", "Read it again, then repeat the change with the new ETag.")
	case errors.Is(err, status.ErrConflict):
		return problem(http.StatusConflict, api.CodeConflict, status.ErrConflict.Error(), "")
	case errors.As(err, &gone):
		return problem(http.StatusNotFound, api.CodeNotFound, gone.detail, gone.hint)
	case errors.Is(err, status.ErrNotFound):
		return problem(http.StatusNotFound, api.CodeNotFound, err.Error(), "")
	case errors.Is(err, store.ErrUnknown):
		d.logFault(ctx, err)
		return problem(http.StatusInternalServerError, api.CodeUncertain, "the database went away while the change was being saved: it may or may not have been made",
			"Read before you repeat it.")
	}
	d.logFault(ctx, err)
	return d.storeFault(ctx, err)
}

// storeFault is the answer to a fault that may be the store's: it takes no changes, or does not answer.
func (d *door) storeFault(ctx context.Context, err error) *refusal {
	unchanged := "; nothing was changed"
	if recordOf(ctx).reads {
		unchanged = ""
	}
	switch {
	case errors.Is(err, store.ErrFull):
		return problem(http.StatusInsufficientStorage, api.CodeFull, store.ErrFull.Error()+unchanged,
			"Make room there, and try again. The page stays readable meanwhile.").with("Retry-After", "60")
	case errors.Is(err, store.ErrReadOnly):
		return problem(http.StatusServiceUnavailable, api.CodeUnavailable, store.ErrReadOnly.Error()+unchanged,
			"The server's log says why. The page stays readable meanwhile.").with("Retry-After", "60")
	case d.storeAway(ctx, err):
		return problem(http.StatusServiceUnavailable, api.CodeUnavailable, "the database cannot be reached now"+unchanged,
			"Try again in a few seconds. The page stays readable meanwhile.").with("Retry-After", "5")
	}
	return internal()
}

// internal is a fault of ours. The request's name is all that the visitor can do something with.
func internal() *refusal {
	return problem(http.StatusInternalServerError, api.CodeInternal, "the server failed at this request", "")
}

// placed adds which document is meant, where one is.
func placed(r *refusal, err error) *refusal {
	var in *status.DocumentError
	if errors.As(err, &in) {
		r.Index, r.Source = &in.Index, in.Source
	}
	return r
}

func unauthorized(err error) *refusal {
	challenge := `Bearer realm="interlude"`
	if !errors.Is(err, access.ErrNoCredential) {
		challenge += `, error="invalid_token"`
	}
	return problem(http.StatusUnauthorized, api.CodeUnauthorized, err.Error(), "").with("WWW-Authenticate", challenge)
}

// storeAway reports whether the store is what failed: the call ran out of time, or the store does not answer now.
func (d *door) storeAway(ctx context.Context, err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), showPatience)
	defer stop()
	return d.Store.Ping(ctx) != nil
}

func (d *door) logFault(ctx context.Context, err error) {
	d.Log.ErrorContext(ctx, "request failed", "request", requestID(ctx), "error", err)
}

// refuse writes an error as a problem, outside of huma.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	answer := d.refusalOf(r.Context(), err)
	if answer.Instance == "" {
		answer.Instance = requestID(r.Context())
	}
	for name, values := range answer.headers {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", api.ProblemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(answer.Status)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// translated turns huma's own errors into ours: what it found wrong with parameters, and bodies that it could not read.
func translated(ctx huma.Context, _ string, v any) (any, error) {
	model, foreign := v.(*huma.ErrorModel)
	if !foreign {
		return v, nil
	}
	answer := fromModel(ctx.Operation(), model)
	answer.Instance = requestID(ctx.Context())
	return answer, nil
}

func fromModel(op *huma.Operation, model *huma.ErrorModel) *refusal {
	switch model.Status {
	case http.StatusRequestEntityTooLarge:
		return &refusal{Problem: api.TooLarge(int(op.MaxBodyBytes) - 1)}
	case http.StatusRequestTimeout:
		return problem(model.Status, api.CodeMalformed, "the body did not arrive in time", "")
	case http.StatusUnprocessableEntity:
		faults := faultsOf(op, model.Errors)
		if len(faults) == 0 {
			break
		}
		answer := problem(model.Status, api.CodeInvalid, faults[0].Detail, "")
		answer.Field, answer.More = faults[0].Field, faults[1:]
		return answer
	}
	code := api.CodeMalformed
	if model.Status >= http.StatusInternalServerError {
		// Reading a body that its sender broke off is the only fault of this sort that huma meets.
		return problem(http.StatusBadRequest, code, "the body could not be read to its end", "")
	}
	return problem(model.Status, code, model.Detail, "")
}

func faultsOf(op *huma.Operation, details []*huma.ErrorDetail) []api.Fault {
	var faults []api.Fault
	for _, e := range details {
		where, field, _ := strings.Cut(e.Location, ".")
		faults = append(faults, api.Fault{Field: field, Detail: field + " " + ruleOf(op, where, field, e.Message)})
	}
	return faults
}

// ruleOf says huma's sentences as ours are said: what the value must be.
func ruleOf(op *huma.Operation, where, field, message string) string {
	if message == "unknown query parameter" {
		var known []string
		for _, p := range op.Parameters {
			if p.In == where {
				known = append(known, p.Name)
			}
		}
		return unknown("parameter of this operation", field, known)
	}
	for _, say := range []struct{ theirs, ours string }{
		{"expected value to be one of ", "must be one of "},
		{"expected number >= ", "must be at least "},
		{"expected number <= ", "must be at most "},
		{"expected length <= ", "must be no longer than "},
		{"invalid integer", "must be a whole number"},
		{"expected ", "must be "},
	} {
		if rest, found := strings.CutPrefix(message, say.theirs); found {
			return say.ours + strings.ReplaceAll(rest, `"`, "")
		}
	}
	return message
}

// unknown is the rule for a name that nothing has.
func unknown(what, name string, known []string) string {
	if near := status.Nearest(name, known); near != "" {
		return fmt.Sprintf("is no %s; did you mean %q?", what, near)
	}
	if len(known) == 0 {
		return fmt.Sprintf("is no %s; it has none", what)
	}
	return fmt.Sprintf("is no %s; it has %s", what, strings.Join(known, ", "))
}
