package crl_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/ocsptest"
)

const day = 24 * time.Hour

// readOf reads the list and wants it believed.
func readOf(t *testing.T, data []byte, ca *ocsptest.CA) *crl.List {
	t.Helper()
	list, err := crl.Read(data, ca.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAListSaysWhoIsRevokedWhenAndWhy(t *testing.T) {
	ca := ocsptest.NewCA(t)
	when := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	long := new(big.Int).Lsh(big.NewInt(1), 500)
	l := newListing(ca)
	l.entries = []entry{
		{serial: big.NewInt(300), at: when, reason: ocspsvc.KeyCompromise},
		{serial: big.NewInt(7), at: when.Add(time.Hour)},
		{serial: big.NewInt(128), at: time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC), reason: ocspsvc.CertificateHold},
		{serial: big.NewInt(8), at: when, reason: ocspsvc.RemoveFromCRL},
		{serial: big.NewInt(9), at: when.Add(time.Hour), reason: ocspsvc.Superseded},
		{serial: big.NewInt(9), at: when, reason: ocspsvc.AACompromise},
		{serial: big.NewInt(-5), at: when},
		{serial: long, at: time.Date(1955, 1, 1, 0, 0, 0, 0, time.UTC)},
		{serial: big.NewInt(10), at: when, extensions: []pkix.Extension{
			{Id: []int{2, 5, 29, 24}, Critical: true, Value: []byte("20260101000000Z")}, {Id: oidNobodyKnows, Value: []byte{5, 0}},
		}},
	}
	list := readOf(t, l.der(t), ca)
	for _, want := range []struct {
		serial *big.Int
		entry  crl.Entry
	}{
		{big.NewInt(300), crl.Entry{RevokedAt: when, Reason: ocspsvc.KeyCompromise}},
		{big.NewInt(7), crl.Entry{RevokedAt: when.Add(time.Hour)}},
		{big.NewInt(128), crl.Entry{RevokedAt: time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC), Reason: ocspsvc.CertificateHold}},
		{big.NewInt(9), crl.Entry{RevokedAt: when, Reason: ocspsvc.AACompromise}},
		{big.NewInt(-5), crl.Entry{RevokedAt: when}},
		{long, crl.Entry{RevokedAt: time.Date(1955, 1, 1, 0, 0, 0, 0, time.UTC)}},
		{big.NewInt(10), crl.Entry{RevokedAt: when}},
	} {
		if got, ok := list.Find(want.serial); !ok || got != want.entry {
			t.Errorf("%v: %+v, %v, want %+v", want.serial, got, ok, want.entry)
		}
	}
	for _, n := range []int64{8, 6, 0, 1, 299, 301, 127, 129, 5, 251, 1 << 40} {
		if got, ok := list.Find(big.NewInt(n)); ok {
			t.Errorf("%d is revoked: %+v", n, got)
		}
	}
	if _, ok := list.Find(new(big.Int).Lsh(big.NewInt(1), 4000)); ok {
		t.Error("a monstrous serial is revoked")
	}
	if list.Len() != 8 || list.Number.Int64() != 1 || list.Partial() || !strings.Contains(list.Issuer, "dwaar test intermediate") {
		t.Errorf("list = %d entries, number %v, of %s", list.Len(), list.Number, list.Issuer)
	}
}

func TestListsOfAllKindsAreRead(t *testing.T) {
	ca := ocsptest.NewCA(t)
	leaf := ca.Leaf(t)
	for name, c := range map[string]struct {
		change func(*listing)
		form   func([]byte) []byte
	}{
		"DER":                        {},
		"PEM":                        {form: toPEM},
		"PEM after an empty line":    {form: func(der []byte) []byte { return append([]byte("\r\n"), toPEM(der)...) }},
		"version 1":                  {change: func(l *listing) { l.version = 0; l.entries[0].reason = 0 }},
		"without key identifier":     {change: func(l *listing) { l.keyID = nil }},
		"without number":             {change: func(l *listing) { l.number = 0 }},
		"for user certificates":      {change: func(l *listing) { l.idp(userOnly) }},
		"for some reasons":           {change: func(l *listing) { l.idp(someReasons) }},
		"with flags written out":     {change: func(l *listing) { l.idp(userOnly, tlv(0x82, []byte{0}), tlv(0x84, []byte{0})) }},
		"with an empty IDP":          {change: func(l *listing) { l.idp() }},
		"with a freshest CRL":        {change: func(l *listing) { l.with([]int{2, 5, 29, 46}, seq()) }},
		"with an unknown extension":  {change: func(l *listing) { l.extensions = []pkix.Extension{{Id: oidNobodyKnows, Value: []byte{5, 0}}} }},
		"that ends in another epoch": {change: func(l *listing) { l.next = time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC) }},
	} {
		t.Run(name, func(t *testing.T) {
			l := newListing(ca, leaf)
			if c.change != nil {
				c.change(l)
			}
			der := l.der(t)
			if c.form != nil {
				der = c.form(der)
			}
			if _, ok := readOf(t, der, ca).Find(leaf.Cert.SerialNumber); !ok {
				t.Error("the entry is missing")
			}
		})
	}
}

func TestEverySignatureOfTheStandardLibraryIsVerified(t *testing.T) {
	for _, kind := range ocsptest.KeyTypes() {
		ca := ocsptest.NewCA(t, ocsptest.Key(kind))
		for _, algorithm := range algorithmsOf(kind) {
			der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
				SignatureAlgorithm: algorithm, Number: big.NewInt(5), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(day),
				RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(7), RevocationTime: time.Now(), ReasonCode: 4}},
			}, ca.Cert, ca.Key)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := readOf(t, der, ca).Find(big.NewInt(7)); !ok || got.Reason != ocspsvc.Superseded {
				t.Errorf("%s, %v: %+v, %v", kind, algorithm, got, ok)
			}
			der[len(der)-1] ^= 1
			if _, err := crl.Read(der, ca.Cert); ocspsvc.ReasonOf(err) != ocspsvc.ReasonBadSignature {
				t.Errorf("%s, %v, damaged: %v", kind, algorithm, err)
			}
		}
	}
}

func algorithmsOf(kind ocsptest.KeyType) []x509.SignatureAlgorithm {
	if kind == ocsptest.RSA {
		return []x509.SignatureAlgorithm{x509.SHA256WithRSA, x509.SHA512WithRSA, x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS}
	}
	return []x509.SignatureAlgorithm{0}
}

func TestWhatCannotBeBelievedIsRefusedByName(t *testing.T) {
	ca, stranger := ocsptest.NewCA(t), ocsptest.NewRoot(t, ocsptest.Name("stranger"))
	twin := ca.Twin(t)
	signsNoCRLs := ocsptest.NewCA(t, ocsptest.Modify(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }))
	noCA := ocsptest.NewCA(t, ocsptest.Modify(func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, 0 }))
	leaf := ca.Leaf(t)
	for name, c := range map[string]struct {
		change func(*listing)
		want   ocspsvc.Reason
		text   string
	}{
		"another signer":           {func(l *listing) { l.signer = stranger.Key }, ocspsvc.ReasonBadSignature, "ECDSA verification failure"},
		"a CA with the same name":  {func(l *listing) { l.issuer, l.signer = twin, twin.Key }, ocspsvc.ReasonBadSignature, ""},
		"another issuer":           {func(l *listing) { l.issuer, l.signer = stranger, stranger.Key }, ocspsvc.ReasonWrongCertificate, "the list is of CN=stranger,O=dwaar, not of CN=dwaar test intermediate,O=dwaar"},
		"another key identifier":   {func(l *listing) { l.keyID = []byte{1, 2, 3} }, ocspsvc.ReasonWrongCertificate, "the list is by the key 010203 of"},
		"SHA-1":                    {func(l *listing) { l.algorithm = oidECDSAWithSHA1 }, ocspsvc.ReasonBadSignature, "ECDSA-SHA1 proves nothing any more"},
		"an unknown algorithm":     {func(l *listing) { l.algorithm = oidNobodyKnows }, ocspsvc.ReasonBadSignature, "unsupported signature algorithm"},
		"a key not for CRLs":       {func(l *listing) { l.issuer, l.signer, l.keyID = signsNoCRLs, signsNoCRLs.Key, nil }, ocspsvc.ReasonUnauthorizedSigner, "the key usage of CN=dwaar test intermediate,O=dwaar excludes signing CRLs"},
		"no CA":                    {func(l *listing) { l.issuer, l.signer, l.keyID = noCA, noCA.Key, nil }, ocspsvc.ReasonUnauthorizedSigner, "CN=dwaar test intermediate,O=dwaar is not a CA"},
		"no nextUpdate":            {func(l *listing) { l.next = time.Time{} }, ocspsvc.ReasonNoNextUpdate, "the list has no nextUpdate"},
		"an end before the start":  {func(l *listing) { l.next = l.this.Add(-time.Second) }, ocspsvc.ReasonMalformed, "nextUpdate "},
		"an unknown version":       {func(l *listing) { l.version = 2 }, ocspsvc.ReasonMalformed, "version 3 is unknown"},
		"extensions in version 1":  {func(l *listing) { l.version = 0; l.entries = nil; l.idp(userOnly) }, ocspsvc.ReasonMalformed, "a list of version 1 with extensions"},
		"reasons in version 1":     {func(l *listing) { l.version = 0 }, ocspsvc.ReasonMalformed, "an entry of a list of version 1 has extensions"},
		"two numbers":              {func(l *listing) { l.with(oidNumber, []byte{2, 1, 5}) }, ocspsvc.ReasonMalformed, "an extension occurs twice"},
		"a negative number":        {func(l *listing) { l.number = -1 }, ocspsvc.ReasonMalformed, "cRLNumber is negative or has more than 64 octets"},
		"a huge number":            {func(l *listing) { l.number = 0; l.with(oidNumber, tlv(2, append([]byte{1}, make([]byte, 64)...))) }, ocspsvc.ReasonMalformed, "cRLNumber is negative or has more than 64 octets"},
		"unknown and critical":     {func(l *listing) { l.with(oidNobodyKnows, []byte{5, 0}) }, ocspsvc.ReasonCriticalExtension, "the list has the unknown critical extension 1.3.6.1.4.1.99999.1"},
		"a delta":                  {func(l *listing) { l.with(oidDelta, []byte{2, 1, 1}) }, ocspsvc.ReasonCriticalExtension, "a delta CRL"},
		"a delta not critical":     {func(l *listing) { l.extensions = []pkix.Extension{{Id: oidDelta, Value: []byte{2, 1, 1}}} }, ocspsvc.ReasonCriticalExtension, "a delta CRL"},
		"indirect":                 {func(l *listing) { l.idp(indirect) }, ocspsvc.ReasonCriticalExtension, "an indirect CRL"},
		"CA certificates only":     {func(l *listing) { l.idp(caOnly) }, ocspsvc.ReasonWrongCertificate, "the list is about CA certificates only"},
		"attribute certificates":   {func(l *listing) { l.idp(attributeOnly) }, ocspsvc.ReasonWrongCertificate, "the list is about attribute certificates only"},
		"a relative name":          {func(l *listing) { l.idp(tlv(0xa0, tlv(0xa1))) }, ocspsvc.ReasonWrongCertificate, "the distribution point is named relative to its issuer"},
		"an IDP that is none":      {func(l *listing) { l.with(oidIDP, []byte{5, 0}) }, ocspsvc.ReasonMalformed, "the issuing distribution point cannot be read"},
		"an IDP with more":         {func(l *listing) { l.idp(tlv(0x86, []byte{1})) }, ocspsvc.ReasonMalformed, "the issuing distribution point cannot be read"},
		"an IDP without names":     {func(l *listing) { l.idp(tlv(0xa0, tlv(0xa0))) }, ocspsvc.ReasonMalformed, "the issuing distribution point cannot be read"},
		"an IDP with a wild flag":  {func(l *listing) { l.idp(tlv(0x81, []byte{7})) }, ocspsvc.ReasonMalformed, "the issuing distribution point cannot be read"},
		"an entry of another CA":   {entryWith(pkix.Extension{Id: oidEntryIssuer, Critical: true, Value: seq()}), ocspsvc.ReasonCriticalExtension, "an indirect CRL"},
		"an entry not understood":  {entryWith(pkix.Extension{Id: oidNobodyKnows, Critical: true, Value: seq()}), ocspsvc.ReasonCriticalExtension, "an entry has the unknown critical extension 1.3.6.1.4.1.99999.1"},
		"a reason that is none":    {entryWith(pkix.Extension{Id: oidReason, Value: []byte{2, 1, 1}}), ocspsvc.ReasonMalformed, "an entry cannot be read"},
		"a serial of 65 octets":    {func(l *listing) { l.entries[0].serial = new(big.Int).Lsh(big.NewInt(1), 512) }, ocspsvc.ReasonMalformed, "an entry cannot be read"},
		"a name that is no string": {func(l *listing) { l.with(oidKeyID, []byte{1}); l.keyID = nil }, ocspsvc.ReasonMalformed, "x509: "},
	} {
		t.Run(name, func(t *testing.T) {
			l := newListing(ca, leaf)
			c.change(l)
			issuer := ca
			if l.issuer == signsNoCRLs || l.issuer == noCA {
				issuer = l.issuer
			}
			list, err := crl.Read(l.der(t), issuer.Cert)
			if ocspsvc.ReasonOf(err) != c.want || !strings.Contains(err.Error(), c.text) || list != nil {
				t.Errorf("err = %v, want %s: %s", err, c.want, c.text)
			}
		})
	}
}

// entryWith gives the entry an extension.
func entryWith(e pkix.Extension) func(*listing) {
	return func(l *listing) { l.entries[0].reason, l.entries[0].extensions = 0, []pkix.Extension{e} }
}

func TestWhatIsNoListIsMalformed(t *testing.T) {
	ca := ocsptest.NewCA(t)
	der := newListing(ca, ca.Leaf(t)).der(t)
	for name, data := range map[string][]byte{
		"nothing":             nil,
		"a page":              []byte("<html>not found</html>"),
		"a certificate":       ca.Cert.Raw,
		"a certificate's PEM": ocsptest.CertPEM(ca.Cert),
		"half a PEM":          toPEM(der)[:100],
		"an octet too many":   append(append([]byte(nil), der...), 0),
		"an octet too few":    der[:len(der)-1],
		"an empty sequence":   seq(),
	} {
		if _, err := crl.Read(data, ca.Cert); ocspsvc.ReasonOf(err) != ocspsvc.ReasonMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := crl.Read(ocsptest.CertPEM(ca.Cert), ca.Cert); !strings.Contains(err.Error(), "the PEM is not that of a CRL") {
		t.Error(err)
	}
	if _, err := crl.Read(nil, ca.Cert); !strings.Contains(err.Error(), "not a CRL in DER or PEM") {
		t.Error(err)
	}
	for i := range der { // whatever is damaged, the signature or the reader notices
		damaged := append([]byte(nil), der...)
		damaged[i] ^= 0x20
		if _, err := crl.Read(damaged, ca.Cert); ocspsvc.ReasonOf(err) == "" {
			t.Errorf("damage in octet %d goes unnoticed: %v", i, err)
		}
	}
}

func TestAListCountsFromItsThisUpdateUntilItsNextUpdate(t *testing.T) {
	ca := ocsptest.NewCA(t)
	l := newListing(ca)
	l.this, l.next = l.this.Truncate(time.Second), l.this.Truncate(time.Second).Add(day)
	list := readOf(t, l.der(t), ca)
	for at, want := range map[time.Duration]ocspsvc.Reason{
		-5*time.Minute - 1: ocspsvc.ReasonNotYetValid, -5 * time.Minute: "", 0: "", day - 1: "", day: ocspsvc.ReasonExpired,
	} {
		if err := list.Current(l.this.Add(at)); ocspsvc.ReasonOf(err) != want {
			t.Errorf("%v after thisUpdate: %v, want %q", at, err, want)
		}
	}
}
