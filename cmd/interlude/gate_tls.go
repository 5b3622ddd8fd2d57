package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// tlsOf is how a door speaks TLS: nil without it. The certificates are nil where an authority gives them.
func tlsOf(from []tlsConfig, state string, log *slog.Logger) (*tls.Config, *certificates, error) {
	if len(from) == 0 {
		return nil, nil, nil
	}
	if from[0].ACME != nil {
		c, err := acmeTLS(from[0].ACME, state)
		return c, nil, err
	}
	certs := &certificates{from: from, log: log}
	if err := certs.load(); err != nil {
		return nil, nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certs.choose}, certs, nil
}

// certificates are those of files, read again when the files change.
type certificates struct {
	from []tlsConfig
	log  *slog.Logger
	all  atomic.Pointer[[]*tls.Certificate]

	mu    sync.Mutex // one reads at a time
	stamp string
}

// readPair reads a certificate with its key.
func readPair(cert, key string) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	return &pair, nil
}

// load reads all files anew. If one cannot be read or does not fit its key, those that were read before stay.
func (c *certificates) load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	stamp := c.look()
	all := make([]*tls.Certificate, len(c.from))
	for i, f := range c.from {
		var err error
		if all[i], err = readPair(f.Cert, f.Key); err != nil {
			return fmt.Errorf("certificate %s: %w", f.Cert, err)
		}
	}
	c.stamp = stamp
	c.all.Store(&all)
	return nil
}

// look tells the state of the files: it differs when one was written.
func (c *certificates) look() string {
	var b strings.Builder
	for _, f := range c.from {
		for _, name := range []string{f.Cert, f.Key} {
			if info, err := os.Stat(name); err == nil {
				fmt.Fprint(&b, info.ModTime().UnixNano(), " ", info.Size(), " ")
			}
		}
	}
	return b.String()
}

// renew reads the files if one was written since they were read.
func (c *certificates) renew() {
	c.mu.Lock()
	changed := c.look() != c.stamp
	c.mu.Unlock()
	if !changed {
		return
	}
	if err := c.load(); err != nil {
		c.log.Error("a certificate was renewed and cannot be used; the one before stays", "error", err)
		return
	}
	c.log.Info("certificates read anew", "expires", c.expires())
}

// expires is when the first of them does.
func (c *certificates) expires() time.Time {
	all := *c.all.Load()
	return slices.MinFunc(all, func(a, b *tls.Certificate) int { return a.Leaf.NotAfter.Compare(b.Leaf.NotAfter) }).Leaf.NotAfter
}

// choose gives the first certificate that the client can use, or else the first.
func (c *certificates) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	all := *c.all.Load()
	for _, one := range all {
		if len(all) > 1 && hello.SupportsCertificate(one) == nil {
			return one, nil
		}
	}
	return all[0], nil
}

// acmeClient asks an authority.
func acmeClient(c *acmeConfig) (*acme.Client, error) {
	client := &acme.Client{DirectoryURL: c.Directory, UserAgent: "interlude/" + version()}
	if c.CA == "" {
		return client, nil
	}
	pool, err := readPool(c.CA)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	client.HTTPClient = &http.Client{Transport: transport}
	return client, nil
}

// acmeTLS takes certificates from an authority (RFC 8555), which finds out over this very door that the names are ours
// (RFC 8737). They are kept below the gate's state, for its owner alone.
func acmeTLS(c *acmeConfig, state string) (*tls.Config, error) {
	client, err := acmeClient(c)
	if err != nil {
		return nil, err
	}
	manager := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(filepath.Join(state, "acme")), HostPolicy: autocert.HostWhitelist(c.Hosts...),
		Email: c.Email, Client: client,
	}
	config := manager.TLSConfig()
	config.MinVersion = tls.VersionTLS12
	return config, nil
}
