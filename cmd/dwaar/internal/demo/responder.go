package demo

import (
	"context"
	"errors"
	"time"

	"dwaar/cmd/dwaar/internal/alone"
	"dwaar/cmd/dwaar/internal/responders"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/responder"
)

// databaseFile has the records of the demo's CA.
const databaseFile = "certs.db"

// answerLife is from thisUpdate to nextUpdate of what the demo's responder says.
const answerLife = time.Hour

// register has the leaf in the database, as the CA would that issued it, and
// notes what that knows about it: in the last run it may have been revoked.
func (s *setup) register(ctx context.Context) (err error) {
	db, err := certdb.Create(ctx, s.database())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	issuer := s.pki.intermediate.cert
	if _, err := db.Add(ctx, issuer, certdb.Of(s.pki.leaf.cert)); err != nil {
		return err
	}
	s.record, err = db.Record(ctx, responder.IssuerIDOf(issuer), s.pki.leaf.cert.SerialNumber)
	return err
}

func (s *setup) database() certdb.DSN { return certdb.DSN("sqlite:" + s.path(databaseFile)) }

// responder answers for the demo's intermediate; the delegate signs.
func (s *setup) responder(o Options) *alone.Server {
	return responders.NewServer(responders.Config{
		Answers: responder.Config{
			Issuers: []string{s.path(intermediateFile)}, Validity: answerLife,
			Signers: []responder.Pair{{Certificate: s.path(signerFile), Key: s.path(signerKey)}},
		},
		Records: certdb.Config{Database: s.database()},
	}, alone.Options{}, o.Log)
}
