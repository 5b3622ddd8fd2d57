package notify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"example.org/interlude/mail"
	"example.org/interlude/status"
)

// chat is a notice as chats show it.
type chat struct {
	wording

	At time.Time
	// Manage is the link to change the subscription, empty where the page's address is not known.
	Manage string
}

// The names of what a chat's message has in any case.
const (
	whenName   = "When"
	detailName = "Details and updates"
	manageName = "Manage this subscription"
)

// Post writes a notice for a chat in the chat's own shape. For a webhook it writes what concerns the subscription itself; events
// have payloads of their own there.
func (w Writer) Post(d Delivery, n *Notice) ([]byte, error) {
	site := siteOf(n.Page)
	c := chat{wording: word(n, d.To.Zone), At: n.At}
	if d.To.ID != "" { // a test belongs to no subscription
		c.Manage = subscriptionLink(site, w.Keys.Token(ToManage, d.To.ID), "")
	}
	if n.Kind == Confirm {
		// An endpoint confirms by answering, so that nobody is asked to.
		c.Headline = "Notices will come here"
		c.Says = []string{"Somebody subscribed this place: it is told of " + mail.Slot(slotScope) + " on the status page of " + c.Page + " from now on."}
	}
	fill := strings.NewReplacer(mail.Slot(slotScope), scope(n, d.To), mail.Slot(slotWhere), where(d.To))
	for i := range c.Says {
		c.Says[i] = fill.Replace(c.Says[i])
	}
	switch d.By {
	case Slack:
		return encoded(c.slack())
	case Teams:
		return encoded(c.teams())
	case Discord:
		return encoded(c.discord())
	}
	return encoded(w.greeting(c, n, d.To))
}

// encoded is a value in JSON, with < and & as they are: chats give them a meaning of their own, which is another matter.
func encoded(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// greeting is what a webhook is sent about its own subscription: neither an incident nor a component, so that programs which know
// the payloads of both pass over it.
func (w Writer) greeting(c chat, n *Notice, to Recipient) any {
	type (
		meta struct {
			Unsubscribe string    `json:"unsubscribe,omitempty"`
			Manage      string    `json:"manage,omitempty"`
			Generated   time.Time `json:"generated_at"`
		}
		page struct {
			ID string `json:"id"`
		}
		ours struct {
			Notice Kind   `json:"notice"`
			Text   string `json:"text"`
		}
	)
	return struct {
		Meta      meta `json:"meta"`
		Page      page `json:"page"`
		Interlude ours `json:"interlude"`
	}{
		meta{w.Leave(n, to), c.Manage, n.At.UTC()},
		page{n.Page.ID},
		ours{n.Kind, strings.Join(append([]string{c.Headline + "."}, c.Says...), " ")},
	}
}

// summary is the whole in one line.
func (c chat) summary() string {
	if c.Title == "" {
		return c.Headline
	}
	return c.Headline + " · " + c.Title
}

// prose is all but the headline and the windows, in Markdown, of most characters: a chat cuts or refuses what is longer. What is
// left out stands on the page.
func (c chat) prose(most int) string {
	parts := append([]string{}, c.Says...)
	if c.Body != "" {
		parts = append(parts, c.Body)
	}
	list := func(facts []fact) {
		lines := make([]string, len(facts))
		for i, f := range facts {
			lines[i] = "- **" + f.Name + ":** " + f.Text
		}
		parts = append(parts, strings.Join(lines, "\n"))
	}
	if len(c.Facts) > 0 {
		list(c.Facts)
	}
	if len(c.Promises) > 0 {
		parts = append(parts, "**"+promisesName+"**")
		list(c.Promises)
	}
	if c.Affected != "" {
		parts = append(parts, c.Affected)
	}
	return cut(strings.Join(parts, "\n\n"), most)
}

// cut shortens a text to most characters, between words where there are any.
func cut(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	text = string(runes[:most-1])
	if at := strings.LastIndexFunc(text, unicode.IsSpace); at > len(text)/2 {
		text = text[:at]
	}
	return strings.TrimRightFunc(text, unicode.IsSpace) + "…"
}

// windows are the spans with their names, and how each reads in every zone.
func (c chat) windows(write func(name string, w status.Window, texts []string)) {
	for i, s := range c.Spans {
		texts := make([]string, len(c.Rows))
		for j, r := range c.Rows {
			texts[j] = r.Texts[i]
		}
		write(cmp.Or(s.Name, whenName), s.Window, texts)
	}
}
