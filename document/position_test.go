package document_test

import (
	"testing"

	"example.org/interlude/document"
	"example.org/interlude/status"
)

const two = `page: {name: Northwind}
---
title: Database upgrade
window:
  start: 2027-01-15T06:00:00Z
affects: [APIs, "Web Application", Nothing]
promises:
  - {audience: Teammates, promise: unavailable}
  - promise: queued
    audience: Mail
updates:
  - components:
      Delivery / E.mail: operational
      Delivery: operational
key:
`

func TestPositionFindsThePlaceOfAPath(t *testing.T) {
	for _, test := range []struct {
		index        int
		path         string
		line, column int
	}{
		{0, "page.name", 1, 14},
		{1, "affects[2]", 6, 36},
		{1, "affects[7]", 6, 10},
		{1, "affects", 6, 10},
		{1, "promises[0].audience", 8, 16},
		{1, "promises[1].audience", 10, 15},
		{1, "promises[1].flow", 9, 5},
		{1, "window.start", 5, 10},
		{1, "window.end", 5, 3},
		{1, "title[0]", 3, 8},
		{1, "updates[0].components.Delivery / E.mail", 13, 26},
		{1, `updates[0].components["Delivery / E.mail"]`, 13, 26},
		{1, "updates[0].components.Delivery", 14, 17},
		{1, "why", 3, 1},
		{1, "key", 15, 1},
		{1, "", 3, 1},
	} {
		line, column, ok := document.Position([]byte(two), test.index, test.path)
		if line != test.line || column != test.column || !ok {
			t.Errorf("%q: got %d:%d, %v, want %d:%d", test.path, line, column, ok, test.line, test.column)
		}
	}
	for _, index := range []int{-1, 2} {
		if _, _, ok := document.Position([]byte(two), index, "title"); ok {
			t.Errorf("got a place in document %d, want none", index)
		}
	}
}

func TestLocateShowsTheLineOfALaterError(t *testing.T) {
	invalid := &status.Invalid{Field: "affects[2]", Rule: `names nothing on the page: "Nothing"`}
	want := `m.yaml:6:36: affects[2] names nothing on the page: "Nothing"
    6 | affects: [APIs, "Web Application", Nothing]
      |                                    ^`
	if got := document.Locate([]byte(two), "m.yaml", 1, invalid).Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
