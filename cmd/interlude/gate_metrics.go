package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"example.org/interlude/api"
)

// gateFigures are taken from the gate when somebody asks for them, so that requests pay nothing.
type gateFigures struct{ p *gateProcess }

// newGateRegistry is all that a gate tells of itself.
func newGateRegistry(p *gateProcess) *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "interlude_gate_build_info", Help: "1, with the version of the program.", ConstLabels: prometheus.Labels{"version": version()},
	})
	build.Set(1)
	r.MustRegister(gateFigures{p}, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

var (
	gateRequests = prometheus.NewDesc("interlude_gate_requests_total", "Requests by flow and by what became of them; each is in one outcome.", []string{"flow", "outcome"}, nil)
	gateEvicted  = prometheus.NewDesc("interlude_gate_evicted_total", "Refused because the hold was full; among the rejected.", []string{"flow"}, nil)
	gateExpired  = prometheus.NewDesc("interlude_gate_expired_total", "Refused because they had waited as long as they may; among the rejected.", []string{"flow"}, nil)
	gateRetried  = prometheus.NewDesc("interlude_gate_retried_total", "Requests sent to the product more than once.", []string{"flow"}, nil)
	gateState    = prometheus.NewDesc("interlude_gate_flow_state", "1 for the state that a flow is in, 0 for the others.", []string{"flow", "state"}, nil)
	gateInFlight = prometheus.NewDesc("interlude_gate_in_flight", "Requests that are with the product now.", []string{"flow"}, nil)
	gateHeld     = prometheus.NewDesc("interlude_gate_held", "Requests that wait now.", []string{"flow"}, nil)
	gateBytes    = prometheus.NewDesc("interlude_gate_held_bytes", "What the bodies of those that wait take.", []string{"flow"}, nil)
	gateWait     = prometheus.NewDesc("interlude_gate_wait_seconds", "How long requests waited in the hold.", []string{"flow"}, nil)
	gateAnswer   = prometheus.NewDesc("interlude_gate_answer_seconds", "How long the product took until the head of its answer.", []string{"flow"}, nil)
	gateWould    = prometheus.NewDesc("interlude_gate_dry_run_total", "What would have become of requests of a flow that only counts: hold, stale or reject.", []string{"flow", "outcome"}, nil)
	gateWell     = prometheus.NewDesc("interlude_gate_upstream_well", "1 while an address of the product is well, 0 while it is not.", []string{"upstream", "address"}, nil)
	gateBusy     = prometheus.NewDesc("interlude_gate_upstream_in_flight", "Requests that are with an address of the product now.", []string{"upstream", "address"}, nil)

	gateConnections = prometheus.NewDesc("interlude_gate_connections", "Connections of clients that are open.", nil, nil)
	gateRevision    = prometheus.NewDesc("interlude_gate_plan_revision", "The point of the server's feed that the plan in force shows.", nil, nil)
	gatePlanAt      = prometheus.NewDesc("interlude_gate_plan_timestamp_seconds", "When the last plan came, in seconds since 1970.", nil, nil)
	gateHeardAt     = prometheus.NewDesc("interlude_gate_server_heard_timestamp_seconds", "When the server was last heard, in seconds since 1970.", nil, nil)
	gateReloadGood  = prometheus.NewDesc("interlude_gate_config_last_reload_successful", "1 while the configuration in force is that of the file as it was last read, 0 after one that could not be used.", nil, nil)
	gateReloadAt    = prometheus.NewDesc("interlude_gate_config_last_reload_success_timestamp_seconds", "When a configuration was last put in force, in seconds since 1970.", nil, nil)
	gateLinesLost   = prometheus.NewDesc("interlude_gate_access_log_dropped_total", "Lines of the access log that were lost because nothing took them in time.", nil, nil)
)

// Describe lists the figures.
func (gateFigures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range append([]*prometheus.Desc{
		gateRequests, gateEvicted, gateExpired, gateRetried, gateState, gateInFlight, gateHeld, gateBytes, gateWait, gateAnswer,
		gateWould, gateWell, gateBusy,
		gateConnections, gateRevision, gatePlanAt, gateHeardAt, gateReloadGood, gateReloadAt, gateLinesLost,
	}, spoolDescribed...) {
		to <- d
	}
}

// Collect takes them.
func (f gateFigures) Collect(to chan<- prometheus.Metric) {
	for flow, n := range f.p.gate.Counts() {
		collectCounts(to, flow, n)
	}
	state := f.p.gate.State()
	for _, s := range state.Flows {
		for _, is := range []string{api.FlowNormal, api.FlowInterrupted, api.FlowDraining} {
			gauge(to, gateState, truth(s.State == is), s.Flow, is)
		}
		gauge(to, gateInFlight, float64(s.InFlight), s.Flow)
		gauge(to, gateHeld, float64(s.Held), s.Flow)
		gauge(to, gateBytes, float64(s.Bytes), s.Flow)
	}
	for flow, n := range f.p.gate.DryRuns() {
		counter(to, gateWould, n.Hold, flow, "hold")
		counter(to, gateWould, n.Stale, flow, "stale")
		counter(to, gateWould, n.Queue, flow, "queue")
		counter(to, gateWould, n.Reject, flow, "reject")
	}
	for name, addresses := range f.p.gate.Upstreams() {
		for _, a := range addresses {
			gauge(to, gateWell, truth(a.Well), name, a.Address)
			gauge(to, gateBusy, float64(a.Busy), name, a.Address)
		}
	}
	if f.p.store != nil {
		collectSpool(to, f.p.store)
	}
	gauge(to, gateConnections, float64(f.p.room.count()))
	gauge(to, gateRevision, float64(state.Revision))
	for d, at := range map[*prometheus.Desc]int64{gatePlanAt: f.p.contact.plan.Load(), gateHeardAt: f.p.contact.heard.Load()} {
		if at > 0 {
			gauge(to, d, float64(at/int64(time.Millisecond))/1000)
		}
	}
	gauge(to, gateReloadGood, truth(f.p.reloads.good.Load()))
	gauge(to, gateReloadAt, float64(f.p.reloads.at.Load()))
	counter(to, gateLinesLost, f.p.front.access.lost())
}

func collectCounts(to chan<- prometheus.Metric, flow string, n api.Counts) {
	for outcome, count := range map[string]int64{
		"passed": n.Passed, "held": n.Held, "stale": n.Stale, "queued": n.Queued, "rejected": n.Rejected, "failed": n.Failed, "gone": n.Gone, "bypassed": n.Bypassed,
	} {
		counter(to, gateRequests, count, flow, outcome)
	}
	counter(to, gateEvicted, n.Evicted, flow)
	counter(to, gateExpired, n.Expired, flow)
	counter(to, gateRetried, n.Retried, flow)
	histogram(to, gateWait, n.Waits, n.WaitMicros, flow)
	histogram(to, gateAnswer, n.Took, n.TookMicros, flow)
}

func gauge(to chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func counter(to chan<- prometheus.Metric, d *prometheus.Desc, v int64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// histogram tells lengths of time that were counted as [api.Counts] says: by[i] lasted less than 2^i milliseconds.
func histogram(to chan<- prometheus.Metric, d *prometheus.Desc, by []int64, micros int64, labels ...string) {
	buckets, below := make(map[float64]uint64, api.WaitBuckets), uint64(0)
	for i := range api.WaitBuckets {
		if i < len(by) {
			below += uint64(by[i])
		}
		if i < api.WaitBuckets-1 { // the last has no upper bound
			buckets[float64(int64(1)<<i)/1000] = below
		}
	}
	to <- prometheus.MustNewConstHistogram(d, below, float64(micros)/1e6, buckets, labels...)
}
