package stapler

import (
	"context"
	"fmt"
	"time"
)

// Leases are locks by name which all nodes of a cluster see, so that one of
// them asks for a certificate and not all. tlsstore/storage has them. A lease
// whose holder has died becomes free by itself; one whose holder lives does not.
type Leases interface {
	// TryLock does not wait: false means that somebody else has the lease.
	TryLock(ctx context.Context, name string) (bool, error)
	Unlock(ctx context.Context, name string) error
}

// WithLeases makes the service one of several over the same storage: before it
// asks for a certificate it looks whether storage has a later answer, and takes
// the certificate's lease. While leases or storage fail it asks as if it were
// alone. Stored is how it hears of other nodes' answers before its own turn.
func WithLeases(l Leases) Option { return func(s *Service) { s.leases = l } }

// What is done about a lease that another node has.
const (
	lookAgain  = time.Second            // comes Run
	primeAgain = 100 * time.Millisecond // comes Prime, which has no time
	byHandWait = 3 * time.Second        // waits a refresh by hand, and asks all the same
	overtime   = 30 * time.Second       // after two timeouts its holder must be stuck
)

func leaseName(leaf Fingerprint) string { return fmt.Sprintf("ocsp_%x", leaf) }

// lease makes this the node that asks for c, which the caller has claimed, and
// returns how to end that. It is refused while another node asks, but not for
// ever: a lease saves requests, and is no reason to run out of staples.
func (s *Service) lease(ctx context.Context, c *certificate) (giveBack func(), ours bool) {
	nothing, name := func() {}, leaseName(c.fingerprint)
	if !s.desk.open() {
		return nothing, !gaveUp(ctx)
	}
	got, err := atDesk(ctx, s.desk, func(ctx context.Context) (bool, error) { return s.leases.TryLock(ctx, name) }, func(late bool) {
		if late {
			s.unlease(ctx, name)
		}
	})
	s.fileDesk(ctx, leasing, err)
	switch {
	case err != nil:
		return nothing, !gaveUp(ctx)
	case got:
		return func() { s.unlease(ctx, name) }, true
	}
	return nothing, s.isOverdue(c, time.Now())
}

// unlease gives a lease back, at a shutdown too, so that another node need not
// wait for its end.
func (s *Service) unlease(ctx context.Context, name string) {
	_, err := atDesk(context.WithoutCancel(ctx), s.desk, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.leases.Unlock(ctx, name)
	}, func(struct{}) {})
	if err != nil {
		s.log.Debug("a lease could not be given back, and ends by itself", "lease", name, "err", err)
	}
}

// isOverdue reports whether another node has had c's lease for longer than any
// round takes.
func (s *Service) isOverdue(c *certificate, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.elsewhere.IsZero() {
		c.elsewhere = now
	}
	return now.Sub(c.elsewhere) > 2*s.settings.Load().cfg.Timeout+overtime
}

// comeBack plans another look soon at c, for which another node asks. That is
// no failure: there is nothing to say, and nobody to blame.
func (s *Service) comeBack(c *certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !c.gone {
		s.queueAt(c, time.Now().Add(lookAgain*3/4+spread(lookAgain/2)), s.configHeld(c).RefreshEvery)
	}
}
