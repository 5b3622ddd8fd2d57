package access_test

import (
	"fmt"
	"strings"
	"time"

	"example.org/interlude/access"
)

func ExampleNew() {
	// A program passes rand.Reader of crypto/rand here; a fixed source makes this example the same each time.
	source := strings.NewReader(strings.Repeat("interlude", 20))
	now := time.Date(2027, 1, 15, 6, 0, 0, 0, time.UTC)
	token, secret, err := access.New(source, "deploy pipeline", access.Operate, now, "Ada")
	if err != nil {
		fmt.Println(err)
		return
	}
	sent, err := access.FromHeader("Bearer " + secret)
	fmt.Println(token.Matches(sent), err)
	fmt.Println(token.Allows(access.Read), token.Allows(access.Administer))
	// Output:
	// true <nil>
	// true false
}
