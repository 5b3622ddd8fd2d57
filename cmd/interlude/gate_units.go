package main

import (
	"errors"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"example.org/interlude/status"
)

// lasting is a length of time that is longer than nothing, such as 30s.
type lasting time.Duration

// UnmarshalText reads a duration with its unit.
func (l *lasting) UnmarshalText(text []byte) error {
	d, err := status.ParseDuration(string(text))
	if err == nil && d <= 0 {
		err = errors.New("must be longer than nothing, such as 30s")
	}
	*l = lasting(d)
	return err
}

// amount is a number of things, at least one.
type amount int

// UnmarshalText reads a whole number.
func (a *amount) UnmarshalText(text []byte) error {
	n, err := strconv.ParseInt(string(text), 10, 32)
	if err != nil || n < 1 {
		return errors.New("must be a whole number of at least 1, not " + strconv.Quote(string(text)))
	}
	*a = amount(n)
	return nil
}

// size is a number of bytes, such as 64MiB.
type size int64

var sizeUnits = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1},
}

// UnmarshalText reads a number with a unit, or of bytes without one.
func (s *size) UnmarshalText(text []byte) error {
	wrong := errors.New("must be a number of bytes such as 4096, 64KiB or 1.5MiB, not " + strconv.Quote(string(text)))
	for _, unit := range sizeUnits {
		number, ok := strings.CutSuffix(string(text), unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		n *= unit.bytes
		if err != nil || !(n >= 0 && n <= 1<<50) || n != math.Trunc(n) {
			return wrong
		}
		*s = size(n)
		return nil
	}
	return wrong
}

// String writes the largest unit that keeps the number whole.
func (s size) String() string {
	for _, unit := range []struct {
		name  string
		bytes size
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if s >= unit.bytes && s%unit.bytes == 0 {
			return strconv.FormatInt(int64(s/unit.bytes), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// network is a range of addresses such as 10.0.0.0/8, or a single one.
type network netip.Prefix

// UnmarshalText reads a prefix or an address.
func (n *network) UnmarshalText(text []byte) error {
	prefix, err := netip.ParsePrefix(string(text))
	if err != nil {
		addr, notOne := netip.ParseAddr(string(text))
		if notOne != nil || addr.Zone() != "" {
			return errors.New("must be a network such as 10.0.0.0/8 or an address, not " + strconv.Quote(string(text)))
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	*n = network(prefix.Masked())
	return nil
}

func prefixes(of []network) []netip.Prefix {
	all := make([]netip.Prefix, len(of))
	for i, n := range of {
		all[i] = netip.Prefix(n)
	}
	return all
}

// duration is the length of time, zero when none was said.
func (l lasting) duration() time.Duration { return time.Duration(l) }
