package main

import (
	"slices"
	"testing"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

func TestAWholeGroupIsWrittenByItsName(t *testing.T) {
	component := func(group, name string) api.Component {
		full := name
		if group != "" {
			full = group + " / " + name
		}
		return api.Component{Component: status.Component{Name: name}, Group: group, FullName: full}
	}
	page := []api.Component{
		component("Messenger", "Web"), component("Messenger", "Mobile"), component("", "APIs"),
		component("Mail", "In"), component("Mail", "Out"), component("", "Mail"),
	}
	for _, c := range []struct{ names, want []string }{
		{[]string{"Messenger / Web", "Messenger / Mobile", "APIs"}, []string{"Messenger", "APIs"}},
		{[]string{"Messenger / Mobile", "APIs"}, []string{"Messenger / Mobile", "APIs"}},
		{[]string{"Mail / In", "Mail / Out"}, []string{"Mail / In", "Mail / Out"}},
		{[]string{"Gone / Away", "APIs"}, []string{"Gone / Away", "APIs"}},
		{nil, nil},
	} {
		if got := gathered(c.names, page); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.names, got, c.want)
		}
	}
}

func TestAMomentNamesItsZone(t *testing.T) {
	at := time.Date(2027, 7, 1, 12, 0, 0, 0, time.UTC)
	for name, want := range map[string]string{
		"UTC": "2027-07-01 12:00 UTC", "Europe/Berlin": "2027-07-01 14:00 CEST", "America/Sao_Paulo": "2027-07-01 09:00 UTC-03",
	} {
		zone, err := status.LoadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := instant(at, zone); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if got := instant(time.Time{}, time.UTC); got != "" {
		t.Errorf("got %q for no moment, want nothing", got)
	}
}
