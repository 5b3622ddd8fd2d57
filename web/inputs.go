package web

// What operations take: parameters by their tags, and the body as it came, for decode.

type nothing struct{}

type refInput struct {
	Ref string `path:"ref" maxLength:"300" doc:"its id or key"`
}

type bodyInput struct {
	RawBody []byte `contentType:"application/json"`
}

type actInput struct {
	Ref     string `path:"ref" maxLength:"300" doc:"its id or key"`
	IfMatch string `header:"If-Match" doc:"the ETag of what was seen; with it, the change is refused with 412 when somebody else was faster" example:"\"v3\""`
	RawBody []byte `contentType:"application/json"`
}

type maintenanceListInput struct {
	State  []string `query:"state,explode" enum:"scheduled,in_progress,verifying,completed,canceled" doc:"keep those in one of these states"`
	Limit  int      `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"how many at most"`
	Cursor string   `query:"cursor" maxLength:"200" doc:"next of the page before"`
}

type incidentListInput struct {
	State  []string `query:"state,explode" enum:"investigating,identified,monitoring,resolved,postmortem" doc:"keep those in one of these states"`
	Limit  int      `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"how many at most"`
	Cursor string   `query:"cursor" maxLength:"200" doc:"next of the page before"`
}

type eventListInput struct {
	After string `query:"after" maxLength:"60" doc:"the id of the last entry that was seen, or next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"about how many; what one change caused is not divided"`
}

type auditListInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"how many at most"`
	Cursor string `query:"cursor" maxLength:"200" doc:"next of the page before"`
}

type tokenInput struct {
	ID string `path:"id" maxLength:"60" doc:"the token's id"`
}

// What operations answer.

type plain[T any] struct {
	Body T
}

type versioned[T any] struct {
	ETag string `header:"ETag" doc:"the version, for If-Match" example:"\"v3\""`
	Body T
}

type created[T any] struct {
	Location string `header:"Location" doc:"where the new one is"`
	ETag     string `header:"ETag" doc:"the version, for If-Match" example:"\"v1\""`
	Body     T
}
