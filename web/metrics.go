package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"example.org/interlude/access"
	"example.org/interlude/status"
)

// metrics are the figures of one server, in a registry of their own.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	acts     *prometheus.CounterVec
}

func newMetrics(d *door) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "interlude_http_requests_total", Help: "Requests answered, by route, method and status.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "interlude_http_request_seconds", Help: "Time to answer a request, by route. A live stream counts until its end.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		acts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "interlude_acts_total", Help: "Writes asked of the keeper through the native API, by operation and outcome (done or the code of the refusal).",
		}, []string{"operation", "outcome"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.acts, boardFigures{d}, noticeFigures{d},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(d.Collectors...)
	return m
}

// observe counts a request. Routes are patterns, and methods the known ones, so that visitors cannot invent series.
func (m *metrics) observe(r *http.Request, answered int, took time.Duration) {
	route, method := r.Pattern, r.Method
	if route == "" {
		route = "none"
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(answered)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// metricsHandler shows the figures to those who may see what is not public.
func (d *door) metricsHandler() http.Handler {
	figures := promhttp.HandlerFor(d.metrics.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: promLog{d}, MaxRequestsInFlight: 4, Timeout: callPatience,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, stop := context.WithTimeout(r.Context(), callPatience)
		defer stop()
		token, err := d.keys.recognise(ctx, r.Header.Get("Authorization"))
		if err == nil {
			recordOf(r.Context()).token = token.Name
			err = permit(token, access.Read, "reading the metrics")
		}
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		d.measureQueue(ctx)
		figures.ServeHTTP(w, r)
	})
}

// promLog hands what the library complains about to our log.
type promLog struct{ d *door }

// Println logs one complaint.
func (l promLog) Println(v ...any) { l.d.Log.Warn("metrics", "problem", v) }

// boardFigures are taken from the board when they are asked for.
type boardFigures struct{ d *door }

var (
	boardAge = prometheus.NewDesc("interlude_board_age_seconds",
		"Seconds since the store last answered the board; what is shown is right as of then.", nil, nil)
	boardSeq         = prometheus.NewDesc("interlude_board_seq", "The point of the feed of changes that the board shows.", nil, nil)
	openMaintenances = prometheus.NewDesc("interlude_maintenances", "Maintenances that have not ended, by state.", []string{"state"}, nil)
	openIncidents    = prometheus.NewDesc("interlude_incidents", "Incidents that have not been resolved, by state.", []string{"state"}, nil)
	overrun          = prometheus.NewDesc("interlude_overrun_seconds",
		"Seconds by which the longest overrun has passed its announced end; 0 while there is none.", nil, nil)
	clockAt = prometheus.NewDesc("interlude_clock_last_success_timestamp_seconds",
		"When all that was due was last done, by this node or by the one that leads, in seconds since 1970.", nil, nil)
	clockFailing = prometheus.NewDesc("interlude_clock_failing", "1 while what is due cannot be done, otherwise 0.", nil, nil)
	shown        = prometheus.NewDesc("interlude_components", "Components on the page, by the status that readers see.", []string{"status"}, nil)
)

// Describe lists the figures.
func (boardFigures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{boardAge, boardSeq, openMaintenances, openIncidents, overrun, clockAt, clockFailing, shown} {
		to <- d
	}
}

// collectClock takes the figures of what is done on time.
func (f boardFigures) collectClock(gauge func(*prometheus.Desc, float64, ...string)) {
	at, failed := f.d.Keeper.Health()
	if !at.IsZero() {
		gauge(clockAt, float64(at.UnixMilli())/1000)
	}
	failing := 0.0
	if failed != nil {
		failing = 1
	}
	gauge(clockFailing, failing)
}

// Collect takes the figures from the current picture.
func (f boardFigures) Collect(to chan<- prometheus.Metric) {
	p, now := f.d.Board.Current(), f.d.Clock.Now()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if asOf := f.d.Board.AsOf(); !asOf.IsZero() {
		gauge(boardAge, max(now.Sub(asOf).Seconds(), 0))
	}
	gauge(boardSeq, float64(p.Seq))
	f.collectClock(gauge)
	states := map[status.State]int{status.Scheduled: 0, status.InProgress: 0, status.Verifying: 0}
	var longest time.Duration
	for _, m := range p.Maintenances {
		states[m.State]++
		longest = max(longest, m.Overrun(now))
	}
	for s, n := range states {
		gauge(openMaintenances, float64(n), string(s))
	}
	gauge(overrun, longest.Seconds())
	states = map[status.State]int{status.Investigating: 0, status.Identified: 0, status.Monitoring: 0}
	for _, i := range p.Incidents {
		states[i.State]++
	}
	for s, n := range states {
		gauge(openIncidents, float64(n), string(s))
	}
	count := make(map[status.Condition]int)
	for _, c := range p.Conditions {
		count[c]++
	}
	for _, c := range status.Conditions {
		gauge(shown, float64(count[c]), string(c))
	}
}
