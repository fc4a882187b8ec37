package stapler

import (
	"context"
	"slices"
	"sync"
	"time"
)

// primers bounds the concurrent rounds of a cold start.
const primers = 16

// Prime fetches the staples that manual certificates are missing after Load,
// unpaced and from all responders at the same time, so that on a cold start
// the first handshake is stapled too (S1). Each is asked for once. It takes at most Config.StartWait:
// a round that is not done by then is given up, without blaming its responder,
// and left to Run. A responder that hangs can so delay nobody (S2).
func (s *Service) Prime(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.settings.Load().cfg.StartWait)
	defer cancel()
	lanes := s.unprimed(time.Now())
	if len(lanes) == 0 || ended(ctx) {
		return
	}
	each := max(1, primers/len(lanes)) // a lane that hangs must leave room for the others
	slots := make(chan struct{}, primers)
	var workers sync.WaitGroup
	defer workers.Wait()
	for _, certs := range lanes {
		todo := make(chan *certificate, len(certs))
		for _, c := range certs {
			todo <- c
		}
		close(todo)
		for range min(each, len(certs)) {
			workers.Go(func() { s.prime(ctx, todo, slots) })
		}
	}
}

// prime works off one lane, a slot for each round. What another node asks for
// it gets from there, once it has done the rest.
func (s *Service) prime(ctx context.Context, todo <-chan *certificate, slots chan struct{}) {
	var others []*certificate
	for c := range todo {
		if s.primeOne(ctx, c, slots) == elsewhere {
			others = append(others, c)
		}
	}
	for len(others) > 0 && !ended(ctx) {
		pause(ctx, primeAgain)
		others = slices.DeleteFunc(others, func(c *certificate) bool { return s.primeOne(ctx, c, slots) != elsewhere })
	}
}

func (s *Service) primeOne(ctx context.Context, c *certificate, slots chan struct{}) outcome {
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return spared
	}
	if !s.claimToPrime(ctx, c) {
		return spared
	}
	return s.work(ctx, c)
}

// claimToPrime claims c if it needs priming. A round that Run has begun
// meanwhile, as after a reload, is waited for.
func (s *Service) claimToPrime(ctx context.Context, c *certificate) bool {
	for {
		s.mu.Lock()
		busy, needed := c.busy, s.needsPriming(c, time.Now())
		if busy == nil && needed {
			s.claim(c)
		}
		s.mu.Unlock()
		if busy == nil || !needed {
			return needed
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return false
		}
	}
}

// unprimed groups what needs priming by lane, the most urgent first.
func (s *Service) unprimed(now time.Time) map[*lane][]*certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	lanes := map[*lane][]*certificate{}
	for _, c := range s.certs {
		if s.needsPriming(c, now) {
			lanes[c.lane] = append(lanes[c.lane], c)
		}
	}
	for _, certs := range lanes {
		slices.SortFunc(certs, func(a, b *certificate) int { return a.urgency() - b.urgency() })
	}
	return lanes
}

// needsPriming wants s.mu held.
func (s *Service) needsPriming(c *certificate, now time.Time) bool {
	return c.manual && c.quiet() == "" && c.lane != nil && c.bare() && c.trouble == nil && !c.over(now) && !c.gone
}
