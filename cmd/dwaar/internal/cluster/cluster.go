package cluster

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/mirror"
	"dwaar/tlsstore/storage/redis"
	"dwaar/tlsstore/storage/sealed"
)

// Replica is the directory below the data directory with the copy of what is
// shared.
const Replica = "replica"

// Cluster is a storage that is shared with other nodes. While that is down it
// goes on with the copy: see [mirror.Mirror].
type Cluster struct {
	storage.Storage
	shared  *redis.Store
	mirror  *mirror.Mirror
	address string
	rotates bool        // it reads what was stored with other keys, or with none
	agreed  atomic.Bool // the other nodes encrypt as this one does

	direct *sealed.Storage // shared, without the copy; nil without a key
	former atomic.Value    // Encryption
	log    *slog.Logger
}

// Open makes a handle on the storage, with its copy below dataDir. Settings,
// files and keys that cannot be used are errors. It opens no connection: after it
// come Connect, for a start that wants what the others have, and Run; Close is
// last.
func Open(cfg Config, dataDir string, log *slog.Logger) (*Cluster, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	copied, err := storage.NewFileSystem(filepath.Join(dataDir, Replica))
	if err != nil {
		return nil, err
	}
	shared, err := redis.Open(cfg.Redis, log)
	if err != nil {
		return nil, err
	}
	c := &Cluster{log: log, shared: shared, mirror: mirror.New(shared, copied, log), address: cfg.Redis.URL.Resolved(), rotates: len(cfg.EncryptionKeys) > 1 || cfg.Plaintext}
	c.former.Store(OneKey)
	direct, err := cfg.seal(shared)
	if err == nil {
		c.direct, _ = direct.(*sealed.Storage)
		c.Storage, err = cfg.seal(c.mirror)
	}
	if err != nil {
		return nil, errors.Join(err, shared.Close())
	}
	return c, nil
}

// Direct is the storage without a copy, for a moment: where it is down, whatever
// is asked of it fails. Done lets go of it.
func Direct(cfg Config) (s storage.Storage, done func(), err error) {
	if err := cfg.Check(); err != nil {
		return nil, nil, err
	}
	shared, err := redis.Open(cfg.Redis, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	if s, err = cfg.seal(shared); err != nil {
		return nil, nil, errors.Join(err, shared.Close())
	}
	return s, func() { _ = shared.Close() }, nil // it was of no use any more
}

// seal encrypts what goes into s, if there is a key.
func (c Config) seal(s storage.Storage) (storage.Storage, error) {
	keys, err := c.keys()
	if err != nil {
		return nil, err
	}
	if keys.Seal.IsZero() {
		return sealed.Unkeyed(s), nil
	}
	return sealed.New(s, keys)
}

// OnChange has f called with the keys that other nodes have changed; all means
// that anything may have changed. Call it before Run.
func (c *Cluster) OnChange(f func(keys []string, all bool)) { c.mirror.OnChange(f) }

// Connect tries to reach the storage, within seconds. One that is down is no
// error: the copy serves, and Run goes on trying. One that the other nodes encrypt
// otherwise is.
func (c *Cluster) Connect(ctx context.Context) error {
	_ = c.mirror.Connect(ctx) // it logs why not, and Status says so
	return c.checkKey(ctx)
}

// Run keeps the copy in step until ctx ends. Where Connect could not find out
// whether the other nodes encrypt otherwise, Run does when the storage is there:
// it ends with that error then, and the storage counts as down for good.
func (c *Cluster) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	refused := make(chan error, 1)
	go func() {
		refused <- c.agree(ctx)
		if !c.agreed.Load() {
			stop()
		}
	}()
	var resealing sync.WaitGroup
	if c.rotates && c.direct != nil {
		resealing.Go(func() { c.reseal(ctx) })
	}
	err := c.mirror.Run(ctx)
	stop()
	resealing.Wait()
	if wrong := <-refused; wrong != nil {
		err = errors.Join(wrong, err, c.Close())
		_ = c.readKeyCheck(context.WithoutCancel(ctx)) // that it is closed is seen by who asks it
	}
	return err
}

// Close ends every connection. What still calls the storage finds it unavailable.
func (c *Cluster) Close() error { return c.shared.Close() }

// Status is how a Cluster is.
type Status struct {
	mirror.Status
	Address    string     // of the storage, without a password
	FormerKeys Encryption // the further keys, and none
}

// Status returns how it is now.
func (c *Cluster) Status() Status {
	return Status{c.mirror.Status(), c.address, c.former.Load().(Encryption)}
}

// Collectors returns what is counted, for the caller to register.
func (c *Cluster) Collectors() []prometheus.Collector { return c.mirror.Collectors() }
