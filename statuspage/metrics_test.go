package statuspage_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.org/interlude/access"
	"example.org/interlude/statuspage"
)

const selfMetrics = "/metrics_providers/self/metrics"

// metric makes a metric and returns its id.
func (s *site) metric(name string) string {
	s.Helper()
	id, _ := s.call(http.StatusCreated, http.MethodPost, selfMetrics, object{"metric": object{"name": name}})["id"].(string)
	return id
}

func TestAMetricIsMadeChangedAndForgotten(t *testing.T) {
	s := open(t)
	made := s.call(http.StatusCreated, http.MethodPost, selfMetrics+".json", object{"metric": object{
		"name": "Response time", "metric_identifier": "api.p95", "suffix": "ms", "y_axis_min": 0, "y_axis_max": 250.5, "decimal_places": 2,
		"tooltip_description": "At the edge", "transform": "", "application_id": nil,
	}})
	id, _ := made["id"].(string)
	want := object{
		"id": id, "metrics_provider_id": "self", "metric_identifier": "api.p95", "name": "Response time", "display": true,
		"tooltip_description": "At the edge", "backfilled": false, "y_axis_min": 0.0, "y_axis_max": 250.5, "y_axis_hidden": false,
		"suffix": "ms", "decimal_places": 2.0, "most_recent_data_at": nil, "created_at": "2027-01-13T12:00:00Z",
		"updated_at": "2027-01-13T12:00:00Z", "last_fetched_at": nil, "backfill_percentage": 0.0, "reference_name": nil,
	}
	if fmt.Sprint(made) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", made, want)
	}
	s.clock.Set(noon.Add(time.Hour))
	changed := s.call(http.StatusOK, http.MethodPatch, "/metrics/"+id, object{"metric": object{"name": "p95", "metric_identifier": "", "display": false, "suffix": ""}})
	if changed["name"] != "p95" || changed["metric_identifier"] != "api.p95" || changed["display"] != false || changed["suffix"] != nil ||
		changed["y_axis_max"] != 250.5 || changed["updated_at"] != "2027-01-13T13:00:00Z" {
		t.Errorf("got %v, want what was given changed, and nothing else", changed)
	}
	s.call(http.StatusOK, http.MethodPut, "/metrics/"+id, object{"metric": object{"y_axis_hidden": "t"}})
	s.call(http.StatusCreated, http.MethodPost, "/metrics/"+id+"/data", object{"data": object{"timestamp": noon.Unix(), "value": 1}})
	gone := s.call(http.StatusOK, http.MethodDelete, "/metrics/"+id, nil)
	if gone["id"] != id || gone["y_axis_hidden"] != true || len(s.list("/metrics")) != 0 {
		t.Errorf("got %v and %v left, want what was deleted", gone, s.list("/metrics"))
	}
	s.call(http.StatusNotFound, http.MethodGet, "/metrics/"+id+"/data", nil)
	for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodDelete} {
		if got := s.call(http.StatusNotFound, method, "/metrics/"+id, nil); got["error"] != "Metric not found" {
			t.Errorf("%s: got %v", method, got)
		}
	}
}

func TestValuesAreSentAndReadBack(t *testing.T) {
	s := open(t)
	id, other := s.metric("One"), s.metric("Other")
	at := noon.Unix()
	got := s.call(http.StatusCreated, http.MethodPost, "/metrics/"+id+"/data.json", object{"data": object{"timestamp": at, "value": 1.5}})
	if fmt.Sprint(got) != fmt.Sprint(object{"data": object{"timestamp": float64(at), "value": 1.5}}) {
		t.Errorf("got %v, want the value", got)
	}
	form := url.Values{"data[timestamp]": {fmt.Sprint(at)}, "data[value]": {"2.5"}}.Encode()
	if code, answer := s.send(http.MethodPost, "/v1/pages/"+s.page+"/metrics/"+id+"/data", "application/x-www-form-urlencoded", form); code != http.StatusCreated {
		t.Errorf("got %d %s, want the form to replace the value", code, answer)
	}
	batch := object{"data": object{
		id:    []object{{"timestamp": fmt.Sprint(at - 60), "value": "-3e2"}, {"timestamp": at + 200, "value": 0}},
		other: []object{{"timestamp": float64(at) - 0.5, "value": 7}},
	}}
	answer := s.call(http.StatusAccepted, http.MethodPost, "/metrics/data", batch)
	if len(answer[id].([]any)) != 2 || len(answer[other].([]any)) != 1 {
		t.Errorf("got %v, want the values by metric", answer)
	}
	want := object{"data": []any{
		object{"timestamp": float64(at - 60), "value": -300.0},
		object{"timestamp": float64(at), "value": 2.5},
		object{"timestamp": float64(at + 200), "value": 0.0},
	}}
	if got := s.call(http.StatusOK, http.MethodGet, "/metrics/"+id+"/data", nil); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	query := fmt.Sprintf("?from=%d&to=2027-01-13T12:00:01Z", at)
	if got := s.call(http.StatusOK, http.MethodGet, "/metrics/"+id+"/data"+query, nil); fmt.Sprint(got["data"]) != fmt.Sprint(want["data"].([]any)[1:2]) {
		t.Errorf("got %v, want the one at noon", got)
	}
	if got := s.call(http.StatusOK, http.MethodGet, "/metrics/"+id, nil); got["most_recent_data_at"] != "2027-01-13T12:03:20Z" {
		t.Errorf("got %v, want the time of the newest value", got["most_recent_data_at"])
	}
	reset := s.call(http.StatusOK, http.MethodDelete, "/metrics/"+id+"/data", nil)
	left := s.call(http.StatusOK, http.MethodGet, "/metrics/"+id+"/data", nil)
	if reset["id"] != id || reset["most_recent_data_at"] != nil || len(left["data"].([]any)) != 0 {
		t.Errorf("got %v with %v left, want the metric without values", reset, left)
	}
	if got := s.call(http.StatusOK, http.MethodGet, "/metrics/"+other, nil); got["most_recent_data_at"] != "2027-01-13T11:59:59Z" {
		t.Errorf("got %v, want the other metric's values untouched", got)
	}
	for _, query := range []string{"?from=yesterday", "?to=-1", "?from=1e300", "?from=NaN"} {
		s.call(http.StatusUnprocessableEntity, http.MethodGet, "/metrics/"+id+"/data"+query, nil)
	}
	s.call(http.StatusNotFound, http.MethodGet, "/metrics/nothing/data", nil)
	s.call(http.StatusNotFound, http.MethodDelete, "/metrics/nothing/data", nil)
}

func TestABatchOfAFormIsRead(t *testing.T) {
	s := open(t)
	id := s.metric("One")
	at := noon.Unix()
	form := fmt.Sprintf("data[%s][][timestamp]=%d&data[%s][][value]=1&data[%s][][timestamp]=%d&data[%s][][value]=2", id, at, id, id, at+1, id)
	code, answer := s.send(http.MethodPost, "/v1/pages/"+s.page+"/metrics/data", "application/x-www-form-urlencoded", form)
	var got map[string][]map[string]float64
	if err := json.Unmarshal(answer, &got); err != nil || code != http.StatusAccepted || len(got[id]) != 2 || got[id][1]["value"] != 2 {
		t.Errorf("got %d %s, want both values", code, answer)
	}
}

func TestValuesThatCannotBeKeptAreRefusedWhole(t *testing.T) {
	s := open(t)
	id := s.metric("One")
	good := object{"timestamp": noon.Unix(), "value": 1}
	many := make([]object, 3001)
	for n := range many {
		many[n] = object{"timestamp": noon.Unix() - int64(n), "value": n}
	}
	with := func(one any) object { return object{"data": object{id: []any{good, one}}} }
	for _, c := range []struct {
		send any
		says string
	}{
		{object{}, "data is required: by the id of each metric, a list of objects with timestamp and value"},
		{object{"data": []any{good}}, "data must be an object"},
		{object{"data": object{id: good}}, "data." + id + " must be a list of objects with timestamp and value"},
		{object{"data": object{id: many}}, "data must hold at most 3000 values; send the others in another request"},
		{object{"data": object{id: []any{good}, "nothing": []any{good}}}, `data names no metric of the page: "nothing"`},
		{with("one"), "data." + id + "[1] must be an object with timestamp and value"},
		{with(object{"value": 1}), "data." + id + "[1].timestamp must be a number of seconds since 1970"},
		{with(object{"timestamp": noon.Unix()}), "data." + id + "[1].value must be a finite number"},
		{with(object{"timestamp": noon.Unix(), "value": "NaN"}), "data." + id + "[1].value must be a finite number"},
		{with(object{"timestamp": noon.Unix(), "value": "-Inf"}), "data." + id + "[1].value must be a finite number"},
		{with(object{"timestamp": noon.Unix(), "value": json.Number("1e999")}), "data." + id + "[1].value must be a finite number"},
		{with(object{"timestamp": noon.Unix(), "value": []int{1}}), "data." + id + "[1].value must be a finite number"},
		{with(object{"timestamp": noon.UnixMilli(), "value": 1}), "data." + id + "[1].timestamp is more than 5 minutes ahead: it counts seconds, not milliseconds, since 1970"},
		{with(object{"timestamp": noon.Unix() + 301, "value": 1}), "data." + id + "[1].timestamp is more than 5 minutes ahead: it counts seconds, not milliseconds, since 1970"},
		{with(object{"timestamp": noon.AddDate(0, 0, -28).Unix() - 1, "value": 1}), "data." + id + "[1].timestamp is more than 28 days back, and would not be kept"},
	} {
		if got := s.refused(http.MethodPost, "/metrics/data", c.send); got != c.says {
			t.Errorf("%.200s: got %s, want %s", fmt.Sprint(c.send), got, c.says)
		}
	}
	if got := s.refused(http.MethodPost, "/metrics/"+id+"/data", object{"data": object{"timestamp": 1, "value": 1}}); !strings.HasPrefix(got, "data.timestamp is more than 28 days back") {
		t.Errorf("got %s, want a value of long ago refused", got)
	}
	if got := s.call(http.StatusOK, http.MethodGet, "/metrics/"+id+"/data?from=1", nil)["data"].([]any); len(got) != 0 {
		t.Errorf("got %v, want nothing kept: every request was refused", got)
	}
	s.call(http.StatusNotFound, http.MethodPost, "/metrics/nothing/data", object{"data": good})
	s.call(http.StatusAccepted, http.MethodPost, "/metrics/data", object{"data": object{id: many[:3000]}})
}

func TestValuesAreForgottenAfterFiveWeeks(t *testing.T) {
	s := open(t)
	id := s.metric("One")
	s.call(http.StatusCreated, http.MethodPost, "/metrics/"+id+"/data", object{"data": object{"timestamp": noon.Unix(), "value": 1}})
	s.clock.Set(noon.AddDate(0, 0, 35).Add(time.Second))
	s.call(http.StatusCreated, http.MethodPost, "/metrics/"+id+"/data", object{"data": object{"timestamp": s.clock.Now().Unix(), "value": 2}})
	got := s.call(http.StatusOK, http.MethodGet, "/metrics/"+id+"/data?from=0", nil)["data"].([]any)
	if len(got) != 1 || got[0].(object)["value"] != 2.0 {
		t.Errorf("got %v, want the new value alone", got)
	}
}

// once sends a request that carries an idempotency key, and returns the status.
func (s *site) once(method, path, key, body string) int {
	s.Helper()
	managed := (&statuspage.Management{
		Keeper: s.keeper, Board: s.board, Records: s.store, Points: s.store, Subscribers: s.store, Clock: s.clock,
		Log: slog.New(slog.DiscardHandler), Mail: true,
	}).Handler()
	ctx := access.WithToken(s.Context(), access.Token{ID: "t", Name: "Ada", Scope: access.Operate})
	act := access.Act{Token: "t", Name: "Ada", Operation: method + " " + path, Repeat: &access.Repeat{Key: key, Fingerprint: key}}
	r := httptest.NewRequestWithContext(access.WithAct(ctx, act), method, "http://localhost/v1/pages/"+s.page+path, strings.NewReader(body))
	w := httptest.NewRecorder()
	managed.ServeHTTP(w, r)
	return w.Code
}

func TestWhatTakesSeveralWritesIsDoneOnceWithAnIdempotencyKey(t *testing.T) {
	s := open(t)
	id := s.metric("One")
	value := fmt.Sprintf(`{"data": {"timestamp": %d, "value": 1}}`, noon.Unix())
	if code := s.once(http.MethodPost, "/metrics/"+id+"/data", "k1", value); code != http.StatusCreated {
		t.Errorf("got %d, want the value kept", code)
	}
	if code := s.once(http.MethodDelete, "/metrics/"+id, "k2", ""); code != http.StatusOK {
		t.Errorf("got %d, want the metric deleted with its values", code)
	}
	s.call(http.StatusNotFound, http.MethodGet, "/metrics/"+id+"/data", nil)
	s.subscribe("/subscribers", object{"endpoint": "https://example.com/a"})
	s.subscribe("/subscribers", object{"endpoint": "https://example.com/b"})
	if code := s.once(http.MethodPost, "/subscribers/unsubscribe", "k3", `{"subscribers": "all"}`); code != http.StatusCreated || len(s.list("/subscribers")) != 0 {
		t.Errorf("got %d and %v left, want both unsubscribed", code, s.list("/subscribers"))
	}
	if code := s.once(http.MethodPost, selfMetrics, "k3", `{"metric": {"name": "Again"}}`); code != http.StatusConflict || len(s.list("/metrics")) != 0 {
		t.Errorf("got %d, want a key that was taken refused", code)
	}
}

func TestAProviderThatWouldFetchIsRefused(t *testing.T) {
	s := open(t)
	self := s.list("/metrics_providers.json")
	if len(self) != 1 || self[0]["id"] != "self" || self[0]["type"] != "Self" || self[0]["page_id"] != s.page || self[0]["created_at"] != "2027-01-13T12:00:00Z" {
		t.Fatalf("got %v, want the provider that exists by itself", self)
	}
	made := s.call(http.StatusCreated, http.MethodPost, "/metrics_providers", object{"metrics_provider": object{"type": "Self", "api_key": ""}})
	id, _ := made["id"].(string)
	inside, _ := s.call(http.StatusCreated, http.MethodPost, "/metrics_providers/"+id+"/metrics", object{"metric": object{"name": "Inside"}})["id"].(string)
	s.metric("Outside")
	if got := s.list("/metrics_providers/" + id + "/metrics"); len(got) != 1 || got[0]["name"] != "Inside" || len(s.list("/metrics")) != 2 {
		t.Errorf("got %v, want the metric of the provider", got)
	}
	if got := s.list("/metrics?page=2&per_page=1"); len(got) != 1 || got[0]["name"] != "Outside" || len(s.list("/metrics?page=3&per_page=1")) != 0 {
		t.Errorf("got %v, want the second of two pages", got)
	}
	for _, c := range []struct {
		method, path string
		send         object
		says         string
	}{
		{http.MethodPost, "/metrics_providers", object{"type": "Datadog"}, "type cannot be honoured: nothing is fetched from Datadog. Use Self, and send the values"},
		{http.MethodPost, "/metrics_providers", object{"type": "Abacus"}, `type must be one of Self, not "Abacus"`},
		{http.MethodPost, "/metrics_providers", object{}, "type is required: Self"},
		{http.MethodPost, "/metrics_providers", object{"type": "Self", "api_key": "k"}, "api_key cannot be honoured: nothing is fetched: values are sent here"},
		{http.MethodPatch, "/metrics_providers/" + id, object{"metric_base_uri": "https://example.com"}, "metric_base_uri cannot be honoured: nothing is fetched: values are sent here"},
		{http.MethodDelete, "/metrics_providers/self", nil, "The provider self exists by itself and cannot be deleted"},
		{http.MethodDelete, "/metrics_providers/" + id, nil, "The provider has metrics still: delete them first"},
	} {
		if got := s.refused(c.method, c.path, object{"metrics_provider": c.send}); got != c.says {
			t.Errorf("%s %s %v: got %s, want %s", c.method, c.path, c.send, got, c.says)
		}
	}
	s.call(http.StatusOK, http.MethodPut, "/metrics_providers/"+id, object{"metrics_provider": object{"type": "Self"}})
	s.call(http.StatusOK, http.MethodDelete, "/metrics/"+inside, nil)
	if gone := s.call(http.StatusOK, http.MethodDelete, "/metrics_providers/"+id, nil); gone["id"] != id {
		t.Errorf("got %v, want what was deleted", gone)
	}
	if left := s.list("/metrics_providers"); len(left) != 1 || left[0]["id"] != "self" {
		t.Errorf("got %v, want the provider that exists by itself, once", left)
	}
	for _, path := range []string{"/metrics_providers/" + id, "/metrics_providers/" + id + "/metrics"} {
		s.call(http.StatusNotFound, http.MethodGet, path, nil)
	}
	s.call(http.StatusNotFound, http.MethodPost, "/metrics_providers/"+id+"/metrics", object{"metric": object{"name": "X"}})
}

func TestAMetricThatNoChartCouldShowIsRefused(t *testing.T) {
	s := open(t)
	for _, c := range []struct {
		send object
		says string
	}{
		{object{}, "name is required: what the metric is called"},
		{object{"name": "X", "transform": "average"}, "transform cannot be honoured: values are kept as they are sent"},
		{object{"name": "X", "decimal_places": 9}, "decimal_places must be from 0 to 8"},
		{object{"name": "X", "y_axis_min": 1, "y_axis_max": 1}, "y_axis_max must be greater than y_axis_min"},
		{object{"name": "X", "y_axis_min": "NaN"}, "y_axis_min must be a number"},
		{object{"name": "X\nY"}, "name must be one line"},
	} {
		if got := s.refused(http.MethodPost, selfMetrics, object{"metric": c.send}); got != c.says {
			t.Errorf("%v: got %s, want %s", c.send, got, c.says)
		}
	}
}

func TestMetricsMadeAtTheSameTimeAreAllThere(t *testing.T) {
	s := open(t)
	inParallel(func(n int) {
		code, text := s.send(http.MethodPost, "/v1/pages/"+s.page+selfMetrics, "application/json", object{"metric": object{"name": fmt.Sprint("M", n)}})
		if code != http.StatusCreated {
			t.Errorf("got %d %s, want 201", code, text)
		}
	})
	if got := s.list("/metrics"); len(got) != 20 {
		t.Errorf("got %d metrics, want 20", len(got))
	}
}
