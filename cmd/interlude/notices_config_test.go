package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.org/interlude/clock"
	"example.org/interlude/lease"
	"example.org/interlude/store"
)

// configured reads a configuration and wires a node by it.
func configured(t *testing.T, text string, env func(string) string) error {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notices.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := readNotices(name, env)
	if err != nil {
		return err
	}
	db, err := store.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	log := slog.New(slog.DiscardHandler)
	return newNode(db, clock.System{}, lease.Alone{}, log).tellSubscribers(t.Context(), c, clock.System{}, log)
}

func TestAConfigurationOfNoticesIsReadStrictly(t *testing.T) {
	const mail = "mail:\n  from: Northwind <status@northwind.example>\n  relays: [smtp://127.0.0.1:2525]\n"
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                  {"", ""},
		"mail":                     {mail, ""},
		"everything":               {mail + "  reply_to: ops@northwind.example\n  limits: {gmail.com: 20}\nwebhooks: {allow: [10.0.0.0/8, '::1']}\nwindow: 50\n", ""},
		"an unknown key":           {mail + "  relay: x\n", "relay"},
		"no sender":                {"mail: {relays: [smtp://127.0.0.1]}\n", "mail.from: must be who writes"},
		"no relay":                 {"mail: {from: status@northwind.example}\n", "mail.relays: is required"},
		"a relay of another kind":  {"mail: {from: status@northwind.example, relays: [http://x]}\n", "mail.relays[0]"},
		"a key that is not there":  {mail + "  dkim: [{domain: northwind.example, selector: a, key: none.pem}]\n", "mail.dkim[0].key"},
		"a listener without a box": {mail + "  bounces: {listen: 127.0.0.1:0}\n", "mail.bounces.address: is required"},
		"a network that is none":   {"webhooks: {allow: [intranet]}\n", "webhooks.allow: must be networks"},
		"a limit that is none":     {mail + "  limits: {gmail.com: -3}\n", "mail.limits.gmail.com: must be messages a second"},
		"a password not set":       {"mail:\n  from: status@northwind.example\n  relays: ['smtp://x:$NOWHERE@127.0.0.1']\n", "$NOWHERE is not set"},
		"a window too large":       {"window: 1000000\n", "window: must be a number from 1 to 10000"},
	} {
		t.Run(name, func(t *testing.T) {
			err := configured(t, c.text, func(string) string { return "" })
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v, want it taken", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
}

func TestAPasswordComesFromTheEnvironmentAndStaysOutOfWhatIsSaid(t *testing.T) {
	env := map[string]string{"SMTP_PASSWORD": "p@ss/word:#1"}
	text := "mail:\n  from: status@northwind.example\n  relays: ['smtp://interlude:$SMTP_PASSWORD@mail.northwind.example:587']\n"
	if err := configured(t, text, func(name string) string { return env[name] }); err != nil {
		t.Errorf("got %v, want the password taken whatever is in it", err)
	}
	wrong := strings.Replace(text, ":587", ":587?tls=never", 1)
	if err := configured(t, wrong, func(name string) string { return env[name] }); err == nil || strings.Contains(err.Error(), "p@ss") ||
		strings.Contains(err.Error(), "p%40ss") {
		t.Errorf("got %v, want a refusal without the password", err)
	}
}

func TestTheSecretOfNoticesIsMadeOnce(t *testing.T) {
	db, err := store.Open(t.Context(), "sqlite::memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	secret := func() string {
		made, err := noticeSecret(context.WithoutCancel(t.Context()), db, clock.System{}.Now())
		if err != nil {
			t.Fatal(err)
		}
		return string(made)
	}
	if first, second := secret(), secret(); first != second || len(first) != 32 {
		t.Errorf("got secrets of %d and %d bytes, want one of 32", len(first), len(second))
	}
}
