package web

import (
	"net/http"
	"reflect"

	"example.org/interlude/access"
	"example.org/interlude/api"
	"example.org/interlude/status"
)

// routes is the table of operations: each with the scope that it needs.
func (n *native) routes() {
	n.pageRoutes()
	n.maintenanceRoutes()
	n.workRoutes()
	n.seriesRoutes()
	n.incidentRoutes()
	n.administrationRoutes()
}

func (n *native) pageRoutes() {
	d := n.door
	register(n, route{
		id: "apply", method: http.MethodPost, path: api.PathApply, tag: "documents", scope: access.Operate,
		summary: "Make the server match documents", body: reflect.TypeFor[api.ApplyRequest](),
		most: api.LargestApply, patience: applyPatience,
		about: "All in one transaction, or, with dry_run, only say what would change. Applying the same documents again changes nothing. " +
			"A page document needs a token of scope administer. The body may have 32 MiB; those of all other operations, 1 MiB.",
	}, d.apply)
	register(n, route{
		id: "get-page", method: http.MethodGet, path: api.PathPage, tag: "page", scope: access.Read,
		summary: "The page's settings and overall status",
	}, d.page)
	register(n, route{
		id: "list-components", method: http.MethodGet, path: api.PathComponents, tag: "page", scope: access.Read,
		summary: "The components on the page, in its order",
	}, d.components)
	register(n, route{
		id: "set-component", method: http.MethodPut, path: api.PathComponent, tag: "page", scope: access.Operate,
		summary: "Give a component a status", body: reflect.TypeFor[api.Setting](),
		about: "ref is its id, or its name as documents write it: \"Group / Component\". What is set overrules what open events claimed so far.",
	}, d.setComponent)
	register(n, route{
		id: "get-report", method: http.MethodGet, path: api.PathReport, tag: "page", scope: access.Read,
		summary: "The report of a maintenance or an incident, as readers see it",
	}, d.report)
}

func (n *native) maintenanceRoutes() {
	d, tag := n.door, "maintenances"
	register(n, route{
		id: "list-maintenances", method: http.MethodGet, path: api.PathMaintenances, tag: tag, scope: access.Read,
		summary: "Maintenances: those that have not ended, the next one first, then those that have, the latest first",
	}, d.maintenances)
	register(n, route{
		id: "create-maintenance", method: http.MethodPost, path: api.PathMaintenances, tag: tag, scope: access.Operate,
		summary: "Announce a maintenance, or enter a past or recurring one", answer: http.StatusCreated,
		body:  reflect.TypeFor[status.MaintenanceDocument](),
		about: "With updates it is entered as it was; with recurrence it becomes a series, whose next occurrence is announced.",
	}, d.createMaintenance)
	register(n, route{
		id: "get-maintenance", method: http.MethodGet, path: api.PathMaintenance, tag: tag, scope: access.Read,
		summary: "A maintenance", settled: true,
	}, d.maintenance)
	register(n, route{
		id: "revise-maintenance", method: http.MethodPut, path: api.PathMaintenance, tag: tag, scope: access.Operate,
		summary: "Make a maintenance what a document says", body: reflect.TypeFor[api.Revision](),
		about: "An occurrence of a series that is revised no longer follows it.",
	}, d.reviseMaintenance)
	for _, a := range []struct {
		id, path, summary, about string
		act                      act
	}{
		{"begin-maintenance", api.PathBegin, "Move a scheduled maintenance to in progress", "", d.Keeper.Begin},
		{"verify-maintenance", api.PathVerify, "Say that the work is done and is being checked", "", d.Keeper.Verify},
		{
			"complete-maintenance", api.PathComplete, "End a maintenance",
			"Refused while an interruption is open, a step runs or a hold is not drained.", d.Keeper.Complete,
		},
		{"cancel-maintenance", api.PathCancel, "Call a maintenance off", "", d.Keeper.Cancel},
		{"reopen-maintenance", api.PathReopen, "Go back to work", "", d.Keeper.Reopen},
		{"post-maintenance", api.PathPost, "Tell readers something without moving the maintenance", "body is required.", d.Keeper.Post},
	} {
		register(n, route{
			id: a.id, method: http.MethodPost, path: a.path, tag: tag, scope: access.Operate, summary: a.summary, about: a.about,
			body: reflect.TypeFor[api.Act](),
		}, d.acting(a.act))
	}
	register(n, route{
		id: "extend-maintenance", method: http.MethodPost, path: api.PathExtend, tag: tag, scope: access.Operate,
		summary: "Move the announced end to until", body: reflect.TypeFor[api.Act](), sample: untilSample,
	}, d.actingUntil(d.Keeper.Extend))
	register(n, route{
		id: "estimate-maintenance", method: http.MethodPost, path: api.PathEstimate, tag: tag, scope: access.Operate,
		summary: "Tell that the end is now expected at until, without moving the announced one", body: reflect.TypeFor[api.Act](),
		sample: untilSample,
	}, d.actingUntil(d.Keeper.Estimate))
}

// untilSample is the example of the acts that need a time.
var untilSample = map[string]string{"until": "2027-01-15T07:30:00Z", "body": "One database takes longer than the others."}

func (n *native) workRoutes() {
	d, tag := n.door, "maintenances"
	register(n, route{
		id: "open-work", method: http.MethodPost, path: api.PathWork, tag: tag, scope: access.Operate,
		summary: "Note an interruption, a step or a hold that keeps a maintenance from being complete", body: reflect.TypeFor[api.Work](),
		about: "While one is open the maintenance cannot be completed, by whomever, and not by the clock either. " +
			"What is open already under the same name is refused.",
	}, d.working(d.Keeper.OpenWork))
	register(n, route{
		id: "close-work", method: http.MethodPost, path: api.PathWorkClose, tag: tag, scope: access.Operate,
		summary: "Note that such a thing is done", body: reflect.TypeFor[api.Work](),
		about: "Closing what is not open is no error, so that it may be repeated.",
	}, d.working(d.Keeper.CloseWork))
}

func (n *native) seriesRoutes() {
	d, tag := n.door, "maintenances"
	register(n, route{
		id: "list-series", method: http.MethodGet, path: api.PathSeries, tag: tag, scope: access.Read,
		summary: "Recurring maintenances, each with its next starts",
	}, d.series)
	register(n, route{
		id: "get-series", method: http.MethodGet, path: api.PathOneSeries, tag: tag, scope: access.Read,
		summary: "A recurring maintenance",
	}, d.oneSeries)
	register(n, route{
		id: "end-series", method: http.MethodPost, path: api.PathSeriesEnd, tag: tag, scope: access.Operate,
		summary: "End a recurring maintenance: nothing more of it is announced", body: reflect.TypeFor[api.SeriesEnd](),
		about: "Occurrences that are announced already stay, unless cancel_planned calls off those that have not begun.",
	}, d.endSeries)
}

func (n *native) incidentRoutes() {
	d, tag := n.door, "incidents"
	register(n, route{
		id: "list-incidents", method: http.MethodGet, path: api.PathIncidents, tag: tag, scope: access.Read,
		summary: "Incidents, the latest first",
	}, d.incidents)
	register(n, route{
		id: "create-incident", method: http.MethodPost, path: api.PathIncidents, tag: tag, scope: access.Operate,
		summary: "Put an unplanned event on the page", answer: http.StatusCreated, body: reflect.TypeFor[status.IncidentDraft](),
	}, d.createIncident)
	register(n, route{
		id: "get-incident", method: http.MethodGet, path: api.PathIncident, tag: tag, scope: access.Read,
		summary: "An incident", settled: true,
	}, d.incident)
	register(n, route{
		id: "post-incident", method: http.MethodPost, path: api.PathIncidentPost, tag: tag, scope: access.Operate,
		summary: "Post an update of an incident, and move it when status is given", body: reflect.TypeFor[api.IncidentPost](),
	}, d.postIncident)
}

func (n *native) administrationRoutes() {
	d, tag := n.door, "administration"
	register(n, route{
		id: "list-tokens", method: http.MethodGet, path: api.PathTokens, tag: tag, scope: access.Administer,
		summary: "Every token, revoked ones too, without secrets",
	}, d.tokens)
	register(n, route{
		id: "create-token", method: http.MethodPost, path: api.PathTokens, tag: tag, scope: access.Administer,
		summary: "Make a token", answer: http.StatusCreated, body: reflect.TypeFor[api.TokenRequest](),
		about:  "Its secret is in this answer and nowhere else, which is why an Idempotency-Key is refused: no answer could be kept for it.",
		secret: true,
	}, d.createToken)
	register(n, route{
		id: "revoke-token", method: http.MethodDelete, path: api.PathToken, tag: tag, scope: access.Administer,
		summary: "Take a token back", answer: http.StatusNoContent,
		about: "This node refuses it at once, others within five seconds. One that was taken back before stays so.",
	}, d.revokeToken)
	register(n, route{
		id: "list-events", method: http.MethodGet, path: api.PathEvents, tag: tag, scope: access.Read,
		summary: "What happened and who did it, oldest first",
		about:   "What the clock did is there too. The audit log, which list-audit reads, holds the requests that changed something.",
	}, d.events)
	register(n, route{
		id: "list-audit", method: http.MethodGet, path: api.PathAudit, tag: tag, scope: access.Administer,
		summary: "The audit log: each request that changed something, the latest first",
		about: "An entry is written in the transaction of the change itself, so neither is there without the other. " +
			"Entries are numbered without gaps and never removed.",
	}, d.audit)
	register(n, route{
		id: "get-version", method: http.MethodGet, path: api.PathVersion, tag: tag, scope: access.Read,
		summary: "What the server is, and what the token may do there",
	}, d.version)
}
