package store

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/status"
)

// Bounds of what gates measure.
const (
	mostInBatch = 5000
	mostCause   = 2000 // bytes
	// mostCounted is the highest number that every reader of JSON keeps exactly. As microseconds of waiting it is 285
	// years; and the sums of a thousand gates can be added up.
	mostCounted = 1 << 53
)

// checkBatch refuses what no gate can have measured, or what could not be kept.
func checkBatch(batch api.OutcomeBatch) error {
	switch {
	case batch.Number < 1:
		return &status.Invalid{Field: "number", Rule: fmt.Sprintf("must count from 1, not from %d", batch.Number)}
	case len(batch.Outcomes) > mostInBatch:
		return &status.Invalid{Field: "outcomes", Rule: fmt.Sprintf("must be at most %d, not %d", mostInBatch, len(batch.Outcomes))}
	case len(batch.Spans) > mostInBatch:
		return &status.Invalid{Field: "spans", Rule: fmt.Sprintf("must be at most %d, not %d", mostInBatch, len(batch.Spans))}
	}
	for i, o := range batch.Outcomes {
		field := fmt.Sprintf("outcomes[%d]", i)
		if err := cmp.Or(checkGateName(field+".flow", o.Flow), status.CheckYear(field+".from", o.From), status.CheckYear(field+".to", o.To)); err != nil {
			return err
		}
		if wrong := checkCounts(o.Counts); wrong != nil {
			return wrong.In(field)
		}
	}
	for i, span := range batch.Spans {
		field := fmt.Sprintf("spans[%d]", i)
		if err := checkSpan(field, span); err != nil {
			return err
		}
	}
	return cmp.Or(checkGateName("epoch", batch.Epoch), checkText(batch))
}

// checkCounts refuses numbers that nobody can have counted.
func checkCounts(c api.Counts) *status.Invalid {
	names := strings.Split(countNames, ", ")
	for i, n := range append(sums(&c), &c.LongestMicros, &c.LongestDelayMicros) {
		if *n < 0 || *n > mostCounted {
			return outOfBounds(names[i], *n)
		}
	}
	return cmp.Or(checkHistogram("waits", c.Waits), checkHistogram("took", c.Took), checkHistogram("delays", c.Delays))
}

func checkHistogram(field string, counts []int64) *status.Invalid {
	if len(counts) > api.WaitBuckets {
		return &status.Invalid{Field: field, Rule: fmt.Sprintf("must be at most %d numbers, not %d", api.WaitBuckets, len(counts))}
	}
	for i, n := range counts {
		if n < 0 || n > mostCounted {
			return outOfBounds(fmt.Sprintf("%s[%d]", field, i), n)
		}
	}
	return nil
}

func outOfBounds(field string, n int64) *status.Invalid {
	return &status.Invalid{Field: field, Rule: fmt.Sprintf("must be 0 to %d, with all that was counted before, not %d", mostCounted, n)}
}

func checkSpan(field string, span api.Span) error {
	if err := cmp.Or(checkGateName(field+".id", span.ID), checkGateName(field+".flow", span.Flow), status.CheckYear(field+".opened", span.Opened)); err != nil {
		return err
	}
	for i, at := range []time.Time{span.Quiet, span.Closed, span.Drained} {
		name := [...]string{".quiet", ".closed", ".drained"}[i]
		if err := status.CheckYear(field+name, at); err != nil && !at.IsZero() {
			return err
		}
	}
	if len(span.Cause) > mostCause || len(span.Interruption) > mostGateName {
		return &status.Invalid{Field: field + ".cause", Rule: fmt.Sprintf("must have at most %d bytes, and interruption %d", mostCause, mostGateName)}
	}
	return nil
}
