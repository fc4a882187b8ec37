package responder_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

func TestSignerSaysWhatTheRecordsSay(t *testing.T) {
	for _, delegated := range []bool{false, true} {
		ca := ocsptest.NewCA(t)
		cfg := responder.SignerConfig{Issuer: ca.Cert, Key: ca.Key, Validity: time.Hour}
		if delegated {
			delegate := ca.Delegate(t)
			cfg.Cert, cfg.Key = delegate.Cert, delegate.Key
		}
		records := responder.NewMemory()
		signer, err := responder.NewSigner(cfg, records)
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
			records.Set(leaf.Cert.SerialNumber, record)
			verdict := ask(t, signer, ca, leaf)
			want := record.Status
			if want == 0 {
				want = ocspsvc.Unknown // never good for what is not in the records
			}
			if verdict.Status != want || !verdict.RevokedAt.Equal(record.RevokedAt) || verdict.RevocationReason != record.Reason {
				t.Errorf("verdict %+v, want record %+v", verdict, record)
			}
			if life := verdict.NextUpdate.Sub(verdict.ThisUpdate); life != time.Hour {
				t.Errorf("life = %v, want 1h", life)
			}
			if named := strings.Contains(verdict.Responder, "test responder"); named != delegated {
				t.Errorf("responder = %q, delegate %v", verdict.Responder, delegated)
			}
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
	for _, test := range []struct {
		name    string
		cfg     responder.SignerConfig
		records responder.Records
		want    string
	}{
		{"no issuer", responder.SignerConfig{Key: ca.Key}, records, "needs an issuer, a key and records"},
		{"no key", responder.SignerConfig{Issuer: ca.Cert}, records, "needs an issuer, a key and records"},
		{"no records", responder.SignerConfig{Issuer: ca.Cert, Key: ca.Key}, nil, "needs an issuer, a key and records"},
		{"short validity", responder.SignerConfig{Issuer: ca.Cert, Key: ca.Key, Validity: 5}, records, "at least for 1s"},
		{"negative validity", responder.SignerConfig{Issuer: ca.Cert, Key: ca.Key, Validity: -1}, records, "at least for 1s"},
		{"another key", responder.SignerConfig{Issuer: ca.Cert, Key: twin.Key}, records, "bad_signature"},
		{"leaf", responder.SignerConfig{Issuer: ca.Cert, Cert: leaf.Cert, Key: leaf.Key}, records, "no extended key usage OCSPSigning"},
		{"foreign", responder.SignerConfig{Issuer: ca.Cert, Cert: foreign.Cert, Key: foreign.Key}, records, "unauthorized_signer"},
		{"expired", responder.SignerConfig{Issuer: ca.Cert, Cert: expired.Cert, Key: expired.Key}, records, "expired"},
		{"key of the issuer", responder.SignerConfig{Issuer: ca.Cert, Cert: delegate.Cert, Key: ca.Key}, records, "bad_signature"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := responder.NewSigner(test.cfg, test.records); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one with %q", err, test.want)
			}
		})
	}
}

// brokenRecords answer with what they are.
type brokenRecords struct {
	record responder.Record
	err    error
}

func (b brokenRecords) Record(context.Context, *big.Int) (responder.Record, error) {
	return b.record, b.err
}

func TestBrokenRecordsAreNeverAnswered(t *testing.T) {
	ca := ocsptest.NewCA(t)
	for _, test := range []struct {
		records brokenRecords
		want    string
	}{
		{brokenRecords{err: errors.New("disk on fire")}, "disk on fire"},
		{brokenRecords{record: responder.Record{Status: ocspsvc.Revoked}}, "does not say when it was revoked"},
		{brokenRecords{record: responder.Record{Status: ocspsvc.Unknown}}, `has status "unknown"`},
	} {
		signer, err := responder.NewSigner(responder.SignerConfig{Issuer: ca.Cert, Key: ca.Key}, test.records)
		if err != nil {
			t.Fatal(err)
		}
		_, err = signer.Respond(t.Context(), request(t, ca, ca.Leaf(t), crypto.SHA1))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error = %v, want one with %q", err, test.want)
		}
	}
}
