package tlsstore_test

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore"
)

// waiting puts a pair into the catalog only.
func waiting(pair *tlsstore.Pair) tlsstore.Binding {
	return tlsstore.Binding{Pair: pair, Waiting: true}
}

func TestAWaitingLeafGetsItsStapleAndIsServedToNobody(t *testing.T) {
	c := newCA(t)
	old, renewed := c.leaf("a.example"), c.leaf("a.example")
	s := newStore(t, tlsstore.Config{}, on(old.pair(t), "a.example"), waiting(renewed.pair(t).From(tlsstore.SourceACME)))
	s.Attach(renewed.fingerprint(), renewed.staple("in time"))
	if leaf, _ := shown(t, s, "a.example"); !leaf.Equal(old.leaf) {
		t.Error("a waiting leaf is served")
	}
	client{}.refused(t, s)
	records := s.Status()
	if len(records) != 2 {
		t.Fatalf("records = %+v", records)
	}
	r := records[slices.IndexFunc(records, func(r tlsstore.Record) bool { return r.Fingerprint == renewed.fingerprint() })]
	if !r.Waiting || !slices.Equal(r.Names, []string{"a.example"}) || r.Source != tlsstore.SourceACME || len(r.Chain) != 2 || r.OCSPOff {
		t.Errorf("record = %+v", r)
	}
	if chain, err := s.Chain(t.Context(), renewed.fingerprint()); err != nil || len(chain) != 2 {
		t.Errorf("chain of %d, %v", len(chain), err)
	}
	if n := counted(t, s, "dwaar_tls_certificates"); n != 1 {
		t.Errorf("%v certificates are counted as served, want 1", n)
	}
	apply(t, s, on(renewed.pair(t).From(tlsstore.SourceACME), "a.example"))
	if leaf, staple := shown(t, s, "a.example"); !leaf.Equal(renewed.leaf) || !bytes.HasSuffix(staple, []byte("in time")) {
		t.Errorf("the first handshake after the swap has the staple %x", staple)
	}
	if records := s.Status(); len(records) != 1 || records[0].Waiting {
		t.Errorf("records = %+v", records)
	}
}

func TestALeafThatIsServedDoesNotWait(t *testing.T) {
	i := newCA(t).leaf("a.example")
	off := on(i.pair(t), "a.example")
	off.OCSPOff = true
	for _, bindings := range [][]tlsstore.Binding{{off, waiting(i.pair(t))}, {waiting(i.pair(t)), off}} {
		s := newStore(t, tlsstore.Config{}, bindings...)
		if r := s.Status(); len(r) != 1 || r[0].Waiting || !r[0].OCSPOff {
			t.Errorf("records = %+v", r)
		}
	}
}

// S13: the time a must-staple leaf is refused in begins when it is bound.
func TestTheMustStapleClockOfAWaitingLeafBeginsWhenItIsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logbook
		i := newCA(t).leaf("a.example", mustStaple)
		s := newLoggedStore(t, log.logger(), tlsstore.Config{}, waiting(i.pair(t)))
		defer run(t, s)()
		time.Sleep(time.Hour)
		if s.Status()[0].Alarm || log.count("level=ERROR") > 0 {
			t.Error("an alarm for a leaf that is served to nobody")
		}
		apply(t, s, on(i.pair(t), "a.example"))
		client{sni: "a.example"}.refused(t, s)
		time.Sleep(29 * time.Second)
		client{sni: "a.example"}.refused(t, s)
		time.Sleep(2 * time.Second)
		shown(t, s, "a.example")
		synctest.Wait()
		if !s.Status()[0].Alarm || log.count("level=ERROR") != 1 {
			t.Error("no alarm for a leaf that is served without its staple")
		}
		apply(t, s, waiting(i.pair(t)))
		time.Sleep(2 * time.Second)
		if s.Status()[0].Alarm || log.count("level=INFO") != 0 {
			t.Error("an alarm, or the end of one, for a leaf that waits again")
		}
	})
}

// Who reads the files of a pair owns them, whoever else uses the same leaf.
func TestALeafOfTwoSourcesIsTheOperators(t *testing.T) {
	i := newCA(t).leaf("a.example")
	manual, acme := on(i.pair(t), "a.example"), on(i.pair(t).From(tlsstore.SourceACME), "b.example")
	for _, test := range []struct {
		bindings []tlsstore.Binding
		want     tlsstore.Source
	}{
		{[]tlsstore.Binding{manual, acme}, "manual"}, {[]tlsstore.Binding{acme, manual}, "manual"}, {[]tlsstore.Binding{acme}, "acme"},
	} {
		s := newStore(t, tlsstore.Config{}, manual)
		apply(t, s, test.bindings...)
		if r := s.Status(); r[0].Source != test.want {
			t.Errorf("source = %q, want %q", r[0].Source, test.want)
		}
	}
}
