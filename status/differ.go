package status

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// differences collects fields that differ, as text.
type differences []FieldChange

func (d *differences) add(field, was, is string) {
	if was != is {
		*d = append(*d, FieldChange{Field: field, Was: was, Is: is})
	}
}

// maintenanceFields lists what differs between two maintenances, of what a document decides.
func maintenanceFields(was, is Maintenance, b *Book) []FieldChange {
	var d differences
	d.add("title", was.Title, is.Title)
	d.add("window", windowField(was.Window), windowField(is.Window))
	d.add("summary", was.Summary, is.Summary)
	d.add("why", was.Why, is.Why)
	d.add("affects", namesField(was.Affects, b), namesField(is.Affects, b))
	d.add("promises", promisesField(was.Promises), promisesField(is.Promises))
	d.add("reminders", durationsField(was.Reminders), durationsField(is.Reminders))
	d.add("remind_every", durationField(was.RemindEvery), durationField(is.RemindEvery))
	d.add("begin", string(was.Begins), string(is.Begins))
	d.add("complete", string(was.Completes), string(is.Completes))
	d.add("overrun_every", durationField(was.OverrunEvery), durationField(is.OverrunEvery))
	d.add("short_notice", was.ShortNotice, is.ShortNotice)
	d.add("despite_blackout", was.DespiteBlackout, is.DespiteBlackout)
	d.add("impact", string(was.Impact), string(is.Impact))
	d.add("marks", string(was.Marks), string(is.Marks))
	d.add("releases", string(was.Releases), string(is.Releases))
	d.add("quiet_begin", boolField(was.QuietBegin), boolField(is.QuietBegin))
	d.add("quiet_end", boolField(was.QuietEnd), boolField(is.QuietEnd))
	d.add("metadata", metadataField(was.Metadata), metadataField(is.Metadata))
	return d
}

func pageFields(was, is Page) []FieldChange {
	var d differences
	d.add("name", was.Name, is.Name)
	d.add("url", was.URL, is.URL)
	d.add("description", was.Description, is.Description)
	d.add("time_zone", was.TimeZone, is.TimeZone)
	d.add("least_notice", durationField(was.LeastNotice), durationField(is.LeastNotice))
	d.add("blackouts", blackoutsField(was.Blackouts), blackoutsField(is.Blackouts))
	d.add("maintenance_counts", boolField(was.MaintenanceCounts), boolField(is.MaintenanceCounts))
	return d
}

func windowField(w Window) string {
	if w == (Window{}) {
		return ""
	}
	return w.Start.UTC().Format(time.RFC3339) + " to " + w.End.UTC().Format(time.RFC3339)
}

func namesField(ids []string, b *Book) string {
	return strings.Join(componentNames(ids, b.Groups, b.Components), ", ")
}

func promisesField(promises []Promise) string {
	lines := make([]string, len(promises))
	for i, p := range promises {
		lines[i] = p.Audience + ": " + p.Words()
		if p.Flow != "" {
			lines[i] += " [" + p.Flow + "]"
		}
	}
	return strings.Join(lines, "\n")
}

func durationsField(list []Duration) string {
	texts := make([]string, len(list))
	for i, d := range list {
		texts[i] = d.String()
	}
	return strings.Join(texts, ", ")
}

func durationField(d Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func blackoutsField(list []Blackout) string {
	texts := make([]string, len(list))
	for i, b := range list {
		texts[i] = fmt.Sprintf("%s to %s%s", b.From, b.To, reasonText(b.Reason))
	}
	return strings.Join(texts, ", ")
}

// metadataField writes metadata as JSON, which sorts its names.
func metadataField(m map[string]any) string {
	if len(m) == 0 {
		return ""
	}
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Sprint(m)
	}
	return string(text)
}

func dateField(d Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

func boolField(b bool) string {
	if b {
		return "true"
	}
	return ""
}

func updatesField(updates []Update) string {
	lines := make([]string, len(updates))
	for i, u := range updates {
		lines[i] = u.At.UTC().Format(time.RFC3339) + " " + string(u.State) + " " + u.Body
	}
	return strings.Join(lines, "\n")
}
