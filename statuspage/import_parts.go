package statuspage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// The other page's shapes, of both versions: what a version or a year lacks is nil. They are read as loosely as requests
// are, for a list that was an object once, or a number that is a text, is understood all the same.

type otherPage struct {
	ID          *string `json:"id"`
	Name        *string `json:"name"`
	URL         *string `json:"url"`
	Domain      *string `json:"domain"`
	TimeZone    *string `json:"time_zone"`
	Description *string `json:"page_description"`
}

type otherComponent struct {
	ID             *string    `json:"id"`
	Name           *string    `json:"name"`
	Description    *string    `json:"description"`
	Status         *string    `json:"status"`
	Position       *int       `json:"position"`
	GroupID        *string    `json:"group_id"`
	Group          *bool      `json:"group"`
	Showcase       *bool      `json:"showcase"`
	OnlyIfDegraded *bool      `json:"only_show_if_degraded"`
	StartDate      *day       `json:"start_date"`
	UpdatedAt      *time.Time `json:"updated_at"`
	Components     []string   `json:"components"`
}

func (c otherComponent) header() bool { return c.Group != nil && *c.Group }

type otherEvent struct {
	ID               *string    `json:"id"`
	Name             *string    `json:"name"`
	Status           *string    `json:"status"`
	Impact           *string    `json:"impact"`
	ImpactOverride   *string    `json:"impact_override"`
	CreatedAt        *time.Time `json:"created_at"`
	UpdatedAt        *time.Time `json:"updated_at"`
	StartedAt        *time.Time `json:"started_at"`
	ResolvedAt       *time.Time `json:"resolved_at"`
	ScheduledFor     *time.Time `json:"scheduled_for"`
	ScheduledUntil   *time.Time `json:"scheduled_until"`
	RemindPrior      *bool      `json:"scheduled_remind_prior"`
	AutoInProgress   *bool      `json:"scheduled_auto_in_progress"`
	AutoCompleted    *bool      `json:"scheduled_auto_completed"`
	ToMaintenance    *bool      `json:"auto_transition_to_maintenance_state"`
	ToOperational    *bool      `json:"auto_transition_to_operational_state"`
	DeliverAtStart   *bool      `json:"auto_transition_deliver_notifications_at_start"`
	DeliverAtEnd     *bool      `json:"auto_transition_deliver_notifications_at_end"`
	Metadata         fields     `json:"metadata"`
	PostmortemBody   *string    `json:"postmortem_body"`
	PostmortemAt     any        `json:"postmortem_published_at"`
	PostmortemEdited *time.Time `json:"postmortem_body_last_updated_at"`
	Updates          any        `json:"incident_updates"`
	Components       any        `json:"components"`
	Interlude        fields     `json:"interlude"`
}

// foundEvent is an event with what stands in its lists.
type foundEvent struct {
	otherEvent
	// planned is set for a maintenance, and managed when version 1 told of it.
	planned, managed bool
	updates          []foundUpdate
	affects          []otherComponent
}

type otherUpdate struct {
	ID         *string    `json:"id"`
	Status     *string    `json:"status"`
	Body       *string    `json:"body"`
	CreatedAt  *time.Time `json:"created_at"`
	DisplayAt  *time.Time `json:"display_at"`
	Components any        `json:"affected_components"`
}

// foundUpdate is an update with the components that it names.
type foundUpdate struct {
	otherUpdate
	affected []otherEffect
}

type otherEffect struct {
	Code      *string `json:"code"`
	Name      *string `json:"name"`
	NewStatus *string `json:"new_status"`
}

type otherSubscriber struct {
	ID          *string    `json:"id"`
	Mode        *string    `json:"mode"`
	Email       *string    `json:"email"`
	Endpoint    *string    `json:"endpoint"`
	Quarantined *time.Time `json:"quarantined_at"`
	AccessUser  *string    `json:"page_access_user_id"`
	Components  []string   `json:"components"`
}

// foundSubscriber is a subscriber with the state of the list that it was found in.
type foundSubscriber struct {
	otherSubscriber
	state string
}

type otherTemplate struct {
	ID         *string `json:"id"`
	Name       *string `json:"name"`
	Title      *string `json:"title"`
	Body       *string `json:"body"`
	Status     *string `json:"update_status"`
	Notify     *bool   `json:"should_send_notifications"`
	Components any     `json:"components"`
}

// foundTemplate is a template with its components.
type foundTemplate struct {
	otherTemplate
	affects []otherComponent
}

type otherMetric struct {
	ID   *string `json:"id"`
	Name *string `json:"name"`
}

// other is the whole other page.
type other struct {
	v1, v2      *otherPage
	components  []otherComponent
	events      []foundEvent
	subscribers []foundSubscriber
	templates   []foundTemplate
	metrics     []otherMetric
	// component and event are places in these lists, by identifier.
	component, event map[string]int
	// full names the lists of version 2 that hold as many as they ever do, so that there may be more.
	full []string
}

// page is what is known of the page: version 1 says more, but version 2 has the zone as everybody writes it.
func (o other) page() *otherPage {
	switch {
	case o.v1 == nil:
		return o.v2
	case o.v2 == nil:
		return o.v1
	}
	both := *o.v1
	if o.v2.TimeZone != nil {
		both.TimeZone = o.v2.TimeZone
	}
	return &both
}

// managed reports whether anything was read from version 1.
func (o other) managed() bool { return o.v1 != nil }

// readOther understands the parts, those of version 1 first: of what both have, theirs counts.
func readOther(parts []Part) (other, error) {
	o := other{component: map[string]int{}, event: map[string]int{}}
	sorted := slices.Clone(parts)
	slices.SortStableFunc(sorted, func(a, b Part) int { return rankOf(a.Kind) - rankOf(b.Kind) })
	for _, p := range sorted {
		values, err := p.values()
		if err != nil {
			return o, err
		}
		for _, v := range values {
			if err := o.take(p, v); err != nil {
				return o, fmt.Errorf("%s: %w", p.Name, err)
			}
		}
	}
	return o, nil
}

func rankOf(k PartKind) int {
	if strings.HasPrefix(string(k), "v1") {
		return 0
	}
	return 1
}

// values are the JSON values of a part: one, or the pages of a list, one after the other.
func (p Part) values() ([]any, error) {
	data := bytes.TrimPrefix(bytes.TrimSpace(p.Data), []byte("\ufeff"))
	if len(data) == 0 {
		return nil, fmt.Errorf("%s: is empty, and JSON is expected", p.Name)
	}
	if data[0] == '<' {
		return nil, fmt.Errorf("%s: is a page of HTML, and JSON is expected: the address must be that of the status page itself", p.Name)
	}
	read := json.NewDecoder(bytes.NewReader(data))
	read.UseNumber()
	var all []any
	for {
		var v any
		err := read.Decode(&v)
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return nil, fmt.Errorf("%s: is cut off: its JSON ends in the middle; read or save it again", p.Name)
		case err != nil:
			line := 1 + bytes.Count(data[:min(read.InputOffset(), int64(len(data)))], []byte("\n"))
			return nil, fmt.Errorf("%s: is not JSON (line %d: %w)", p.Name, line, err)
		}
		all = append(all, v)
	}
}

// take understands one value of a part.
func (o *other) take(p Part, v any) error {
	switch p.Kind {
	case PartSummary:
		return o.takeSummary(v)
	case PartComponents:
		return o.takeComponents(v)
	case PartIncidents:
		return o.takeEvents(p, v, "incidents")
	case PartMaintenances:
		return o.takeEvents(p, v, "scheduled_maintenances")
	case PartManagedPage:
		return o.takePage(v)
	case PartManagedComponents, PartGroups:
		return o.takeComponents(v)
	case PartManagedIncidents:
		return o.takeEvents(p, v, "incidents")
	case PartSubscribers:
		return takeList(v, "subscribers", func(s otherSubscriber) error {
			o.subscribers = append(o.subscribers, foundSubscriber{s, p.State})
			return nil
		})
	case PartTemplates:
		return takeList(v, "incident_templates", func(t otherTemplate) error {
			affects, err := takeAffected(t.Components)
			o.templates = append(o.templates, foundTemplate{t, affects})
			return err
		})
	case PartMetrics:
		return takeList(v, "metrics", func(m otherMetric) error {
			o.metrics = append(o.metrics, m)
			return nil
		})
	}
	return fmt.Errorf("is of no known kind: %q", p.Kind)
}

func (o *other) takeSummary(v any) error {
	object, isObject := v.(fields)
	page, hasPage := object["page"].(fields)
	if !isObject || !hasPage {
		return errors.New(`must be an object with "page", as version 2 has it`)
	}
	o.v2 = &otherPage{}
	if err := bind(page, o.v2); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	for _, list := range []struct {
		name string
		take func(any) error
	}{
		{"components", o.takeComponents},
		{"incidents", func(v any) error { return o.takeEvents(Part{Kind: PartIncidents}, v, "incidents") }},
		{"scheduled_maintenances", func(v any) error { return o.takeEvents(Part{Kind: PartMaintenances}, v, "scheduled_maintenances") }},
	} {
		if inner, given := object[list.name]; given && inner != nil {
			if err := list.take(inner); err != nil {
				return err
			}
		}
	}
	return nil
}

// takePage understands the page of version 1, alone or in the list of an account with one page.
func (o *other) takePage(v any) error {
	if list, isList := v.([]any); isList {
		if len(list) != 1 {
			return fmt.Errorf("holds %d pages, and one is expected: save that of the page that is to be imported", len(list))
		}
		v = list[0]
	}
	object, isObject := v.(fields)
	if !isObject {
		return errors.New("must be an object: the page of version 1")
	}
	o.v1 = &otherPage{}
	return bind(object, o.v1)
}

func (o *other) takeComponents(v any) error {
	return takeList(v, "components", func(c otherComponent) error {
		if c.Components != nil && c.Group == nil {
			yes := true
			c.Group = &yes // the list of groups does not say that they are ones
		}
		n, twice := o.component[given(c.ID)]
		switch {
		case !twice || given(c.ID) == "":
			o.component[given(c.ID)] = len(o.components)
			o.components = append(o.components, c)
		case o.components[n].Description == nil:
			o.components[n].Description = c.Description
		}
		return nil
	})
}

// takeEvents understands a list of events. Of one that was read twice the later reading counts, but what version 1 said
// stays.
func (o *other) takeEvents(p Part, v any, name string) error {
	count := 0
	err := takeList(v, name, func(e otherEvent) error {
		count++
		found := foundEvent{otherEvent: e, managed: p.Kind == PartManagedIncidents}
		found.planned = p.Kind == PartMaintenances || e.ScheduledFor != nil || e.ScheduledUntil != nil
		if err := found.unpack(); err != nil {
			return err
		}
		n, twice := o.event[given(e.ID)]
		switch {
		case !twice || given(e.ID) == "":
			o.event[given(e.ID)] = len(o.events)
			o.events = append(o.events, found)
		case !o.events[n].managed && at(e.UpdatedAt).After(at(o.events[n].UpdatedAt)):
			o.events[n] = found
		}
		return nil
	})
	if count >= most && !o.managed() && p.Name != "" {
		o.full = append(o.full, name)
	}
	return err
}

// unpack understands the lists of an event.
func (e *foundEvent) unpack() (err error) {
	if e.affects, err = takeAffected(e.Components); err != nil {
		return err
	}
	return takeNested(e.Updates, "incident_updates", func(u otherUpdate) error {
		update := foundUpdate{otherUpdate: u}
		err := takeNested(u.Components, "affected_components", func(a otherEffect) error {
			update.affected = append(update.affected, a)
			return nil
		})
		e.updates = append(e.updates, update)
		return err
	})
}

// takeAffected understands components as an event or a template has them: objects, or ids alone.
func takeAffected(v any) (all []otherComponent, err error) {
	list, _ := v.([]any)
	for n, one := range list {
		if id, isText := one.(string); isText {
			list[n] = fields{"id": id}
		}
	}
	err = takeNested(v, "components", func(c otherComponent) error {
		all = append(all, c)
		return nil
	})
	return all, err
}

// takeNested is takeList for a list within an object, where null and a text that is empty mean none.
func takeNested[T any](v any, name string, then func(T) error) error {
	if v == nil || v == "" {
		return nil
	}
	return takeList(v, name, then)
}

// takeList understands a list of objects, which may stand in an object below a name.
func takeList[T any](v any, name string, then func(T) error) error {
	list, isList := v.([]any)
	if object, isObject := v.(fields); isObject {
		list, isList = object[name].([]any)
	}
	if !isList {
		return fmt.Errorf("must be a list, or an object with the list %q", name)
	}
	for n, one := range list {
		object, isObject := one.(fields)
		if !isObject {
			return fmt.Errorf("%s[%d] must be an object", name, n)
		}
		var t T
		err := bind(object, &t)
		if err == nil {
			err = then(t)
		}
		if err != nil {
			return fmt.Errorf("%s[%d]: %w", name, n, err)
		}
	}
	return nil
}

// at is a moment that a page can hold, or none.
func at(t *time.Time) time.Time {
	if t == nil || t.Year() < 1970 || t.Year() > 9000 {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
