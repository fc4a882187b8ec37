package server

import (
	"cmp"
	"context"
	"errors"
	"time"

	"dwaar/ocspsvc/crl"
	"dwaar/proxy/admin"
)

// Reload reads the Dwaarfile again and serves what it says now. Everything new
// is read, built and bound before anything is exchanged: on an error nothing
// has changed, and its text has a line for each problem. Certificates, staples,
// session ticket keys and open connections stay.
func (s *Server) Reload(ctx context.Context) error { return s.ReloadFile(ctx, "") }

// ReloadFile is Reload from another file, which later reloads read too if this
// one succeeds. Empty means the same file as before.
func (s *Server) ReloadFile(ctx context.Context, path string) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	path = cmp.Or(path, s.ConfigPath())
	err := s.reload(ctx, path)
	outcome := &admin.Reload{At: time.Now()}
	if err != nil {
		outcome.Error = err.Error()
		s.log.Error("the configuration was refused, the running one stays", "config", path, "err", err)
	} else {
		s.path.Store(&path)
		s.log.Info("reloaded", "config", path, "listeners", addresses(s.plan.Load()))
	}
	s.lastReload.Store(outcome)
	return err
}

func (s *Server) reload(ctx context.Context, path string) error {
	next, err := readPlan(path, s.log)
	if err != nil {
		return err
	}
	if err := s.unchangeable(next); err != nil {
		return err
	}
	sink, err := s.logging.prepare(next.cfg.Log)
	if err != nil {
		return err
	}
	prepared, err := s.prepare(ctx, next, false)
	if err == nil {
		err = s.exchange(ctx, next, prepared)
	}
	if err != nil {
		sink.drop()
		return err
	}
	s.logging.use(sink, next.cfg.Log.Level)
	s.warn(next)
	return nil
}

// unchangeable refuses what a running dwaar cannot exchange.
func (s *Server) unchangeable(next *plan) error {
	var problems []error
	if now := s.plan.Load(); s.keepsElsewhere(now, next) {
		problems = append(problems, errors.New("storage: a reload cannot change it, restart dwaar"))
	} else if s.adminConfig(next) != s.adminConfig(now) {
		problems = append(problems, errors.New("admin: a reload cannot change it, restart dwaar"))
	}
	return errors.Join(problems...)
}

// exchange goes over to next. New certificates come stapled: they are in the
// store, and asked for, before their sites let requests in.
func (s *Server) exchange(ctx context.Context, next *plan, prepared *prepared) error {
	defer prepared.Abort() // of what was not committed
	now := s.plan.Load()
	if err := s.reconfigure(ctx, next); err != nil {
		return errors.Join(err, s.reconfigure(ctx, now))
	}
	prepared.responders.Commit() // their CAs are asked about without a network
	prepared.relays.Commit()
	_ = s.staple(ctx) // a caller who has left does not stop the exchange half-way
	s.sync()
	return prepared.Commit()
}

// reconfigure gives every part of the TLS background service its part of p.
func (s *Server) reconfigure(ctx context.Context, p *plan) error {
	if err := s.stapler.Reconfigure(p.cfg.Stapler, s.fetcher(p)); err != nil {
		return err
	}
	if err := s.crl.Reconfigure(crl.Config{}, p.guard); err != nil {
		return err
	}
	s.issuing.Use(p.policies())
	s.issuing.Answer(p.challenges()) // before the next one begins an order
	if err := s.acme.Reconfigure(p.cfg.ACME); err != nil {
		return err
	}
	_ = s.acme.Load(ctx) // what it did not come to, Run does
	s.plan.Store(p)
	return s.bind(p)
}
