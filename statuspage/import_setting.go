package statuspage

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"example.org/interlude/status"
)

// patch is what version 1 says of an event and its document cannot, as far as it will differ from what is here.
func (i *importer) patch(e event, have keptEvent, stands standing) map[string]any {
	patch := make(map[string]any)
	i.patchMetadata(e, have, patch)
	for condition, word := range impacts {
		if word == given(e.ImpactOverride) && condition != i.impactHere(e, have, stands) {
			patch["impact_override"] = word
		}
	}
	if !e.planned {
		return patch
	}
	var here status.Maintenance
	if have.maintenance != nil {
		here = *have.maintenance
	}
	open := here.Open() && (len(e.updates) == 0 || !e.updates[len(e.updates)-1].state.Ended())
	flags := []struct {
		name      string
		there     *bool
		here      bool
		documents bool
	}{
		{"auto_transition_to_maintenance_state", e.ToMaintenance, here.Marks != status.Manual, false},
		{"auto_transition_to_operational_state", e.ToOperational, here.Releases != status.Manual, false},
		{"auto_transition_deliver_notifications_at_start", e.DeliverAtStart, !here.QuietBegin, false},
		{"auto_transition_deliver_notifications_at_end", e.DeliverAtEnd, !here.QuietEnd, false},
		{"scheduled_auto_in_progress", e.AutoInProgress, here.Begins != status.Manual, true},
		{"scheduled_auto_completed", e.AutoCompleted, here.Completes == status.Automatic, true},
		{"scheduled_remind_prior", e.RemindPrior, slices.Contains(here.Reminders, hourBefore), true},
	}
	for _, f := range flags {
		switch {
		case f.there == nil || *f.there == f.here:
		case f.documents && (stands == absent || stands == behind || !open):
		case open:
			patch[f.name] = *f.there
		case stands != apart:
			i.spent[e.id] = true
		}
	}
	return patch
}

// patchMetadata adds what is kept with the event there. What is kept here alone stays.
func (i *importer) patchMetadata(e event, have keptEvent, patch map[string]any) {
	var here map[string]any
	switch {
	case have.maintenance != nil:
		here = have.maintenance.Metadata
	case have.incident != nil:
		here = have.incident.Metadata
	}
	both := make(map[string]any)
	maps.Copy(both, here)
	for _, name := range slices.Sorted(maps.Keys(e.Metadata)) {
		if _, isObject := e.Metadata[name].(fields); !isObject {
			i.lost(e.kind, e.name, "its metadata "+short(name)+" is no object, which it must be here")
			continue
		}
		both[name] = plainNumbers(e.Metadata[name])
	}
	if !sameJSON(both, here) {
		patch["metadata"] = both
	}
}

// sameJSON reports whether metadata read the same; none at all is the same as without entries.
func sameJSON(a, b map[string]any) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	one, err := json.Marshal(a)
	other, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(one, other)
}

// impactHere is what is said of the impact here, when the document has been applied if it is needed.
func (i *importer) impactHere(e event, have keptEvent, stands standing) status.Condition {
	switch {
	case !e.planned && (stands == absent || stands == behind || have.incident == nil):
		return i.impact(e)
	case !e.planned:
		return have.incident.Impact
	case have.maintenance != nil:
		return have.maintenance.Impact
	}
	return ""
}
