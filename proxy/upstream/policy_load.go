package upstream

import "math/rand/v2"

// first takes the first open server.
type first struct{}

func (first) choose(t *turn) *server {
	for _, s := range t.servers {
		if t.open(s) {
			return s
		}
	}
	return nil
}

// random takes any open server.
type random struct{}

func (random) choose(t *turn) (chosen *server) {
	n := 0
	for _, s := range t.servers {
		if t.open(s) {
			if n++; rand.IntN(n) == 0 {
				chosen = s
			}
		}
	}
	return chosen
}

// leastConn takes the open server with the fewest requests under way, any of
// them if several have as few.
type leastConn struct{}

func (leastConn) choose(t *turn) *server {
	var l least
	for _, s := range t.servers {
		if t.open(s) {
			l.look(s)
		}
	}
	return l.server
}

// least is the server with the fewest requests of those it looked at.
type least struct {
	server *server
	load   int64
	equals int
}

func (l *least) look(s *server) {
	load := s.inFlight.Load()
	switch {
	case l.server == nil || load < l.load:
		l.server, l.load, l.equals = s, load, 1
	case load == l.load:
		if l.equals++; rand.IntN(l.equals) == 0 {
			l.server = s
		}
	}
}

// randomChoose takes so many open servers at random, and of them the one with
// the fewest requests under way.
type randomChoose int

func (p randomChoose) choose(t *turn) *server {
	var room [8]*server
	picked, n := room[:0], 0
	for _, s := range t.servers {
		if !t.open(s) {
			continue
		}
		if n++; len(picked) < int(p) {
			picked = append(picked, s)
		} else if i := rand.IntN(n); i < len(picked) {
			picked[i] = s
		}
	}
	var l least
	for _, s := range picked {
		l.look(s)
	}
	return l.server
}
