package spool

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sampleRecords are one of each sort, with every field.
func sampleRecords() []record {
	at := func(s int64) time.Time { return time.Unix(1_800_000_000+s, 123_000).UTC() }
	stands := standing{state: Shelved, attempts: 3, next: at(1), settled: at(2), expires: at(3), warned: true, reason: "no such mailbox"}
	return []record{
		{
			tag: tagEntry, bytes: 9, standing: stands,
			entry: Entry{
				ID: "06h2xmh3zm1zmbw4mfvyj6x3h4", Flow: "inbound", Kind: Mail, Lane: "a b", Key: "k", About: "from a to b",
				Accepted: at(0), Due: at(1), Head: []byte("head"), Body: []byte("b\r\n\x00\xff"),
			},
		},
		{tag: tagStanding, entry: Entry{ID: "06h2xmh3zm1zmbw4mfvyj6x3h4"}, standing: stands},
		{tag: tagStanding, entry: Entry{ID: "x"}, standing: standing{state: Waiting}},
		{tag: tagPause, flow: "inbound", paused: true},
		{tag: tagPause, flow: "inbound"},
	}
}

var sameRecord = cmp.AllowUnexported(record{}, standing{})

func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	for _, want := range sampleRecords() {
		got, err := decode(want.encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, sameRecord); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}

func TestRecordsThatAreCutOffOrTooLongAreRefused(t *testing.T) {
	for _, r := range sampleRecords() {
		data := r.encode()
		for n := range data {
			if got, err := decode(data[:n]); !errors.Is(err, errRecord) {
				t.Errorf("the first %d of %d bytes: got %+v, %v, want %v", n, len(data), got, err, errRecord)
			}
		}
		if _, err := decode(append(data, 0)); !errors.Is(err, errRecord) {
			t.Errorf("one byte more: got %v, want %v", err, errRecord)
		}
	}
}

func TestRecordsOfAnotherVersionAreRefused(t *testing.T) {
	for data, want := range map[string]string{
		"":             "0 bytes",
		"\x02\x01":     "form 2, want 1; a newer version may have written it",
		"\x01\x09":     "tag 9 is not known",
		"\x01\x03\x00": "paused: is missing",
	} {
		if _, err := decode([]byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", data, err, want)
		}
	}
}

func FuzzRecord(f *testing.F) {
	for _, r := range sampleRecords() {
		f.Add(r.encode())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(data)
		if err != nil {
			return
		}
		again, err := decode(r.encode())
		if err != nil {
			t.Fatalf("what was read cannot be written and read again: %v", err)
		}
		if diff := cmp.Diff(r, again, sameRecord); diff != "" {
			t.Errorf("-first +again\n%s", diff)
		}
	})
}
