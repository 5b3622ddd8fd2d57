package status

import (
	"slices"
	"strings"
)

// Promise is what an audience will experience during a maintenance, with its bound.
type Promise struct {
	// Audience is who experiences it, in the reader's words.
	Audience string `json:"audience" yaml:"audience"`
	// Flow names the traffic by which the audience reaches the product; the gate keeps the promise on it.
	Flow string `json:"flow,omitempty" yaml:"flow"`
	// Promise is the sort of experience.
	Promise Experience `json:"promise" yaml:"promise"`
	// AtMost bounds one interruption or delay; zero leaves it open.
	AtMost Duration `json:"at_most,omitempty" yaml:"at_most"`
}

// Experience is a sort of promise.
type Experience string

// The sorts of promise.
const (
	Uninterrupted Experience = "uninterrupted"
	Unavailable   Experience = "unavailable"
	Limited       Experience = "limited"
	DelayedUp     Experience = "delayed"
	Queued        Experience = "queued"
)

// Experiences lists every sort of promise.
var Experiences = []Experience{Uninterrupted, Unavailable, Limited, DelayedUp, Queued}

// Validate refuses a promise to nobody or of an unknown sort.
func (p Promise) Validate() error {
	if strings.TrimSpace(p.Audience) == "" {
		return &Invalid{Field: "audience", Rule: "is required: who will experience this, such as Developers using the API"}
	}
	if !slices.Contains(Experiences, p.Promise) {
		return &Invalid{Field: "promise", Rule: "must be one of uninterrupted, unavailable, limited, delayed, queued, not " + quote(string(p.Promise))}
	}
	return nil
}

// Words says the promise as readers are told it, without the audience: "unavailable (error 503) for up to 5 minutes at a time".
func (p Promise) Words() string {
	bound := p.AtMost != 0
	switch p.Promise {
	case Uninterrupted:
		if bound {
			return "no interruption; answers may take up to " + Span(p.AtMost) + " longer"
		}
		return "no interruption"
	case Unavailable:
		if bound {
			return "unavailable (error 503) for up to " + Span(p.AtMost) + " at a time"
		}
		return "unavailable (error 503) for short times"
	case Limited:
		if bound {
			return "limited function for up to " + Span(p.AtMost) + " at a time"
		}
		return "limited function for short times"
	case DelayedUp:
		if bound {
			return "delayed by up to " + Span(p.AtMost)
		}
		return "delayed, and delivered afterwards"
	case Queued:
		if bound {
			return "queued for up to " + Span(p.AtMost) + ", and processed afterwards"
		}
		return "queued, and processed afterwards"
	}
	return string(p.Promise)
}
