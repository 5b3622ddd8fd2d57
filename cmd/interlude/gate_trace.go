package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"example.org/interlude/gate"
)

// tracing makes a span of each request that is sampled, and has it collected. Spans wait in a queue with a bound, and are
// dropped while the collector is away.
type tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	context  propagation.TraceContext
}

// newTracing begins to send spans to where the configuration says. It does not wait for the collector.
func newTracing(ctx context.Context, c tracesConfig, name string, log *slog.Logger) (*tracing, error) {
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimSuffix(c.Endpoint, "/")+"/v1/traces"))
	if err != nil {
		return nil, err
	}
	t := &tracing{provider: sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(&patientExporter{SpanExporter: exporter, log: log}),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Sample))),
		sdktrace.WithResource(resource.NewSchemaless(
			semconv.ServiceName("interlude-gate"), semconv.ServiceVersion(version()), semconv.ServiceInstanceID(name))),
	)}
	t.tracer = t.provider.Tracer("example.org/interlude/gate")
	return t, nil
}

// serve answers a request within a span, whose context goes on to the product.
func (t *tracing) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	header := propagation.HeaderCarrier(r.Header)
	ctx, span := t.tracer.Start(t.context.Extract(r.Context(), header), r.Method, trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	t.context.Inject(ctx, header)
	if span.IsRecording() {
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		span.SetAttributes(semconv.HTTPRequestMethodKey.String(r.Method), semconv.URLScheme(scheme), semconv.URLPath(r.URL.Path),
			semconv.ServerAddress(r.Host), semconv.UserAgentOriginal(r.UserAgent()), semconv.NetworkProtocolName("http"),
			semconv.NetworkProtocolVersion(strings.TrimPrefix(r.Proto, "HTTP/")))
	}
	next.ServeHTTP(w, r.WithContext(ctx))
}

// note adds to a request's span what became of it.
func noteSpan(ctx context.Context, x gate.Exchange) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(semconv.HTTPResponseStatusCode(x.Status), semconv.HTTPResponseBodySize(int(x.Bytes)),
		semconv.ClientAddress(x.Client.String()), attribute.String("interlude.flow", x.Flow), attribute.String("interlude.outcome", x.Outcome),
		attribute.String("interlude.request", x.ID))
	if x.Attempts > 1 {
		span.SetAttributes(semconv.HTTPRequestResendCount(x.Attempts - 1))
	}
	if x.Waited > 0 {
		span.AddEvent("held", trace.WithAttributes(attribute.Float64("interlude.waited_ms", milliseconds(x.Waited))))
	}
	if x.Status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
}

// lastSpans bounds how long the end of the program waits for the collector.
const lastSpans = 2 * time.Second

// close sends what waits.
func (t *tracing) close(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, lastSpans)
	defer stop()
	_ = t.provider.Shutdown(ctx) // the exporter has said what there is to say
}

// patientExporter says once that the collector does not take spans, and once that it does again.
type patientExporter struct {
	sdktrace.SpanExporter
	log  *slog.Logger
	away atomic.Bool
}

// ExportSpans sends spans, or drops them.
func (p *patientExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := p.SpanExporter.ExportSpans(ctx, spans)
	if away := err != nil; p.away.Swap(away) != away {
		if away {
			p.log.Warn("traces are not taken, and dropped until they are", "error", err)
		} else {
			p.log.Info("traces are taken again")
		}
	}
	return nil
}
