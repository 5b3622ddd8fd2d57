package upstream_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"example.org/interlude/upstream"
)

func Example() {
	product := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s asks for %s", r.Host, r.URL)
	}))
	defer product.Close()

	group, err := upstream.New(upstream.Config{
		Addresses:     []string{product.URL},
		HeaderTimeout: time.Minute,
		Health:        upstream.Health{Path: "/", Every: 5 * time.Second},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error)
	go func() { ended <- group.Run(ctx) }()

	// The URL's host is for the Host field alone: the group knows where to go.
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://app.example.com/a?b=c", http.NoBody)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := group.RoundTrip(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	fmt.Println(answer.StatusCode, string(body), err)

	stop()
	fmt.Println(<-ended)
	// Output:
	// 200 app.example.com asks for /a?b=c <nil>
	// <nil>
}

func ExampleNew_refused() {
	_, err := upstream.New(upstream.Config{Addresses: []string{"http://app.internal.example:8080/api"}})
	fmt.Println(err)
	// Output: upstream address "http://app.internal.example:8080/api": it holds more than host and port; write "http://app.internal.example:8080"
}
