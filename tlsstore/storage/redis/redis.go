// Package redis is the storage of a cluster: values, locks and changes in one Redis or Valkey
// server that all nodes use.
package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"dwaar/tlsstore/storage"
)

// Store is a handle on the storage. It implements storage.Shared.
type Store struct {
	cfg    Config
	client *redis.Client
	log    *slog.Logger
}

var _ storage.Shared = (*Store)(nil)

// Open makes a handle. A server that is down is no error, wrong settings and files are.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Store, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	options, err := cfg.options()
	if err != nil {
		return nil, err
	}
	return &Store{cfg: cfg, client: redis.NewClient(options), log: log}, nil
}

// Close ends the handle: its connections, its locks' renewal, and every call that still runs.
func (s *Store) Close() error { return s.client.Close() }

// Bounds of what a server that hangs can cost.
const (
	dialTimeout = 2 * time.Second
	callTimeout = 3 * time.Second
	connections = 16
)

func (c Config) options() (*redis.Options, error) {
	a, err := c.URL.resolve()
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	o := &redis.Options{
		Network: a.network, Addr: a.addr, DB: a.db, Protocol: 2,
		DialTimeout: dialTimeout, DialerRetries: 1, ReadTimeout: callTimeout, WriteTimeout: callTimeout, PoolTimeout: callTimeout,
		ContextTimeoutEnabled: true, MaxRetries: 1,
		PoolSize: connections, MaxActiveConns: connections, PipelinePoolSize: -1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if a.url.User != nil {
		o.Username = a.url.User.Username()
		o.Password, _ = a.url.User.Password()
	}
	if a.tls {
		o.TLSConfig, err = c.TLS.config(a.host)
	}
	return o, err
}

func (t TLS) config(host string) (*tls.Config, error) {
	cfg := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if t.ServerName != "" {
		cfg.ServerName = t.ServerName
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls: ca: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls: ca: %s holds no certificate", t.CAFile)
		}
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls: cert: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// Store implements storage.Storage.
func (s *Store) Store(ctx context.Context, key string, value []byte) error { return unfinished }

// Load implements storage.Storage.
func (s *Store) Load(ctx context.Context, key string) ([]byte, error) { return nil, unfinished }

// Delete implements storage.Storage.
func (s *Store) Delete(ctx context.Context, key string) error { return unfinished }

// Exists implements storage.Storage.
func (s *Store) Exists(ctx context.Context, key string) (bool, error) { return false, unfinished }

// List implements storage.Storage.
func (s *Store) List(ctx context.Context, prefix string, recursive bool) ([]string, error) {
	return nil, unfinished
}

// Stat implements storage.Storage.
func (s *Store) Stat(ctx context.Context, key string) (storage.KeyInfo, error) {
	return storage.KeyInfo{}, unfinished
}

// Lock implements storage.Locker.
func (s *Store) Lock(ctx context.Context, name string) error { return unfinished }

// TryLock implements storage.Locker.
func (s *Store) TryLock(ctx context.Context, name string) (bool, error) { return false, unfinished }

// Unlock implements storage.Locker.
func (s *Store) Unlock(ctx context.Context, name string) error { return unfinished }

// Ping implements storage.Shared.
func (s *Store) Ping(ctx context.Context) error { return unfinished }

// Changes implements storage.Shared.
func (s *Store) Changes(ctx context.Context, since storage.Cursor) (storage.Changes, error) {
	return storage.Changes{}, unfinished
}

// Listen implements storage.Shared.
func (s *Store) Listen(ctx context.Context, changed func()) error { return unfinished }

var unfinished = fmt.Errorf("tlsstore/storage/redis is being written: %w", storage.ErrUnavailable)
