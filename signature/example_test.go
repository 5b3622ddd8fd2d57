package signature_test

import (
	"fmt"
	"net/http"
	"time"

	"example.org/interlude/signature"
)

func Example() {
	verifier, err := signature.New(signature.GitHub, []string{"It's a Secret to Everybody"}, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fields := http.Header{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}}
	fmt.Println(verifier.Verify(fields, []byte("Hello, World!"), time.Now()).OK)
	fmt.Println(verifier.Verify(fields, []byte("Hello, world!"), time.Now()).Reason)
	// Output:
	// true
	// the signature does not match
}
