package ocspsvc_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	xocsp "golang.org/x/crypto/ocsp"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

// good is a single response about leaf that holds for a week.
func good(t testing.TB, leaf *ocsptest.Leaf) ocspsvc.Single {
	t.Helper()
	now := time.Now().Truncate(time.Second).UTC()
	return ocspsvc.Single{CertID: newID(t, leaf, crypto.SHA1), Status: ocspsvc.Good, ThisUpdate: now, NextUpdate: now.Add(7 * day)}
}

func sign(t testing.TB, ca *ocsptest.CA, template ocspsvc.Template) *ocspsvc.Response {
	t.Helper()
	response, err := template.Sign(ca.Cert, ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestResponsesKeepEveryOctetReceived(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf, responder := ca.Leaf(t), ocsptest.NewResponder(t, ca)
	for _, fault := range []ocsptest.Fault{ocsptest.Good, ocsptest.DelegateSecond, ocsptest.NonCritical, ocsptest.TryLater} {
		responder.Set(fault)
		der := responder.DER(leaf)
		want := bytes.Clone(der)
		response, err := ocspsvc.ParseResponse(der)
		if err != nil {
			t.Fatal(err)
		}
		clear(der) // the caller may use his buffer again
		if !bytes.Equal(response.Raw, want) {
			t.Errorf("%s: Raw is not what was received", fault)
		}
	}
}

func TestEverythingSignedIsReadBack(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf, delegate := ca.Leaf(t), ca.Delegate(t)
	one, two, three := good(t, leaf), good(t, leaf), good(t, ca.Leaf(t))
	two.Status, two.RevokedAt, two.RevocationReason = ocspsvc.Revoked, one.ThisUpdate.Add(-time.Hour), ocspsvc.AACompromise
	three.Status, three.NextUpdate = ocspsvc.Unknown, time.Time{}
	one.Extensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{1}}}
	template := ocspsvc.Template{
		Singles: []ocspsvc.Single{one, two, three}, ProducedAt: one.ThisUpdate.Add(-time.Minute), ResponderID: ocspsvc.ByName(delegate.Cert),
		Certificates: []*x509.Certificate{leaf.Cert, delegate.Cert, ca.Cert}, Nonce: []byte("nonce"),
		Extensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 4}, Value: []byte{2}}},
	}
	got, err := template.Sign(delegate.Cert, delegate.Key)
	if err != nil {
		t.Fatal(err)
	}
	if got.ResponseStatus != ocspsvc.Successful || !got.ProducedAt.Equal(template.ProducedAt) || string(got.Nonce) != "nonce" ||
		!bytes.Equal(got.ResponderID.Name, delegate.Cert.RawSubject) || got.SignatureAlgorithm != x509.ECDSAWithSHA256 {
		t.Errorf("read back %+v", got)
	}
	if len(got.Extensions) != 1 || !got.Extensions[0].Id.Equal(template.Extensions[0].Id) {
		t.Errorf("extensions = %+v", got.Extensions)
	}
	if !slices.EqualFunc(got.Certificates, template.Certificates, (*x509.Certificate).Equal) {
		t.Errorf("%d certificates", len(got.Certificates))
	}
	for i, single := range got.Singles {
		want := template.Singles[i]
		if single.Status != want.Status || !single.CertID.Equal(want.CertID) || single.RevokedAt != want.RevokedAt || single.RevocationReason != want.RevocationReason ||
			!single.ThisUpdate.Equal(want.ThisUpdate) || !single.NextUpdate.Equal(want.NextUpdate) || len(single.Extensions) != len(want.Extensions) {
			t.Errorf("single %d = %+v, want %+v", i, single, want)
		}
	}
}

func TestOthersReadOurResponses(t *testing.T) {
	for _, kind := range []ocsptest.KeyType{ocsptest.RSA, ocsptest.P256, ocsptest.P384} { // it knows no Ed25519
		ca := ocsptest.NewCA(t, ocsptest.Key(kind))
		leaf, responder := ca.Leaf(t), ocsptest.NewResponder(t, ca)
		for _, fault := range []ocsptest.Fault{ocsptest.Good, ocsptest.Revoked, ocsptest.Unknown, ocsptest.Delegated, ocsptest.ByName, ocsptest.NoNextUpdate} {
			responder.Set(fault)
			ours, err := ocspsvc.ParseResponse(responder.DER(leaf))
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := xocsp.ParseResponseForCert(ours.Raw, leaf.Cert, ca.Cert)
			if err != nil {
				t.Errorf("%s %s: x/crypto/ocsp says %v", kind, fault, err)
				continue
			}
			sameAs(t, ours, theirs)
		}
	}
}

// sameAs compares our reading with that of x/crypto/ocsp.
func sameAs(t *testing.T, ours *ocspsvc.Response, theirs *xocsp.Response) {
	t.Helper()
	one := ours.Singles[0]
	statuses := map[int]ocspsvc.Status{xocsp.Good: ocspsvc.Good, xocsp.Revoked: ocspsvc.Revoked, xocsp.Unknown: ocspsvc.Unknown}
	if one.Status != statuses[theirs.Status] || one.CertID.Serial.Cmp(theirs.SerialNumber) != 0 || one.CertID.Hash != theirs.IssuerHash ||
		!one.ThisUpdate.Equal(theirs.ThisUpdate) || !one.NextUpdate.Equal(theirs.NextUpdate) || !ours.ProducedAt.Equal(theirs.ProducedAt) ||
		!one.RevokedAt.Equal(theirs.RevokedAt) || int(one.RevocationReason) != theirs.RevocationReason ||
		ours.SignatureAlgorithm != theirs.SignatureAlgorithm || !bytes.Equal(ours.Signature, theirs.Signature) ||
		!bytes.Equal(ours.RawTBS, theirs.TBSResponseData) || !bytes.Equal(ours.ResponderID.KeyHash, theirs.ResponderKeyHash) {
		t.Errorf("we read %+v, x/crypto/ocsp %+v", ours, theirs)
	}
}

func TestWeReadResponsesOfOthers(t *testing.T) {
	now := time.Now().Truncate(time.Minute)
	for _, kind := range []ocsptest.KeyType{ocsptest.RSA, ocsptest.P256, ocsptest.P384} {
		ca := ocsptest.NewCA(t, ocsptest.Key(kind))
		leaf, delegate := ca.Leaf(t), ca.Delegate(t)
		for _, hash := range hashes() {
			for _, status := range []int{xocsp.Good, xocsp.Revoked, xocsp.Unknown} {
				template := xocsp.Response{
					Status: status, SerialNumber: leaf.Cert.SerialNumber, ThisUpdate: now, NextUpdate: now.Add(time.Hour),
					Certificate: delegate.Cert, IssuerHash: hash,
				}
				if status == xocsp.Revoked {
					template.RevokedAt, template.RevocationReason = now.Add(-time.Hour), xocsp.Superseded
				}
				der, err := xocsp.CreateResponse(ca.Cert, delegate.Cert, template, delegate.Key)
				if err != nil {
					t.Fatal(err)
				}
				ours, err := ocspsvc.ParseResponse(der)
				if err != nil {
					t.Fatal(err)
				}
				theirs, err := xocsp.ParseResponseForCert(der, leaf.Cert, ca.Cert)
				if err != nil {
					t.Fatal(err)
				}
				sameAs(t, ours, theirs)
				if _, err := ocspsvc.Verify(ours, leaf.Cert, ca.Cert, time.Now(), ocspsvc.VerifyOptions{Hash: hash}); err != nil {
					t.Errorf("%s %v %d: %v", kind, hash, status, err)
				}
			}
		}
	}
}

func TestErrorResponsesAreReadAndWritten(t *testing.T) {
	for status, name := range map[ocspsvc.ResponseStatus]string{
		ocspsvc.MalformedRequest: "malformedRequest", ocspsvc.InternalError: "internalError", ocspsvc.TryLater: "tryLater",
		ocspsvc.SigRequired: "sigRequired", ocspsvc.Unauthorized: "unauthorized",
	} {
		response, err := ocspsvc.ParseResponse(ocspsvc.MarshalError(status))
		if err != nil {
			t.Fatal(err)
		}
		if response.ResponseStatus != status || status.String() != name || !bytes.Equal(response.Raw, ocspsvc.ErrorResponse(status).Raw) {
			t.Errorf("%s: read %v", name, response.ResponseStatus)
		}
		theirs, ok := xocspError(ocspsvc.MarshalError(status))
		if !ok || theirs != int(status) {
			t.Errorf("%s: x/crypto/ocsp reads %v", name, theirs)
		}
	}
}

func xocspError(der []byte) (int, bool) {
	_, err := xocsp.ParseResponse(der, nil)
	e, ok := err.(xocsp.ResponseError)
	return int(e.Status), ok
}

func TestBadResponsesAreRefused(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	response := sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{good(t, leaf)}})
	whole := response.Raw
	basicOID := tlv(6, []byte{0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1})
	wrap := func(basic []byte) []byte {
		return seq(tlv(10, []byte{0}), tlv(0xa0, seq(basicOID, tlv(4, basic))))
	}
	algorithm, signature := seq(tlv(6, []byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2})), tlv(3, []byte{0, 1})
	id, date := newID(t, leaf, crypto.SHA1).Raw, tlv(24, []byte("20260102150405Z"))
	tbs := func(singles ...[]byte) []byte {
		return wrap(seq(seq(tlv(0xa2, tlv(4, []byte{1})), date, seq(singles...)), algorithm, signature))
	}
	if _, err := ocspsvc.ParseResponse(tbs(seq(id, tlv(0x80), date))); err != nil {
		t.Fatalf("the frame of the cases below is bad: %v", err)
	}
	certs := bytes.Repeat(leaf.Cert.Raw, 17)
	for _, test := range []struct {
		name string
		der  []byte
		want string
	}{
		{"empty", nil, "not a DER encoded OCSP response"},
		{"garbage", []byte("<html>"), "not a DER encoded OCSP response"},
		{"trailing octet", append(bytes.Clone(whole), 0), "not a DER encoded OCSP response"},
		{"truncated", whole[:len(whole)-1], "not a DER encoded OCSP response"},
		{"status 4", ocspsvc.MarshalError(4), "unknown response status 4"},
		{"status 7", ocspsvc.MarshalError(7), "unknown response status 7"},
		{"status -1", ocspsvc.MarshalError(255), "unknown response status -1"},
		{"error with content", seq(tlv(10, []byte{3}), tlv(0xa0, seq(basicOID, tlv(4)))), "tryLater with something behind it"},
		{"successful without content", ocspsvc.MarshalError(ocspsvc.Successful), "without readable response bytes"},
		{"other type", seq(tlv(10, []byte{0}), tlv(0xa0, seq(tlv(6, []byte{0x2a, 3}), tlv(4)))), "response of type 1.2.3"},
		{"empty basic response", wrap(nil), "unreadable basic response"},
		{"no signature", wrap(seq(seq())), "unreadable signature"},
		{"signature of half octets", wrap(seq(seq(), algorithm, tlv(3, []byte{4, 0x10}))), "unreadable signature"},
		{"17 certificates", wrap(seq(seq(), algorithm, signature, tlv(0xa0, seq(certs)))), "more than 16, embedded certificates"},
		{"certificates of integers", wrap(seq(seq(), algorithm, signature, tlv(0xa0, seq(tlv(2, []byte{1}))))), "embedded certificates"},
		{"version 2", wrap(seq(seq(tlv(0xa0, tlv(2, []byte{1})), tlv(0xa2, tlv(4, []byte{1})), date, seq()), algorithm, signature)), "unreadable response data"},
		{"no ResponderID", wrap(seq(seq(date, seq()), algorithm, signature)), "unreadable response data"},
		{"empty ResponderID", wrap(seq(seq(tlv(0xa2, tlv(4)), date, seq()), algorithm, signature)), "unreadable response data"},
		{"fraction of a second", wrap(seq(seq(tlv(0xa2, tlv(4, []byte{1})), tlv(24, []byte("20260102150405.5Z")), seq()), algorithm, signature)), "unreadable response data"},
		{"local time", tbs(seq(id, tlv(0x80), tlv(24, []byte("20260102150405+0100")))), "unreadable response data"},
		{"13th month", tbs(seq(id, tlv(0x80), tlv(24, []byte("20261302150405Z")))), "unreadable response data"},
		{"fourth status", tbs(seq(id, tlv(0x83), date)), "unreadable response data"},
		{"good with content", tbs(seq(id, tlv(0x80, []byte{1}), date)), "unreadable response data"},
		{"revoked without time", tbs(seq(id, tlv(0xa1), date)), "unreadable response data"},
		{"two reasons", tbs(seq(id, tlv(0xa1, date, tlv(0xa0, tlv(10, []byte{1}), tlv(10, []byte{2}))), date)), "unreadable response data"},
		{"octets behind a CertID", tbs(seq(seq(id[2:], tlv(5)), tlv(0x80), date)), "unreadable response data"},
		{"octets behind the response data", wrap(seq(seq(tlv(0xa2, tlv(4, []byte{1})), date, seq(), tlv(5)), algorithm, signature)), "unreadable response data"},
		{"octets behind a single", tbs(seq(id, tlv(0x80), date, tlv(5))), "unreadable response data"},
	} {
		got, err := ocspsvc.ParseResponse(test.der)
		if ocspsvc.ReasonOf(err) != ocspsvc.ReasonMalformed || !strings.Contains(err.Error(), test.want) || got != nil {
			t.Errorf("%s: %v and error %v, want malformed with %q", test.name, got, err, test.want)
		}
	}
	_, err := ocspsvc.ParseResponse(make([]byte, ocspsvc.MaxResponseSize+1))
	if ocspsvc.ReasonOf(err) != ocspsvc.ReasonTooLarge || !strings.Contains(err.Error(), "16381 octets") {
		t.Errorf("over the limit: %v", err)
	}
}

// The signature does not cover the embedded certificates, so anybody on the way
// may add one; OpenSSL and GnuTLS then refuse the whole as a staple (S4).
func TestAnUnreadableEmbeddedCertificateSpoilsTheResponse(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf, delegate := ca.Leaf(t), ca.Delegate(t)
	odd := &x509.Certificate{Raw: seq(seq(), seq(), tlv(3, []byte{0}))}
	_, err := ocspsvc.Template{
		Singles: []ocspsvc.Single{good(t, leaf)}, Certificates: []*x509.Certificate{delegate.Cert, odd},
	}.Sign(delegate.Cert, delegate.Key)
	if ocspsvc.ReasonOf(err) != ocspsvc.ReasonMalformed || !strings.Contains(err.Error(), "embedded certificate 2") {
		t.Errorf("error %v", err)
	}
}

func TestEverySignatureAlgorithmIsVerified(t *testing.T) {
	for kind, algorithms := range map[ocsptest.KeyType][]x509.SignatureAlgorithm{
		ocsptest.RSA:  {0, x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA, x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS},
		ocsptest.P256: {0, x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512},
		ocsptest.P384: {0}, ocsptest.Ed25519: {0, x509.PureEd25519},
	} {
		ca := ocsptest.NewCA(t, ocsptest.Key(kind))
		leaf := ca.Leaf(t)
		for _, algorithm := range algorithms {
			response := sign(t, ca, ocspsvc.Template{Singles: []ocspsvc.Single{good(t, leaf)}, Algorithm: algorithm})
			if algorithm != 0 && response.SignatureAlgorithm != algorithm {
				t.Errorf("signed by %v, want %v", response.SignatureAlgorithm, algorithm)
			}
			if _, err := ocspsvc.Verify(response, leaf.Cert, ca.Cert, time.Now(), ocspsvc.VerifyOptions{}); err != nil {
				t.Errorf("%v: %v", response.SignatureAlgorithm, err)
			}
			response.Signature[5] ^= 1
			_, err := ocspsvc.Verify(response, leaf.Cert, ca.Cert, time.Now(), ocspsvc.VerifyOptions{})
			if ocspsvc.ReasonOf(err) != ocspsvc.ReasonBadSignature {
				t.Errorf("%v: a changed signature gives %v", response.SignatureAlgorithm, err)
			}
		}
	}
}

func TestOpenSSLResponsesAreVerified(t *testing.T) {
	ca := ocsptest.NewCA(t, ocsptest.Key(ocsptest.RSA))
	leaf, dir := ca.Leaf(t, ocsptest.Serial(0x1234)), t.TempDir()
	issuer := ocsptest.WriteFile(t, dir, "issuer.pem", ocsptest.CertPEM(ca.Cert))
	key := ocsptest.WriteFile(t, dir, "issuer.key", ocsptest.KeyPEM(t, ca.Key, ocsptest.PKCS1))
	cert := ocsptest.WriteFile(t, dir, "leaf.pem", ocsptest.CertPEM(leaf.Cert))
	index := ocsptest.WriteFile(t, dir, "index.txt", []byte("V\t350101000000Z\t\t1234\tunknown\t/CN=localhost\n"))
	for _, extra := range [][]string{
		{"-ndays", "1"},
		{"-nmin", "5", "-resp_key_id", "-sha256"},
		{"-ndays", "1", "-rmd", "sha384", "-resp_no_certs"},
		{"-ndays", "1", "-rsigopt", "rsa_padding_mode:pss"},
		{"-ndays", "1", "-rsigopt", "rsa_padding_mode:pss", "-rsigopt", "rsa_pss_saltlen:20", "-rmd", "sha512"},
	} {
		args := append([]string{"ocsp", "-index", index, "-CA", issuer, "-rsigner", issuer, "-rkey", key, "-issuer", issuer}, extra...)
		out, err := exec.CommandContext(t.Context(), "openssl", append(args, "-cert", cert, "-respout", "/dev/stdout", "-noverify")...).Output()
		if err != nil {
			t.Fatalf("openssl %v: %v", extra, err)
		}
		der := out[bytes.IndexByte(out, 0x30):] // before it may stand a line about the response
		if n := 4 + int(der[2])<<8 + int(der[3]); len(der) > n {
			der = der[:n]
		}
		response, err := ocspsvc.ParseResponse(der)
		if err != nil {
			t.Errorf("openssl %v: %v", extra, err)
			continue
		}
		verdict, err := ocspsvc.Verify(response, leaf.Cert, ca.Cert, time.Now(), ocspsvc.VerifyOptions{})
		if err != nil || verdict.Status != ocspsvc.Good {
			t.Errorf("openssl %v: %v %v (%v)", extra, verdict.Status, err, response.SignatureAlgorithm)
		}
	}
}

func TestTemplatesThatMakeNoSenseAreNotSigned(t *testing.T) {
	ca := ocsptest.NewCA(t)
	single := good(t, ca.Leaf(t))
	noStatus, noID, far := single, single, single
	noStatus.Status, noID.CertID, far.NextUpdate = 0, ocspsvc.CertID{}, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		want     string
		template ocspsvc.Template
		signer   *x509.Certificate
	}{
		{"needs a status", ocspsvc.Template{Singles: []ocspsvc.Single{noStatus}}, ca.Cert},
		{"and a serial", ocspsvc.Template{Singles: []ocspsvc.Single{noID}}, ca.Cert},
		{"unreadable response data", ocspsvc.Template{Singles: []ocspsvc.Single{far}}, ca.Cert},
		{"cannot sign by SHA256-RSA with a key of type *ecdsa.PublicKey", ocspsvc.Template{Algorithm: x509.SHA256WithRSA}, ca.Cert},
		{"needs a ResponderID", ocspsvc.Template{}, &x509.Certificate{}},
	} {
		if _, err := test.template.Sign(test.signer, ca.Key); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error = %v, want one with %q", err, test.want)
		}
	}
	if _, err := (ocspsvc.Template{}).Sign(ca.Cert, oddKey{}); err == nil || !strings.Contains(err.Error(), "key of type string") {
		t.Errorf("error = %v, want one about the key", err)
	}
	if _, err := (ocspsvc.Template{Singles: []ocspsvc.Single{single}}).Sign(ca.Cert, brokenKey{ca.Key}); err == nil || !strings.Contains(err.Error(), "token unplugged") {
		t.Errorf("error = %v, want the key's", err)
	}
}

// oddKey is of a type nobody knows.
type oddKey struct{ crypto.Signer }

func (oddKey) Public() crypto.PublicKey { return "odd" }

// brokenKey fails to sign.
type brokenKey struct{ crypto.Signer }

func (brokenKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("token unplugged")
}

func extensions(id asn1.ObjectIdentifier, value []byte) []pkix.Extension {
	return []pkix.Extension{{Id: id, Value: value}}
}
