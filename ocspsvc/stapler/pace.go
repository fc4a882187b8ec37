package stapler

import "time"

// firstFill is how long filling in missing staples should take (S11).
const firstFill = 15 * time.Minute

// headroom is the share of the time that planned rounds may take up, so that
// failures and new certificates fit in too.
const headroom = 0.9

// pacer says how far apart two rounds are, from start to start. It is guarded
// by Service.mu.
type pacer struct {
	demand float64       // planned rounds per second, over all certificates
	fill   time.Duration // pace of the fill that is going on; 0 if none is
}

// plan replaces the share in the demand of a certificate that is refreshed
// once per interval; 0 stands for none.
func (p *pacer) plan(old, interval time.Duration) {
	p.demand += rate(interval) - rate(old)
}

func rate(interval time.Duration) float64 {
	if interval <= 0 {
		return 0
	}
	return 1 / interval.Seconds()
}

// gap is the pace: what is configured, or less where the planned rounds would
// not fit into their cycle, or filling in the bare certificates not into
// firstFill. A fill keeps its pace to its end.
func (p *pacer) gap(configured time.Duration, bare int) time.Duration {
	gap := max(configured, 0)
	if p.demand > 0 {
		gap = min(gap, time.Duration(headroom/p.demand*float64(time.Second)))
	}
	switch {
	case bare == 0:
		p.fill = 0
	case p.fill == 0 || firstFill/time.Duration(bare) < p.fill:
		p.fill = firstFill / time.Duration(bare)
	}
	if p.fill > 0 {
		gap = min(gap, p.fill)
	}
	return gap
}
