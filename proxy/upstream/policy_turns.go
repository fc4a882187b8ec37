package upstream

import "sync/atomic"

// roundRobin gives every open server its turn.
type roundRobin struct{ turns atomic.Uint64 }

func (p *roundRobin) choose(t *turn) *server {
	n := uint64(0)
	for _, s := range t.servers {
		if t.open(s) {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return nth(t, (p.turns.Add(1)-1)%n, func(*server) uint64 { return 1 })
}

// weightedRoundRobin gives every open server as many turns as its weight. The
// turns of one do not follow each other: a step that has no divisor in common
// with the sum of weights visits every turn once, and about the golden section
// of it keeps those of one server apart.
type weightedRoundRobin struct{ turns atomic.Uint64 }

func (p *weightedRoundRobin) choose(t *turn) *server {
	total := uint64(0)
	for _, s := range t.servers {
		if s.weight > 0 && t.open(s) {
			total += uint64(s.weight)
		}
	}
	if total == 0 {
		return nil
	}
	turn := (p.turns.Add(1) - 1) % total * step(total) % total
	return nth(t, turn, func(s *server) uint64 { return uint64(s.weight) })
}

// nth is the open server that has the n-th turn. Servers that close meanwhile
// are passed over.
func nth(t *turn, n uint64, weight func(*server) uint64) (chosen *server) {
	for _, s := range t.servers {
		w := weight(s)
		if w == 0 || !t.open(s) {
			continue
		}
		chosen = s
		if n < w {
			return s
		}
		n -= w
	}
	return chosen
}

func step(total uint64) uint64 {
	s := total * 618 / 1000
	for greatestCommonDivisor(s, total) != 1 {
		s++
	}
	return s
}

func greatestCommonDivisor(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
