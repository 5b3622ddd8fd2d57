package webhook

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// loopback is what tests allow.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestOnlyThePublicInternetIsReached(t *testing.T) {
	for address, want := range map[string]bool{
		"9.9.9.9": true, "172.15.255.255": true, "172.32.0.0": true, "100.63.255.255": true, "100.128.0.0": true, "11.0.0.0": true,
		"223.255.255.255": true, "2620:fe::fe": true, "2a00:1450:4001::1": true, "2001:200::1": true,

		"0.0.0.0": false, "0.1.2.3": false, "127.0.0.1": false, "127.255.255.254": false,
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false,
		"169.254.169.254": false, "100.64.0.1": false, "100.100.100.200": false, "168.63.129.16": false,
		"192.0.0.192": false, "192.0.2.1": false, "192.88.99.1": false, "198.18.0.1": false, "198.19.255.255": false,
		"198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false, "239.255.255.255": false,
		"240.0.0.1": false, "255.255.255.255": false,

		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "2620:fe::fe%eth0": false, "fec0::1": false,
		"fc00::1": false, "fd00:ec2::254": false, "ff02::1": false,
		"::ffff:9.9.9.9": false, "::ffff:127.0.0.1": false, "::9.9.9.9": false, "::127.0.0.1": false,
		"64:ff9b::9.9.9.9": false, "64:ff9b::7f00:1": false, "64:ff9b:1::1": false, "100::1": false, "5f00::1": false,
		"2001::1": false, "2001:0:9:9:9:9:9:9": false, "2001:2::1": false, "2001:20::1": false, "2001:db8::1": false,
		"2002:909:909::1": false, "2002:7f00:1::": false, "3fff::1": false, "4000::1": false,
	} {
		err := guard{}.control(t.Context(), "tcp", net.JoinHostPort(address, "443"), nil)
		if want && err != nil || !want && !errors.Is(err, ErrInward) {
			t.Errorf("%s: got %v, want it reached: %t", address, err, want)
		}
	}
}

func TestOnlyPortsOfTheWebAreReached(t *testing.T) {
	for port, want := range map[string]bool{
		"80": true, "443": true, "1024": true, "8443": true, "65535": true,
		"0": false, "22": false, "25": false, "79": false, "111": false, "445": false, "1023": false,
	} {
		err := guard{}.control(t.Context(), "tcp4", "9.9.9.9:"+port, nil)
		if want && err != nil || !want && !errors.Is(err, ErrInward) {
			t.Errorf("port %s: got %v, want it reached: %t", port, err, want)
		}
	}
}

func TestWhatIsAllowedIsReachedAtAnyPortAndNothingBeside(t *testing.T) {
	g := guard{[]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}}
	for address, want := range map[string]bool{
		"10.1.2.3:25": true, "[fd00:1::5]:22": true,
		"10.2.0.1:443": false, "[::ffff:10.1.2.3]:443": false, "[fd00:1::5%eth0]:443": false, "[fd00:2::5]:443": false,
	} {
		err := g.control(t.Context(), "tcp", address, nil)
		if want && err != nil || !want && !errors.Is(err, ErrInward) {
			t.Errorf("%s: got %v, want it reached: %t", address, err, want)
		}
	}
}

func TestWhatIsNoAddressOfTCPIsNotConnectedTo(t *testing.T) {
	for _, c := range [][2]string{{"udp", "9.9.9.9:443"}, {"unix", "/run/service"}, {"tcp", "9.9.9.9"}, {"tcp", "northwind.example:443"}} {
		if err := (guard{}).control(t.Context(), c[0], c[1], nil); !errors.Is(err, ErrInward) {
			t.Errorf("%s %s: got %v, want it refused", c[0], c[1], err)
		}
	}
}

func TestAURLThatIsNoEndpointIsRefusedWithWhatWouldBeRight(t *testing.T) {
	for raw, want := range map[string]error{
		"https://9.9.9.9/hook?x=1#y": nil, "HTTP://9.9.9.9:8080": nil, "https://[2620:fe::fe]/": nil, "http://９.９.９.９/": nil,

		"": ErrURL, "/hook": ErrURL, "northwind.example/hook": ErrURL, "file:///etc/passwd": ErrURL, "gopher://9.9.9.9/": ErrURL,
		"https:9.9.9.9": ErrURL, "https:///hook": ErrURL, "https://:443/": ErrURL, "https://a:b@9.9.9.9/": ErrURL, "https://@9.9.9.9/": ErrURL,
		"https://9.9.9.9:0/": ErrURL, "https://9.9.9.9:65536/": ErrURL, "https://9.9.9.9:-1/": ErrURL,
		"https://9.9.9.9/\r\nX: y": ErrURL, "https://xn--\u00e4/": ErrURL,
		"https://9.9.9.9/" + strings.Repeat("a", longestURL): ErrURL,

		"http://127.0.0.1/": ErrInward, "http://[::1]:8080/": ErrInward, "http://169.254.169.254/latest/meta-data/": ErrInward,
		"http://[::ffff:9.9.9.9]/": ErrInward, "http://[fe80::1%25eth0]/": ErrInward, "http://１２７.0.0.1/": ErrInward,
		"http://１２７.0.0.1:8080/": ErrInward, "http://9.9.9.9:25/": ErrInward,
	} {
		err := New(nil, "test").Check(t.Context(), raw)
		if want == nil && err != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%.60q: got %v, want %v", raw, err, want)
		}
	}
}

func TestANameOfOtherLettersIsWrittenAsTheWireHasIt(t *testing.T) {
	for raw, want := range map[string]string{
		"https://b\u00fccher.example/a": "https://xn--bcher-kva.example:443/a", "http://b\u00fccher.example:8080": "http://xn--bcher-kva.example:8080",
		"https://northwind.example/a": "https://northwind.example/a",
	} {
		u, err := guard{}.parse(raw)
		if err != nil || u.String() != want {
			t.Errorf("%s: got %v, %v, want %s", raw, u, err, want)
		}
	}
}

func FuzzWhatIsAcceptedHasASchemeOfTheWebAHostAndNoUser(f *testing.F) {
	for _, raw := range []string{
		"https://northwind.example/hook", "http://127.0.0.1", "http://[::1%25eth0]:80/", "https://a:b@9.9.9.9", "http://１２７.1/",
		"http://0x7f.1/", "https://9.9.9.9:99999", "http:\\\\9.9.9.9", "//9.9.9.9", "https://b\u00fccher.example:443/", "http://[::ffff:7f00:1]/",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		accepted, err := guard{}.parse(raw)
		if err != nil {
			if !errors.Is(err, ErrURL) && !errors.Is(err, ErrInward) {
				t.Errorf("got %v, want one of our refusals", err)
			}
			return
		}
		u, err := url.Parse(accepted.String())
		switch {
		case err != nil:
			t.Errorf("%q: got %v for what was accepted, want it read again", raw, err)
		case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || port(u) == 0 || !ascii(u.Host):
			t.Errorf("%q: got %s accepted, want http or https, a host in ASCII, a port and no user", raw, u)
		}
		to := net.JoinHostPort(u.Hostname(), strconv.Itoa(int(port(u))))
		if _, err := netip.ParseAddrPort(to); err == nil && (guard{}).control(t.Context(), "tcp", to, nil) != nil {
			t.Errorf("%q: got %s accepted, want an address refused that is not connected to", raw, to)
		}
	})
}
