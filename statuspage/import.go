package statuspage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// Source is another page as it was read: the bodies of its documents. [Upstream.Read] and [ReadFolder] make it.
type Source struct {
	// From is where it was read: an address or a folder.
	From  string
	Parts []Part
	// Unread are lists that the page did not give, and why.
	Unread []Note
}

// Part is one document of a page that is read: a whole one, or a page of a list.
type Part struct {
	Kind PartKind
	// Name is what errors call it: an address, or a file.
	Name string
	Data []byte
	// State is that of the subscribers in it: active when it is empty.
	State string
}

// PartKind tells what a part holds.
type PartKind string

// The kinds of parts. Those that begin with v1 are of the management API.
const (
	PartSummary      PartKind = "summary"
	PartComponents   PartKind = "components"
	PartIncidents    PartKind = "incidents"
	PartMaintenances PartKind = "scheduled-maintenances"

	PartManagedPage       PartKind = "v1 page"
	PartManagedComponents PartKind = "v1 components"
	PartGroups            PartKind = "v1 component groups"
	PartManagedIncidents  PartKind = "v1 incidents"
	PartSubscribers       PartKind = "v1 subscribers"
	PartTemplates         PartKind = "v1 incident templates"
	PartMetrics           PartKind = "v1 metrics"
)

// Present is what the server that is imported into has by now. The zero value is a server that has nothing.
type Present struct {
	Page         status.Page
	Components   []api.Component
	Maintenances []status.Maintenance
	Incidents    []status.Incident
	// Withdrawn are the identifiers of events that were taken from the page here.
	Withdrawn map[string]bool
}

// Imported is what another page comes to: documents to apply, the page's first, and what no document can say.
type Imported struct {
	Documents []status.Document
	Extras    Extras
	Report    ImportReport
}

// Extras are what is set after the documents are applied: statuses of components, and what only the management API can
// say.
type Extras struct {
	// Settings are statuses that no open event explains.
	Settings []ComponentSetting
	// Patches are fields of events that documents do not have.
	Patches     []EventPatch
	Subscribers []NewSubscriber
	Templates   []NewTemplate
}

// ComponentSetting is a status that a component has there.
type ComponentSetting struct {
	ID, Name string
	Status   status.Condition
}

// EventPatch is what version 1 is told of an event.
type EventPatch struct {
	ID, Name string
	Fields   map[string]any
}

// importer turns a source into documents.
type importer struct {
	other other
	have  Present
	now   time.Time
	out   *Imported

	// refs are how documents name a component and ids its identifier here, both by that there; called is refs by ids.
	refs, ids, called map[string]string
	// kept are the events that are here, by identifier.
	kept map[string]keptEvent
	// spent are maintenances that are over and had settings that only matter before.
	spent map[string]bool
	// moved are components of open events here that go on by their documents.
	moved map[string]bool
	// book is an empty page on which each document is tried.
	book status.Book
}

// Import makes documents of another page that match it with its identifiers, without those of what is here already. It
// reads nothing and changes nothing.
//
// Nothing is taken away: components that are here alone stay, and what the other page cannot say of the page (notice,
// blackouts) stays too. An event that went on here, or was corrected here, is left as it is, and the report names it. What a
// document cannot have is fitted, always in the same way, so that importing again changes nothing.
//
// The error tells which part of the source cannot be understood, and what would be right.
func Import(from Source, have Present, now time.Time) (*Imported, error) {
	o, err := readOther(from.Parts)
	if err != nil {
		return nil, err
	}
	i := &importer{other: o, have: have, now: now, out: &Imported{}, refs: map[string]string{}, ids: map[string]string{}, called: map[string]string{}, spent: map[string]bool{}, moved: map[string]bool{}}
	i.kept = have.kept()
	i.out.Report = newImportReport(from)
	serial := 0
	i.book.NewID = func() string { serial++; return fmt.Sprintf("new%d", serial) }
	if err := i.page(); err != nil {
		return nil, err
	}
	i.events()
	i.settings()
	i.extras()
	i.notCarried()
	return i.out, nil
}

// page makes the document of the page and its components.
func (i *importer) page() error {
	fields, err := i.pageFields()
	if err != nil {
		return err
	}
	d := status.Document{Source: "page", Page: &status.PageDocument{Page: fields, Components: i.nodes()}}
	if _, _, err := i.book.Apply([]status.Document{d}, i.now, status.Actor{Kind: status.Person}); err != nil {
		return fmt.Errorf("the page cannot be taken over: %w", cause(err))
	}
	i.out.Documents = append(i.out.Documents, d)
	if i.have.Page.ID == "" {
		i.out.Report.Brought["page"]++
	} else {
		i.out.Report.There["page"]++
	}
	return nil
}

// cause is what is wrong with a document, without its place in a request.
func cause(err error) error {
	var where *status.DocumentError
	if errors.As(err, &where) {
		return where.Err
	}
	return err
}

func (i *importer) pageFields() (status.PageFields, error) {
	p, have := i.other.page(), i.have.Page
	none := status.PageFields{}
	if p == nil {
		return none, errors.New("nothing names the page: summary.json of version 2 does, and so does the page of version 1")
	}
	f := status.PageFields{
		ID: fitID(given(p.ID)), Name: oneLine(given(p.Name)), LeastNotice: have.LeastNotice, Blackouts: have.Blackouts,
		MaintenanceCounts: have.MaintenanceCounts, URL: i.address(), Description: have.Description, TimeZone: have.TimeZone,
	}
	if p.Description != nil {
		f.Description = plain(*p.Description)
	}
	if f.Name == "" {
		return none, errors.New("the page has no name: summary.json must hold \"page\" with its name")
	}
	i.out.Report.Page = f.Name
	if zone := given(p.TimeZone); zone != "" {
		f.TimeZone = zone
		if _, err := status.LoadZone(zone); err != nil {
			f.TimeZone = "UTC"
			i.fitted("page", f.Name, fmt.Sprintf("its time zone %q is no IANA name such as Europe/Berlin; UTC is taken", zone))
		}
	}
	if have.ID != "" && f.ID != "" && have.ID != f.ID {
		return none, fmt.Errorf("the server has a page already, %q with the identifier %s, and clients of this one ask for %s: an identifier cannot "+
			"change, so import into a server whose store is empty", have.Name, have.ID, f.ID)
	}
	return f, nil
}

// address is where readers find the page: its own domain, which moves with it. One below Atlassian's stays there.
func (i *importer) address() string {
	address := i.have.Page.URL
	for _, p := range []*otherPage{i.other.v2, i.other.v1} {
		if p == nil {
			continue
		}
		found := given(p.URL)
		if p == i.other.v1 { // there, url is the company's own site
			if found = given(p.Domain); found != "" {
				found = "https://" + found
			}
		}
		found = strings.TrimSuffix(oneLine(found), "/")
		switch {
		case !strings.HasPrefix(found, "https://") && !strings.HasPrefix(found, "http://"):
			continue
		case strings.HasSuffix(strings.ToLower(found), ".statuspage.io"):
			i.fitted("page", given(p.Name), "its address "+found+" stays with Atlassian and is not taken over; set the page's url when it has one")
			return address
		}
		return found
	}
	return address
}

// fitted notes what was changed to fit.
func (i *importer) fitted(kind, name, what string) { i.out.Report.Fitted.add(kind, name, what) }

// lost notes what is not brought over.
func (i *importer) lost(kind, name, why string) { i.out.Report.NotCarried.add(kind, name, why) }

// try finds out whether a document can be applied to the page as it will be.
func (i *importer) try(d status.Document) error {
	_, _, err := i.book.Apply([]status.Document{d}, i.now, status.Actor{Kind: status.Person})
	return cause(err)
}

// settings are the statuses of components that open events do not explain.
func (i *importer) settings() {
	explained := i.book.Conditions()
	here := make(map[string]api.Component)
	for _, c := range i.have.Components {
		here[c.ID] = c
	}
	for _, c := range i.other.components {
		id, there := i.ids[given(c.ID)], status.Condition(given(c.Status))
		if id == "" || there.Rank() < 0 || c.header() || explained[id] == there {
			continue
		}
		if have, known := here[id]; known {
			if have.Status == there && !i.moved[id] {
				continue
			}
			if changed := c.UpdatedAt; !have.SetAt.IsZero() && (changed == nil || changed.Before(have.SetAt)) {
				i.out.Report.LeftAlone.add("component", i.refs[given(c.ID)], fmt.Sprintf("was set here to %s; there it is %s", have.Status, there))
				continue
			}
		}
		i.out.Extras.Settings = append(i.out.Extras.Settings, ComponentSetting{id, i.refs[given(c.ID)], there})
	}
}

// Leave takes back a document that the server does not accept, and what goes with it.
func (f *Imported) Leave(d status.Document, why string) {
	kind, id, name := "incident", "", ""
	switch {
	case d.Incident != nil:
		id, name = d.Incident.ID, d.Incident.Title
	case d.Maintenance != nil:
		kind, id, name = "maintenance", d.Maintenance.ID, d.Maintenance.Title
	}
	f.Report.Brought[kind]--
	f.Report.NotCarried.add(kind, name+" ("+id+")", why)
	f.Extras.Patches = slices.DeleteFunc(f.Extras.Patches, func(p EventPatch) bool { return p.ID == id })
}
