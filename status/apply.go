package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Change is one difference between a document and what there is: what an apply will do, or has done.
type Change struct {
	Action  Action  `json:"action"`
	Subject Subject `json:"subject"`
	// Name is how people know the subject.
	Name string `json:"name"`
	// Fields lists what differs, for an amendment.
	Fields []FieldChange `json:"fields,omitempty"`
	// Source is the document that asks for it.
	Source string `json:"source,omitempty"`
}

// Action is what a change does.
type Action string

// The actions.
const (
	Create Action = "create"
	Amend  Action = "amend"
	Remove Action = "remove"
)

// FieldChange is one field before and after, as text.
type FieldChange struct {
	Field string `json:"field"`
	Was   string `json:"was"`
	Is    string `json:"is"`
}

// DocumentError is a document that cannot be applied, and where it was read.
type DocumentError struct {
	// Index counts the documents of one request from zero, and Source names the file.
	Index  int
	Source string
	Err    error
}

// Error reads as "SOURCE: what is wrong".
func (e *DocumentError) Error() string {
	if e.Source == "" {
		return e.Err.Error()
	}
	return e.Source + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *DocumentError) Unwrap() error { return e.Err }

// Apply makes the book match the documents and says what that changes. Pages come first, whatever their order, so
// that maintenances can name their components. Applying the same documents again changes nothing. On an error the
// book must be thrown away.
func (b *Book) Apply(documents []Document, now time.Time, by Actor) ([]Change, []Warning, error) {
	var changes []Change
	var warnings []Warning
	order := make([]int, len(documents))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return rank(documents[x]) - rank(documents[y]) })
	if err := eachKeyOnce(documents); err != nil {
		return nil, nil, err
	}
	for _, i := range order {
		d := documents[i]
		made, cautions, err := b.applyOne(d, now, by)
		if err != nil {
			return nil, nil, &DocumentError{Index: i, Source: d.Source, Err: err}
		}
		for _, c := range made {
			c.Source = d.Source
			changes = append(changes, c)
		}
		for _, w := range cautions {
			w.Source = d.Source
			warnings = append(warnings, w)
		}
	}
	return changes, warnings, nil
}

// eachKeyOnce refuses two documents for one thing: they would undo each other.
func eachKeyOnce(documents []Document) error {
	type name struct {
		kind Kind
		key  string
	}
	seen := make(map[name]string)
	for i, d := range documents {
		var n name
		switch {
		case d.Page != nil:
			n = name{KindPage, "page"}
		case d.Maintenance != nil && d.Maintenance.Recurrence != nil:
			n = name{KindSeries, d.Maintenance.RefKey()}
		case d.Maintenance != nil:
			n = name{KindMaintenance, d.Maintenance.RefKey()}
		case d.Incident != nil:
			n = name{KindIncident, d.Incident.RefKey()}
		}
		if other, twice := seen[n]; twice && n.key != "" {
			rule := "is that of another document too, " + cmp.Or(other, "in the same request") + ": " + quote(n.key) + ". Give each a key of its own"
			field := "key"
			if n.kind == KindPage {
				field, rule = "page", "is described by another document too, "+cmp.Or(other, "in the same request")
			}
			return &DocumentError{Index: i, Source: d.Source, Err: &Invalid{Field: field, Rule: rule}}
		}
		seen[n] = d.Source
	}
	return nil
}

func rank(d Document) int {
	if d.Page != nil {
		return 0
	}
	return 1
}

func (b *Book) applyOne(d Document, now time.Time, by Actor) ([]Change, []Warning, error) {
	switch {
	case d.Page != nil:
		changes, err := b.applyPage(*d.Page, now, by)
		return changes, nil, err
	case d.Maintenance != nil && d.Maintenance.Recurrence != nil:
		return b.applySeries(*d.Maintenance, now, by)
	case d.Maintenance != nil && len(d.Maintenance.Updates) > 0:
		return b.applyRecord(*d.Maintenance, now, by)
	case d.Maintenance != nil:
		return b.applyMaintenance(*d.Maintenance, now, by)
	case d.Incident != nil:
		return b.applyIncident(*d.Incident, now, by)
	}
	return nil, nil, &Invalid{Rule: "is empty: a page, a maintenance or an incident is expected"}
}

// applyMaintenance announces a planned maintenance, or amends the one that has its key.
func (b *Book) applyMaintenance(d MaintenanceDocument, now time.Time, by Actor) ([]Change, []Warning, error) {
	want, err := b.Plan(d)
	if err != nil {
		return nil, nil, err
	}
	have, exists := b.Maintenance(want.Key)
	_, taken := b.Maintenance(want.ID)
	if err := idStays(have.ID, want.ID, taken); err != nil {
		return nil, nil, err
	}
	if exists {
		return b.amendTo(have, want, now, by)
	}
	m, warnings, err := b.Announce(want, now, by, Post{})
	if err != nil {
		return nil, nil, err
	}
	if d.Key == "" {
		warnings = append(warnings, b.namesakes(m)...)
	}
	return []Change{{Action: Create, Subject: m.Subject(), Name: m.Title, Fields: maintenanceFields(Maintenance{}, m, b)}}, warnings, nil
}

// idStays refuses the identifier of a document when what its key names has another one, or when it is that of something
// with another key. taken says that something has it.
func idStays(have, want string, taken bool) error {
	switch {
	case want == "" || want == have || have == "" && !taken:
		return nil
	case have == "":
		return &Invalid{Field: "id", Rule: "is that of something with another key: " + quote(want)}
	}
	return &Invalid{Field: "id", Rule: "cannot change: what has this key has the id " + quote(have) + ". Leave it out"}
}

// namesakes warns when a document without a key makes a second maintenance of a title that is planned already:
// perhaps it was meant to move that one.
func (b *Book) namesakes(m Maintenance) []Warning {
	for _, o := range b.Maintenances {
		if o.ID != m.ID && o.State == Scheduled && o.Title == m.Title && o.Series == "" {
			return []Warning{{Field: "key", Text: fmt.Sprintf(
				"is not given, and another maintenance of this title is planned for %s. To move that one instead, cancel this and write key: %s in the document",
				WindowText(o.Window, b.Page.Zone()), o.Key)}}
		}
	}
	return nil
}

func (b *Book) amendTo(have, want Maintenance, now time.Time, by Actor) ([]Change, []Warning, error) {
	next, fields, warnings, err := b.Revise(have, want, now, by, Post{})
	if err != nil || len(fields) == 0 {
		return nil, warnings, err
	}
	return []Change{{Action: Amend, Subject: next.Subject(), Name: next.Title, Fields: fields}}, warnings, nil
}

// Revise makes a maintenance what want says, and tells readers when its window, its components or its promises
// changed. What has begun keeps its start, and its end moves by being extended; what has ended stays as it was.
//
// What no document can say (its impact, its metadata, how it marks components) stays as it is; [Book.Amend] takes that
// from want too.
func (b *Book) Revise(have, want Maintenance, now time.Time, by Actor, say Post) (Maintenance, []FieldChange, []Warning, error) {
	want.Impact, want.Metadata, want.Marks, want.Releases = have.Impact, have.Metadata, have.Marks, have.Releases
	want.QuietBegin, want.QuietEnd = have.QuietBegin, have.QuietEnd
	return b.amend(have, want, now, by, say, nil)
}

// Amend makes a maintenance what want is, as [Book.Revise] does. What readers and programs call it may be corrected after
// its end too.
func (b *Book) Amend(have, want Maintenance, now time.Time, by Actor, say Post) (Maintenance, []FieldChange, []Warning, error) {
	return b.amend(have, want, now, by, say, []string{"title", "impact", "metadata"})
}

// amend changes what differs; of a maintenance that has ended only the fields that are given as correctable.
func (b *Book) amend(have, want Maintenance, now time.Time, by Actor, say Post, correctable []string) (Maintenance, []FieldChange, []Warning, error) {
	if correctable == nil && have.State != Scheduled && want.Window.Start.Equal(have.Window.Start) && want.Window.End.Before(have.Window.End) {
		want.Window = have.Window // it was extended, which a document need not know
	}
	fields := maintenanceFields(have, want, b)
	if len(fields) == 0 {
		return have, nil, b.overtaken(have), nil
	}
	for _, f := range fields {
		if !have.Open() && !slices.Contains(correctable, f.Field) {
			return have, nil, nil, &Invalid{Field: f.Field, Rule: "cannot be changed any more: the maintenance is " + string(have.State) + ", and what is recorded of it stays"}
		}
	}
	moved := !have.Window.Equal(want.Window)
	if moved && have.Underway() {
		return have, nil, nil, &Invalid{Field: "window", Rule: "cannot be changed: the maintenance has begun. Extend it to move its end"}
	}
	if moved {
		if _, err := b.checkRules(want, now); err != nil {
			return have, nil, nil, err
		}
	}
	m := have.clone()
	m.Title, m.Window, m.Summary, m.Why = want.Title, want.Window, want.Summary, want.Why
	m.Affects, m.Promises, m.Reminders = want.Affects, want.Promises, want.Reminders
	m.Begins, m.Completes, m.OverrunEvery = want.Begins, want.Completes, want.OverrunEvery
	m.Impact, m.Metadata, m.Marks, m.Releases = want.Impact, want.Metadata, want.Marks, want.Releases
	m.QuietBegin, m.QuietEnd = want.QuietBegin, want.QuietEnd
	m.ShortNotice, m.DespiteBlackout, m.Changed = want.ShortNotice, want.DespiteBlackout, now
	m.Detached = have.Series != "" && (have.Detached || by.Kind == Person)
	if moved {
		m.Reminded = nil
	}
	if m.RemindEvery = want.RemindEvery; m.RemindEvery != have.RemindEvery && m.Underway() {
		m.RunningSaid = now // what the new interval would have said before is not made up for
	}
	e := Event{Kind: Changed, Subject: m.Subject(), At: now, By: by, Told: !say.Quiet}
	if moved {
		e.Was = have.Window
	}
	if body := b.revisionWords(have, m, say); body != "" {
		body, err := b.expandPost(say, body, m)
		if err != nil {
			return have, nil, nil, err
		}
		m.Updates = append(m.Updates, Update{State: m.State, Event: Changed, At: now, Body: body, By: by, Quiet: say.Quiet})
	} else {
		e.Told = false
	}
	if _, err := b.Expand(m.Summary, m); err != nil {
		return have, nil, nil, invalidIn(err, "summary")
	}
	b.PutMaintenance(m)
	b.Say(e)
	stored, _ := b.Maintenance(m.ID)
	return stored, fields, b.cautions(m), nil
}

// overtaken warns when a document stands for something that will not happen.
func (b *Book) overtaken(m Maintenance) []Warning {
	if m.State != Canceled {
		return nil
	}
	return []Warning{{Field: "key", Text: "is that of a maintenance that was canceled, so nothing is planned. Give another key to plan it again"}}
}

// revisionWords tells readers what changed; nothing when only the texts did.
func (b *Book) revisionWords(was, is Maintenance, say Post) string {
	if strings.TrimSpace(say.Body) != "" {
		return say.Body
	}
	var parts []string
	if !was.Window.Equal(is.Window) {
		parts = append(parts, rescheduleWords(was.Window, is.Window, b.Page.Zone()))
	}
	if !slices.Equal(was.Affects, is.Affects) {
		now := "It no longer affects any component."
		if len(is.Affects) > 0 {
			now = "It now affects: " + joinAnd(affectedItems(is.Affects, b.Groups, b.Components)) + "."
		}
		parts = append(parts, now)
	}
	if !slices.Equal(was.Promises, is.Promises) {
		var lines strings.Builder
		lines.WriteString("What you will experience has changed:\n")
		for _, p := range is.Promises {
			lines.WriteString("\n- " + p.Audience + ": " + p.Words())
		}
		parts = append(parts, lines.String())
	}
	return strings.Join(parts, "\n\n")
}
