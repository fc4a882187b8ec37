package tlsstore_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dwaar/tlsstore"
)

func TestEveryKindOfKeyAndEncodingServes(t *testing.T) {
	c := newCA(t)
	for _, kind := range []string{"RSA", "P-256", "P-384", "P-521", "Ed25519"} {
		key := newKey(t, kind)
		i := c.leafOf(key, "a.example")
		encodings := map[string][]byte{"PKCS#8": keyPEM(t, key)}
		switch key := key.(type) {
		case *rsa.PrivateKey:
			encodings["PKCS#1"] = block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
			encodings["PKCS#1 labelled PKCS#8"] = block("PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
		case *ecdsa.PrivateKey:
			der, err := x509.MarshalECPrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			encodings["SEC1"] = block("EC PRIVATE KEY", der)
			encodings["SEC1 after EC PARAMETERS"] = append(block("EC PARAMETERS", []byte{6, 0}), block("EC PRIVATE KEY", der)...)
		}
		for encoding, text := range encodings {
			t.Run(kind+" "+encoding, func(t *testing.T) {
				pair, err := tlsstore.LoadPair(write(t, "c.pem", certPEM(i.chain...)), write(t, "c.key", text))
				if err != nil {
					t.Fatal(err)
				}
				s := newStore(t, tlsstore.Config{}, on(pair, "a.example"))
				for name, version := range versions {
					if leaf, _ := (client{sni: "a.example", version: version}).shown(t, s); !leaf.Equal(i.leaf) {
						t.Errorf("%s shows another leaf", name)
					}
				}
			})
		}
	}
}

func TestTheLeafIsTheBlockOfTheKeyAndTheChainFollowsItsPath(t *testing.T) {
	c := newCA(t)
	i, other := c.leaf("a.example"), newCA(t)
	leaf, inter, root := i.leaf, c.inter, c.root
	for name, test := range map[string]struct{ file, want []*x509.Certificate }{
		"in order":           {[]*x509.Certificate{leaf, inter, root}, []*x509.Certificate{leaf, inter, root}},
		"reversed":           {[]*x509.Certificate{root, inter, leaf}, []*x509.Certificate{leaf, inter, root}},
		"leaf in the middle": {[]*x509.Certificate{inter, leaf, root}, []*x509.Certificate{leaf, inter, root}},
		"alone":              {[]*x509.Certificate{leaf}, []*x509.Certificate{leaf}},
		"duplicates":         {[]*x509.Certificate{inter, leaf, inter, leaf}, []*x509.Certificate{leaf, inter}},
		"strangers last":     {[]*x509.Certificate{other.root, root, leaf, other.inter, inter}, []*x509.Certificate{leaf, inter, root, other.root, other.inter}},
		"a gap":              {[]*x509.Certificate{root, leaf}, []*x509.Certificate{leaf, root}},
	} {
		pair, err := tlsstore.ParsePair(certPEM(test.file...), keyPEM(t, i.key))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := pair.Certificate.Certificate; !slices.EqualFunc(got, test.want, func(der []byte, cert *x509.Certificate) bool { return bytes.Equal(der, cert.Raw) }) {
			t.Errorf("%s: got %s", name, names(t, got))
		}
	}
}

// Two authorities of one name, without key identifiers: only the signature tells.
func TestIssuersOfTheSameNameAreToldApartBySignature(t *testing.T) {
	key, wrongKey, leafKey := newKey(t, "P-256"), newKey(t, "P-256"), newKey(t, "P-256")
	template := authority("one name", key)
	template.SubjectKeyId = nil
	issuer, wrong := sign(t, template, template, key.Public(), key), sign(t, template, template, wrongKey.Public(), wrongKey)
	issuer.SubjectKeyId = nil
	leaf := sign(t, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}, issuer, leafKey.Public(), key)
	pair, err := tlsstore.ParsePair(certPEM(wrong, issuer, leaf), keyPEM(t, leafKey))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pair.Certificate.Certificate[1], issuer.Raw) {
		t.Error("the authority that did not sign comes first")
	}
}

func TestOneFileMayHoldChainAndSeveralKeys(t *testing.T) {
	i := newCA(t).leaf("a.example")
	text := slices.Concat([]byte("\xef\xbb\xbfsubject=CN = a.example\n"), keyPEM(t, newKey(t, "RSA")), []byte("Bag Attributes\n"),
		certPEM(i.chain...), keyPEM(t, i.key), []byte("\n# the end\n"))
	path := write(t, "all.pem", text)
	pair, err := tlsstore.LoadPair(path, path)
	if err != nil {
		t.Fatal(err)
	}
	if pair.Fingerprint != i.fingerprint() || len(pair.Certificate.Certificate) != 2 {
		t.Errorf("loaded %s with %d certificates", pair.Fingerprint, len(pair.Certificate.Certificate))
	}
}

func TestAFileWithWindowsLineEndsAndByteOrderMarkLoads(t *testing.T) {
	i := newCA(t).leaf("a.example")
	windows := func(text []byte) []byte {
		return append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))...)
	}
	pair, err := tlsstore.ParsePair(windows(certPEM(i.chain...)), windows(keyPEM(t, i.key)))
	if err != nil || len(pair.Certificate.Certificate) != 2 {
		t.Errorf("pair %v, %v", pair, err)
	}
}

func TestAPairSaysWhatACatalogWantsToKnow(t *testing.T) {
	c := newCA(t)
	i := c.leaf("a.example", mustStaple, func(template *x509.Certificate) {
		template.SerialNumber = big.NewInt(0xabc)
		template.DNSNames = []string{"a.example", "*.b.example"}
		template.IPAddresses = []net.IP{net.ParseIP("192.0.2.7")}
	})
	p := i.pair(t)
	if p.Source != tlsstore.SourceManual || p.Serial != "0abc" || p.Issuer != "CN=test intermediate" || !p.MustStaple ||
		!slices.Equal(p.Names, []string{"a.example", "*.b.example", "192.0.2.7"}) ||
		!p.NotBefore.Equal(i.leaf.NotBefore) || !p.NotAfter.Equal(i.leaf.NotAfter) {
		t.Errorf("pair = %+v", p)
	}
	if q := p.From(tlsstore.SourceACME); q.Source != tlsstore.SourceACME || p.Source != tlsstore.SourceManual || q.Serial != p.Serial {
		t.Errorf("From made %+v of %+v", q, p)
	}
	text, err := json.Marshal(p.Fingerprint)
	if err != nil || string(text) != `"`+p.Fingerprint.String()+`"` || len(text) != 66 {
		t.Errorf("fingerprint in JSON = %s, %v", text, err)
	}
	if c.leaf("b.example").pair(t).MustStaple {
		t.Error("an ordinary certificate is must-staple")
	}
}

func TestAPairOutsideItsValidityLoadsWithAWarning(t *testing.T) {
	c := newCA(t)
	now := time.Now().Truncate(time.Second)
	p := c.leaf("a.example", func(template *x509.Certificate) {
		template.NotBefore, template.NotAfter = now.Add(-time.Hour), now.Add(time.Hour)
	}).pair(t)
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{now, ""}, {now.Add(time.Hour), ""}, {now.Add(-time.Hour), ""},
		{now.Add(time.Hour + time.Second), "the certificate expired at " + p.NotAfter.Format(time.RFC3339)},
		{now.Add(-time.Hour - time.Second), "the certificate is not valid before " + p.NotBefore.Format(time.RFC3339)},
	} {
		if got := p.Warning(test.at); got != test.want {
			t.Errorf("Warning(%v) = %q, want %q", test.at, got, test.want)
		}
	}
}

// pfx is the outline of a PKCS#12 archive.
func pfx(t *testing.T) []byte {
	t.Helper()
	der, err := asn1.Marshal(struct {
		Version  int
		AuthSafe struct{ ContentType asn1.ObjectIdentifier }
	}{3, struct{ ContentType asn1.ObjectIdentifier }{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestErrorsOfPairsSayWhatToDo(t *testing.T) {
	c := newCA(t)
	i := c.leaf("a.example")
	good, key := certPEM(i.chain...), keyPEM(t, i.key)
	sec1, _ := x509.MarshalECPrivateKey(i.key.(*ecdsa.PrivateKey))
	p224, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	for name, test := range map[string]struct {
		cert, key []byte
		want      string
	}{
		"empty certificate":    {nil, key, "certificate: it is empty"},
		"blank key":            {good, []byte(" \n"), "key: it is empty"},
		"garbage certificate":  {[]byte("garbage"), key, "certificate: it is not PEM: no line in it starts with -----BEGIN"},
		"DER certificate":      {i.leaf.Raw, key, "certificate: it is not PEM but looks like DER; convert it: openssl x509 -inform DER"},
		"PKCS#12":              {pfx(t), key, "certificate: it is a PKCS#12 archive; take out what is in it: openssl pkcs12 -in FILE -nodes -out FILE.pem, which is CERT and KEY in one"},
		"DER key":              {good, sec1, "key: it is not PEM but looks like DER; convert it: openssl pkey -inform DER"},
		"key as certificate":   {key, key, "certificate: no certificate in it (PEM block CERTIFICATE), only PRIVATE KEY"},
		"certificate as key":   {good, good, "key: no private key in it (PEM block PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY), only CERTIFICATE, CERTIFICATE"},
		"cut off":              {good[:len(good)-40], key, "certificate: it has 2 PEM blocks of which 1 are damaged or cut off; write it again"},
		"cut off in a label":   {slices.Concat(certPEM(i.leaf), []byte("-----BEG")), key, "certificate: it has 2 PEM blocks of which 1 are damaged or cut off"},
		"damaged base64":       {bytes.Replace(good, []byte("MII"), []byte("M!!"), 1), key, "certificate: it has 2 PEM blocks of which 1 are damaged or cut off"},
		"no certificate":       {block("CERTIFICATE", []byte("nonsense")), key, "certificate: block 1 is not a certificate: x509: "},
		"encrypted PKCS#8":     {good, block("ENCRYPTED PRIVATE KEY", []byte{1}), "key: the private key is encrypted, and there is nobody to ask for its password; decrypt it: openssl pkey"},
		"encrypted SEC1":       {good, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: sec1}), "key: the private key is encrypted"},
		"OpenSSH key":          {good, block("OPENSSH PRIVATE KEY", []byte{1}), "key: the private key is in OpenSSH's own format; convert it: ssh-keygen"},
		"damaged PKCS#8":       {good, block("PRIVATE KEY", []byte{1}), "key: the private key is damaged or of an unknown kind: "},
		"damaged PKCS#1":       {good, block("RSA PRIVATE KEY", []byte{1}), "key: the private key is damaged or of an unknown kind: "},
		"damaged SEC1":         {good, block("EC PRIVATE KEY", []byte{1}), "key: the private key is damaged or of an unknown kind: "},
		"P-224":                {good, keyPEM(t, p224), "key: TLS has no curve P-224; make a key on P-256 or P-384"},
		"short RSA key":        {good, []byte(shortKey), "key: the RSA key has only 512 bits; make one of 2048 or more"},
		"key for key exchange": {good, block("PRIVATE KEY", x25519(t)), "key: a key of type *ecdh.PrivateKey cannot sign handshakes; make an RSA, ECDSA or Ed25519 key"},
		"key of another":       {good, append(keyPEM(t, newKey(t, "Ed25519")), keyPEM(t, newKey(t, "P-384"))...), "certificate: no certificate in it belongs to the key of key (Ed25519, ECDSA P-384); give the key the certificate was made for"},
		"RSA key of another":   {good, keyPEM(t, newKey(t, "RSA")), "certificate: no certificate in it belongs to the key of key (RSA 2048 bits)"},
		"too many blocks":      {bytes.Repeat(block("X", nil), 101), key, "certificate: it has 101 PEM blocks, over the limit of 100"},
	} {
		if _, err := tlsstore.ParsePair(test.cert, test.key); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %s…", name, err, test.want)
		}
	}
}

func TestErrorsOfFilesNameThem(t *testing.T) {
	i := newCA(t).leaf("a.example")
	cert, key := write(t, "c.pem", certPEM(i.chain...)), write(t, "c.key", keyPEM(t, i.key))
	missing, dir := filepath.Join(t.TempDir(), "missing"), t.TempDir()
	big, empty := write(t, "big", make([]byte, 1<<20+1)), write(t, "empty", nil)
	loop := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	for want, files := range map[string]tlsstore.Files{
		"certificate file " + missing + ": it does not exist":                                {Cert: missing, Key: key},
		"key file " + missing + ": it does not exist":                                        {Cert: cert, Key: missing},
		"certificate file " + dir + ": it is not a regular file but d":                       {Cert: dir, Key: key},
		"key file /dev/null: it is not a regular file but Dc":                                {Cert: cert, Key: "/dev/null"},
		"certificate file " + big + ": it is over the limit of 1 MiB; is it the right file?": {Cert: big, Key: key},
		"key file " + big + ": it is over the limit of 1 MiB":                                {Cert: cert, Key: big},
		"key file " + empty + ": it is empty":                                                {Cert: cert, Key: empty},
		"certificate file " + loop + ": reading it: too many levels of symbolic links":       {Cert: loop, Key: key},
		"certificate file " + key + ": no certificate in it":                                 {Cert: key, Key: key},
		"key file " + cert + ": no private key in it":                                        {Cert: cert, Key: cert},
	} {
		_, err := tlsstore.LoadPair(files.Cert, files.Key)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s…", err, want)
		}
	}
}

func TestManyPairsLoadInOrderAndShareTheirIssuers(t *testing.T) {
	c := newCA(t)
	var files []tlsstore.Files
	var want []tlsstore.Fingerprint
	for range 20 {
		i := c.leaf("a.example")
		files = append(files, tlsstore.Files{Cert: write(t, "c.pem", certPEM(i.chain...)), Key: write(t, "c.key", keyPEM(t, i.key))})
		want = append(want, i.fingerprint())
	}
	files = append(files, files[3], tlsstore.Files{Cert: "missing", Key: "missing"})
	pairs, errs := tlsstore.LoadPairs(files)
	for i := range want {
		if errs[i] != nil || pairs[i].Fingerprint != want[i] {
			t.Fatalf("pair %d: %v, %v", i, pairs[i], errs[i])
		}
		if &pairs[i].Certificate.Certificate[1][0] != &pairs[0].Certificate.Certificate[1][0] {
			t.Errorf("pair %d has its issuer's bytes for itself", i)
		}
	}
	if pairs[20] != pairs[3] || errs[20] != nil {
		t.Error("files named twice give two pairs")
	}
	if pairs[21] != nil || errs[21] == nil {
		t.Errorf("missing files: %v, %v", pairs[21], errs[21])
	}
}

func FuzzParsePair(f *testing.F) {
	i := newCA(f).leaf("a.example")
	f.Add(certPEM(i.chain...), keyPEM(f, i.key))
	f.Add(certPEM(i.leaf)[:100], []byte("-----BEGIN EC PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, cert, key []byte) {
		pair, err := tlsstore.ParsePair(cert, key)
		if err == nil && (len(pair.Certificate.Certificate) == 0 || pair.Fingerprint != fingerprint(pair.Certificate.Certificate[0])) {
			t.Errorf("a pair without a leaf: %+v", pair)
		}
	})
}

func block(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

func names(t *testing.T, chain [][]byte) (names []string) {
	t.Helper()
	for _, der := range chain {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, cert.Subject.CommonName)
	}
	return names
}

func x25519(t *testing.T) []byte {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// shortKey protects nothing: it is too short to, and made for this test.
const shortKey = `-----BEGIN RSA PRIVATE KEY-----
MIIBOwIBAAJBAKHvOdi3BIJfZ/pJ8BNsZr2kkva6p7hV7xp1CaWP5LwapEuPVokE
JiRO+HYXcGtQvlt7Ug9RG09mPJFSUeYSq1MCAwEAAQJAD8i1pr4QHnUWOXtDf2Et
koacHJiNCJa3u6h0zEJ+VSdL8xSi0uQdnTsT104al0a+qtLBNUQmzpXEmhj2X0qk
gQIhAMyOMQc8AWlT9/tUJIJBGwV5kqXzNP/kVm7KtqcIJVbjAiEAyqj8nEOYcCLd
6z5njZvPNlW/y14ZYQoOjdI/UMSPFNECIQCfNqWOnfPzSXog0xM/lvEzR7cPF8fO
zKlBvuKAC+UURQIgPen+subbzXZ5ggMgs9ykI59y5viqnEDsTVusSEqkw+ECIQDL
g5/q3snguVjHRnHQ6+mqIpXc8IC8CqVUIte0iIOsyA==
-----END RSA PRIVATE KEY-----
`
