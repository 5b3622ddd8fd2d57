package page

import (
	"errors"
	"net/http"

	"example.org/interlude/notify"
	"example.org/interlude/status"
)

// hold keeps a link that only its holder may know out of caches, search engines and the headers of other sites. Our own
// site still sees where a form comes from, for it tells by that whether somebody else's page sent it.
func hold(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Robots-Tag", "noindex")
}

// answer shows a page about the subscription that a token is about.
func (c *counter) answer(w http.ResponseWriter, r *http.Request, p notify.Purpose, show func(view, notify.Subscription) answerView) {
	hold(w)
	held, err := c.desk.Subscription(r.Context(), p, r.PathValue("token"))
	if err != nil {
		c.fail(w, r, err)
		return
	}
	view := show(c.edition.Load().view(new(renderings)), held)
	c.write(w, r, http.StatusOK, func() ([]byte, error) { return htmlOf(answerPage(view)) })
}

// fail says that a link leads nowhere, or that nothing could be done.
func (c *counter) fail(w http.ResponseWriter, r *http.Request, err error) {
	v, code := c.edition.Load().view(new(renderings)), http.StatusNotFound
	shown := v.lost()
	if !errors.Is(err, status.ErrNotFound) {
		code = c.code(err)
		shown = v.failed(c.refused(w, r, err))
	}
	c.write(w, r, code, func() ([]byte, error) { return htmlOf(answerPage(shown)) })
}

// serveConfirm asks once more: programs that look after mail follow every link in it, and press no buttons.
func (c *counter) serveConfirm(w http.ResponseWriter, r *http.Request) {
	c.answer(w, r, notify.ToConfirm, func(v view, held notify.Subscription) answerView { return v.confirming(held, r.PathValue("token")) })
}

func (c *counter) confirm(w http.ResponseWriter, r *http.Request) {
	if err := c.desk.Confirm(r.Context(), r.PathValue("token")); err != nil {
		hold(w)
		c.fail(w, r, err)
		return
	}
	c.serveConfirm(w, r)
}

func (c *counter) serveLeave(w http.ResponseWriter, r *http.Request) {
	c.answer(w, r, notify.ToLeave, func(v view, held notify.Subscription) answerView { return v.leaving(held, r.PathValue("token")) })
}

// leave ends a subscription at once, whatever the body says: a program that follows RFC 8058 and a person who presses the
// button get the same answer.
func (c *counter) leave(w http.ResponseWriter, r *http.Request) {
	if err := c.desk.Leave(r.Context(), r.PathValue("token")); err != nil {
		hold(w)
		c.fail(w, r, err)
		return
	}
	c.serveLeave(w, r)
}

func (c *counter) comeBack(w http.ResponseWriter, r *http.Request) {
	if err := c.desk.Return(r.Context(), r.PathValue("token")); err != nil {
		hold(w)
		c.fail(w, r, err)
		return
	}
	c.answer(w, r, notify.ToLeave, func(v view, held notify.Subscription) answerView { return v.subscribed(held) })
}

// serveHeld shows what there is to manage.
func (c *counter) serveHeld(w http.ResponseWriter, r *http.Request) {
	hold(w)
	held, err := c.desk.Subscription(r.Context(), notify.ToManage, r.PathValue("token"))
	v := c.edition.Load().view(new(renderings))
	switch {
	case err != nil:
		c.fail(w, r, err)
	case held.State == notify.Unsubscribed:
		shown := v.leaving(held, held.Manage)
		c.write(w, r, http.StatusOK, func() ([]byte, error) { return htmlOf(answerPage(shown)) })
	default:
		shown := v.held(held, kept(held, v.zone.String()))
		shown.Saved = r.URL.Query().Has("saved")
		c.write(w, r, http.StatusOK, func() ([]byte, error) { return htmlOf(heldPage(shown)) })
	}
}

// change takes what somebody who holds the link wants to hear of.
func (c *counter) change(w http.ResponseWriter, r *http.Request) {
	hold(w)
	if !c.parse(w, r) {
		return
	}
	token, f := r.PathValue("token"), read(r.PostForm)
	err := errNothingChosen(f)
	if err == nil {
		err = c.desk.Change(r.Context(), token, f.choice())
	}
	if err == nil {
		http.Redirect(w, r, heldAddress(token, "")+"?saved", http.StatusSeeOther)
		return
	}
	of, missing := c.desk.Subscription(r.Context(), notify.ToManage, token)
	if missing != nil {
		c.fail(w, r, missing)
		return
	}
	shown := c.edition.Load().view(new(renderings)).held(of, f)
	shown.refuse(c.refused(w, r, err))
	c.write(w, r, c.code(err), func() ([]byte, error) { return htmlOf(heldPage(shown)) })
}

// kept is the form as a subscriber left it.
func kept(s notify.Subscription, zone string) filled {
	f := filled{Channel: s.Channel, Event: s.Event, Scope: wholePage, Components: s.Components, Groups: s.Groups, Zone: s.Zone}
	if len(s.Components)+len(s.Groups) > 0 {
		f.Scope = chosenParts
	}
	if f.Zone == "" {
		f.Zone, f.NoZone = zone, true
	}
	return f
}
