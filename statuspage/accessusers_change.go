package statuspage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"example.org/interlude/keeper"
	"example.org/interlude/notify"
	"example.org/interlude/status"
)

func (c *call) audience() (audience, error) {
	records, err := recordsOf[audience](c, kindAudience)
	if err != nil || len(records) == 0 {
		return audience{}, err
	}
	return records[0], nil
}

// changeAudience lets f change access users and groups in one transaction.
func (c *call) changeAudience(f func(*audience) error) error {
	return changeRecordOf(c, kindAudience, audienceID, func(a *audience, _ bool) (bool, error) { return true, f(a) })
}

func (a audience) user(id string) (int, error) {
	return among(a.Users, "Page access user", func(u keptUser) bool { return u.ID == id })
}

func (a audience) group(id string) (int, error) {
	return among(a.Groups, "Page access group", func(g keptGroup) bool { return g.ID == id })
}

func (v view) accessUser(u keptUser) AccessUser {
	shown := AccessUser{
		ID: u.ID, PageID: v.p.Page.ID, Email: orNull(u.Email), ExternalLogin: orNull(u.Login), PageAccessGroupIDs: orEmpty(u.Groups),
		ComponentIDs: orEmpty(u.Components), MetricIDs: orEmpty(u.Metrics), CreatedAt: v.at(u.Created), UpdatedAt: v.at(u.Changed),
	}
	if len(u.Groups) > 0 {
		shown.PageAccessGroupID = &u.Groups[0]
	}
	return shown
}

func (v view) accessGroup(a audience, g keptGroup) AccessGroup {
	shown := AccessGroup{
		ID: g.ID, PageID: v.p.Page.ID, Name: g.Name, ExternalIdentifier: orNull(g.External), ComponentIDs: orEmpty(g.Components),
		MetricIDs: orEmpty(g.Metrics), PageAccessUserIDs: []string{}, CreatedAt: v.at(g.Created), UpdatedAt: v.at(g.Changed),
	}
	for _, u := range a.Users {
		if slices.Contains(u.Groups, g.ID) {
			shown.PageAccessUserIDs = append(shown.PageAccessUserIDs, u.ID)
		}
	}
	return shown
}

// checkParts refuses ids that are no component's or no metric's of the page.
func (c *call) checkParts(components, metrics []string) error {
	if err := c.view().onPage("component_ids", components); err != nil || len(metrics) == 0 {
		return err
	}
	all, err := c.gauges()
	if err != nil {
		return err
	}
	if id, isMissing := all.missing(metrics); isMissing {
		return unprocessable("metric_ids names no metric of the page: \"" + id + "\"")
	}
	return nil
}

func (c *call) listAccessUsers() (any, error) {
	all, err := c.audience()
	if err != nil {
		return nil, err
	}
	email, _ := c.body["email"].(string)
	v, shown := c.view(), []AccessUser{}
	for _, u := range all.Users {
		if email == "" || strings.EqualFold(u.Email, email) {
			shown = append(shown, v.accessUser(u))
		}
	}
	return paged(c, shown)
}

func (c *call) getAccessUser() (any, error) {
	all, err := c.audience()
	if err != nil {
		return nil, err
	}
	i, err := all.user(c.id("page_access_user_id"))
	if err != nil {
		return nil, err
	}
	return c.view().accessUser(all.Users[i]), nil
}

// readAccessUser reads and checks what does not depend on other users.
func (c *call) readAccessUser() (accessUserBody, error) {
	b, err := bound[accessUserBody](c, "page_access_user")
	if err != nil {
		return b, err
	}
	if email := given(b.Email); email != "" {
		err = notify.Subscriber{Channel: notify.Email, Address: email}.Validate()
	}
	return b, cmp.Or(err, checkLine("external_login", given(b.ExternalLogin)), c.checkParts(b.ComponentIDs, b.MetricIDs))
}

// apply makes a user what the body says.
func (b accessUserBody) apply(a audience, u *keptUser) error {
	u.Email, u.Login = cmp.Or(given(b.Email), u.Email), cmp.Or(given(b.ExternalLogin), u.Login)
	if u.Email == "" && u.Login == "" {
		return unprocessable("email or external_login is required: what the user is known by")
	}
	same := func(o keptUser) bool { return o.ID != u.ID && u.Email != "" && strings.EqualFold(o.Email, u.Email) }
	if slices.ContainsFunc(a.Users, same) {
		return unprocessable("email is that of another access user: \"" + u.Email + "\"")
	}
	if b.PageAccessGroupIDs != nil {
		if id, is := stray(b.PageAccessGroupIDs, a.Groups, func(g keptGroup) string { return g.ID }); is {
			return unprocessable("page_access_group_ids names no access group of the page: \"" + id + "\"")
		}
		u.Groups = status.Unique(b.PageAccessGroupIDs)
	}
	if b.ComponentIDs != nil {
		u.Components = status.Unique(b.ComponentIDs)
	}
	if b.MetricIDs != nil {
		u.Metrics = status.Unique(b.MetricIDs)
	}
	return nil
}

func (c *call) createAccessUser() (any, error) {
	b, err := c.readAccessUser()
	if err != nil {
		return nil, err
	}
	made := keptUser{ID: keeper.NewID(), Created: c.now, Changed: c.now}
	err = c.changeAudience(func(a *audience) error {
		if len(a.Users) >= mostAccess {
			return unprocessable(fmt.Sprintf("The page has %d access users, which is the most: delete one first", mostAccess))
		}
		err := b.apply(*a, &made)
		a.Users = append(a.Users, made)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.view().accessUser(made), nil
}

// changeUser lets f change the user that the path names, and shows it.
func (c *call) changeUser(f func(a audience, u *keptUser) error) (any, error) {
	var is keptUser
	err := c.changeAudience(func(a *audience) error {
		i, err := a.user(c.id("page_access_user_id"))
		if err != nil {
			return err
		}
		u := &a.Users[i]
		err, u.Changed = f(*a, u), c.now
		is = *u
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.view().accessUser(is), nil
}

func (c *call) updateAccessUser() (any, error) {
	b, err := c.readAccessUser()
	if err != nil {
		return nil, err
	}
	return c.changeUser(b.apply)
}

func (c *call) deleteAccessUser() (any, error) {
	return nil, c.changeAudience(func(a *audience) error {
		i, err := a.user(c.id("page_access_user_id"))
		if err != nil {
			return err
		}
		a.Users = slices.Delete(a.Users, i, i+1)
		return nil
	})
}

func (c *call) listAccessGroups() (any, error) {
	all, err := c.audience()
	if err != nil {
		return nil, err
	}
	v, shown := c.view(), make([]AccessGroup, len(all.Groups))
	for i, g := range all.Groups {
		shown[i] = v.accessGroup(all, g)
	}
	return paged(c, shown)
}

func (c *call) getAccessGroup() (any, error) {
	all, err := c.audience()
	if err != nil {
		return nil, err
	}
	i, err := all.group(c.id("page_access_group_id"))
	if err != nil {
		return nil, err
	}
	return c.view().accessGroup(all, all.Groups[i]), nil
}

// readAccessGroup reads and checks what does not depend on users and other groups.
func (c *call) readAccessGroup() (accessGroupBody, error) {
	b, err := bound[accessGroupBody](c, "page_access_group")
	if err != nil {
		return b, err
	}
	return b, cmp.Or(
		checkLine("name", given(b.Name)), checkLine("external_identifier", given(b.ExternalIdentifier)),
		c.checkParts(b.ComponentIDs, b.MetricIDs),
	)
}

// apply makes the group at place i what the body says.
func (b accessGroupBody) apply(a *audience, i int) error {
	g := &a.Groups[i]
	g.Name, g.External = cmp.Or(given(b.Name), g.Name), cmp.Or(given(b.ExternalIdentifier), g.External)
	if b.ComponentIDs != nil {
		g.Components = status.Unique(b.ComponentIDs)
	}
	if b.MetricIDs != nil {
		g.Metrics = status.Unique(b.MetricIDs)
	}
	if b.PageAccessUserIDs == nil {
		return nil
	}
	if id, is := stray(b.PageAccessUserIDs, a.Users, func(u keptUser) string { return u.ID }); is {
		return unprocessable("page_access_user_ids names no access user of the page: \"" + id + "\"")
	}
	wanted := make(map[string]bool, len(b.PageAccessUserIDs))
	for _, id := range b.PageAccessUserIDs {
		wanted[id] = true
	}
	for n := range a.Users {
		a.Users[n].Groups = slices.DeleteFunc(a.Users[n].Groups, func(id string) bool { return id == g.ID })
		if wanted[a.Users[n].ID] {
			a.Users[n].Groups = append(a.Users[n].Groups, g.ID)
		}
	}
	return nil
}

func (c *call) createAccessGroup() (any, error) {
	b, err := c.readAccessGroup()
	if err != nil {
		return nil, err
	}
	if given(b.Name) == "" {
		return nil, unprocessable("name is required: what the group is called")
	}
	var shown AccessGroup
	err = c.changeAudience(func(a *audience) error {
		if len(a.Groups) >= mostAccess {
			return unprocessable(fmt.Sprintf("The page has %d access groups, which is the most: delete one first", mostAccess))
		}
		a.Groups = append(a.Groups, keptGroup{ID: keeper.NewID(), Created: c.now, Changed: c.now})
		i := len(a.Groups) - 1
		err := b.apply(a, i)
		shown = c.view().accessGroup(*a, a.Groups[i])
		return err
	})
	return shown, err
}

// changeGroup lets f change the group that the path names, and shows it.
func (c *call) changeGroup(f func(a *audience, i int) error) (any, error) {
	var shown AccessGroup
	err := c.changeAudience(func(a *audience) error {
		i, err := a.group(c.id("page_access_group_id"))
		if err != nil {
			return err
		}
		a.Groups[i].Changed = c.now
		err = f(a, i)
		shown = c.view().accessGroup(*a, a.Groups[i])
		return err
	})
	return shown, err
}

func (c *call) updateAccessGroup() (any, error) {
	b, err := c.readAccessGroup()
	if err != nil {
		return nil, err
	}
	return c.changeGroup(b.apply)
}

func (c *call) deleteAccessGroup() (any, error) {
	var shown AccessGroup
	err := c.changeAudience(func(a *audience) error {
		i, err := a.group(c.id("page_access_group_id"))
		if err != nil {
			return err
		}
		shown = c.view().accessGroup(*a, a.Groups[i])
		for n := range a.Users {
			a.Users[n].Groups = slices.DeleteFunc(a.Users[n].Groups, func(id string) bool { return id == shown.ID })
		}
		a.Groups = slices.Delete(a.Groups, i, i+1)
		return nil
	})
	return shown, err
}
