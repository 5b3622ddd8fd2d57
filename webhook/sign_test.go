package webhook

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func TestASignatureIsTheOneOfStandardWebhooks(t *testing.T) {
	secret, at, body := NewSecret(), time.Date(2027, 1, 15, 6, 0, 0, 999, time.UTC), []byte(`{"incident":{"name":"Größer"}}`)
	library, err := standardwebhooks.NewWebhook(EncodeSecret(secret))
	if err != nil {
		t.Fatalf("the library does not read %s: %v", EncodeSecret(secret), err)
	}
	want, err := library.Sign("msg_1", at, body)
	if err != nil {
		t.Fatal(err)
	}
	if got := Sign(secret, "msg_1", at, body); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, other := range map[string]string{
		"another secret": Sign(NewSecret(), "msg_1", at, body), "another id": Sign(secret, "msg_2", at, body),
		"another time": Sign(secret, "msg_1", at.Add(time.Second), body), "another body": Sign(secret, "msg_1", at, nil),
	} {
		if other == want {
			t.Errorf("%s: got the same signature, want another one", name)
		}
	}
}

// verify reads a request as an endpoint with the library of Standard Webhooks does.
func verify(secret []byte, h http.Header, body []byte) error {
	library, err := standardwebhooks.NewWebhook(EncodeSecret(secret))
	if err != nil {
		return err
	}
	return library.Verify(body, h)
}

func TestNoTwoSecretsAreAlike(t *testing.T) {
	one, other := NewSecret(), NewSecret()
	if bytes.Equal(one, other) || len(one) != 32 {
		t.Errorf("got %d bytes, alike: %t, want 32 bytes that differ", len(one), bytes.Equal(one, other))
	}
}
