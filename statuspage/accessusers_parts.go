package statuspage

import (
	"slices"
	"strings"

	"example.org/interlude/status"
)

// edit makes a list of components, or of metrics, another one, given some ids.
type edit struct {
	list func(has, ids []string) []string
	// removes says that the ids need not be there any more.
	removes bool
}

var (
	addParts     = edit{list: func(has, ids []string) []string { return status.Unique(slices.Concat(has, ids)) }}
	replaceParts = edit{list: func(_, ids []string) []string { return status.Unique(ids) }}
	removeParts  = edit{
		list: func(has, ids []string) []string {
			return slices.DeleteFunc(slices.Clone(has), func(id string) bool { return slices.Contains(ids, id) })
		},
		removes: true,
	}
)

// The lists that users and groups have, as paths call them.
const (
	componentParts = "components"
	metricParts    = "metrics"
)

// partIDs are the ids that a request names, in its path or its body.
func (c *call) partIDs(what string, e edit) ([]string, error) {
	name := strings.TrimSuffix(what, "s") + "_id"
	if id := c.id(name); id != "" {
		return []string{id}, nil
	}
	var ids []string
	value, given := c.body[name+"s"]
	if !given || value == nil {
		return nil, unprocessable(name + "s is required: a list of ids")
	}
	if err := readList(&ids, name+"s", value); err != nil {
		return nil, unprocessable(err.Error())
	}
	switch {
	case e.removes:
		return ids, nil
	case what == componentParts:
		return ids, c.checkParts(ids, nil)
	}
	return ids, c.checkParts(nil, ids)
}

// changeUserParts edits the components or the metrics of a user.
func (c *call) changeUserParts(what string, e edit) (any, error) {
	ids, err := c.partIDs(what, e)
	if err != nil {
		return nil, err
	}
	return c.changeUser(func(_ audience, u *keptUser) error {
		list := &u.Components
		if what == metricParts {
			list = &u.Metrics
		}
		*list = e.list(*list, ids)
		return nil
	})
}

// changeGroupParts edits the components of a group: Statuspage has no such operation on its metrics.
func (c *call) changeGroupParts(what string, e edit) (any, error) {
	ids, err := c.partIDs(what, e)
	if err != nil {
		return nil, err
	}
	return c.changeGroup(func(a *audience, i int) error {
		a.Groups[i].Components = e.list(a.Groups[i].Components, ids)
		return nil
	})
}

// accessOwner are the components and metrics of the user or the group that the path names.
func (c *call) accessOwner() (components, metrics []string, err error) {
	all, err := c.audience()
	if err != nil {
		return nil, nil, err
	}
	if id := c.id("page_access_user_id"); id != "" {
		i, err := all.user(id)
		if err != nil {
			return nil, nil, err
		}
		return all.Users[i].Components, all.Users[i].Metrics, nil
	}
	i, err := all.group(c.id("page_access_group_id"))
	if err != nil {
		return nil, nil, err
	}
	return all.Groups[i].Components, all.Groups[i].Metrics, nil
}

func (c *call) listAccessComponents() (any, error) {
	ids, _, err := c.accessOwner()
	if err != nil {
		return nil, err
	}
	return paged(c, c.view().present(ids))
}

func (c *call) listAccessMetrics() (any, error) {
	_, ids, err := c.accessOwner()
	if err != nil {
		return nil, err
	}
	all, err := c.gauges()
	if err != nil {
		return nil, err
	}
	page, err := paged(c, slices.DeleteFunc(all.Metrics, func(m keptMetric) bool { return !slices.Contains(ids, m.ID) }))
	if err != nil {
		return nil, err
	}
	return c.showMetrics(page)
}
