package notify

import (
	"strings"

	"github.com/a-h/templ"
)

// shade is how a tone looks: the colour of words, the wash behind times and the edge of the card, and the first two in the dark.
type shade struct{ ink, wash, edge, darkInk, darkWash string }

// shades are those of the page. Words keep at least 4.5 to 1 to what is behind them (WCAG 2.2, 1.4.3).
var shades = map[tone]shade{
	quiet:   {"#5a6170", "#f3f4f7", "#8b93a3", "#9ea6b4", "#191d24"},
	planned: {"#1d56b4", "#eaf1fd", "#3a78dd", "#8db8ff", "#14233d"},
	late:    {"#7d5600", "#fdf4dc", "#c98a06", "#eebf5c", "#2a2110"},
	good:    {"#17693f", "#e9f6ee", "#3fa672", "#6fd3a0", "#11261d"},
	fault:   {"#ab1f24", "#fdebea", "#cf3438", "#ff8f8c", "#321517"},
}

// sheet is the style sheet of a letter: what elements cannot say of themselves, what operators write, phones, and the dark.
func (t tone) sheet() string {
	const sheet = `<style>
.t{table-layout:fixed}
.t th,.t td{text-align:left;vertical-align:top}
.t th{padding:14px 14px 0 20px;font-size:14px;color:#5a6170}
.t tbody th{font-weight:400}
.t td{padding:0 14px 14px 20px;font-weight:600}
.t td:not(:last-child){font-weight:400}
.t tbody+tbody th{padding-top:0}
.t td+td,.t th+th{padding-left:0}
.b>*{margin:0 0 16px}
.b>ul,.b>ol{padding-left:20px}
.b>blockquote{padding-left:14px;border-left:3px solid}
.b pre{white-space:pre-wrap}
.b a{color:inherit}
.g{overflow-wrap:anywhere}
@media(max-width:480px){.c{padding:22px 16px!important}.t th{padding-left:14px}.t td{padding:0 10px 12px 14px;font-size:15px}}
@media(prefers-color-scheme:dark){.g{background:#0f1217!important}.c{background:#151920!important;color:#e9ecf1!important}.s,.t th{color:#9ea6b4!important}.h{color:INK!important}.t{background:WASH!important}.a{background:#e9ecf1!important;color:#15181e!important}}
</style>`
	return strings.NewReplacer("INK", shades[t].darkInk, "WASH", shades[t].darkWash).Replace(sheet)
}

// letters are what texts are set in: a face that the reader's machine has.
const letters = "-apple-system,Segoe UI,Roboto,Arial,sans-serif"

const footStyle = templ.SafeCSS("padding:20px 4px;text-align:left;color:#5a6170;font:14px/1.55 " + letters)

func (t tone) card() templ.SafeCSS {
	return templ.SafeCSS("padding:28px 32px;border-top:4px solid " + shades[t].edge +
		";border-radius:12px;background:#fff;text-align:left;color:#15181e;font:16px/1.55 " + letters)
}

func (l letter) headline() templ.SafeCSS {
	below := "4px"
	if l.Title == "" {
		below = "16px"
	}
	return templ.SafeCSS("margin:0 0 " + below + ";font-size:24px;line-height:1.25;color:" + shades[l.Tone].ink)
}

func (t tone) times() templ.SafeCSS {
	return templ.SafeCSS("margin:0 0 20px;border-radius:10px;background:" + shades[t].wash)
}
