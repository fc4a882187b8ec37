package ocspsvc_test

import (
	"bytes"
	"crypto/x509"
	"os/exec"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

// signedRequest is made by openssl, which embeds the leaf and its issuer.
func signedRequest(t *testing.T, ca *ocsptest.CA, leaf *ocsptest.Leaf, more ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	cert, key := leaf.Write(t, dir, "leaf")
	issuer := ocsptest.WriteFile(t, dir, "issuer.pem", ocsptest.CertPEM(ca.Cert))
	args := append([]string{"ocsp", "-issuer", issuer, "-cert", cert, "-signer", cert, "-signkey", key,
		"-sign_other", issuer, "-reqout", "/dev/stdout"}, more...)
	out, err := exec.CommandContext(t.Context(), "openssl", args...).Output()
	if err != nil {
		t.Fatalf("openssl: %v", err)
	}
	return out
}

func TestSignaturesOfRequestsAreVerified(t *testing.T) {
	for _, kind := range []ocsptest.KeyType{ocsptest.RSA, ocsptest.P256, ocsptest.P384} {
		ca := ocsptest.NewCA(t)
		leaf := ca.Leaf(t, ocsptest.Key(kind))
		der := signedRequest(t, ca, leaf)
		stranger := ocsptest.NewRoot(t)
		direct := x509.NewCertPool()
		direct.AddCert(ca.Cert)
		for _, test := range []struct {
			name  string
			der   []byte
			roots *x509.CertPool
			now   time.Time
			want  ocspsvc.Reason
		}{
			{"by a chain", der, ca.Pool(), time.Now(), ""},
			{"by its issuer", der, direct, time.Now(), ""},
			{"without the issuer", signedRequest(t, ca, leaf, "-no_certs"), ca.Pool(), time.Now(), ocspsvc.ReasonMalformed},
			{"by a stranger", der, stranger.Pool(), time.Now(), ocspsvc.ReasonUnauthorizedSigner},
			{"when expired", der, ca.Pool(), leaf.Cert.NotAfter.Add(time.Hour), ocspsvc.ReasonUnauthorizedSigner},
		} {
			req, err := ocspsvc.ParseRequest(test.der)
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			requester, err := req.VerifySignature(test.roots, test.now)
			if got := ocspsvc.ReasonOf(err); got != test.want {
				t.Errorf("%s %s: reason %q of %v, want %q", kind, test.name, got, err, test.want)
			}
			if err == nil && !requester.Equal(leaf.Cert) {
				t.Errorf("%s: requester %s", test.name, requester.Subject)
			}
		}
		changed := bytes.Clone(der)
		at := bytes.Index(changed, leaf.Cert.SerialNumber.Bytes())
		changed[at+3] ^= 1
		req, err := ocspsvc.ParseRequest(changed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := req.VerifySignature(ca.Pool(), time.Now()); ocspsvc.ReasonOf(err) != ocspsvc.ReasonBadSignature {
			t.Errorf("a changed request: %v", err)
		}
	}
	if _, err := new(ocspsvc.Request).VerifySignature(x509.NewCertPool(), time.Now()); ocspsvc.ReasonOf(err) != ocspsvc.ReasonBadSignature {
		t.Errorf("an unsigned request: %v", err)
	}
}
