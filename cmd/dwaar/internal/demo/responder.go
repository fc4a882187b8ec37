package demo

import (
	"context"
	"path/filepath"
	"time"

	"dwaar/ocspsvc"
)

// Lifetimes of what the demo's responder says.
const (
	answerAge  = time.Minute // clients' clocks may be a little behind
	answerLife = time.Hour
)

// records answers for the demo's intermediate: good for its leaf, revoked if the
// text file says so, unknown for what it never issued. The delegate signs.
type records struct {
	pki     *pki
	revoked *revocations
}

func newRecords(dir string, p *pki) *records {
	return &records{pki: p, revoked: newRevocations(filepath.Join(dir, revokedFile))}
}

// Respond is an ocspsvc.Source.
func (r *records) Respond(_ context.Context, req *ocspsvc.Request) (*ocspsvc.Response, error) {
	now := time.Now().UTC().Truncate(time.Second)
	template := ocspsvc.Template{ProducedAt: now, Nonce: req.Nonce}
	for _, id := range req.CertIDs {
		if !id.MatchesIssuer(r.pki.intermediate.cert) {
			return nil, ocspsvc.ErrNotOurs
		}
		single, err := r.single(id)
		if err != nil {
			return nil, err
		}
		single.ThisUpdate, single.NextUpdate = now.Add(-answerAge), now.Add(answerLife)
		template.Singles = append(template.Singles, single)
	}
	template.Certificates = append(template.Certificates, r.pki.signer.cert)
	return template.Sign(r.pki.signer.cert, r.pki.signer.key)
}

func (r *records) single(id ocspsvc.CertID) (ocspsvc.Single, error) {
	leaf := r.pki.leaf.cert
	if !id.Matches(leaf, r.pki.intermediate.cert) {
		return ocspsvc.Single{CertID: id, Status: ocspsvc.Unknown}, nil
	}
	found, err := r.revoked.of(leaf.Subject.CommonName, leaf.SerialNumber.Text(16))
	if err != nil {
		return ocspsvc.Single{}, err
	}
	if found == nil {
		return ocspsvc.Single{CertID: id, Status: ocspsvc.Good}, nil
	}
	return ocspsvc.Single{CertID: id, Status: ocspsvc.Revoked, RevokedAt: found.at.UTC().Truncate(time.Second), RevocationReason: found.reason}, nil
}
