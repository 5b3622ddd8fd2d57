package page

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"example.org/interlude/markup"
)

// An Atom feed (RFC 4287).
type (
	atomFeed struct {
		XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		Lang    string      `xml:"xml:lang,attr"`
		ID      string      `xml:"id"`
		Links   []atomLink  `xml:"link"`
		Title   string      `xml:"title"`
		Updated string      `xml:"updated"`
		Author  string      `xml:"author>name"`
		Entries []atomEntry `xml:"entry"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr"`
		Href string `xml:"href,attr"`
	}
	atomEntry struct {
		ID        string   `xml:"id"`
		Published string   `xml:"published"`
		Updated   string   `xml:"updated"`
		Link      atomLink `xml:"link"`
		Title     string   `xml:"title"`
		Content   atomHTML `xml:"content"`
	}
	atomHTML struct {
		Type string `xml:"type,attr"`
		HTML string `xml:",chardata"`
	}
)

// An RSS 2.0 feed. maintenanceEndDate is no part of it; scripts that were written for Statuspage read it.
type (
	rssFeed struct {
		XMLName xml.Name   `xml:"rss"`
		Version string     `xml:"version,attr"`
		Atom    string     `xml:"xmlns:atom,attr"`
		Channel rssChannel `xml:"channel"`
	}
	rssChannel struct {
		Title       string    `xml:"title"`
		Link        string    `xml:"link"`
		Self        atomLink  `xml:"atom:link"`
		Description string    `xml:"description"`
		Language    string    `xml:"language"`
		PubDate     string    `xml:"pubDate"`
		Items       []rssItem `xml:"item"`
	}
	rssItem struct {
		Title              string  `xml:"title"`
		Description        string  `xml:"description"`
		PubDate            string  `xml:"pubDate"`
		MaintenanceEndDate string  `xml:"maintenanceEndDate,omitempty"`
		Link               string  `xml:"link"`
		GUID               rssGUID `xml:"guid"`
	}
	rssGUID struct {
		IsPermaLink bool   `xml:"isPermaLink,attr"`
		Address     string `xml:",chardata"`
	}
)

func (c channel) atom() ([]byte, error) {
	entries := c.entries()
	feed := atomFeed{
		Lang: "en", ID: "tag:" + authority(c.base) + ",2005:" + c.path + "history", Title: c.feedTitle(),
		Updated: atomTime(c.updated(entries)), Author: c.pageName(),
		Links: []atomLink{
			{Rel: "alternate", Type: "text/html", Href: c.base + "/"},
			{Rel: "self", Type: "application/atom+xml", Href: c.base + c.path + "history.atom"},
		},
	}
	for _, e := range entries {
		feed.Entries = append(feed.Entries, atomEntry{
			ID: e.id, Published: atomTime(e.published), Updated: atomTime(e.updated), Title: e.title,
			Link: atomLink{Rel: "alternate", Type: "text/html", Href: e.link}, Content: atomHTML{Type: "html", HTML: e.html},
		})
	}
	return xmlOf(feed)
}

func (c channel) rss() ([]byte, error) {
	entries := c.entries()
	feed := rssFeed{Version: "2.0", Atom: "http://www.w3.org/2005/Atom", Channel: rssChannel{
		Title: c.feedTitle(), Link: c.base + "/", Language: "en", PubDate: rssTime(c.updated(entries)),
		Self:        atomLink{Rel: "self", Type: "application/rss+xml", Href: c.base + c.path + "history.rss"},
		Description: cmp.Or(markup.OneLine(c.p.Page.Description), "Planned maintenance and incidents of "+cmp.Or(markup.OneLine(c.name), c.pageName())+"."),
	}}
	for _, e := range entries {
		item := rssItem{Title: e.title, Description: e.html, PubDate: rssTime(e.dated), Link: e.link, GUID: rssGUID{true, e.link}}
		if !e.window.Start.IsZero() {
			item.PubDate, item.MaintenanceEndDate = rssTime(e.window.Start), rssTime(e.window.End)
		}
		feed.Channel.Items = append(feed.Channel.Items, item)
	}
	return xmlOf(feed)
}

func (c channel) feedTitle() string {
	name := "Status"
	if page := markup.OneLine(c.p.Page.Name); page != "" {
		name = page + " Status"
	}
	if c.name != "" {
		name += " - " + markup.OneLine(c.name)
	}
	return name + " - Incident History"
}

// updated is when anything that a feed tells of last changed. A feed that has nothing to tell yet is as old as the
// newest component, so that it says the same whichever node is asked.
func (c channel) updated(entries []entry) time.Time {
	if len(entries) > 0 {
		return entries[0].updated
	}
	latest := time.Unix(0, 0)
	for _, component := range c.p.Components {
		if component.Created.After(latest) {
			latest = component.Created
		}
	}
	return latest
}

// authority is the host of an address as a tag may begin with it (RFC 4151, 2.1).
func authority(base string) string {
	u, err := url.Parse(base)
	if err != nil || strings.Contains(u.Hostname(), ":") {
		return "localhost"
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil {
		return ip.String()
	}
	return strings.ToLower(u.Hostname())
}

func atomTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func rssTime(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }

// xmlOf writes a document. Where a text has what XML cannot carry, the encoder writes U+FFFD.
func xmlOf(document any) ([]byte, error) {
	b := bytes.NewBufferString(xml.Header)
	if err := xml.NewEncoder(b).Encode(document); err != nil {
		return nil, fmt.Errorf("write the feed: %w", err)
	}
	return append(b.Bytes(), '\n'), nil
}
