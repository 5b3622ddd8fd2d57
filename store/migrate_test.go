package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/api"
	"example.org/interlude/notify"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

// The types that a column has here and there.
var sameType = strings.NewReplacer("bigint", "INTEGER", "boolean", "INTEGER", "text", "TEXT", "double precision", "REAL")

func TestBothEnginesHaveTheSameTablesAndColumns(t *testing.T) {
	lite, postgres := open(t, newDatabase(t, "memory")), open(t, newDatabase(t, "postgres"))
	tables := store.Tables(t, lite)
	if diff := cmp.Diff(tables, store.Tables(t, postgres)); diff != "" {
		t.Fatalf("tables (-SQLite +PostgreSQL):\n%s", diff)
	}
	for _, table := range tables {
		if table == "interlude_schema" {
			continue // goose's own, which differs
		}
		here := store.Read(t, lite, `SELECT name || ' ' || type || CASE WHEN "notnull" OR pk THEN ' NOT NULL' ELSE '' END
			FROM pragma_table_info('`+table+`') ORDER BY cid`)
		there := store.Read(t, postgres, `SELECT column_name || ' ' || data_type || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
			FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`, table)
		for i := range there {
			there[i] = sameType.Replace(there[i])
		}
		if diff := cmp.Diff(here, there); diff != "" {
			t.Errorf("columns of %s (-SQLite +PostgreSQL):\n%s", table, diff)
		}
	}
	here := store.Read(t, lite, `SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name`)
	there := store.Read(t, postgres, `SELECT indexname FROM pg_indexes
		WHERE schemaname = current_schema() AND indexname NOT LIKE '%\_pkey' AND indexname NOT LIKE '%\_key1' ORDER BY indexname`)
	// A UNIQUE constraint has an index with a name in PostgreSQL only.
	there = slices.DeleteFunc(there, func(name string) bool { return name == "token_hash_key" || name == "page_single_key" })
	if diff := cmp.Diff(here, there); diff != "" {
		t.Errorf("indexes (-SQLite +PostgreSQL):\n%s", diff)
	}
}

func TestBothEnginesHaveTheSameMigrations(t *testing.T) {
	names := func(folder string) []string {
		entries, err := os.ReadDir(filepath.Join("migrations", folder))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	if diff := cmp.Diff(names("sqlite"), names("postgres")); diff != "" {
		t.Errorf("(-SQLite +PostgreSQL):\n%s", diff)
	}
}

// rowsOfVersion1 were written by the first schema. They are never changed: databases that hold such rows exist.
const rowsOfVersion1 = `
INSERT INTO page (id, version, seq, name, url, description, time_zone, least_notice, blackouts, maintenance_counts)
VALUES ('p', 3, 1, 'Northwind', 'https://status.example.com', 'All systems', 'Europe/Berlin', 172800000000,
	'[{"from":"2027-12-20","to":"2028-01-02","reason":"holidays"}]', true);
INSERT INTO component_group (id, version, seq, name, description, position, removed)
VALUES ('g', 1, 1, 'Messenger', '', 2, NULL);
INSERT INTO component (id, version, seq, name, group_id, description, position, condition, set_at, created, removed)
VALUES ('c', 1, 1, 'Web', 'g', '', 0, 'operational', 1800014400000000, 1800014400000000, NULL),
	('d', 2, 1, 'APIs', NULL, 'for developers', 1, 'partial_outage', 1800014400000000, 1800014400000000, 1800014400000001);
INSERT INTO component_setting (seq, n, component, at, condition) VALUES (1, 0, 'd', 1800014400000000, 'partial_outage');
INSERT INTO series (id, version, seq, open, ended, key, template, rule, time_zone, exceptions, announced, skipped)
VALUES ('s', 1, 1, true, false, 'monthly', '{"id":"","key":"","title":"Monthly restart","state":"",
	"window":{"start":"2027-01-03T06:00:00Z","end":"2027-01-03T07:00:00Z"},
	"announced":{"start":"0001-01-01T00:00:00Z","end":"0001-01-01T00:00:00Z"},"begin":"automatic","complete":"manual",
	"affects":["c"],"reminders":["24h"],"updates":null,"created":"0001-01-01T00:00:00Z","changed":"0001-01-01T00:00:00Z","version":0}',
	'FREQ=MONTHLY;BYDAY=1SU', 'Europe/Berlin', '["2027-04-04"]', 1800014400000000, '["2027-05-02"]');
INSERT INTO maintenance (id, version, seq, open, key, title, state, window_start, window_end, announced_start, announced_end,
	began, ended, estimate, begins, completes, summary, why, affects, promises, reminders, reminded, overrun_every, overrun_said,
	short_notice, despite_blackout, series, occurrence, detached, unfinished, backfilled, created, changed)
VALUES ('m', 2, 1, true, 'jan', 'Database', 'in_progress', 1800014400000000, 1800018000000000, 1800014400000000,
	1800018000000000, 1800014400000000, NULL, NULL, 'automatic', 'manual', 'Summary', 'Why', '["c","d"]',
	'[{"audience":"Developers","flow":"api","promise":"unavailable","at_most":"5m"}]', '["24h","1h"]', '["24h"]', 1800000000,
	NULL, 'urgent', '', 's', 1800014400000000, false, '[{"what":"step","name":"restart","since":"2027-01-15T12:00:01.5Z"}]', false,
	1800014400000000, 1800014400000000);
INSERT INTO incident (id, version, seq, open, key, title, state, impact, affects, began, ended, backfilled, created, changed)
VALUES ('i', 1, 1, false, '', 'Slow', 'resolved', 'degraded_performance', '["c"]', 1800014400000000, 1800014400000001, true,
	1800014400000000, 1800014400000000);
INSERT INTO post (kind, subject, n, id, state, event, at, due, body, by_kind, by_name, conditions, quiet)
VALUES ('maintenance', 'm', 0, 'u0', 'scheduled', 'announced', 1800014400000000, NULL, 'Soon', 'person', 'Ada', '{}', false),
	('maintenance', 'm', 1, 'u1', 'in_progress', 'begun', 1800014400000005, 1800014400000000, 'Now', 'clock', '', '{}', true),
	('incident', 'i', 0, 'u0', 'resolved', 'resolved', 1800014400000000, NULL, 'Over', 'person', 'Bo', '{"c":"operational"}', false);
INSERT INTO event (seq, n, kind, subject_kind, subject, at, told, payload)
VALUES (1, 0, 'begun', 'maintenance', 'm', 1800014400000000, true, '{"kind":"begun","subject":{"kind":"maintenance","id":"m"},
	"at":"2027-01-15T12:00:00Z","due":"2027-01-15T11:59:00Z","by":{"kind":"clock"},"lead":3600000000000,"told":true}');
INSERT INTO token (id, name, hash, scope, created, last_used, revoked, by_name)
VALUES ('t', 'pipeline', 'abc', 'operate', 1800014400000000, NULL, NULL, 'Ada');
UPDATE feed SET seq = 1, changed = 1800014400000000;
`

// worldOfVersion1 is what those rows mean.
func worldOfVersion1() status.Delta {
	window := status.Window{Start: noon, End: noon.Add(time.Hour)}
	first := time.Date(2027, 1, 3, 6, 0, 0, 0, time.UTC)
	ada, day := status.Actor{Kind: status.Person, Name: "Ada"}, status.Duration(24*time.Hour)
	return status.Delta{
		Seq: 1,
		Page: &status.Page{
			ID: "p", Version: 3, Name: "Northwind", URL: "https://status.example.com", Description: "All systems",
			TimeZone: "Europe/Berlin", LeastNotice: 2 * day, MaintenanceCounts: true,
			Blackouts: []status.Blackout{{From: status.Date{Year: 2027, Month: 12, Day: 20}, To: status.Date{Year: 2028, Month: 1, Day: 2}, Reason: "holidays"}},
		},
		Groups: []status.Group{{ID: "g", Version: 1, Name: "Messenger", Position: 2}},
		Components: []status.Component{
			{ID: "c", Version: 1, Name: "Web", GroupID: "g", Condition: status.Operational, SetAt: noon, Created: noon},
			{ID: "d", Version: 2, Name: "APIs", Description: "for developers", Position: 1, Condition: status.PartialOutage, SetAt: noon, Created: noon, Removed: noon.Add(time.Microsecond)},
		},
		Settings: []status.Setting{{ComponentID: "d", At: noon, Condition: status.PartialOutage}},
		Series: []status.Series{{
			ID: "s", Version: 1, Key: "monthly", Announced: noon, Skipped: []status.Date{{Year: 2027, Month: 5, Day: 2}},
			Template: status.Maintenance{
				Title: "Monthly restart", Window: status.Window{Start: first, End: first.Add(time.Hour)},
				Begins: status.Automatic, Completes: status.Manual, Affects: []string{"c"}, Reminders: []status.Duration{day},
			},
			Recurrence: status.Recurrence{Rule: "FREQ=MONTHLY;BYDAY=1SU", TimeZone: "Europe/Berlin", Except: []status.Date{{Year: 2027, Month: 4, Day: 4}}},
		}},
		Maintenances: []status.Maintenance{{
			ID: "m", Version: 2, Key: "jan", Title: "Database", State: status.InProgress, Window: window, Announced: window, Began: noon,
			Begins: status.Automatic, Completes: status.Manual, Summary: "Summary", Why: "Why", Affects: []string{"c", "d"},
			Promises:  []status.Promise{{Audience: "Developers", Flow: "api", Promise: status.Unavailable, AtMost: status.Duration(5 * time.Minute)}},
			Reminders: []status.Duration{day, status.Duration(time.Hour)}, Reminded: []status.Duration{day},
			OverrunEvery: status.Duration(30 * time.Minute), ShortNotice: "urgent", Series: "s", Occurrence: noon,
			Unfinished: []status.Unfinished{{What: "step", Name: "restart", Since: noon.Add(1500 * time.Millisecond)}},
			Updates: []status.Update{
				{ID: "u0", State: status.Scheduled, Event: status.Announced, At: noon, Body: "Soon", By: ada},
				{ID: "u1", State: status.InProgress, Event: status.Begun, At: noon.Add(5 * time.Microsecond), Due: noon, Body: "Now", By: status.ByClock, Quiet: true},
			},
			Created: noon, Changed: noon,
		}},
		Incidents: []status.Incident{{
			ID: "i", Version: 1, Title: "Slow", State: status.Resolved, Impact: status.DegradedPerformance, Affects: []string{"c"},
			Began: noon, Ended: noon.Add(time.Microsecond), Backfilled: true, Created: noon, Changed: noon,
			Updates: []status.Update{{
				ID: "u0", State: status.Resolved, Event: status.Ended, At: noon, Body: "Over", By: status.Actor{Kind: status.Person, Name: "Bo"},
				Conditions: map[string]status.Condition{"c": status.Operational},
			}},
		}},
	}
}

func TestADatabaseOfTheOldestSchemaIsReadByThisProgram(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		store.OpenAt(t, name, 1)
		db := raw(t, name)
		for statement := range strings.SplitSeq(strings.TrimSpace(rowsOfVersion1), ";\n") {
			exec(t, db, strings.TrimSuffix(statement, ";"))
		}
		s := open(t, name)
		if version, err := s.Schema(t.Context()); err != nil || version != store.Newest(s) || version < 1 {
			t.Errorf("got version %d and error %v, want %d", version, err, store.Newest(s))
		}
		if diff := cmp.Diff(worldOfVersion1(), since(t, s, 0)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		events, err := s.Events(t.Context(), 0, 1)
		want := []store.Entry{{Seq: 1, Event: status.Event{
			Kind: status.Begun, Subject: status.Subject{Kind: status.KindMaintenance, ID: "m"}, At: noon, Due: noon.Add(-time.Minute),
			By: status.ByClock, Lead: time.Hour, Told: true,
		}}}
		if diff := cmp.Diff(want, events); err != nil || diff != "" {
			t.Errorf("error %v, events (-want +got):\n%s", err, diff)
		}
		if token, err := s.TokenByHash(t.Context(), "abc"); err != nil || token.ID != "t" || token.By != "Ada" {
			t.Errorf("got %+v and error %v, want token t", token, err)
		}
	})
}

func TestSubscribersOfTheSchemaBeforeNoticesAreToldOfWhatTheyChose(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		store.OpenAt(t, name, 2)
		exec(t, raw(t, name), `INSERT INTO subscriber (id, version, channel, address, contact, event, components, access_user, state,
			skip_confirmation, created) VALUES
			('b', 1, 'email', 'b@example.com', '', '', '["web","web"]', '', 'active', true, 1800014400000001),
			('a', 1, 'email', 'a@example.com', '', '', '[]', '', 'active', true, 1800014400000000)`)
		s := open(t, name)
		if err := s.AddSubscriber(t.Context(), noon, notify.Subscriber{ID: "c", Channel: notify.Email, Address: "c@example.com", State: notify.Active}); err != nil {
			t.Fatal(err)
		}
		change(t, s, planned("api"))
		change(t, s, func(b *status.Book) {
			b.Say(status.Event{Kind: status.Updated, Subject: status.Subject{Kind: status.KindMaintenance, ID: "m"}, At: noon, Told: true})
			m, _ := b.Maintenance("m")
			m.Affects = []string{"web"}
			b.PutMaintenance(m)
		})
		got := [][]string{told(t, s, 1), told(t, s, 2)}
		want := [][]string{
			{"email a@example.com waiting", "email c@example.com waiting"},
			{"email a@example.com waiting", "email b@example.com waiting", "email c@example.com waiting"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("who is told of api, then of web (-want +got):\n%s", diff)
		}
	})
}

func TestAMaintenanceOfTheSchemaBeforeGatesIsInterruptedAndMeasured(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		store.OpenAt(t, name, 3)
		db := raw(t, name)
		for statement := range strings.SplitSeq(strings.TrimSpace(rowsOfVersion1), ";\n") {
			exec(t, db, strings.TrimSuffix(statement, ";"))
		}
		s := open(t, name)
		opened := status.Interruption{ID: "i", Flows: []string{"api"}, Opened: noon, Lapses: noon.Add(time.Minute)}
		change(t, s, func(b *status.Book) {
			m, _ := b.Maintenance("m")
			if m.Interruptions != nil {
				t.Errorf("got %+v, want none", m.Interruptions)
			}
			m.Interruptions = []status.Interruption{opened}
			b.PutMaintenance(m)
		})
		if diff := cmp.Diff([]status.Interruption{opened}, since(t, s, 1).Maintenances[0].Interruptions); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		note(t, s, "g", api.GateState{}, noon)
		tell(t, s, "g", "e", 1, []api.Outcome{outcome("api", 1, 2, api.Counts{Held: 1})})
		if flows := measured(t, s, "m").Flows; len(flows) != 1 || flows[0].Held != 1 {
			t.Errorf("got %+v, want one request held", flows)
		}
	})
}

func TestADatabaseOfANewerProgramIsRefusedAndLeftAlone(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		newest := store.Newest(open(t, name))
		exec(t, raw(t, name), `INSERT INTO interlude_schema (version_id, is_applied) VALUES (9000, true)`)
		_, err := store.Open(t.Context(), name)
		want := fmt.Sprintf("its tables are of version 9000 and this program knows version %d: run the newer program", newest)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	})
}

func TestAMigrationThatFailsLeavesNothingBehind(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		if strings.HasPrefix(name, "sqlite:") {
			return // a file with a table of somebody else's is refused before
		}
		exec(t, raw(t, name), `CREATE TABLE token (other BIGINT)`)
		if _, err := store.Open(t.Context(), name); err == nil || !strings.Contains(err.Error(), `relation "token" already exists`) {
			t.Errorf("got %v, want that the table is there", err)
		}
		exec(t, raw(t, name), `DROP TABLE token`)
		change(t, open(t, name), newWorld().put)
	})
}

func TestManyMayOpenANewDatabaseAtOnce(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		var group sync.WaitGroup
		for range 6 {
			group.Go(func() {
				s, err := store.Open(t.Context(), name)
				if err != nil {
					t.Error(err)
					return
				}
				change(t, s, func(b *status.Book) { b.PutPage(b.Page) })
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if d := since(t, open(t, name), 0); d.Seq != 6 {
			t.Errorf("got the feed at %d, want 6", d.Seq)
		}
	})
}
