package browser

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focused names the element that has the focus.
func (b *tab) focused() string {
	b.t.Helper()
	return eval[string](b, `(e => {
		const words = e => (e?.textContent ?? "").replace(/\s+/g, " ").trim()
		if (e === document.body) return "page"
		if (e.matches(".bar")) return "bar of " + words(e.closest(".comp").querySelector("h3, h4"))
		if (e.matches("summary")) return "group " + words(e.querySelector("h3"))
		return e.tagName + " " + words(e)
	})(document.activeElement)`)
}

// focusBar puts the focus on the bar of a component, as the keyboard would.
func (b *tab) focusBar(component string) {
	b.t.Helper()
	found := eval[bool](b, `(name => {
		const heading = [...document.querySelectorAll(".comp h3, .comp h4")].find(h => h.textContent === name)
		heading?.closest(".comp").querySelector(".bar").focus({focusVisible: true})
		return !!heading
	})(%s)`, component)
	if !found {
		b.t.Fatalf("got no component %s, want one", component)
	}
}

func TestTabReachesEverythingInOrderAndCanBeSeen(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	b.open(s.url("/"))
	var got []string
	for range 30 {
		b.press(kb.Tab)
		name := b.focused()
		if name == "page" {
			break
		}
		got = append(got, name)
		if !eval[bool](b, `(e => {
			for (; e; e = e.parentElement) {
				const s = getComputedStyle(e)
				if (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2) return true
			}
		})(document.activeElement) === true`) {
			t.Errorf("%s: got no outline of two pixels, want the focus to be seen", name)
		}
		if !eval[bool](b, `(r => r.bottom > 0 && r.top < innerHeight && r.width > 1)(document.activeElement.getBoundingClientRect())`) {
			t.Errorf("%s: got it outside of the window, want it in view while it has the focus", name)
		}
	}
	want := []string{
		"A Skip to content", "A Northwind", "A Status", "A History",
		"A Scheduled database maintenance", "A Details and updates: Scheduled database maintenance",
		"A Add to calendar: Scheduled database maintenance",
		"group Message delivery", "bar of Email", "group Messenger",
		"A E-mail to one provider arrives late", "A Web application unavailable", "A All past events", "A Atom", "A RSS", "A Calendar",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got the order\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	b.press(kb.Tab, chromedp.ModifierShift)
	if got, want := b.focused(), want[len(want)-1]; got != want {
		t.Errorf("Shift and Tab: got the focus on %s, want %s", got, want)
	}
}

func TestTheSkipLinkLeadsToTheContent(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	b.open(s.url("/"))
	if eval[bool](b, `document.querySelector(".skip").getBoundingClientRect().bottom > 0`) {
		t.Error("got the skip link in view, want it out of sight until it has the focus")
	}
	b.press(kb.Tab)
	b.await(`document.querySelector(".skip").getBoundingClientRect().top >= 0`)
	b.press(kb.Enter)
	b.await(`location.hash === "#main"`)
	b.press(kb.Tab)
	if got, want := b.focused(), "A "+database.Title; got != want {
		t.Errorf("got the focus on %s after skipping, want %s", got, want)
	}
}

func TestArrowKeysWalkDaysAndComponents(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	b.open(s.url("/"))
	b.focusBar("Email")
	b.sees(".tip", "Wed, January 13Operational")
	for _, step := range []struct{ keys, bar, card string }{
		{kb.ArrowLeft, "Email", "Tue, January 12Operational"},
		{kb.ArrowLeft + kb.ArrowLeft + kb.ArrowLeft, "Email", "Sat, January 9Degraded performance, 2 h 5 min. E-mail to one provider arrives late"},
		{kb.ArrowRight, "Email", "Sun, January 10Operational"},
		{kb.End, "Email", "Wed, January 13Operational"},
		{kb.ArrowRight, "Email", "Wed, January 13Operational"},
		{kb.ArrowUp, "Email", "Wed, January 13Operational"},
		{kb.ArrowDown, "Chats and Posts", "Wed, January 13Operational"},
		{kb.ArrowDown + kb.ArrowDown + kb.ArrowDown, "Web Messenger", "Wed, January 13Operational"},
		{kb.ArrowDown + kb.ArrowDown + kb.ArrowLeft + kb.ArrowLeft + kb.ArrowLeft + kb.ArrowLeft + kb.ArrowLeft + kb.ArrowLeft + kb.ArrowLeft + kb.ArrowLeft, "Web Application", "Tue, January 5Major outage, 45 min. Web application unavailable"},
		{kb.ArrowUp, "Mobile Messenger", "Tue, January 5Operational"},
		{kb.Home, "Mobile Messenger", "Fri, October 16Operational"},
	} {
		b.press(step.keys)
		b.sees(".tip", step.card)
		if got := b.focused(); got != "bar of "+step.bar {
			t.Errorf("got the focus on the %s, want the bar of %s", got, step.bar)
		}
	}
	if got, want := eval[string](b, `document.activeElement.getAttribute("aria-valuetext")`), "Fri, October 16: Operational"; got != want {
		t.Errorf("got the day read as %q, want %q", got, want)
	}
	b.press(kb.Escape)
	b.await(`document.querySelector(".tip").hidden`)
	if got, want := b.focused(), "bar of Mobile Messenger"; got != want {
		t.Errorf("got the focus on the %s after Escape, want the %s", got, want)
	}
	// The way back by Tab is to the bar that was left.
	b.press(kb.Tab)
	b.press(kb.Tab, chromedp.ModifierShift)
	if got, want := b.focused(), "bar of Mobile Messenger"; got != want {
		t.Errorf("got the focus on the %s, want the %s", got, want)
	}
}

func TestAGroupOpensAndClosesByKeyboard(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	b.open(s.url("/"))
	eval[bool](b, `(document.querySelector("summary").focus({focusVisible: true}), true)`)
	b.press(kb.Enter)
	b.await(`!document.querySelector("details").open`)
	// A bar that is out of sight is not where Tab leads.
	b.await(`[...document.querySelectorAll(".bar")].some(bar => bar.checkVisibility() && bar.tabIndex === 0)`)
	b.press(kb.Tab)
	b.press(kb.Tab)
	if got, want := b.focused(), "bar of Web Messenger"; got != want {
		t.Errorf("got the focus on the %s, want the %s", got, want)
	}
	eval[bool](b, `(document.querySelector("summary").focus({focusVisible: true}), true)`)
	b.press(" ")
	b.await(`document.querySelector("details").open`)
}

func TestTheCardOfADayStaysUnderThePointer(t *testing.T) {
	s := northwind(t)
	b := newTab(t)
	b.hasten()
	b.open(s.url("/"))
	eval[bool](b, `(document.querySelector(".bar").scrollIntoView({block: "center"}), true)`)
	const seconds = `new Promise(done => setTimeout(() => done(!document.querySelector(".tip").hidden), 5000))`
	box := eval[[]float64](b, `(r => [r.left, r.top, r.width, r.height])(document.querySelector(".bar").getBoundingClientRect())`)
	x, y := box[0]+box[2]*(85.5/90), box[1]+box[3]/2
	b.do("point at January 9", chromedp.MouseEvent(chromedp.MouseMoved, x, y))
	b.sees(".tip", "Sat, January 9Degraded performance, 2 h 5 min. E-mail to one provider arrives late")
	if !eval[bool](b, seconds) {
		t.Error("got no card beside a pointer that rests on its day, want it to stay")
	}
	card := eval[[]float64](b, `(r => [r.left + r.width / 2, r.top + r.height / 2])(document.querySelector(".tip").getBoundingClientRect())`)
	b.do("travel onto the card", chromedp.MouseEvent(chromedp.MouseMoved, card[0], card[1]))
	if !eval[bool](b, seconds) {
		t.Error("got no card under the pointer, want it to stay (WCAG 2.2, 1.4.13)")
	}
	b.press(kb.Escape)
	b.await(`document.querySelector(".tip").hidden`)
	b.do("point again", chromedp.MouseEvent(chromedp.MouseMoved, x, y))
	b.await(`!document.querySelector(".tip").hidden`)
	b.do("leave", chromedp.MouseEvent(chromedp.MouseMoved, 5, 5))
	b.await(`document.querySelector(".tip").hidden`)
}
