package upstream

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// AddressState is how one address is.
type AddressState struct {
	Address string
	// Well says that the address has its turn: its checks succeed, and the last connection to it was made.
	Well bool
	// Busy is the number of requests that it answers just now.
	Busy int64
}

// carrier carries requests to one address.
type carrier interface {
	// roundTrip makes one exchange. Unless it gives an unreached Error, it sees to it that the request's body is closed. When
	// an answer's body has ended, it takes one from the number of busy ones. Told may be nil.
	roundTrip(r *http.Request, told Early) (*http.Response, error)
	// tidy closes what nobody used for long, and says when to come again.
	tidy(now time.Time) time.Duration
	closeIdle()
	// retire closes what is idle, and from then on what becomes idle.
	retire()
}

// address is one place where the product answers.
type address struct {
	text    string // as it was configured
	scheme  string
	network string
	place   string // host and port, or path of the socket
	host    string // for requests that name none

	carrier carrier
	busy    atomic.Int64
	healthy atomic.Bool
	aside   atomic.Int64 // until when others go first, in nanoseconds since 1970

	mu     sync.Mutex // of what the checks found
	streak int        // successes in a row, or failures as a negative number
}

// ports are what an address without a port means.
var ports = map[string]string{"http": "80", "https": "443", "h2c": "80"}

func parseAddress(text string) (*address, error) {
	wrong := func(what string) error { return fmt.Errorf("upstream address %q: %s", text, what) }
	if place, ok := strings.CutPrefix(text, "unix:"); ok {
		if !path.IsAbs(place) {
			return nil, wrong(`a socket is written with its whole path, as in "unix:/run/app.sock"`)
		}
		return &address{text: text, scheme: "http", network: "unix", place: path.Clean(place), host: "localhost"}, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, wrong(errors.Unwrap(err).Error())
	}
	port, known := ports[u.Scheme]
	switch {
	case !known:
		return nil, wrong(`it begins with http://, https://, h2c:// or unix:/`)
	case u.Hostname() == "":
		return nil, wrong(fmt.Sprintf(`it names no host; write "%s://host:port"`, u.Scheme))
	case u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, wrong(fmt.Sprintf(`it holds more than host and port; write "%s://%s"`, u.Scheme, u.Host))
	}
	place := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
	return &address{text: text, scheme: u.Scheme, network: "tcp", place: place, host: u.Host}, nil
}

// carry chooses what carries requests to the address.
func (a *address) carry(c Config) carrier {
	if a.scheme == "http" {
		return newPool(a, c)
	}
	return newTransport(a, c)
}

func (c Config) check() error {
	if len(c.Addresses) == 0 {
		return errors.New(`an upstream needs at least one address, as in "http://127.0.0.1:8080"`)
	}
	if c.Balance != "" && c.Balance != RoundRobin && c.Balance != LeastBusy {
		return fmt.Errorf("balance %q: it is %q or %q", c.Balance, RoundRobin, LeastBusy)
	}
	for name, d := range map[string]time.Duration{
		"connect timeout": c.ConnectTimeout, "header timeout": c.HeaderTimeout, "idle timeout": c.IdleTimeout,
		"interval of health checks": c.Health.Every, "timeout of health checks": c.Health.Timeout,
	} {
		if d < 0 {
			return fmt.Errorf("%s %s: a duration is not negative", name, d)
		}
	}
	if c.MaxIdle < 0 || c.HeaderBytes < 0 || c.Health.Rise < 0 || c.Health.Fall < 0 {
		return errors.New("idle connections, header bytes, rise and fall are not negative")
	}
	return c.Health.check()
}

func (c Config) withDefaults() Config {
	c.Balance = cmp.Or(c.Balance, RoundRobin)
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, 5*time.Second)
	c.HeaderBytes = cmp.Or(c.HeaderBytes, 1<<20)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 30*time.Second)
	c.MaxIdle = cmp.Or(c.MaxIdle, 256)
	c.Health.Timeout = cmp.Or(c.Health.Timeout, 5*time.Second)
	c.Health.Rise = cmp.Or(c.Health.Rise, 2)
	c.Health.Fall = cmp.Or(c.Health.Fall, 3)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return c
}

// dialer connects to addresses. It resolves at each connection, and tries IPv6 and IPv4 as RFC 8305 has it.
func (c Config) dialer() *net.Dialer { return &net.Dialer{Timeout: c.ConnectTimeout} }
