package statuspage

import (
	"net/http"
	"slices"
	"time"

	"example.org/interlude/access"
)

const (
	accessUsersPath  = "/pages/{page_id}/page_access_users"
	accessUserPath   = accessUsersPath + "/{page_access_user_id}"
	accessGroupsPath = "/pages/{page_id}/page_access_groups"
	accessGroupPath  = accessGroupsPath + "/{page_access_group_id}"

	// aboutAccess is what nobody should learn from an incident: the page stays open.
	aboutAccess = "Access users and groups say to whom subscribers belong. They do not close the page: everybody reads it, and nobody signs in."
)

func accessRoutes() []route {
	return slices.Concat(
		accessUserRoutes(), accessGroupRoutes(),
		accessPartRoutes("page-access-user", "page access users", accessUserPath, componentParts, componentsBody{}, (*call).changeUserParts),
		accessPartRoutes("page-access-user", "page access users", accessUserPath, metricParts, metricsBody{}, (*call).changeUserParts),
		accessPartRoutes("page-access-group", "page access groups", accessGroupPath, componentParts, componentsBody{}, (*call).changeGroupParts),
	)
}

func accessUserRoutes() []route {
	const tag = "page access users"
	return []route{
		{
			id: "list-page-access-users", tag: tag, summary: "All access users, the oldest first", about: aboutAccess, method: http.MethodGet,
			path: accessUsersPath, scope: access.Operate, answer: []AccessUser{}, do: (*call).listAccessUsers,
			query: []parameter{{"email", "string", "Only the one with this address"}, pageParameter, perPageParameter},
		},
		{
			id: "create-page-access-user", tag: tag, summary: "Keep an access user", about: aboutAccess, method: http.MethodPost,
			path: accessUsersPath, scope: access.Operate, body: accessUserBody{}, wrapped: "page_access_user", answer: AccessUser{},
			code: http.StatusCreated, do: (*call).createAccessUser,
		},
		{
			id: "get-page-access-user", tag: tag, summary: "One access user", method: http.MethodGet, path: accessUserPath,
			scope: access.Operate, answer: AccessUser{}, do: (*call).getAccessUser,
		},
		{
			id: "update-page-access-user", tag: tag, summary: "Change an access user", about: "What is not given stays. " + aboutAccess,
			method: http.MethodPatch, path: accessUserPath, scope: access.Operate, body: accessUserBody{}, wrapped: "page_access_user",
			answer: AccessUser{}, do: (*call).updateAccessUser,
		},
		{
			id: "delete-page-access-user", tag: tag, summary: "Forget an access user", about: "Subscribers that belong to it stay subscribed.",
			method: http.MethodDelete, path: accessUserPath, scope: access.Operate, code: http.StatusNoContent,
			do: (*call).deleteAccessUser,
		},
	}
}

func accessGroupRoutes() []route {
	const tag = "page access groups"
	return []route{
		{
			id: "list-page-access-groups", tag: tag, summary: "All access groups, the oldest first", about: aboutAccess,
			method: http.MethodGet, path: accessGroupsPath, scope: access.Operate, query: []parameter{pageParameter, perPageParameter},
			answer: []AccessGroup{}, do: (*call).listAccessGroups,
		},
		{
			id: "create-page-access-group", tag: tag, summary: "Keep an access group", about: aboutAccess, method: http.MethodPost,
			path: accessGroupsPath, scope: access.Operate, body: accessGroupBody{}, wrapped: "page_access_group", answer: AccessGroup{},
			code: http.StatusCreated, do: (*call).createAccessGroup,
		},
		{
			id: "get-page-access-group", tag: tag, summary: "One access group", method: http.MethodGet, path: accessGroupPath,
			scope: access.Operate, answer: AccessGroup{}, do: (*call).getAccessGroup,
		},
		{
			id: "update-page-access-group", tag: tag, summary: "Change an access group", about: "What is not given stays. " + aboutAccess,
			method: http.MethodPatch, path: accessGroupPath, scope: access.Operate, body: accessGroupBody{}, wrapped: "page_access_group",
			answer: AccessGroup{}, do: (*call).updateAccessGroup,
		},
		{
			id: "delete-page-access-group", tag: tag, summary: "Forget an access group", about: "Its users stay, without it.",
			method: http.MethodDelete, path: accessGroupPath, scope: access.Operate, answer: AccessGroup{}, do: (*call).deleteAccessGroup,
		},
	}
}

// accessPartRoutes are the operations on the components, or the metrics, of a user or a group.
func accessPartRoutes(owner, tag, path, what string, body any, change func(*call, string, edit) (any, error)) []route {
	var answer any = AccessUser{}
	if owner == "page-access-group" {
		answer = AccessGroup{}
	}
	one := "{component_id}"
	list := route{id: "list-" + owner + "-" + what, summary: "Its " + what, method: http.MethodGet, answer: []ManagedComponent{}, do: (*call).listAccessComponents}
	if what == metricParts {
		one, list.answer, list.do = "{metric_id}", []Metric{}, (*call).listAccessMetrics
	}
	list.query = []parameter{pageParameter, perPageParameter}
	doing := func(e edit) func(*call) (any, error) { return func(c *call) (any, error) { return change(c, what, e) } }
	all := []route{
		list,
		{id: "add-" + owner + "-" + what, summary: "Add " + what, method: http.MethodPatch, body: body, do: doing(addParts)},
		{
			id: "replace-" + owner + "-" + what, summary: "Give it other " + what, method: http.MethodPost, body: body,
			code: http.StatusCreated, do: doing(replaceParts),
		},
		{id: "remove-" + owner + "-" + what, summary: "Take " + what + " away", method: http.MethodDelete, body: body, do: doing(removeParts)},
		{id: "remove-one-of-" + owner + "-" + what, summary: "Take one of its " + what + " away", method: http.MethodDelete, do: doing(removeParts)},
	}
	for i := range all {
		all[i].tag, all[i].scope, all[i].path = tag, access.Operate, path+"/"+what
		if all[i].answer == nil {
			all[i].answer = answer
		}
	}
	all[len(all)-1].path += "/" + one
	return all
}

// AccessUser is an access user as version 1 shows it.
type AccessUser struct {
	ID            string  `json:"id"`
	PageID        string  `json:"page_id"`
	Email         *string `json:"email"`
	ExternalLogin *string `json:"external_login"`
	// PageAccessGroupID is the first of its groups.
	PageAccessGroupID     *string  `json:"page_access_group_id"`
	PageAccessGroupIDs    []string `json:"page_access_group_ids"`
	ComponentIDs          []string `json:"component_ids"`
	MetricIDs             []string `json:"metric_ids"`
	SubscribeToComponents bool     `json:"subscribe_to_components"`
	CreatedAt             string   `json:"created_at"`
	UpdatedAt             string   `json:"updated_at"`
}

// AccessGroup is an access group as version 1 shows it.
type AccessGroup struct {
	ID                 string   `json:"id"`
	PageID             string   `json:"page_id"`
	Name               string   `json:"name"`
	ExternalIdentifier *string  `json:"external_identifier"`
	ComponentIDs       []string `json:"component_ids"`
	MetricIDs          []string `json:"metric_ids"`
	PageAccessUserIDs  []string `json:"page_access_user_ids"`
	CreatedAt          string   `json:"created_at"`
	UpdatedAt          string   `json:"updated_at"`
}

// accessUserBody is what clients say of an access user.
type accessUserBody struct {
	Email                 *string  `json:"email" example:"ada@example.com" doc:"The user's address"`
	ExternalLogin         *string  `json:"external_login" doc:"What an identity provider knows the user by; kept as it is. A new user needs this or email"`
	PageAccessGroupIDs    []string `json:"page_access_group_ids" doc:"The groups that the user is in; an empty list is none"`
	ComponentIDs          []string `json:"component_ids" doc:"The components that are meant for the user; an empty list is none"`
	MetricIDs             []string `json:"metric_ids" doc:"The metrics that are meant for the user; an empty list is none"`
	SubscribeToComponents *bool    `json:"subscribe_to_components" cannot:"nobody is subscribed on the side. Create a subscriber with page_access_user"`
}

// accessGroupBody is what clients say of an access group.
type accessGroupBody struct {
	Name               *string  `json:"name" example:"Customers in Europe" doc:"What the group is called; required of a new one"`
	ExternalIdentifier *string  `json:"external_identifier" doc:"What an identity provider knows the group by; kept as it is"`
	ComponentIDs       []string `json:"component_ids" doc:"The components that are meant for the group; an empty list is none"`
	MetricIDs          []string `json:"metric_ids" doc:"The metrics that are meant for the group; an empty list is none"`
	PageAccessUserIDs  []string `json:"page_access_user_ids" doc:"The users who are in the group; an empty list is none"`
}

// componentsBody names components.
type componentsBody struct {
	ComponentIDs []string `json:"component_ids" example:"[\"COMPONENT_ID\"]" doc:"The ids of the components"`
}

// metricsBody names metrics.
type metricsBody struct {
	MetricIDs []string `json:"metric_ids" example:"[\"METRIC_ID\"]" doc:"The ids of the metrics"`
}

// audience are the access users and groups of the page. They are one record, so that an address is one user's and a user
// is in no group that is gone, whoever changes them at the same time.
type audience struct {
	Users  []keptUser  `json:"users"`
	Groups []keptGroup `json:"groups"`
}

const (
	kindAudience = "page_access"
	audienceID   = "page"
	// mostAccess bounds the record, for users and for groups.
	mostAccess = 10_000
)

// keptUser is an access user as the record holds it. Who is in which group stands here alone.
type keptUser struct {
	ID         string    `json:"id"`
	Email      string    `json:"email"`
	Login      string    `json:"login"`
	Groups     []string  `json:"groups"`
	Components []string  `json:"components"`
	Metrics    []string  `json:"metrics"`
	Created    time.Time `json:"created"`
	Changed    time.Time `json:"changed"`
}

// keptGroup is an access group as the record holds it.
type keptGroup struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	External   string    `json:"external"`
	Components []string  `json:"components"`
	Metrics    []string  `json:"metrics"`
	Created    time.Time `json:"created"`
	Changed    time.Time `json:"changed"`
}
