package upstream

import (
	"cmp"
	"slices"
)

// Status is what is known about one upstream.
type Status struct {
	Address  string // as [Address.String] writes it
	Healthy  bool   // neither active nor passive checks of any site keep it out of use
	InFlight int64  // requests under way
	Requests uint64 // that it was asked, since it is known
	Failures uint64 // of these, those that brought no response or an unhealthy one
}

// Status lists all upstreams, by address. One that several sites judge in
// different ways is listed once.
func (p *Pools) Status() []Status {
	p.states.mu.Lock()
	defer p.states.mu.Unlock()
	all := make(map[Address]*Status, len(p.states.kept))
	for key, k := range p.states.kept {
		if k.lookup != nil {
			continue
		}
		s := all[key.address]
		if s == nil {
			s = &Status{Address: key.address.String(), Healthy: true}
			all[key.address] = s
		}
		s.Healthy = s.Healthy && !k.state.down()
		s.InFlight += k.state.inFlight.Load()
		s.Requests += k.state.requests.Load()
		s.Failures += k.state.failures.Load()
	}
	list := make([]Status, 0, len(all))
	for _, s := range all {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Status) int { return cmp.Compare(a.Address, b.Address) })
	return list
}
