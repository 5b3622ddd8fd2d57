package status

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template/parse"
	"time"
)

// Placeholders are the values that a text may ask for, already in words: {{ .Window }} is Window, and so on.
type Placeholders struct {
	// Window is the announced span as [WindowText] writes it.
	Window string
	// Start and End are its two ends, and Duration its length.
	Start, End, Duration string
	// Title is the maintenance's, Page the organisation's name.
	Title, Page string
	// Affected is the sentence of components, as the report has it.
	Affected string
	// Estimate is the end as now expected.
	Estimate string
}

// placeholderNames are the fields of Placeholders, as hints list them.
var placeholderNames = []string{"Window", "Start", "End", "Duration", "Title", "Page", "Affected", "Estimate"}

func (p Placeholders) value(name string) (string, bool) {
	switch name {
	case "Window":
		return p.Window, true
	case "Start":
		return p.Start, true
	case "End":
		return p.End, true
	case "Duration":
		return p.Duration, true
	case "Title":
		return p.Title, true
	case "Page":
		return p.Page, true
	case "Affected":
		return p.Affected, true
	case "Estimate":
		return p.Estimate, true
	}
	return "", false
}

// mostPlaceholders bounds what a text may ask for, and with it how deep the parser can be made to go.
const mostPlaceholders = 1000

// Expand replaces the placeholders of a text by their values, so that text and schedule cannot disagree.
//
// A placeholder is the name of a field of [Placeholders] between double braces, such as {{ .Window }}; a hyphen beside
// the braces trims the space there, as in Go's templates. Two braces themselves are written {{ "{{" }}. Everything
// else between double braces (pipes, conditions, loops, definitions, functions, comments) is refused with its line
// and the nearest known placeholder: a text is a sentence, not a program. A value is inserted as it is and is not
// looked through again. A value that is not known yet is empty and leaves nothing behind.
func Expand(text string, with Placeholders) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	if n := strings.Count(text, "{{"); n > mostPlaceholders {
		return "", &Invalid{Rule: fmt.Sprintf("must hold at most %d placeholders, not %d", mostPlaceholders, n)}
	}
	const name = "text"
	tree := parse.New(name)
	// Functions are refused below, with a better sentence; comments must be seen to be refused.
	tree.Mode = parse.SkipFuncCheck | parse.ParseComments
	all := make(map[string]*parse.Tree)
	if _, err := tree.Parse(text, "", "", all); err != nil {
		return "", unreadable(err)
	}
	for defined, other := range all {
		if other != tree {
			return "", refused(lineOf(text, "define", "block"), "a definition of "+quote(defined), "")
		}
	}
	var b strings.Builder
	for _, node := range tree.Root.Nodes {
		s, err := expandNode(tree, node, with)
		if err != nil {
			return "", err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// expandNode is the text of one node of a parsed text.
func expandNode(tree *parse.Tree, node parse.Node, with Placeholders) (string, error) {
	if text, is := node.(*parse.TextNode); is {
		return string(text.Text), nil
	}
	line := lineOfNode(tree, node)
	action, is := node.(*parse.ActionNode)
	if !is || len(action.Pipe.Decl) > 0 || len(action.Pipe.Cmds) != 1 || len(action.Pipe.Cmds[0].Args) != 1 {
		return "", refused(line, firstLine(node.String()), "")
	}
	switch arg := action.Pipe.Cmds[0].Args[0].(type) {
	case *parse.StringNode:
		return arg.Text, nil
	case *parse.FieldNode:
		if len(arg.Ident) == 1 {
			if value, known := with.value(arg.Ident[0]); known {
				return value, nil
			}
		}
		return "", refused(line, "{{ "+firstLine(arg.String())+" }}", arg.Ident[0])
	case *parse.IdentifierNode:
		return "", refused(line, "{{ "+firstLine(arg.Ident)+" }}", arg.Ident)
	}
	return "", refused(line, firstLine(node.String()), "")
}

// refused says that what stands on a line is not a placeholder, and which one may have been meant by the word.
func refused(line int, what, word string) *Invalid {
	rule := fmt.Sprintf("line %d: %s is not a placeholder", line, what)
	if near := Nearest(word, placeholderNames); near != "" {
		return &Invalid{Rule: rule + ": did you mean {{ ." + near + " }}?"}
	}
	return &Invalid{Rule: rule + `: there are {{ .` + strings.Join(placeholderNames, " }}, {{ .") +
		` }}; two braces themselves are written {{ "{{" }}`}
}

// parseFault is how text/template/parse words an error: "template: NAME:LINE: MESSAGE".
var parseFault = regexp.MustCompile(`(?s)^template: \w+:(\d+)(?::\d+)?: (.*)$`)

// unreadable turns an error of the parser into one that a writer of texts understands.
func unreadable(err error) *Invalid {
	found := parseFault.FindStringSubmatch(err.Error())
	if found == nil {
		return &Invalid{Rule: "cannot be read: a placeholder is written {{ .Window }}"}
	}
	return &Invalid{Rule: fmt.Sprintf("line %s: %s: a placeholder is written {{ .Window }}, two braces themselves {{ %q }}",
		found[1], firstLine(found[2]), "{{")}
}

// lineOfNode asks the tree where the node stands; the tree answers "NAME:LINE:COLUMN".
func lineOfNode(tree *parse.Tree, node parse.Node) int {
	location, _ := tree.ErrorContext(node)
	parts := strings.Split(location, ":")
	if len(parts) < 2 {
		return 1
	}
	line, err := strconv.Atoi(parts[1])
	if err != nil {
		return 1
	}
	return line
}

// lineOf is the line of the first of the given keywords that follows two braces.
func lineOf(text string, keywords ...string) int {
	open := regexp.MustCompile(`\{\{(?:- )?\s*(?:` + strings.Join(keywords, "|") + `)\b`)
	if at := open.FindStringIndex(text); at != nil {
		return 1 + strings.Count(text[:at[0]], "\n")
	}
	return 1
}

// firstLine keeps a message on one line and short.
func firstLine(s string) string {
	const most = 60
	s, _, cut := strings.Cut(s, "\n")
	if r := []rune(s); len(r) > most {
		s, cut = string(r[:most]), true
	}
	if cut {
		s += "…"
	}
	return s
}

// WindowText is a window as readers see it: "Jan 15, 2027, 06:00 to 07:00 UTC", with both days when it ends on
// another one, and with both names of the zone when its offset changes in between.
//
// Zones without letters of their own are named by their offset: "UTC+3". No zone is UTC.
func WindowText(w Window, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	const day, clock = "Jan 2, 2006, ", "15:04"
	start, end := w.Start.In(zone), w.End.In(zone)
	from, to := zoneName(start), zoneName(end)
	_, fromOffset := start.Zone()
	_, toOffset := end.Zone()
	if fromOffset != toOffset && from == to {
		from, to = offsetName(fromOffset), offsetName(toOffset)
	}
	var b strings.Builder
	b.WriteString(start.Format(day + clock))
	if from != to {
		b.WriteString(" " + from)
	}
	b.WriteString(" to ")
	if DateOf(start) != DateOf(end) {
		b.WriteString(end.Format(day))
	}
	b.WriteString(end.Format(clock) + " " + to)
	return b.String()
}

// zoneName is the zone's abbreviation at t, or its offset where the zone has only numbers for one.
func zoneName(t time.Time) string {
	name, offset := t.Zone()
	if name == "" || name[0] == '+' || name[0] == '-' {
		return offsetName(offset)
	}
	return name
}

// offsetName is an offset from UTC in seconds as readers see it: "UTC", "UTC+3", "UTC-3:30".
func offsetName(seconds int) string {
	if seconds == 0 {
		return "UTC"
	}
	sign := "+"
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	hours, minutes := seconds/3600, seconds%3600/60
	if minutes == 0 {
		return fmt.Sprintf("UTC%s%d", sign, hours)
	}
	return fmt.Sprintf("UTC%s%d:%02d", sign, hours, minutes)
}

// Nearest is the known word that was most likely meant by a mistyped one, or "" when none is near enough to be
// worth a question. Case does not matter; a missing, extra, wrong or exchanged letter counts one; the beginning of
// a known word, of three letters or more, is near it.
func Nearest(word string, known []string) string {
	const longest = 64 // nobody mistypes that much, and the work stays small
	typed := []rune(strings.ToLower(word))
	if len(typed) == 0 || len(typed) > longest {
		return ""
	}
	best, least := "", longest
	for _, candidate := range known {
		meant := []rune(strings.ToLower(candidate))
		limit := 1 + max(len(typed), len(meant))/4
		distance := editDistance(typed, meant)
		if len(typed) >= 3 && strings.HasPrefix(string(meant), string(typed)) {
			distance = min(distance, limit)
		}
		// Something must be left of the word: "ab" is not near "xy".
		if distance <= limit && distance < len(typed) && distance < least {
			best, least = candidate, distance
		}
	}
	return best
}

// editDistance counts the single letters to insert, delete, replace or exchange with their neighbour that lead from
// a to b (optimal string alignment).
func editDistance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(replace, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
