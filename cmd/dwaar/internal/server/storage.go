package server

import (
	"cmp"
	"context"
	"fmt"
	"reflect"

	"dwaar/acme/issuing"
	"dwaar/cmd/dwaar/internal/cluster"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/respstore"
	"dwaar/ocspsvc/stapler"
	"dwaar/proxy/admin"
	"dwaar/proxy/config"
	"dwaar/proxy/dwaarfile"
	"dwaar/tlsstore/storage"
)

// openStorage opens what p keeps certificates, keys and staples in, and no
// connection.
func (s *Server) openStorage(p *plan) (err error) {
	shared := p.cfg.Storage.Shared
	if shared == nil {
		s.storage, err = storage.NewFileSystem(s.storageDir(p))
		return err
	}
	if s.cluster, err = cluster.Open(p.cluster(), s.opts.DataDir, s.log); err != nil {
		return err
	}
	s.storage = s.cluster
	return nil
}

func (s *Server) closeStorage() {
	if s.cluster == nil {
		return
	}
	if err := s.cluster.Close(); err != nil {
		s.log.Warn("closing the storage", "err", err)
	}
}

func (s *Server) storageDir(p *plan) string { return cmp.Or(p.cfg.Storage.Directory, s.opts.DataDir) }

// cluster is what p says of a storage that is shared.
func (p *plan) cluster() cluster.Config {
	shared := p.cfg.Storage.Shared
	return cluster.Config{Redis: shared.Config, EncryptionKeys: shared.EncryptionKeys, Plaintext: shared.Plaintext}
}

// checkStorage reads what a storage that is shared needs, and opens no connection.
func (p *plan) checkStorage() (problems dwaarfile.Problems) {
	shared := p.cfg.Storage.Shared
	if shared == nil {
		return nil
	}
	p.warnOfStorage(shared)
	if err := p.cluster().Check(); err != nil {
		problems = placed(&shared.Located, "storage", err)
	}
	return problems
}

// warnOfStorage warns of a Dwaarfile that tells everybody on this machine how to
// get at the keys of all certificates.
func (p *plan) warnOfStorage(shared *config.SharedStorage) {
	at := shared.PlaceOf("url")
	if shared.URL.Secret() && tellsEverybody(at, string(shared.URL)) {
		p.warn(at, fmt.Sprintf("storage: everybody on this machine can read the password in this file: chmod o-r %s, or write redis file:PATH or env:NAME", at.File))
	}
	for i, key := range shared.EncryptionKeys {
		at := shared.PlaceOf(fmt.Sprintf("encryption_key: %d:", i+1))
		if key.WrittenOut() && tellsEverybody(at, string(key)) {
			p.warn(at, fmt.Sprintf("storage: everybody on this machine can read the encryption key in this file: chmod o-r %s, or write encryption_key file:PATH or env:NAME", at.File))
		}
		if path, ok := key.File(); ok && everybodyReads(path) {
			p.warn(at, fmt.Sprintf("storage: everybody on this machine can read the encryption key: chmod o-r %s", path))
		}
	}
}

// keepsElsewhere reports whether next keeps its certificates elsewhere than now,
// or encrypted otherwise.
func (s *Server) keepsElsewhere(now, next *plan) bool {
	if now.cfg.Storage.Shared == nil || next.cfg.Storage.Shared == nil {
		return now.cfg.Storage.Shared != next.cfg.Storage.Shared || s.storageDir(now) != s.storageDir(next)
	}
	return !reflect.DeepEqual(now.cluster(), next.cluster())
}

// runStorage connects to a storage that is shared, within seconds, says so, and
// keeps step with it until end is called: after all who write to it.
func (s *Server) runStorage(ctx context.Context) (connected <-chan error, end func()) {
	outcome, done := make(chan error, 1), make(chan struct{})
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(done)
		defer close(outcome)
		if s.cluster == nil {
			return
		}
		if err := s.cluster.Connect(ctx); err != nil {
			outcome <- err
			return
		}
		outcome <- nil
		if err := ended(s.cluster.Run(running)); err != nil {
			s.log.Error("the storage is not kept in step any more", "err", err)
		}
	}()
	return outcome, func() {
		stop()
		<-done
	}
}

// staplerOptions let one dwaar ask for each staple, of all that share a storage.
func (s *Server) staplerOptions() []stapler.Option {
	options := []stapler.Option{stapler.WithRevocations(s.byOCSP())}
	if s.cluster != nil {
		options = append(options, stapler.WithLeases(s.cluster))
	}
	return options
}

// crlOptions let one dwaar download each CRL that has changed.
func (s *Server) crlOptions() []crl.Option {
	if s.cluster == nil {
		return nil
	}
	return []crl.Option{crl.WithLeases(s.cluster)}
}

// stored hears what other dwaars have put into the storage, and tells those whose
// it is.
func (s *Server) stored(keys []string, all bool) {
	if all {
		s.acme.Stored("")
		s.stapler.StoredAll()
		s.crl.Stored("")
		s.relays.Stored("")
		return
	}
	for _, key := range keys {
		if names := issuing.NamesOf(key); len(names) > 0 {
			for _, name := range names {
				s.acme.Stored(name)
			}
		} else if leaf, ok := respstore.LeafOf(key); ok {
			s.stapler.Stored(leaf)
		} else {
			s.crl.Stored(key) // these know theirs
			s.relays.Stored(key)
		}
	}
}

// storageStatus is nil for the files of this machine.
func (c controller) storageStatus() *admin.Storage {
	if c.cluster == nil {
		return nil
	}
	s := c.cluster.Status()
	shown := &admin.Storage{Kind: "redis", Address: s.Address, State: "down", Since: s.Since, Error: s.Error, Owed: s.Owed, CopyError: s.LocalError, FormerKeys: string(s.FormerKeys)}
	if s.Up {
		shown.State = "up"
	}
	return shown
}
