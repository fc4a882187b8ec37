package upstream

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// avoidFor is how long an upstream that refused a connection is asked last.
const avoidFor = 5 * time.Second

// balancer chooses among the upstreams of one directive. They take turns; one
// that cannot be reached is passed over for the next, because nothing was sent
// to it, and is asked last for a while.
type balancer struct {
	servers []*server
	turns   atomic.Uint64
	log     *slog.Logger
}

// choose is the server to ask next, nil if all have been tried.
func (b *balancer) choose(t *turn) *server {
	if len(b.servers) == 1 && len(t.tried) == 0 {
		return b.servers[0]
	}
	n := uint64(len(b.servers))
	first, now := b.turns.Add(1)-1, time.Now().UnixNano()
	for _, avoided := range [...]bool{false, true} {
		for i := range n {
			s := b.servers[(first+i)%n]
			if (s.avoidUntil.Load() > now) == avoided && !slices.Contains(t.tried, s) {
				return s
			}
		}
	}
	return nil
}

func (b *balancer) avoid(ctx context.Context, s *server, err error) {
	until := time.Now().Add(avoidFor).UnixNano()
	if old := s.avoidUntil.Swap(until); old < time.Now().UnixNano() {
		b.log.WarnContext(ctx, "upstream cannot be reached", "upstream", s.address.String(), "err", err)
	}
}
