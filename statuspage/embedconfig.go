package statuspage

import (
	"net/http"
	"regexp"
	"strings"

	"example.org/interlude/access"
)

const embedConfigPath = "/pages/{page_id}/status_embed_config"

func embedConfigRoutes() []route {
	const tag = "status embed config"
	return []route{
		{
			id: "get-status-embed-config", tag: tag, summary: "How the box for other sites looks", method: http.MethodGet, path: embedConfigPath,
			about: "The colours are those that readers see by day; the box has others by night.",
			scope: access.Read, answer: StatusEmbedConfig{}, do: (*call).getEmbedConfig,
		},
		{
			id: "update-status-embed-config", tag: tag, summary: "Say how the box for other sites looks", method: http.MethodPatch,
			path: embedConfigPath, about: "The box has one place and one set of colours: whoever says something else of it is refused. PUT does the same.",
			scope: access.Administer, body: embedConfigBody{}, wrapped: "status_embed_config", answer: StatusEmbedConfig{},
			do: (*call).updateEmbedConfig,
		},
	}
}

// StatusEmbedConfig is how the box that other sites take in looks.
type StatusEmbedConfig struct {
	PageID                string `json:"page_id"`
	Position              string `json:"position"`
	IncidentBackground    string `json:"incident_background_color"`
	IncidentText          string `json:"incident_text_color"`
	MaintenanceBackground string `json:"maintenance_background_color"`
	MaintenanceText       string `json:"maintenance_text_color"`
}

// embedConfigBody is what clients say of it.
type embedConfigBody struct {
	Position              *string `json:"position" example:"bottom-right" doc:"The corner of the other site: bottom-right"`
	IncidentBackground    *string `json:"incident_background_color" doc:"The colour behind an incident, as #rgb or #rrggbb: #ffffff"`
	IncidentText          *string `json:"incident_text_color" doc:"The colour of an incident's words: #15181e"`
	MaintenanceBackground *string `json:"maintenance_background_color" doc:"The colour behind a maintenance: #ffffff"`
	MaintenanceText       *string `json:"maintenance_text_color" doc:"The colour of a maintenance's words: #15181e"`
}

// embedPositions are the corners that Statuspage knows.
var embedPositions = []string{"top-left", "top-right", "bottom-left", "bottom-right"}

// colour is how a colour is written; the sharp may be missing.
var colour = regexp.MustCompile(`^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$`)

// embedConfig is what the box of package page is: its corner, and its paper and ink by day.
func (v view) embedConfig() StatusEmbedConfig {
	const paper, ink = "#ffffff", "#15181e"
	return StatusEmbedConfig{
		PageID: v.p.Page.ID, Position: "bottom-right",
		IncidentBackground: paper, IncidentText: ink, MaintenanceBackground: paper, MaintenanceText: ink,
	}
}

func (c *call) getEmbedConfig() (any, error) { return c.view().embedConfig(), nil }

func (c *call) updateEmbedConfig() (any, error) {
	b, err := bound[embedConfigBody](c, "status_embed_config")
	if err != nil {
		return nil, err
	}
	is := c.view().embedConfig()
	var rules []string
	if where := given(b.Position); where != "" {
		if err := oneOf("position", where, embedPositions...); err != nil {
			return nil, err
		}
		if where != is.Position {
			rules = append(rules, "position cannot be honoured: the box stands at the "+is.Position)
		}
	}
	for _, one := range []struct {
		name  string
		asked *string
		is    string
	}{
		{"incident_background_color", b.IncidentBackground, is.IncidentBackground},
		{"incident_text_color", b.IncidentText, is.IncidentText},
		{"maintenance_background_color", b.MaintenanceBackground, is.MaintenanceBackground},
		{"maintenance_text_color", b.MaintenanceText, is.MaintenanceText},
	} {
		asked := strings.ToLower(given(one.asked))
		switch {
		case asked == "":
		case !colour.MatchString(asked):
			rules = append(rules, one.name+" must be a colour such as #fff or #15181e, not \""+asked+"\"")
		case long(asked) != one.is:
			rules = append(rules, one.name+" cannot be honoured: the box has colours of its own, by day and by night, and it is "+one.is)
		}
	}
	if len(rules) > 0 {
		return nil, unprocessable(rules...)
	}
	return is, nil
}

// long is a colour with a sharp and six digits.
func long(colour string) string {
	digits := strings.TrimPrefix(colour, "#")
	if len(digits) == 3 {
		digits = strings.Repeat(digits[:1], 2) + strings.Repeat(digits[1:2], 2) + strings.Repeat(digits[2:], 2)
	}
	return "#" + digits
}
