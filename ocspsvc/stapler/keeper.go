package stapler

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"

	"dwaar/ocspsvc/respstore"
)

// KeeperConfig is Config, and how many certificates to keep stapled at most:
// of more, those not seen for the longest time are let go. Default 10,000.
type KeeperConfig struct {
	Config
	Size int
}

// DefaultKeeperSize is the default of KeeperConfig.Size.
const DefaultKeeperSize = 10_000

// Keeper staples for a program that has a GetCertificate of its own:
//
//	keeper, err := stapler.NewKeeper(stapler.KeeperConfig{}, client, nil, nil)
//	…
//	config.GetCertificate = keeper.GetCertificate(config.GetCertificate)
//	go keeper.Run(ctx)
//
// A certificate that was never seen before is noted, and looked after in the
// background while its handshake goes on without a staple; the next handshake
// has one. Certificates that expired or were not seen for long are let go.
type Keeper struct {
	service *Service
	entries *lru.Cache[Fingerprint, *entry]
	touched inbox         // leaves that came or went
	news    chan struct{} // buffered: touched is not empty
}

// NewKeeper builds a Keeper. A nil store keeps responses in memory only, so
// that a restart has to ask again; a nil log says nothing.
func NewKeeper(cfg KeeperConfig, fetcher Fetcher, store *respstore.Store, log *slog.Logger, options ...Option) (*Keeper, error) {
	if cfg.Size < 0 {
		return nil, fmt.Errorf("stapler: the size must not be negative, is %d", cfg.Size)
	}
	log = cmp.Or(log, slog.New(slog.DiscardHandler))
	if store == nil {
		store = respstore.New(nil, log)
	}
	k := &Keeper{touched: inbox{asked: map[Fingerprint]struct{}{}}, news: make(chan struct{}, 1)}
	var err error
	k.entries, err = lru.NewWithEvict(cmp.Or(cfg.Size, DefaultKeeperSize), func(leaf Fingerprint, _ *entry) { k.touch(leaf) })
	if err != nil {
		return nil, err
	}
	k.service, err = New(cfg.Config, k.catalog(), fetcher, store, log, options...)
	return k, err
}

// GetCertificate wraps get, to be used as tls.Config.GetCertificate. What get
// returns is served as a copy that carries the verified staple, or no staple
// while there is none in its window (S3), also if get had attached one. The
// certificate itself is never changed, and must not be by others once get has
// returned it. As long as get returns the same one, a handshake allocates
// nothing and waits for nothing (S2).
func (k *Keeper) GetCertificate(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := get(hello)
		if err != nil || cert == nil || len(cert.Certificate) == 0 || isChallenge(hello) {
			return cert, err
		}
		return k.dressed(cert, wantsStaple(hello)), nil
	}
}

// Preload makes certs known, attaches what storage has for them, and asks for
// the rest, for at most Config.StartWait in all. Use it before listening, so
// that the first handshake is stapled too (S1).
func (k *Keeper) Preload(ctx context.Context, certs ...*tls.Certificate) error {
	for i, cert := range certs {
		if cert == nil || len(cert.Certificate) == 0 {
			return fmt.Errorf("stapler: certificate %d to preload is empty", i)
		}
		k.entry(cert)
	}
	k.catchUp()
	if err := k.service.Load(ctx); err != nil {
		return err
	}
	k.service.Prime(ctx)
	return ctx.Err()
}

// Run looks after the certificates until ctx ends, and then returns nil with
// nothing left running.
func (k *Keeper) Run(ctx context.Context) error {
	var others sync.WaitGroup
	others.Go(func() { k.follow(ctx) })
	others.Go(func() { k.letGo(ctx) })
	err := k.service.Run(ctx)
	others.Wait()
	return err
}

// Status says how the leaf with that SHA-256 is doing.
func (k *Keeper) Status(leaf Fingerprint) Status { return k.service.Status(leaf) }

// Refresh asks for leaf now; see Service.Refresh.
func (k *Keeper) Refresh(ctx context.Context, leaf Fingerprint) (Status, error) {
	return k.service.Refresh(ctx, leaf)
}

// Collectors returns the metrics of a Service, for the caller to register.
func (k *Keeper) Collectors() []prometheus.Collector { return k.service.Collectors() }

// follow tells the service which certificates came and went.
func (k *Keeper) follow(ctx context.Context) {
	for ctx.Err() == nil {
		k.catchUp()
		select {
		case <-ctx.Done():
		case <-k.news:
		}
	}
}

func (k *Keeper) catchUp() {
	touched := k.touched.take()
	if len(touched) >= askedKept {
		k.service.Sync() // some did not fit in
		return
	}
	for leaf := range touched {
		if e, here := k.entries.Peek(leaf); here {
			k.service.admit(e.info())
		} else {
			k.service.dismiss(leaf)
		}
	}
}

func (k *Keeper) touch(leaf Fingerprint) {
	if k.touched.add(leaf) {
		nudge(k.news)
	}
}

// letGoEvery is how often expired certificates are looked for.
const letGoEvery = time.Hour

// letGo forgets certificates that have expired.
func (k *Keeper) letGo(ctx context.Context) {
	tick := time.NewTicker(letGoEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, c := range k.service.everyone() {
			if c.over(time.Now()) {
				k.entries.Remove(c.fingerprint)
			}
		}
	}
}

// statusRequest is the extension by which a client asks for a staple (RFC 6066 §8).
const statusRequest = 5

func wantsStaple(hello *tls.ClientHelloInfo) bool {
	return hello != nil && slices.Contains(hello.Extensions, statusRequest)
}

// isChallenge reports whether the handshake is of RFC 8737: its certificate is
// made for it alone.
func isChallenge(hello *tls.ClientHelloInfo) bool {
	return hello != nil && len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == "acme-tls/1"
}
