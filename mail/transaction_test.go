package mail

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// says compares a reply with "CODE STATUS STAGE TEXT".
func says(t *testing.T, what string, r Reply, want string) {
	t.Helper()
	if got := fmt.Sprintf("%d %s %s %s", r.Code, r.Status, r.Stage, r.Text); got != want || r.Err != nil {
		t.Errorf("%s: got %q and %v, want %q", what, got, r.Err, want)
	}
}

func TestTheNextCommandsTravelWithTheEndOfAMessage(t *testing.T) {
	got := exchange(t, []string{"A: 1\r\n\r\n.dot\r\n..\r\n", "B: 2\r\n\r\nno end"}, together+`
		C: MAIL FROM:<s@example.org> SIZE=18
		+: RCPT TO:<r0@example.com>
		+: DATA
		S: 250 2.1.0 ok
		S: 250 2.1.5 ok
		S: 354 go on
		C: A: 1
		+:
		+: ..dot
		+: ...
		+: .
		+: MAIL FROM:<s@example.org> SIZE=14
		+: RCPT TO:<r1@example.com>
		+: DATA
		S: 250-2.0.0 queued
		S: 250 2.0.0 as 4711
		S: 250 2.1.0 ok
		S: 250 2.1.5 ok
		S: 354 go on
		C: B: 2
		+:
		+: no end
		+: .
		S: 250 fine
		C: QUIT
		S: 221 bye
	`)
	says(t, "the first", got[0], "250 2.0.0 content queued as 4711")
	says(t, "the second", got[1], "250  content fine")
	if !got[0].Accepted() || got[0].Relay != "relay.example:25" {
		t.Errorf("got %+v, want it accepted by relay.example:25", got[0])
	}
}

func TestARelayWithoutPipeliningGetsOneCommandAtATime(t *testing.T) {
	got := exchange(t, []string{"A\r\n", "B\r\n", "C\r\n", "D\r\n"}, oneByOne+`
		C: MAIL FROM:<s@example.org>
		S: 250 ok
		C: RCPT TO:<r0@example.com>
		S: 550 5.1.1 no such user
		C: RSET
		S: 250 ok
		C: MAIL FROM:<s@example.org>
		S: 250 ok
		C: RCPT TO:<r1@example.com>
		S: 251 will forward
		C: DATA
		S: 354 go on
		C: B
		+: .
		S: 250 ok
		C: MAIL FROM:<s@example.org>
		S: 452 4.3.1 no space
		C: MAIL FROM:<s@example.org>
		S: 250 ok
		C: RCPT TO:<r3@example.com>
		S: 250 ok
		C: DATA
		S: 451 4.3.0 not now
		C: QUIT
		S: 221 bye
	`)
	says(t, "A", got[0], "550 5.1.1 rcpt no such user")
	says(t, "B", got[1], "250  content ok")
	says(t, "C", got[2], "452 4.3.1 mail no space")
	says(t, "D", got[3], "451 4.3.0 data not now")
}

func TestARefusalLeavesTheConnectionFitForTheNextMessage(t *testing.T) {
	next := `
		+: RCPT TO:<r1@example.com>
		+: DATA
		S: 250 ok
		S: 250 ok
		S: 354 go on
		C: B
		+: .
		S: 250 ok
		C: QUIT
		S: 221 bye
	`
	begin := together + `
		C: MAIL FROM:<s@example.org> SIZE=3
		+: RCPT TO:<r0@example.com>
		+: DATA
	`
	plain := script("\nC: MAIL FROM:<s@example.org> SIZE=3" + next)
	afterReset := script("\nC: RSET\n+: MAIL FROM:<s@example.org> SIZE=3\nS: 250 ok" + next)
	tests := map[string]struct {
		answers, after script
		want           string
	}{
		"the sender": {`S: 550 5.7.1 not you
			S: 503 no MAIL
			S: 503 no RCPT`, plain, "550 5.7.1 mail not you"},
		"the recipient, and DATA": {`S: 250 ok
			S: 550-5.1.1 nobody
			S: 550 5.1.1 here
			S: 554 no valid recipients`, afterReset, "550 5.1.1 rcpt nobody here"},
		"the recipient, but not DATA": {`S: 250 ok
			S: 450 4.2.0 greylisted
			S: 354 go on
			C: .
			S: 554 no valid recipients`, plain, "450 4.2.0 rcpt greylisted"},
		"DATA": {`S: 250 ok
			S: 250 ok
			S: 451 not now`, afterReset, "451  data not now"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := exchange(t, []string{"A\r\n", "B\r\n"}, begin+tt.answers+tt.after)
			says(t, "refused", got[0], tt.want)
			says(t, "the next", got[1], "250  content ok")
		})
	}
}

// The end of a transaction up to the message, for one with r0.
const taken script = `
	C: MAIL FROM:<s@example.org> SIZE=3
	+: RCPT TO:<r0@example.com>
	+: DATA
	S: 250 ok
	S: 250 ok
	S: 354 go on
	C: A
	+: .
`

func TestAMessageThatIsRefusedAtItsEndIsAnswered(t *testing.T) {
	got := exchange(t, []string{"A\r\n"}, together+taken+`
		S: 554-5.7.1 spam`+"\x1b[31m"+`
		S: 554 5.7.1 `+script(strings.Repeat("very ", 200))+`
		C: QUIT
		S: 221 bye
	`)
	r := got[0]
	if r.Code != 554 || r.Status != "5.7.1" || r.Stage != StageContent || r.Accepted() || r.Err != nil {
		t.Errorf("got %+v, want 554 5.7.1 at the content", r)
	}
	if len(r.Text) > longestText || strings.ContainsAny(r.Text, "\x1b\r\n") || !strings.HasPrefix(r.Text, "spam [31m very") {
		t.Errorf("got text %q, want one bounded line that cannot deceive", r.Text)
	}
}

func TestAMessageWhoseConnectionBrokeBeforeItWasBegunIsTriedAgain(t *testing.T) {
	well := together + taken + "\nS: 250 ok\nC: QUIT\nS: 221 bye"
	broken := map[string]script{
		"it closes after the greetings":    together,
		"it closes after MAIL":             together + "\nC: MAIL FROM:<s@example.org> SIZE=3\n+: RCPT TO:<r0@example.com>\n+: DATA\nS: 250 ok",
		"it leaves":                        together + "\nC: MAIL FROM:<s@example.org> SIZE=3\n+: RCPT TO:<r0@example.com>\n+: DATA\nS: 421 4.3.2 bye",
		"its line is too long":             together + "\nC: MAIL FROM:<s@example.org> SIZE=3\n+: RCPT TO:<r0@example.com>\n+: DATA\nS: 250 " + script(strings.Repeat("x", 5000)) + "\nhang",
		"it has too many lines":            together + "\nC: MAIL FROM:<s@example.org> SIZE=3\n+: RCPT TO:<r0@example.com>\n+: DATA" + script(strings.Repeat("\nS: 250-x", longestAnswer)) + "\nhang",
		"its answer is no SMTP":            together + "\nC: MAIL FROM:<s@example.org> SIZE=3\n+: RCPT TO:<r0@example.com>\n+: DATA\nS: HTTP/1.1 400 Bad Request\nhang",
		"its lines contradict one another": together + "\nC: MAIL FROM:<s@example.org> SIZE=3\n+: RCPT TO:<r0@example.com>\n+: DATA\nS: 250-a\nS: 550 b\nhang",
		"it takes DATA without asking":     together + "\nC: MAIL FROM:<s@example.org> SIZE=3\n+: RCPT TO:<r0@example.com>\n+: DATA\nS: 250 a\nS: 250 b\nS: 250 c\nhang",
	}
	for name, first := range broken {
		t.Run(name, func(t *testing.T) {
			got := exchange(t, []string{"A\r\n"}, first, well)
			says(t, "the message", got[0], "250  content ok")
		})
	}
	t.Run("three times at most", func(t *testing.T) {
		first := broken["it closes after MAIL"]
		got := exchange(t, []string{"A\r\n"}, first, first, first)
		if r := got[0]; r.Err == nil || errors.Is(r.Err, ErrUnknown) || errors.Is(r.Err, ErrNoRelay) || r.Accepted() {
			t.Errorf("got %+v, want an error of the connection", r)
		}
	})
	t.Run("a relay that leaves three times has answered", func(t *testing.T) {
		first := broken["it leaves"]
		got := exchange(t, []string{"A\r\n"}, first, first, first)
		says(t, "the message", got[0], "421 4.3.2 mail bye")
	})
}

func TestAMessageWithoutAnAnswerToItsEndMayHaveBeenAccepted(t *testing.T) {
	for name, end := range map[string]script{
		"it closes":             "",
		"it hangs":              "\nhang",
		"its answer is no SMTP": "\nS: queued\nhang",
		"it asks for more":      "\nS: 354 go on\nhang",
	} {
		t.Run(name, func(t *testing.T) {
			got := exchange(t, []string{"A\r\n"}, together+taken+end)
			if r := got[0]; !errors.Is(r.Err, ErrUnknown) || r.Stage != StageContent || r.Accepted() {
				t.Errorf("got %+v, want that nobody knows", r)
			}
		})
	}
	t.Run("but it was not where the relay leaves instead", func(t *testing.T) {
		got := exchange(t, []string{"A\r\n"}, together+taken+"\nS: 421 4.3.0 going down")
		says(t, "the message", got[0], "421 4.3.0 content going down")
	})
}

func TestTheMessageBehindOneThatIsLostIsNot(t *testing.T) {
	got := exchange(t, []string{"A\r\n", "B\r\n"},
		together+taken+`
		+: MAIL FROM:<s@example.org> SIZE=3
		+: RCPT TO:<r1@example.com>
		+: DATA`,
		together+`
		C: MAIL FROM:<s@example.org> SIZE=3
		+: RCPT TO:<r1@example.com>
		+: DATA
		S: 250 ok
		S: 250 ok
		S: 354 go on
		C: B
		+: .
		S: 250 ok
		C: QUIT
		S: 221 bye`)
	if !errors.Is(got[0].Err, ErrUnknown) {
		t.Errorf("got %+v, want that nobody knows of the first", got[0])
	}
	says(t, "the second", got[1], "250  content ok")
}

func TestARelayThatDropsWhatItOfferedToTakeGetsOneCommandAtATime(t *testing.T) {
	got := exchange(t, []string{"A\r\n"},
		together+`
		C: MAIL FROM:<s@example.org> SIZE=3
		+: RCPT TO:<r0@example.com>
		+: DATA
		S: 250 ok
		hang`,
		together+`
		C: MAIL FROM:<s@example.org> SIZE=3
		S: 250 ok
		C: RCPT TO:<r0@example.com>
		S: 250 ok
		C: DATA
		S: 354 go on
		C: A
		+: .
		S: 250 ok
		C: QUIT
		S: 221 bye`)
	says(t, "the message", got[0], "250  content ok")
}
