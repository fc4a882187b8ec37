package pemfile_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/pemfile"
)

func TestCertificatesAreReadFromAmongOtherThings(t *testing.T) {
	leaf := ocsptest.NewCA(t).Leaf(t)
	content := slices.Concat([]byte("a comment\n"), ocsptest.KeyPEM(t, leaf.Key, ocsptest.PKCS8), ocsptest.CertPEM(leaf.Chain()...))
	certs, err := pemfile.Certificates(file(t, content))
	if err != nil || len(certs) != 2 || !certs[0].Equal(leaf.Cert) {
		t.Errorf("%d certificates, %v", len(certs), err)
	}
}

func TestAFileThatIsWrongIsNamed(t *testing.T) {
	for problem, content := range map[string][]byte{
		"holds no certificate in PEM": []byte("hello"),
		"file.pem: x509":              []byte("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"),
		"larger than 1048576 octets":  make([]byte, pemfile.MaxSize+1),
	} {
		name := file(t, content)
		if _, err := pemfile.Certificates(name); err == nil || !strings.Contains(err.Error(), problem) || !strings.Contains(err.Error(), name) {
			t.Errorf("err = %v, want %s", err, problem)
		}
	}
	if _, err := pemfile.Certificates(filepath.Join(t.TempDir(), "missing.pem")); !os.IsNotExist(err) {
		t.Errorf("err = %v", err)
	}
}

func file(t *testing.T, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
