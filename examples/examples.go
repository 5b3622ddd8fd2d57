// Package examples holds documents of an invented company, Northwind, to begin one's own with.
//
// They are the ones that the documentation shows, that `interlude demo` plays, and that tests read, so that they
// cannot go stale: [FS] holds page.yaml, a page with its components; maintenance.yaml, a planned maintenance with
// promises and a runbook; recurring.yaml, one that returns each month; past.yaml, one that is entered as it was; and
// incident.yaml, an unplanned event. Copy them, and change the words. They promise to be accepted as they are by
// `interlude preview`; `interlude apply` may rightly refuse a window that has passed in the meantime. gate/gate.yaml is the
// configuration of a gate that keeps the promises of maintenance.yaml.
package examples

import "embed"

// FS holds the documents, by file name.
//
//go:embed *.yaml gate/*.yaml
var FS embed.FS
