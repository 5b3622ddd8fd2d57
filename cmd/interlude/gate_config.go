package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.org/interlude/api"
	"example.org/interlude/document"
	"example.org/interlude/gate"
	"example.org/interlude/status"
	"example.org/interlude/upstream"
)

// gateFile is gate.yaml, key by key. docs/gate.md explains each of them.
type gateFile struct {
	Name      string                    `yaml:"name"`
	Server    *gateServer               `yaml:"server"`
	State     string                    `yaml:"state"`
	Listen    []listenConfig            `yaml:"listen"`
	Admin     *string                   `yaml:"admin"`
	Trusted   []network                 `yaml:"trusted"`
	Upstreams map[string]upstreamConfig `yaml:"upstreams"`
	Flows     []flowConfig              `yaml:"flows"`
	Limits    limitsConfig              `yaml:"limits"`
	Drain     drainConfig               `yaml:"drain"`
	Find      findConfig                `yaml:"find"`
	Cache     cacheConfig               `yaml:"cache"`
	Bypass    bypassConfig              `yaml:"bypass"`
	Spool     *spoolConfig              `yaml:"spool"`
	Mail      *mailDoorsConfig          `yaml:"mail"`
	Messages  *messagesConfig           `yaml:"messages"`
	AccessLog string                    `yaml:"access_log"`
	Traces    *tracesConfig             `yaml:"traces"`
	Stop      stopConfig                `yaml:"stop"`
}

type gateServer struct {
	URL   string `yaml:"url"`
	Token string `yaml:"token"`
}

type listenConfig struct {
	Address       string      `yaml:"address"`
	TLS           []tlsConfig `yaml:"tls"`
	ProxyProtocol []network   `yaml:"proxy_protocol"`
	HTTP2         *bool       `yaml:"http2"`
	H2C           bool        `yaml:"h2c"`
}

// tlsConfig is a certificate, or where certificates come from.
type tlsConfig struct {
	Cert string      `yaml:"cert"`
	Key  string      `yaml:"key"`
	ACME *acmeConfig `yaml:"acme"`
}

type acmeConfig struct {
	Hosts     []string `yaml:"hosts"`
	Email     string   `yaml:"email"`
	Directory string   `yaml:"directory"`
	CA        string   `yaml:"ca"`
}

type upstreamConfig struct {
	To      []string          `yaml:"to"`
	Balance upstream.Balance  `yaml:"balance"`
	Connect lasting           `yaml:"connect"`
	Answer  lasting           `yaml:"answer"`
	Idle    lasting           `yaml:"idle"`
	CA      string            `yaml:"ca"`
	Health  upstreamHealthYML `yaml:"health"`
}

type upstreamHealthYML struct {
	Path    string  `yaml:"path"`
	Host    string  `yaml:"host"`
	Every   lasting `yaml:"every"`
	Timeout lasting `yaml:"timeout"`
	Rise    amount  `yaml:"rise"`
	Fall    amount  `yaml:"fall"`
	Status  []int   `yaml:"status"`
}

type flowConfig struct {
	Name        string        `yaml:"name"`
	Match       []matchConfig `yaml:"match"`
	Upstream    string        `yaml:"upstream"`
	Interrupted []stepConfig  `yaml:"interrupted"`
	DryRun      bool          `yaml:"dry_run"`
	// HandOver is for flows that queue.
	HandOver handOverConfig `yaml:"hand_over"`
}

type matchConfig struct {
	Host    string            `yaml:"host"`
	Path    string            `yaml:"path"`
	Methods []string          `yaml:"methods"`
	Headers map[string]string `yaml:"headers"`
}

// stepConfig is a step of a chain. A bare word is a step that does that, and then is the rest of the chain.
type stepConfig struct {
	Do       gate.Behaviour `yaml:"do"`
	For      lasting        `yaml:"for"`
	Requests amount         `yaml:"requests"`
	Bytes    size           `yaml:"bytes"`
	Body     *size          `yaml:"body"`
	Full     gate.Leaves    `yaml:"full"`
	Methods  []string       `yaml:"methods"`
	Asked    bool           `yaml:"asked"`
	Order    string         `yaml:"order"`
	Verify   *verifyConfig  `yaml:"verify"`
	Then     []stepConfig   `yaml:"then"`
}

// UnmarshalText reads a step of which only the word is said.
func (s *stepConfig) UnmarshalText(text []byte) error {
	s.Do = gate.Behaviour(text)
	return nil
}

type limitsConfig struct {
	Requests      amount  `yaml:"requests"`
	Bytes         size    `yaml:"bytes"`
	Header        size    `yaml:"header"`
	HeaderTimeout lasting `yaml:"header_timeout"`
	Idle          lasting `yaml:"idle"`
	Stalled       lasting `yaml:"stalled"`
	Connections   amount  `yaml:"connections"`
}

type drainConfig struct {
	From     amount `yaml:"from"`
	InFlight amount `yaml:"in_flight"`
}

// findConfig is off, or how to find interruptions.
type findConfig struct {
	Off       bool
	Statuses  []int   `yaml:"statuses"`
	Failures  amount  `yaml:"failures"`
	Within    lasting `yaml:"within"`
	Successes amount  `yaml:"successes"`
	Every     lasting `yaml:"every"`
}

// UnmarshalText reads the word off.
func (f *findConfig) UnmarshalText(text []byte) error {
	if f.Off = string(text) == "off"; f.Off {
		return nil
	}
	return fmt.Errorf("must be off, or a mapping with the keys statuses, failures, within, successes, every, not %q", text)
}

type cacheConfig struct {
	Bytes size `yaml:"bytes"`
	Entry size `yaml:"entry"`
}

type bypassConfig struct {
	Keys []string `yaml:"keys"`
}

type tracesConfig struct {
	Endpoint string  `yaml:"endpoint"`
	Sample   float64 `yaml:"sample"`
}

type stopConfig struct {
	Delay  status.Duration `yaml:"delay"`
	Within lasting         `yaml:"within"`
}

// The words of access_log that are no files.
const (
	logOff    = "off"
	logStdout = "stdout"
)

// gateSettings is what a gate.yaml says, with the defaults filled in and all names of files meant from its folder.
type gateSettings struct {
	gateFile
	config gate.Config
	// admin is empty where there is none.
	admin  string
	source string
	data   []byte
	// places tell where the file says what gate.Config has somewhere else.
	places map[string]string
	env    func(string) string
	faults []error
}

// readGate reads a configuration and refuses one that cannot work. All that is wrong is told at once, with the lines of the
// file. $NAME in a secret is taken from the environment.
func readGate(name string, env func(string) string) (*gateSettings, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &gateSettings{source: name, env: env, places: map[string]string{}}
	if s.data, err = io.ReadAll(io.LimitReader(f, document.MaxSize+1)); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if err := document.Fill(s.data, name, &s.gateFile); err != nil {
		return nil, err
	}
	s.fillIn()
	s.checkDoors()
	s.checkRest()
	s.checkMail()
	s.checkMessages()
	s.translate()
	if s.keeps() {
		s.fillInSpool()
		none := unopened{s.queuing()}
		s.config.Spool, s.config.Entries = none, none
	}
	if _, err := gate.New(s.config); err != nil {
		s.faults = append(s.faults, err)
	}
	return s, s.located(errors.Join(s.faults...))
}

// readPlaces reads where a gate answers and where its state is, and needs none of its secrets for that.
func readPlaces(name string) (*gateSettings, error) {
	s := &gateSettings{source: name, places: map[string]string{}}
	var err error
	if s.data, err = os.ReadFile(name); err != nil {
		return nil, err
	}
	if err := document.Fill(s.data, name, &s.gateFile); err != nil {
		return nil, err
	}
	s.fillIn()
	return s, nil
}

// wrong notes a fault.
func (s *gateSettings) wrong(field, rule string, of ...any) {
	s.faults = append(s.faults, &status.Invalid{Field: field, Rule: fmt.Sprintf(rule, of...)})
}

// located gives every fault its line. What is no fault of the file stays as it is.
func (s *gateSettings) located(err error) error {
	var found []*document.Error
	var others []error
	for _, one := range unjoin(err) {
		var bad *status.Invalid
		if !errors.As(one, &bad) {
			others = append(others, one)
			continue
		}
		found = append(found, document.Locate(s.data, s.source, 0, &status.Invalid{Field: s.place(bad.Field), Rule: bad.Rule}))
	}
	slices.SortStableFunc(found, func(a, b *document.Error) int { return a.Line - b.Line })
	for _, e := range found {
		others = append(others, e)
	}
	return errors.Join(others...)
}

// place is the path that the file has for a field of gate.Config.
func (s *gateSettings) place(field string) string {
	for path := field; path != ""; {
		if at, ok := s.places[path]; ok {
			return at + field[len(path):]
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return field
}

// unjoin gives the errors that were joined.
func unjoin(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, unjoin(one)...)
	}
	return all
}

// The defaults of gate.yaml that no package has.
const (
	defaultAdmin  = "127.0.0.1:8486"
	defaultState  = "gate-state"
	defaultHeader = 64 << 10
)

func (s *gateSettings) fillIn() {
	if s.Name == "" {
		s.Name, _ = os.Hostname()
	}
	s.State = s.near(orText(s.State, defaultState))
	s.admin = defaultAdmin
	if s.Admin != nil {
		s.admin = *s.Admin
	}
	if s.admin == logOff {
		s.admin = ""
	}
	s.AccessLog = orText(s.AccessLog, logOff)
	if s.AccessLog != logOff && s.AccessLog != logStdout {
		s.AccessLog = s.near(s.AccessLog)
	}
	l := &s.Limits
	l.Header = max(l.Header, 0)
	setDefault(&l.Header, defaultHeader)
	setDefault(&l.HeaderTimeout, lasting(10*time.Second))
	setDefault(&l.Idle, lasting(2*time.Minute))
	setDefault(&l.Stalled, lasting(time.Minute))
	setDefault(&l.Connections, 20_000)
	setDefault(&s.Stop.Within, lasting(30*time.Second))
	for i := range s.Listen {
		for j := range s.Listen[i].TLS {
			c := &s.Listen[i].TLS[j]
			c.Cert, c.Key = s.near(c.Cert), s.near(c.Key)
			if c.ACME != nil {
				c.ACME.CA = s.near(c.ACME.CA)
			}
		}
	}
}

func orText(text, other string) string {
	setDefault(&text, other)
	return text
}

// setDefault sets what is not set.
func setDefault[T comparable](v *T, to T) {
	if *v == *new(T) {
		*v = to
	}
}

// near is a file's name as it is meant: from the folder of the configuration.
func (s *gateSettings) near(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(s.source), name)
}

func (s *gateSettings) checkDoors() {
	if len(s.Listen) == 0 {
		s.wrong("listen", "is required: the addresses at which clients come, such as [{address: 0.0.0.0:8080}]")
	}
	taken := map[string]bool{}
	for i, l := range s.Listen {
		at := "listen[" + strconv.Itoa(i) + "]"
		_, port, err := net.SplitHostPort(l.Address)
		switch {
		case err != nil || !isPort(port):
			s.wrong(at+".address", "must be an address with a port, such as 0.0.0.0:443 or [::]:443, not %q", l.Address)
		case taken[l.Address]:
			s.wrong(at+".address", "%q is there already", l.Address)
		}
		taken[l.Address] = true
		if l.H2C && len(l.TLS) > 0 {
			s.wrong(at+".h2c", "is HTTP/2 without TLS: leave it out, or leave tls out")
		}
		if l.HTTP2 != nil && *l.HTTP2 && len(l.TLS) == 0 {
			s.wrong(at+".http2", "needs tls: clients use HTTP/2 without it only if they were told to, and then h2c: true allows it")
		}
		for j, c := range l.TLS {
			s.checkTLS(at+".tls["+strconv.Itoa(j)+"]", c, len(l.TLS))
		}
	}
	if s.admin != "" {
		if _, port, err := net.SplitHostPort(s.admin); err != nil || !isPort(port) {
			s.wrong("admin", `must be an address with a port such as 127.0.0.1:8486, or off, not %q`, s.admin)
		}
	}
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

func (s *gateSettings) checkTLS(at string, c tlsConfig, all int) {
	switch {
	case c.ACME == nil && (c.Cert == "" || c.Key == ""):
		s.wrong(at, "must have cert and key, the names of two PEM files, or acme")
	case c.ACME != nil && (c.Cert != "" || c.Key != "" || all > 1):
		s.wrong(at+".acme", "must stand alone: an address takes its certificates from files or from an authority")
	case c.ACME == nil:
		if _, err := readPair(c.Cert, c.Key); err != nil {
			s.wrong(at, "does not fit: %v", err)
		}
	default:
		if len(c.ACME.Hosts) == 0 {
			s.wrong(at+".acme.hosts", "is required: the names to get certificates for")
		}
		if _, err := acmeClient(c.ACME); err != nil {
			s.wrong(at+".acme.ca", "does not fit: %v", err)
		}
		if c.ACME.Directory != "" && !isURL(c.ACME.Directory, "https") {
			s.wrong(at+".acme.directory", "must be the https address of an ACME directory, not %q", c.ACME.Directory)
		}
	}
}

func isURL(text string, schemes ...string) bool {
	u, err := url.Parse(text)
	return err == nil && slices.Contains(schemes, u.Scheme) && u.Host != ""
}

func (s *gateSettings) checkRest() {
	if len(s.Name) > 100 || strings.ContainsAny(s.Name, "/?#% ") || s.Name == "" || strings.Trim(s.Name, ".") == "" {
		s.wrong("name", "must be a short name without spaces, such as gate-1, not %q", s.Name)
	}
	if s.Server != nil {
		if err := api.CheckServer(s.Server.URL); err != nil {
			s.wrong("server.url", "must be the address of an Interlude server, such as https://status.northwind.example, not %q", s.Server.URL)
		}
		if s.Server.Token = s.secret("server.token", s.Server.Token); s.Server.Token == "" {
			s.wrong("server.token", "is required: a token of the scope gate, such as $INTERLUDE_TOKEN; `interlude token create NAME --scope gate` makes one")
		}
	}
	if s.Limits.Header < 4<<10 || s.Limits.Header > 16<<20 {
		s.wrong("limits.header", "must be from 4KiB to 16MiB, not %s", s.Limits.Header)
	}
	if t := s.Traces; t != nil {
		if !isURL(t.Endpoint, "http", "https") {
			s.wrong("traces.endpoint", "must be where an OpenTelemetry collector takes OTLP over HTTP, such as http://127.0.0.1:4318, not %q", t.Endpoint)
		}
		if t.Sample < 0 || t.Sample > 1 {
			s.wrong("traces.sample", "must be a part from 0 to 1, such as 0.01, not %v", t.Sample)
		}
	}
}

var variable = regexp.MustCompile(`^\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?$`)

// secret is the value of a variable of the environment, where that is what the file names.
func (s *gateSettings) secret(field, text string) string {
	named := variable.FindStringSubmatch(text)
	if named == nil {
		return text
	}
	value := s.env(named[1])
	if value == "" {
		s.wrong(field, "names $%s, which is not set in the environment", named[1])
		return text
	}
	return value
}

// keyBytes is a key of a bypass: what base64 of 32 bytes or more says, or the text itself.
func keyBytes(text string) []byte {
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if key, err := encoding.DecodeString(text); err == nil && len(key) >= gate.LeastKey {
			return key
		}
	}
	return []byte(text)
}
