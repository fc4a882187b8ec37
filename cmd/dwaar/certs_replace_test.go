package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dwaar/proxy/admin"
)

// automatic is a certificate that dwaar gets itself.
func automatic() admin.Certificate {
	return admin.Certificate{
		Names: []string{"auto.example"}, Source: "acme", Issuer: "CN=R3", Serial: "0b", Fingerprint: "cc33", NotBefore: noon, NotAfter: noon.Add(time.Hour),
		Staple: admin.Staple{State: "none", Reason: "no_responder"},
		ACME:   &admin.ACME{NextRenewal: noon, LastError: "no\x1bissuer", NextTry: noon.Add(time.Minute)},
		CRL:    &admin.CRL{State: "good", Reason: "listed", URL: "http://crl.example", NextUpdate: noon, LastError: "timeout"},
	}
}

func TestRenewAndReissueExitByTheirOutcome(t *testing.T) {
	r := running(t)
	r.status.Certificates = append(r.status.Certificates, automatic())
	dwaar(t, "certs", "renew", "auto.example").expect(t, 0, "NAMES", "auto.example  acme    CN=R3   0b      2026-03-01T13:00:00Z  none\n")
	dwaar(t, "certs", "reissue", "cc33").expect(t, 0, "auto.example")
	if want := []string{"renew auto.example", "reissue auto.example"}; !slices.Equal(r.replaced, want) {
		t.Errorf("asked for %q, want %q", r.replaced, want)
	}
	r.replace = errors.New("acme: too many certificates")
	dwaar(t, "certs", "renew", "auto.example").expect(t, 1, "dwaar: auto.example: acme: too many certificates\n")
	dwaar(t, "certs", "reissue", "auto.example").expect(t, 1, "dwaar: auto.example: acme: too many certificates\n")
	dwaar(t, "certs", "renew", "bare.example").expect(t, 1, "is the operator's: replace its files")
}

func TestANameWithoutACertificateShowsWhyAndNotItsStaple(t *testing.T) {
	r := running(t)
	r.status.Certificates = append(r.status.Certificates, admin.Certificate{
		Names: []string{"new.example"}, Source: "acme", Staple: admin.Staple{State: "none", Reason: "pending"},
		ACME: &admin.ACME{LastError: "the CA is down"},
	})
	dwaar(t, "certs", "list").expect(t, 0, "new.example                       acme    -         -       -                     none\n")
	show := dwaar(t, "certs", "show", "new.example")
	show.expect(t, 0, "issuer         -\n", "serial         -\n", "fingerprint    -\n", "There is no certificate yet, and so nothing to ask about.", "renewal error  the CA is down\n")
	dwaar(t, "ocsp", "refresh", "new.example").expect(t, 1, "pending", "dwaar: new.example: there is no certificate yet: `dwaar certs show new.example` says why\n")
}

func TestShowTellsTheUpkeepOfACertificate(t *testing.T) {
	r := running(t)
	if got := dwaar(t, "certs", "show", "bare.example"); strings.Contains(got.out, "renewal") || strings.Contains(got.out, "crl") {
		t.Errorf("a manual certificate is renewed:\n%s", got.out)
	}
	r.status.Certificates = append(r.status.Certificates, automatic())
	dwaar(t, "certs", "show", "auto.example").expect(t, 0,
		"next renewal     2026-03-01T12:00:00Z\n", "renewal error    no�issuer\n", "renewal retry    2026-03-01T12:01:00Z\n",
		"crl              good\n", "crl reason       listed\n", "crl url          http://crl.example\n",
		"crl next update  2026-03-01T12:00:00Z\n", "crl error        timeout\n")
}
