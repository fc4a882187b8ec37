package relay

import (
	"crypto/sha256"
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

// Claimer looks for what is due among so many answers, of which nothing is.
func Claimer(entries int) (look func()) {
	a := newAuthority(nil, Limits{})
	c := newCache(entries, 1<<40)
	now := time.Now()
	for i := range entries {
		kept := &answer{response: tryLater, thisUpdate: now, until: now.Add(7 * longest), refreshed: now}
		c.keep(subject{key: sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)}), authority: a}, kept, now)
	}
	return func() { c.claim(a, claims, now) }
}
