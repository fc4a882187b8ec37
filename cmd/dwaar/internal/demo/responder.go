package demo

import (
	"context"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"path/filepath"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// answerLife is from thisUpdate to nextUpdate of what the demo's responder says.
const answerLife = time.Hour

// newResponder answers for the demo's intermediate; the delegate signs.
func newResponder(dir string, p *pki, log *slog.Logger) (http.Handler, error) {
	keys := responder.Keys{Authorities: []responder.Authority{
		{Issuer: p.intermediate.cert, Signer: p.signer.cert, Key: p.signer.key},
	}}
	signer, err := responder.NewSigner(responder.Config{Validity: answerLife}, keys, records{
		leaf: p.leaf.cert.SerialNumber, name: p.leaf.cert.Subject.CommonName, revoked: newRevocations(filepath.Join(dir, revokedFile)),
	}, log)
	if err != nil {
		return nil, err
	}
	return responder.Handler(signer, responder.Options{Log: log}), nil
}

// records know the one leaf: good, or revoked if the text file says so.
type records struct {
	leaf    *big.Int
	name    string
	revoked *revocations
}

// Record is a responder.Records.
func (r records) Record(_ context.Context, _ responder.IssuerID, serial *big.Int) (responder.Record, error) {
	if serial.Cmp(r.leaf) != 0 {
		return responder.Record{}, responder.ErrNoRecord
	}
	found, err := r.revoked.of(r.name, serial.Text(16))
	if err != nil { // nothing in the file counts then
		return responder.Record{}, fmt.Errorf("%w: %w", responder.ErrBadRecord, err)
	}
	if found == nil {
		return responder.Record{Status: ocspsvc.Good}, nil
	}
	return responder.Record{Status: ocspsvc.Revoked, RevokedAt: found.at.UTC().Truncate(time.Second), Reason: found.reason}, nil
}
