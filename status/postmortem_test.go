package status

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// resolved is a book with a resolved incident.
func resolved(t *testing.T) (*Book, Incident) {
	t.Helper()
	b, _ := shopBook(t)
	i, err := b.OpenIncident(IncidentDraft{Title: "Down", Affects: []string{"App"}}, start, operator)
	if err == nil {
		i, err = b.PostIncident(i, Resolved, NamedPost{Body: "Over."}, end, operator)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.reopened(), i
}

func TestAPostmortemIsDraftedPublishedAndTakenBack(t *testing.T) {
	b, i := resolved(t)
	later, changed := end.Add(time.Hour), i.Changed // readers see nothing of a draft
	step := func(name string, want State, updates int, told bool) func(Incident, error) {
		return func(got Incident, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got.State != want || len(got.Updates) != updates || !got.Changed.Equal(changed) || !got.Ended.Equal(end) {
				t.Errorf("%s: got it %s with %d updates, changed %s, ended %s, want %s, %d, %s, %s",
					name, got.State, len(got.Updates), got.Changed, got.Ended, want, updates, changed, end)
			}
			if last := b.Written.Events[len(b.Written.Events)-1]; last.Told != told {
				t.Errorf("%s: got the event %s told %t, want %t", name, last.Kind, last.Told, told)
			}
			i, b = got, b.reopened()
		}
	}
	_, err := b.PublishPostmortem(i, false, later, operator)
	var invalid *Invalid
	if !errors.As(err, &invalid) || invalid.Field != "postmortem" {
		t.Errorf("got %v without a draft, want that it is missing", err)
	}
	step("draft", Resolved, 2, false)(b.DraftPostmortem(i, "A certificate ran out.", later, operator))
	if !i.DraftAt.Equal(later) || i.Draft != "A certificate ran out." {
		t.Errorf("got the draft %q of %s, want it as it was written", i.Draft, i.DraftAt)
	}
	step("drop", Resolved, 2, false)(b.DraftPostmortem(i, "", later, operator))
	if !i.DraftAt.IsZero() {
		t.Errorf("got a draft of %s, want none", i.DraftAt)
	}
	step("draft again", Resolved, 2, false)(b.DraftPostmortem(i, "A certificate ran out.", later, operator))
	changed = later
	step("publish", Postmortem, 3, true)(b.PublishPostmortem(i, false, later, operator))
	if u := i.Updates[2]; u.Body != "A certificate ran out." || u.Event != PostmortemOut || u.State != Postmortem {
		t.Errorf("got %+v, want the draft as the last update", u)
	}
	step("take back", Resolved, 2, false)(b.RevertPostmortem(i, later, operator))
	if i.Draft != "A certificate ran out." {
		t.Errorf("got the draft %q, want what was published", i.Draft)
	}
	step("publish quietly", Postmortem, 3, false)(b.PublishPostmortem(i, true, later, operator))
	if i.Updates[1].ID == i.Updates[2].ID || i.Updates[2].ID == "" {
		t.Errorf("got update ids %q and %q, want an own one", i.Updates[1].ID, i.Updates[2].ID)
	}
}

func TestAPostmortemThatWasPostedBecomesADraftWhenItIsTakenBack(t *testing.T) {
	b, i := resolved(t)
	i, err := b.PostIncident(i, Postmortem, NamedPost{Body: "A certificate ran out."}, end.Add(time.Hour), operator)
	if err != nil {
		t.Fatal(err)
	}
	if i, err = b.RevertPostmortem(i, end.Add(2*time.Hour), operator); err != nil || i.Draft != "A certificate ran out." || i.State != Resolved {
		t.Errorf("got it %s with the draft %q and %v, want what was posted as a draft", i.State, i.Draft, err)
	}
}

func TestWhatIsNoPostmortemIsRefused(t *testing.T) {
	b, i := resolved(t)
	var illegal *Illegal
	if _, err := b.RevertPostmortem(i, end, operator); !errors.As(err, &illegal) || !strings.Contains(err.Error(), "no postmortem is published") {
		t.Errorf("got %v, want that none is published", err)
	}
	if _, err := b.DraftPostmortem(i, strings.Repeat("x", mostBody+1), end, operator); err == nil {
		t.Error("got no error for a text that nobody would finish, want one")
	}
	open, err := b.OpenIncident(IncidentDraft{Title: "Another"}, start, operator)
	if err == nil {
		open, err = b.DraftPostmortem(open, "Early thoughts.", start, operator)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.PublishPostmortem(open, false, end, operator); !errors.As(err, &illegal) {
		t.Errorf("got %v while the incident is open, want a refusal", err)
	}
}

func TestAnIncidentIsAmendedWithoutTouchingWhatWasSaid(t *testing.T) {
	b, i := resolved(t)
	want := i
	want.Title, want.Impact, want.ImpactSaid = " Down for a while ", MajorOutage, true
	want.Affects, want.Metadata = []string{b.Components[1].ID, b.Components[0].ID}, map[string]any{"ticket": map[string]any{"id": 7.0}}
	got, err := b.AmendIncident(i, want, end, operator)
	if err != nil || got.Title != "Down for a while" || got.Impact != MajorOutage || !got.ImpactSaid || len(got.Updates) != len(i.Updates) {
		t.Errorf("got %+v and %v, want what was asked for", got, err)
	}
	if got.Affects[0] != b.Components[0].ID || len(b.Written.Events) != 1 || b.Written.Events[0].Told {
		t.Errorf("got %v and %+v, want the components in the page's order, told to nobody", got.Affects, b.Written.Events)
	}
	b = b.reopened()
	if again, err := b.AmendIncident(got, got, end, operator); err != nil || !b.Written.Empty() || again.Version != got.Version {
		t.Errorf("got %+v and %v for the same again, want nothing written", b.Written.Events, err)
	}
	for name, change := range map[string]func(*Incident){
		"no title":   func(i *Incident) { i.Title = " " },
		"two lines":  func(i *Incident) { i.Title = "a\nb" },
		"no impact":  func(i *Incident) { i.Impact = "terrible" },
		"long title": func(i *Incident) { i.Title = strings.Repeat("x", mostTitle+1) },
	} {
		bad := got
		change(&bad)
		if _, err := b.AmendIncident(got, bad, end, operator); err == nil || !b.Written.Empty() {
			t.Errorf("%s: got no error, want one and nothing written", name)
		}
	}
}
