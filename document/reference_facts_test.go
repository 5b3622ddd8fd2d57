package document_test

import "example.org/interlude/status"

// section is one mapping of a document, as the reference shows it.
type section struct {
	level, title, about string
	// of is the value of package status that the mapping is read into, for the types of its keys.
	of any
	// within is a document around the mapping, which takes the place of %s.
	within   string
	facts    []fact
	examples []string
}

// fact is what the reference says of a key: its default, what it means, and a sample that is accepted.
type fact struct {
	key, standard, means, sample string
	// takes overrides what the key's Go type says.
	takes string
	// alone keys do not go together with all others.
	alone bool
}

const required = "required"

const referenceIntro = `<!-- Made by go generate ./document out of the keys that are read. Change document/reference_facts_test.go, not this page. -->

# Documents

A document is a YAML file (JSON is YAML too) that describes a page, a maintenance or an incident. One file may hold several,
divided by lines of ` + "`---`" + `. ` + "`interlude preview`" + ` shows what documents make, ` + "`interlude apply`" + ` makes the server match them.

Nothing is guessed and nothing is passed over: an unknown key, a key given twice, a time without a zone, a duration without a
unit, or a word that is none of the allowed ones is refused with file, line, column and what would be right. All faults are
told at once.

| form | how it is written |
|---|---|
| text | one line, or several after ` + "`|`" + `. Texts for readers are Markdown without HTML |
| time | a date with a time of day and a zone: ` + "`2027-01-15T06:00:00Z`, `2027-01-15 07:00 +01:00`" + `. Seconds may be left out, the zone may not |
| day | ` + "`2027-01-15`" + ` |
| duration | a number with a unit: ` + "`90s`, `5m`, `48h`, `2d`, `1w`, `1h30m`" + `. A day is 24 hours |
| list | a list; a single value is a list of one, so ` + "`affects: APIs`" + ` is enough |
| name | of a component as ` + "`Group / Component`" + `, or alone where only one has it; of a group, which means all its components |

A file has at most 1 MiB. In place of a missing key its default is taken; an empty value is a missing one.
`

const placeholderIntro = `
## Placeholders

` + "`summary`, `why`" + ` and every text that is posted on a maintenance may ask for these, so that text and schedule cannot disagree. The values
are put in when the text is posted: what was said stays as it was said. Two braces themselves are written ` + "`{{ \"{{\" }}`" + `.
A date or time that is written by hand and contradicts the window is a warning that quotes it.

| placeholder | in the example above |
|---|---|
`

var sections = []section{
	pageSection, pageFields, blackoutSection, componentSection, groupSection,
	maintenanceSection, windowSection, promiseSection, recurrenceSection, incidentSection, updateSection,
}

var kindFact = fact{
	key: "kind", takes: "`page`, `maintenance` or `incident`", standard: "found out",
	means: "What the document is. It follows from the other keys; where they leave a doubt, this settles it",
}

func kind(of string) fact {
	f := kindFact
	f.sample = of
	return f
}

var pageSection = section{
	level: "##", title: "Page document", of: status.PageDocument{}, within: "%s",
	about: "The page and, in order, its components. There is one page on a server. Applying it needs a token of scope administer.",
	facts: []fact{
		kind("page"),
		{key: "page", standard: required, sample: "{name: Northwind}", means: "The page's own settings"},
		{key: "components", standard: "as they are", sample: "[APIs]", means: "Everything that readers know by name, in the order of the page. " +
			"What is taken out of the list leaves the page, and its past stays; without the key the components stay as they are"},
	},
	examples: []string{"page.yaml"},
}

var pageFields = section{
	level: "###", title: "page", of: status.PageFields{}, within: "page: %s",
	about: "`page: Northwind` alone gives the name.",
	facts: []fact{
		{key: "id", standard: "made", sample: "p0qjfl24znv5", means: "The identifier that the page has elsewhere, to take over when it is first applied: programs go on finding it"},
		{key: "name", standard: required, sample: "Northwind", means: "The organisation, as readers see it"},
		{key: "url", standard: "none", sample: "https://status.example.com", means: "Where readers find the page, with https:// or http://; permalinks begin with it"},
		{key: "description", standard: "none", sample: "How Northwind is doing.", means: "What readers are told below the name"},
		{key: "time_zone", standard: "`UTC`", sample: "Europe/Berlin", takes: "IANA name", means: "Zone in which the page writes its times, and in which blackout days begin"},
		{key: "least_notice", standard: "none", sample: "48h", means: "How long before its start a maintenance must be announced. A shorter one is refused unless it gives `short_notice`"},
		{key: "blackouts", standard: "none", sample: "[{from: 2027-12-20, to: 2028-01-02}]", means: "Days without maintenance. One that touches them is refused unless it gives `despite_blackout`"},
		{key: "maintenance_counts", standard: "`false`", sample: "true", means: "Planned work counts as downtime in the uptime figures"},
	},
}

var blackoutSection = section{
	level: "###", title: "A blackout", of: status.Blackout{}, within: "page: {name: N, blackouts: [%s]}",
	about: "Both days belong to it, from midnight to midnight in the page's zone.",
	facts: []fact{
		{key: "from", standard: required, sample: "2027-12-20", means: "First day"},
		{key: "to", standard: required, sample: "2028-01-02", means: "Last day"},
		{key: "reason", standard: "none", sample: "Our customers' busiest days", means: "Why; whoever plans something in it is told"},
	},
}

var componentSection = section{
	level: "###", title: "A component", of: status.ComponentNode{}, within: "page: N\ncomponents: [%s]",
	about: "A name alone is a component too. One that moves to another group keeps its past when its name is unique.",
	facts: []fact{
		{key: "id", standard: "made", sample: "h028tnzw1n5l", means: "The identifier that the component has elsewhere, to take over. It is then found by it, under whatever name"},
		{key: "name", standard: required, sample: "APIs", means: "What readers call it; unique in its group"},
		{key: "description", standard: "none", sample: "For programs.", means: "What it is"},
		{key: "hide_uptime", standard: "`false`", sample: "true", means: "Leaves the bars and the figure of its past out of the page"},
		{key: "only_if_degraded", standard: "`false`", sample: "true", means: "Leaves it out of the page while it is operational"},
		{key: "start", standard: "the day on which it came", sample: "2020-01-15", means: "Day from which its past counts"},
	},
}

var groupSection = section{
	level: "###", title: "A group", of: status.ComponentNode{}, within: "page: N\ncomponents: [%s]",
	about: "Groups hold components, not groups.",
	facts: []fact{
		{key: "id", standard: "made", sample: "41wg86q5vc14", means: "The identifier that the group has elsewhere, to take over"},
		{key: "group", standard: required, sample: "Messenger", means: "The group's name"},
		{key: "description", standard: "none", sample: "On our customers' websites.", means: "What its components have in common"},
		{key: "components", takes: "list of [components](#a-component)", standard: required, sample: "[Web Messenger]", means: "Its components, at least one"},
	},
}

var maintenanceSection = section{
	level: "##", title: "Maintenance document", of: status.MaintenanceDocument{}, within: "%s",
	about: "Planned work; with `recurrence` one that returns; with `updates` one of the past, entered as it was.",
	facts: []fact{
		kind("maintenance"),
		{key: "id", standard: "made", sample: "k7g299zl765l", means: "The identifier that it has elsewhere, to take over when it is created"},
		{key: "key", standard: "made from title and start", sample: "january-upgrade", means: "Name by which this document finds its maintenance again, and by which commands know it. " +
			"Without one, another title or start makes another maintenance. Of a recurring one the default is made from the title alone"},
		{key: "title", standard: required, sample: "Database upgrade", means: "What readers see first"},
		{key: "window", standard: required, sample: "{start: 2027-01-15T06:00:00Z, end: 2027-01-15T07:00:00Z}", means: "The announced span; of a recurring maintenance the first one"},
		{key: "summary", standard: "a sentence with the window", sample: "On our databases.", means: "What readers are told first. May hold [placeholders](#placeholders)"},
		{key: "why", standard: "none", sample: "They need it.", means: "Why it is done, under a heading of its own. May hold placeholders"},
		{key: "affects", takes: "list of names", standard: "none, with a warning", sample: "[APIs]", means: "Components that are under maintenance while it goes on"},
		{key: "begin", standard: "`automatic`", sample: "manual", means: "`automatic`: the clock begins it at its start. `manual`: a person does, and readers are told when nobody has five minutes after the start"},
		{key: "complete", standard: "`manual`", sample: "automatic", means: "`automatic`: the clock completes it at its end when nothing is open. `manual`: a person does, and an overrun is said until then"},
		{key: "reminders", standard: "none", sample: "[2d, 1h]", means: "How long before the start subscribers are to be reminded; at most 12, each at least 1m. They are recorded as due; notices are not built yet"},
		{key: "remind_every", standard: "never", sample: "4h", means: "How often subscribers are told that it goes on as announced, at least 15m: counted from the start, and not in the last 5 minutes"},
		{key: "overrun_every", standard: "`30m`", sample: "20m", means: "How often an overrun is said again, at least 1m"},
		{key: "short_notice", standard: "none", sample: "A security hole.", means: "Why it is announced later than `least_notice` allows. Readers see it"},
		{key: "despite_blackout", standard: "none", sample: "A contract ends.", means: "Why it takes place on a blackout day. Readers see it"},
		{key: "promises", standard: "none", sample: "[{audience: Everybody, promise: queued}]", means: "What each audience will experience"},
		{key: "recurrence", standard: "once", sample: "{rule: FREQ=DAILY}", means: "When it returns", alone: true},
		{key: "updates", standard: "none", sample: "[{status: completed, at: 2027-01-15T07:00:00Z}]", means: "The record of a past maintenance, newest first or oldest first. Not together with `recurrence`"},
		{key: "runbook", takes: "mapping", standard: "none", sample: "{steps: []}", means: "For `interlude run`, which reads it from this file and nowhere else: not sent to the server. Its keys are in [Runbooks](../runbook.md)"},
	},
	examples: []string{"maintenance.yaml", "past.yaml"},
}

var windowSection = section{
	level: "###", title: "window", of: status.Window{}, within: "title: T\nwindow: %s",
	about: "The end lies after the start. A window that has passed is refused, except for a record with `updates`.",
	facts: []fact{
		{key: "start", standard: required, sample: "2027-01-15T06:00:00Z", means: "When it begins"},
		{key: "end", standard: required, sample: "2027-01-15T07:00:00Z", means: "When it is to be over"},
	},
}

var promiseSection = section{
	level: "###", title: "A promise", of: status.Promise{}, within: "title: T\nwindow: {start: 2027-01-15T06:00:00Z, end: 2027-01-15T07:00:00Z}\npromises: [%s]",
	about: "The announcement tells it in words. The gate, which will enforce and measure it, is not built yet.",
	facts: []fact{
		{key: "audience", standard: required, sample: "Developers using the API", means: "Who experiences it, in the reader's words"},
		{key: "flow", standard: "none", sample: "api", means: "Name of the traffic by which the audience reaches the product, for the gate"},
		{key: "promise", standard: required, sample: "unavailable", means: "What they will experience; `unavailable` is an error 503"},
		{key: "at_most", standard: "no bound", sample: "5m", means: "The longest interruption or delay, each time"},
	},
}

var recurrenceSection = section{
	level: "###", title: "recurrence", of: status.Recurrence{}, within: "title: T\nwindow: {start: 2027-01-15T06:00:00Z, end: 2027-01-15T07:00:00Z}\nrecurrence: %s",
	about: "A rule of RFC 5545. The window is the first occurrence, and takes place even on a day that the rule does not give. " +
		"Each occurrence becomes a maintenance of its own, whose key ends in its day: the next one at once, the others 35 days ahead " +
		"(or `least_notice` ahead, when that is more). Applying a changed document changes every planned occurrence that was not edited by itself.",
	facts: []fact{
		{key: "rule", standard: required, sample: "FREQ=MONTHLY;BYDAY=1SU", takes: "RRULE", means: "`FREQ` (`DAILY`, `WEEKLY`, `MONTHLY`, `YEARLY`) with `INTERVAL`, `COUNT` or `UNTIL`, `BYDAY`, `BYMONTHDAY`, `BYMONTH`, `BYYEARDAY`, `BYSETPOS`, `WKST`. The series ends with `COUNT` or `UNTIL`"},
		{key: "time_zone", standard: "the page's", sample: "Europe/Berlin", takes: "IANA name", means: "Zone in which the clock time stays the same all year. The length stays the same in elapsed time"},
		{key: "except", standard: "none", sample: "[2027-04-04]", means: "Days, in that zone, on which it does not take place; at most 1,000"},
	},
	examples: []string{"recurring.yaml"},
}

var incidentSection = section{
	level: "##", title: "Incident document", of: status.IncidentDocument{}, within: "%s",
	about: "An unplanned event, as it was or, when its last update leaves it open, as it stands. One that happens now is quicker said with `interlude incident create`.",
	facts: []fact{
		kind("incident"),
		{key: "id", standard: "made", sample: "cp306tmzcl0y", means: "The identifier that it has elsewhere, to take over when it is created"},
		{key: "key", standard: "made from title and first update", sample: "push", means: "Name by which this document finds its incident again, and by which commands know it"},
		{key: "title", standard: required, sample: "Push is slow", means: "What readers see first"},
		{key: "affects", takes: "list of names", standard: "those that its updates name", sample: "[APIs]", means: "Components that it concerns"},
		{key: "impact", standard: "the worst that its updates say", sample: "partial_outage", means: "How bad it was"},
		{key: "updates", standard: required, sample: "[{status: resolved, at: 2026-11-04T10:12:00Z, body: Over.}]", means: "At least one, newest first or oldest first"},
	},
	examples: []string{"incident.yaml"},
}

var updateSection = section{
	level: "###", title: "An update", of: status.UpdateDocument{}, within: "title: T\nupdates: [%s]",
	about: "The same status as before is headed \"Update\" in the report. Of a maintenance, states may be left out, but only `verifying` and " +
		"`completed` may go back, to `in_progress`.",
	facts: []fact{
		{key: "id", standard: "made", sample: "8whgr3rlbld8", means: "The identifier that it has elsewhere, to take over"},
		{
			key: "status", standard: required, sample: "resolved", means: "The state that it left things in",
			takes: "of a maintenance " + oneOf(status.Scheduled, status.InProgress, status.Verifying, status.Completed, status.Canceled) +
				"; of an incident " + oneOf(status.Investigating, status.Identified, status.Monitoring, status.Resolved, status.Postmortem),
		},
		{key: "at", standard: required, sample: "2026-11-04T10:12:00Z", means: "When it was posted; not in the future"},
		{key: "body", standard: "none", sample: "Over.", means: "What readers were told; an incident's update needs one. May hold placeholders, in a maintenance's update"},
		{key: "components", standard: "none", sample: "{APIs: operational}", means: "How components fared from then on, by name: " + oneOf(status.Conditions...) + ". For incidents; a maintenance's components are under maintenance while it goes on, whatever its updates say"},
	},
}
