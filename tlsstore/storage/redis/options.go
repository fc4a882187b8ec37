package redis

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// What a server that hangs can cost.
const (
	dialTimeout = 2 * time.Second
	callTimeout = 3 * time.Second // a whole call: connection, retry and all
	connections = 16
)

// options are those of the client. Each call has a deadline, which is the only one.
func (c Config) options(dial dialer) (*redis.Options, error) {
	a, err := c.URL.resolve()
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	o := &redis.Options{
		Network: a.network, Addr: a.addr, DB: a.db, Protocol: 2,
		DialTimeout: dialTimeout, DialerRetries: 1,
		ContextTimeoutEnabled: true, ReadTimeout: -1, WriteTimeout: -1, PoolTimeout: callTimeout,
		MaxRetries: 1, // for a connection that the server has closed meanwhile
		PoolSize:   connections, MaxActiveConns: connections, PipelinePoolSize: -1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if user := a.url.User; user != nil {
		o.Username = user.Username()
		o.Password, _ = user.Password()
	}
	if a.tls {
		o.TLSConfig, err = c.TLS.config(a.host)
	}
	if dial == nil {
		dial = redis.NewDialer(o)
	}
	o.Dialer = measuring(dial)
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
