package stapler

import "context"

// welcome looks into storage for each certificate that comes, whatever the
// worker is waiting for and however long its responder is left alone: what is
// stored needs none (S1).
func (s *Service) welcome(ctx context.Context) {
	for ctx.Err() == nil {
		for c := range s.takeNewcomers() {
			if !s.claimUnless(c, func() bool { return c.recalled || c.quiet() != "" }) {
				continue
			}
			s.recall(ctx, c)
			s.release(c)
			nudge(s.wake)
		}
		select {
		case <-ctx.Done():
		case <-s.arrival:
		}
	}
}

func (s *Service) takeNewcomers() map[*certificate]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.newcomers
	s.newcomers = map[*certificate]struct{}{}
	return taken
}
