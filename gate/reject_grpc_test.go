package gate

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	grpcstatus "google.golang.org/grpc/status"
)

// called is a client of a gRPC service behind a door that refuses the first calls.
func called(t *testing.T, why refusal, refusals int64, options ...grpc.DialOption) (grpc_health_v1.HealthClient, *atomic.Int64) {
	t.Helper()
	product := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(product, health.NewServer())
	calls := new(atomic.Int64)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) <= refusals {
			plainly().refuse(w, r, why)
			return
		}
		product.ServeHTTP(w, r)
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient("passthrough:///"+s.Listener.Addr().String(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return grpc_health_v1.NewHealthClient(conn), calls
}

func TestACallIsToldThatTheServiceIsUnavailable(t *testing.T) {
	why := restarting()
	why.page = "Nord & Süd 100%"
	client, _ := called(t, why, 2)
	ctx, stop := context.WithTimeout(t.Context(), longEnough)
	defer stop()
	_, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	want := "Nord & Süd 100% is interrupted for planned maintenance. The request was not carried out. It is expected back by 06:40 UTC."
	if got := grpcstatus.Convert(err); got.Code() != codes.Unavailable || got.Message() != want {
		t.Errorf("got %s %q, want Unavailable %q", got.Code(), got.Message(), want)
	}
	stream, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); grpcstatus.Code(err) != codes.Unavailable {
		t.Errorf("got %v from a stream, want Unavailable", err)
	}
}

// The policy alone would have the client wait for an hour.
func TestACallIsTriedAgainWhenItIsTold(t *testing.T) {
	why := restarting()
	why.after = 20 * time.Millisecond
	client, calls := called(t, why, 1, grpc.WithDefaultServiceConfig(`{"methodConfig": [{"name": [{}], "retryPolicy": {
		"maxAttempts": 3, "initialBackoff": "3600s", "maxBackoff": "3600s", "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`))
	ctx, stop := context.WithTimeout(t.Context(), longEnough)
	defer stop()
	if _, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{}); err != nil || calls.Load() != 2 {
		t.Errorf("got %v after %d calls, want none after 2", err, calls.Load())
	}
}

// A client would send the call again, for its policy knows nothing of what became of it.
func TestACallThatMayBeCarriedOutIsNotTriedAgain(t *testing.T) {
	why := restarting()
	why.sent = true
	client, calls := called(t, why, 1, grpc.WithDefaultServiceConfig(`{"methodConfig": [{"name": [{}], "retryPolicy": {
		"maxAttempts": 3, "initialBackoff": "0.001s", "maxBackoff": "0.001s", "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`))
	ctx, stop := context.WithTimeout(t.Context(), longEnough)
	defer stop()
	_, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	want := "Northwind is interrupted for planned maintenance. Whether the request was carried out is not known. Check that before you send it again. It is expected back by 06:40 UTC."
	if got := grpcstatus.Convert(err); got.Code() != codes.Unavailable || got.Message() != want || calls.Load() != 1 {
		t.Errorf("got %s %q after %d calls, want Unavailable %q after 1", got.Code(), got.Message(), calls.Load(), want)
	}
}

func TestAStatusOfGRPCIsInTheHeader(t *testing.T) {
	for kind, want := range map[string]string{
		"application/grpc": "application/grpc", "application/grpc+proto": "application/grpc+proto",
		"Application/GRPC; x=1": "Application/GRPC", "application/grpc-web": "application/grpc-web",
		"application/grpc-web-text+proto ;q": "application/grpc-web-text+proto",
		"application/grpcish":                "", "application/grpc-website": "", "application/json": "",
	} {
		r := httptest.NewRequest(http.MethodPost, "/service/Method", nil)
		r.Header.Set("Content-Type", kind)
		resp := refused(plainly(), r, restarting())
		if want == "" {
			if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Grpc-Status") != "" {
				t.Errorf("%s: got %s, want 503, for it is no gRPC", kind, resp.Status)
			}
			continue
		}
		for name, want := range map[string]string{
			"Content-Type": want, "Grpc-Status": "14", "Grpc-Retry-Pushback-Ms": "11500", "Cache-Control": "no-store", "Retry-After": "",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: got %s %q, want %q", kind, name, got, want)
			}
		}
		if resp.StatusCode != http.StatusOK || resp.ContentLength > 0 {
			t.Errorf("%s: got %s and %d bytes, want 200 and none", kind, resp.Status, resp.ContentLength)
		}
	}
}

func TestAFailureTellsNoCallWhenToComeBack(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/service/Method", nil)
	r.Header.Set("Content-Type", "application/grpc")
	if got, told := refused(plainly(), r, refusal{why: whySlow, status: 504}).Header["Grpc-Retry-Pushback-Ms"]; told {
		t.Errorf("got %q, want nothing: nobody knows", got)
	}
}

func FuzzMessageOfGRPC(f *testing.F) {
	f.Add("100% ü\r\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		encoded := percentEncoded(text)
		if got, err := url.PathUnescape(encoded); err != nil || got != text {
			t.Errorf("got %q back (%v), want %q", got, err, text)
		}
		for _, c := range []byte(encoded) {
			if c < ' ' || c > '~' {
				t.Errorf("got the byte %#x in %q, want visible ones alone", c, encoded)
			}
		}
	})
}
