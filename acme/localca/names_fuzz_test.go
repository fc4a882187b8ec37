package localca_test

import (
	"strings"
	"testing"
)

// Whatever name a request has: it is refused, or the certificate is good for it.
func FuzzANameIsRefusedOrCertified(f *testing.F) {
	for _, name := range []string{"localhost", "*.a.internal", "*", "a..b", "A_b.local", "1.2.3.4", "1.2.3", "xn--bcher-kva.local", "-a", "a.", "é.local", "[::1]"} {
		f.Add(name)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, name string) {
		csr := request(t, "placeholder")
		csr.DNSNames = []string{name}
		chain, err := newCA(t, dir).Issue(t.Context(), csr)
		if err != nil {
			if strings.Contains(err.Error(), "is not a DNS name") {
				return
			}
			t.Fatal(err)
		}
		asked := strings.Replace(name, "*", "any", 1)
		if err := certificates(t, chain)[0].VerifyHostname(asked); err != nil {
			t.Errorf("certified for %q, and %v", name, err)
		}
	})
}
