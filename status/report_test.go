package status

import (
	"strings"
	"testing"
	"time"
)

var (
	shelfGroups     = []Group{{ID: "g1", Name: "Delivery", Position: 1}, {ID: "g2", Name: "Messenger", Position: 2}, {ID: "g3", Name: "Reports", Position: 5}}
	shelfComponents = []Component{
		{ID: "mail", Name: "Mail", GroupID: "g1", Position: 1},
		{ID: "push", Name: "Push", GroupID: "g1", Position: 2},
		{ID: "web", Name: "Web Messenger", GroupID: "g2", Position: 1},
		{ID: "app", Name: "App", Position: 3},
		{ID: "api", Name: "APIs", Position: 4},
		{ID: "daily", Name: "Daily", GroupID: "g3", Position: 1},
	}
)

func TestTheAffectedSentence(t *testing.T) {
	tests := []struct {
		name string
		ids  string
		want string
	}{
		{"nothing", "", ""},
		{"one component", "app", "app: App."},
		{"components only", "app api", "app: App, APIs."},
		{"one group", "mail push", "app: Delivery (Mail, Push)."},
		{"one group and one component", "mail app", "app: Delivery (Mail) and App."},
		{"one group and components", "mail push app api", "app: Delivery (Mail, Push) and App, APIs."},
		{"two groups", "mail web", "app: Delivery (Mail) and Messenger (Web Messenger)."},
		{"two groups and components", "mail push web app api", "app: Delivery (Mail, Push), Messenger (Web Messenger), and App, APIs."},
		{"three groups", "mail web daily", "app: Delivery (Mail), Messenger (Web Messenger), and Reports (Daily)."},
		{"components before a group", "app daily", "app: App and Reports (Daily)."},
		{"the order of the page, however it was given", "api web push mail app", "app: Delivery (Mail, Push), Messenger (Web Messenger), and App, APIs."},
		{"a component twice", "mail mail", "app: Delivery (Mail)."},
		{"a component that nobody knows", "gone app", "app: App."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Affected(KindMaintenance, false, strings.Fields(tt.ids), shelfGroups, shelfComponents)
			want := strings.Replace(tt.want, "app: ", "This scheduled maintenance affected: ", 1)
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	if got, want := Affected(KindIncident, true, []string{"app"}, nil, shelfComponents), "This incident affects: App."; got != want {
		t.Errorf("got %q for an open incident, want %q", got, want)
	}
}

func TestAReportIsPrintedLineByLine(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	post := func(day, clock string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", "2027-07-"+day+" "+clock, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	m := Maintenance{
		ID: "m1", Title: "Moving the archive", State: Completed, Affects: []string{"mail", "app"},
		Updates: []Update{
			{State: Scheduled, At: post("01", "09:05"), Body: "We will move the archive.\n\nWhat is the impact?\nSearch may be slow."},
			{State: Scheduled, At: post("02", "09:05"), Body: "A reminder."},
			{State: InProgress, At: post("03", "06:01"), Body: "It has begun."},
			{State: InProgress, At: post("03", "06:30")},
			{State: Verifying, At: post("03", "06:40"), Body: "We are looking."},
			{State: Completed, At: post("03", "07:14"), Body: "It is done."},
		},
	}
	want := `Moving the archive
Scheduled Maintenance Report for Northwind
Completed
It is done.
Posted Jul 03, 2027 - 07:14 CEST
Verifying
We are looking.
Posted Jul 03, 2027 - 06:40 CEST
Update
Posted Jul 03, 2027 - 06:30 CEST
In progress
It has begun.
Posted Jul 03, 2027 - 06:01 CEST
Update
A reminder.
Posted Jul 02, 2027 - 09:05 CEST
Scheduled
We will move the archive.

What is the impact?
Search may be slow.
Posted Jul 01, 2027 - 09:05 CEST
This scheduled maintenance affected: Delivery (Mail) and App.
`
	var got strings.Builder
	r := ReportMaintenance(m, Page{Name: "Northwind", TimeZone: "Europe/Berlin"}, shelfGroups, shelfComponents)
	if err := r.WriteText(&got); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}
