package mirror

import (
	"context"
	"errors"
	"sync"
	"time"
)

// When Run looks by itself.
const (
	pollEvery    = 5 * time.Second // although nothing was heard
	probeEvery   = time.Second     // while the storage is down
	probeAtMost  = 30 * time.Second
	steady       = 10 * time.Second // up for as long, it is no flapping
	listenAgain  = time.Second
	mendEvery    = 10 * time.Second
	compareEvery = 24 * time.Hour
)

// Run keeps the two storages in step until ctx ends.
func (m *Mirror) Run(ctx context.Context) error {
	pause := probeEvery
	for ctx.Err() == nil {
		if err := m.connect(ctx, true); err != nil {
			rest(ctx, probeEvery)
			continue
		}
		began := time.Now()
		m.accompany(ctx)
		if pause = min(2*pause, probeAtMost); time.Since(began) >= steady {
			pause = probeEvery
		}
		rest(ctx, pause)
	}
	m.save(context.WithoutCancel(ctx))
	return nil
}

// accompany does what there is to do while the shared storage is up.
func (m *Mirror) accompany(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer others.Wait()
	defer stop()
	others.Go(func() { m.listen(ctx) })
	others.Go(func() { m.mend(ctx) })
	for {
		m.catchUp(ctx)
		lost, err := m.reached()
		if err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-lost:
			return
		case <-m.wake:
		case <-time.After(pollEvery):
		}
	}
}

// listen has Run look as soon as something has changed. Without it, Run looks from time to time.
func (m *Mirror) listen(ctx context.Context) {
	for warned := false; ctx.Err() == nil; {
		err := m.shared.Listen(ctx, m.nudge)
		m.nudge() // that may be because it is down
		rest(ctx, listenAgain)
		if ctx.Err() == nil && !warned {
			m.log.Warn("the shared storage does not say any more when something changes, asking it from time to time", "every", pollEvery, "err", err)
			warned = true
		}
	}
}

// catchUp takes over what has changed, and says so.
func (m *Mirror) catchUp(ctx context.Context) {
	for {
		since := m.now().Cursor
		found, err := m.changes(ctx, since)
		if err == nil && (found.All || found.Next.Epoch != since.Epoch) {
			m.lose(errLost)
			return
		}
		if err == nil {
			err = m.take(ctx, found.Keys)
		}
		if err != nil {
			break
		}
		m.at(found.Next)
		if len(found.Keys) == 0 {
			break
		}
	}
	if err := m.resolve(ctx); err != nil && ctx.Err() == nil {
		m.log.Debug("the local copy of the shared storage is not right yet", "err", err)
	}
	m.tell()
	m.save(ctx)
}

// take takes over keys, in the order in which they have changed. Where the local copy cannot be
// written it goes on: Run tries those again.
func (m *Mirror) take(ctx context.Context, keys []string) error {
	for _, name := range keys {
		err := m.refresh(ctx, name, true)
		if err != nil && !errors.Is(err, errLocal) {
			return err
		}
	}
	return nil
}

// mend does what takes longer: it pushes what is owed, and fills the local copy.
func (m *Mirror) mend(ctx context.Context) {
	var filled time.Time
	for ctx.Err() == nil {
		err := m.settle(ctx)
		if err == nil && (filled.IsZero() || !m.whole() || time.Since(filled) >= compareEvery) {
			if err = m.fill(ctx); err == nil {
				filled = time.Now()
			}
		}
		if err != nil && ctx.Err() == nil {
			m.log.Debug("the shared storage and the local copy are not in step yet", "err", err)
		}
		m.save(ctx)
		rest(ctx, mendEvery)
	}
}

// rest waits, but not longer than ctx lasts.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
