package relays

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/cmd/dwaar/internal/running"
	"dwaar/netguard"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/relay"
	"dwaar/ocspsvc/responder"
)

// Storage is where answers are kept, and what hands out leases, so that of all
// relays on it one asks for each answer. tlsstore/storage has it.
type Storage interface {
	relay.Storage
	relay.Leases
}

// Set are the relays of a process.
type Set struct {
	*running.Set[*desk]
	storage Storage
	log     *slog.Logger
}

// New returns an empty set of relays, which keep answers in storage.
func New(storage Storage, log *slog.Logger) *Set {
	return &Set{running.New[*desk](log), storage, log}
}

// desk is a relay that can answer.
type desk struct {
	*relay.Relay
	name  string
	asker *asker
}

// Name is part of [running.Service].
func (d *desk) Name() string { return d.name }

// Run is part of [running.Service].
func (d *desk) Run(ctx context.Context) { _ = d.Relay.Run(ctx) } // it has no error

// Close is part of [running.Service].
func (d *desk) Close() error { return nil }

// asker is a client that another one takes the place of when the guard changes:
// a relay keeps its memory.
type asker struct{ now atomic.Pointer[client.Client] }

// Ask is part of [relay.Asker].
func (a *asker) Ask(ctx context.Context, req *ocspsvc.Request, issuer *x509.Certificate, urls ...string) (*ocspsvc.Response, error) {
	return a.now.Load().Ask(ctx, req, issuer, urls...)
}

// Change is the step from the relays there are to others. It must be committed
// or aborted.
type Change struct {
	*running.Change[*desk]
	clients []*client.Client // of each
	log     *slog.Logger
}

// Prepare builds what is not there already, beside what runs. All of them ask
// through guard. Its error joins a *[running.Error] for each relay that cannot
// be had.
func (s *Set) Prepare(all []*Loaded, guard *netguard.Guard) (*Change, error) {
	c := &Change{log: s.log}
	wanted := make([]running.Digest, len(all))
	for i, l := range all {
		wanted[i] = l.digest
		asks, err := client.New(client.Config{Timeout: l.Timeout}, guard, s.log)
		if err != nil {
			return nil, err
		}
		c.clients = append(c.clients, asks)
	}
	var err error
	c.Change, err = s.Set.Prepare(wanted, func(i int) (*desk, error) { return s.build(all[i], c.clients[i]) })
	return c, err
}

func (s *Set) build(l *Loaded, asks *client.Client) (*desk, error) {
	d := &desk{name: l.name, asker: &asker{}}
	d.asker.now.Store(asks)
	var err error
	d.Relay, err = relay.New(l.Config, d.asker, s.storage, s.log.With("relay", l.name), relay.WithLeases(s.storage))
	return d, err
}

// Handler answers as a relay does, before the change is committed, too, and for
// a while after another one has taken its place.
func (c *Change) Handler(number int) (http.Handler, error) {
	if number < 0 || number >= len(c.Services()) {
		return nil, fmt.Errorf("there is no relay %d", number)
	}
	return c.handler(number), nil
}

func (c *Change) handler(number int) http.Handler {
	return responder.Handler(c.Services()[number].Relay, responder.Options{Log: c.log})
}

// Commit has the new relays run, the others end, and all ask through the guard.
func (c *Change) Commit() {
	for i, d := range c.Services() {
		d.asker.now.Store(c.clients[i])
	}
	c.Change.Commit()
}

// Stored says that another node has changed what storage has under a key, or, if
// that is "", anything: see [relay.Relay.Stored].
func (s *Set) Stored(key string) {
	for _, d := range s.All() {
		d.Stored(key)
	}
}

// Status is how a relay is doing.
type Status struct {
	Name string // the CAs whose certificates may be asked about
	relay.Status
}

// Status returns how all are doing, in the order of the configuration.
func (s *Set) Status() (all []Status) {
	for _, n := range s.Named() {
		all = append(all, Status{n.Name, n.Service.Status()})
	}
	return all
}

// Metrics are those of the relays that run now, told apart by the label relay.
func (s *Set) Metrics() (prometheus.Gatherers, error) { return s.Set.Metrics("relay") }
