package notify

import "example.org/interlude/status"

// teamsProse bounds the text, so that the message stays below the 28 KB that Teams takes, whatever the letters are.
const teamsProse = 4000

// teamsBlock is an element of an adaptive card.
type teamsBlock struct {
	Type   string      `json:"type"`
	Text   string      `json:"text,omitempty"`
	Wrap   bool        `json:"wrap,omitempty"`
	Size   string      `json:"size,omitempty"`
	Weight string      `json:"weight,omitempty"`
	Color  string      `json:"color,omitempty"`
	Facts  []teamsFact `json:"facts,omitempty"`
}

type teamsFact struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

type teamsAction struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

type teamsCard struct {
	Schema       string        `json:"$schema"`
	Type         string        `json:"type"`
	Version      string        `json:"version"`
	FallbackText string        `json:"fallbackText"`
	Body         []teamsBlock  `json:"body"`
	Actions      []teamsAction `json:"actions,omitempty"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	Content     teamsCard `json:"content"`
}

type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

// teamsColors are the tones as cards know them.
var teamsColors = map[tone]string{planned: "Accent", late: "Warning", good: "Good", fault: "Attention"}

// teams is the message for a workflow of Microsoft Teams, which takes adaptive cards.
func (c chat) teams() teamsMessage {
	card := teamsCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		FallbackText: c.summary(),
		Body:         []teamsBlock{{Type: "TextBlock", Text: c.Headline, Wrap: true, Size: "Large", Weight: "Bolder", Color: teamsColors[c.Tone]}},
	}
	if c.Title != "" {
		card.Body = append(card.Body, teamsBlock{Type: "TextBlock", Text: c.Title, Wrap: true, Weight: "Bolder"})
	}
	var facts []teamsFact
	c.windows(func(name string, _ status.Window, texts []string) {
		for i, text := range texts {
			facts = append(facts, teamsFact{name + " (" + c.Rows[i].Zone + ")", text})
		}
	})
	if len(facts) > 0 {
		card.Body = append(card.Body, teamsBlock{Type: "FactSet", Facts: facts})
	}
	if text := c.prose(teamsProse); text != "" {
		card.Body = append(card.Body, teamsBlock{Type: "TextBlock", Text: text, Wrap: true})
	}
	for _, link := range []fact{{detailName, c.Report}, {manageName, c.Manage}} {
		if link.Text != "" {
			card.Actions = append(card.Actions, teamsAction{"Action.OpenUrl", link.Name, link.Text})
		}
	}
	return teamsMessage{"message", []teamsAttachment{{"application/vnd.microsoft.card.adaptive", card}}}
}
