package doctor_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dwaar/acme/localca"
	"dwaar/cmd/dwaar/internal/doctor"
	"dwaar/cmd/dwaar/internal/server"
	"dwaar/netguard"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/tlsstore/storage"
)

// practice is a CA with a responder, and a patient.
type practice struct {
	ca        *ocsptest.CA
	responder *ocsptest.Responder
	url, dir  string
	names     phoneBook
	tls, http string // free ports
	patient   doctor.Patient
}

func newPractice(t *testing.T) *practice {
	t.Helper()
	p := &practice{ca: ocsptest.NewCA(t), dir: t.TempDir(), names: phoneBook{}, tls: freePort(t), http: freePort(t)}
	p.responder = ocsptest.NewResponder(t, p.ca)
	p.url = p.responder.Start(t)
	if err := os.Mkdir(p.data(), 0o700); err != nil {
		t.Fatal(err)
	}
	p.patient = doctor.Patient{
		DataDir: p.data(), Resolver: p.names,
		Roots: func() (*x509.CertPool, error) { return p.ca.Pool(), nil },
	}
	return p
}

func (p *practice) data() string { return filepath.Join(p.dir, "data") }

// leaf writes NAME.pem and NAME.key.
func (p *practice) leaf(t *testing.T, name string, opts ...ocsptest.Option) *ocsptest.Leaf {
	t.Helper()
	leaf := p.ca.Leaf(t, append([]ocsptest.Option{ocsptest.Names(name), ocsptest.OCSP(p.url)}, opts...)...)
	leaf.Write(t, p.dir, name)
	return leaf
}

// site is one with the files that leaf has written.
func site(name string) string {
	return fmt.Sprintf("https://%s {\n\tbind 127.0.0.1\n\ttls %s.pem %s.key\n\trespond hello\n}\n", name, name, name)
}

// sees is what is found of the given Dwaarfile, which begins inside the global options.
func (p *practice) sees(t *testing.T, dwaarfile string) findings {
	t.Helper()
	return p.examine(t, "\tauto_https disable_redirects\n"+dwaarfile)
}

// examine does so without options but for ports that this machine may have.
func (p *practice) examine(t *testing.T, dwaarfile string) findings {
	t.Helper()
	p.patient.Dwaarfile = ocsptest.WriteFile(t, p.dir, "Dwaarfile", []byte("{\n\tdefault_bind 127.0.0.1\n\thttps_port "+p.tls+"\n"+dwaarfile))
	p.patient.Inspection, p.patient.Problems = server.Inspect(p.patient.Dwaarfile, netguard.WithResolver(p.names))
	if p.patient.Problems != nil {
		t.Fatal(p.patient.Problems)
	}
	var all findings
	for f := range doctor.Run(t.Context(), 5*time.Second, doctor.Checks(p.patient)) {
		all = append(all, f)
	}
	return all
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return fmt.Sprint(ln.Addr().(*net.TCPAddr).Port)
}

type findings []doctor.Finding

// expect fails unless there is a finding of a level about what, with all words.
func (fs findings) expect(t *testing.T, level doctor.Level, what string, words ...string) {
	t.Helper()
	for _, f := range fs {
		if f.Level == level && strings.HasPrefix(f.What, what) && containsAll(f.Why, words) {
			return
		}
	}
	t.Errorf("there is no %s %s with %q:\n%v", level, what, words, fs)
}

// silent fails if there is a finding of a check.
func (fs findings) silent(t *testing.T, check string) {
	t.Helper()
	for _, f := range fs {
		if f.Check == check {
			t.Errorf("found %v", f)
		}
	}
}

func (fs findings) String() string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintf(&b, "%s | %s | %s | %s\n", f.Check, f.Level, f.What, f.Why)
	}
	return b.String()
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// phoneBook knows addresses of names, and of no others.
type phoneBook map[string]string

func (b phoneBook) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	switch addr := b[host]; addr {
	case "":
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	case "broken":
		return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
	default:
		return []netip.Addr{netip.MustParseAddr(addr)}, nil
	}
}

const allowed = "\tocsp {\n\t\tallow 127.0.0.0/8\n\t}\n}\n"

func TestResponderOfEachCertificateIsAskedOnce(t *testing.T) {
	p := newPractice(t)
	p.leaf(t, "a.example")
	p.leaf(t, "b.example")
	found := p.sees(t, allowed+site("a.example")+site("b.example"))
	found.expect(t, doctor.OK, "OCSP "+p.url, "says good of", "until 20")
	found.expect(t, doctor.OK, "certificates", "2 in files")
	if n := p.responder.Count(); n != 1 {
		t.Errorf("the responder was asked %d times", n)
	}
	found = p.sees(t, "}\n"+site("a.example"))
	found.expect(t, doctor.Fail, "OCSP "+p.url, "blocked_address", "127.0.0.1", "allow")
	p.responder.Set(ocsptest.Revoked)
	p.sees(t, allowed+site("a.example")).expect(t, doctor.Fail, "OCSP "+p.url, "it says revoked of", "a.example.pem", "replace it")
	p.responder.Set(ocsptest.Unknown)
	p.sees(t, allowed+site("a.example")).expect(t, doctor.Fail, "OCSP "+p.url, "it says unknown of")
	p.responder.Set(ocsptest.Expired)
	p.sees(t, allowed+site("a.example")).expect(t, doctor.Fail, "OCSP "+p.url, "expired: ", "responder still updates")
}

func TestResponderWithoutAnAddressIsToldByItsReason(t *testing.T) {
	p := newPractice(t)
	p.leaf(t, "a.example", ocsptest.OCSP("http://ocsp.nowhere.example/"))
	p.sees(t, allowed+site("a.example")).expect(t, doctor.Fail, "OCSP http://ocsp.nowhere.example/", "unreachable", "no such host")
	off := strings.Replace(site("a.example"), "a.example.key\n", "a.example.key {\n\t\tocsp off\n\t}\n", 1)
	p.sees(t, allowed+off).silent(t, "responders")
	other := strings.Replace(site("a.example"), "a.example.key\n", "a.example.key {\n\t\tocsp {\n\t\t\tresponder "+p.url+"\n\t\t}\n\t}\n", 1)
	p.sees(t, allowed+other).expect(t, doctor.OK, "OCSP "+p.url, "says good")
}

func TestIssuerThatIsNotInTheFileIsFetched(t *testing.T) {
	p := newPractice(t)
	leaf := p.leaf(t, "a.example")
	ocsptest.WriteFile(t, p.dir, "a.example.pem", ocsptest.CertPEM(leaf.Cert))
	found := p.sees(t, allowed+site("a.example"))
	found.expect(t, doctor.Warn, "certificate ", "its issuer (", "append the intermediates")
	found.expect(t, doctor.Fail, "issuer of ", "no_issuer")
}

func TestCertificatesInFilesAreJudged(t *testing.T) {
	p := newPractice(t)
	p.leaf(t, "a.example", ocsptest.Validity(-time.Hour, 50*time.Hour))
	p.leaf(t, "b.example", ocsptest.MustStaple(), ocsptest.OCSP())
	found := p.sees(t, allowed+site("a.example")+site("b.example"))
	found.expect(t, doctor.Warn, "certificate "+filepath.Join(p.dir, "a.example.pem"), "it ends in 2 days")
	found.expect(t, doctor.Fail, "certificate "+filepath.Join(p.dir, "b.example.pem"), "must-staple")
}

func TestClockThatIsCertainlyWrong(t *testing.T) {
	p := newPractice(t)
	p.leaf(t, "a.example")
	p.sees(t, allowed+site("a.example")).expect(t, doctor.OK, "clock")
	p.patient.Built = time.Now().Add(time.Hour)
	p.sees(t, allowed+site("a.example")).expect(t, doctor.Fail, "clock", "this binary is from", "timedatectl")
	p.leaf(t, "b.example", ocsptest.Validity(2*time.Hour, 50*time.Hour))
	p.sees(t, allowed+site("b.example")).expect(t, doctor.Fail, "clock", "the certificate in "+p.dir)
}

func TestListOfACertificateWithoutAResponderIsRead(t *testing.T) {
	p := newPractice(t)
	revoked := []x509.RevocationListEntry{}
	lists := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
			Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour), RevokedCertificateEntries: revoked,
		}, p.ca.Cert, p.ca.Key)
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(der)
	}))
	defer lists.Close()
	url := lists.URL + "/ca.crl"
	leaf := p.leaf(t, "a.example", ocsptest.OCSP(), ocsptest.Modify(func(c *x509.Certificate) { c.CRLDistributionPoints = []string{url} }))
	p.sees(t, allowed+site("a.example")).expect(t, doctor.OK, "CRL "+url, "does not name")
	p.sees(t, "}\n"+site("a.example")).expect(t, doctor.Warn, "CRL "+url, "blocked_address", "allow")
	p.sees(t, "\tocsp {\n\t\tcrl off\n\t}\n}\n"+site("a.example")).silent(t, "CRLs")
	revoked = []x509.RevocationListEntry{{SerialNumber: leaf.Cert.SerialNumber, RevocationTime: time.Now().Add(-time.Hour)}}
	p.sees(t, allowed+site("a.example")).expect(t, doctor.Fail, "CRL "+url, "it names", "replace it")
}

func TestDirectoryOfACAIsFetchedAsAnOrderDoes(t *testing.T) {
	p := newPractice(t)
	p.names["www.example.com"] = "127.0.0.1"
	var external string
	ca := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		at := "https://" + r.Host
		fmt.Fprintf(w, `{"newNonce":"%s/n","newAccount":"%s/a","newOrder":"%s/o","meta":{%s}}`, at, at, at, external)
	}))
	ca.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	ca.StartTLS()
	defer ca.Close()
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate().Raw})
	file := ocsptest.WriteFile(t, p.dir, "acme-root.pem", root)
	text := func(path string) string {
		return "\tacme_ca " + ca.URL + path + "\n\tacme_ca_root " + file + "\n}\nwww.example.com {\n\trespond hello\n}\n"
	}
	found := p.sees(t, text("/one"))
	found.expect(t, doctor.OK, "CA "+ca.URL+"/one", "can be reached")
	found.expect(t, doctor.OK, "names", "www.example.com leads to an address of this machine")
	external = `"externalAccountRequired":true`
	p.sees(t, text("/two")).expect(t, doctor.Fail, "CA "+ca.URL+"/two", "acme_eab")
	p.sees(t, "\tacme_ca "+ca.URL+"/three\n}\nwww.example.com {\n\trespond hello\n}\n").expect(t, doctor.Fail, "CA "+ca.URL, "certificate", "acme_ca_root")
}

func TestNamesAreLookedUp(t *testing.T) {
	p := newPractice(t)
	p.names["here.example"], p.names["nat.example"], p.names["broken.example"] = "127.0.0.1", "192.0.2.7", "broken"
	found := p.sees(t, "\tacme_ca https://127.0.0.1:1/\n}\nhere.example, nat.example, broken.example, gone.example, app.localhost {\n\trespond hello\n}\n")
	found.expect(t, doctor.OK, "names", "here.example leads to an address of this machine")
	found.expect(t, doctor.OK, "names", "nat.example leads to an address that this machine does not have itself", "NAT")
	found.expect(t, doctor.Warn, "name broken.example", "cannot be looked up", "misbehaving")
	found.expect(t, doctor.Warn, "name gone.example", "has no address")
	for _, f := range found {
		if strings.Contains(f.Why, "app.localhost") {
			t.Errorf("a local name is looked up: %v", f)
		}
	}
}

func TestLocalCAIsComparedWithTheSystem(t *testing.T) {
	p := newPractice(t)
	const text = "}\nlocalhost {\n\trespond hello\n}\n"
	p.sees(t, text).expect(t, doctor.OK, "local CA", "there is none yet", "dwaar trust")
	files, err := storage.NewFileSystem(p.data())
	if err != nil {
		t.Fatal(err)
	}
	root, err := localca.New(files, slog.New(slog.DiscardHandler)).Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.sees(t, text).expect(t, doctor.Warn, "local CA", "does not trust it", "dwaar trust")
	trusting := p.ca.Pool()
	trusting.AppendCertsFromPEM(root)
	p.patient.Roots = func() (*x509.CertPool, error) { return trusting, nil }
	p.sees(t, text).expect(t, doctor.OK, "local CA", "trusts it")
	p.patient.Roots = func() (*x509.CertPool, error) { return x509.NewCertPool(), nil }
	p.sees(t, text).expect(t, doctor.Warn, "system roots", "ca-certificates")
	p.sees(t, "\tacme_ca https://127.0.0.1:1/\n}\nwww.example.com {\n\trespond hello\n}\n").expect(t, doctor.Fail, "system roots", "ca-certificates")
}

func TestStorageIsTried(t *testing.T) {
	p := newPractice(t)
	const text = "}\nhttp://:8080 {\n\trespond hello\n}\n"
	p.sees(t, text).expect(t, doctor.OK, "storage", "was written to "+p.data())
	staging := filepath.Join(p.data(), ".staging") // where values are written first
	if err := errors.Join(os.Remove(staging), os.Symlink("nowhere/at/all", staging)); err != nil {
		t.Fatal(err)
	}
	p.sees(t, text).expect(t, doctor.Fail, "storage", "doctor-")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	found := p.sees(t, "\tstorage redis redis://:hunter2@"+ln.Addr().String()+"\n"+text)
	found.expect(t, doctor.Fail, "storage redis://", "refused")
	if strings.Contains(found.String(), "hunter2") {
		t.Errorf("a password is told:\n%v", found)
	}
}

func TestDoctorsAreNotInEachOthersWay(t *testing.T) {
	p := newPractice(t)
	p.patient.Dwaarfile = ocsptest.WriteFile(t, p.dir, "Dwaarfile", []byte("http://127.0.0.1:"+p.http+" {\n\tbind 127.0.0.1\n\trespond hello\n}\n"))
	p.patient.Inspection, p.patient.Problems = server.Inspect(p.patient.Dwaarfile)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for f := range doctor.Run(t.Context(), 10*time.Second, doctor.Checks(p.patient)[:3]) {
				if f.Level != doctor.OK {
					t.Errorf("found %v", f)
				}
			}
		})
	}
	group.Wait()
}

func TestFewOpenFilesAreToldOf(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	p := newPractice(t)
	few := before
	few.Cur = 1000
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	found := p.sees(t, "}\nhttp://:8080 {\n\trespond hello\n}\n")
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	found.expect(t, doctor.Warn, "open files", "1000", "LimitNOFILE")
}
