package notify

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"example.org/interlude/mail"
	"example.org/interlude/markup"
	"example.org/interlude/status"
)

// wording is what a notice says, for a reader in a zone: the same facts in the same words by every channel. All of it is safe
// to show: names are one line each, and nothing in it looks like a slot of a letter, except what this package put there.
type wording struct {
	// Page is the name of whoever tells.
	Page string
	// Headline says what happened, Title to what. Personal notices have no title.
	Headline, Title string
	Tone            tone
	// Says is what there is to say where nobody posted anything, a paragraph each, and Body what was posted, in Markdown.
	Says []string
	Body string
	// Spans are the windows that are told, two of them side by side, and Rows give them in each zone.
	Spans    []span
	Rows     []row
	Facts    []fact
	Promises []fact
	Affected string
	// Report is the address of the report, empty where the page's is not known.
	Report string
}

// tone is the colour of a notice. It says nothing that the words do not.
type tone string

const (
	quiet   tone = ""        // it does not take place
	planned tone = "planned" // as announced
	late    tone = "late"
	good    tone = "good"
	fault   tone = "fault"
)

// fact is a thing with its name.
type fact struct{ Name, Text string }

// word writes down what a notice says. A zone that is empty or unknown is the page's.
func word(n *Notice, zone string) wording {
	w := wording{Page: name(n.Page.Name)}
	in := placesOf(n.Page, zone)
	switch {
	case n.Kind.Personal():
		w.personal(n)
	case n.Maintenance != nil:
		w.maintenance(n, in)
	case n.Incident != nil:
		w.incident(n, in)
	default:
		w.component(n)
	}
	w.Rows = rowsOf(w.Spans, in)
	return w
}

// namesOf are the full names of components.
func namesOf(ids []string, n *Notice) string {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		if full := status.FullName(id, n.Groups, n.Components); full != "" {
			names = append(names, full)
		}
	}
	return line(strings.Join(names, ", "))
}

func (w *wording) maintenance(n *Notice, in places) {
	m := n.Maintenance
	said, previous := n.Said()
	w.Headline, w.Title = maintenanceHeadline(n, said, previous, in), name(m.Title)
	w.Tone = maintenanceTone(n)
	w.Body = text(n.posted(said), n.Page)
	w.Spans = spansOf(n)
	w.Facts = slices.Concat(w.measured(n, in), n.claimed(said))
	w.Promises = promisesOf(n, said)
	if m.State != status.Canceled || !m.Began.IsZero() { // what did not take place affected nothing
		w.Affected = line(status.Affected(status.KindMaintenance, m.Open(), m.Affects, n.Groups, n.Components))
	}
	if left := namesOf(n.Left, n); left != "" {
		w.Affected = strings.TrimSpace(w.Affected + " No longer affected: " + left + ".")
	}
	w.Report = reportLink(n)
	if n.Kind == Kind(status.Running) {
		goesOn := "The work goes on."
		if m.State == status.Verifying {
			goesOn = "The work is done, and its result is still being checked."
		}
		w.Says = []string{goesOn + " It is announced to end by " + in.near(m.Window.End, n.At) + "."}
	}
}

// posted is the body of the update that tells. A reminder, which has none, says what the maintenance is about, and what tells of
// another window leaves out the lines that give both, because it has a table of them in every zone.
func (n *Notice) posted(said status.Update) string {
	m := n.Maintenance
	if said.ID != "" {
		windows := "\n\nWas: " + status.WindowText(n.Event.Was, n.Page.Zone()) + "\nIs: " + status.WindowText(m.Window, n.Page.Zone())
		return strings.Replace(said.Body, windows, "", 1)
	}
	if n.Kind != Kind(status.Reminded) {
		return ""
	}
	summary, err := status.Expand(m.Summary, status.PlaceholdersOf(*m, n.Page, n.Groups, n.Components))
	if err != nil {
		return "" // it was checked when it was written; what it stands for may have left the page since
	}
	return summary
}

// promisesOf are what each audience experiences, where that is still ahead and what was posted does not say it.
func promisesOf(n *Notice, said status.Update) []fact {
	switch status.EventKind(n.Kind) {
	case status.Announced, status.Changed, status.Reminded:
	default:
		return nil
	}
	var all []fact
	for _, p := range n.Maintenance.Promises {
		if strings.Contains(said.Body, p.Audience+": "+p.Words()) {
			return nil
		}
		all = append(all, fact{line(p.Audience), line(p.Words())})
	}
	return all
}

// claimed are the conditions that an update gave to components, and what readers saw before.
func (n *Notice) claimed(said status.Update) []fact {
	var all []fact
	for _, e := range said.Effects {
		component := status.FullName(e.Component, n.Groups, n.Components)
		if _, told := said.Conditions[e.Component]; !told || component == "" {
			continue
		}
		is := e.Is.Label()
		if e.Was != e.Is {
			is += " (was: " + strings.ToLower(e.Was.Label()) + ")"
		}
		all = append(all, fact{line(component), is})
	}
	return all
}

func (w *wording) incident(n *Notice, in places) {
	i := n.Incident
	said, previous := n.Said()
	w.Headline, w.Title = incidentHeadline(n, said, previous), name(i.Title)
	w.Tone = incidentTone(i)
	w.Body = text(said.Body, n.Page)
	w.Facts = append(n.claimed(said), fact{"Began", in.moment(i.Began)})
	if !i.Ended.IsZero() && i.Ended.After(i.Began) {
		w.Facts = append(w.Facts, fact{"Resolved", in.moment(i.Ended) + ", after " + whole(i.Ended.Sub(i.Began))})
	}
	w.Affected = line(status.Affected(status.KindIncident, i.Open(), i.Affects, n.Groups, n.Components))
	w.Report = reportLink(n)
}

func (w *wording) component(n *Notice) {
	w.Title = name(status.FullName(n.Component, n.Groups, n.Components))
	w.Tone = good
	for _, c := range n.Components {
		if c.ID == n.Component {
			w.Headline, w.Tone = c.Condition.Label(), conditionTone(c.Condition)
		}
	}
	w.Facts = []fact{{"Before", n.Was.Label()}}
}

// reportLink is where the report stands, empty where the page's address is not known.
func reportLink(n *Notice) string {
	site := siteOf(n.Page)
	if site == "" {
		return ""
	}
	return site + "/incidents/" + url.PathEscape(n.Subject().ID)
}

// siteOf is the page's address as it can stand in a header and in a link, without a slash at its end; empty when there is none.
func siteOf(p status.Page) string {
	u, err := url.Parse(strings.TrimRight(p.URL, "/"))
	if err != nil || u.Host == "" || strings.ContainsAny(u.Host, `<>"' `) {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// line is a foreign text in one line: without control characters, without those that turn the direction of what follows, and
// without slots.
func line(s string) string {
	return markup.OneLine(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, mail.WithoutSlots(s)))
}

// name is a foreign text that stands alone, in a subject or above the rest, no longer than any that the page takes.
func name(s string) string { return cut(line(s), 255) }

// ownLinks are those in Markdown that lead to somewhere on the page itself.
var ownLinks = regexp.MustCompile(`\]\(/+`)

// text is a body of Markdown as it is shown away from the page, where a link has to say whose it is.
func text(body string, p status.Page) string {
	body = mail.WithoutSlots(markup.Text(body))
	if u, err := url.Parse(siteOf(p)); err == nil && u.Host != "" {
		body = ownLinks.ReplaceAllStringFunc(body, func(found string) string {
			if found != "](/" {
				return found // two slashes lead to another host
			}
			return "](" + u.Scheme + "://" + u.Host + "/"
		})
	}
	return body
}
