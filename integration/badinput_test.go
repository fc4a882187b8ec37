package integration

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pki"
)

// A bad Dwaarfile is refused by validate and by run alike: exit 2, every problem with its
// place, no crash and bounded memory, whatever the bytes are.
func TestBadDwaarfilesAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	random := make([]byte, 10<<20)
	_, _ = rand.Read(random)
	for name, c := range map[string]struct {
		text  string
		wants []string
	}{
		"random bytes":     {string(random), nil},
		"deep nesting":     {strings.Repeat("a {\n", 100_000), nil},
		"NUL":              {"a.test {\n\trespond a\x00b\n}\n", []string{":2:"}},
		"unclosed quote":   {"a.test {\n\trespond \"x\n}\n", []string{":2:10:"}},
		"unclosed heredoc": {"a.test {\n\trespond <<END\nx\n}\n", []string{":2:"}},
		"unclosed block":   {"a.test {\n\trespond x\n", []string{"Dwaarfile:"}},
		"suggestion":       {"a.test {\n\ttls off\n\trespnd x\n}\n", []string{":3:2:", "respnd", "respond"}},
		"refused by name":  {"http://a.test {\n\tphp_fastcgi localhost:9000\n}\n", []string{":2:2:", "php_fastcgi"}},
		"all problems": {"http://a.test {\n\tfirst\n\tsecond\n}\nhttp://b.test {\n\tthird\n}\n",
			[]string{":2:2:", ":3:2:", ":6:2:"}},
		"global option": {"{\n\tocsp {\n\t\tfresh 1h\n\t}\n}\n", []string{":3:3:", "fresh"}},
		"empty site":    {"{$DWAAR_TEST_UNSET} {\n\trespond x\n}\n", []string{":1:", "DWAAR_TEST_UNSET"}},
		"bare wildcard": {"*.a.test {\n\trespond x\n}\n", []string{":1:", "dns"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "Dwaarfile")
			pki.WriteFile(t, file, []byte(c.text))
			for _, command := range []string{"validate", "run"} {
				out := dwaar.RunWithin(t, 768, binaries.Plain, command, "--config", file)
				if out.Code != 2 {
					t.Errorf("3.1: %s: exit %d, want 2\n%.2000s", command, out.Code, out.Text())
				}
				if len(out.Text()) > 256<<10 || strings.Contains(out.Text(), "goroutine ") {
					t.Errorf("%s: %d bytes of output:\n%.2000s", command, len(out.Text()), out.Text())
				}
				for _, want := range c.wants {
					if !strings.Contains(out.Text(), want) {
						t.Errorf("3.2: %s does not say %q:\n%.2000s", command, want, out.Text())
					}
				}
			}
		})
	}
}

// Key and certificate files that cannot be used are problems of the Dwaarfile line that
// names them.
func TestUnusableKeysAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	ca := pki.New(t, "Keys")
	dir := t.TempDir()
	one := ca.Issue(t, pki.Request{Names: []string{"one.test"}}).Write(t, dir, "one")
	two := ca.Issue(t, pki.Request{Names: []string{"two.test"}}).Write(t, dir, "two")
	secret := strings.Split(string(must(t)(os.ReadFile(one.Key)).([]byte)), "\n")[1]
	empty := filepath.Join(dir, "empty")
	pki.WriteFile(t, empty, nil)
	for name, pair := range map[string]pki.Files{
		"mismatch":            {Cert: one.Cert, Key: two.Key},
		"missing key":         {Cert: one.Cert, Key: filepath.Join(dir, "nowhere.key")},
		"missing certificate": {Cert: filepath.Join(dir, "nowhere.crt"), Key: one.Key},
		"empty certificate":   {Cert: empty, Key: one.Key},
		"empty key":           {Cert: one.Cert, Key: empty},
		"swapped":             {Cert: one.Key, Key: one.Cert},
		"a directory":         {Cert: dir, Key: one.Key},
	} {
		file := filepath.Join(dir, "Dwaarfile")
		pki.WriteFile(t, file, fmt.Appendf(nil, "one.test {\n\ttls %s %s\n\trespond x\n}\n", pair.Cert, pair.Key))
		for _, command := range []string{"validate", "run"} {
			out := dwaar.RunWithin(t, 768, binaries.Plain, command, "--config", file)
			if out.Code != 2 || !strings.Contains(out.Text(), "Dwaarfile:2:2:") {
				t.Errorf("3.1: %s, %s: exit %d, want 2 and Dwaarfile:2:2:\n%s", command, name, out.Code, out.Text())
			}
			if strings.Contains(out.Text(), secret) {
				t.Errorf("%s, %s: key material in the output", command, name)
			}
		}
	}
}

// adapt opens configuration files only: keys that do not exist do not matter to it.
func TestAdaptReadsNoKeys(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "Dwaarfile")
	pki.WriteFile(t, file, []byte("one.test {\n\ttls /nowhere.crt /nowhere.key\n\trespond x\n}\n"))
	out := dwaar.Run(t, binaries.Plain, "adapt", "--config", file)
	if out.Code != 0 || !strings.Contains(out.Stdout, "/nowhere.key") || !strings.HasPrefix(strings.TrimSpace(out.Stdout), "{") {
		t.Errorf("3.1: adapt: exit %d\n%s", out.Code, out.Text())
	}
}
