package notify

import (
	"strings"
	"unicode/utf8"

	"example.org/interlude/mail"
)

// widest is how long lines of a text are, as most people who read mail as text have it. Addresses may be longer.
const widest = 72

// text is the letter for those who read text: what happened first, then when, what was said, and how to end it.
func (l letter) text() string {
	var b strings.Builder
	part := func(lines ...string) {
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		for _, line := range lines {
			b.WriteString(line + "\n")
		}
	}
	part(heading(l.Headline, l.Title)...)
	for _, r := range l.Rows {
		part(append([]string{r.Zone}, l.times(r)...)...)
	}
	for _, says := range l.Says {
		part(fold(says))
	}
	if l.Body != "" {
		part(fold(l.Body))
	}
	if len(l.Facts) > 0 {
		part(listed("", l.Facts)...)
	}
	if len(l.Promises) > 0 {
		part(append([]string{promisesName + ":"}, listed("- ", l.Promises)...)...)
	}
	if l.Affected != "" {
		part(fold(l.Affected))
	}
	if l.Act.Text != "" {
		part(l.Act.Name+":", l.Act.Text)
	}
	l.foot(part)
	return b.String()
}

// promisesName stands above what each audience experiences.
const promisesName = "What you will experience"

func heading(lines ...string) []string {
	var all []string
	for _, line := range lines {
		if line != "" {
			all = append(all, fold(line))
		}
	}
	return all
}

// times are the spans of a row, with their names in one column.
func (l letter) times(r row) []string {
	width := 0
	for _, s := range l.Spans {
		width = max(width, len(s.Name)+2)
	}
	var lines []string
	for i, s := range l.Spans {
		name := ""
		if s.Name != "" {
			name = s.Name + ":" + strings.Repeat(" ", width-len(s.Name)-1)
		}
		lines = append(lines, "  "+name+r.Texts[i])
	}
	return lines
}

func listed(mark string, facts []fact) []string {
	var lines []string
	for _, f := range facts {
		lines = append(lines, fold(mark+f.Name+": "+f.Text))
	}
	return lines
}

// foot says why the mail came, after the line by which mail programs know a signature.
func (l letter) foot(part func(...string)) {
	lines := []string{"-- ", l.Page}
	if l.Why != "" {
		lines = append(lines, fold(l.Why))
	}
	for _, link := range l.Links {
		lines = append(lines, link.Name+": "+link.Text)
	}
	part(lines...)
}

// fold breaks long lines between words, and puts what follows below the text of its item. Code and tables stay as they are.
func fold(text string) string {
	lines := strings.Split(text, "\n")
	fenced := false
	for i, line := range lines {
		bare := strings.TrimLeft(line, " ")
		fence := strings.HasPrefix(bare, "```") || strings.HasPrefix(bare, "~~~")
		if fence {
			fenced = !fenced
		}
		if !fence && !fenced && !strings.HasPrefix(line, "    ") && !strings.HasPrefix(line, "\t") && !strings.HasPrefix(bare, "|") {
			lines[i] = foldLine(line, hanging(line))
		}
	}
	return strings.Join(lines, "\n")
}

// hanging is what the further lines of an item begin with: its marker as blanks, or the mark of a quotation again.
func hanging(line string) string {
	blanks := len(line) - len(strings.TrimLeft(line, " "))
	switch mark, rest, _ := strings.Cut(line[blanks:], " "); {
	case rest == "":
	case mark == ">":
		return line[:blanks] + "> "
	case mark == "-", mark == "*", mark == "+", len(mark) <= 3 && strings.HasSuffix(mark, ".") && strings.Trim(mark, "0123456789") == ".":
		return strings.Repeat(" ", blanks+len(mark)+1)
	}
	return line[:blanks]
}

func foldLine(line, indent string) string {
	if widthOf(line) <= widest {
		return line
	}
	blanks := line[:len(line)-len(strings.TrimLeft(line, " "))]
	var b strings.Builder
	used := 0
	for i, word := range strings.Fields(line) {
		width := widthOf(word)
		switch {
		case i == 0:
			b.WriteString(blanks)
			used = len(blanks)
		case used+1+width > widest:
			b.WriteString("\n" + indent)
			used = len(indent)
		default:
			b.WriteString(" ")
			used++
		}
		b.WriteString(word)
		used += width
	}
	return b.String()
}

// widthOf counts letters. A personal value is not known yet, and counted as a long one.
func widthOf(text string) int {
	const value = 26
	letters := utf8.RuneCountInString(mail.WithoutSlots(text))
	return letters + value*(utf8.RuneCountInString(text)-letters)
}
