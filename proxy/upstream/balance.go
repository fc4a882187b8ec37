package upstream

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// avoidFor is how long an upstream that refused a connection is asked last.
const avoidFor = 5 * time.Second

// balancer chooses among the upstreams of one directive. One that cannot be
// reached is passed over for another one, because nothing was sent to it, and
// is asked last for a while. One that checks found down is not asked at all.
type balancer struct {
	servers []*server
	dynamic *located // nil: servers are all there are
	policy  chooser
	retries retries
	passive *PassiveHealth // nil: none
	log     *slog.Logger
}

func newBalancer(c Config, servers []*server, log *slog.Logger) (*balancer, error) {
	b := &balancer{servers: servers, passive: c.PassiveHealth, log: log}
	var policy *Policy
	if c.LoadBalancing != nil {
		policy = c.LoadBalancing.Policy
	}
	b.policy = policy.compile(servers)
	var err error
	b.retries, err = c.LoadBalancing.retries()
	return b, err
}

// choose takes the server to ask next, or returns nil if there is none up to
// the rank last.
func (b *balancer) choose(t *turn, last rank) *server {
	if len(t.servers) == 1 && len(t.tried) == 0 {
		if s := t.servers[0]; s.available() {
			return b.take(t, s)
		}
		return nil
	}
	for t.rank = rankFresh; t.rank <= last; t.rank++ {
		// A server may have filled up since it was chosen.
		for s := b.policy.choose(t); s != nil; s = b.policy.choose(t) {
			if taken := b.take(t, s); taken != nil {
				return taken
			}
			if s.template != nil && t.rank == rankAny {
				break // it would be chosen again
			}
		}
	}
	return nil
}

// take counts a request at s, or at the server that s stands for. It returns
// nil if that one has no room or is down.
func (b *balancer) take(t *turn, s *server) *server {
	if s.template == nil {
		if !s.take() {
			return nil
		}
		t.tried = append(t.tried, s)
		return s
	}
	t.tried = append(t.tried, s)
	target, err := s.template.target(t.request)
	if err != nil {
		b.log.DebugContext(t.request.Context(), "the placeholders of an upstream give no address", "upstream", s.address.Dial, "err", err)
		return nil
	}
	if !target.available() || !target.take() {
		return nil
	}
	return target
}

// answered judges the response of the turn's server, and lets a policy add its
// cookie.
func (b *balancer) answered(t *turn, response *http.Response) {
	s := t.server
	if p, ok := b.policy.(*sticky); ok {
		p.remember(t, response.Header)
	}
	if b.passive == nil {
		return
	}
	took := time.Duration(0)
	if !t.asked.IsZero() {
		took = time.Since(t.asked)
	}
	ctx := t.request.Context()
	switch {
	case b.passive.unhealthy(response.StatusCode, took):
		b.count(ctx, s, "status", response.StatusCode, "took", took)
	case s.fails.out.Load() && !s.fails.down.ahead() && s.fails.out.CompareAndSwap(true, false):
		b.log.InfoContext(ctx, "upstream is up again", "upstream", s.address.String())
	}
}

// failed is told why s did not answer.
func (b *balancer) failed(ctx context.Context, s *server, err error, unsent bool) {
	if unsent {
		if !s.avoid.ahead() {
			b.log.Log(ctx, s.level(), "upstream cannot be reached", "upstream", s.address.String(), "err", err)
		}
		s.avoid.set(time.Now().Add(avoidFor))
	}
	b.count(ctx, s, "err", err)
}

// count counts a failure of s.
func (b *balancer) count(ctx context.Context, s *server, reason ...any) {
	s.failures.Add(1)
	if b.passive == nil || b.passive.FailDuration <= 0 || !s.fails.fail() || s.fails.out.Swap(true) {
		return
	}
	b.log.Log(ctx, s.level(), "upstream failed too often, it is not used for a while",
		append([]any{"upstream", s.address.String(), "fail_duration", b.passive.FailDuration}, reason...)...)
}

// level is how loud the troubles of s are. Clients could fill the log with
// those of servers that they name.
func (s *server) level() slog.Level {
	if s.named {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}
