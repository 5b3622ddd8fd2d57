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
	n.interruptionRoutes()
	n.seriesRoutes()
	n.incidentRoutes()
	n.noticeRoutes()
	n.subscriberRoutes()
	n.gateRoutes()
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

func (n *native) noticeRoutes() {
	d, tag := n.door, "notices"
	register(n, route{
		id: "list-notices", method: http.MethodGet, path: api.PathNotices, tag: tag, scope: access.Read,
		summary: "How far notices have come, the latest first, and how each channel stands",
		about:   "It may be read as often as every second. Messages about a subscription itself, such as confirmations, are left out.",
	}, d.notices)
	register(n, route{
		id: "get-notice", method: http.MethodGet, path: api.PathNotice, tag: tag, scope: access.Read,
		summary: "How far a notice has come",
	}, d.notice)
	register(n, route{
		id: "list-deliveries", method: http.MethodGet, path: api.PathDeliveries, tag: tag, scope: access.Operate,
		summary: "To whom a notice goes, and what became of that",
	}, d.deliveries)
	register(n, route{
		id: "retry-notice", method: http.MethodPost, path: api.PathNoticeRetry, tag: tag, scope: access.Operate,
		summary: "Try failed deliveries of a notice again", body: reflect.TypeFor[nothing](),
		about: "Those to active subscribers wait again, as if none had been tried. Failed ones in a part of the fan-out that is still " +
			"being worked through stay failed, and may be tried again when it is done. A day after the notice, an attempt that " +
			"does not succeed is the last one.",
	}, d.retryNotice)
	register(n, route{
		id: "preview-notice", method: http.MethodPost, path: api.PathNoticePreview, tag: tag, scope: access.Operate,
		summary: "Who would get what if something were told now", body: reflect.TypeFor[api.NoticeQuestion](),
		about: "Nothing is changed and nobody is told. It is a POST so that no address stands in an address. What was said already is " +
			"shown as it was said, unless body or until asks for something else; what the clock tells, as it will tell it.",
	}, lookingTwice(d, d.previewNotice))
	register(n, route{
		id: "test-notice", method: http.MethodPost, path: api.PathNoticeTest, tag: tag, scope: access.Operate,
		summary: "Send a test message now, and answer with what the other side said", body: reflect.TypeFor[api.NoticeTest](),
		about:    "The address need not be a subscriber's. That it was not accepted is no failure of the request: sent says so.",
		patience: testPatience,
	}, d.testNotice)
}

func (n *native) subscriberRoutes() {
	d, tag := n.door, "subscribers"
	register(n, route{
		id: "list-subscribers", method: http.MethodGet, path: api.PathSubscribers, tag: tag, scope: access.Operate,
		summary: "Who is told, in the order of their subscription",
	}, d.subscribers)
	register(n, route{
		id: "create-subscriber", method: http.MethodPost, path: api.PathSubscribers, tag: tag, scope: access.Operate,
		summary: "Subscribe an address", answer: http.StatusCreated, body: reflect.TypeFor[api.NewSubscriber](),
		about: "It is asked whether it wants to be told, and is told when it has said so; an endpoint says so by answering. " +
			"With skip_confirmation, whoever asks vouches for it, and it is told at once.",
	}, d.createSubscriber)
	register(n, route{
		id: "create-subscribers", method: http.MethodPost, path: api.PathSubscribersImport, tag: tag, scope: access.Operate,
		summary: "Subscribe many addresses", body: reflect.TypeFor[api.SubscriberImport](),
		about: "At most 1000 a call. Those that cannot subscribe are named in the answer, and the others do. When none can, nothing is changed.",
	}, d.createSubscribers)
	register(n, route{
		id: "get-subscriber", method: http.MethodGet, path: api.PathSubscriber, tag: tag, scope: access.Operate,
		summary: "A subscriber, with what it was told",
	}, d.subscriber)
	register(n, route{
		id: "change-subscriber", method: http.MethodPut, path: api.PathSubscriber, tag: tag, scope: access.Operate,
		summary: "Choose what a subscriber hears of, and in which time zone", body: reflect.TypeFor[api.SubscriberChoice](),
		about: "What is left out is given up: an empty object means the whole page, in the page's zone.",
	}, d.changeSubscriber)
	register(n, route{
		id: "remove-subscriber", method: http.MethodDelete, path: api.PathSubscriber, tag: tag, scope: access.Operate,
		summary: "Unsubscribe somebody", answer: http.StatusNoContent,
		about: "It stays listed among the unsubscribed, and nobody is written to about it. One that has left already stays so.",
	}, d.removeSubscriber)
	register(n, route{
		id: "reactivate-subscriber", method: http.MethodPost, path: api.PathSubscriberReactivate, tag: tag, scope: access.Operate,
		summary: "Take a subscriber back from quarantine", body: reflect.TypeFor[nothing](),
	}, d.reactivateSubscriber)
	register(n, route{
		id: "resend-confirmation", method: http.MethodPost, path: api.PathSubscriberResend, tag: tag, scope: access.Operate,
		summary: "Ask a subscriber again whether it wants to be told", body: reflect.TypeFor[nothing](),
		about: "Only one that has not confirmed is asked.",
	}, d.resendConfirmation)
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
