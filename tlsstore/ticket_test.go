package tlsstore_test

import (
	"crypto/tls"
	"testing"

	"dwaar/tlsstore"
)

// resumes reports whether a second handshake resumes the session of a first, with change
// done to the store in between.
func resumes(t *testing.T, s *tlsstore.Store, version uint16, change func(), second ...func(*client, *tls.Config) *tls.Config) bool {
	t.Helper()
	c := client{sni: "a.example", version: version, cache: tls.NewLRUClientSessionCache(1)}
	config := s.TLSConfig(":443", nil)
	if cs, err := c.connect(t, config); err != nil || cs.DidResume {
		t.Fatalf("first handshake: resumed %v, %v", cs.DidResume, err)
	}
	change()
	for _, adjust := range second {
		config = adjust(&c, config)
	}
	cs, err := c.connect(t, config)
	if err != nil {
		t.Fatalf("second handshake: %v", err)
	}
	return cs.DidResume
}

func TestSessionsResumeOverReloadsAndListeners(t *testing.T) {
	c := newCA(t)
	for name, version := range versions {
		i := c.leaf("a.example")
		s := newStore(t, tlsstore.Config{}, on(i.pair(t), "a.example"))
		if !resumes(t, s, version, func() {}) {
			t.Errorf("%s: a session does not resume", name)
		}
		reload := func() {
			elsewhere := on(i.pair(t), "a.example")
			elsewhere.Listener = ":8443"
			apply(t, s, on(i.pair(t), "a.example"), elsewhere)
			s.Attach(i.fingerprint(), i.staple("a new staple is no new leaf"))
		}
		if !resumes(t, s, version, reload) {
			t.Errorf("%s: a session does not resume after a reload", name)
		}
		other := func(*client, *tls.Config) *tls.Config { return s.TLSConfig(":8443", nil) }
		if !resumes(t, s, version, func() {}, other) {
			t.Errorf("%s: a session does not resume on another listener", name)
		}
	}
}

func TestATicketOfAResumedSessionIsOfTheSameLeaf(t *testing.T) {
	c := newCA(t)
	for name, version := range versions {
		i := c.leaf("a.example")
		s := newStore(t, tlsstore.Config{}, on(i.pair(t), "a.example"))
		cl := client{sni: "a.example", version: version, cache: tls.NewLRUClientSessionCache(1)}
		for n := range 4 {
			if cs, err := cl.connect(t, s.TLSConfig(":443", nil)); err != nil || cs.DidResume != (n > 0) {
				t.Errorf("%s: handshake %d resumed: %v, %v", name, n, cs.DidResume, err)
			}
		}
	}
}

func TestAReplacedLeafEndsItsSessions(t *testing.T) {
	c := newCA(t)
	for name, version := range versions {
		s := newStore(t, tlsstore.Config{}, on(c.leaf("a.example").pair(t), "a.example"))
		if resumes(t, s, version, func() { apply(t, s, on(c.leaf("a.example").pair(t), "a.example")) }) {
			t.Errorf("%s: a session of the replaced leaf resumes", name)
		}
	}
}

// V1: what was revoked is refused, in resumed sessions too, until its replacement is there;
// then neither the old session nor the refusal is left.
func TestAReplacedRevokedLeafIsServedAnewWithoutItsOldSessions(t *testing.T) {
	c := newCA(t)
	for name, version := range versions {
		old, replacement := c.leaf("a.example"), c.leaf("a.example")
		s := newStore(t, tlsstore.Config{}, on(old.pair(t), "a.example"))
		cl := client{sni: "a.example", version: version, cache: tls.NewLRUClientSessionCache(1)}
		cl.shown(t, s)
		s.SetRevoked(old.fingerprint(), true)
		cl.refused(t, s)
		apply(t, s, on(old.pair(t), "a.example"), waiting(replacement.pair(t)))
		s.Attach(replacement.fingerprint(), replacement.staple(""))
		cl.refused(t, s)
		apply(t, s, on(replacement.pair(t), "a.example"))
		cs, err := cl.connect(t, s.TLSConfig(":443", nil))
		if err != nil || cs.DidResume || !cs.PeerCertificates[0].Equal(replacement.leaf) || ofLeaf(cs) != nil || cs.OCSPResponse == nil {
			t.Errorf("%s: after the swap: resumed %v, staple %x, %v", name, cs.DidResume, cs.OCSPResponse, err)
		}
		if cs, err := cl.connect(t, s.TLSConfig(":443", nil)); err != nil || !cs.DidResume {
			t.Errorf("%s: a session of the replacement does not resume: %v", name, err)
		}
	}
}

// V2, `on_revoked serve`: without a staple, and its sessions are as good as it is.
func TestARevokedLeafThatIsServedEndsItsSessionsOnlyWhenItIsReplaced(t *testing.T) {
	c := newCA(t)
	for name, version := range versions {
		old := c.leaf("a.example")
		s := newStore(t, tlsstore.Config{OnRevoked: tlsstore.Serve}, on(old.pair(t), "a.example"))
		s.Attach(old.fingerprint(), old.staple(""))
		if !resumes(t, s, version, func() { s.SetRevoked(old.fingerprint(), true) }) {
			t.Errorf("%s: a session does not resume", name)
		}
		if _, staple := (client{sni: "a.example", version: version}).shown(t, s); staple != nil {
			t.Errorf("%s: the revoked leaf carries a staple", name)
		}
		if resumes(t, s, version, func() { apply(t, s, on(c.leaf("a.example").pair(t), "a.example")) }) {
			t.Errorf("%s: a session of the replaced leaf resumes", name)
		}
	}
}

// RFC 6066 §3: a session is of the name it was made for, also where both sites have one leaf.
func TestASessionIsOfItsSite(t *testing.T) {
	c := newCA(t)
	for name, version := range versions {
		i := c.leaf("a.example")
		s := newStore(t, tlsstore.Config{}, on(i.pair(t), "a.example", "b.example"), on(c.leaf("c.example").pair(t), "c.example"))
		for _, sni := range []string{"b.example", "c.example"} {
			asked := func(c *client, config *tls.Config) *tls.Config {
				c.cache = renamed{c.cache}
				c.sni = sni
				return config
			}
			if resumes(t, s, version, func() {}, asked) {
				t.Errorf("%s: a session of a.example resumes for %s", name, sni)
			}
		}
	}
}

// renamed offers a session whatever name is asked for.
type renamed struct{ tls.ClientSessionCache }

func (r renamed) Get(string) (*tls.ClientSessionState, bool) {
	return r.ClientSessionCache.Get("a.example")
}

func TestARefusalCannotBeBypassedByResumption(t *testing.T) {
	c := newCA(t)
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			i := c.leaf("a.example")
			s := newStore(t, tlsstore.Config{}, on(i.pair(t), "a.example"))
			cl := client{sni: "a.example", version: version, cache: tls.NewLRUClientSessionCache(1)}
			if _, err := cl.connect(t, s.TLSConfig(":443", nil)); err != nil {
				t.Fatal(err)
			}
			s.SetRevoked(i.fingerprint(), true)
			cl.refused(t, s)
			apply(t, s)
			cl.refused(t, s)
		})
	}
}
