package responder_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

func TestSignerSaysWhatTheRecordsSay(t *testing.T) { synctest.Test(t, signerSaysWhatTheRecordsSay) }

func signerSaysWhatTheRecordsSay(t *testing.T) {
	for _, delegated := range []bool{false, true} {
		ca := ocsptest.NewCA(t)
		keys := keysOf(ca.Cert, nil, ca.Key)
		if delegated {
			delegate := ca.Delegate(t)
			keys = keysOf(ca.Cert, delegate.Cert, delegate.Key)
		}
		records := responder.NewMemory()
		signer, err := responder.NewSigner(responder.Config{Validity: time.Hour}, keys, records, nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, revokedAt := ca.Leaf(t), time.Now().Add(-time.Hour).Truncate(time.Second)
		for _, record := range []responder.Record{
			{},
			{Status: ocspsvc.Good},
			{Status: ocspsvc.Revoked, RevokedAt: revokedAt, Reason: ocspsvc.Superseded},
			{},
		} {
			records.Set(responder.IssuerIDOf(ca.Cert), leaf.Cert.SerialNumber, record)
			verdict := ask(t, signer, ca, leaf)
			want := record.Status
			wantLife := time.Hour
			if want == 0 {
				want, wantLife = ocspsvc.Unknown, 15*time.Minute // never good for what is not in the records
			}
			if verdict.Status != want || !verdict.RevokedAt.Equal(record.RevokedAt) || verdict.RevocationReason != record.Reason {
				t.Errorf("verdict %+v, want record %+v", verdict, record)
			}
			if life := verdict.NextUpdate.Sub(verdict.ThisUpdate); life != wantLife {
				t.Errorf("life = %v, want %v", life, wantLife)
			}
			if named := strings.Contains(verdict.Responder, "test responder"); named != delegated {
				t.Errorf("responder = %q, delegate %v", verdict.Responder, delegated)
			}
			time.Sleep(time.Second)
		}
	}
}

func ask(t *testing.T, source ocspsvc.Source, ca *ocsptest.CA, leaf *ocsptest.Leaf) ocspsvc.Verdict {
	t.Helper()
	response, err := source.Respond(t.Context(), request(t, ca, leaf, crypto.SHA256))
	if err != nil {
		t.Fatal(err)
	}
	verdict, err := ocspsvc.Verify(response, leaf.Cert, ca.Cert, time.Now(), ocspsvc.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return verdict
}

func request(t *testing.T, ca *ocsptest.CA, leaf *ocsptest.Leaf, hashes ...crypto.Hash) *ocspsvc.Request {
	t.Helper()
	req := &ocspsvc.Request{}
	for _, hash := range hashes {
		id, err := ocspsvc.NewCertID(leaf.Cert, ca.Cert, hash)
		if err != nil {
			t.Fatal(err)
		}
		req.CertIDs = append(req.CertIDs, id)
	}
	return req
}

func TestSignerEchoesEveryCertIDOnceByteForByte(t *testing.T) {
	r := newRoom(t, "")
	req := request(t, r.ca, r.leaf, crypto.SHA384, crypto.SHA1, crypto.SHA384, crypto.SHA512)
	// A hash without parameters instead of NULL ones, which few clients send.
	req.CertIDs[1].Raw = bytes.Replace(req.CertIDs[1].Raw, []byte{0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00},
		[]byte{0x30, 0x07, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a}, 1)
	req.CertIDs[1].Raw[1] -= 2
	der, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	response, err := r.signer.Respond(t.Context(), parseRequest(t, der))
	if err != nil {
		t.Fatal(err)
	}
	want := []ocspsvc.CertID{req.CertIDs[0], req.CertIDs[1], req.CertIDs[3]}
	if len(response.Singles) != len(want) {
		t.Fatalf("%d singles, want %d", len(response.Singles), len(want))
	}
	for i := range want {
		if !bytes.Equal(response.Singles[i].CertID.Raw, want[i].Raw) {
			t.Errorf("CertID %d = % x, want % x", i, response.Singles[i].CertID.Raw, want[i].Raw)
		}
	}
}

func TestRSAKeysSignByPSSIfWanted(t *testing.T) {
	for _, pss := range []bool{false, true} {
		for kind, want := range map[ocsptest.KeyType][2]x509.SignatureAlgorithm{
			ocsptest.RSA:  {x509.SHA256WithRSA, x509.SHA256WithRSAPSS},
			ocsptest.P384: {x509.ECDSAWithSHA384, x509.ECDSAWithSHA384},
		} {
			d := newDesk(t, responder.Config{}, ocsptest.Key(kind))
			delegate := d.ca.Delegate(t, ocsptest.Key(kind))
			for _, keys := range []responder.Keys{d.keys, keysOf(d.ca.Cert, delegate.Cert, delegate.Key)} {
				d.keys = keys
				d.open(t, responder.Config{RSAPSS: pss})
				response := d.post(t, requestDER(t, d.certID(t, crypto.SHA1)))
				algorithm := want[0]
				if pss {
					algorithm = want[1]
				}
				if d.verify(t, response).Status != ocspsvc.Good || response.SignatureAlgorithm != algorithm {
					t.Errorf("%s, pss %v: %s by %v, want %v", kind, pss, word(response), response.SignatureAlgorithm, algorithm)
				}
			}
		}
	}
}

func TestSignerIsNotForOtherIssuers(t *testing.T) {
	r := newRoom(t, "")
	twin := r.ca.Twin(t)
	req := request(t, r.ca, r.leaf, crypto.SHA1)
	req.CertIDs = append(req.CertIDs, request(t, twin, twin.Leaf(t), crypto.SHA1).CertIDs...)
	if _, err := r.signer.Respond(t.Context(), req); !errors.Is(err, ocspsvc.ErrNotOurs) {
		t.Errorf("error = %v, want ErrNotOurs", err)
	}
}

func TestNewSignerRefusesWhatNobodyWouldBelieve(t *testing.T) {
	ca := ocsptest.NewCA(t)
	twin, leaf, delegate := ca.Twin(t), ca.Leaf(t), ca.Delegate(t)
	expired, foreign := ca.Delegate(t, ocsptest.Validity(-48*time.Hour, -time.Hour)), twin.Delegate(t)
	records := responder.NewMemory()
	twice := keysOf(ca.Cert, nil, ca.Key)
	twice.Authorities = append(twice.Authorities, twice.Authorities[0])
	short, negative := responder.Config{Validity: 5}, responder.Config{Validity: -1}
	for _, test := range []struct {
		name    string
		cfg     responder.Config
		keys    responder.Keys
		records responder.Records
		want    string
	}{
		{"no issuer", responder.Config{}, keysOf(nil, nil, ca.Key), records, "needs an issuer and a key"},
		{"no key", responder.Config{}, keysOf(ca.Cert, nil, nil), records, "needs an issuer and a key"},
		{"no authority", responder.Config{}, responder.Keys{}, records, "needs records, and 1 to 255 authorities"},
		{"the same issuer twice", responder.Config{}, twice, records, "is named twice"},
		{"no records", responder.Config{}, keysOf(ca.Cert, nil, ca.Key), nil, "needs records, and 1 to 255 authorities"},
		{"short validity", short, keysOf(ca.Cert, nil, ca.Key), records, "validity: 5ns is not between 1m0s and"},
		{"negative validity", negative, keysOf(ca.Cert, nil, ca.Key), records, "validity: -1ns is not between"},
		{"another key", responder.Config{}, keysOf(ca.Cert, nil, twin.Key), records, "bad_signature"},
		{"leaf", responder.Config{}, keysOf(ca.Cert, leaf.Cert, leaf.Key), records, "no extended key usage OCSPSigning"},
		{"foreign", responder.Config{}, keysOf(ca.Cert, foreign.Cert, foreign.Key), records, "unauthorized_signer"},
		{"expired", responder.Config{}, keysOf(ca.Cert, expired.Cert, expired.Key), records, "expired"},
		{"key of the issuer", responder.Config{}, keysOf(ca.Cert, delegate.Cert, ca.Key), records, "bad_signature"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := responder.NewSigner(test.cfg, test.keys, test.records, nil); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one with %q", err, test.want)
			}
		})
	}
}

func keysOf(issuer, signer *x509.Certificate, key crypto.Signer) responder.Keys {
	return responder.Keys{Authorities: []responder.Authority{{Issuer: issuer, Signer: signer, Key: key}}}
}

// brokenRecords answer with what they are.
type brokenRecords struct {
	record responder.Record
	err    error
}

func (b brokenRecords) Record(context.Context, responder.IssuerID, *big.Int) (responder.Record, error) {
	return b.record, b.err
}

func TestBrokenRecordsAreNeverAnswered(t *testing.T) {
	ca, hour := ocsptest.NewCA(t), time.Now().Add(-time.Hour)
	for _, test := range []struct {
		name    string
		records brokenRecords
		want    ocspsvc.ResponseStatus
	}{
		{"trouble", brokenRecords{err: errors.New("disk on fire")}, ocspsvc.TryLater},
		{"bad", brokenRecords{err: fmt.Errorf("row 7: %w", responder.ErrBadRecord)}, ocspsvc.InternalError},
		{"revoked at no time", brokenRecords{record: responder.Record{Status: ocspsvc.Revoked}}, ocspsvc.InternalError},
		{"unknown", brokenRecords{record: responder.Record{Status: ocspsvc.Unknown}}, ocspsvc.InternalError},
		{"zero", brokenRecords{}, ocspsvc.InternalError},
		{"good with a time", brokenRecords{record: responder.Record{Status: ocspsvc.Good, RevokedAt: hour}}, ocspsvc.InternalError},
		{"good with a reason", brokenRecords{record: responder.Record{Status: ocspsvc.Good, Reason: 1}}, ocspsvc.InternalError},
		{"no reason", brokenRecords{record: responder.Record{Status: ocspsvc.Revoked, RevokedAt: hour, Reason: 7}}, ocspsvc.InternalError},
		{"removed", brokenRecords{record: responder.Record{Status: ocspsvc.Revoked, RevokedAt: hour, Reason: 8}}, ocspsvc.InternalError},
	} {
		signer, err := responder.NewSigner(responder.Config{}, keysOf(ca.Cert, nil, ca.Key), test.records, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := signer.Respond(t.Context(), request(t, ca, ca.Leaf(t), crypto.SHA1))
		if err != nil || response.ResponseStatus != test.want {
			t.Errorf("%s: %v and %v, want %s", test.name, response, err, test.want)
		}
	}
}
