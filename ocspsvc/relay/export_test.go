package relay

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"time"

	"dwaar/ocspsvc"
)

// StoredRecord is what storage has of a response, and where.
func StoredRecord(id ocspsvc.CertID, der []byte, refreshed, until time.Time) (name string, content []byte) {
	a := &answer{response: &ocspsvc.Response{Raw: der}, refreshed: refreshed, until: until}
	return keyOf(&id).name(), record{key: keyOf(&id), id: id.Raw, answer: a}.marshal()
}

// ReadRecord reads what storage has, and writes it again.
func ReadRecord(data []byte) (again []byte, err error) {
	var k key
	if len(data) > len(magic)+header+sha256.Size {
		n := int(data[len(magic)+16])<<8 | int(data[len(magic)+17])
		if rest := data[len(magic)+header : len(data)-sha256.Size]; n <= len(rest) {
			k = sha256.Sum256(rest[:n])
		}
	}
	r, err := unmarshalRecord(k, data)
	if err != nil {
		return nil, err
	}
	return r.marshal(), nil
}

// Stepped is what remains of a relay's plans when the clock is put back: whether an
// answer is not asked for again, a certificate without one gets nothing but tryLater,
// and a responder is left alone, as if nothing had happened.
func Stepped(back time.Duration) (waits, says, rests bool) {
	now := time.Now().Round(0)
	s := subject{key: key{1}, authority: newAuthority(nil, Limits{UnknownRate: 1, PassingRate: 1})}
	c := newCache(10, 1<<20)
	a := &answer{response: tryLater, thisUpdate: now, until: now.Add(7 * longest), refreshed: now}
	c.keep(s, a, now)
	c.fail(key{2}, tryLater, now)
	s.authority.upstream.note(ocspsvc.Refuse(ocspsvc.ReasonTimeout, "no answer"), now)
	now = now.Add(-back)
	due, _ := c.claim(s.authority, 1, now)
	return len(due) == 0, c.trouble(key{2}, now) != nil, s.authority.upstream.rests(now)
}

// Claimer looks for what is due among so many answers, of which nothing is; hit finds
// one of them.
func Claimer(entries int) (look, hit func()) {
	a := newAuthority(nil, Limits{})
	c := newCache(entries, 1<<40)
	now := time.Now()
	for i := range entries {
		c.keep(subject{key: numbered(i), authority: a}, lastingUntil(now, now.Add(7*longest)), now)
	}
	return func() { c.claim(a, claims, now) }, func() { c.find(numbered(entries/2), now) }
}

func numbered(i int) key { return sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)}) }

func lastingUntil(now, until time.Time) *answer {
	return &answer{response: tryLater, thisUpdate: now, until: until, refreshed: now}
}

// Shuffled is a cache in which answers came, were pinned and unpinned, ended and were
// pushed out by others at random, between looks for what is due. It returns what is wrong
// with the rows in which that is looked for.
func Shuffled(random *rand.Rand, steps int) (wrong string) {
	authorities := []*authority{newAuthority(nil, Limits{}), newAuthority(nil, Limits{})}
	c, now := newCache(40, 1<<40), time.Now()
	some := func() subject {
		i := random.IntN(100)
		return subject{key: numbered(i), authority: authorities[i%2]}
	}
	for range steps {
		now = now.Add(time.Hour)
		switch random.IntN(4) {
		case 0:
			c.pin([]subject{some(), some(), some()}, now)
		case 1:
			c.drop(authorities[random.IntN(2)], now)
		default:
			s := some()
			c.keep(s, lastingUntil(now, now.Add(time.Duration(random.IntN(100))*time.Hour)), now)
		}
		for _, a := range authorities {
			if wrong := c.misplaced(a, now); wrong != "" {
				return wrong
			}
		}
	}
	return ""
}

// misplaced says what is wrong with a row, and with what is claimed from it.
func (c *cache) misplaced(a *authority, now time.Time) string {
	want, due := map[key]bool{}, map[key]bool{}
	note := func(e *entry) {
		if e.authority == a {
			want[e.key] = true
			due[e.key] = c.wanted(e, now) && reached(e.due, now.Round(0), longest)
		}
	}
	for _, e := range c.pinned {
		note(e)
	}
	for _, e := range c.others.Values() {
		note(e)
	}
	for i, e := range a.entries {
		if c.peek(e.key) != e || e.place != i || !want[e.key] {
			return fmt.Sprintf("entry %d is not there, or has place %d", i, e.place)
		}
	}
	if len(a.entries) != len(want) {
		return fmt.Sprintf("the row has %d entries, want %d", len(a.entries), len(want))
	}
	got, _ := c.claim(a, 1000, now)
	for _, s := range got {
		if !due[s.key] {
			return "claimed what was not due, or twice"
		}
		delete(due, s.key)
	}
	for _, left := range due {
		if left {
			return "what was due is not claimed"
		}
	}
	return ""
}
