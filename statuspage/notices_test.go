package statuspage_test

import (
	"net/http"
	"testing"
	"time"
)

// onTheDay is a time on the day of the maintenance of the tests.
func onTheDay(hour, minute int) time.Time {
	return time.Date(2027, 1, 15, hour, minute, 0, 0, time.UTC)
}

func TestSubscribersHearWhatIsToBeDeliveredAndNothingElse(t *testing.T) {
	quietly := object{"deliver_notifications": false}
	loudly := object{"deliver_notifications": true}
	for name, c := range map[string]struct {
		make  object
		steps []object
		want  string
	}{
		"an incident": {object{}, []object{{"status": "identified"}, {"body": "Soon."}, {"status": "resolved"}}, "opened moved moved resolved"},
		"a quiet incident": {
			quietly, []object{{"status": "identified", "deliver_notifications": false}, {"body": "Soon.", "deliver_notifications": false}}, "",
		},
		"a quiet incident that ends loudly": {
			quietly, []object{{"body": "Soon.", "deliver_notifications": false}, {"status": "resolved", "deliver_notifications": true}}, "resolved",
		},
		"an incident of the past": {
			object{"backfilled": true, "backfill_date": "2027-01-10", "deliver_notifications": true}, []object{{"name": "Renamed"}}, "",
		},
		"a maintenance":       {upgrade(nil), []object{{"scheduled_until": "2027-01-15T08:00:00Z"}, {"body": "Soon."}}, "announced changed updated"},
		"a loud maintenance":  {upgrade(loudly), []object{{"status": "completed", "deliver_notifications": true}}, "announced canceled"},
		"a quiet maintenance": {upgrade(quietly), []object{{"scheduled_until": "2027-01-15T08:00:00Z", "deliver_notifications": false}}, ""},
		"one that is moved quietly and then begun loudly": {
			upgrade(quietly), []object{{"status": "in_progress"}, {"status": "completed", "deliver_notifications": false}}, "begun",
		},
		"one that begins at once":         {upgrade(object{"status": "in_progress"}), nil, "begun"},
		"one that begins quietly at once": {upgrade(object{"status": "in_progress", "deliver_notifications": false}), []object{{"body": "On."}}, "updated"},
		"one whose end is moved quietly": {
			upgrade(object{"status": "in_progress"}), []object{{"scheduled_until": "2027-01-15T09:00:00Z", "deliver_notifications": false}}, "begun",
		},
		"one whose end is moved": {upgrade(object{"status": "in_progress"}), []object{{"scheduled_until": "2027-01-15T09:00:00Z"}}, "begun extended"},
		"one of the past": {
			object{"status": "completed", "scheduled_for": "2027-01-10T06:00:00Z", "scheduled_until": "2027-01-10T07:00:00Z"}, nil, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			id := s.subscribe("/subscribers", object{"email": "ops@example.com", "skip_confirmation_notification": true})
			c.make["name"] = "Databases"
			event, _ := s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": c.make})["id"].(string)
			for n, step := range c.steps {
				s.clock.Set(noon.Add(time.Duration(n+1) * time.Minute))
				s.call(http.StatusOK, http.MethodPatch, "/incidents/"+event, object{"incident": step})
			}
			if got := s.told(id); got != c.want {
				t.Errorf("got told %q, want %q", got, c.want)
			}
		})
	}
}

func TestComponentsThatAMaintenanceUnderWayReachesAreToldOnce(t *testing.T) {
	for name, c := range map[string]struct {
		more object
		want string
	}{
		"by themselves":        {object{}, "begun changed"},
		"quietly":              {object{"deliver_notifications": false}, "begun"},
		"with words":           {object{"body": "Soon."}, "begun updated"},
		"with another end":     {object{"scheduled_until": "2027-01-15T09:00:00Z"}, "begun extended"},
		"with another state":   {object{"status": "verifying"}, "begun verifying"},
		"with the end of it":   {object{"status": "completed"}, "begun completed"},
		"as they were already": {object{"component_ids": nil, "components": object{}}, "begun"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			id := s.subscribe("/subscribers", object{"email": "ops@example.com", "skip_confirmation_notification": true})
			made := s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(object{"status": "in_progress"}))
			event, _ := made["id"].(string)
			s.clock.Set(noon.Add(time.Minute))
			change := object{"component_ids": []string{s.ids["Email"], s.ids["APIs"], s.ids["Web Application"]}}
			for field, value := range c.more {
				change[field] = value
			}
			s.call(http.StatusOK, http.MethodPatch, "/incidents/"+event, object{"incident": change})
			if got := s.told(id); got != c.want {
				t.Errorf("got told %q, want %q", got, c.want)
			}
		})
	}
}

// upgrade is what a client sends of a maintenance on the 15th, without its name.
func upgrade(more object) object {
	m := object{"scheduled_for": "2027-01-15T06:00:00Z", "scheduled_until": "2027-01-15T07:00:00Z"}
	for name, value := range more {
		m[name] = value
	}
	return m
}

func TestTheClockTellsAsTheMaintenanceSays(t *testing.T) {
	for name, c := range map[string]struct {
		make object
		want string
	}{
		"all of it":          {object{}, "reminded begun completed"},
		"no reminder":        {object{"scheduled_remind_prior": false}, "begun completed"},
		"not its start":      {object{"auto_transition_deliver_notifications_at_start": false}, "reminded completed"},
		"not its end":        {object{"auto_transition_deliver_notifications_at_end": false}, "reminded begun"},
		"its start and end":  {object{"auto_transition_deliver_notifications_at_start": true, "auto_transition_deliver_notifications_at_end": true}, "reminded begun completed"},
		"neither of the two": {object{"auto_transition_deliver_notifications_at_start": false, "auto_transition_deliver_notifications_at_end": false}, "reminded"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			id := s.subscribe("/subscribers", object{"email": "ops@example.com", "skip_confirmation_notification": true})
			c.make["deliver_notifications"] = false
			s.call(http.StatusCreated, http.MethodPost, "/incidents", s.maintenance(c.make))
			s.tick(onTheDay(4, 59))
			if got := s.told(id); got != "" {
				t.Errorf("got told %q more than an hour before the start, want nothing", got)
			}
			for _, at := range []time.Time{onTheDay(5, 0), onTheDay(6, 0), onTheDay(7, 0)} {
				s.tick(at)
			}
			if got := s.told(id); got != c.want {
				t.Errorf("got told %q, want %q", got, c.want)
			}
		})
	}
}

func TestAPostmortemIsToldWhenItSaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		publish any
		want    string
	}{
		"when it says so":         {object{"postmortem": object{"notify_subscribers": true}}, "opened resolved postmortem"},
		"when it says otherwise":  {object{"postmortem": object{"notify_subscribers": false}}, "opened resolved"},
		"when it does not say so": {nil, "opened resolved"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			id := s.subscribe("/subscribers", object{"email": "ops@example.com", "skip_confirmation_notification": true})
			path := "/incidents/" + s.resolvedIncident() + "/postmortem"
			s.call(http.StatusOK, http.MethodPut, path, object{"postmortem": object{"body_draft": "A certificate ran out."}})
			for range 2 { // a client that asks again tells nobody twice
				s.call(http.StatusOK, http.MethodPut, path+"/publish", c.publish)
			}
			s.call(http.StatusOK, http.MethodPut, path, object{"postmortem": object{"body_draft": "Two certificates ran out."}})
			s.call(http.StatusOK, http.MethodPut, path+"/publish", object{"postmortem": object{"notify_subscribers": false}})
			if got := s.told(id); got != c.want {
				t.Errorf("got told %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhoLeavesIsNotWrittenTo(t *testing.T) {
	s := open(t)
	for _, query := range []string{"", "?skip_unsubscription_notification=false"} {
		id := s.subscribe("/subscribers", object{"email": "ops@example.com", "skip_confirmation_notification": true})
		s.call(http.StatusOK, http.MethodDelete, "/subscribers/"+id+query, nil)
		s.call(http.StatusCreated, http.MethodPost, "/incidents", object{"incident": object{"name": "APIs fail"}})
		if got := s.told(id); got != "" {
			t.Errorf("got told %q, want nothing", got)
		}
	}
}
