package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/proxy/config"
	"dwaar/proxy/dwaarfile"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func noEnv(string) (string, bool) { return "", false }

func TestPathsAreRelativeToTheFileTheyStandIn(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "sites/a.conf", "a.example {\n\ttls a.pem a.key\n}\n")
	path := write(t, dir, "Dwaarfile", "import sites/*.conf\nb.example {\n\ttls certs/b.pem /keys/b.key\n}\n")
	c, err := config.Load(path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, cert := range c.Certificates {
		got = append(got, cert.CertFile, cert.KeyFile)
	}
	want := []string{filepath.Join(dir, "sites/a.pem"), filepath.Join(dir, "sites/a.key"), filepath.Join(dir, "certs/b.pem"), "/keys/b.key"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the files are %q, want %q", got, want)
	}
	if want := []string{path, filepath.Join(dir, "sites/a.conf")}; strings.Join(c.Files, "\n") != strings.Join(want, "\n") {
		t.Errorf("Files = %q, want %q", c.Files, want)
	}
}

func TestARelativeDwaarfileHasAbsolutePaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, dir, "Dwaarfile", "a.example {\n\ttls a.pem a.key\n}\n")
	c, err := config.Load("Dwaarfile", noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Certificates[0].CertFile; !filepath.IsAbs(got) || filepath.Base(got) != "a.pem" {
		t.Errorf("the certificate is %q", got)
	}
}

func TestACertificateKnowsWhereItStands(t *testing.T) {
	path := write(t, t.TempDir(), "Dwaarfile", "a.example {\n\trespond x\n\ttls a.pem a.key\n}\n")
	c, err := config.Load(path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Certificates[0].Position.String(), path+":3:2"; got != want {
		t.Errorf("the certificate stands at %s, want %s", got, want)
	}
}

func TestAnOverrideKnowsWhereItStands(t *testing.T) {
	c := mustRead(t, "{\n\tocsp {\n\t\tresponder http://a.example http://b.example\n\t\tresponder i.pem http://b.example\n\t}\n}\n")
	var at []string
	for _, pos := range c.OverridesAt {
		at = append(at, strings.TrimPrefix(pos.String(), home))
	}
	if got, want := strings.Join(at, " "), "Dwaarfile:3:3 Dwaarfile:4:3"; got != want || len(c.Client.Overrides) != 2 {
		t.Errorf("overrides stand at %s, want %s", got, want)
	}
}

func TestARootFileKnowsWhereItStands(t *testing.T) {
	c := mustRead(t, "{\n\tacme_ca https://ca.example\n\tacme_ca_root a.pem\n}\nx.example {\n\ttls {\n\t\tissuer acme https://b.example {\n\t\t\troot b.pem\n\t\t}\n\t}\n}\n")
	var got []string
	for _, f := range c.RootFiles {
		got = append(got, strings.TrimPrefix(f.Position.String(), home)+" "+f.Path)
	}
	if want := "Dwaarfile:3:15 /etc/dwaar/a.pem, Dwaarfile:8:9 /etc/dwaar/b.pem"; strings.Join(got, ", ") != want {
		t.Errorf("root files are %q, want %q", got, want)
	}
}

func TestAnAutomaticNameKnowsWhatWantsIt(t *testing.T) {
	c := mustRead(t, "a.example {\n\ttls auto\n}\nb.example,\nc.example {\n}\n")
	var got []string
	for _, a := range c.Automatic {
		got = append(got, a.Name+" "+strings.TrimPrefix(a.Position.String(), home))
	}
	if want := "a.example Dwaarfile:2:2, b.example Dwaarfile:4:1, c.example Dwaarfile:5:1"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAMissingDwaarfileIsAProblem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Dwaarfile")
	_, err := config.Load(path, noEnv)
	var problems dwaarfile.Problems
	if !errors.As(err, &problems) || err.Error() != path+": no such file or directory" {
		t.Errorf("err = %v", err)
	}
}

// adapt and validate open configuration files only: whatever else is named is
// data.
func TestNoOtherFileIsOpened(t *testing.T) {
	text := "{\n\tacme_ca https://ca.example\n\tacme_ca_root root.pem\n\tadmin unix//run/x.sock\n\tstorage file_system data\n\tocsp {\n\t\tresponder issuer.pem http://o.example\n\t}\n}\na.example {\n\ttls a.pem a.key\n\tlog {\n\t\toutput file access.log\n\t}\n\treverse_proxy https://127.0.0.1:1\n}\n"
	opened := 0
	inner := source([]section{{"Dwaarfile", text}})
	outer := inner
	outer.Open = func(path string) (fs.File, error) { opened++; return inner.Open(path) }
	c, err := config.Read(home+"Dwaarfile", outer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Adapt(c); err != nil || opened != 1 {
		t.Errorf("%d files were opened, want 1 (%v)", opened, err)
	}
}

func TestAdaptTellsNoSecretAndIsAlwaysTheSame(t *testing.T) {
	const token = "a-token-nobody-knows"
	text := "{\n\tadmin 127.0.0.1:2019 {\n\t\ttoken " + token + "\n\t}\n}\nhttp://a.example, http://b.example:81 {\n\trespond x\n}\n"
	first := ""
	for range 20 {
		c, err := config.Read(home+"Dwaarfile", source([]section{{"Dwaarfile", text}}))
		if err != nil {
			t.Fatal(err)
		}
		out, err := config.Adapt(c)
		if err != nil || strings.Contains(string(out), token) {
			t.Fatalf("%v:\n%s", err, out)
		}
		if c.Admin.Token != token {
			t.Error("the configuration itself has lost its token")
		}
		if first == "" {
			first = string(out)
		}
		if string(out) != first {
			t.Errorf("got\n%s\nthen\n%s", first, out)
		}
	}
}

func TestAdaptTellsNoKeyOfAnAccountOrAServer(t *testing.T) {
	const mac, tsig, other = "c2VjcmV0LW1hYy1rZXk", "c2VjcmV0LXRzaWcta2V5", "c2VjcmV0LW90aGVy"
	c := mustRead(t, `{
	acme_ca https://ca.example
	acme_eab {
		key_id kid
		mac_key `+mac+`
	}
}
*.a.example {
	tls {
		dns rfc2136 ns.example {
			key k. hmac-sha256 `+tsig+`
		}
	}
}
b.example {
	tls {
		issuer acme https://b.example {
			eab kid `+other+`
		}
	}
}
`)
	out, err := config.Adapt(c)
	if err != nil || strings.Contains(string(out), "c2VjcmV0") || strings.Count(string(out), "REDACTED") != 3 {
		t.Fatalf("%v:\n%s", err, out)
	}
	wildcard, b := c.ACME.Policies[0], c.ACME.Policies[1]
	if string(wildcard.DNS.RFC2136.KeySecret) != tsig || string(wildcard.Issuers[0].EAB.HMAC) != mac || string(b.Issuers[0].EAB.HMAC) != other {
		t.Error("the configuration itself has lost its keys")
	}
}

// Names of one policy are together; policies that differ in a secret only are two.
func TestPoliciesAreEqualOnlyWithTheirSecrets(t *testing.T) {
	site := func(name, secret string) string {
		return name + " {\n\ttls {\n\t\tdns rfc2136 ns.example {\n\t\t\tkey k. hmac-sha256 " + secret + "\n\t\t}\n\t}\n}\n"
	}
	c := mustRead(t, site("a.example", "b25l")+site("b.example", "dHdv")+site("c.example", "b25l"))
	var got []string
	for _, p := range c.ACME.Policies {
		got = append(got, strings.Join(p.Names, " "))
	}
	if want := "a.example c.example, b.example"; strings.Join(got, ", ") != want {
		t.Errorf("policies are for %q, want %q", got, want)
	}
	_, err := config.Read(home+"Dwaarfile", source([]section{{"Dwaarfile", site("a.example", "b25l") + site("a.example:8443", "dHdv")}}))
	if err == nil || !strings.Contains(err.Error(), "one name has one certificate") {
		t.Errorf("two secrets for one name: %v", err)
	}
}

func TestProblemsDoNotTellKeys(t *testing.T) {
	for _, text := range []string{
		"{\n\tacme_eab {\n\t\tmac_key SECRET/SECRET\n\t}\n}\n",
		"a.example {\n\ttls {\n\t\tissuer acme https://a.example {\n\t\t\teab kid SECRET/SECRET\n\t\t}\n\t}\n}\n",
		"a.example {\n\ttls {\n\t\tdns rfc2136 ns.example {\n\t\t\tkey k. hmac-sha256 SECRET%SECRET\n\t\t}\n\t}\n}\n",
	} {
		_, err := config.Read(home+"Dwaarfile", source([]section{{"Dwaarfile", text}}))
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("err = %v", err)
		}
	}
}

func TestProblemsDoNotTellSecrets(t *testing.T) {
	const token = "short-secret"
	_, err := config.Read(home+"Dwaarfile", source([]section{{"Dwaarfile", "{\n\tadmin 127.0.0.1:2019 {\n\t\ttoken " + token + "\n\t}\n}\n"}}))
	if err == nil || strings.Contains(err.Error(), token) {
		t.Errorf("err = %v", err)
	}
}
