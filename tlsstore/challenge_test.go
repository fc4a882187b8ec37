package tlsstore_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"testing"

	"dwaar/tlsstore"
)

var acmeTLS = []string{"acme-tls/1"}

// RFC 8737: the certificate of the challenge for who offers that protocol and no other.
func TestAChallengeIsForHellosOfAcmeTLSAlone(t *testing.T) {
	c := newCA(t)
	site, proof := c.leaf("a.example"), c.leaf("a.example")
	for name, version := range versions {
		for _, test := range []struct {
			offered []string
			want    *x509.Certificate
			protos  string
		}{
			{acmeTLS, proof.leaf, "acme-tls/1"},
			{[]string{"h2", "acme-tls/1"}, site.leaf, "h2"},
			{[]string{"acme-tls/1", "http/1.1"}, site.leaf, "http/1.1"},
			{[]string{"h2"}, site.leaf, "h2"},
			{[]string{}, site.leaf, ""},
		} {
			s := newStore(t, tlsstore.Config{}, on(site.pair(t), "a.example"))
			s.OnALPN(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				if !slices.Equal(hello.SupportedProtos, acmeTLS) || hello.ServerName != "a.example" {
					t.Errorf("asked for %q with %q", hello.ServerName, hello.SupportedProtos)
				}
				return &proof.pair(t).Certificate, nil
			})
			cs, err := client{sni: "a.example", version: version, protos: test.offered}.connect(t, s.TLSConfig(":443", []string{"h2", "http/1.1"}))
			if err != nil || !cs.PeerCertificates[0].Equal(test.want) || cs.NegotiatedProtocol != test.protos {
				t.Errorf("%s, offering %q: negotiated %q, %v", name, test.offered, cs.NegotiatedProtocol, err)
			}
		}
	}
}

func TestAChallengeHasNeitherStapleNorTicketAndCountsAsNothing(t *testing.T) {
	i := newCA(t).leaf("a.example")
	certificate := i.pair(t).Certificate
	certificate.OCSPStaple = []byte("staple")
	for name, version := range versions {
		s := newStore(t, tlsstore.Config{}) // and no site has the name
		s.OnALPN(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil })
		cl := client{sni: "a.example", version: version, protos: acmeTLS, cache: tls.NewLRUClientSessionCache(1)}
		config := s.TLSConfig(":443", nil) // whose keys tickets would be of
		for range 2 {
			cs, err := cl.connect(t, config)
			if err != nil || cs.DidResume || cs.OCSPResponse != nil {
				t.Errorf("%s: resumed %v, staple %q, %v", name, cs.DidResume, cs.OCSPResponse, err)
			}
		}
		if n := handshakes(t, s) + refusals(t, s); n != 0 {
			t.Errorf("%s: %v handshakes and refusals are counted", name, n)
		}
	}
	if string(certificate.OCSPStaple) != "staple" {
		t.Error("the caller's certificate has changed")
	}
}

func TestAChallengeWithoutCertificateIsRefusedAndCountsAsNothing(t *testing.T) {
	i := newCA(t).leaf("a.example")
	for _, test := range []struct {
		sni    string
		answer func() (*tls.Certificate, error)
		log    string
	}{
		{"a.example", func() (*tls.Certificate, error) { return &tls.Certificate{}, errors.New("no such challenge") }, "no such challenge"},
		{"a.example", func() (*tls.Certificate, error) { return nil, nil }, "there is none"},
		{"a.example", func() (*tls.Certificate, error) { return new(tls.Certificate), nil }, "there is none"},
		{"", func() (*tls.Certificate, error) { t.Error("asked without SNI"); return nil, nil }, "the SNI is not a host name"},
		{"a*.example", func() (*tls.Certificate, error) { t.Error("asked for no name"); return nil, nil }, "the SNI is not a host name"},
	} {
		var log logbook
		s := newLoggedStore(t, log.logger(), tlsstore.Config{}, on(i.pair(t), "a.example", ""))
		s.OnALPN(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return test.answer() })
		for range 3 {
			client{sni: test.sni, protos: acmeTLS}.refused(t, s)
		}
		if log.count("no certificate for a challenge") != 1 || log.count(test.log) != 1 {
			t.Errorf("log:\n%s", log.String())
		}
		if n := handshakes(t, s) + refusals(t, s); n != 0 {
			t.Errorf("%v handshakes and refusals are counted", n)
		}
	}
}

func TestWithoutChallengesNothingOffersTheirProtocol(t *testing.T) {
	s := newStore(t, tlsstore.Config{}, on(newCA(t).leaf("a.example").pair(t), "a.example"))
	cs, err := client{sni: "a.example", protos: acmeTLS}.connect(t, s.TLSConfig(":443", []string{"h2"}))
	if err == nil || err.Error() != "remote error: tls: no application protocol" {
		t.Errorf("negotiated %q, %v", cs.NegotiatedProtocol, err)
	}
}
