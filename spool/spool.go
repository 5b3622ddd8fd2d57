// Package spool keeps what was accepted until it has been handed over: mail, posts and messages that arrive while the
// product is away.
//
// A [Spool] accepts an [Entry] once it is durable, and not before ([Spool.Accept]); many that arrive together share one
// write to the disk. While a flow's destination is there ([Spool.Release]) it hands its entries to the flow's [Courier]:
// in order within a lane, side by side across lanes, at a rate that ramps up and backs off, each again until it was
// taken, was refused for good, or has grown too old. What was refused lies on a shelf, with the reason, until somebody
// looks at it.
//
// What it promises: nothing accepted is lost, whatever moment the process or the machine stops at; nothing is handed over
// twice but what was in a courier's hands at that moment, or had left them and was not written yet, and that under the same id;
// an entry with a key is accepted once. Where the promise ends: with the disk, or with the machines of a journal elsewhere ([Journal]); and a key is
// remembered only for a while after its entry is gone ([Limits.Remember]).
//
// The truth is the journal, a sequence of durable records. The index beside it, a small database that is never asked for
// more than a page at a time, says what is waiting; it follows from the journal, and is made anew from it when it is lost.
// So memory does not grow with what waits.
//
// Its files: entry.go and config.go are the nouns, journal.go what has to be durable, files.go the journal on the machine's own disk
// and record.go the form of its records, accept.go and
// commit.go the way in, index.go what is where, drain.go, pace.go and carry.go the way out, warn.go tells of what is late,
// shelf.go is what people do, figures.go what they see, and forget.go keeps the journal short.
package spool
