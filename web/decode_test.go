package web

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

func TestAnEmptyBodyIsAnEmptyObject(t *testing.T) {
	for _, body := range []string{"", " \n", "{}", "null"} {
		if got, err := decode[api.Act]([]byte(body)); err != nil || got != (api.Act{}) {
			t.Errorf("%q: got %+v and %v, want nothing said", body, got, err)
		}
	}
}

func TestFieldsOfEmbeddedTypesAreKnown(t *testing.T) {
	got, err := decode[api.IncidentPost]([]byte(`{"status": "resolved", "body": "Over.", "quiet": true, "components": {"APIs": "operational"}}`))
	want := api.IncidentPost{Status: status.Resolved, NamedPost: status.NamedPost{
		Body: "Over.", Quiet: true, Components: map[string]status.Condition{"APIs": status.Operational},
	}}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %+v and %v, want %+v", got, err, want)
	}
	_, err = decode[api.IncidentPost]([]byte(`{"Version": 3}`))
	var invalid *status.Invalid
	if !errors.As(err, &invalid) || invalid.Field != "Version" {
		t.Errorf("got %v, want that the version is no field of the body", err)
	}
}

func TestDeepNestingIsNoHarm(t *testing.T) {
	deep := strings.Repeat(`{"documents": [`, 5000) + strings.Repeat(`]}`, 5000)
	if _, err := decode[api.ApplyRequest]([]byte(deep)); err == nil {
		t.Error("got no error for 10,000 levels")
	}
	if _, err := decode[api.ApplyRequest]([]byte(strings.Repeat("[", 500_000))); err == nil {
		t.Error("got no error for 500,000 levels")
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"documents": [{"source": "a.yaml", "page": {"page": {"name": "N", "least_notice": "48h", "blackouts": [{"from": "2027-01-01", "to": "2027-01-02"}]}, "components": [{"group": "G", "components": [{"name": "C"}]}]}}]}`,
		`{"documents": [{"maintenance": {"title": "T", "window": {"start": "2027-01-15T06:00:00Z", "end": "2027-01-15T07:00:00+01:00"}, "reminders": ["1h"]}}], "dry_run": true}`,
		`{"documents": [{"incident": {"title": "T", "updates": [{"status": "resolved", "at": "2027-01-15T06:00:00Z", "components": {"A": "operational"}}]}}]}`,
		`{"documents": [null, {}]}`, `{"dry_run": 1e400}`, `[]`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := decode[api.ApplyRequest](body)
		var invalid *status.Invalid
		var broken *malformed
		if err != nil {
			if !errors.As(err, &invalid) && !errors.As(err, &broken) {
				t.Errorf("got %T %v, want a fault that says where it is", err, err)
			}
			return
		}
		text, err := json.Marshal(got)
		if err != nil {
			return // a year that RFC 3339 cannot write
		}
		if again, err := decode[api.ApplyRequest](text); err != nil || !cmp.Equal(got, again) {
			t.Errorf("got %v for what was accepted and written again: %s\n%s", err, text, cmp.Diff(got, again))
		}
	})
}
