package spool

import (
	"log/slog"
	"time"
)

// Config is what a spool keeps for whom. Zero fields take the defaults that their comments name.
type Config struct {
	// Journal is where what was accepted is durable.
	Journal Journal
	// Index is the file of the index; it may be lost. Empty is one that ends with the spool, for tests.
	Index string
	// Flows are those that something may be accepted for, by name.
	Flows map[string]Flow
	// Limits bound all flows together.
	Limits Limits
	// Free tells how many bytes are free where the journal is; nil is as many as anybody wants.
	Free func() (int64, error)
	// Relieve is called when the disk is so full that not even what became of entries can be written. It gives room back that was
	// kept for this, and reports whether it did; nil is never. See [Reserve].
	Relieve func() bool
	// Grace is how long those who are handing something over have to finish when Run's context ends; 0 is 10 seconds.
	Grace time.Duration
	// Log is told what changes; nil is silent.
	Log *slog.Logger
}

// Flow is how the entries of a flow are handed over.
type Flow struct {
	Courier Courier
	// From is how many a second are handed over at first after a pause, twice as many after each second without a failure; 0 is 50.
	From int
	// Rate is how many a second at most; 0 is no bound but InFlight.
	Rate int
	// InFlight is how many are with the courier at once at most; 0 is 32.
	InFlight int
	// Again is how long an entry waits after its first failure, and twice as long after each further one, up to Most. 0 are 5
	// seconds and 15 minutes.
	Again time.Duration
	Most  time.Duration
	// Warn is how long after it was due an entry is old enough to be told of ([Flow.Warned]); 0 is never.
	Warn time.Duration
	// Warned is told once of an entry that is late, also while the flow is held. It is called by many goroutines.
	Warned func(Item)
	// Shelve is asked about an entry that is refused or too old, before it goes to the shelf; true is that it has been dealt
	// with, and ends as removed. nil is that everything goes to the shelf. It is called by many goroutines.
	Shelve func(e Entry, reason string) bool
}

// Limits bound what is kept. What would go beyond is refused with [ErrFull].
type Limits struct {
	// Bytes and Entries are how much waits or lies on the shelf at most; 0 are 8 GiB and 5,000,000.
	Bytes   int64
	Entries int64
	// Entry is how large one may be, head and body; 0 is 64 MiB.
	Entry int64
	// Memory is what those take that are being accepted or handed over at one time; 0 is 256 MiB.
	Memory int64
	// Spare is how much room is left free on the disk; 0 is 512 MiB.
	Spare int64
	// Age is how long after it was due an entry is given up, once it has been tried; 0 is 5 days.
	Age time.Duration
	// Remember is how long the keys and ends of those that are gone are known; 0 is 3 days. When the index is lost, only those with
	// a key are.
	Remember time.Duration
}
