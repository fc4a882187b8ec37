package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/acme"
	"dwaar/acme/issuing"
	"dwaar/acme/localca"
	"dwaar/cmd/dwaar/internal/cluster"
	"dwaar/cmd/dwaar/internal/relays"
	"dwaar/cmd/dwaar/internal/responders"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/respstore"
	"dwaar/ocspsvc/stapler"
	"dwaar/proxy"
	"dwaar/proxy/admin"
	"dwaar/proxy/config"
	"dwaar/tlsstore"
	"dwaar/tlsstore/storage"
)

// Options are what a dwaar needs from the program around it.
type Options struct {
	ConfigPath string // the Dwaarfile
	DataDir    string // for everything that no option puts elsewhere; made if missing
	Version    string // as status shows it

	Stdout, Stderr io.Writer // where `log` and access logs may go

	// Ready, if set, is called once: when the listeners are up.
	Ready func()

	// Stopping, if set, is called when somebody asks for a stop through the
	// admin door, before it begins.
	Stopping func()
}

// Server is one running dwaar.
type Server struct {
	opts    Options
	started time.Time
	logging *logging
	log     *slog.Logger

	storage storage.Storage
	cluster *cluster.Cluster // the same; nil if it is not shared

	certs   *tlsstore.Store
	shown   shown
	changes changes
	stapler *stapler.Service
	crl     *crl.Watcher

	opinions sync.Mutex // orders what the two above say about revocation

	issuing *issuing.Issuing
	acme    *acme.Manager
	http    *proxy.Server
	ocsp    *responders.Set
	relays  *relays.Set
	door    *admin.Server
	metrics *prometheus.Registry

	path  atomic.Pointer[string] // absolute, of the Dwaarfile
	plan  atomic.Pointer[plan]   // what runs
	ready atomic.Bool
	stop  atomic.Pointer[context.CancelFunc]

	reloading  sync.Mutex // one reload at a time
	lastReload atomic.Pointer[admin.Reload]
}

// New reads the Dwaarfile and builds every part. It opens storage and the log,
// and no socket. The error has one line for each problem of the Dwaarfile.
func New(opts Options) (*Server, error) {
	path, err := filepath.Abs(opts.ConfigPath)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", opts.ConfigPath, err)
	}
	s := &Server{opts: opts, started: time.Now(), logging: newLogging(opts.Stdout, opts.Stderr)}
	s.path.Store(&path)
	s.log = s.logging.logger()
	p, err := readPlan(opts.ConfigPath, s.log)
	if err != nil {
		return nil, err
	}
	sink, err := s.logging.prepare(p.cfg.Log)
	if err != nil {
		return nil, err
	}
	s.logging.use(sink, p.cfg.Log.Level)
	s.plan.Store(p)
	if err = s.openStorage(p); err == nil {
		err = s.build(p)
	}
	if err != nil {
		s.closeStorage()
		s.logging.close()
		return nil, err
	}
	return s, nil
}

// build makes the parts, from the ground up.
func (s *Server) build(p *plan) (err error) {
	if s.certs, err = tlsstore.New(p.cfg.TLS, s.log); err != nil {
		return err
	}
	s.issuing = issuing.New(s.storage, localca.New(s.storage, s.log), s.log, p.challenges())
	s.issuing.Use(p.policies())
	if s.acme, err = acme.New(p.cfg.ACME, s.issuing, s.log); err != nil {
		return err
	}
	s.ocsp, s.relays = responders.New(s.log), relays.New(s.storage, s.log)
	view := s.view()
	s.stapler, err = stapler.New(p.cfg.Stapler, view, s.fetcher(p), respstore.New(s.storage, s.log), s.log,
		s.staplerOptions()...)
	if err != nil {
		return err
	}
	lists := crlCatalog{view, func(says config.Stapling) bool { return says.ChecksCRL(s.plan.Load().cfg.CRL) }}
	if s.crl, err = crl.New(crl.Config{}, lists, p.guard, s.storage, s.byCRL(), s.log, s.crlOptions()...); err != nil {
		return err
	}
	s.http = proxy.New(s.log)
	if s.metrics, err = s.collect(); err != nil {
		return err
	}
	s.door, err = admin.New(s.adminConfig(p), controller{s}, s.log)
	s.join()
	return err
}

// join ties the wings together.
func (s *Server) join() {
	s.shown.pairs, s.shown.waiting = map[string]*tlsstore.Pair{}, map[string]*tlsstore.Pair{}
	s.http.SetChallenges(s.issuing.ServeHTTPChallenge)
	s.http.SetMetrics(controller{s}.Metrics())
	if s.cluster != nil {
		s.cluster.OnChange(s.stored)
	}
	s.certs.OnALPN(s.issuing.ALPNCertificate)
	s.certs.OnDemand(s.onDemand())
	s.certs.OnChange(s.sync)
	s.certs.OnUnstapled(s.stapler.Asked)
}

// ConfigPath is the Dwaarfile that is in force: the one that was last read
// without a problem.
func (s *Server) ConfigPath() string { return *s.path.Load() }

// Log is dwaar's own log, as the Dwaarfile wants it.
func (s *Server) Log() *slog.Logger { return s.log }

func (s *Server) adminConfig(p *plan) admin.Config {
	cfg := p.cfg.Admin
	if cfg.Listen == "" {
		cfg.Listen = admin.DefaultListen(s.opts.DataDir)
	}
	return cfg
}

// warn logs what was found dubious in a Dwaarfile.
func (s *Server) warn(p *plan) {
	for _, w := range p.warnings.Sorted() {
		s.log.Warn("the Dwaarfile is valid, but", "err", w.Error())
	}
}

func (s *Server) tlsConfig(listener string) *tls.Config {
	return s.certs.TLSConfig(listener, []string{"h2", "http/1.1"})
}
