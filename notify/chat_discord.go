package notify

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"example.org/interlude/status"
)

// Limits of Discord, in characters. It counts some letters twice, and all texts of a message together up to 6000, so that the prose
// keeps well below the 4096 that it could have alone.
const (
	discordTitle = 250
	discordProse = 1800
)

type discordField struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline"`
}

type discordFooter struct {
	Text string `json:"text"`
}

type discordEmbed struct {
	Title       string         `json:"title"`
	URL         string         `json:"url,omitempty"`
	Description string         `json:"description,omitempty"`
	Color       int64          `json:"color"`
	Fields      []discordField `json:"fields,omitempty"`
	Footer      discordFooter  `json:"footer"`
	Timestamp   time.Time      `json:"timestamp"`
}

type discordMentions struct {
	Parse []string `json:"parse"`
}

type discordMessage struct {
	Embeds []discordEmbed `json:"embeds"`
	// Mentions names who may be called by the message: nobody.
	Mentions discordMentions `json:"allowed_mentions"`
}

// discord is the message for a webhook of Discord. Each reader sees the windows in their own time.
func (c chat) discord() discordMessage {
	embed := discordEmbed{
		Title: cut(c.summary(), discordTitle), URL: c.Report, Description: c.prose(discordProse),
		Color: shades[c.Tone].number(), Footer: discordFooter{cut(c.Page, discordTitle)}, Timestamp: c.At.UTC(),
	}
	c.windows(func(name string, w status.Window, texts []string) {
		own := fmt.Sprintf("<t:%d:F> to <t:%d:f>", w.Start.Unix(), w.End.Unix())
		embed.Fields = append(embed.Fields, discordField{name, own + "\n" + strings.Join(texts, "\n"), true})
	})
	var links []string
	for _, link := range []fact{{detailName, c.Report}, {manageName, c.Manage}} {
		if link.Text != "" {
			links = append(links, "["+link.Name+"]("+link.Text+")")
		}
	}
	if len(links) > 0 {
		embed.Description = strings.TrimSpace(embed.Description + "\n\n" + strings.Join(links, " · "))
	}
	return discordMessage{[]discordEmbed{embed}, discordMentions{[]string{}}}
}

// number is the colour of the edge as a number.
func (s shade) number() int64 {
	n, _ := strconv.ParseInt(strings.TrimPrefix(s.edge, "#"), 16, 64) // it is one of the table's
	return n
}
