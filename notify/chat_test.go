package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

var chats = []Channel{Slack, Teams, Discord}

// post is what an endpoint is sent.
func post(t testing.TB, by Channel, n *Notice) []byte {
	t.Helper()
	to := Recipient{N: 9, ID: "sub9", Channel: by, Address: "https://hooks.example.com/secret", Chosen: true}
	body, err := writer.Post(Delivery{Notice: n.N, To: to, By: by}, n)
	if err != nil {
		t.Fatalf("write %s for %s: %v", n.Kind, by, err)
	}
	return body
}

func TestChatsReadAsTheyShould(t *testing.T) {
	for name, n := range everything(t) {
		if n.Kind == Link || n.Kind == Stopped {
			continue // they go by mail
		}
		var b bytes.Buffer
		for _, by := range append([]Channel{Webhook}, chats...) {
			if by == Webhook && !n.Kind.Personal() {
				continue // its payload is that of events
			}
			fmt.Fprintf(&b, "%s\n", by)
			if err := json.Indent(&b, post(t, by, n), "", "  "); err != nil {
				t.Fatal(err)
			}
			b.WriteString("\n")
		}
		golden(t, name+".chat", b.String())
	}
}

// readBack gives a message back as its chat reads it.
func readBack[T any](t testing.TB, by Channel, n *Notice) (message T) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(post(t, by, n)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&message); err != nil {
		t.Fatal(err)
	}
	return message
}

func TestChatsStayWithinTheirLimits(t *testing.T) {
	texts := map[string]string{"quotes": strings.Repeat(`"\<&> `, 3000), "letters of four bytes": strings.Repeat("🚧", 9000)}
	for name, text := range hostile {
		texts[name] = text
	}
	for name, text := range texts {
		n := vandalised(t, text)
		for _, b := range readBack[slackMessage](t, Slack, n).Blocks {
			all := append([]slackText{}, b.Fields...)
			all = append(all, b.Elements...)
			most := 2000
			if b.Text != nil {
				all = append(all, *b.Text)
				most = map[string]int{"header": 150, "section": 3000}[b.Type]
			}
			for _, s := range all {
				if got := utf8.RuneCountInString(s.Text); got > most || got == 0 {
					t.Errorf("%s: got %d characters in a %s of Slack, want 1 to %d", name, got, b.Type, most)
				}
			}
		}
		if got := len(post(t, Teams, n)); got > 28<<10 {
			t.Errorf("%s: got %d bytes for Teams, want at most %d", name, got, 28<<10)
		}
		embed := readBack[discordMessage](t, Discord, n).Embeds[0]
		length := func(s string) int { return len(utf16.Encode([]rune(s))) }
		whole := length(embed.Title) + length(embed.Description) + length(embed.Footer.Text)
		for _, f := range embed.Fields {
			whole += length(f.Name) + length(f.Value)
		}
		if whole > 6000 || utf8.RuneCountInString(embed.Title) > 256 || length(embed.Description) > 4096 {
			t.Errorf("%s: got a message of %d characters for Discord, with a title of %d and a text of %d", name, whole, len(embed.Title), len(embed.Description))
		}
	}
}

func TestNobodyIsMentioned(t *testing.T) {
	n := vandalised(t, hostile["a mention"])
	for _, b := range readBack[slackMessage](t, Slack, n).Blocks {
		texts := append([]slackText{}, b.Fields...)
		texts = append(texts, b.Elements...)
		if b.Text != nil {
			texts = append(texts, *b.Text)
		}
		for _, s := range texts {
			for _, command := range strings.Split(s.Text, "<")[1:] {
				if !strings.HasPrefix(command, "!date^") && !strings.HasPrefix(command, "https://status.northwind.example/") {
					t.Errorf("got a command <%s in %q", command, s.Text)
				}
			}
			if s.Type == "mrkdwn" && !s.Verbatim {
				t.Errorf("got a text that Slack looks for mentions in: %q", s.Text)
			}
		}
	}
	if got := readBack[slackMessage](t, Slack, n).Text; strings.ContainsAny(got, "<>") {
		t.Errorf("got %q for notifications of Slack, want nothing that is a command", got)
	}
	if parse := readBack[discordMessage](t, Discord, n).Mentions.Parse; parse == nil || len(parse) != 0 {
		t.Errorf("got mentions of %v allowed in Discord, want an empty list", parse)
	}
	if body := post(t, Teams, n); bytes.Contains(body, []byte(`"entities"`)) {
		t.Errorf("got entities, by which Teams mentions people, in %s", body)
	}
}

func TestSlackReadsWhatPeopleWriteInMarkdown(t *testing.T) {
	for markdown, want := range map[string]string{
		"**bold** and __bold__":               "*bold* and *bold*",
		"## What we do ##":                    "*What we do*",
		"- one\n* two\n  + three":             "• one\n• two\n  • three",
		"[list](https://example.com/?a=1&b)":  "<https://example.com/?a=1&amp;b|list>",
		"See https://example.com/a.":          "See <https://example.com/a>.",
		"<https://example.com/a>":             "&lt;<https://example.com/a>&gt;",
		"[x](javascript:alert)":               "[x](javascript:alert)",
		"https://example.com/a_b/~ada?x=1&y":  "<https://example.com/a_b/~ada?x=1&amp;y>",
		"**https://example.com/**":            "*<https://example.com/>*",
		"~~not so~~":                          "~not so~",
		"> said\n\n1 > 0 && 0 < 1":            "> said\n\n1 &gt; 0 &amp;&amp; 0 &lt; 1",
		"<!channel> <@U1> <#C1> <!subteam^S>": "&lt;!channel&gt; &lt;@U1&gt; &lt;#C1&gt; &lt;!subteam^S&gt;",
		"[a](https://x.example/|<!channel>)":  "[a](<https://x.example/>|&lt;!channel&gt;)",
	} {
		if got := mrkdwn(markdown); got != want {
			t.Errorf("got %q for %q, want %q", got, markdown, want)
		}
	}
}

func TestAChatOnAPageWithoutAnAddressHasNoLinks(t *testing.T) {
	for name, n := range everything(t) {
		n.Page.URL = ""
		for _, by := range chats {
			body := strings.NewReplacer("https://example.com/list", "elsewhere", "http://adaptivecards.io", "").Replace(string(post(t, by, n)))
			for _, broken := range []string{"http", "<|", `"url":""`, "]()", manageName, detailName} {
				if strings.Contains(body, broken) {
					t.Errorf("%s by %s: got %q in %s", name, by, broken, body)
				}
			}
		}
	}
}
