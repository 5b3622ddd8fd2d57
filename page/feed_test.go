package page

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"example.org/interlude/status"
)

// readAtom is a feed as a program reads it that knows the standard and not our code.
type readAtom struct {
	XMLName xml.Name
	Lang    string      `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	ID      string      `xml:"http://www.w3.org/2005/Atom id"`
	Title   string      `xml:"http://www.w3.org/2005/Atom title"`
	Updated time.Time   `xml:"http://www.w3.org/2005/Atom updated"`
	Author  string      `xml:"http://www.w3.org/2005/Atom author>name"`
	Links   []readLink  `xml:"http://www.w3.org/2005/Atom link"`
	Entries []readEntry `xml:"http://www.w3.org/2005/Atom entry"`
}

type readEntry struct {
	ID        string     `xml:"http://www.w3.org/2005/Atom id"`
	Title     string     `xml:"http://www.w3.org/2005/Atom title"`
	Published time.Time  `xml:"http://www.w3.org/2005/Atom published"`
	Updated   time.Time  `xml:"http://www.w3.org/2005/Atom updated"`
	Links     []readLink `xml:"http://www.w3.org/2005/Atom link"`
	Content   struct {
		Type string `xml:"type,attr"`
		HTML string `xml:",chardata"`
	} `xml:"http://www.w3.org/2005/Atom content"`
}

type readLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type readRSS struct {
	XMLName xml.Name `xml:"rss"`
	Version string   `xml:"version,attr"`
	Channel struct {
		Titles      []string   `xml:"title"`
		Links       []readLink `xml:"http://www.w3.org/2005/Atom link"`
		Description string     `xml:"description"`
		PubDate     string     `xml:"pubDate"`
		Items       []struct {
			Title   string `xml:"title"`
			HTML    string `xml:"description"`
			PubDate string `xml:"pubDate"`
			End     string `xml:"maintenanceEndDate"`
			Link    string `xml:"link"`
			GUID    string `xml:"guid"`
		} `xml:"item"`
	} `xml:"channel"`
}

// fetch gives what a program gets at a path of a host.
func (s *Site) fetch(t testing.TB, method, host, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	r.Host = host
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, r)
	return answer
}

func (s *Site) document(t testing.TB, path string) []byte {
	t.Helper()
	answer := s.fetch(t, http.MethodGet, "status.example", path)
	if answer.Code != http.StatusOK {
		t.Fatalf("%s: got %d %s, want 200", path, answer.Code, answer.Body)
	}
	return answer.Body.Bytes()
}

func (s *Site) atomFeed(t testing.TB, path string) readAtom {
	t.Helper()
	var feed readAtom
	if err := xml.Unmarshal(s.document(t, path), &feed); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return feed
}

func (s *Site) rssFeed(t testing.TB, path string) readRSS {
	t.Helper()
	var feed readRSS
	if err := xml.Unmarshal(s.document(t, path), &feed); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return feed
}

// saved ends a transaction, so that the next change is one of its own.
func (w *town) saved() { w.Written = status.Written{} }

func (f readAtom) titles() []string {
	var titles []string
	for _, e := range f.Entries {
		titles = append(titles, e.Title)
	}
	return titles
}

func TestAnAtomFeedTellsOfEveryEventWithAllItsUpdates(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.begin("db", "2027-01-15 06:01")
	feed := w.site("2027-01-15 06:30").atomFeed(t, "/history.atom")
	if feed.XMLName.Space != "http://www.w3.org/2005/Atom" || feed.XMLName.Local != "feed" || feed.Lang != "en" || feed.Author != "Northwind" {
		t.Errorf("got a %v in %q by %q, want an Atom feed in en by Northwind", feed.XMLName, feed.Lang, feed.Author)
	}
	if feed.Title != "Northwind Status - Incident History" || feed.ID != "tag:status.northwind.example,2005:/history" || !feed.Updated.Equal(at("2027-01-15 06:01")) {
		t.Errorf("got %q with id %s of %s, want the page's title and id, and the time of the last change", feed.Title, feed.ID, feed.Updated)
	}
	want := []readLink{
		{"alternate", "text/html", "https://status.northwind.example/"}, {"self", "application/atom+xml", "https://status.northwind.example/history.atom"},
	}
	if !slices.Equal(feed.Links, want) {
		t.Errorf("got the links %v, want %v", feed.Links, want)
	}
	sameTexts(t, feed.titles(), "Scheduled database maintenance", "E-mail to one provider arrives late", "Web application and API unavailable", "Push notifications arrive late")
	first, id := feed.Entries[0], w.Maintenances[0].ID
	if first.ID != "tag:interlude,2026:Incident/"+id || first.Links[0].Href != "https://status.northwind.example/incidents/"+id || first.Content.Type != "html" {
		t.Errorf("got the entry %s at %s as %s, want it by the id of its event, as html", first.ID, first.Links[0].Href, first.Content.Type)
	}
	if !first.Published.Equal(at("2027-01-13 16:51")) || !first.Updated.Equal(at("2027-01-15 06:01")) {
		t.Errorf("got published %s and updated %s, want the announcement and the beginning", first.Published, first.Updated)
	}
	story := parsed(t, []byte(first.Content.HTML))
	sameTexts(t, story.texts("strong"), "THIS IS A SCHEDULED EVENT Jan 15, 06:00 - 07:00 UTC", "In progress", "Scheduled", "a few brief interruptions",
		"Why are we doing this?", "What will you experience?")
	story.says("Jan 15, 06:01 UTC In progress - The scheduled maintenance has begun, 1 minute after its announced start.")
	story.says("Jan 13, 16:51 UTC Scheduled - On Jan 15, 2027, 06:00 to 07:00 UTC we restart our databases.")
	for _, later := range feed.Entries[1:] {
		if strings.Contains(later.Content.HTML, "SCHEDULED EVENT") {
			t.Errorf("%s: got an incident that says it is scheduled", later.Title)
		}
	}
}

func TestAnRSSFeedGivesTheWindowOfWhatIsScheduled(t *testing.T) {
	w := northwind(t)
	w.apply("2027-01-13 16:00", status.Document{Page: &status.PageDocument{
		Page: status.PageFields{Name: "Northwind", URL: "https://status.northwind.example/", TimeZone: "Europe/London"}, Components: components(w),
	}})
	w.plan("2027-01-13 16:51", database)
	feed := w.site("2027-01-13 17:00").rssFeed(t, "/history.rss")
	if feed.Version != "2.0" || feed.Channel.Titles[0] != "Northwind Status - Incident History" || feed.Channel.Links[0].Href != "https://status.northwind.example/history.rss" {
		t.Errorf("got RSS %s %q at %v, want 2.0 with the page's title and its own address", feed.Version, feed.Channel.Titles, feed.Channel.Links)
	}
	first := feed.Channel.Items[0]
	if first.PubDate != "Fri, 15 Jan 2027 06:00:00 +0000" || first.End != "Fri, 15 Jan 2027 07:00:00 +0000" {
		t.Errorf("got %s to %s, want the announced window", first.PubDate, first.End)
	}
	if want := "https://status.northwind.example/incidents/" + w.Maintenances[0].ID; first.Link != want || first.GUID != want {
		t.Errorf("got %s and %s, want %s", first.Link, first.GUID, want)
	}
	if !strings.HasPrefix(first.HTML, "<p><strong>THIS IS A SCHEDULED EVENT Jan 15, 06:00 - 07:00 GMT</strong></p>") {
		t.Errorf("got %.200s, want it to begin with the window", first.HTML)
	}
	second := feed.Channel.Items[1]
	if second.End != "" || second.PubDate != "Sat, 09 Jan 2027 16:40:00 +0000" {
		t.Errorf("got the incident at %s until %q, want its last update and no end", second.PubDate, second.End)
	}
}

// components are those of the page as its document has them.
func components(w *town) []status.ComponentNode {
	var nodes []status.ComponentNode
	for _, g := range w.Groups {
		n := status.ComponentNode{Group: g.Name}
		for _, c := range w.Components {
			if c.GroupID == g.ID {
				n.Components = append(n.Components, status.ComponentNode{Name: c.Name})
			}
		}
		nodes = append(nodes, n)
	}
	for _, c := range w.Components {
		if c.GroupID == "" {
			nodes = append(nodes, status.ComponentNode{Name: c.Name})
		}
	}
	return nodes
}

func TestAWindowOfAFeedNamesDaysAndZonesWhereTheyDiffer(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	v := view{zone: berlin}
	for want, w := range map[string][2]string{
		"Jan 15, 07:00 - 08:00 CET":         {"2027-01-15 06:00", "2027-01-15 07:00"},
		"Jan 30, 22:00 - Jan 31, 06:00 CET": {"2027-01-30 21:00", "2027-01-31 05:00"},
		"Mar 28, 01:30 CET - 03:30 CEST":    {"2027-03-28 00:30", "2027-03-28 01:30"},
		"Oct 31, 02:30 CEST - 02:30 CET":    {"2027-10-31 00:30", "2027-10-31 01:30"},
		"Dec 31, 23:30 - Jan 1, 00:30 CET":  {"2027-12-31 22:30", "2027-12-31 23:30"},
		"Jul 1, 00:00 - Jul 2, 00:00 CEST":  {"2027-06-30 22:00", "2027-07-01 22:00"},
	} {
		if got := v.scheduledText(status.Window{Start: at(w[0]), End: at(w[1])}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAFeedOfAComponentOrGroupTellsOfItAlone(t *testing.T) {
	w := northwind(t)
	s := w.site("2027-01-13 17:00")
	ids := make(map[string]string)
	for _, c := range w.Components {
		ids[c.Name] = c.ID
	}
	for _, g := range w.Groups {
		ids[g.Name] = g.ID
	}
	for name, want := range map[string][]string{
		"Email": {"E-mail to one provider arrives late"}, "APIs": {"Web application and API unavailable"}, "Web Messenger": nil,
		"Message delivery": {"E-mail to one provider arrives late", "Push notifications arrive late"},
	} {
		feed := s.atomFeed(t, "/components/"+ids[name]+"/history.atom")
		sameTexts(t, feed.titles(), want...)
		if !strings.Contains(feed.Title, name) || !strings.HasPrefix(feed.Title, "Northwind Status - ") || !strings.HasSuffix(feed.Title, " - Incident History") {
			t.Errorf("got the title %q, want it to name %s", feed.Title, name)
		}
		if want := "https://status.northwind.example/components/" + ids[name] + "/history.atom"; feed.Links[1].Href != want {
			t.Errorf("got itself at %s, want %s", feed.Links[1].Href, want)
		}
		if items := s.rssFeed(t, "/components/"+ids[name]+"/history.rss").Channel.Items; len(items) != len(want) {
			t.Errorf("%s: got %d items, want %d", name, len(items), len(want))
		}
	}
	whole := s.atomFeed(t, "/history.atom")
	part := s.atomFeed(t, "/components/"+ids["Email"]+"/history.atom")
	if whole.ID == part.ID || whole.Entries[0].ID != part.Entries[0].ID {
		t.Error("got the same id for two feeds or two ids for one event, want it the other way round")
	}
}

func TestFeedsOfWhatIsNotThereAreMissing(t *testing.T) {
	w := northwind(t)
	gone := w.Components[0]
	gone.Removed = at("2027-01-10 09:00")
	w.PutComponent(gone)
	s := w.site("2027-01-13 17:00")
	for _, file := range []string{"history.atom", "history.rss", "history.ics", "badge.svg"} {
		for _, id := range []string{"nothing", gone.ID, w.Incidents[0].ID, "..%2f", "%00"} {
			if answer := s.fetch(t, http.MethodGet, "status.example", "/components/"+id+"/"+file); answer.Code != http.StatusNotFound {
				t.Errorf("%s of %s: got %d, want 404", file, id, answer.Code)
			}
		}
	}
	for _, path := range []string{"/incidents/nothing.ics", "/incidents/" + w.Incidents[0].ID + ".ics", "/incidents/.ics", "/history.json", "/embed/", "/badge.png"} {
		if answer := s.fetch(t, http.MethodGet, "status.example", path); answer.Code != http.StatusNotFound || answer.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: got %d, want 404 and nothing opened", path, answer.Code)
		}
	}
}

func TestAnEntryKeepsItsIDAndMovesItsTime(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	id := w.Maintenances[0].ID
	before := w.site("2027-01-13 17:00").atomFeed(t, "/history.atom").Entries[0]
	changes := []func(){
		func() { w.begin("db", "2027-01-15 06:00") },
		func() { w.extend("db", "2027-01-15 08:00", "2027-01-15 06:50") },
		func() { w.complete("db", "2027-01-15 07:45") },
		func() {
			w.apply("2027-01-16 09:00", status.Document{Page: &status.PageDocument{
				Page: status.PageFields{Name: "Northwind", URL: "https://elsewhere.example", TimeZone: "UTC"}, Components: components(w),
			}})
			m, _ := w.Maintenance(id)
			m.Title, m.Changed = "Databases", at("2027-01-16 09:00")
			w.PutMaintenance(m)
		},
	}
	for n, change := range changes {
		change()
		w.saved()
		after := w.site("2027-01-17 09:00").atomFeed(t, "/history.atom").Entries[0]
		if after.ID != before.ID || !after.Published.Equal(before.Published) || !after.Updated.After(before.Updated) {
			t.Errorf("change %d: got %s, published %s and updated %s, want %s, %s and a time after %s",
				n, after.ID, after.Published, after.Updated, before.ID, before.Published, before.Updated)
		}
		before = after
	}
}

func TestAFeedTellsOfTheLatestAndOfAllThatIsOpen(t *testing.T) {
	w := bare(t)
	w.Components = []status.Component{{ID: "c", Name: "APIs", Condition: status.Operational}}
	for n := range 120 {
		day := at("2027-01-01 06:00").AddDate(0, 0, -n)
		i := status.Incident{ID: fmt.Sprint("i", n), Title: fmt.Sprint("Past ", n), State: status.Resolved, Affects: []string{"c"}, Began: day, Ended: day.Add(time.Hour), Changed: day.Add(time.Hour)}
		if n == 119 {
			i.Title, i.Changed = "Past, entered just now", at("2027-01-02 06:00")
		}
		w.Incidents = append(w.Incidents, i)
		window := status.Window{Start: at("2027-02-01 06:00").AddDate(0, 0, n), End: at("2027-02-01 07:00").AddDate(0, 0, n)}
		if n < 60 {
			w.Maintenances = append(w.Maintenances, status.Maintenance{
				ID: fmt.Sprint("m", n), Title: fmt.Sprint("Open ", n), State: status.Scheduled, Affects: []string{"c"}, Window: window, Changed: at("2026-06-01 06:00"),
			})
		}
	}
	s := w.site("2027-01-03 09:00")
	for _, path := range []string{"/", "/components/c/"} {
		titles := s.atomFeed(t, path+"history.atom").titles()
		if len(titles) != 110 || titles[0] != "Past, entered just now" || titles[1] != "Past 0" || titles[49] != "Past 48" || !strings.HasPrefix(titles[50], "Open") {
			t.Errorf("%s: got %d entries %q, want the 50 that changed last and the 60 that are open", path, len(titles), titles)
		}
		if got := len(s.rssFeed(t, path+"history.rss").Channel.Items); got != 110 {
			t.Errorf("%s: got %d items, want 110", path, got)
		}
	}
	large, _, _ := largeSite(t)
	feed := large.atomFeed(t, "/history.atom")
	if !slices.IsSortedFunc(feed.Entries, func(a, b readEntry) int { return b.Updated.Compare(a.Updated) }) {
		t.Error("got entries in another order, want the latest change first")
	}
	if got := large.rssFeed(t, "/components/c3-3/history.rss").Channel.Items; len(got) != 10 {
		t.Errorf("got %d items of a component with ten events, want ten", len(got))
	}
}

func TestAFeedTellsOfWhatIsSaidTodayOfThePast(t *testing.T) {
	w := northwind(t)
	for n := range 60 {
		day := at("2026-11-01 09:00").AddDate(0, 0, n).Format("2006-01-02 ")
		w.incident(fmt.Sprint("Trouble ", n), day+"09:00", day+"10:00", status.DegradedPerformance, "Mobile Push")
	}
	oldest := w.Incidents[2]
	i, err := w.DraftPostmortem(oldest, "A queue was full.", at("2027-01-12 09:00"), operator)
	if err == nil {
		_, err = w.PublishPostmortem(i, false, at("2027-01-12 09:30"), operator)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.apply("2027-01-12 11:00", status.Document{Incident: &status.IncidentDocument{
		Title: "Found in the logs", Affects: []string{"Mobile Push"}, Updates: []status.UpdateDocument{
			{Status: status.Investigating, At: at("2026-08-01 09:00"), Body: "We are looking for the cause."},
			{Status: status.Resolved, At: at("2026-08-01 10:00"), Body: "It is over."},
		},
	}})
	s := w.site("2027-01-12 12:00")
	for _, path := range []string{"/", "/components/" + oldest.Affects[0] + "/"} {
		feed, items := s.atomFeed(t, path+"history.atom"), s.rssFeed(t, path+"history.rss").Channel.Items
		if titles := feed.titles(); len(titles) != 50 || titles[0] != "Found in the logs" || titles[1] != oldest.Title {
			t.Fatalf("%s: got %d entries %q, want 50, and what was entered and what was told today before all others", path, len(titles), titles)
		}
		if first := feed.Entries[0]; !first.Updated.Equal(at("2027-01-12 11:00")) || !first.Published.Equal(at("2026-08-01 09:00")) {
			t.Errorf("%s: got updated %s and published %s, want when it was entered and when it began", path, first.Updated, first.Published)
		}
		if items[0].Title != "Found in the logs" || items[0].PubDate != "Sat, 01 Aug 2026 10:00:00 +0000" {
			t.Errorf("%s: got %s of %s, want what was entered today with the date of its last update", path, items[0].Title, items[0].PubDate)
		}
		if items[1].Title != oldest.Title || items[1].PubDate != "Tue, 12 Jan 2027 09:30:00 +0000" {
			t.Errorf("%s: got %s of %s, want the postmortem with the date of its publication", path, items[1].Title, items[1].PubDate)
		}
	}
}

func TestOfWhatChangedAtOnceAFeedTellsOfTheLatest(t *testing.T) {
	w := bare(t)
	for n := range 200 {
		day := at("2026-01-01 06:00").AddDate(0, 0, (n*37)%200)
		w.Incidents = append(w.Incidents, status.Incident{
			ID: fmt.Sprint("i", n), Title: day.Format(time.DateOnly), State: status.Resolved, Began: day, Ended: day.Add(time.Hour), Changed: at("2027-01-01 06:00"),
		})
	}
	titles := w.site("2027-01-03 09:00").atomFeed(t, "/history.atom").titles()
	if len(titles) != 50 || titles[0] != "2026-07-19" || titles[49] != "2026-05-31" || !slices.IsSortedFunc(titles, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("got %d entries %q, want the 50 that ended last, the latest of them first", len(titles), titles)
	}
}

func TestChoosingWhatAFeedTellsOfAllocatesTheSameForAnyPast(t *testing.T) {
	allocations := func(past int) float64 {
		w := bare(t)
		w.Components = []status.Component{{ID: "a", GroupID: "g"}, {ID: "b", GroupID: "g"}}
		w.Groups = []status.Group{{ID: "g"}}
		for n := range past {
			day := at("2027-01-01 06:00").Add(time.Duration(n) * -time.Hour)
			w.Incidents = append(w.Incidents, status.Incident{
				ID: fmt.Sprint("i", n), State: status.Resolved, Affects: []string{"a", "b"}, Began: day, Ended: day, Changed: day,
			})
		}
		e := w.site("2027-01-03 09:00").edition.Load()
		worst := 0.0
		for _, id := range []string{"", "g"} {
			c, _ := e.channel("https://status.example", id)
			if got := len(c.told()); got != mostEntries {
				t.Fatalf("%q: got %d events, want %d", id, got, mostEntries)
			}
			worst = max(worst, testing.AllocsPerRun(10, func() { c.told() }))
		}
		return worst
	}
	if few, many := allocations(100), allocations(5000); few != many {
		t.Errorf("got %g allocations for 100 past events and %g for 5,000, want the same", few, many)
	}
}

func TestAFeedDoesNotCallScheduledWhatIsCanceled(t *testing.T) {
	w := northwind(t)
	w.plan("2027-01-13 16:51", database)
	w.cancel("db", "2027-01-14 15:20", "A new date follows.")
	html := w.site("2027-01-14 16:00").rssFeed(t, "/history.rss").Channel.Items[0].HTML
	if strings.Contains(html, "SCHEDULED EVENT") || !strings.Contains(html, "<strong>Canceled</strong> - A new date follows.") {
		t.Errorf("got %.300s, want the cancellation and no window that is not kept", html)
	}
}
