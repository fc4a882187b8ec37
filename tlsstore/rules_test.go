package tlsstore_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore"
)

func TestASiteMayServeItsRevokedCertificate(t *testing.T) { // V2
	c := newCA(t)
	for _, all := range []tlsstore.OnRevoked{tlsstore.Refuse, tlsstore.Serve} {
		own, others := c.leaf("own.example"), c.leaf("others.example")
		binding := on(own.pair(t), "own.example")
		binding.OnRevoked = map[tlsstore.OnRevoked]tlsstore.OnRevoked{tlsstore.Refuse: tlsstore.Serve, tlsstore.Serve: tlsstore.Refuse}[all]
		s := newStore(t, tlsstore.Config{OnRevoked: all}, binding, on(others.pair(t), "others.example"))
		s.SetRevoked(own.fingerprint(), true)
		s.SetRevoked(others.fingerprint(), true)
		served, refused := "own.example", "others.example"
		if all == tlsstore.Serve {
			served, refused = refused, served
		}
		client{sni: refused}.refused(t, s)
		if _, got := shown(t, s, served); got != nil {
			t.Error("a revoked certificate carries a staple")
		}
	}
	wrong := on(c.leaf("a.example").pair(t), "a.example")
	wrong.OnRevoked = "perhaps"
	if err := newStore(t, tlsstore.Config{}).Apply([]tlsstore.Binding{wrong}); err == nil {
		t.Error("on_revoked perhaps is accepted")
	}
}

func TestASiteMayWaitForItsMustStapleAsLongAsItWants(t *testing.T) { // S13
	synctest.Test(t, func(t *testing.T) {
		c := newCA(t)
		short, long, none := on(c.leaf("short.example", mustStaple).pair(t), "short.example"),
			on(c.leaf("long.example", mustStaple).pair(t), "long.example"), on(c.leaf("none.example", mustStaple).pair(t), "none.example")
		short.MustStapleWait, long.MustStapleWait, none.MustStapleWait = 10*time.Second, time.Hour, -1
		s := newStore(t, tlsstore.Config{}, short, long, none, on(c.leaf("all.example", mustStaple).pair(t), "all.example"))
		start := time.Now()
		for _, step := range []struct {
			at      time.Duration
			serving string // the others are refused
		}{
			{0, "none"}, {11 * time.Second, "none short"}, {31 * time.Second, "none short all"}, {time.Hour, "none short all long"},
		} {
			time.Sleep(time.Until(start.Add(step.at)))
			for _, name := range []string{"none", "short", "all", "long"} {
				if strings.Contains(step.serving, name) {
					shown(t, s, name+".example")
				} else {
					client{sni: name + ".example"}.refused(t, s)
				}
			}
		}
	})
}

func TestTheCatalogGivesNotesBack(t *testing.T) {
	type note struct{ what string }
	i := newCA(t).leaf("a.example")
	binding := on(i.pair(t), "a.example")
	s := newStore(t, tlsstore.Config{}, binding)
	for _, want := range []any{nil, note{"one"}, note{"two"}} {
		binding.Note = want
		apply(t, s, binding)
		if got := s.Status()[0].Note; got != want {
			t.Errorf("note = %v, want %v", got, want)
		}
	}
}
