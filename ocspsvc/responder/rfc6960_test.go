package responder_test

import (
	"bytes"
	"crypto"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// The rules are those of RFC 6960, and their numbers the project's.

func TestR01PostAndGetAreAnsweredByHTTP200ErrorsIncluded(t *testing.T) {
	d := newDesk(t, responder.Config{Unissued: responder.UnissuedUnauthorized})
	der := requestDER(t, d.certID(t, crypto.SHA1))
	target := "/" + url.PathEscape(base64.StdEncoding.EncodeToString(der))
	foreign := d.certID(t, crypto.SHA1)
	foreign.KeyHash, foreign.Raw = make([]byte, 20), nil
	for _, test := range []struct {
		name, method, target string
		body                 []byte
		want                 string
	}{
		{"POST", http.MethodPost, "/", der, "good"},
		{"POST elsewhere", http.MethodPost, "/any/where", der, "good"},
		{"GET", http.MethodGet, target, nil, "good"},
		{"GET elsewhere", http.MethodGet, "/any//where" + target, nil, "good"},
		{"GET of something else", http.MethodGet, "/robots.txt", nil, "malformedRequest"},
		{"POST of nothing", http.MethodPost, "/", nil, "malformedRequest"},
		{"unissued", http.MethodPost, "/", requestDER(t, d.serialID(t, big.NewInt(5), crypto.SHA1)), "unauthorized"},
		{"another issuer", http.MethodPost, "/", requestDER(t, foreign), "unauthorized"},
	} {
		w := d.do(test.method, test.target, test.body, nil)
		response, err := ocspsvc.ParseResponse(w.Body.Bytes())
		if err != nil || w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/ocsp-response" || word(response) != test.want {
			t.Errorf("%s: HTTP %d, %s, %v, % x; want %s", test.name, w.Code, w.Header().Get("Content-Type"), err, w.Body.Bytes(), test.want)
		}
	}
}

func TestR02AnswersAreSignedAndErrorsAreFiveOctets(t *testing.T) {
	d := newDesk(t, responder.Config{})
	delegate := d.ca.Delegate(t)
	for _, keys := range []responder.Keys{d.keys, keysOf(d.ca.Cert, delegate.Cert, delegate.Key)} {
		d.keys = keys
		d.open(t, responder.Config{})
		if got := d.verify(t, d.post(t, requestDER(t, d.certID(t, crypto.SHA1)))).Status; got != ocspsvc.Good {
			t.Errorf("status %s", got)
		}
	}
	d.records.down.Store(true)
	d.open(t, responder.Config{})
	for _, test := range []struct {
		name string
		body []byte
		want []byte
	}{
		{"malformedRequest", []byte("garbage"), []byte{0x30, 3, 0x0a, 1, 1}},
		{"tryLater", requestDER(t, d.certID(t, crypto.SHA1)), []byte{0x30, 3, 0x0a, 1, 3}},
	} {
		if got := d.do(http.MethodPost, "/", test.body, nil).Body.Bytes(); !bytes.Equal(got, test.want) {
			t.Errorf("%s is % x, want % x", test.name, got, test.want)
		}
	}
	d.openOver(t, responder.Config{}, brokenRecords{err: responder.ErrBadRecord})
	if got := d.do(http.MethodPost, "/", requestDER(t, d.certID(t, crypto.SHA1)), nil).Body.Bytes(); !bytes.Equal(got, []byte{0x30, 3, 0x0a, 1, 2}) {
		t.Errorf("internalError is % x", got)
	}
	if !strings.Contains(d.logged.String(), "contradicts itself") {
		t.Errorf("a record that contradicts itself is not in the log:\n%s", d.logged)
	}
}

func TestR03EachCertIDIsAnsweredOnceInOrderByteForByte(t *testing.T) {
	d := newDesk(t, responder.Config{})
	short := d.certID(t, crypto.SHA1) // a hash without parameters, which few clients send
	short.Raw = bytes.Replace(short.Raw, []byte{0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00},
		[]byte{0x30, 0x07, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a}, 1)
	short.Raw[1] -= 2
	odd := d.certID(t, crypto.SHA1) // and with parameters that nobody has heard of
	odd.Raw = bytes.Replace(odd.Raw, []byte{0x1a, 0x05, 0x00}, []byte{0x1a, 0x0c, 0x00}, 1)
	a, b, c := d.certID(t, crypto.SHA512), d.certID(t, crypto.SHA1), d.certID(t, crypto.SHA256)
	for _, ids := range [][]ocspsvc.CertID{{a}, {b}, {c}, {short}, {odd}, {short}, {odd}, {a, b, c, short, odd}, {c, b, a, odd, c, short, a}} {
		var want [][]byte
		for _, id := range ids {
			if !slices.ContainsFunc(want, func(raw []byte) bool { return bytes.Equal(raw, id.Raw) }) {
				want = append(want, id.Raw)
			}
		}
		response := d.post(t, requestDER(t, ids...))
		if len(response.Singles) != len(want) {
			t.Fatalf("%s with %d singles, want %d", word(response), len(response.Singles), len(want))
		}
		for i, single := range response.Singles {
			if !bytes.Equal(single.CertID.Raw, want[i]) || single.Status != ocspsvc.Good {
				t.Errorf("single %d is %s for % x, want % x", i, single.Status, single.CertID.Raw, want[i])
			}
		}
	}
}

func TestR04RevocationTimeIsStableAndUnspecifiedIsLeftOut(t *testing.T) { synctest.Test(t, r04) }

func r04(t *testing.T) {
	d := newDesk(t, responder.Config{})
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	d.set(responder.Record{Status: ocspsvc.Revoked, RevokedAt: at.Add(300 * time.Millisecond)})
	for range 4 {
		response := d.post(t, requestDER(t, d.certID(t, crypto.SHA1)))
		verdict := d.verify(t, response)
		if verdict.Status != ocspsvc.Revoked || !verdict.RevokedAt.Equal(at) || verdict.RevocationReason != ocspsvc.Unspecified {
			t.Errorf("verdict %+v", verdict)
		}
		if info := append([]byte{0xa1, 0x11, 0x18, 0x0f}, at.UTC().Format("20060102150405Z")...); !bytes.Contains(response.Raw, info) {
			t.Errorf("RevokedInfo is not just a time")
		}
		time.Sleep(13 * time.Hour)
	}
	d.set(responder.Record{Status: ocspsvc.Revoked, RevokedAt: at, Reason: ocspsvc.CertificateHold})
	time.Sleep(time.Second)
	if got := d.ask(t); got != "revoked" {
		t.Errorf("on hold it is %s", got)
	}
	d.set(responder.Record{Status: ocspsvc.Good})
	time.Sleep(time.Second)
	if got := d.ask(t); got != "good" {
		t.Errorf("taken off hold it is %s", got)
	}
}

func TestR05TheUnissuedAreAnsweredByPolicy(t *testing.T) {
	for policy, want := range map[responder.UnissuedPolicy]string{
		"": "unknown", responder.UnissuedUnknown: "unknown", responder.UnissuedUnauthorized: "unauthorized", responder.UnissuedRevoked: "revoked",
	} {
		d := newDesk(t, responder.Config{Unissued: policy})
		if got := d.askSerial(t, 5); got != want {
			t.Errorf("policy %q answers %s, want %s", policy, got, want)
		}
		both := requestDER(t, d.certID(t, crypto.SHA1), d.serialID(t, big.NewInt(5), crypto.SHA1))
		response := d.post(t, both)
		if want == "unauthorized" {
			if word(response) != want {
				t.Errorf("policy %q answers both %s", policy, word(response))
			}
		} else if len(response.Singles) != 2 || response.Singles[0].Status != ocspsvc.Good || response.Singles[1].Status.String() != want {
			t.Errorf("policy %q answers both by %+v", policy, response.Singles)
		}
	}
}

func TestR06ExtendedRevokeSaysSo(t *testing.T) {
	d := newDesk(t, responder.Config{Unissued: responder.UnissuedRevoked, ArchiveCutoff: time.Hour})
	response := d.post(t, requestDER(t, d.serialID(t, big.NewInt(5), crypto.SHA256)))
	single := response.Singles[0]
	if single.Status != ocspsvc.Revoked || single.RevocationReason != ocspsvc.CertificateHold || !single.RevokedAt.Equal(time.Unix(0, 0)) || len(single.Extensions) != 0 {
		t.Errorf("single %+v", single)
	}
	want := []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 9}, Value: []byte{5, 0}}}
	if len(response.Extensions) != 1 || !response.Extensions[0].Id.Equal(want[0].Id) || !bytes.Equal(response.Extensions[0].Value, want[0].Value) {
		t.Errorf("extensions %v, want %v", response.Extensions, want)
	}
	never := &x509.Certificate{SerialNumber: big.NewInt(5), RawIssuer: d.ca.Cert.RawSubject, NotBefore: d.leaf.Cert.NotBefore, NotAfter: d.leaf.Cert.NotAfter}
	if verdict, err := ocspsvc.Verify(response, never, d.ca.Cert, time.Now(), ocspsvc.VerifyOptions{}); err != nil || !verdict.NotIssued {
		t.Errorf("verdict %+v, %v; want not issued", verdict, err)
	}
	d.revoke(time.Now())
	d.open(t, responder.Config{Unissued: responder.UnissuedRevoked})
	if response := d.post(t, requestDER(t, d.certID(t, crypto.SHA1))); len(response.Extensions) != 0 {
		t.Errorf("a certificate that was issued has extensions %v", response.Extensions)
	}
}

func TestR07ArchiveCutoffIsASingleExtension(t *testing.T) { synctest.Test(t, r07) }

func r07(t *testing.T) {
	const cutoff = 90 * 24 * time.Hour
	d := newDesk(t, responder.Config{ArchiveCutoff: cutoff})
	d.set(responder.Record{Status: ocspsvc.Good, Expires: time.Now().Add(time.Hour)})
	time.Sleep(24 * time.Hour) // it has expired
	response := d.post(t, requestDER(t, d.certID(t, crypto.SHA1)))
	single := response.Singles[0]
	want := append([]byte{0x18, 0x0f}, response.ProducedAt.Add(-cutoff).Format("20060102150405Z")...)
	oid := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 6}
	if single.Status != ocspsvc.Good || len(single.Extensions) != 1 || !single.Extensions[0].Id.Equal(oid) || single.Extensions[0].Critical ||
		!bytes.Equal(single.Extensions[0].Value, want) || len(response.Extensions) != 0 {
		t.Errorf("single %+v, want the cutoff %s", single, want)
	}
	time.Sleep(cutoff)
	if got := d.ask(t); got != "unauthorized" {
		t.Errorf("past the cutoff: %s", got)
	}
	d.open(t, responder.Config{}) // off by default: there is a record, so there is an answer
	if response := d.post(t, requestDER(t, d.certID(t, crypto.SHA1))); word(response) != "good" || len(response.Singles[0].Extensions) != 0 {
		t.Errorf("without a cutoff: %s, %v", word(response), response.Singles)
	}
}

func TestR08ACompromisedCAMayRevokeEverySerial(t *testing.T) {
	d := newDesk(t, responder.Config{})
	d.openOver(t, responder.Config{}, brokenRecords{record: responder.Record{
		Status: ocspsvc.Revoked, RevokedAt: time.Now().Add(-time.Hour), Reason: ocspsvc.CACompromise,
	}})
	for _, serial := range []int64{1, 2, 99999} {
		response := d.post(t, requestDER(t, d.serialID(t, big.NewInt(serial), crypto.SHA1)))
		if single := response.Singles[0]; single.Status != ocspsvc.Revoked || single.RevocationReason != ocspsvc.CACompromise {
			t.Errorf("serial %d: %+v", serial, single)
		}
	}
}

func TestR09TheDelegateIsInCertsAndNamedByTheSHA1OfItsKey(t *testing.T) {
	d := newDesk(t, responder.Config{})
	delegate := d.ca.Delegate(t, ocsptest.Key(ocsptest.P384))
	d.keys = keysOf(d.ca.Cert, delegate.Cert, delegate.Key)
	d.open(t, responder.Config{})
	response := d.post(t, requestDER(t, d.certID(t, crypto.SHA256)))
	if len(response.Certificates) != 1 || !response.Certificates[0].Equal(delegate.Cert) {
		t.Errorf("certs = %v", response.Certificates)
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(delegate.Cert.RawSubjectPublicKeyInfo, &info); err != nil {
		t.Fatal(err)
	}
	if want := sha1.Sum(info.Key.Bytes); !bytes.Equal(response.ResponderID.KeyHash, want[:]) || len(response.ResponderID.Name) != 0 {
		t.Errorf("ResponderID %v, want the key %x", response.ResponderID, want)
	}
}

// tbsRequest is a request with more in it than a CertID.
func tbsRequest(t *testing.T, version int64, requestor bool, id ocspsvc.CertID, singleExtension, extension []byte) []byte {
	t.Helper()
	tag := func(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }
	sequence := func(b *cryptobyte.Builder, f func(b *cryptobyte.Builder)) { b.AddASN1(cbasn1.SEQUENCE, f) }
	var b cryptobyte.Builder
	sequence(&b, func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			if version >= 0 {
				b.AddASN1(tag(0), func(b *cryptobyte.Builder) { b.AddASN1Int64(version) })
			}
			if requestor {
				b.AddASN1(tag(1), func(b *cryptobyte.Builder) {
					b.AddASN1(tag(4), func(b *cryptobyte.Builder) { sequence(b, func(*cryptobyte.Builder) {}) })
				})
			}
			sequence(b, func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) {
					b.AddBytes(id.Raw)
					if singleExtension != nil {
						b.AddASN1(tag(0), func(b *cryptobyte.Builder) { sequence(b, func(b *cryptobyte.Builder) { b.AddBytes(singleExtension) }) })
					}
				})
			})
			if extension != nil {
				b.AddASN1(tag(2), func(b *cryptobyte.Builder) { sequence(b, func(b *cryptobyte.Builder) { b.AddBytes(extension) }) })
			}
		})
	})
	return b.BytesOrPanic()
}

func extensionDER(t *testing.T, e pkix.Extension) []byte {
	t.Helper()
	der, err := asn1.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestR10WhatIsNotUnderstoodIsMalformedUnlessItMayBeIgnored(t *testing.T) {
	d := newDesk(t, responder.Config{})
	id := d.certID(t, crypto.SHA1)
	strange := asn1.ObjectIdentifier{1, 2, 3, 4}
	critical, harmless := extensionDER(t, pkix.Extension{Id: strange, Critical: true, Value: []byte{5, 0}}), extensionDER(t, pkix.Extension{Id: strange, Value: []byte{5, 0}})
	for _, test := range []struct {
		name string
		der  []byte
		want string
	}{
		{"version 1, written out", tbsRequest(t, 0, false, id, nil, nil), "good"},
		{"version 2", tbsRequest(t, 1, false, id, nil, nil), "malformedRequest"},
		{"requestorName", tbsRequest(t, -1, true, id, nil, nil), "good"},
		{"critical request extension", tbsRequest(t, -1, false, id, nil, critical), "malformedRequest"},
		{"critical single extension", tbsRequest(t, -1, false, id, critical, nil), "malformedRequest"},
		{"other request extension", tbsRequest(t, -1, false, id, nil, harmless), "good"},
		{"other single extension", tbsRequest(t, -1, false, id, harmless, nil), "good"},
	} {
		if got := word(d.post(t, test.der)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestR10SignaturesOfRequestsAreIgnoredOrByOptionRequired(t *testing.T) {
	d := newDesk(t, responder.Config{})
	client, stranger := d.ca.Leaf(t), ocsptest.NewRoot(t).Leaf(t)
	signed, strange := opensslSigned(t, d, client), opensslSigned(t, d, stranger)
	broken := bytes.Clone(signed)
	at := bytes.Index(broken, d.leaf.Cert.SerialNumber.Bytes())
	broken[at+2] ^= 1
	plain := requestDER(t, d.certID(t, crypto.SHA1))
	for name, der := range map[string][]byte{"signed": signed, "by a stranger": strange, "plain": plain} {
		if got := word(d.post(t, der)); got != "good" {
			t.Errorf("ignored: %s: %s", name, got)
		}
	}
	d.keys.Requesters = d.ca.Pool()
	d.open(t, responder.Config{})
	for _, test := range []struct {
		name string
		der  []byte
		want string
	}{
		{"signed", signed, "good"},
		{"signed, without a nonce", opensslSigned(t, d, client, "-no_nonce"), "good"},
		{"plain", plain, "sigRequired"},
		{"without certificates", opensslSigned(t, d, client, "-no_certs"), "malformedRequest"},
		{"by a stranger", strange, "unauthorized"},
		{"changed", broken, "unauthorized"},
	} {
		if got := word(d.post(t, test.der)); got != test.want {
			t.Errorf("required: %s: %s, want %s", test.name, got, test.want)
		}
	}
}

// opensslSigned is a request of openssl, signed by client.
func opensslSigned(t *testing.T, d *desk, client *ocsptest.Leaf, more ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	cert, key := client.Write(t, dir, "client")
	issuer := ocsptest.WriteFile(t, dir, "issuer.pem", ocsptest.CertPEM(d.ca.Cert))
	args := append([]string{"ocsp", "-issuer", issuer, "-cert", ocsptest.WriteFile(t, dir, "leaf.pem", ocsptest.CertPEM(d.leaf.Cert)),
		"-signer", cert, "-signkey", key, "-sign_other", issuer, "-reqout", "/dev/stdout"}, more...)
	out, err := exec.CommandContext(t.Context(), "openssl", args...).Output()
	if err != nil {
		t.Fatalf("openssl: %v", err)
	}
	return out
}

func TestR11PreferredSignatureAlgorithmsMayBeIgnored(t *testing.T) {
	d := newDesk(t, responder.Config{})
	// SEQUENCE OF PreferredSignatureAlgorithm with ecdsa-with-SHA512.
	value := []byte{0x30, 0x0e, 0x30, 0x0c, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04}
	for _, critical := range []bool{false, true} {
		extension := extensionDER(t, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 8}, Critical: critical, Value: value})
		response := d.post(t, tbsRequest(t, -1, false, d.certID(t, crypto.SHA1), nil, extension))
		if d.verify(t, response).Status != ocspsvc.Good || response.SignatureAlgorithm != x509.ECDSAWithSHA256 {
			t.Errorf("critical %v: %s by %s", critical, word(response), response.SignatureAlgorithm)
		}
	}
}
