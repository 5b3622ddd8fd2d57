package page

import (
	"strings"

	"github.com/a-h/templ"
)

// styleElement is the style sheet as each page has it. What stands between its tags is what the policy names by hash.
var styleElement = "<style>" + styleSheet + "</style>"

// The shapes of the page's icon in the reader's tabs, one for each tone: they differ without their colours too.
var favicons = map[string]templ.SafeURL{
	toneOK:          icon("<circle cx='8' cy='8' r='8' fill='#3fa672'/>", "m4.6 8.3 2.4 2.3 4.4-4.8"),
	toneDegraded:    icon("<circle cx='8' cy='8' r='8' fill='#c98a06'/>", "M4.5 8h7"),
	tonePartial:     icon("<path d='m8 0 8 15H0z' fill='#db6424'/>", "M8 5.5v4M8 12v.3"),
	toneMajor:       icon("<path d='M4.7 0h6.6L16 4.7v6.6L11.3 16H4.7L0 11.3V4.7z' fill='#cf3438'/>", "m5.2 5.2 5.6 5.6m0-5.6-5.6 5.6"),
	toneMaintenance: icon("<rect width='16' height='16' rx='4' fill='#3a78dd'/>", "M6 5v6m4-6v6"),
	toneNone:        icon("<circle cx='8' cy='8' r='8' fill='#8b93a3'/>", "M5 8h6"),
}

// icon is a picture within its own address, so that showing it asks nothing of the server.
func icon(ground, sign string) templ.SafeURL {
	svg := "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>" + ground + "<path d='" + sign +
		"' fill='none' stroke='#fff' stroke-width='2' stroke-linecap='round' stroke-linejoin='round'/></svg>"
	return templ.SafeURL("data:image/svg+xml," + strings.NewReplacer("<", "%3C", ">", "%3E", "#", "%23").Replace(svg))
}

func favicon(tone string) templ.SafeURL {
	if url, ok := favicons[tone]; ok {
		return url
	}
	return favicons[toneNone]
}
