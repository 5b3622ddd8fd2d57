package api

import (
	"time"

	"example.org/interlude/status"
)

// List is one page of a list. Next is the cursor of the following page, empty on the last one.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"the cursor of the following page; absent on the last one"`
}

// ApplyRequest asks the server to match documents, or, dry, to say what that would change.
type ApplyRequest struct {
	Documents []status.Document `json:"documents" doc:"what the server is to match: each a page, a maintenance or an incident"`
	DryRun    bool              `json:"dry_run,omitempty" doc:"only say what would change"`
	// Plan is that of an earlier dry run: what would change by now must be the same.
	Plan string `json:"plan,omitempty" maxLength:"100" doc:"the plan of an earlier dry run; when the documents would change something else by now, the apply is refused with 409 and the code conflict"`
	// CreateOnly refuses documents of what exists.
	CreateOnly bool `json:"create_only,omitempty" doc:"refuse all documents when one of them is of something that exists"`
}

// ApplyResult is what an apply changed or, when it was dry, would change.
type ApplyResult struct {
	Changes  []status.Change  `json:"changes"`
	Warnings []status.Warning `json:"warnings"`
	Applied  bool             `json:"applied" doc:"false for a dry run"`
	Plan     string           `json:"plan" doc:"the name of these changes, for an apply that is to make them and no others"`
}

// Page is the page's settings, with what it shows overall.
type Page struct {
	status.Page
	Status status.Condition `json:"status" doc:"the worst status of any component"`
}

// Component is a component as readers see it.
type Component struct {
	status.Component
	// Group is its group's name, and FullName the one that documents write: "Group / Component".
	Group    string `json:"group,omitempty" doc:"the name of its group"`
	FullName string `json:"full_name" doc:"its name as documents write it" example:"Messenger / Web Messenger"`
	// Status is the worst of its own condition and of what open maintenances and incidents claim for it.
	Status status.Condition `json:"status" doc:"what readers see: the worst of its own condition and of what open events claim for it"`
}

// Setting asks for a component's condition.
type Setting struct {
	Status status.Condition `json:"status" doc:"the condition that the component is given"`
}

// Maintenance is a maintenance with the names of what it affects.
type Maintenance struct {
	status.Maintenance
	Components []string `json:"components" doc:"the full names of what it affects, in the order of the page"`
}

// Scheduled is what became of a document that was posted as a new maintenance.
type Scheduled struct {
	// Maintenance is the new one; of a recurring document, the first occurrence that was announced, or nil when none is due yet.
	Maintenance *Maintenance     `json:"maintenance,omitempty" doc:"the new maintenance; of a series, the first occurrence that was announced"`
	Changes     []status.Change  `json:"changes"`
	Warnings    []status.Warning `json:"warnings"`
}

// Revision asks that a maintenance becomes what a document says, and says how readers are told.
type Revision struct {
	Document status.MaintenanceDocument `json:"document" doc:"what the maintenance is to be; its key is ignored"`
	Body     string                     `json:"body,omitempty" doc:"what readers are told, Markdown; empty takes the standard wording"`
	Quiet    bool                       `json:"quiet,omitempty" doc:"put it on the page and tell nobody"`
}

// Revised is a maintenance after its revision.
type Revised struct {
	Maintenance Maintenance      `json:"maintenance"`
	Warnings    []status.Warning `json:"warnings"`
}

// Act is what goes with a transition.
type Act struct {
	// Body is Markdown; empty takes the standard wording.
	Body string `json:"body,omitempty" doc:"what readers are told, Markdown; empty takes the standard wording"`
	// Quiet acts stand on the page and are told to nobody.
	Quiet bool `json:"quiet,omitempty" doc:"put it on the page and tell nobody"`
	// Until is the new end, for extend and estimate.
	Until *time.Time `json:"until,omitempty" doc:"the new end; for extend and estimate only"`
	// Version makes the act conditional on the version that was seen, when it is not zero. It travels as If-Match.
	Version int64 `json:"-"`
}

// Work is something that keeps a maintenance from being complete while it is open.
type Work struct {
	// What is one of Interruption, Step and Hold, and Name is the flow, step or hold.
	What string `json:"what" enum:"interruption,step,hold" doc:"the sort of work"`
	Name string `json:"name" doc:"the flow, step or hold" example:"restart the database"`
	// Version makes the act conditional on the version that was seen, when it is not zero. It travels as If-Match.
	Version int64 `json:"-"`
}

// The sorts of work.
const (
	Interruption = "interruption"
	Step         = "step"
	Hold         = "hold"
)

// Incident is an incident with the names of what it affects.
type Incident struct {
	status.Incident
	Components []string `json:"components" doc:"the full names of what it affects, in the order of the page"`
}

// IncidentPost is an update of an incident, which it may move.
type IncidentPost struct {
	// Status is the state to move to; empty stays.
	Status status.State `json:"status,omitempty" doc:"the state to move to; without it, the incident stays where it is"`
	status.NamedPost
	// Version makes the post conditional on the version that was seen, when it is not zero. It travels as If-Match.
	Version int64 `json:"-"`
}

// Series is a recurring maintenance.
type Series struct {
	status.Series
	Components []string `json:"components" doc:"the full names of what it affects, in the order of the page"`
	// Words is the rule as a reader would say it.
	Words string `json:"words" doc:"the rule in words" example:"on the first Sunday of each month"`
	// Next are its next starts, soonest first.
	Next []time.Time `json:"next" doc:"its next starts by rule, soonest first; none once it has ended"`
	// Open are its occurrences that are announced and have not ended, soonest first.
	Open []Occurrence `json:"open_occurrences" doc:"its occurrences that are announced and have not ended, soonest first"`
}

// Occurrence is a maintenance of a series, in short.
type Occurrence struct {
	ID     string        `json:"id"`
	Key    string        `json:"key"`
	State  status.State  `json:"state"`
	Window status.Window `json:"window"`
}

// SeriesEnd asks that a series announces nothing more.
type SeriesEnd struct {
	// CancelPlanned calls off the occurrences that are announced and have not begun.
	CancelPlanned bool `json:"cancel_planned,omitempty" doc:"call off the occurrences that are announced and have not begun"`
	// Body is what readers are told of each of these; empty takes the standard wording.
	Body  string `json:"body,omitempty" doc:"what readers are told of each occurrence that is called off, Markdown; empty takes the standard wording"`
	Quiet bool   `json:"quiet,omitempty" doc:"put it on the page and tell nobody"`
	// Version makes the act conditional on the version that was seen, when it is not zero. It travels as If-Match.
	Version int64 `json:"-"`
}

// SeriesEnded is a series after its end, with the occurrences that were called off.
type SeriesEnded struct {
	Series   Series       `json:"series"`
	Canceled []Occurrence `json:"canceled" doc:"the occurrences that were called off"`
}

// Token is a credential without its secret.
type Token struct {
	ID       string    `json:"id"`
	Name     string    `json:"name" doc:"what it is for, in its owner's words"`
	Scope    string    `json:"scope" enum:"read,operate,administer,gate" doc:"the most that it allows; operate covers read, and administer all"`
	Created  time.Time `json:"created"`
	LastUsed time.Time `json:"last_used,omitzero" doc:"when it was last seen, to the minute"`
	Revoked  time.Time `json:"revoked,omitzero" doc:"when it was taken back"`
	By       string    `json:"by,omitempty" doc:"who made it"`
}

// TokenRequest asks for a new token.
type TokenRequest struct {
	Name  string `json:"name" doc:"what it is for, in its owner's words" example:"deploy pipeline"`
	Scope string `json:"scope" enum:"read,operate,administer,gate" doc:"the most that it shall allow"`
}

// NewToken is a token with its secret, which is shown this once.
type NewToken struct {
	Token
	Secret string `json:"secret" doc:"what goes into the Authorization header; shown this once and kept nowhere"`
}

// Event is something that happened. Its id is the cursor of what follows it.
type Event struct {
	ID string `json:"id" doc:"its place in the log; the cursor of what follows it"`
	status.Event
}

// AuditEntry is one request that changed something.
type AuditEntry struct {
	// N counts the entries from 1, without gaps.
	N  int64     `json:"n" doc:"its number; entries count from 1, without gaps"`
	At time.Time `json:"at" doc:"when the change was made"`
	// Token is the id of the token that was sent, and Name what it is for.
	Token string `json:"token" doc:"the id of the token that was sent"`
	Name  string `json:"name" doc:"what that token is for" example:"deploy pipeline"`
	// Operation is what was asked for: an operation of this API by its id, or one of the Statuspage-compatible API by its
	// id behind v1/, such as v1/create-incident.
	Operation string `json:"operation" doc:"an operation of this API by its id, or one of the Statuspage-compatible API such as v1/create-incident" example:"begin-maintenance"`
	// Request is the request's own id, and Client the address that it came from.
	Request  string           `json:"request" doc:"the request, as the server's log and the header X-Request-Id name it"`
	Client   string           `json:"client" doc:"the address that it came from" example:"203.0.113.7"`
	Subjects []status.Subject `json:"subjects" doc:"what was changed, each once"`
}

// Version is what a server is, and what the token that asks may do there.
type Version struct {
	Version string `json:"version" doc:"the program's"`
	API     string `json:"api" doc:"the native API's" example:"v1"`
	// Token is the name of the token that asks, and Scope what it allows.
	Token string `json:"token" doc:"the name of the token that asks"`
	Scope string `json:"scope" enum:"read,operate,administer,gate" doc:"what that token allows"`
}
