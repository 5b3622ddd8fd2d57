package statuspage

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"example.org/interlude/status"
)

// incidentBody is what clients say of an event. All fields may be left out, but for the name of a new one.
type incidentBody struct {
	Name                    *string    `json:"name" example:"Database upgrade" doc:"What readers see first, at most 255 characters"`
	Status                  *string    `json:"status" enum:"investigating,identified,monitoring,resolved,postmortem,scheduled,in_progress,verifying,completed" example:"scheduled" doc:"investigating, identified, monitoring or resolved; of a maintenance scheduled, in_progress, verifying or completed"`
	ImpactOverride          *string    `json:"impact_override" enum:"none,maintenance,minor,major,critical" doc:"How bad it is: none, maintenance, minor, major or critical; otherwise it follows from the components"`
	ScheduledFor            *time.Time `json:"scheduled_for" example:"2027-01-15T06:00:00Z" doc:"When a maintenance is to begin"`
	ScheduledUntil          *time.Time `json:"scheduled_until" example:"2027-01-15T07:00:00Z" doc:"When it is to be over"`
	ScheduledRemindPrior    *bool      `json:"scheduled_remind_prior" doc:"Remind subscribers an hour before it begins"`
	ScheduledAutoInProgress *bool      `json:"scheduled_auto_in_progress" example:"true" doc:"Begin it by the clock"`
	ScheduledAutoTransition *bool      `json:"scheduled_auto_transition" doc:"The former name of scheduled_auto_in_progress"`
	ScheduledAutoCompleted  *bool      `json:"scheduled_auto_completed" doc:"Complete it by the clock, when nothing is open"`
	ToMaintenance           *bool      `json:"auto_transition_to_maintenance_state" doc:"Its components are under maintenance while it is under way"`
	ToOperational           *bool      `json:"auto_transition_to_operational_state" doc:"Its components become operational when it is completed"`
	DeliverAtStart          *bool      `json:"auto_transition_deliver_notifications_at_start" doc:"Tell subscribers when the clock begins it"`
	DeliverAtEnd            *bool      `json:"auto_transition_deliver_notifications_at_end" doc:"Tell subscribers when the clock completes it"`
	DeliverNotifications    *bool      `json:"deliver_notifications" doc:"Tell subscribers of this update; true unless it says otherwise"`
	Metadata                fields     `json:"metadata" doc:"What programs keep with it: an object of objects"`
	Backfilled              *bool      `json:"backfilled" doc:"It is an incident of the past"`
	BackfillDate            *day       `json:"backfill_date" doc:"The day of such an incident"`
	Body                    *string    `json:"body" example:"We upgrade our databases." doc:"What readers are told, in Markdown"`
	Message                 *string    `json:"message" doc:"The former name of body"`
	Components              statuses   `json:"components" doc:"The status of each affected component, by its id; or a list of ids"`
	ComponentIDs            []string   `json:"component_ids" doc:"The components that it affects"`
	ShortNotice             *string    `json:"short_notice" doc:"Why a maintenance is announced later than the page's least notice; readers see it"`
	DespiteBlackout         *string    `json:"despite_blackout" doc:"Why a maintenance touches days that the page keeps free; readers see it"`
	ReminderIntervals       any        `json:"reminder_intervals" doc:"Must be off: null or []"`
	AutoTweetBeginning      *bool      `json:"auto_tweet_at_beginning" cannot:"nothing is posted to Twitter"`
	AutoTweetCompletion     *bool      `json:"auto_tweet_on_completion" cannot:"nothing is posted to Twitter"`
	AutoTweetCreation       *bool      `json:"auto_tweet_on_creation" cannot:"nothing is posted to Twitter"`
	AutoTweetHourBefore     *bool      `json:"auto_tweet_one_hour_before" cannot:"nothing is posted to Twitter"`
	WantsTwitterUpdate      *bool      `json:"wants_twitter_update" cannot:"nothing is posted to Twitter"`
}

// readIncident reads and checks what does not depend on the event.
func (c *call) readIncident() (incidentBody, error) {
	b, err := bound[incidentBody](c, "incident")
	if err != nil {
		return b, err
	}
	if word := given(b.Status); word != "" {
		err = oneOf("status", word, stateWords...)
	}
	if word := given(b.ImpactOverride); word != "" && err == nil {
		err = oneOf("impact_override", word, slices.Sorted(maps.Values(impacts))...)
	}
	for _, word := range b.Components {
		if word != "" && err == nil {
			err = oneOf("components", word, conditionWords...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Metadata)) {
		if _, isObject := b.Metadata[name].(fields); !isObject && err == nil {
			err = unprocessable("metadata." + name + " must be an object")
		}
	}
	for _, at := range []*time.Time{b.ScheduledFor, b.ScheduledUntil} {
		if at != nil {
			*at = at.Truncate(time.Second) // which is as fine as they are shown
		}
	}
	if off(b.ReminderIntervals) || err != nil {
		return b, err
	}
	return b, unprocessable("reminder_intervals cannot be honoured: nobody is reminded of an incident that stays open. Send [] or leave it out")
}

// off reports whether reminder_intervals ask for nothing.
func off(intervals any) bool {
	text, isText := intervals.(string)
	if !isText {
		return !asks(intervals)
	}
	list := strings.Trim(text, " []")
	return list == "" || list == "null"
}

var (
	stateWords     = words(status.IncidentStates, status.MaintenanceStates[:4])
	conditionWords = words(status.Conditions)
)

func words[T ~string](lists ...[]T) []string {
	var all []string
	for _, one := range slices.Concat(lists...) {
		all = append(all, string(one))
	}
	return all
}

// metadata are what programs keep, as package status has it.
func (b incidentBody) metadata() map[string]any {
	if b.Metadata == nil {
		return nil
	}
	return plainNumbers(b.Metadata).(map[string]any) //nolint:forcetypeassert // it gives what it takes
}

// plainNumbers turns the numbers of a tree into those that come back from the store.
func plainNumbers(node any) any {
	switch v := node.(type) {
	case fields:
		for name, inner := range v {
			v[name] = plainNumbers(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = plainNumbers(inner)
		}
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	}
	return node
}

// affects are the components that the body names, in either way.
func (b incidentBody) affects() []string {
	return slices.Concat(b.ComponentIDs, slices.Sorted(maps.Keys(b.Components)))
}

// conditions are the statuses that the body gives, by component id.
func (b incidentBody) conditions() map[string]status.Condition {
	all := make(map[string]status.Condition)
	for id, word := range b.Components {
		if word != "" {
			all[id] = status.Condition(word)
		}
	}
	return all
}

// impact is what was said of the impact, or nothing.
func (b incidentBody) impact() status.Condition {
	for condition, word := range impacts {
		if word == given(b.ImpactOverride) {
			return condition
		}
	}
	return ""
}

func (b incidentBody) quiet() bool { return b.DeliverNotifications != nil && !*b.DeliverNotifications }

// checkComponents refuses ids that are no component's of the page: a name would do elsewhere, and not on this wire. Those
// that an event has already may have left the page since.
func checkComponents(book *status.Book, ids, has []string) error {
	for _, id := range ids {
		if found, ok := book.Component(id); !ok || !found.Removed.IsZero() && !slices.Contains(has, id) {
			return unprocessable("component_ids names no component of the page: \"" + id + "\"")
		}
	}
	return nil
}

// standardWords are what an update says when nobody says anything.
var standardWords = map[status.State]string{
	status.Investigating: "We are looking into this issue.",
	status.Identified:    "We have found the cause of the issue and are working on it.",
	status.Monitoring:    "A fix is in place, and we are watching its effect.",
	status.Resolved:      "This incident is resolved.",
	status.Completed:     "The maintenance is completed.",
}

func (c *call) createIncident() (any, error) {
	body, err := c.readIncident()
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(given(body.Name)) == "" {
		return nil, unprocessable("name is required: what readers see first")
	}
	var made status.Subject
	err = c.change(nil, func(b *status.Book, now time.Time) (err error) {
		if err := checkComponents(b, body.affects(), nil); err != nil {
			return err
		}
		planned := slices.Contains(status.MaintenanceStates, status.State(given(body.Status)))
		switch {
		case body.Backfilled != nil && *body.Backfilled:
			made, err = body.backfill(b, now, c.by)
		case body.BackfillDate != nil:
			err = unprocessable("backfill_date is that of an incident of the past: give backfilled: true with it")
		case body.ScheduledFor != nil || body.ScheduledUntil != nil || planned:
			made, err = body.schedule(b, now, c.by)
		default:
			made, err = body.open(b, now, c.by)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.shownEvent(made.ID)
}

// shownEvent is an event as it is after a change.
func (c *call) shownEvent(id string) (any, error) {
	v := c.shown()
	e, err := v.event(id)
	if err != nil {
		return nil, err
	}
	return v.managedEvent(e), nil
}

// open puts an incident on the page.
func (b incidentBody) open(book *status.Book, now time.Time, by status.Actor) (status.Subject, error) {
	if err := b.unplanned(); err != nil {
		return status.Subject{}, err
	}
	state := cmp.Or(status.State(given(b.Status)), status.Investigating)
	i, err := book.OpenIncident(status.IncidentDraft{
		Title: given(b.Name), Affects: b.affects(), Status: state, Impact: b.impact(), Metadata: b.metadata(),
		NamedPost: status.NamedPost{Body: cmp.Or(b.bodyOf(), standardWords[state]), Quiet: b.quiet(), Components: b.conditions()},
		Releases:  status.Manual,
	}, now, by)
	return i.Subject(), err
}

// unplanned refuses what only a maintenance has: an incident neither begins nor ends by the clock.
func (b incidentBody) unplanned() error {
	for name, yes := range map[string]*bool{
		"scheduled_remind_prior": b.ScheduledRemindPrior, "scheduled_auto_in_progress": cmp.Or(b.ScheduledAutoInProgress, b.ScheduledAutoTransition),
		"scheduled_auto_completed": b.ScheduledAutoCompleted, "auto_transition_to_maintenance_state": b.ToMaintenance,
		"auto_transition_to_operational_state": b.ToOperational,
	} {
		if yes != nil && *yes {
			return unprocessable(name + " is a maintenance's: give scheduled_for and scheduled_until with it")
		}
	}
	return nil
}

// backfill enters an incident of the past: it is over, and nobody is told.
func (b incidentBody) backfill(book *status.Book, now time.Time, by status.Actor) (status.Subject, error) {
	if len(b.affects()) > 0 {
		return status.Subject{}, unprocessable("components cannot be given for an incident of the past that is backfilled")
	}
	if state := given(b.Status); state != "" && state != string(status.Resolved) {
		return status.Subject{}, unprocessable("status of an incident of the past that is backfilled is resolved, not \"" + state + "\"")
	}
	if b.ScheduledFor != nil || b.ScheduledUntil != nil {
		return status.Subject{}, unprocessable("scheduled_for cannot be given for an incident of the past that is backfilled: a maintenance of the past is created with status completed")
	}
	if err := b.unplanned(); err != nil {
		return status.Subject{}, err
	}
	at := now
	if b.BackfillDate != nil {
		day := status.Date{Year: b.BackfillDate.year, Month: time.Month(b.BackfillDate.month), Day: b.BackfillDate.day}
		at = day.In(book.Page.Zone())
	}
	if at.After(now) {
		return status.Subject{}, unprocessable("backfill_date must not be in the future")
	}
	id := book.NewID()
	_, _, err := book.Apply([]status.Document{{Incident: &status.IncidentDocument{
		ID: id, Key: id, Title: given(b.Name), Impact: b.impact(),
		Updates: []status.UpdateDocument{{Status: status.Resolved, At: at, Body: cmp.Or(b.bodyOf(), standardWords[status.Resolved])}},
	}}}, now, by)
	if i, found := book.Incident(id); found && err == nil && b.Metadata != nil {
		i.Metadata = b.metadata()
		book.PutIncident(i)
	}
	return status.Subject{Kind: status.KindIncident, ID: id}, err
}

// schedule announces a maintenance, and takes it to its state.
func (b incidentBody) schedule(book *status.Book, now time.Time, by status.Actor) (status.Subject, error) {
	if b.ScheduledFor == nil || b.ScheduledUntil == nil {
		return status.Subject{}, unprocessable("scheduled_for and scheduled_until are both required for a maintenance")
	}
	if words := stateWords[:len(status.IncidentStates)]; slices.Contains(words, given(b.Status)) {
		return status.Subject{}, oneOf("status", given(b.Status), stateWords[len(words):]...)
	}
	if status.State(given(b.Status)) == status.Completed && !b.ScheduledUntil.After(now) {
		return b.enter(book, now, by)
	}
	id := book.NewID()
	m, err := book.Plan(status.MaintenanceDocument{
		ID: id, Key: id, Title: given(b.Name), Affects: b.affects(), ShortNotice: given(b.ShortNotice), DespiteBlackout: given(b.DespiteBlackout),
		Window: status.Window{Start: *b.ScheduledFor, End: *b.ScheduledUntil},
	})
	if err != nil {
		return status.Subject{}, err
	}
	m.Begins, m.Completes, m.Marks, m.Releases = status.Manual, status.Manual, status.Manual, status.Manual
	b.settings(&m)
	state := status.State(given(b.Status))
	say := status.Post{Body: b.bodyOf(), Quiet: b.quiet(), Literal: true, Conditions: b.claims(book)}
	if state != "" && state != status.Scheduled {
		say = status.Post{Quiet: true, Conditions: say.Conditions}
	}
	m, _, err = book.Announce(m, now, by, say)
	if err != nil || state == "" || state == status.Scheduled {
		return m.Subject(), err
	}
	m, err = book.MoveMaintenance(m, state, status.Post{Body: b.bodyOf(), Quiet: b.quiet(), Literal: true}, now, by)
	return m.Subject(), err
}

// enter enters a maintenance of the past, which was completed at the end of its window.
func (b incidentBody) enter(book *status.Book, now time.Time, by status.Actor) (status.Subject, error) {
	id := book.NewID()
	_, _, err := book.Apply([]status.Document{{Maintenance: &status.MaintenanceDocument{
		ID: id, Key: id, Title: given(b.Name), Affects: b.affects(), Window: status.Window{Start: *b.ScheduledFor, End: *b.ScheduledUntil},
		Updates: []status.UpdateDocument{{Status: status.Completed, At: *b.ScheduledUntil, Body: cmp.Or(b.bodyOf(), standardWords[status.Completed])}},
	}}}, now, by)
	if m, found := book.Maintenance(id); found && err == nil {
		b.settings(&m)
		book.PutMaintenance(m)
	}
	return status.Subject{Kind: status.KindMaintenance, ID: id}, err
}

// claims are the statuses that the body gives for while a maintenance is under way. What they say of now, before it
// has begun, is no claim: clients name their components with the status that these have anyway.
func (b incidentBody) claims(book *status.Book) map[string]status.Condition {
	shown := book.Conditions()
	claims := b.conditions()
	maps.DeleteFunc(claims, func(id string, c status.Condition) bool { return c == shown[id] })
	return claims
}

// settings gives a maintenance what the body says of it beside its words, its window and its components.
func (b incidentBody) settings(m *status.Maintenance) {
	set := func(mode *status.Mode, yes *bool, on status.Mode) {
		if yes != nil {
			*mode = status.Manual
			if *yes {
				*mode = on
			}
		}
	}
	set(&m.Begins, cmp.Or(b.ScheduledAutoInProgress, b.ScheduledAutoTransition), status.Automatic)
	set(&m.Completes, b.ScheduledAutoCompleted, status.Automatic)
	set(&m.Marks, b.ToMaintenance, "")
	set(&m.Releases, b.ToOperational, "")
	if b.DeliverAtStart != nil {
		m.QuietBegin = !*b.DeliverAtStart
	}
	if b.DeliverAtEnd != nil {
		m.QuietEnd = !*b.DeliverAtEnd
	}
	if b.ScheduledRemindPrior != nil {
		m.Reminders = slices.DeleteFunc(slices.Clone(m.Reminders), func(d status.Duration) bool { return d == hourBefore })
		if *b.ScheduledRemindPrior {
			m.Reminders = append(m.Reminders, hourBefore)
			slices.SortFunc(m.Reminders, func(a, c status.Duration) int { return cmp.Compare(c, a) })
		}
	}
	m.Impact = cmp.Or(b.impact(), m.Impact)
	if b.Metadata != nil {
		m.Metadata = b.metadata()
	}
	m.ShortNotice = cmp.Or(given(b.ShortNotice), m.ShortNotice)
	m.DespiteBlackout = cmp.Or(given(b.DespiteBlackout), m.DespiteBlackout)
}
