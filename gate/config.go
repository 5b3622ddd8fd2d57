package gate

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"example.org/interlude/cache"
	"example.org/interlude/signature"
	"example.org/interlude/upstream"
)

// Config is what a gate does for whom. Zero fields take the defaults that their comments name.
type Config struct {
	// Flows are tried in their order; the first that matches takes a request.
	Flows []Flow
	// Upstreams are the product's addresses, by the names that flows use.
	Upstreams map[string]upstream.Config
	// Others are the names of flows whose traffic does not come through this handler, such as mail: each has a [Door]. They have
	// no routes, and all else that a flow has.
	Others []string
	// Probes tell whether the product is there for those of Others, by their names: nil is that it is. Without one, an interruption
	// that was found of such a flow ends five seconds after the last failure.
	Probes map[string]func(context.Context) error
	// Spool keeps what flows queue, and Entries tells what became of it. Both are required where a flow queues, and almost
	// always the same [*spool.Spool]; the flow has to be one of its own, with the [Gate.Courier].
	Spool   Spool
	Entries Entries
	// Limits bound what all flows hold together.
	Limits Limits
	Drain  Drain
	Find   Find
	// Cache bounds what is stored for flows that answer from stored responses.
	Cache cache.Limits
	// Trusted are the networks of proxies in front, whose X-Forwarded-For, Forwarded and X-Request-Id are believed.
	Trusted []netip.Prefix
	// Bypass are the keys that bypasses are signed with: the first signs, all are accepted. None: there is no bypass.
	Bypass [][]byte
	// Observe is told of each request when it is done, in the request's goroutine; nil is nobody.
	Observe func(context.Context, Exchange)
	// Log is told what changes; nil is silent.
	Log *slog.Logger
}

// Flow is the traffic by which an audience reaches the product.
type Flow struct {
	// Name is how promises and interruptions name it.
	Name string
	// Match are what its requests look like: one of them has to fit. None fits everything.
	Match []Match
	// Upstream is the name of the addresses that serve it.
	Upstream string
	// Interrupted is what happens to requests while the flow is interrupted, step by step: what one step does not
	// settle goes on to the next, and what none settles is rejected. Empty is rejecting.
	Interrupted []Step
	// DryRun counts what would have been held or refused, and passes everything.
	DryRun bool
}

// Match is what requests look like. Empty fields fit everything.
type Match struct {
	// Host is a name without port, or *.example.com for all names below example.com.
	Host string
	// Path fits itself and all that is below it: /v1 fits /v1 and /v1/users, not /v10.
	Path string
	// Methods are compared as they are written: GET.
	Methods []string
	// Headers are names and the values that they have to have; an empty value fits any that is there.
	Headers map[string]string
}

// Step is one thing that is done to a request while its flow is interrupted.
type Step struct {
	Do Behaviour
	// Hold is for steps that hold, Stale for those that answer from stored responses, Queue for those that queue.
	Hold  Hold
	Stale Stale
	Queue Queue
}

// Behaviour is what a step does.
type Behaviour string

// The behaviours.
const (
	// DoPass sends the request on as if nothing were.
	DoPass Behaviour = "pass"
	// DoReject answers 503 with Retry-After.
	DoReject Behaviour = "reject"
	// DoHold lets the request wait until the product is back.
	DoHold Behaviour = "hold"
	// DoStale answers from stored responses.
	DoStale Behaviour = "stale"
	// DoQueue answers 202 once the request is durable, and hands it over when the product is back.
	DoQueue Behaviour = "queue"
)

// Behaviours lists every behaviour.
var Behaviours = []Behaviour{DoPass, DoReject, DoHold, DoStale, DoQueue}

// Hold bounds those who wait in one flow. When a bound is reached somebody goes on to the next step: see Full.
type Hold struct {
	// For is how long a request waits at most, from its arrival; 0 is 30 seconds.
	For time.Duration
	// Requests is how many wait at most; 0 is 1,000.
	Requests int
	// Bytes is how much their bodies take at most, together; 0 is 16 MiB.
	Bytes int64
	// Body is how much of one body is kept; what is larger waits unread. 0 is 1 MiB, negative keeps none.
	Body int64
	// Full says who goes when there is no room; empty is the oldest.
	Full Leaves
}

// Leaves says who goes on to the next step when a hold is full.
type Leaves string

// The policies of a full hold.
const (
	// Oldest lets the one who has waited longest go: its client is the most likely to have given up.
	Oldest Leaves = "oldest"
	// Newest lets the one who just came go.
	Newest Leaves = "newest"
)

// The defaults of a Hold.
const (
	DefaultFor      = 30 * time.Second
	DefaultRequests = 1000
	DefaultBytes    = 16 << 20
	DefaultBody     = 1 << 20 // of a Queue, too
)

// Stale bounds answers from stored responses.
type Stale struct {
	// For is how stale an answer may be where it does not say so itself (RFC 5861, 4); 0 is one hour.
	For time.Duration
}

// Queue says which requests are accepted for later, and how. What a step does not take goes on to the next one.
type Queue struct {
	// Body is the largest body that is accepted; 0 is 1 MiB. What is larger is refused with 413.
	Body int64
	// Methods are those that it takes; none is POST and PUT.
	Methods []string
	// Asked has it take only requests whose client says Prefer: respond-async (RFC 7240, 4.1).
	Asked bool
	// Order is the name of a header field: requests with one value of it are handed over one after another, in the order in which
	// they came. Requests without the field, and all while Order is empty, are handed over side by side.
	Order string
	// Verify judges signatures when requests arrive, and the product is told; nil judges none.
	Verify *signature.Verifier
	// OnFailure is what becomes of a request whose signature is not good; empty is Tell.
	OnFailure OnFailure
}

// OnFailure is what becomes of a request whose signature is not good.
type OnFailure string

// The ways with a signature that is not good.
const (
	// Tell accepts the request, and tells the product.
	Tell OnFailure = "tell"
	// Refuse answers 400.
	Refuse OnFailure = "refuse"
)

// Limits bound what all flows hold together. Zero fields are 50,000 requests and 256 MiB of bodies.
type Limits struct {
	Requests int
	Bytes    int64
}

// Drain is how those who waited are let go: From requests a second at first, twice as many after each second, and no
// more than InFlight at a time with the product, which doubles as well. Zero fields are 500 and 250.
type Drain struct {
	From     int
	InFlight int
}

// Find says how a gate finds interruptions by itself. It looks for them only inside windows, and only in flows that a
// promise names.
type Find struct {
	// Off leaves it to the server.
	Off bool
	// Statuses are the answers that mean that the product is away; none is 502, 503 and 504.
	Statuses []int
	// Failures is how many within Within open an interruption; 0 are 3 within 2 seconds. A connection that is refused by
	// every address opens one at once.
	Failures int
	Within   time.Duration
	// Successes is how many probes in a row, one each Every, end it; 0 are 2, a quarter of a second apart.
	Successes int
	Every     time.Duration
}

// Exchange is one request, when it is done.
type Exchange struct {
	Request *http.Request
	// ID is the request's id, Client who asked, Flow the name of its flow, empty when none matched.
	ID     string
	Client netip.Addr
	Flow   string
	// Outcome is what became of it, in the words of [api.Counts]: passed, held, stale, queued, rejected, failed, gone, bypassed.
	Outcome string
	Status  int
	// Bytes are those of the answer's body.
	Bytes int64
	Began time.Time
	// Took is all of the time, Waited what of it was spent in the hold.
	Took, Waited time.Duration
	// Attempts is how often it was sent to the product.
	Attempts int
}
