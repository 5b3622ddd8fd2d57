package gate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// curl runs curl and gives what it printed. Without curl the test is skipped or, where INTERLUDE_TEST_STRICT is 1, fails.
func curl(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("curl")
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("INTERLUDE_TEST_STRICT") != "1" {
		t.Skip("curl is not installed")
	}
	out, err := exec.CommandContext(t.Context(), path, append([]string{"-sS", "--max-time", "30", "--noproxy", "*"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("curl %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestCurlIsServed(t *testing.T) {
	product := serve(t, func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		fmt.Fprintf(w, "%s %s %d %x %v", r.Method, r.Header.Get("Via"), n, sum.Sum(nil), err)
	})
	gate := open(t, &door{}, product)
	body := bytes.Repeat([]byte("northwind "), 800<<10)
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	none := sha256.Sum256(nil)
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"HTTP/1.1", nil, fmt.Sprintf("GET 1.1 interlude 0 %x <nil> HTTP/1.1", none)},
		{"HTTP/1.0", []string{"--http1.0"}, fmt.Sprintf("GET 1.0 interlude 0 %x <nil> HTTP/1", none)},
		{"HTTP/2 by prior knowledge", []string{"--http2-prior-knowledge"}, fmt.Sprintf("GET 2.0 interlude 0 %x <nil> HTTP/2", none)},
		{"HTTP/2 by upgrade, which is not taken", []string{"--http2"}, fmt.Sprintf("GET 1.1 interlude 0 %x <nil> HTTP/1.1", none)},
		{"a large body", []string{"--data-binary", "@" + file, "-H", "Expect:"}, fmt.Sprintf("POST 1.1 interlude %d %x <nil> HTTP/1.1", len(body), sum)},
		{"a large body that waits for 100", []string{"--data-binary", "@" + file, "-H", "Expect: 100-continue"}, fmt.Sprintf("POST 1.1 interlude %d %x <nil> HTTP/1.1", len(body), sum)},
		{"a large body in chunks", []string{"--data-binary", "@" + file, "-H", "Transfer-Encoding: chunked"}, fmt.Sprintf("POST 1.1 interlude %d %x <nil> HTTP/1.1", len(body), sum)},
		{"a large body over HTTP/2", []string{"--data-binary", "@" + file, "--http2-prior-knowledge"}, fmt.Sprintf("POST 2.0 interlude %d %x <nil> HTTP/2", len(body), sum)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := curl(t, append(c.args, "-w", " HTTP/%{http_version}", gate)...); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestARefusalComesBeforeTheBodyIsAskedFor(t *testing.T) {
	gate := open(t, &door{}, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}))
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, make([]byte, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	got := curl(t, "-H", "Expect: 100-continue", "--expect100-timeout", "20", "--data-binary", "@"+file, "-w", "%{http_code} %{size_upload}", gate)
	if got != "401 0" {
		t.Errorf("got status and bytes sent %q, want 401 and none", got)
	}
}

// chat is a health service that says whether its caller has the right, and answers as often as it is asked to.
type chat struct {
	grpc_health_v1.UnimplementedHealthServer
}

func (chat) Check(ctx context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	_ = grpc.SetTrailer(ctx, metadata.Pairs("sum", hex.EncodeToString([]byte(r.GetService()))))
	if r.GetService() == "nobody" {
		return nil, status.Error(codes.NotFound, "no such service: näher")
	}
	return &grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_SERVING}, nil
}

// bidi is a method that streams both ways: it answers each question with its name's length as a status.
var bidi = grpc.StreamDesc{StreamName: "Chat", ServerStreams: true, ClientStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
	for {
		var q grpc_health_v1.HealthCheckRequest
		if err := s.RecvMsg(&q); errors.Is(err, io.EOF) {
			s.SetTrailer(metadata.Pairs("end", "well"))
			return nil
		} else if err != nil {
			return err
		}
		answer := grpc_health_v1.HealthCheckResponse_ServingStatus(len(q.GetService()))
		if err := s.SendMsg(&grpc_health_v1.HealthCheckResponse{Status: answer}); err != nil {
			return err
		}
	}
}}

// calling runs a product that speaks gRPC over HTTP/2 without TLS, and a gate before it, and connects to that.
func calling(t *testing.T) *grpc.ClientConn {
	t.Helper()
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, chat{})
	server.RegisterService(&grpc.ServiceDesc{ServiceName: "northwind.Chat", HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{bidi}}, chat{})
	product := httptest.NewUnstartedServer(server)
	product.Config.Protocols = new(http.Protocols)
	product.Config.Protocols.SetUnencryptedHTTP2(true)
	product.Start()
	t.Cleanup(product.Close)
	address := strings.TrimPrefix(product.URL, "http://")
	gate := open(t, &door{}, "h2c://"+address)
	c, err := grpc.NewClient(strings.TrimPrefix(gate, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestGRPCPassesWithItsTrailers(t *testing.T) {
	client := grpc_health_v1.NewHealthClient(calling(t))
	var trailer metadata.MD
	answer, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "app"}, grpc.Trailer(&trailer))
	if err != nil || answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING || strings.Join(trailer["sum"], "") != "617070" {
		t.Errorf("got %v, %v with trailers %v, want SERVING and the sum", answer, err, trailer)
	}
	_, err = client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "nobody"}, grpc.Trailer(&trailer))
	if s := status.Convert(err); s.Code() != codes.NotFound || s.Message() != "no such service: näher" {
		t.Errorf("got %v, want NotFound with its message", err)
	}
}

func TestGRPCStreamsBothWays(t *testing.T) {
	stream, err := calling(t).NewStream(t.Context(), &bidi, "/northwind.Chat/Chat")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"a", "bb", strings.Repeat("c", 200<<10)} {
		if err := stream.SendMsg(&grpc_health_v1.HealthCheckRequest{Service: word}); err != nil {
			t.Fatal(err)
		}
		var answer grpc_health_v1.HealthCheckResponse
		if err := stream.RecvMsg(&answer); err != nil || int(answer.GetStatus()) != len(word) {
			t.Fatalf("got %d (%v), want %d before the next question", answer.GetStatus(), err, len(word))
		}
	}
	_ = stream.CloseSend()
	if err := stream.RecvMsg(new(grpc_health_v1.HealthCheckResponse)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v at the end, want %v", err, io.EOF)
	}
	if got := stream.Trailer()["end"]; strings.Join(got, "") != "well" {
		t.Errorf("got trailer end %q, want well", got)
	}
}
