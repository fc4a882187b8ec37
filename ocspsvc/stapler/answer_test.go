package stapler_test

import (
	"crypto"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

// answer is a response made by hand, valid for 7 days unless it says otherwise.
type answer struct {
	status ocspsvc.Status // 0 is good
	this   time.Duration  // thisUpdate, from now
	next   time.Duration  // nextUpdate, from now; 0 is 7 days
	made   time.Duration  // producedAt, after thisUpdate
	signer *ocsptest.Leaf // nil is the CA itself
}

// sign makes the answer of ca about leaf.
func (a answer) sign(t testing.TB, ca *ocsptest.CA, leaf *ocsptest.Leaf) []byte {
	t.Helper()
	id, err := ocspsvc.NewCertID(leaf.Cert, ca.Cert, crypto.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second)
	single := ocspsvc.Single{CertID: id, Status: ocspsvc.Good, ThisUpdate: now.Add(a.this), NextUpdate: now.Add(7 * day)}
	if a.next != 0 {
		single.NextUpdate = now.Add(a.next)
	}
	if a.status != 0 {
		single.Status = a.status
	}
	if a.status == ocspsvc.Revoked {
		single.RevokedAt, single.RevocationReason = now.Add(a.this), ocspsvc.CertificateHold
	}
	template := ocspsvc.Template{Singles: []ocspsvc.Single{single}, ProducedAt: now.Add(min(a.this, 0) + a.made)}
	cert, key := ca.Cert, ca.Key
	if a.signer != nil {
		cert, key = a.signer.Cert, a.signer.Key
		template.Certificates = append(template.Certificates, cert)
	}
	r, err := template.Sign(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return r.Raw
}
