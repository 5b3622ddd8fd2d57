package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"example.org/interlude/status"
)

// MaintenanceFilter chooses maintenances. Its zero value is the first page of all: those that have not ended, the next
// one first, and then those that have, the latest first.
type MaintenanceFilter struct {
	// State keeps those in one of the states; empty keeps all.
	State []status.State
	// Limit is how many at most; 0 is DefaultLimit.
	Limit int
	// Cursor is Next of the page before.
	Cursor string
}

// IncidentFilter chooses incidents. Its zero value is the first page of all, latest first.
type IncidentFilter struct {
	State  []status.State
	Limit  int
	Cursor string
}

// EventFilter chooses events, oldest first.
type EventFilter struct {
	// After is the id of the last entry that was seen, or Next of the page before; empty begins at the oldest.
	After string
	Limit int
}

// AuditFilter chooses entries of the audit log, the latest first.
type AuditFilter struct {
	// Limit is how many at most; 0 is DefaultLimit.
	Limit int
	// Cursor is Next of the page before.
	Cursor string
}

func (f MaintenanceFilter) query() url.Values { return listQuery(f.State, f.Limit, "cursor", f.Cursor) }

func (f IncidentFilter) query() url.Values { return listQuery(f.State, f.Limit, "cursor", f.Cursor) }
func (f EventFilter) query() url.Values    { return listQuery(nil, f.Limit, "after", f.After) }
func (f AuditFilter) query() url.Values    { return listQuery(nil, f.Limit, "cursor", f.Cursor) }

func listQuery(states []status.State, limit int, from, cursor string) url.Values {
	query := url.Values{}
	for _, s := range states {
		query.Add("state", string(s))
	}
	if limit != 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	if cursor != "" {
		query.Set(from, cursor)
	}
	return query
}

// get reads one thing.
func get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	var out T
	err := c.do(ctx, call{method: http.MethodGet, path: path, query: query}, &out)
	return out, err
}

// send writes to a path and reads what came of it.
func send[T any](ctx context.Context, c *Client, method, path string, body any, version int64) (T, error) {
	var out T
	err := c.do(ctx, call{method: method, path: path, body: body, version: version}, &out)
	return out, err
}

// Apply makes the server match documents, in one transaction, or only says what that would change. Page documents
// need a token of scope administer, others one of scope operate. With the plan of a dry run it makes exactly the
// changes of that, or none: a status.ErrConflict.
func (c *Client) Apply(ctx context.Context, ask ApplyRequest) (ApplyResult, error) {
	var out ApplyResult
	err := c.do(ctx, call{method: http.MethodPost, path: PathApply, body: ask, most: LargestApply, patience: ApplyPatience}, &out)
	return out, err
}

// Page gives the page's settings and overall status.
func (c *Client) Page(ctx context.Context) (Page, error) {
	return get[Page](ctx, c, PathPage, nil)
}

// Components lists what is on the page, in its order.
func (c *Client) Components(ctx context.Context) ([]Component, error) {
	list, err := get[List[Component]](ctx, c, PathComponents, nil)
	return list.Items, err
}

// SetComponent gives a component a condition. ref is its id, or its name as documents write it.
func (c *Client) SetComponent(ctx context.Context, ref string, to status.Condition) (Component, error) {
	path, err := fill(PathComponent, ref)
	if err != nil {
		return Component{}, err
	}
	return send[Component](ctx, c, http.MethodPut, path, Setting{Status: to}, 0)
}

// Maintenances lists maintenances, one page of them.
func (c *Client) Maintenances(ctx context.Context, which MaintenanceFilter) (List[Maintenance], error) {
	return get[List[Maintenance]](ctx, c, PathMaintenances, which.query())
}

// Maintenance gives one, by id or key.
func (c *Client) Maintenance(ctx context.Context, ref string) (Maintenance, error) {
	path, err := fill(PathMaintenance, ref)
	if err != nil {
		return Maintenance{}, err
	}
	return get[Maintenance](ctx, c, path, nil)
}

// CreateMaintenance announces a maintenance, or enters a past or recurring one. A key that is taken is refused.
func (c *Client) CreateMaintenance(ctx context.Context, d status.MaintenanceDocument) (Scheduled, error) {
	return send[Scheduled](ctx, c, http.MethodPost, PathMaintenances, d, 0)
}

// ReviseMaintenance makes a maintenance what the document says.
func (c *Client) ReviseMaintenance(ctx context.Context, ref string, d status.MaintenanceDocument, how Act) (Revised, error) {
	path, err := fill(PathMaintenance, ref)
	if err != nil {
		return Revised{}, err
	}
	return send[Revised](ctx, c, http.MethodPut, path, Revision{Document: d, Body: how.Body, Quiet: how.Quiet}, how.Version)
}

func (c *Client) act(ctx context.Context, pattern, ref string, how Act) (Maintenance, error) {
	path, err := fill(pattern, ref)
	if err != nil {
		return Maintenance{}, err
	}
	return send[Maintenance](ctx, c, http.MethodPost, path, how, how.Version)
}

// BeginMaintenance moves a scheduled maintenance to in progress.
func (c *Client) BeginMaintenance(ctx context.Context, ref string, how Act) (Maintenance, error) {
	return c.act(ctx, PathBegin, ref, how)
}

// VerifyMaintenance says that the work is done and is being checked.
func (c *Client) VerifyMaintenance(ctx context.Context, ref string, how Act) (Maintenance, error) {
	return c.act(ctx, PathVerify, ref, how)
}

// CompleteMaintenance ends a maintenance, when its completion is earned.
func (c *Client) CompleteMaintenance(ctx context.Context, ref string, how Act) (Maintenance, error) {
	return c.act(ctx, PathComplete, ref, how)
}

// CancelMaintenance calls a maintenance off.
func (c *Client) CancelMaintenance(ctx context.Context, ref string, how Act) (Maintenance, error) {
	return c.act(ctx, PathCancel, ref, how)
}

// ReopenMaintenance goes back to work.
func (c *Client) ReopenMaintenance(ctx context.Context, ref string, how Act) (Maintenance, error) {
	return c.act(ctx, PathReopen, ref, how)
}

// PostMaintenance tells readers something without moving the maintenance.
func (c *Client) PostMaintenance(ctx context.Context, ref string, how Act) (Maintenance, error) {
	return c.act(ctx, PathPost, ref, how)
}

// ExtendMaintenance moves the announced end to how.Until.
func (c *Client) ExtendMaintenance(ctx context.Context, ref string, how Act) (Maintenance, error) {
	return c.act(ctx, PathExtend, ref, how)
}

// EstimateMaintenance tells that the end is now expected at how.Until, without moving the announced one.
func (c *Client) EstimateMaintenance(ctx context.Context, ref string, how Act) (Maintenance, error) {
	return c.act(ctx, PathEstimate, ref, how)
}

// OpenWork notes an interruption, a step or a hold that keeps the maintenance from being complete until it is closed.
func (c *Client) OpenWork(ctx context.Context, ref string, what Work) (Maintenance, error) {
	return c.work(ctx, PathWork, ref, what)
}

// CloseWork notes that such a thing is done. Closing what is not open is no error, so that it may be repeated.
func (c *Client) CloseWork(ctx context.Context, ref string, what Work) (Maintenance, error) {
	return c.work(ctx, PathWorkClose, ref, what)
}

func (c *Client) work(ctx context.Context, pattern, ref string, what Work) (Maintenance, error) {
	path, err := fill(pattern, ref)
	if err != nil {
		return Maintenance{}, err
	}
	return send[Maintenance](ctx, c, http.MethodPost, path, what, what.Version)
}

// Incidents lists incidents, one page of them.
func (c *Client) Incidents(ctx context.Context, which IncidentFilter) (List[Incident], error) {
	return get[List[Incident]](ctx, c, PathIncidents, which.query())
}

// Incident gives one, by id or key.
func (c *Client) Incident(ctx context.Context, ref string) (Incident, error) {
	path, err := fill(PathIncident, ref)
	if err != nil {
		return Incident{}, err
	}
	return get[Incident](ctx, c, path, nil)
}

// CreateIncident puts an unplanned event on the page.
func (c *Client) CreateIncident(ctx context.Context, d status.IncidentDraft) (Incident, error) {
	return send[Incident](ctx, c, http.MethodPost, PathIncidents, d, 0)
}

// PostIncident posts an update of an incident, and moves it when say.Status is not empty.
func (c *Client) PostIncident(ctx context.Context, ref string, say IncidentPost) (Incident, error) {
	path, err := fill(PathIncidentPost, ref)
	if err != nil {
		return Incident{}, err
	}
	return send[Incident](ctx, c, http.MethodPost, path, say, say.Version)
}

// Series lists the recurring maintenances.
func (c *Client) Series(ctx context.Context) ([]Series, error) {
	list, err := get[List[Series]](ctx, c, PathSeries, nil)
	return list.Items, err
}

// OneSeries gives a recurring maintenance, by id or key.
func (c *Client) OneSeries(ctx context.Context, ref string) (Series, error) {
	path, err := fill(PathOneSeries, ref)
	if err != nil {
		return Series{}, err
	}
	return get[Series](ctx, c, path, nil)
}

// EndSeries ends a recurring maintenance: nothing more of it is announced. What is planned already stays, unless it is
// called off too.
func (c *Client) EndSeries(ctx context.Context, ref string, how SeriesEnd) (SeriesEnded, error) {
	path, err := fill(PathSeriesEnd, ref)
	if err != nil {
		return SeriesEnded{}, err
	}
	return send[SeriesEnded](ctx, c, http.MethodPost, path, how, how.Version)
}

// Report gives the report of a maintenance or an incident, by id or key.
func (c *Client) Report(ctx context.Context, ref string) (status.Report, error) {
	path, err := fill(PathReport, ref)
	if err != nil {
		return status.Report{}, err
	}
	return get[status.Report](ctx, c, path, nil)
}

// Tokens lists every token, revoked ones too.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	list, err := get[List[Token]](ctx, c, PathTokens, nil)
	return list.Items, err
}

// CreateToken makes a token. Its secret is in the answer and nowhere else.
func (c *Client) CreateToken(ctx context.Context, ask TokenRequest) (NewToken, error) {
	var out NewToken
	err := c.do(ctx, call{method: http.MethodPost, path: PathTokens, body: ask, secret: true}, &out)
	return out, err
}

// RevokeToken takes a token back. It is refused from then on, by this server within seconds.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	path, err := fill(PathToken, id)
	if err != nil {
		return err
	}
	return c.do(ctx, call{method: http.MethodDelete, path: path}, nil)
}

// Events lists what happened, one page of it, oldest first.
func (c *Client) Events(ctx context.Context, which EventFilter) (List[Event], error) {
	return get[List[Event]](ctx, c, PathEvents, which.query())
}

// Audit lists the requests that changed something, one page of them, the latest first.
func (c *Client) Audit(ctx context.Context, which AuditFilter) (List[AuditEntry], error) {
	return get[List[AuditEntry]](ctx, c, PathAudit, which.query())
}

// Version tells what the server is, and what the token may do there.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return get[Version](ctx, c, PathVersion, nil)
}
