package jetstream_test

import (
	"testing"

	"example.org/interlude/spool"
	"example.org/interlude/spool/spooltest"
)

func TestAJournalInJetStreamIsAJournal(t *testing.T) {
	t.Parallel()
	spooltest.Journal(t, func(t *testing.T) spooltest.JournalMaker {
		c := on(single(t, ""))
		return spooltest.JournalMaker{Open: func(t *testing.T) spool.Journal { return open(t, c) }}
	})
}

func TestASpoolKeepsItsPromisesInJetStream(t *testing.T) {
	t.Parallel()
	spooltest.Spool(t, func(t *testing.T) spool.Journal { return open(t, on(single(t, ""))) })
}
