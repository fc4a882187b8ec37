package server_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

// A5: local names have certificates of the local CA, which a restart keeps.
func TestLocalNamesHaveCertificatesOfTheLocalCA(t *testing.T) {
	h := newHouse(t)
	h.writeLocal(t, "localhost", "app.localhost")
	_, stop := h.start(t)
	first := h.awaitLocal(t, "localhost")
	h.awaitLocal(t, "app.localhost")
	stop()
	h.start(t)
	if again := h.awaitLocal(t, "localhost"); !again.Equal(first) {
		t.Error("a restart serves another certificate than the one it has stored")
	}
	for _, c := range h.status(t).Certificates {
		if c.Source != "internal" || c.ACME == nil || c.ACME.NextRenewal.IsZero() || c.Staple.Reason != "no_responder" {
			t.Errorf("status of %v: source %q, acme %+v, reason %q", c.Names, c.Source, c.ACME, c.Staple.Reason)
		}
	}
	if strings.Contains(h.log.String(), "level=WARN") {
		t.Errorf("local names make noise:\n%s", h.log)
	}
}

// A4: a site that a reload adds is begun at once, and one that it takes away goes.
func TestReloadBeginsNewNamesAndDropsOldOnes(t *testing.T) {
	h := newHouse(t)
	h.writeLocal(t, "localhost")
	srv, _ := h.start(t)
	first := h.awaitLocal(t, "localhost")
	h.writeLocal(t, "localhost", "new.localhost")
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.awaitLocal(t, "new.localhost")
	if stayed := h.awaitLocal(t, "localhost"); !stayed.Equal(first) {
		t.Error("the name that stayed has another certificate")
	}
	h.writeLocal(t, "new.localhost")
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.localLeaf("localhost"); err == nil {
		t.Error("a name that has gone is still served")
	}
}

func TestRenewalByHandChangesWhatIsServed(t *testing.T) {
	h := newHouse(t)
	h.writeLocal(t, "localhost")
	h.leaf(t, "manual.example")
	h.start(t)
	before := h.awaitLocal(t, "localhost")
	h.admin(t, "POST", "/certs/localhost/reissue")
	after := h.awaitLocal(t, "localhost")
	if after.Equal(before) || slices.Equal(after.RawSubjectPublicKeyInfo, before.RawSubjectPublicKeyInfo) {
		t.Error("after reissue the certificate or its key is the old one")
	}
}

func TestCertificateOfAFileCannotBeRenewed(t *testing.T) {
	h := newHouse(t)
	h.leaf(t, "a.example")
	h.write(t, "", "", "a.example")
	h.start(t)
	var answer struct{ Error string }
	if err := json.Unmarshal(h.admin(t, "POST", "/certs/a.example/renew"), &answer); err != nil || answer.Error == "" {
		t.Errorf("renewing a manual certificate: %+v, %v; want an error", answer, err)
	}
}

// A CA that cannot be reached is in the status, and keeps nobody waiting.
func TestNameWithoutCertificateIsRefusedAndShown(t *testing.T) {
	h := newHouse(t)
	dead := freePort(t)
	h.leaf(t, "a.example")
	path := h.write(t, "\tacme_ca https://127.0.0.1:"+dead+"/dir\n\thttp_port "+freePort(t), "", "a.example")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ocsptest.WriteFile(t, h.dir, "Dwaarfile", append(text, "auto.example {\n\trespond hi\n}\n"...))
	h.start(t)
	if _, err := h.handshake("auto.example"); err == nil {
		t.Error("a name without certificate is served")
	}
	if _, err := h.handshake("a.example"); err != nil {
		t.Errorf("the other site: %v", err)
	}
	h.eventually(t, "the CA's failure in the status", func() bool {
		for _, c := range h.status(t).Certificates {
			if c.Names[0] == "auto.example" {
				return c.Source == "acme" && c.ACME != nil && strings.Contains(c.ACME.LastError, dead) && !c.ACME.NextTry.IsZero()
			}
		}
		return false
	})
}

// V3, V2: a manual certificate without a responder, revoked by its CRL.
func TestCRLRevokesAManualCertificate(t *testing.T) {
	h := newHouse(t)
	list := newList(t, h.ca)
	leaf := h.ca.Leaf(t, ocsptest.Names("a.example"), ocsptest.Modify(func(c *x509.Certificate) {
		c.OCSPServer, c.CRLDistributionPoints = nil, []string{list.url}
	}))
	leaf.Write(t, h.dir, "a.example")
	list.revoke(t, leaf)
	h.write(t, "", "", "a.example")
	h.start(t)
	h.eventually(t, "the refusal of what the CRL revokes", func() bool {
		_, err := h.handshake("a.example")
		return err != nil
	})
	c := h.status(t).Certificates[0]
	if !c.Revoked || c.CRL == nil || c.CRL.State != "revoked" || c.CRL.URL != list.url {
		t.Errorf("status: revoked %v, crl %+v", c.Revoked, c.CRL)
	}
}

// V3: `dwaar ocsp refresh` reads the list of a certificate without a responder.
func TestRefreshByHandReadsTheCRL(t *testing.T) {
	h := newHouse(t)
	list := newList(t, h.ca)
	leaf := h.ca.Leaf(t, ocsptest.Names("a.example"), ocsptest.Modify(func(c *x509.Certificate) {
		c.OCSPServer, c.CRLDistributionPoints = nil, []string{list.url}
	}))
	leaf.Write(t, h.dir, "a.example")
	list.revoke(t, h.ca.Leaf(t))
	h.write(t, "", "", "a.example")
	h.start(t)
	h.eventually(t, "the list in the status", func() bool {
		c := h.status(t).Certificates[0].CRL
		return c != nil && c.Reason == "good"
	})
	list.revoke(t, leaf)
	if said := h.admin(t, "POST", "/ocsp/refresh?name=a.example"); !bytes.Contains(said, []byte(`"reason":"revoked","staple"`)) {
		t.Errorf("refreshed: %s", said)
	}
	if _, err := h.handshake("a.example"); err == nil {
		t.Error("what the list revokes is served")
	}
}

// V2: where a responder is named for a certificate that has a CRL too, one of
// them is enough to revoke it, and the other cannot take that back.
func TestCertificateIsRevokedWhileOCSPOrItsCRLSaysSo(t *testing.T) {
	good := ocspsvc.Verdict{Status: ocspsvc.Good, Reason: ocspsvc.ReasonGood}
	for name, byOCSP := range map[string]bool{"by OCSP": true, "by CRL": false} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			list := newList(t, h.ca)
			leaf := h.ca.Leaf(t, ocsptest.Names("a.example"), ocsptest.Modify(func(c *x509.Certificate) {
				c.OCSPServer, c.CRLDistributionPoints = nil, []string{list.url}
			}))
			leaf.Write(t, h.dir, "a.example")
			ocsptest.WriteFile(t, h.dir, "issuer.pem", ocsptest.CertPEM(h.ca.Cert))
			if byOCSP {
				h.responder.Set(ocsptest.Revoked)
				list.revoke(t, h.ca.Leaf(t))
			} else {
				list.revoke(t, leaf)
			}
			h.write(t, "", "\t\tresponder issuer.pem "+h.url, "a.example")
			srv, _ := h.start(t)
			h.eventually(t, "the refusal", func() bool {
				_, err := h.handshake("a.example")
				return err != nil
			})
			if byOCSP {
				srv.ListSays(leaf.Fingerprint(), good)
			} else {
				srv.ResponderSays(leaf.Fingerprint(), good)
			}
			if staple, err := h.handshake("a.example"); err == nil {
				t.Errorf("it is served, with a staple of %d bytes", len(staple))
			}
		})
	}
}

func TestCRLOffChecksNothing(t *testing.T) {
	h := newHouse(t)
	list := newList(t, h.ca)
	leaf := h.ca.Leaf(t, ocsptest.Names("a.example"), ocsptest.Modify(func(c *x509.Certificate) {
		c.OCSPServer, c.CRLDistributionPoints = nil, []string{list.url}
	}))
	leaf.Write(t, h.dir, "a.example")
	list.revoke(t, leaf)
	h.write(t, "", "\t\tcrl off", "a.example")
	srv, _ := h.start(t)
	h.bare(t, "a.example")
	h.write(t, "", "\t\tcrl on", "a.example")
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.eventually(t, "the refusal after crl on", func() bool {
		_, err := h.handshake("a.example")
		return err != nil
	})
}

func TestUnreadableRootsOfACAAreReportedAtTheirLine(t *testing.T) {
	h := newHouse(t)
	ocsptest.WriteFile(t, h.dir, "empty.pem", []byte("nothing"))
	for _, file := range []string{"none.pem", "empty.pem"} {
		text := "{\n\tacme_ca https://ca.example/dir\n\tacme_ca_root " + file + "\n}\na.example {\n\trespond hi\n}\n"
		ocsptest.WriteFile(t, h.dir, "Dwaarfile", []byte(text))
		h.refused(t, "Dwaarfile:3:", file)
	}
}

// writeLocal makes a Dwaarfile of sites with automatic certificates.
func (h *house) writeLocal(t testing.TB, names ...string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "{\n\thttps_port %s\n\tdefault_bind 127.0.0.1\n\tauto_https disable_redirects\n}\n", h.port)
	for _, name := range names {
		fmt.Fprintf(&b, "%s {\n\trespond hi\n}\n", name)
	}
	ocsptest.WriteFile(t, h.dir, "Dwaarfile", []byte(b.String()))
}

// localLeaf is what a client that trusts the local CA gets.
func (h *house) localLeaf(name string) (*x509.Certificate, error) {
	root, err := os.ReadFile(filepath.Join(h.data(), "pki", "local", "root.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root)
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", "127.0.0.1:"+h.port,
		&tls.Config{ServerName: name, RootCAs: roots})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0], nil
}

func (h *house) awaitLocal(t *testing.T, name string) (leaf *x509.Certificate) {
	t.Helper()
	h.eventually(t, "a certificate for "+name, func() bool {
		var err error
		leaf, err = h.localLeaf(name)
		return err == nil
	})
	return leaf
}
