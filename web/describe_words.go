package web

import (
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// plainFields are words for fields whose names say all in Go, or whose comments speak of Go. What stands under a type
// and a field goes before the field's comment; what stands under a field alone holds where there is none.
var plainFields = map[string]string{
	"backfilled": "`true` for what was entered afterwards.",
	"by":         "Who did it.",
	"changed":    "When it was last changed.",
	"changes":    "What differs, one entry for each thing.",
	"created":    "When it was made.",
	"id":         "Its identifier, given by the server.",
	"items":      "The entries of this page of the list.",
	"key":        "The name by which its document finds it again.",
	"promises":   "What each audience will experience.",
	"recurrence": "When it happens again; with it, the document describes a series.",
	"state":      "Where it is in its life.",
	"subject":    "What it is about.",
	"title":      "What readers see first.",
	"updates":    "What was posted, oldest first.",
	"version":    "Grows with each change; the ETag carries it.",
	"warnings":   "What deserves a second look, and is no reason to refuse.",

	"api.Counts.longest_us":             "The longest wait, in microseconds.",
	"api.Counts.requests":               "All of them.",
	"api.Counts.wait_us":                "The sum of all waits, in microseconds.",
	"api.Counts.waits":                  "Waits by length: the number at place i, from 0, counts those that lasted less than 2^i milliseconds and at least half of that; the last takes all that are longer.",
	"api.Fault.detail":                  "What is wrong, for people.",
	"api.Fault.field":                   "The path of the offending value.",
	"api.FlowState.flow":                "Its name.",
	"api.Gate.name":                     "Its name.",
	"api.GateSpan.gate":                 "The gate that told of it.",
	"api.InterruptionRequest.reason":    "Why, for those who look at it later.",
	"api.Measured.flows":                "The sums, one entry for each flow.",
	"api.Measured.spans":                "The stretches in which flows were not normal, by gate.",
	"api.MeasuredFlow.flow":             "Its name.",
	"api.MeasuredFlow.from":             "When the first of it was measured.",
	"api.MeasuredFlow.to":               "When the last of it was measured.",
	"api.Outcome.flow":                  "The flow's name.",
	"api.Outcome.from":                  "The beginning of the stretch of time.",
	"api.Outcome.maintenance":           "The maintenance's identifier.",
	"api.Outcome.to":                    "The end of the stretch of time.",
	"api.OutcomeBatch.outcomes":         "What became of requests.",
	"api.OutcomeBatch.spans":            "Stretches in which flows were not normal: those that began, and those of which more is known by now.",
	"api.PlannedMaintenance.window":     "The announced span.",
	"api.Revised.maintenance":           "The maintenance as it is now.",
	"api.SeriesEnded.series":            "The series as it is now.",
	"api.Span.flow":                     "The flow's name.",
	"api.Span.maintenance":              "The maintenance's identifier.",
	"api.Span.opened":                   "When it began.",
	"status.Blackout.from":              "The first day.",
	"status.Blackout.reason":            "Why, in words that are repeated to whoever plans something then.",
	"status.Blackout.to":                "The last day.",
	"status.Change.action":              "What is done to the subject.",
	"status.Component.description":      "What it is, for readers.",
	"status.Component.group_id":         "The identifier of its group, where it is in one.",
	"status.Component.name":             "What readers call it.",
	"status.ComponentNode.components":   "The components of a group, in order.",
	"status.Document.incident":          "An incident, where the document describes one.",
	"status.Document.maintenance":       "A maintenance, where the document describes one.",
	"status.Document.page":              "A page with its components, where the document describes them.",
	"status.Effect.component":           "The component's identifier.",
	"status.Effect.is":                  "What readers saw afterwards.",
	"status.Effect.was":                 "What readers saw before.",
	"status.Entry.status":               "The state that the update left the subject in.",
	"status.Event.kind":                 "What happened.",
	"status.FieldChange.field":          "The field's path.",
	"status.FieldChange.is":             "Its value afterwards, as text.",
	"status.FieldChange.was":            "Its value before, as text.",
	"status.Interruption.opened":        "When it was opened.",
	"status.Interruption.reason":        "Why, for those who look at it later.",
	"status.MaintenanceDocument.window": "The announced span.",
	"status.NamedPost.components":       "The statuses given with it, by component as documents name it.",
	"status.Page.description":           "What the page is about, for readers and search engines.",
	"status.PageDocument.components":    "Its components and groups, in the order in which readers see them.",
	"status.PageDocument.page":          "The page's settings.",
	"status.Report.components":          "The full names of what is affected.",
	"status.Report.page":                "The page's name.",
	"status.Report.status":              "Where the subject is in its life.",
	"status.Subject.kind":               "What sort of thing it is.",
	"status.UpdateDocument.at":          "When it was posted.",
	"status.UpdateDocument.body":        "What readers were told, Markdown.",
	"status.UpdateDocument.status":      "The state that it left the subject in.",
	"status.Window.end":                 "The end, which is not part of it; after the start.",
	"status.Window.start":               "The start.",
}

// wholeExamples are requests as they are sent, by the type of the body. They are values of that type, so that none can
// carry a field that does not exist.
var wholeExamples = map[string]any{
	"api.ApplyRequest": api.ApplyRequest{Documents: []status.Document{{Maintenance: &upgradeExample}}, DryRun: true},
	"api.Act":          api.Act{Body: "The work goes on as planned."},
	"api.Setting":      api.Setting{Status: status.DegradedPerformance},
	"api.Revision":     api.Revision{Document: upgradeExample, Body: "We have moved the work by a day."},
	"api.InterruptionRequest": api.InterruptionRequest{
		Flows: []string{"messenger", "api"}, AtMost: status.Duration(2 * time.Minute), Expected: status.Duration(30 * time.Second), Reason: "switch to the new database",
	},
	"api.InterruptionExtension": api.InterruptionExtension{AtMost: status.Duration(2 * time.Minute)},
	"api.GateState": api.GateState{Revision: 42, Version: "v0.5.0", Flows: []api.FlowState{
		{Flow: "messenger", State: api.FlowInterrupted, Does: "hold", Interruptions: []string{"k3v9x2m4q8t1"}, Held: 12, Bytes: 4100},
	}},
	"api.Work":            api.Work{What: api.Step, Name: "restart the database"},
	"api.SeriesEnd":       api.SeriesEnd{CancelPlanned: true, Body: "We no longer need this maintenance."},
	"api.TokenRequest":    api.TokenRequest{Name: "deploy pipeline", Scope: "operate"},
	"api.IncidentPost":    api.IncidentPost{Status: status.Monitoring, NamedPost: status.NamedPost{Body: "The fix is in place."}},
	"status.NamedPost":    status.NamedPost{Body: "We are looking for the cause."},
	"status.PageFields":   status.PageFields{Name: "Northwind", TimeZone: "Europe/Berlin", LeastNotice: status.Duration(48 * time.Hour)},
	"status.Promise":      upgradeExample.Promises[0],
	"status.Window":       upgradeExample.Window,
	"status.Recurrence":   status.Recurrence{Rule: "FREQ=MONTHLY;BYDAY=1SU"},
	"status.Blackout":     status.Blackout{From: status.Date{Year: 2027, Month: 11, Day: 22}, To: status.Date{Year: 2027, Month: 11, Day: 29}},
	"status.PageDocument": status.PageDocument{Page: status.PageFields{Name: "Northwind"}, Components: []status.ComponentNode{{Name: "APIs"}}},

	"status.MaintenanceDocument": upgradeExample,
	"status.IncidentDraft": status.IncidentDraft{
		Title: "E-mail arrives late", Affects: []string{"Message delivery / Email"},
		NamedPost: status.NamedPost{
			Body:       "We are looking for the cause.",
			Components: map[string]status.Condition{"Message delivery / Email": status.DegradedPerformance},
		},
	},
}

var upgradeExample = status.MaintenanceDocument{
	Key: "database-upgrade", Title: "Database upgrade", Affects: []string{"Message delivery", "APIs"},
	Window: status.Window{
		Start: time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC), End: time.Date(2027, 1, 15, 7, 0, 0, 0, time.UTC),
	},
	Promises: []status.Promise{{Audience: "People in the app", Promise: status.Unavailable, AtMost: status.Duration(5 * time.Minute)}},
}
