package doctor_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"dwaar/cmd/dwaar/internal/doctor"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/proxy/admin"
)

const page = "../../../../docs/doctor.md"

// fenced is the text of the page's only block of a kind.
func fenced(t *testing.T, kind string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n```"+kind+"\n")
	block, _, ends := strings.Cut(rest, "\n```\n")
	if !ends {
		t.Fatalf("%s has no block %s", page, kind)
	}
	return block + "\n"
}

// The page shows what is really said.
func TestDocsShowWhatIsSaid(t *testing.T) {
	p := newPractice(t)
	p.leaf(t, "www", ocsptest.Names("www.example.com"), ocsptest.OCSP("http://10.20.0.7/"))
	ca := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"newNonce":"https://a/n","newAccount":"https://a/a","newOrder":"https://a/o"}`)
	}))
	defer ca.Close()
	root := ocsptest.WriteFile(t, p.dir, "root.pem", ocsptest.CertPEM(ca.Certificate()))
	door, err := admin.ParseAddress(admin.DefaultListen(p.data()))
	if err != nil {
		t.Fatal(err)
	}
	if p.patient.Door, err = admin.NewClient(door, ""); err != nil {
		t.Fatal(err)
	}
	all := p.examine(t, "\thttp_port "+p.http+"\n\tacme_ca "+ca.URL+"\n\tacme_ca_root "+root+"\n}\n"+fenced(t, "dwaarfile"))
	var said strings.Builder
	for _, f := range all {
		f.What = strings.NewReplacer(p.dir, "/etc/dwaar", "127.0.0.1:"+p.tls, ":443", "127.0.0.1:"+p.http, ":80", ca.URL, "https://acme-v02.api.letsencrypt.org/directory").Replace(f.What)
		f.Why = strings.ReplaceAll(f.Why, p.data(), "/var/lib/dwaar")
		f.Why = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:]+Z`).ReplaceAllString(f.Why, "DATE")
		f.Why = regexp.MustCompile(`may have \d+`).ReplaceAllString(f.Why, "may have N")
		fmt.Fprintln(&said, f)
	}
	want, _, _ := strings.Cut(fenced(t, "text"), "\n\n")
	if got := strings.TrimSpace(said.String()); got != want {
		t.Errorf("%s shows\n%s\nand it says\n%s", page, want, got)
	}
}

// Every check stands on the page, in the order in which it is told.
func TestDocsNameEveryCheck(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var rows, names []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		rows = append(rows, row[1])
	}
	for _, check := range doctor.Checks(doctor.Patient{}) {
		names = append(names, check.Name)
	}
	if got, want := strings.Join(rows, ", "), strings.Join(names, ", "); got != want {
		t.Errorf("%s names %s, there are %s", page, got, want)
	}
}
