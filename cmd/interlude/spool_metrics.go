package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"example.org/interlude/spool"
)

var (
	spoolEntries   = prometheus.NewDesc("interlude_spool_entries", "Entries that are there now: due, later (not due yet), moving (being handed over, among the due) or shelved.", []string{"flow", "state"}, nil)
	spoolBytes     = prometheus.NewDesc("interlude_spool_bytes", "What the entries of a flow take.", []string{"flow"}, nil)
	spoolOldest    = prometheus.NewDesc("interlude_spool_oldest_timestamp_seconds", "When the oldest entry was due that waits and is due, in seconds since 1970; absent when none is.", []string{"flow"}, nil)
	spoolLeft      = prometheus.NewDesc("interlude_spool_left_seconds", "How long until all that is due has been handed over, at the rate of the last ten seconds; absent when nobody knows.", []string{"flow"}, nil)
	spoolRate      = prometheus.NewDesc("interlude_spool_rate", "Entries handed over a second, in the last ten seconds.", []string{"flow"}, nil)
	spoolHeld      = prometheus.NewDesc("interlude_spool_held", "1 while a flow waits for the product.", []string{"flow"}, nil)
	spoolPaused    = prometheus.NewDesc("interlude_spool_paused", "1 while a person has stopped a flow.", []string{"flow"}, nil)
	spoolAccepted  = prometheus.NewDesc("interlude_spool_accepted_total", "Entries that were accepted.", []string{"flow"}, nil)
	spoolRepeated  = prometheus.NewDesc("interlude_spool_repeated_total", "Entries that were there already, by their key.", []string{"flow"}, nil)
	spoolFull      = prometheus.NewDesc("interlude_spool_full_total", "Entries that were not accepted for want of room.", []string{"flow"}, nil)
	spoolEnded     = prometheus.NewDesc("interlude_spool_ended_total", "Entries that ended: delivered, refused (shelved), dropped (a bounce was sent), or removed by a person.", []string{"flow", "how"}, nil)
	spoolRetried   = prometheus.NewDesc("interlude_spool_retried_total", "Attempts that are to be repeated.", []string{"flow"}, nil)
	spoolDelays    = prometheus.NewDesc("interlude_spool_delay_seconds", "How late entries were delivered, from when they were due.", []string{"flow"}, nil)
	spoolJournal   = prometheus.NewDesc("interlude_spool_journal_bytes", "What the journal takes where it is kept.", nil, nil)
	spoolDescribed = []*prometheus.Desc{
		spoolEntries, spoolBytes, spoolOldest, spoolLeft, spoolRate, spoolHeld, spoolPaused, spoolAccepted, spoolRepeated, spoolFull, spoolEnded,
		spoolRetried, spoolDelays, spoolJournal,
	}
)

// collectSpool takes the figures of a spool.
func collectSpool(to chan<- prometheus.Metric, r *storeroom) {
	gauge(to, spoolJournal, float64(r.journal.Usage().Bytes))
	for flow, f := range r.spool.Figures() {
		collectSpooled(to, flow, f)
	}
}

func collectSpooled(to chan<- prometheus.Metric, flow string, f spool.Figures) {
	for state, n := range map[string]int64{"due": f.Waiting - f.Later, "later": f.Later, "moving": f.Moving, "shelved": f.Shelved} {
		gauge(to, spoolEntries, float64(n), flow, state)
	}
	gauge(to, spoolBytes, float64(f.Bytes), flow)
	if !f.Oldest.IsZero() {
		gauge(to, spoolOldest, float64(f.Oldest.UnixMilli())/1000, flow)
	}
	if f.Left >= 0 {
		gauge(to, spoolLeft, f.Left.Seconds(), flow)
	}
	gauge(to, spoolRate, f.Rate, flow)
	gauge(to, spoolHeld, truth(f.Held), flow)
	gauge(to, spoolPaused, truth(f.Paused), flow)
	counter(to, spoolAccepted, f.Accepted, flow)
	counter(to, spoolRepeated, f.Known, flow)
	counter(to, spoolFull, f.Full, flow)
	for how, n := range map[string]int64{"delivered": f.Taken, "refused": f.Refused, "dropped": f.Dropped, "removed": f.Removed} {
		counter(to, spoolEnded, n, flow, how)
	}
	counter(to, spoolRetried, f.Retried, flow)
	histogram(to, spoolDelays, f.Delays, f.DelayMicros, flow)
}
