package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// vector is a request whose signature others made, as it is known in public.
type vector struct {
	name   string
	scheme Scheme
	secret string
	fields []string // names and values in turn
	body   string
	signed int64 // 0 is no time
}

var vectors = []vector{
	{
		name: "the test of the Standard Webhooks libraries", scheme: StandardWebhooks, secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		fields: []string{
			"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp", "1614265330",
			"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		},
		body: `{"test": 2432232314}`, signed: 1614265330,
	},
	{ // the private key is the bytes 0 to 31; the signature is that of openssl pkeyutl -sign -rawin
		name: "Standard Webhooks with a public key", scheme: StandardWebhooks, secret: "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
		fields: []string{
			"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp", "1614265330",
			"webhook-signature", "v1a,yoUrgEkc12aGqm0n4Sydmdz55xJfTz4AsAgieHFjmkR7LJtqVCZOQYzvvHjI5kAey+r4iaBGxTFRrl2iBQxtDQ==",
		},
		body: `{"test": 2432232314}`, signed: 1614265330,
	},
	{
		name: "the example in GitHub's documentation", scheme: GitHub, secret: "It's a Secret to Everybody",
		fields: []string{"X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
		body:   "Hello, World!",
	},
	{ // the signature is that of openssl dgst -sha256 -hmac
		name: "Stripe", scheme: Stripe, secret: "whsec_test_secret",
		fields: []string{"Stripe-Signature", "t=1492774577,v1=654b43d3508ecadb3f8cefc4bc7d3d2bdc5ba9e03bf2c89b2d0657a8e24e4543,v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"},
		body:   `{"id":"evt_1","object":"event"}`, signed: 1492774577,
	},
	{
		name: "the example in Slack's documentation", scheme: Slack, secret: "8f742231b10e8888abcd99yyyzzz85a5",
		fields: []string{
			"X-Slack-Request-Timestamp", "1531420618",
			"X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
		},
		body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar" +
			"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=" +
			"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN" +
			"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
		signed: 1531420618,
	},
}

func (v vector) header() http.Header { return header(v.fields...) }

func header(fields ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(fields); i += 2 {
		h.Add(fields[i], fields[i+1])
	}
	return h
}

// at is the time of the signature, or any where it has none.
func (v vector) at() time.Time { return time.Unix(v.signed, 0) }

func verifier(t testing.TB, scheme Scheme, secrets ...string) *Verifier {
	t.Helper()
	v, err := New(scheme, secrets, 0)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSignaturesThatOthersMadeAreGood(t *testing.T) {
	for _, c := range vectors {
		t.Run(c.name, func(t *testing.T) {
			got := verifier(t, c.scheme, c.secret).Verify(c.header(), []byte(c.body), c.at())
			if !got.OK || got.Reason != "" || c.signed == 0 != got.Signed.IsZero() || c.signed != 0 && got.Signed.Unix() != c.signed {
				t.Errorf("got %+v, want a good one, signed at %d", got, c.signed)
			}
		})
	}
}

func TestWhatWasChangedIsNotGood(t *testing.T) {
	for _, c := range vectors {
		t.Run(c.name, func(t *testing.T) {
			v := verifier(t, c.scheme, c.secret)
			if got := v.Verify(c.header(), []byte(c.body+" "), c.at()); got.OK || got.Reason != "the signature does not match" {
				t.Errorf("another body: got %+v, want one that does not match", got)
			}
			for i := 1; i < len(c.fields); i += 2 {
				changed := append([]string{}, c.fields...)
				changed[i] = strings.Map(func(r rune) rune { // 1 and 0 stand in all of them
					if r == '1' {
						return '0'
					}
					return r
				}, changed[i])
				if changed[i] == c.fields[i] {
					changed[i] += "x"
				}
				if got := v.Verify(header(changed...), []byte(c.body), c.at()); got.OK || got.Reason == "" {
					t.Errorf("another %s: got %+v, want it not good", c.fields[i-1], got)
				}
				missing := append(append([]string{}, c.fields[:i-1]...), c.fields[i+1:]...)
				if got := v.Verify(header(missing...), []byte(c.body), c.at()); got.OK || !strings.HasPrefix(got.Reason, "there is no ") {
					t.Errorf("without %s: got %+v, want that it is missing", c.fields[i-1], got)
				}
				double := append(append([]string{}, c.fields...), c.fields[i-1], c.fields[i])
				if got := v.Verify(header(double...), []byte(c.body), c.at()); got.OK || got.Reason != twice {
					t.Errorf("%s twice: got %+v, want %q", c.fields[i-1], got, twice)
				}
			}
		})
	}
}

func TestASignatureIsGoodForFiveMinutesBothWays(t *testing.T) {
	for _, c := range vectors {
		v := verifier(t, c.scheme, c.secret)
		for off, want := range map[time.Duration]string{
			5 * time.Minute: "", -5 * time.Minute: "", 5*time.Minute + time.Second: "it was signed too long ago",
			-5*time.Minute - time.Second: "it is signed with a time that has not come yet",
		} {
			if c.signed == 0 {
				want = ""
			}
			if got := v.Verify(c.header(), []byte(c.body), c.at().Add(off)); got.Reason != want || got.OK != (want == "") {
				t.Errorf("%s, %s later: got %+v, want %q", c.name, off, got, want)
			}
		}
	}
}

func TestSeveralSecretsAreForChangingThem(t *testing.T) {
	others := map[Scheme]string{StandardWebhooks: "whsec_" + base64.StdEncoding.EncodeToString([]byte("another")), GitHub: "another", Stripe: "another", Slack: "another"}
	for _, c := range vectors {
		for name, v := range map[string]*Verifier{
			"the old one first": verifier(t, c.scheme, c.secret, others[c.scheme]),
			"the new one first": verifier(t, c.scheme, others[c.scheme], c.secret),
		} {
			if got := v.Verify(c.header(), []byte(c.body), c.at()); !got.OK {
				t.Errorf("%s, %s: got %+v, want a good one", c.name, name, got)
			}
		}
		if got := verifier(t, c.scheme, others[c.scheme]).Verify(c.header(), []byte(c.body), c.at()); got.OK {
			t.Errorf("%s, another secret alone: got %+v, want it not good", c.name, got)
		}
	}
}

func TestASenderThatChangesItsSecretSignsWithBoth(t *testing.T) {
	mac := func(secret, text string) []byte {
		m := hmac.New(sha256.New, []byte(secret))
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	at := time.Unix(1768456800, 0)
	stamp := strconv.FormatInt(at.Unix(), 10)
	stripe := header("Stripe-Signature", "t="+stamp+",v1="+hex.EncodeToString(mac("old", stamp+".b"))+", v1="+hex.EncodeToString(mac("new", stamp+".b")))
	standard := header("Webhook-Id", "m", "Webhook-Timestamp", stamp, "Webhook-Signature",
		"v1,"+base64.StdEncoding.EncodeToString(mac("old", "m."+stamp+".b"))+" v2,x v1,"+base64.StdEncoding.EncodeToString(mac("new", "m."+stamp+".b")))
	for _, secret := range []string{"old", "new"} {
		if got := verifier(t, Stripe, secret).Verify(stripe, []byte("b"), at); !got.OK {
			t.Errorf("Stripe, %s: got %+v, want a good one", secret, got)
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(secret) /* as a whsec_ has it */)
		if got := verifier(t, StandardWebhooks, encoded).Verify(standard, []byte("b"), at); !got.OK {
			t.Errorf("Standard Webhooks, %s: got %+v, want a good one", secret, got)
		}
	}
}

func TestTheReferenceLibraryAgrees(t *testing.T) {
	const secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	library, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	for _, body := range []string{"", `{"a":1}`, "\x00\xff binary\r\n", strings.Repeat("x", 1<<20)} {
		signature, err := library.Sign("msg_1", at, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		h := header("webhook-id", "msg_1", "webhook-timestamp", strconv.FormatInt(at.Unix(), 10), "webhook-signature", signature)
		if err := library.Verify([]byte(body), h); err != nil {
			t.Fatal(err)
		}
		if got := verifier(t, StandardWebhooks, secret).Verify(h, []byte(body), at); !got.OK {
			t.Errorf("%.20q: got %+v, want what the library says: good", body, got)
		}
	}
}

func TestASecretThatCannotBeOneIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		scheme    Scheme
		secrets   []string
		tolerance time.Duration
		want      string
	}{
		"no scheme":         {"", []string{"s"}, 0, "must be one of"},
		"another scheme":    {"paypal", []string{"s"}, 0, "must be one of"},
		"no secret":         {GitHub, nil, 0, "at least one"},
		"an empty one":      {GitHub, []string{"a", ""}, 0, "secrets[1]: must not be empty"},
		"no base64":         {StandardWebhooks, []string{"whsec_?"}, 0, "must be whsec_"},
		"only the prefix":   {StandardWebhooks, []string{"whsec_"}, 0, "must be whsec_"},
		"a short key":       {StandardWebhooks, []string{"whpk_AAAA"}, 0, "32 bytes"},
		"negative patience": {Slack, []string{"s"}, -1, "negative"},
	} {
		_, err := New(c.scheme, c.secrets, c.tolerance)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	for _, c := range vectors {
		h := c.header()
		f.Add(string(c.scheme), h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")+h.Get("X-Slack-Request-Timestamp"),
			h.Get("Webhook-Signature")+h.Get("X-Hub-Signature-256")+h.Get("Stripe-Signature")+h.Get("X-Slack-Signature"), []byte(c.body))
	}
	f.Add("stripe", "", "", "t=1,t=2,v1=,v1", []byte(nil))
	f.Add("standard-webhooks", "a.b", "99999999999999999999", "v1, ,v1a,====", []byte("\xff"))
	f.Fuzz(func(t *testing.T, scheme, id, at, signature string, body []byte) {
		v, err := New(Scheme(scheme), []string{"bm9ib2R5IGtub3dzIHRoaXMgb25l"}, 0)
		if err != nil {
			return
		}
		h := http.Header{
			"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {signature}, "X-Hub-Signature-256": {signature},
			"Stripe-Signature": {signature}, "X-Slack-Signature": {signature}, "X-Slack-Request-Timestamp": {at},
		}
		got := v.Verify(h, body, time.Unix(1768456800, 0))
		if got.OK || got.Reason == "" || len(got.Reason) > 100 {
			t.Errorf("got %+v, want a reason: nobody knows the secret", got)
		}
	})
}
