package cache_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"example.org/interlude/cache"
)

func Example() {
	store := cache.New(cache.Limits{Bytes: 16 << 20, Entry: 1 << 20})
	now := time.Date(2027, time.January, 15, 6, 0, 0, 0, time.UTC)
	request := httptest.NewRequest(http.MethodGet, "/prices", nil)

	// While the product runs, its answers pass by the store.
	answer := &http.Response{
		StatusCode:    http.StatusOK,
		Header:        http.Header{"Cache-Control": {"max-age=60, stale-if-error=3600"}},
		Body:          io.NopCloser(strings.NewReader("two coins")),
		ContentLength: 9,
	}
	store.Keep(request, answer, now, now)
	fmt.Println(io.Copy(io.Discard, answer.Body)) // the client reads
	answer.Body.Close()

	// Ten minutes later the product is away, and the store answers.
	if a, ok := store.Answer(request, now.Add(10*time.Minute), 0); ok {
		fmt.Printf("%d %s\n", a.Status, a.Body)
		fmt.Println(a.Header.Get("Age"), a.Header.Get("Cache-Status"))
	}
	// Output:
	// 9 <nil>
	// 200 two coins
	// 600 gate; hit; ttl=-540
}
