package tlsstore_test

import (
	"crypto/tls"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"dwaar/tlsstore"
)

func TestTheMostParticularNameWins(t *testing.T) {
	c := newCA(t)
	leaves := map[string]issued{}
	var bindings []tlsstore.Binding
	for _, name := range []string{"a.example", "*.a.example", "b.a.example", "192.0.2.9", "[2001:db8::9]", "default.example", ""} {
		leaves[name] = c.leaf("whatever.example")
		bindings = append(bindings, on(leaves[name].pair(t), name))
	}
	all := newStore(t, tlsstore.Config{DefaultSNI: "Default.example."}, bindings...)
	noOther := newStore(t, tlsstore.Config{DefaultSNI: "default.example"}, bindings[:6]...)
	noDefault := newStore(t, tlsstore.Config{}, bindings[:5]...)
	otherOnly := newStore(t, tlsstore.Config{}, bindings[6])
	for _, test := range []struct {
		what  string
		store *tlsstore.Store
		client
		want string // the site; "refused"
	}{
		{"exact", all, client{sni: "a.example"}, "a.example"},
		{"upper case", all, client{sni: "A.EXAMPLE"}, "a.example"},
		{"exact before wildcard", all, client{sni: "b.a.example"}, "b.a.example"},
		{"wildcard", all, client{sni: "c.a.example"}, "*.a.example"},
		{"wildcard is one label", all, client{sni: "d.c.a.example"}, ""},
		{"unknown name: the site for everything else", all, client{sni: "z.example"}, ""},
		{"unknown name: default_sni", noOther, client{sni: "z.example"}, "default.example"},
		{"unknown name", noDefault, client{sni: "z.example"}, "refused"},
		{"no SNI: the address", all, client{local: "192.0.2.9"}, "192.0.2.9"},
		{"no SNI: the address in IPv6", all, client{local: "::ffff:192.0.2.9"}, "192.0.2.9"},
		{"no SNI: an IPv6 address", all, client{local: "2001:db8::9"}, "[2001:db8::9]"},
		{"no SNI: default_sni", all, client{}, "default.example"},
		{"no SNI: the site for everything else", otherOnly, client{}, ""},
		{"no SNI", noDefault, client{}, "refused"},
		{"a name with an invalid byte", all, client{sni: "a*.example"}, "refused"},
	} {
		t.Run(test.what, func(t *testing.T) {
			if test.want == "refused" {
				test.refused(t, test.store)
				return
			}
			if leaf, _ := test.shown(t, test.store); !leaf.Equal(leaves[test.want].leaf) {
				t.Errorf("another leaf than that of site %q", test.want)
			}
		})
	}
}

func TestAnAddressSentAsANameFindsItsSite(t *testing.T) {
	i := newCA(t).leaf("a.example")
	s := newStore(t, tlsstore.Config{}, on(i.pair(t), "::ffff:192.0.2.9"))
	if s.Lookup(":443", "192.0.2.9") == nil {
		t.Error("no certificate for the SNI 192.0.2.9")
	}
	if s.Lookup(":443", "192.0.2.10") != nil || s.Lookup(":443", "x1") != nil {
		t.Error("a certificate for another address")
	}
}

func TestListenersDoNotShareSites(t *testing.T) {
	c := newCA(t)
	here, there := c.leaf("a.example"), c.leaf("a.example")
	s := newStore(t, tlsstore.Config{}, on(here.pair(t), "a.example"),
		tlsstore.Binding{Listener: ":8443", Names: []string{"a.example", "b.example"}, Pair: there.pair(t)})
	if leaf, _ := shown(t, s, "a.example"); !leaf.Equal(here.leaf) {
		t.Error(":443 shows the certificate of :8443")
	}
	client{sni: "b.example"}.refused(t, s)
	if _, err := (client{sni: "a.example"}).connect(t, s.TLSConfig(":1", nil)); err == nil {
		t.Error("a listener without sites has a certificate")
	}
}

func TestAClientGetsTheFirstPairItSupports(t *testing.T) {
	c := newCA(t)
	ecdsa, rsa := c.leaf("a.example"), c.leafOf(newKey(t, "RSA"), "a.example")
	// The name of the certificate does not count: the site is a wildcard the leaf lacks.
	s := newStore(t, tlsstore.Config{}, on(ecdsa.pair(t), "*.example"), on(rsa.pair(t), "*.example"))
	if leaf, _ := shown(t, s, "x.example"); !leaf.Equal(ecdsa.leaf) {
		t.Error("a client of both does not get the first")
	}
	old := client{sni: "x.example", version: tls.VersionTLS12, suites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}
	if leaf, _ := old.shown(t, s); !leaf.Equal(rsa.leaf) {
		t.Error("a client of RSA alone does not get the RSA certificate")
	}
	none := old
	none.suites = []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
	if _, err := none.connect(t, newStore(t, tlsstore.Config{}, on(ecdsa.pair(t), "x.example"), on(ecdsa.pair(t), "x.example")).TLSConfig(":443", nil)); err == nil {
		t.Error("a client that supports neither has a handshake")
	}
}

func TestAConfigStaysValidOverReloads(t *testing.T) {
	c := newCA(t)
	before, after := c.leaf("a.example"), c.leaf("a.example")
	s := newStore(t, tlsstore.Config{})
	config := s.TLSConfig(":443", []string{"h2", "http/1.1"})
	if _, err := (client{sni: "a.example"}).connect(t, config); err == nil {
		t.Error("an empty store has a certificate")
	}
	for _, i := range []issued{before, after} {
		apply(t, s, on(i.pair(t), "a.example"))
		cs, err := client{sni: "a.example"}.connect(t, config)
		if err != nil || !cs.PeerCertificates[0].Equal(i.leaf) {
			t.Errorf("after a reload: %v", err)
		}
		if cs.NegotiatedProtocol != "h2" || len(cs.PeerCertificates) != 2 {
			t.Errorf("negotiated %q with %d certificates", cs.NegotiatedProtocol, len(cs.PeerCertificates))
		}
	}
}

func TestTLS11IsRefused(t *testing.T) {
	s := newStore(t, tlsstore.Config{}, on(newCA(t).leaf("a.example").pair(t), "a.example"))
	if s.TLSConfig(":443", nil).MinVersion != tls.VersionTLS12 {
		t.Error("the listener accepts versions before TLS 1.2")
	}
}

func TestABadConfigOrBindingChangesNothing(t *testing.T) {
	c := newCA(t)
	i := c.leaf("a.example")
	s := newStore(t, tlsstore.Config{}, on(i.pair(t), "a.example"))
	for want, bad := range map[string]tlsstore.Binding{
		`site name "bücher.example" is not a host name`:                 on(i.pair(t), "bücher.example"),
		`site name "a.*.example" is not a host name`:                    on(i.pair(t), "a.*.example"),
		"certificate of [x.example]: there is none":                     on(nil, "x.example"),
		"certificate of [x.example]: it has no chain or no key, and no": on(&tlsstore.Pair{}, "x.example"),
		"certificate " + i.pair(t).Serial + ": it is bound to no name":  on(i.pair(t)),

		"certificate " + i.pair(t).Serial + `: it waits, and is bound to [a.example] of listener ":443"`: {Listener: ":443", Names: []string{"a.example"}, Pair: i.pair(t), Waiting: true},
		"certificate of []: there is none":                                      {Waiting: true},
		"certificate of [a.example]: it cannot be both here and got on demand":  {Listener: ":443", Names: []string{"a.example"}, Pair: i.pair(t), OnDemand: true},
		"certificate of []: it cannot be both here and got on demand":           {OnDemand: true, Waiting: true},
		`listener ":443": certificates are got on demand for no name`:           demanding(),
		`site name "a b" is not a host name`:                                    demanding("a b"),
		`site name "192.0.2.1": no certificate is got on demand for an address`: demanding("192.0.2.1"),
	} {
		if err := s.Apply([]tlsstore.Binding{bad}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Apply: %v, want %s…", err, want)
		}
	}
	for want, bad := range map[string]tlsstore.Config{
		`on_revoked: "maybe" is neither "refuse" nor "serve"`: {OnRevoked: "maybe"},
		"cache_size: -1 is negative":                          {CacheSize: -1},
		"max_on_demand: -1 is negative":                       {MaxOnDemand: -1},
		`default_sni: "ü" is not a host name`:                 {DefaultSNI: "ü"},
	} {
		if err := s.Reconfigure(bad, nil); err == nil || err.Error() != want {
			t.Errorf("Reconfigure: %v, want %s", err, want)
		}
		if _, err := tlsstore.New(bad, slog.Default()); err == nil || err.Error() != want {
			t.Errorf("New: %v, want %s", err, want)
		}
	}
	if err := s.Reconfigure(tlsstore.Config{}, []tlsstore.Binding{on(nil, "a")}); err == nil {
		t.Error("Reconfigure takes a binding without a certificate")
	}
	if leaf, _ := shown(t, s, "a.example"); !leaf.Equal(i.leaf) {
		t.Error("a refused change changed something")
	}
}

func TestReconfigureChangesConfigAndBindingsTogether(t *testing.T) {
	c := newCA(t)
	i := c.leaf("a.example")
	s := newStore(t, tlsstore.Config{}, on(i.pair(t), "a.example"))
	client{}.refused(t, s)
	if err := s.Reconfigure(tlsstore.Config{DefaultSNI: "b.example"}, []tlsstore.Binding{on(i.pair(t), "b.example")}); err != nil {
		t.Fatal(err)
	}
	if leaf, _ := shown(t, s, ""); !leaf.Equal(i.leaf) {
		t.Error("default_sni is not in effect")
	}
}

func TestTheCatalogHasEachLeafOnceWithAllItsNames(t *testing.T) {
	c := newCA(t)
	i, other := c.leaf("a.example", mustStaple), c.leaf("z.example")
	s := newStore(t, tlsstore.Config{MustStapleWait: -1},
		on(i.pair(t), "c.example", "a.example"),
		tlsstore.Binding{Listener: ":8443", Names: []string{"b.example", "a.example"}, Pair: i.pair(t), OCSPOff: true},
		tlsstore.Binding{Listener: ":8443", Names: []string{"z.example"}, Pair: other.pair(t), OCSPOff: true})
	records := s.Status()
	if len(records) != 2 || len(slices.Collect(s.Catalog())) != 2 {
		t.Fatalf("records = %+v", records)
	}
	r, z := records[0], records[1]
	if !slices.Equal(r.Names, []string{"a.example", "b.example", "c.example"}) || r.Fingerprint != i.fingerprint() || r.Source != "manual" ||
		r.Serial != i.pair(t).Serial || r.Issuer != "CN=test intermediate" || !r.NotAfter.Equal(i.leaf.NotAfter) || r.NotAfter.Location() != time.UTC ||
		!r.MustStaple || !r.Alarm || r.OCSPOff || len(r.Chain) != 2 {
		t.Errorf("record = %+v", r)
	}
	if !z.OCSPOff || z.MustStaple || z.Alarm {
		t.Errorf("record = %+v", z)
	}
	for range s.Catalog() {
		break // a caller may stop
	}
}
