package issuing_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dwaar/acme/issuing"
)

// fakeCA speaks as much ACME (RFC 8555) as an order takes. It believes every signature, and
// can be made to do what no real CA does.
type fakeCA struct {
	t      *testing.T
	server *httptest.Server
	root   *x509.Certificate
	key    crypto.Signer
	dir    string // URL
	roots  string // PEM file that makes a client trust server

	// Set before the first request. Validate says whether a name is proved, nil that all are.
	// Mint makes the certificate for a request, nil a proper one.
	validate func(kind, name, token string) bool
	mint     func(csr *x509.CertificateRequest) *x509.Certificate
	needsEAB bool

	mu       sync.Mutex
	fault    func(w http.ResponseWriter, r *http.Request) bool
	serial   int64
	backdate time.Duration  // how long ago certificates begin
	accounts map[string]int // by JWK
	eab      []string       // key IDs
	orders   []*order
}

type order struct {
	id         int
	name       string
	replaces   string
	account    string
	authorized string // "pending", "valid", "invalid"
	failed     string // the kind of challenge that made it invalid
	chain      []byte
}

func newFakeCA(t *testing.T) *fakeCA {
	t.Helper()
	ca := &fakeCA{t: t, accounts: map[string]int{}, backdate: time.Minute}
	ca.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Fake Root"}, SubjectKeyId: []byte{1, 2, 3},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * 365 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	ca.root = sign(t, template, template, ca.key.Public(), ca.key)
	ca.server = httptest.NewUnstartedServer(ca)
	ca.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	ca.server.StartTLS()
	t.Cleanup(ca.server.Close)
	ca.dir = ca.server.URL + "/dir?" + rand.Text() // acmez remembers those of earlier CAs at a port
	ca.roots = filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(ca.roots, encode("CERTIFICATE", ca.server.Certificate().Raw), 0o600); err != nil {
		t.Fatal(err)
	}
	return ca
}

// issuer is how a policy names the CA.
func (ca *fakeCA) issuer() issuing.IssuerConfig {
	return issuing.IssuerConfig{CA: ca.dir, Email: "ops@example.test", Roots: []string{ca.roots}}
}

// fail switches what answers requests before the CA does.
func (ca *fakeCA) fail(f func(w http.ResponseWriter, r *http.Request) bool) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	ca.fault = f
}

// ordered are the orders so far.
func (ca *fakeCA) ordered() []order {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	var all []order
	for _, o := range ca.orders {
		all = append(all, *o)
	}
	return all
}

func (ca *fakeCA) forgetOrders() {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	ca.orders = nil
}

func (ca *fakeCA) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ca.mu.Lock()
	fault := ca.fault
	ca.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	w.Header().Set("Replay-Nonce", rand.Text())
	protected, payload := readJWS(r)
	base := "https://" + r.Host
	switch first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); first {
	case "dir":
		reply(w, 200, map[string]string{
			"newNonce": base + "/nonce", "newAccount": base + "/account", "newOrder": base + "/order", "renewalInfo": base + "/ari",
		})
	case "nonce":
	case "account":
		ca.account(w, base, protected, payload)
	case "order":
		ca.newOrder(w, base, protected, payload)
	case "authz":
		ca.authz(w, base, ca.find(rest))
	case "challenge":
		ca.challenge(w, base, ca.find(path.Dir(rest)), path.Base(rest))
	case "finalize":
		ca.finalize(w, base, ca.find(rest), payload)
	case "cert":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		_, _ = w.Write(ca.find(rest).chain)
	case "ari":
		w.Header().Set("Retry-After", "3600")
		reply(w, 200, map[string]any{"suggestedWindow": map[string]time.Time{
			"start": time.Now().Add(-2 * time.Hour), "end": time.Now().Add(-time.Hour),
		}, "explanationURL": "https://ca.test/why"})
	default:
		http.NotFound(w, r)
	}
}

func readJWS(r *http.Request) (protected, payload []byte) {
	var jws struct{ Protected, Payload string }
	_ = json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&jws)
	protected, _ = base64.RawURLEncoding.DecodeString(jws.Protected)
	payload, _ = base64.RawURLEncoding.DecodeString(jws.Payload)
	return protected, payload
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

func problem(w http.ResponseWriter, status int, kind, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "urn:ietf:params:acme:error:" + kind, "detail": detail, "status": status})
}

func (ca *fakeCA) account(w http.ResponseWriter, base string, protected, payload []byte) {
	var header struct{ JWK json.RawMessage }
	var said struct {
		ExternalAccountBinding *struct{ Protected string }
	}
	_, _ = json.Unmarshal(protected, &header), json.Unmarshal(payload, &said)
	if ca.needsEAB && said.ExternalAccountBinding == nil {
		problem(w, 403, "externalAccountRequired", "bind the account")
		return
	}
	ca.mu.Lock()
	defer ca.mu.Unlock()
	if said.ExternalAccountBinding != nil {
		var bound struct{ Kid string }
		text, _ := base64.RawURLEncoding.DecodeString(said.ExternalAccountBinding.Protected)
		_ = json.Unmarshal(text, &bound)
		ca.eab = append(ca.eab, bound.Kid)
	}
	status := 200
	if _, known := ca.accounts[string(header.JWK)]; !known {
		ca.accounts[string(header.JWK)] = len(ca.accounts) + 1
		status = 201
	}
	w.Header().Set("Location", fmt.Sprintf("%s/account/%d", base, ca.accounts[string(header.JWK)]))
	reply(w, status, map[string]string{"status": "valid"})
}

func (ca *fakeCA) newOrder(w http.ResponseWriter, base string, protected, payload []byte) {
	var header struct{ Kid string }
	var said struct {
		Identifiers []struct{ Value string }
		Replaces    string
	}
	_, _ = json.Unmarshal(protected, &header), json.Unmarshal(payload, &said)
	ca.mu.Lock()
	o := &order{
		id: len(ca.orders), name: said.Identifiers[0].Value, replaces: said.Replaces,
		account: header.Kid, authorized: "pending",
	}
	ca.orders = append(ca.orders, o)
	ca.mu.Unlock()
	w.Header().Set("Location", fmt.Sprintf("%s/order/%d", base, o.id))
	reply(w, 201, ca.describe(base, o, "pending"))
}

func (ca *fakeCA) describe(base string, o *order, status string) map[string]any {
	return map[string]any{
		"status": status, "identifiers": []any{map[string]string{"type": "dns", "value": o.name}},
		"authorizations": []string{fmt.Sprintf("%s/authz/%d", base, o.id)},
		"finalize":       fmt.Sprintf("%s/finalize/%d", base, o.id),
		"certificate":    fmt.Sprintf("%s/cert/%d", base, o.id),
	}
}

func (ca *fakeCA) find(id string) *order {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	var n int
	if _, err := fmt.Sscan(id, &n); err != nil || n >= len(ca.orders) {
		return &order{}
	}
	return ca.orders[n]
}

func (ca *fakeCA) authz(w http.ResponseWriter, base string, o *order) {
	var challenges []any
	for _, kind := range []string{"http-01", "tls-alpn-01", "dns-01"} {
		challenges = append(challenges, ca.describeChallenge(base, o, kind))
	}
	ca.mu.Lock()
	defer ca.mu.Unlock()
	reply(w, 200, map[string]any{
		"status": o.authorized, "challenges": challenges, "identifier": map[string]string{"type": "dns", "value": o.name},
	})
}

func (ca *fakeCA) describeChallenge(base string, o *order, kind string) map[string]any {
	c := map[string]any{
		"type": kind, "status": "pending", "token": tokenOf(o, kind), "url": fmt.Sprintf("%s/challenge/%d/%s", base, o.id, kind),
	}
	ca.mu.Lock()
	defer ca.mu.Unlock()
	if o.authorized == "invalid" && o.failed == kind {
		c["status"] = "invalid"
		c["error"] = map[string]any{"type": "urn:ietf:params:acme:error:unauthorized", "detail": "no proof", "status": 403}
	}
	return c
}

func tokenOf(o *order, kind string) string { return fmt.Sprintf("token-%d-%s", o.id, kind) }

func (ca *fakeCA) challenge(w http.ResponseWriter, base string, o *order, kind string) {
	state := "valid"
	if ca.validate != nil && !ca.validate(kind, o.name, tokenOf(o, kind)) {
		state = "invalid"
	}
	ca.mu.Lock()
	o.authorized, o.failed = state, kind
	ca.mu.Unlock()
	reply(w, 200, ca.describeChallenge(base, o, kind))
}

func (ca *fakeCA) finalize(w http.ResponseWriter, base string, o *order, payload []byte) {
	var said struct{ CSR string }
	_ = json.Unmarshal(payload, &said)
	der, _ := base64.RawURLEncoding.DecodeString(said.CSR)
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		problem(w, 400, "badCSR", err.Error())
		return
	}
	leaf := ca.leafFor(csr)
	ca.mu.Lock()
	o.chain = encode("CERTIFICATE", leaf.Raw)
	ca.mu.Unlock()
	w.Header().Set("Location", fmt.Sprintf("%s/order/%d", base, o.id))
	reply(w, 200, ca.describe(base, o, "valid"))
}

func (ca *fakeCA) leafFor(csr *x509.CertificateRequest) *x509.Certificate {
	if ca.mint != nil {
		return ca.mint(csr)
	}
	return ca.leaf(csr.DNSNames, csr.PublicKey, time.Now().Add(24*time.Hour), csr.Extensions)
}

// mintAddresses lets certificates be for addresses too.
func (ca *fakeCA) mintAddresses() {
	ca.mint = func(csr *x509.CertificateRequest) *x509.Certificate {
		leaf := ca.leaf(csr.DNSNames, csr.PublicKey, time.Now().Add(time.Hour), nil)
		leaf.IPAddresses = csr.IPAddresses
		return sign(ca.t, leaf, ca.root, csr.PublicKey, ca.key)
	}
}

// leaf signs what it is told to.
func (ca *fakeCA) leaf(names []string, public any, notAfter time.Time, extensions []pkix.Extension) *x509.Certificate {
	ca.mu.Lock()
	ca.serial++
	serial := ca.serial + 1000
	ca.mu.Unlock()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: names, NotBefore: time.Now().Add(-ca.backdate), NotAfter: notAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, e := range extensions {
		if !e.Id.Equal([]int{2, 5, 29, 17}) { // the names are there already
			template.ExtraExtensions = append(template.ExtraExtensions, e)
		}
	}
	return sign(ca.t, template, ca.root, public, ca.key)
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, public any, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func keyPEM(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return encode("PRIVATE KEY", der)
}
