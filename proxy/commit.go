package proxy

import (
	"context"
	"time"

	"dwaar/proxy/upstream"
)

// Abort gives back what Prepare took. After Commit it does nothing, so that it
// can be deferred.
func (p *Prepared) Abort() {
	if p.settled.Swap(true) {
		return
	}
	defer p.server.changing.Unlock()
	for _, socket := range p.bound {
		_ = socket.Close()
	}
	for _, socket := range p.udp {
		_ = socket.Close()
	}
	if p.logs != nil {
		p.logs.Abort()
	}
	p.lease.Release()
	p.kept.Release()
}

// Commit lets p serve. New requests see it at once, also on connections that
// are already open; requests that have begun end as they began. Listeners
// that p does not have stop listening and get the grace period. It fails, and
// aborts, only if the server has stopped.
func (p *Prepared) Commit() error {
	s := p.server
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		p.Abort()
		return errStopped
	}
	p.settled.Store(true)
	defer s.changing.Unlock()
	defer s.mu.Unlock()
	for _, run := range p.logs.Commit() {
		s.work = append(s.work, task{run: run})
	}
	before := s.listeners
	s.listeners = make(map[string]*listener, len(p.fronts))
	for address, f := range p.fronts {
		s.listeners[address] = p.commitListener(before[address], address, f)
	}
	for address, l := range before {
		if s.listeners[address] == nil {
			l.close(p.config.GracePeriod)
			l.closeDatagrams(p.config.GracePeriod)
		}
		if s.listeners[address] == nil || !p.config.Metrics {
			s.metrics.forget(address)
		}
	}
	s.grace = p.config.GracePeriod
	s.work = append(s.work, releaseLater(s.lease))
	s.lease = p.lease
	s.lease.Start()
	s.kept.Release()
	s.kept = p.kept
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// commitListener puts f in service, on the listener the address has or on a
// new one. It is called with s.mu held.
func (p *Prepared) commitListener(l *listener, address string, f *front) *listener {
	s := p.server
	if l == nil {
		l = newListener(p.bound[address], s.noise)
		s.work = append(s.work, task{run: l.run, serves: true})
	}
	f.draining = l.draining.Load
	sec := p.security[address]
	if sec != nil {
		sec.sites.Store(sec.next)
	}
	l.security.Store(sec)
	l.front.Store(f)
	l.renew(p.config.protocol())
	p.commitDatagrams(l, address)
	return l
}

// commitDatagrams begins or ends HTTP/3 on l. It is called with s.mu held.
func (p *Prepared) commitDatagrams(l *listener, address string) {
	sec := p.security[address]
	if sec == nil || !p.config.speaks(HTTP3) {
		l.closeDatagrams(p.config.GracePeriod)
		return
	}
	if l.datagrams == nil {
		l.datagrams = newDatagrams(p.udp[address], l, sec.base)
		p.server.work = append(p.server.work, task{run: l.datagrams.run, serves: true})
	}
	protocol := p.config.protocol()
	l.datagrams.protocol.Store(&protocol)
}

func releaseLater(lease *upstream.Lease) task {
	return task{run: func(ctx context.Context) {
		select {
		case <-ctx.Done():
		case <-time.After(settle):
		}
		lease.Release()
	}}
}
