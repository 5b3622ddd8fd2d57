package notify

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"example.org/interlude/status"
)

// Limits of Slack, in characters.
const (
	slackHeader  = 150
	slackSection = 3000
)

// slackText is a text of Slack. Verbatim keeps what looks like a mention from becoming one.
type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim,omitempty"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackText  `json:"text,omitempty"`
	Fields   []slackText `json:"fields,omitempty"`
	Elements []slackText `json:"elements,omitempty"`
}

type slackMessage struct {
	// Text is for notifications and for readers that show no blocks.
	Text   string       `json:"text"`
	Blocks []slackBlock `json:"blocks"`
	// Unfurl is off: a preview of the page under the message says nothing more.
	Unfurl bool `json:"unfurl_links"`
}

// slack is the message for an incoming webhook of Slack. Each reader sees the windows in their own time.
func (c chat) slack() slackMessage {
	message := slackMessage{Text: slackEscape(c.summary())}
	section := func(text string) {
		message.Blocks = append(message.Blocks, slackBlock{Type: "section", Text: &slackText{"mrkdwn", text, true}})
	}
	message.Blocks = []slackBlock{{Type: "header", Text: &slackText{"plain_text", cut(c.Headline, slackHeader), false}}}
	if c.Title != "" {
		section("*" + slackLink(c.Report, c.Title) + "*")
	}
	var fields []slackText
	c.windows(func(name string, w status.Window, texts []string) {
		lines := append([]string{"*" + name + "*", slackDate(w.Start) + " to " + slackDate(w.End)}, texts...)
		fields = append(fields, slackText{"mrkdwn", strings.Join(lines, "\n"), true})
	})
	if len(fields) > 0 {
		message.Blocks = append(message.Blocks, slackBlock{Type: "section", Fields: fields})
	}
	if text := c.slackProse(); text != "" {
		section(text)
	}
	var links []string
	for _, link := range []fact{{detailName, c.Report}, {manageName, c.Manage}} {
		if link.Text != "" {
			links = append(links, slackLink(link.Text, link.Name))
		}
	}
	if len(links) > 0 {
		message.Blocks = append(message.Blocks, slackBlock{Type: "context", Elements: []slackText{{"mrkdwn", strings.Join(links, " · "), true}}})
	}
	return message
}

// slackProse is the prose as Slack writes it, which may be longer than the Markdown that it comes from.
func (c chat) slackProse() string {
	for most := slackSection; ; most = most * 2 / 3 {
		if text := mrkdwn(c.prose(most)); len([]rune(text)) <= slackSection {
			return text
		}
	}
}

// slackDate is a time that Slack shows in the reader's zone.
func slackDate(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty}, {time}|%s>", t.Unix(), t.UTC().Format("Jan 2, 2006, 15:04 UTC"))
}

func slackLink(to, name string) string {
	if to == "" {
		return slackEscape(name)
	}
	return "<" + slackEscape(to) + "|" + slackEscape(name) + ">"
}

// slackEscape keeps a text from holding anything that Slack reads as a command, such as a mention of everybody.
func slackEscape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// What Markdown and mrkdwn write in different ways.
var (
	slackLinks   = regexp.MustCompile(`\[([^\]\n]+)\]\((https?://[^\s()|]+)\)|https?://(?:[^\s|*&]|&amp;)*(?:[^\s|*&_~.,;:!?)]|&amp;)`)
	slackQuotes  = regexp.MustCompile(`(?m)^&gt; ?`)
	slackHeads   = regexp.MustCompile(`(?m)^ {0,3}#{1,6} +(.+?) *#*$`)
	slackBullets = regexp.MustCompile(`(?m)^( *)[-*+] +`)
	slackBold    = regexp.MustCompile(`\*\*([^*\n]+)\*\*|__([^_\n]+)__`)
	slackStrikes = regexp.MustCompile(`~~([^~\n]+)~~`)
)

// mrkdwn turns Markdown into what Slack shows: what people write most looks right, and what Slack has no form for stands as it was
// written.
func mrkdwn(markdown string) string {
	text := slackEscape(markdown)
	text = slackQuotes.ReplaceAllString(text, "> ")
	text = slackHeads.ReplaceAllString(text, "*$1*")
	text = slackBullets.ReplaceAllString(text, "$1• ")
	text = slackBold.ReplaceAllString(text, "*$1$2*")
	text = slackStrikes.ReplaceAllString(text, "~$1~")
	return slackLinks.ReplaceAllStringFunc(text, func(found string) string {
		if parts := slackLinks.FindStringSubmatch(found); parts[1] != "" {
			return "<" + parts[2] + "|" + parts[1] + ">"
		}
		return "<" + found + ">"
	})
}
