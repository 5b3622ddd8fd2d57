package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.org/interlude/status"
)

// away is how long the product of the peers does not answer.
const away = 6 * time.Second

// shop is a product that counts what it was asked, and can be away: then its connections are cut, and new ones are refused.
type shop struct {
	t       *testing.T
	address string
	takes   time.Duration // from what is done until it is answered
	server  *http.Server
	done    chan struct{}

	mu   sync.Mutex
	seen map[string]int // by path, which is unique for each request
	size map[string]int64
}

func newShop(t *testing.T, takes time.Duration) *shop {
	t.Helper()
	s := &shop{t: t, takes: takes, address: "127.0.0.1:0", seen: map[string]int{}, size: map[string]int64{}}
	s.open()
	t.Cleanup(s.close)
	return s
}

// open listens, at the same address each time.
func (s *shop) open() {
	s.t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.WithoutCancel(s.t.Context()), "tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.address, s.done = listener.Addr().String(), make(chan struct{})
	s.server = &http.Server{Handler: s}
	go func() {
		defer close(s.done)
		_ = s.server.Serve(listener)
	}()
}

func (s *shop) close() {
	_ = s.server.Close()
	<-s.done
}

// ServeHTTP reads the body and counts the request.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.seen[r.URL.Path]++
	s.size[r.URL.Path] = n
	s.mu.Unlock()
	select {
	case <-time.After(s.takes):
	case <-r.Context().Done():
	}
	fmt.Fprintln(w, "served")
}

// times is how often something was asked, with how large a body.
func (s *shop) times(path string) (int, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[path], s.size[path]
}

// peer is a proxy in front of the shop.
type peer struct {
	name string
	// program runs in the foreground, with the configuration in a file whose name replaces CONF; FOLDER in both is a folder
	// that it may write to, SHOP the product's address, and HERE its own.
	program       []string
	configuration string
}

// peers are the proxies that this machine has.
func peers() []peer {
	const caddy = `{
	admin off
	auto_https off
}
http://HERE {
	bind 127.0.0.1
	reverse_proxy SHOP {
		lb_try_duration TRIES
		lb_try_interval 100ms
	}
}
`
	all := []peer{
		{"nginx", []string{programPath("nginx"), "-c", "CONF", "-e", "FOLDER/error.log"}, `daemon off;
master_process off;
pid FOLDER/pid;
error_log FOLDER/error.log;
events {}
http {
  access_log off;
  client_body_temp_path FOLDER/a; proxy_temp_path FOLDER/b; fastcgi_temp_path FOLDER/c; uwsgi_temp_path FOLDER/d; scgi_temp_path FOLDER/e;
  upstream shop { server SHOP; keepalive 64; }
  server {
    listen HERE;
    location / { proxy_pass http://shop; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`},
		{"HAProxy", []string{programPath("haproxy"), "-db", "-f", "CONF"}, `defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout queue 15s
frontend clients
  bind HERE
  default_backend shop
backend shop
  server s1 SHOP
`},
	}
	for name, program := range map[string]string{"Caddy of this system": "caddy", "current Caddy": os.Getenv("INTERLUDE_PEER_CADDY")} {
		for _, tries := range []string{"15s", "2s"} {
			run := []string{program, "run", "--adapter", "caddyfile", "--config", "CONF"}
			all = append(all, peer{name + ", " + tries, run, strings.ReplaceAll(caddy, "TRIES", tries)})
		}
	}
	slices.SortStableFunc(all, func(a, b peer) int { return strings.Compare(a.name, b.name) })
	return slices.DeleteFunc(all, func(p peer) bool {
		_, err := exec.LookPath(p.program[0])
		return err != nil
	})
}

// programPath is where a program is; users of Debian do not have all of them in PATH.
func programPath(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return "/usr/sbin/" + name
}

// start starts a peer, and gives its address once it passes requests on.
func (p peer) start(t *testing.T, shop string) string {
	t.Helper()
	folder, here, said := t.TempDir(), freeAddress(t), &lockedBuffer{}
	fill := strings.NewReplacer("FOLDER", folder, "CONF", filepath.Join(folder, "conf"), "HERE", here, "SHOP", shop)
	writeFile(t, filepath.Join(folder, "conf"), fill.Replace(p.configuration))
	var args []string
	for _, word := range p.program[1:] {
		args = append(args, fill.Replace(word))
	}
	process := exec.Command(p.program[0], args...)
	process.Env = append(os.Environ(), "HOME="+folder, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder)
	process.Stdout, process.Stderr = said, said
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		_ = process.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", p.name, shortened(said.String()))
		}
	})
	until(t, "answer through "+p.name, func() bool {
		answer, err := http.Get("http://" + here + "/warm")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return here
}

// The clients of each proxy, and what those send who write.
const (
	readers20 = 20
	writers20 = 20
	bodySize  = 200_000
)

// visit has twenty clients read and twenty write through a proxy. It returns at once; wait gives what they were answered.
func visit(ctx context.Context, name, address string) (wait func() []told) {
	l, answers, all := newLoad("http://"+address), make(chan told), []told{}
	body := strings.Repeat("x", bodySize)
	for i := range readers20 + writers20 {
		path := fmt.Sprintf("/%s/%d", strings.ReplaceAll(name, " ", "-"), i)
		q := question{method: http.MethodGet, path: path, id: path}
		if i >= readers20 {
			q.method, q.body = http.MethodPost, body
		}
		go func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
			defer client.CloseIdleConnections()
			answers <- l.ask(ctx, client, q)
		}()
	}
	return func() []told {
		for len(all) < readers20+writers20 {
			all = append(all, <-answers)
		}
		return all
	}
}

// TestTheProductIsAwayForSixSeconds does to this gate what it does to other proxies: the product refuses connections for
// six seconds while twenty clients read and twenty write. What the others make of that is told in the test's log; it says
// nothing against them, for none of them promises to wait so long.
func TestTheProductIsAwayForSixSeconds(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes over real seconds")
	}
	t.Parallel()
	product := newShop(t, 0)
	s := newStage(t, fmt.Sprintf(`upstreams: {shop: {to: ['http://%s']}}
flows:
  - {name: short, match: [{path: /short}], upstream: shop, interrupted: {do: hold, for: 2s}}
  - {name: shop, upstream: shop, interrupted: {do: hold, for: 30s}}
`, product.address),
		status.Promise{Audience: "Customers", Flow: "shop", Promise: status.Uninterrupted},
		status.Promise{Audience: "Those in a hurry", Flow: "short", Promise: status.Uninterrupted})
	ours := strings.TrimPrefix(s.url, "http://")
	names, addresses := []string{"Interlude", "short"}, map[string]string{"Interlude": ours, "short": ours}
	for _, p := range peers() {
		names = append(names, p.name)
		addresses[p.name] = p.start(t, product.address)
	}
	product.close()
	waits := map[string]func() []told{}
	for _, name := range names {
		waits[name] = visit(t.Context(), name, addresses[name])
	}
	over := time.After(away)
	found := map[string][]told{"short": waits["short"]()} // these end while the product is away
	<-over
	product.open()
	for _, name := range names {
		found[name] = waits[name]()
		t.Logf("%-26s %s", name, product.sum(found[name]))
	}
	for _, a := range found["Interlude"] {
		n, size := product.times(a.id)
		if !a.ok() || n != 1 || size != int64(len(a.body)) {
			t.Errorf("got %s, done %d times with %d bytes, want it answered, done once with %d", a, n, size, len(a.body))
		}
	}
	for _, a := range found["short"] {
		if n, _ := product.times(a.id); !a.refused() || n != 0 {
			t.Errorf("got %s, done %d times, want it refused when its two seconds were over, and not done", a, n)
		}
	}
}

// sum is a line of the table: how many got what, apart for those who read and those who write, and what was done twice.
func (s *shop) sum(all []told) string {
	counts, twice := map[string]int{}, 0
	for _, a := range all {
		got := fmt.Sprint(a.status)
		switch {
		case a.err != nil:
			got = "no answer"
		case a.retryAfter:
			got += " with Retry-After"
		}
		counts[a.method+" "+got]++
		if n, _ := s.times(a.id); n > 1 {
			twice++
		}
	}
	var parts []string
	for what, n := range counts {
		method, got, _ := strings.Cut(what, " ")
		parts = append(parts, fmt.Sprintf("%s: %d got %s", method, n, got))
	}
	slices.Sort(parts)
	return cmp.Or(strings.Join(parts, ", "), "nobody") + fmt.Sprintf("; %d done twice", twice)
}
