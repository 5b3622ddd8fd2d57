package notify

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/mail"
	"example.org/interlude/status"
)

func TestMailsReadAsTheyShould(t *testing.T) {
	for name, n := range everything(t) {
		r := open(t, sent(t, writer, n, recipient(n)))
		var b strings.Builder
		for _, key := range slices.Sorted(maps.Keys(r.Header)) {
			if !strings.HasPrefix(key, "Content-") {
				b.WriteString(key + ": " + r.Header[key] + "\n")
			}
		}
		// The end of a line would be lost where editors trim it.
		golden(t, name+".mail", b.String()+"\n"+strings.ReplaceAll(r.Text, "\n-- \n", "\n--\n"))
	}
}

func TestTwoReadersFindTheSameInAMail(t *testing.T) {
	for name, n := range everything(t) {
		message := sent(t, writer, n, recipient(n))
		ours, theirs := open(t, message), asked(t, message)
		canonical := make(map[string]string)
		for key, value := range theirs.Header {
			canonical[key] = value
		}
		ours.Header["Message-ID"], ours.Header["MIME-Version"], ours.Header["List-ID"] = ours.Header["Message-Id"], ours.Header["Mime-Version"], ours.Header["List-Id"]
		for key, value := range canonical {
			if got := ours.Header[key]; got != value && !strings.EqualFold(key, "From") {
				t.Errorf("%s: got %s %q from one reader and %q from the other", name, key, got, value)
			}
		}
		ours.Header, theirs.Header = nil, nil
		if diff := cmp.Diff(ours, theirs); diff != "" {
			t.Errorf("%s: readers differ (-standard library +Python):\n%s", name, diff)
		}
	}
}

func TestOneMaintenanceIsOneConversation(t *testing.T) {
	const root = "<id7.sub7@northwind.example>"
	seen := make(map[string]bool)
	for i, n := range story(t) {
		message := sent(t, writer, n, recipient(n))
		if again := sent(t, writer, n, recipient(n)); string(again) != string(message) {
			t.Errorf("%s: got another message the second time, want the same", n.Kind)
		}
		r := open(t, message)
		if got, want := r.Header["Subject"], "[Northwind] Scheduled database maintenance"; got != want {
			t.Errorf("%s: got the subject %q, want %q", n.Kind, got, want)
		}
		id, answers := r.Header["Message-Id"], r.Header["References"]
		switch {
		case seen[id]:
			t.Errorf("%s: got the Message-ID %s a second time", n.Kind, id)
		case i == 0 && (id != root || answers != ""):
			t.Errorf("got %s, answering %q, for the first message, want %s, answering nothing", id, answers, root)
		case i > 0 && (answers != root || r.Header["In-Reply-To"] != root):
			t.Errorf("%s: got an answer to %q, want %s", n.Kind, answers, root)
		}
		seen[id] = true
	}
	other := recipient(&Notice{})
	other.ID = "sub9"
	if id := open(t, sent(t, writer, story(t)[0], other)).Header["Message-Id"]; id == root {
		t.Errorf("got %s for somebody else too, want another", id)
	}
}

func TestTheCalendarPartComesWithWhatMovesTheEntry(t *testing.T) {
	var with []Kind
	for _, n := range append(story(t), canceled(t)) {
		r := open(t, sent(t, writer, n, recipient(n)))
		if r.Calendar == "" {
			continue
		}
		with = append(with, n.Kind)
		method := "PUBLISH"
		if n.Kind == Kind(status.CalledOff) {
			method = "CANCEL"
		}
		if r.Method != method || !strings.Contains(r.Calendar, "METHOD:"+method+"\n") || !strings.Contains(r.Calendar, "UID:id7@interlude\n") {
			t.Errorf("%s: got the method %q, want %s for the entry id7@interlude, both in\n%s", n.Kind, r.Method, method, r.Calendar)
		}
	}
	want := []Kind{Kind(status.Announced), Kind(status.Changed), Kind(status.Reminded), Kind(status.Extended), Kind(status.CalledOff)}
	if !slices.Equal(with, want) {
		t.Errorf("got calendar parts with %v, want %v", with, want)
	}
}

func TestALinkDoesWhatItSays(t *testing.T) {
	link := func(text, name, end string) string {
		_, text, _ = strings.Cut(text, name)
		_, text, _ = strings.Cut(text, "https://status.northwind.example/subscriptions/")
		token, _, _ := strings.Cut(text, end)
		return token
	}
	for name, n := range everything(t) {
		to := recipient(n)
		r := open(t, sent(t, writer, n, to))
		opens := func(p Purpose, token string) {
			if id, err := writer.Keys.Open(p, token); err != nil || id != to.ID {
				t.Errorf("%s: got a token %q that opens %q to %s (%v), want %s", name, token, id, p, err, to.ID)
			}
		}
		unsubscribe, oneClick := r.Header["List-Unsubscribe"], r.Header["List-Unsubscribe-Post"]
		switch n.Kind {
		case Test, Confirm:
			if unsubscribe != "" {
				t.Errorf("%s: got a way to unsubscribe %q for somebody who is not subscribed", name, unsubscribe)
			}
			if n.Kind == Confirm {
				opens(ToConfirm, link(r.Text, "Confirm the subscription:", "/confirm\n"))
			}
			continue
		case Link:
			opens(ToManage, link(r.Text, "Change the subscription:", "\n"))
		case Stopped:
			opens(ToManage, link(r.Text, "See the subscription:", "\n"))
		default:
			opens(ToManage, link(r.Text, "Change what you are told of:", "\n"))
			opens(ToManage, link(r.HTML, `class="s"`, `"`))
		}
		opens(ToLeave, link(r.Text, "Unsubscribe:", "/unsubscribe\n"))
		opens(ToLeave, link(unsubscribe, "<", "/unsubscribe>"))
		if oneClick != "List-Unsubscribe=One-Click" {
			t.Errorf("%s: got %q, want the header of RFC 8058", name, oneClick)
		}
	}
}

func TestAPageWithoutAnAddressHasMailsWithoutLinks(t *testing.T) {
	for name, n := range everything(t) {
		n.Page.URL = ""
		if n.Kind == Confirm || n.Kind == Link {
			if _, err := writer.Letter(n, ""); !errors.Is(err, ErrNoSite) {
				t.Errorf("%s: got %v, want %v", name, err, ErrNoSite)
			}
			continue
		}
		r := open(t, sent(t, writer, n, recipient(n)))
		r.Text = strings.ReplaceAll(r.Text, "https://example.com/list", "") // somebody wrote that
		for _, broken := range []string{"http", "subscriptions", "Unsubscribe", ":\n\n", "incidents"} {
			if strings.Contains(r.Text, broken) {
				t.Errorf("%s: got %q in\n%s", name, broken, r.Text)
			}
		}
		if got := r.Header["List-Unsubscribe"] + r.Header["List-Unsubscribe-Post"]; got != "" {
			t.Errorf("%s: got %q, want no way to unsubscribe", name, got)
		}
	}
}

func TestAnswersGoWhereTheyAreWanted(t *testing.T) {
	w := writer
	w.FromName, w.Domain, w.ReplyTo = "Northwind's operators", "mail.northwind.example", mail.Mailbox{Local: "help", Domain: "northwind.example"}
	r := open(t, sent(t, w, story(t)[0], reader))
	for key, want := range map[string]string{
		"From": `"Northwind's operators" <status@northwind.example>`, "Reply-To": "help@northwind.example",
		"List-Id": "<updates.mail.northwind.example>", "Message-Id": "<id7.sub7@mail.northwind.example>",
	} {
		if got := r.Header[key]; got != want {
			t.Errorf("got %s %q, want %q", key, got, want)
		}
	}
}

func TestAnOrdinaryMailIsSmall(t *testing.T) {
	const most = 8<<10 + 512
	for name, n := range everything(t) {
		to := recipient(n)
		to.Zone = ""
		if got := len(sent(t, writer, n, to)); got > most {
			t.Errorf("got %d bytes for %s, want at most %d", got, name, most)
		}
	}
}

func TestLongLinesAreFoldedBetweenWords(t *testing.T) {
	long := strings.Repeat("word ", 20) + "end"
	code := "    " + long
	for name, c := range map[string]struct{ text, want string }{
		"a paragraph": {long, strings.Repeat("word ", 13) + "word\n" + strings.Repeat("word ", 6) + "end"},
		"an item":     {"- " + long, "- " + strings.Repeat("word ", 13) + "word\n  " + strings.Repeat("word ", 6) + "end"},
		"a step":      {"12. " + long, "12. " + strings.Repeat("word ", 12) + "word\n    " + strings.Repeat("word ", 7) + "end"},
		"a quotation": {"> " + long, "> " + strings.Repeat("word ", 13) + "word\n> " + strings.Repeat("word ", 6) + "end"},
		"code":        {code, code},
		"fenced code": {"```\n" + long + "\n```", "```\n" + long + "\n```"},
		"a table":     {"| " + long, "| " + long},
		"an address":  {"https://example.com/" + strings.Repeat("a", 80), "https://example.com/" + strings.Repeat("a", 80)},
	} {
		if got := fold(c.text); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func BenchmarkValues(b *testing.B) {
	n := story(b)[0]
	d := Delivery{To: reader, By: Email}
	for b.Loop() {
		writer.Values(n, d)
	}
}
