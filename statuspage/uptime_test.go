package statuspage_test

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"
)

// outage is an incident of one component that begins and ends at hours after noon.
func (s *site) outage(component, condition string, from, to int) string {
	s.Helper()
	s.clock.Set(noon.Add(time.Duration(from) * time.Hour))
	made := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{
		"name": component + " fails", "components": object{s.ids[component]: condition},
	}})
	id, _ := made["id"].(string)
	s.clock.Set(noon.Add(time.Duration(to) * time.Hour))
	s.call(http.StatusOK, http.MethodPatch, "/incidents/"+id, object{"incident": object{
		"status": "resolved", "components": object{s.ids[component]: "operational"},
	}})
	return id
}

func TestUptimeCountsOutages(t *testing.T) {
	s := open(t)
	major := s.outage("APIs", "major_outage", 0, 1)
	partial := s.outage("APIs", "partial_outage", 2, 4)
	s.outage("Email", "major_outage", 4, 5)
	s.clock.Set(noon.Add(10 * time.Hour))
	path := "/components/" + s.ids["APIs"] + "/uptime"
	s.holds("by itself", s.call(http.StatusOK, http.MethodGet, path, nil), object{
		"range_start": "2027-01-13T12:00:00Z", "range_end": "2027-01-13T22:00:00Z", "uptime_percentage": 84.0, "major_outage": 3600.0,
		"partial_outage": 7200.0, "warnings": nil, "id": s.ids["APIs"], "name": "APIs",
		"related_events": object{"incidents": []any{object{"id": major}, object{"id": partial}}},
	})
	part := s.call(http.StatusOK, http.MethodGet, path+"?start=2027-01-13T14:00:00Z&end="+url.QueryEscape("2027-01-13T17:00:00+01:00")+"&skip_related_events=true", nil)
	s.holds("two hours of it", part, object{
		"range_start": "2027-01-13T14:00:00Z", "range_end": "2027-01-13T16:00:00Z", "uptime_percentage": 70.0, "major_outage": 0.0, "partial_outage": 7200.0,
	})
	if _, has := part["related_events"]; has {
		t.Errorf("got %v, want no events", part)
	}
	s.holds("well", s.call(http.StatusOK, http.MethodGet, path+"?start=2027-01-13T17:00:00Z", nil), object{
		"uptime_percentage": 100.0, "related_events": object{"incidents": []any{}},
	})
}

func TestUptimeCountsFromTheStart(t *testing.T) {
	s := open(t)
	s.outage("APIs", "major_outage", 0, 6)
	s.clock.Set(noon.Add(36 * time.Hour)) // the first moment of January 15
	component, path := "/components/"+s.ids["APIs"], "/components/"+s.ids["APIs"]+"/uptime"
	for _, c := range []struct {
		start string
		want  object
	}{
		{"2027-01-13", object{"range_start": "2027-01-13T00:00:00Z", "uptime_percentage": 87.5, "major_outage": 21600.0}},
		{"2027-01-03", object{"range_start": "2027-01-03T00:00:00Z", "uptime_percentage": 97.9167}},
		{"2027-01-14", object{"range_start": "2027-01-14T00:00:00Z", "uptime_percentage": 100.0, "major_outage": 0.0}},
		{"2027-01-16", object{"uptime_percentage": nil, "warnings": "nothing is known of this time"}},
	} {
		s.call(http.StatusOK, http.MethodPatch, component, object{"component": object{"start_date": c.start}})
		s.holds("from "+c.start, s.call(http.StatusOK, http.MethodGet, path, nil), c.want)
	}
	s.call(http.StatusOK, http.MethodPatch, component, object{"component": object{"start_date": "2027-01-14"}})
	s.holds("asked for more", s.call(http.StatusOK, http.MethodGet, path+"?start=2027-01&end=2027", nil), object{
		"range_start": "2027-01-14T00:00:00Z", "range_end": "2027-01-15T00:00:00Z", "warnings": "end is in the future: the range ends now; " +
			"nothing is known of the time before 2027-01-14T00:00:00Z: the range begins there",
	})
	s.call(http.StatusOK, http.MethodPatch, "", object{"page": object{"time_zone": "Europe/Berlin"}})
	s.holds("in the page's zone", s.call(http.StatusOK, http.MethodGet, path+"?start=2027-01-14&end=2027-01-14", nil), object{
		"range_start": "2027-01-13T23:00:00Z", "range_end": "2027-01-14T23:00:00Z", "warnings": nil,
	})
}

func TestTheUptimeOfAGroupIsTheMeanOfItsComponents(t *testing.T) {
	s := open(t)
	id := s.outage("Email", "major_outage", 0, 2)
	s.clock.Set(noon.Add(10 * time.Hour))
	path := "/component-groups/" + s.ids["Message delivery"] + "/uptime"
	s.holds("the group", s.call(http.StatusOK, http.MethodGet, path, nil), object{
		"id": s.ids["Message delivery"], "name": "Message delivery", "uptime_percentage": 90.0, "major_outage": 3600.0,
		"related_events": object{"incidents": []any{object{"id": id}}},
	})
	s.call(http.StatusOK, http.MethodDelete, "/component-groups/"+s.ids["Message delivery"], nil)
	s.call(http.StatusNotFound, http.MethodGet, path, nil)
	empty := s.call(http.StatusCreated, http.MethodPost, "/component-groups", group(object{"name": "Nothing"}))
	none, _ := empty["id"].(string)
	s.holds("an empty one", s.call(http.StatusOK, http.MethodGet, "/component-groups/"+none+"/uptime", nil), object{
		"uptime_percentage": nil, "warnings": "nothing is known of this time",
	})
}

func TestATimeThatCannotBeAskedForIsRefused(t *testing.T) {
	s := open(t)
	for query, says := range map[string]string{
		"start=yesterday":                 "start must be a time or a day, such as 2027-01-15T06:00:00Z or 2027-01-15",
		"end=99":                          "end must be a time or a day, such as 2027-01-15T06:00:00Z or 2027-01-15",
		"start=2027-01-12&end=2027-01-11": "start must be before end",
		"start=2027-01-12T00:00:00Z&end=2027-01-12T00:00:00Z":        "start must be before end",
		"start=2026-01-11&end=2027-01-11":                            "start must be at most one year before end",
		"start=2027-02&end=2027-02":                                  "start must be in the past",
		"start=2027-01-12&skip_related_events=perhaps":               "skip_related_events must be true or false",
		"start=" + url.QueryEscape("2027-01-12 06:00:00 +0000 junk"): "start must be a time or a day, such as 2027-01-15T06:00:00Z or 2027-01-15",
	} {
		got := s.call(http.StatusUnprocessableEntity, http.MethodGet, "/components/"+s.ids["APIs"]+"/uptime?"+query, nil)
		if rules, _ := got["error"].([]any); !reflect.DeepEqual(rules, []any{says}) {
			t.Errorf("%s: got %v, want %q", query, got["error"], says)
		}
	}
	for _, query := range []string{"?start=2026&end=2026", "?start=2026-01-14&end=2027-01-13", "?start=2026-02&end=2026-12-31"} {
		s.call(http.StatusOK, http.MethodGet, "/components/"+s.ids["APIs"]+"/uptime"+query, nil)
	}
}

func TestUptimeCountsMaintenanceAsThePageDoes(t *testing.T) {
	for counts, want := range map[bool]float64{false: 100, true: 50} {
		s := open(t)
		s.counting(counts)
		s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(nil))
		s.tick(time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC))
		s.tick(time.Date(2027, 1, 15, 7, 0, 0, 0, time.UTC))
		got := s.call(http.StatusOK, http.MethodGet, "/components/"+s.ids["APIs"]+"/uptime?start=2027-01-15T05:00:00Z", nil)
		events, _ := got["related_events"].(object)
		if all, _ := events["incidents"].([]any); got["uptime_percentage"] != want || (len(all) == 1) != counts {
			t.Errorf("counting is %t: got %v, want %v", counts, got, want)
		}
	}
}
