package statuspage

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/status"
)

const pagePath = "/pages/{page_id}"

func pageRoutes() []route {
	const tag = "pages"
	return []route{
		{
			id: "list-pages", tag: tag, summary: "The page, in a list: a server has one", method: http.MethodGet, path: "/pages",
			scope: access.Read, answer: []ManagedPage{}, do: (*call).listPages,
		},
		{
			id: "get-page", tag: tag, summary: "The page", method: http.MethodGet, path: pagePath, scope: access.Read,
			answer: ManagedPage{}, do: (*call).getPage,
		},
		{
			id: "update-page", tag: tag, summary: "Change the page", method: http.MethodPatch, path: pagePath,
			about: "What is not given stays. Fields of the answer other than those of the body may be sent along as long as they say what is so " +
				"already; anything else is refused. PUT does the same.",
			scope: access.Administer, body: pageBody{}, wrapped: "page", answer: ManagedPage{}, do: (*call).updatePage,
		},
	}
}

// ManagedPage is the page as version 1 shows it. What Interlude has nothing for is null, false or empty, in the form in which
// Statuspage shows a page where nobody has set it.
type ManagedPage struct {
	ID              string  `json:"id"`
	CreatedAt       *string `json:"created_at"`
	UpdatedAt       string  `json:"updated_at"`
	Name            string  `json:"name"`
	PageDescription *string `json:"page_description"`
	Headline        *string `json:"headline"`
	Branding        string  `json:"branding"`
	Subdomain       *string `json:"subdomain"`
	// Domain is the host of the page's address, and URL the address itself, which is also where the page's name leads.
	Domain                   *string `json:"domain" doc:"The host of the page's address; null while the page does not know it"`
	URL                      *string `json:"url" doc:"The page's address, which is where its name leads"`
	SupportURL               *string `json:"support_url"`
	HiddenFromSearch         bool    `json:"hidden_from_search"`
	AllowPageSubscribers     bool    `json:"allow_page_subscribers"`
	AllowIncidentSubscribers bool    `json:"allow_incident_subscribers"`
	AllowEmailSubscribers    bool    `json:"allow_email_subscribers"`
	AllowSMSSubscribers      bool    `json:"allow_sms_subscribers"`
	AllowFeeds               bool    `json:"allow_rss_atom_feeds"`
	AllowWebhookSubscribers  bool    `json:"allow_webhook_subscribers"`
	NotificationsFromEmail   *string `json:"notifications_from_email"`
	NotificationsEmailFooter *string `json:"notifications_email_footer"`
	// ActivityScore is zero: clients with types cannot read null there.
	ActivityScore            int     `json:"activity_score"`
	TwitterUsername          *string `json:"twitter_username"`
	ViewersMustBeTeamMembers bool    `json:"viewers_must_be_team_members"`
	IPRestrictions           *string `json:"ip_restrictions"`
	City                     *string `json:"city"`
	State                    *string `json:"state"`
	Country                  *string `json:"country"`
	TimeZone                 string  `json:"time_zone"`
	Colours
	FaviconLogo       Icon  `json:"favicon_logo"`
	TransactionalLogo Image `json:"transactional_logo"`
	HeroCover         Image `json:"hero_cover"`
	EmailLogo         Image `json:"email_logo"`
	TwitterLogo       Icon  `json:"twitter_logo"`
}

// Colours are a page's own colours. Interlude's page has those of its style sheet, by day and by night, so all are null.
type Colours struct {
	Body       *string `json:"css_body_background_color"`
	Font       *string `json:"css_font_color"`
	LightFont  *string `json:"css_light_font_color"`
	Greens     *string `json:"css_greens"`
	Yellows    *string `json:"css_yellows"`
	Oranges    *string `json:"css_oranges"`
	Blues      *string `json:"css_blues"`
	Reds       *string `json:"css_reds"`
	Border     *string `json:"css_border_color"`
	Graph      *string `json:"css_graph_color"`
	Link       *string `json:"css_link_color"`
	WithoutAny *string `json:"css_no_data"`
}

// Icon is a small picture that a page may have.
type Icon struct {
	UpdatedAt *string `json:"updated_at"`
	Size      *int    `json:"size"`
	URL       string  `json:"url"`
}

// Image is a picture that a page may have, in several sizes.
type Image struct {
	UpdatedAt   *string `json:"updated_at"`
	OriginalURL string  `json:"original_url"`
	Size        *int    `json:"size"`
	NormalURL   string  `json:"normal_url"`
	RetinaURL   string  `json:"retina_url"`
}

// pageBody is what can be set of the page.
type pageBody struct {
	Name            *string `json:"name" example:"Northwind" doc:"The organisation's name, as readers know it"`
	PageDescription *string `json:"page_description" doc:"What the page is about; an empty text takes the description away"`
	TimeZone        *string `json:"time_zone" example:"Europe/Berlin" doc:"The zone in which the page writes its times, by its IANA name: UTC, Europe/Berlin"`
	Domain          *string `json:"domain" doc:"The host at which readers find the page; feeds and messages have addresses there"`
}

// settable are the fields of pageBody, and measured those of the page that follow from what happens: clients send them
// back as they were a moment ago.
var (
	settable = []string{"name", "page_description", "time_zone", "domain"}
	measured = []string{"created_at", "updated_at", "activity_score"}
)

// reasons are why a field of the page cannot have another value than it has.
var reasons = map[string]string{
	"url":                          "the page's name leads to the page itself, at the address that follows from domain",
	"subdomain":                    "the page has no address below a domain of somebody else's; set domain",
	"allow_sms_subscribers":        "no SMS is sent",
	"viewers_must_be_team_members": "the page is public",
	"ip_restrictions":              "the page is public",
	"twitter_username":             "nothing is posted to Twitter",
}

func (v view) managedPage() ManagedPage {
	p := v.p.Page
	zone := p.TimeZone
	if zone == "" {
		zone = "UTC"
	}
	shown := ManagedPage{
		ID: p.ID, CreatedAt: v.atOrNull(p.Created), UpdatedAt: v.page().UpdatedAt, Name: p.Name, PageDescription: orNull(p.Description),
		Branding: "basic", URL: orNull(v.home), AllowPageSubscribers: true, AllowIncidentSubscribers: true, AllowEmailSubscribers: true,
		AllowFeeds: true, AllowWebhookSubscribers: true, TimeZone: zone,
	}
	if at, err := url.Parse(p.URL); err == nil {
		shown.Domain = orNull(at.Host)
	}
	return shown
}

func (c *call) listPages() (any, error) {
	v := c.view()
	if v.p.Page.ID == "" {
		return []ManagedPage{}, nil
	}
	return paged(c, []ManagedPage{v.managedPage()})
}

func (c *call) getPage() (any, error) { return c.view().managedPage(), nil }

func (c *call) updatePage() (any, error) {
	b, err := bound[pageBody](c, "page")
	if err != nil {
		return nil, err
	}
	asked, err := within(c.body, "page")
	if err != nil {
		return nil, err
	}
	if rules := c.view().managedPage().contradicted(asked); len(rules) > 0 {
		return nil, unprocessable(rules...)
	}
	err = c.change(nil, func(book *status.Book, now time.Time) error {
		want, err := b.over(book.Page)
		if err != nil {
			return err
		}
		_, err = book.AmendPage(want, now, c.by)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.shown().managedPage(), nil
}

// over is the page with what the body says of it.
func (b pageBody) over(p status.Page) (status.Page, error) {
	if name := given(b.Name); name != "" {
		p.Name = strings.TrimSpace(name)
	}
	if b.PageDescription != nil {
		p.Description = *b.PageDescription
	}
	if zone := given(b.TimeZone); zone != "" {
		p.TimeZone = zone
	}
	domain := strings.ToLower(given(b.Domain))
	if domain == "" {
		return p, nil
	}
	is, err := url.Parse("https://" + domain)
	if err != nil || is.Host != domain || is.Hostname() == "" || strings.ContainsAny(domain, " %\\") {
		return p, unprocessable("domain must be a host such as status.example.com, not \"" + domain + "\"")
	}
	if was, err := url.Parse(p.URL); err == nil && was.Host != domain {
		if was.Scheme != "" {
			is.Scheme = was.Scheme
		}
		p.URL = is.String()
	}
	return p, nil
}

// contradicted are the refusals of what a body says of the page that is not so, and that cannot be set. Nothing, and empty
// things, say nothing.
func (p ManagedPage) contradicted(asked fields) []string {
	text, err := json.Marshal(p)
	if err != nil {
		panic("the page cannot be written: " + err.Error()) // it holds nothing that JSON cannot say
	}
	is, err := parseJSON(text)
	if err != nil {
		panic("the page cannot be read: " + err.Error())
	}
	var rules []string
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		have, known := is[name]
		if !known || slices.Contains(slices.Concat(settable, measured), name) || says(asked[name], have) {
			continue
		}
		why := reasons[name]
		if why == "" {
			why = "nothing on the page would follow it"
		}
		text, _ := json.Marshal(have)
		rules = append(rules, name+" cannot be set to another value than "+string(text)+": "+why)
	}
	return rules
}

// says reports whether a value that was sent is what there is, or nothing at all.
func says(asked, have any) bool {
	switch want := asked.(type) {
	case nil:
		return true
	case string:
		if is, isBool := have.(bool); isBool && want != "" {
			yes, ok := truth(want)
			return ok && yes == is
		}
		number, _ := have.(json.Number)
		return want == "" || want == have || want == number.String()
	case bool, json.Number:
		return asked == have
	}
	return !asks(asked) || reflect.DeepEqual(asked, have)
}
