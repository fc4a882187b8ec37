package relays_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/cmd/dwaar/internal/alone"
	"dwaar/cmd/dwaar/internal/relays"
	"dwaar/netguard"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/relay"
	"dwaar/tlsstore/storage"
)

// hall is what two relays have in common. It writes down how it is treated.
type hall struct {
	*storage.FileSystem
	changed   func(keys []string, all bool)
	connected atomic.Int32
	running   atomic.Bool
	closed    atomic.Int32
	broken    error // what Run returns
	foreign   error // what Connect returns
}

func newHall(t *testing.T, dir string) *hall {
	t.Helper()
	files, err := storage.NewFileSystem(dir)
	if err != nil {
		t.Fatal(err)
	}
	return &hall{FileSystem: files}
}

func (h *hall) OnChange(changed func(keys []string, all bool)) { h.changed = changed }
func (h *hall) Connect(context.Context) error {
	h.connected.Add(1)
	return h.foreign
}
func (h *hall) Close() error                       { h.closed.Add(1); return nil }
func (h *hall) Collectors() []prometheus.Collector { return nil }
func (h *hall) Run(ctx context.Context) error {
	if h.broken != nil {
		return h.broken
	}
	h.running.Store(true)
	defer h.running.Store(false)
	<-ctx.Done()
	return ctx.Err()
}

// town is a CA with a responder, and relays in front of it.
type town struct {
	t         *testing.T
	ca        *ocsptest.CA
	leaf      *ocsptest.Leaf
	responder *ocsptest.Responder
	cfg       relays.Config
	guard     *netguard.Guard
}

func newTown(t *testing.T) *town {
	t.Helper()
	ca, dir := ocsptest.NewCA(t), t.TempDir()
	town := &town{t: t, ca: ca, leaf: ca.Leaf(t), responder: ocsptest.NewResponder(t, ca)}
	issuer := ocsptest.WriteFile(t, dir, "ca.pem", ocsptest.CertPEM(ca.Cert))
	town.cfg = relays.Config{
		Relay: relay.Config{Issuers: []relay.Issuer{{Certificate: issuer, Responder: town.responder.Start(t)}}},
		Guard: netguard.Config{Allow: []string{"127.0.0.1"}},
	}
	var err error
	if town.guard, err = netguard.New(town.cfg.Guard); err != nil {
		t.Fatal(err)
	}
	return town
}

// relay starts a relay that shares h.
func (town *town) relay(h *hall) (url string, stop func() error) {
	town.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		town.t.Fatal(err)
	}
	ready, ended := make(chan struct{}), make(chan error, 1)
	srv := relays.NewSharing(town.cfg, h, alone.Options{Ready: func() { close(ready) }}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- srv.Serve(ctx, listener) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	town.t.Cleanup(func() { _ = stop() })
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
	}
	return "http://" + listener.Addr().String(), stop
}

// status is what a relay says of the leaf.
func (town *town) status(url string) string {
	town.t.Helper()
	asker, err := client.New(client.Config{}, town.guard, nil)
	if err != nil {
		town.t.Fatal(err)
	}
	response, err := asker.FetchFrom(town.t.Context(), town.leaf.Cert, town.ca.Cert, url)
	if err != nil {
		return err.Error()
	}
	return response.Singles[0].Status.String()
}

func TestRelaysThatShareAStorageAskOnce(t *testing.T) {
	town, dir := newTown(t), t.TempDir()
	halls := []*hall{newHall(t, dir), newHall(t, dir)}
	first, stop := town.relay(halls[0])
	second, _ := town.relay(halls[1])
	for _, url := range []string{first, second} {
		if got := town.status(url); got != "good" {
			t.Errorf("%s says %s", url, got)
		}
	}
	if n := town.responder.Count(); n != 1 {
		t.Errorf("the responder was asked %d times, want once", n)
	}
	if err := stop(); err != nil {
		t.Errorf("Serve = %v", err)
	}
	if h := halls[0]; h.connected.Load() != 1 || h.running.Load() || h.closed.Load() != 1 {
		t.Errorf("after a stop: connected %d times, running %v, closed %d times", h.connected.Load(), h.running.Load(), h.closed.Load())
	}
}

// What one of them comes to know, the others are told of.
func TestARevocationReachesTheOtherRelays(t *testing.T) {
	for name, all := range map[string]bool{"by its name": false, "as something": true} {
		t.Run(name, func(t *testing.T) {
			town, dir := newTown(t), t.TempDir()
			h := newHall(t, dir)
			url, _ := town.relay(h)
			if got := town.status(url); got != "good" {
				t.Fatal(got)
			}
			keys := town.revokedElsewhere(dir)
			if all {
				keys = nil
			}
			h.changed(keys, all)
			for deadline := time.Now().Add(10 * time.Second); town.status(url) != "revoked"; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the relay does not know of the revocation")
				}
			}
		})
	}
}

// revokedElsewhere lets another relay, on a storage of its own, hear of a
// revocation, and puts what that stored into dir. It returns the names.
func (town *town) revokedElsewhere(dir string) (keys []string) {
	t := town.t
	t.Helper()
	elsewhere, here := newHall(t, t.TempDir()), newHall(t, dir)
	town.responder.Set(ocsptest.Revoked)
	url, stop := town.relay(elsewhere)
	if got := town.status(url); got != "revoked" {
		t.Fatal(got)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	keys, err := elsewhere.List(t.Context(), "relay", true)
	if err != nil || len(keys) != 1 {
		t.Fatalf("List = %q, %v", keys, err)
	}
	value, err := elsewhere.Load(t.Context(), keys[0])
	if err == nil {
		err = here.Store(t.Context(), keys[0], value)
	}
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestAStorageThatBreaksEndsNoRelayAndIsTold(t *testing.T) {
	town, h := newTown(t), newHall(t, t.TempDir())
	h.broken = errors.New("the hall has burnt down")
	url, stop := town.relay(h)
	if got := town.status(url); got != "good" {
		t.Errorf("with a broken storage: %s", got)
	}
	if err := stop(); !errors.Is(err, h.broken) {
		t.Errorf("Serve = %v, want %v", err, h.broken)
	}
}

func TestAStorageThatARelayCannotReadIsRefusedAndClosed(t *testing.T) {
	town, h := newTown(t), newHall(t, t.TempDir())
	h.foreign = errors.New("another key")
	_, stop := town.relay(h)
	if err := stop(); !errors.Is(err, h.foreign) || h.closed.Load() != 1 {
		t.Errorf("Serve = %v, and the storage was closed %d times", err, h.closed.Load())
	}
}

func TestARelayThatCannotStartClosesItsStorage(t *testing.T) {
	town, h := newTown(t), newHall(t, t.TempDir())
	town.cfg.Relay.Issuers[0].Certificate = filepath.Join(t.TempDir(), "none.pem")
	_, stop := town.relay(h)
	if err := stop(); err == nil || !strings.Contains(err.Error(), "no such file") || h.closed.Load() != 1 {
		t.Errorf("Serve = %v, and the storage was closed %d times", err, h.closed.Load())
	}
}
