package tlsstore_test

import (
	"bytes"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore"
)

func TestTheStapledBytesAreThoseAttached(t *testing.T) { // S5
	i := newCA(t).leaf("a.example")
	s := newStore(t, tlsstore.Config{}, on(i.pair(t), "a.example"))
	staple := i.staple("\x00\xff any bytes")
	s.Attach(i.fingerprint(), staple)
	for name, version := range versions {
		if _, got := (client{sni: "a.example", version: version}).shown(t, s); !bytes.Equal(got, staple.Response) {
			t.Errorf("%s carries %x", name, got)
		}
	}
	if cert := s.Lookup(":443", "a.example"); cert == nil || !bytes.Equal(cert.OCSPStaple, staple.Response) {
		t.Error("Lookup has no staple")
	}
	for what, nothing := range map[string]*tlsstore.Staple{"nil": nil, "an empty response": {From: staple.From, Until: staple.Until}} {
		s.Attach(i.fingerprint(), staple)
		s.Attach(i.fingerprint(), nothing)
		if _, got := shown(t, s, "a.example"); got != nil {
			t.Errorf("after attaching %s the staple is %x", what, got)
		}
	}
}

// S3: decided in each handshake, From included, Until not.
func TestAStapleIsShownOnlyInItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newCA(t).leaf("a.example")
		s := newStore(t, tlsstore.Config{}, on(i.pair(t), "a.example"))
		start := time.Now()
		s.Attach(i.fingerprint(), &tlsstore.Staple{Response: []byte("r"), From: start.Add(5 * time.Minute), Until: start.Add(time.Hour)})
		for _, step := range []struct {
			at   time.Duration
			want string
		}{
			{0, ""}, {5*time.Minute - 1, ""}, {5 * time.Minute, "r"}, {time.Hour - 1, "r"}, {time.Hour, ""}, {24 * time.Hour, ""},
		} {
			time.Sleep(time.Until(start.Add(step.at)))
			for version := range versions {
				if _, got := (client{sni: "a.example", version: versions[version]}).shown(t, s); string(got) != step.want {
					t.Errorf("after %v in %s: staple = %q, want %q", step.at, version, got, step.want)
				}
			}
		}
	})
}

func TestAStapleBelongsToItsLeafNotToTheName(t *testing.T) { // S5
	c := newCA(t)
	old, renewed := c.leaf("a.example"), c.leaf("a.example")
	s := newStore(t, tlsstore.Config{}, on(old.pair(t), "a.example"))
	s.Attach(renewed.fingerprint(), renewed.staple("not here yet")) // a no-op
	s.Attach(old.fingerprint(), old.staple("old"))
	apply(t, s, on(renewed.pair(t), "a.example"))
	if leaf, got := shown(t, s, "a.example"); got != nil || !leaf.Equal(renewed.leaf) {
		t.Errorf("the renewed leaf carries %x", got)
	}
	s.Attach(old.fingerprint(), old.staple("late"))
	if _, got := shown(t, s, "a.example"); got != nil {
		t.Errorf("a staple of a leaf that has left is shown: %x", got)
	}
	apply(t, s, on(old.pair(t), "a.example"))
	if _, got := shown(t, s, "a.example"); got != nil {
		t.Errorf("a leaf that had left still has its staple: %x", got)
	}
}

func TestStaplesAndRevocationsSurviveReloadsAndServeEveryListener(t *testing.T) {
	c := newCA(t)
	good, bad := c.leaf("a.example"), c.leaf("b.example")
	s := newStore(t, tlsstore.Config{}, on(good.pair(t), "a.example"), on(bad.pair(t), "b.example"))
	s.Attach(good.fingerprint(), good.staple("kept"))
	s.SetRevoked(bad.fingerprint(), true)
	elsewhere := on(good.pair(t), "www.a.example") // read again, as a reload does
	elsewhere.Listener = ":8443"
	apply(t, s, elsewhere, on(good.pair(t), "c.example"), on(bad.pair(t), "d.example"))
	for _, at := range []struct{ listener, sni string }{{":8443", "www.a.example"}, {":443", "c.example"}} {
		cs, err := client{sni: at.sni}.connect(t, s.TLSConfig(at.listener, nil))
		if err != nil || !bytes.HasSuffix(cs.OCSPResponse, []byte("kept")) {
			t.Errorf("%v: staple %q, %v", at, cs.OCSPResponse, err)
		}
	}
	client{sni: "d.example"}.refused(t, s)
}

func TestOCSPOffKeepsTheStapleFromItsSiteOnly(t *testing.T) {
	i := newCA(t).leaf("a.example")
	off := on(i.pair(t), "off.example")
	off.OCSPOff = true
	s := newStore(t, tlsstore.Config{}, off, on(i.pair(t), "on.example"))
	s.Attach(i.fingerprint(), i.staple(""))
	if _, got := shown(t, s, "off.example"); got != nil {
		t.Error("a site with ocsp off carries a staple")
	}
	if _, got := shown(t, s, "on.example"); got == nil {
		t.Error("the other site carries none")
	}
}

func TestARevokedCertificateIsRefusedOrServedUnstapled(t *testing.T) { // V2
	i := newCA(t).leaf("a.example")
	for _, policy := range []tlsstore.OnRevoked{"", tlsstore.Refuse, tlsstore.Serve} {
		s := newStore(t, tlsstore.Config{OnRevoked: policy}, on(i.pair(t), "a.example"))
		s.Attach(i.fingerprint(), i.staple(""))
		s.SetRevoked(i.fingerprint(), true)
		s.SetRevoked(tlsstore.Fingerprint{}, true) // a no-op
		for range 2 {
			if policy != tlsstore.Serve {
				client{sni: "a.example"}.refused(t, s)
				client{sni: "a.example", version: versions["TLS 1.2"]}.refused(t, s)
			} else if _, got := shown(t, s, "a.example"); got != nil {
				t.Errorf("a revoked certificate carries a staple")
			}
			s.Attach(i.fingerprint(), i.staple("a good one from before"))
		}
		if records := s.Status(); !records[0].Revoked {
			t.Errorf("status = %+v", records)
		}
		s.SetRevoked(i.fingerprint(), false) // a hold has been lifted (RFC 5280 §5.3.1)
		if _, got := shown(t, s, "a.example"); got == nil {
			t.Error("a certificate that is no longer revoked has lost its staple")
		}
	}
}

func TestAMustStapleCertificateWaitsForItsStapleThenServesWithAnAlarm(t *testing.T) { // S13
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		i := newCA(t).leaf("a.example", mustStaple)
		s := newLoggedStore(t, log.logger(), tlsstore.Config{}, on(i.pair(t), "a.example"))
		stop := run(t, s)
		defer stop()
		alarms := func() int { synctest.Wait(); return log.count("level=ERROR") }

		client{sni: "a.example"}.refused(t, s)
		s.Attach(i.fingerprint(), &tlsstore.Staple{Response: []byte("r"), From: time.Now(), Until: time.Now().Add(10 * time.Second)})
		if _, got := shown(t, s, "a.example"); got == nil {
			t.Error("stapled, but not served with the staple")
		}
		time.Sleep(29 * time.Second)
		client{sni: "a.example"}.refused(t, s)
		if s.Status()[0].Alarm || alarms() > 0 {
			t.Error("alarm while it is refused")
		}
		time.Sleep(time.Second)
		apply(t, s, on(i.pair(t), "a.example")) // a reload does not begin the wait again
		if leaf, got := shown(t, s, "a.example"); got != nil || !leaf.Equal(i.leaf) {
			t.Error("not served after must_staple_wait")
		}
		time.Sleep(time.Minute)
		if !s.Status()[0].Alarm || alarms() != 1 {
			t.Errorf("status = %+v, %d alarms in the log, want 1", s.Status()[0], alarms())
		}
		s.Attach(i.fingerprint(), &tlsstore.Staple{Response: []byte("r"), From: time.Now(), Until: time.Now().Add(time.Hour)})
		time.Sleep(time.Minute)
		if s.Status()[0].Alarm || log.count("level=INFO") == 0 {
			t.Error("the alarm does not end with a staple")
		}
		time.Sleep(2 * time.Hour)
		if !s.Status()[0].Alarm || alarms() != 2 {
			t.Errorf("after the staple has expired: %d alarms in the log, want 2", alarms())
		}
	})
}

func TestMustStapleWaitIsConfigurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newCA(t).leaf("a.example", mustStaple)
		s := newStore(t, tlsstore.Config{MustStapleWait: time.Minute}, on(i.pair(t), "a.example"))
		time.Sleep(59 * time.Second)
		client{sni: "a.example"}.refused(t, s)
		time.Sleep(time.Second)
		shown(t, s, "a.example")
		shown(t, newStore(t, tlsstore.Config{MustStapleWait: -1}, on(i.pair(t), "a.example")), "a.example")

		off := on(i.pair(t), "a.example")
		off.OCSPOff = true // no staple will ever come: nothing to wait for
		s = newStore(t, tlsstore.Config{}, off)
		shown(t, s, "a.example")
		if !s.Status()[0].Alarm {
			t.Error("must-staple with ocsp off raises no alarm")
		}
	})
}

func TestAnAlternativeThatIsNotRefusedIsServedInstead(t *testing.T) {
	c := newCA(t)
	first, second := c.leaf("a.example", mustStaple), c.leaf("a.example")
	s := newStore(t, tlsstore.Config{}, on(first.pair(t), "a.example"), on(second.pair(t), "a.example"))
	serves := func(want issued) {
		t.Helper()
		if leaf, _ := shown(t, s, "a.example"); !leaf.Equal(want.leaf) {
			t.Error("the other leaf is served")
		}
	}
	serves(second) // the first waits for its staple
	s.Attach(first.fingerprint(), first.staple(""))
	serves(first)
	s.SetRevoked(first.fingerprint(), true)
	serves(second)
	s.SetRevoked(second.fingerprint(), true)
	client{sni: "a.example"}.refused(t, s)
}

func TestARefusalForLackOfAStapleIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newCA(t).leaf("a.example", mustStaple)
		s := newStore(t, tlsstore.Config{}, on(i.pair(t), "a.example"))
		var asked atomic.Bool
		s.OnUnstapled(func(leaf [32]byte) { asked.Store(leaf == i.fingerprint()) })
		defer run(t, s)()
		client{sni: "a.example"}.refused(t, s)
		synctest.Wait()
		if !asked.Load() {
			t.Error("nobody has been told")
		}
	})
}
