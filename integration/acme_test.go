package integration

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/wait"
)

// customer is one dwaar that gets its certificates from a Pebble, which proves names at
// dwaar's own ports.
type customer struct {
	*dwaar.Server
	t  *testing.T
	CA *pebble.Pebble
}

// newCustomer starts the Pebble. The ports of cfg are dwaar's unless it says others.
func newCustomer(t *testing.T, cfg pebble.Config) *customer {
	t.Helper()
	s := dwaar.New(t, binaries.Race, binaries.Plain)
	if cfg.HTTPPort == 0 {
		cfg.HTTPPort = s.HTTP
	}
	if cfg.TLSPort == 0 {
		cfg.TLSPort = s.HTTPS
	}
	return &customer{Server: s, t: t, CA: pebble.Start(t, cfg)}
}

// says writes a Dwaarfile whose CA is the Pebble.
func (c *customer) says(global string, sites ...string) {
	c.t.Helper()
	c.Configure(c.Options(c.account()+global, "") + strings.Join(sites, ""))
}

func (c *customer) account() string {
	return fmt.Sprintf("email ops@example.test\n\tacme_ca %s\n\tacme_ca_root %s\n\t", c.CA.Directory(), c.CA.RootFile())
}

// answers is a site that says its own name; inside stands in it, too.
func answers(name, inside string) string {
	return fmt.Sprintf("%s {\n\t%s\n\trespond %q\n}\n", name, inside, "site "+name)
}

// try makes one full, verified handshake.
func (c *customer) try(name string) (client.Handshake, error) {
	return client.Target{Addr: c.Addr(), Name: name, Roots: c.CA.Pool()}.Do()
}

func (c *customer) shake(promise, name string) client.Handshake {
	c.t.Helper()
	shown, err := c.try(name)
	if err != nil {
		c.t.Fatalf("%s: %v", promise, err)
	}
	return shown
}

// served waits until name has a certificate.
func (c *customer) served(promise, name string) client.Handshake {
	c.t.Helper()
	return c.servedOther(promise, name, client.Handshake{})
}

// servedOther waits until name has another certificate than before.
func (c *customer) servedOther(promise, name string, before client.Handshake) client.Handshake {
	c.t.Helper()
	var shown client.Handshake
	wait.Until(c.t, 2*soon, promise+": a certificate for "+name, func() (err error) {
		if shown, err = c.try(name); err == nil && before.Leaf != nil && shown.Leaf.Equal(before.Leaf) {
			err = errNotYet
		}
		return err
	})
	return shown
}

// stillServed fails the test unless the next handshake shows the same certificate.
func (c *customer) stillServed(promise, name string, before client.Handshake) {
	c.t.Helper()
	if now := c.shake(promise, name); !now.Leaf.Equal(before.Leaf) {
		c.t.Errorf("%s: serial %x is served, want still %x", promise, now.Leaf.SerialNumber, before.Leaf.SerialNumber)
	}
}

// troubled waits until the status shows why name gets no certificate: all of words.
func (c *customer) troubled(promise, name string, words ...string) dwaar.ACME {
	c.t.Helper()
	var keeping dwaar.ACME
	wait.Until(c.t, 2*soon, fmt.Sprintf("%s: %q in the status of %s", promise, words, name), func() error {
		cert, err := c.Certificate(name)
		if err != nil {
			return err
		}
		if cert.ACME == nil {
			return fmt.Errorf("nothing about its keeping in %+v", cert)
		}
		for _, word := range words {
			if !strings.Contains(cert.ACME.LastError, word) || cert.ACME.LastError == "" {
				return fmt.Errorf("last error %q", cert.ACME.LastError)
			}
		}
		keeping = *cert.ACME
		return nil
	})
	return keeping
}

// awaitLog waits for a log line of a level that contains every one of the words.
func (c *customer) awaitLog(promise, level string, words ...string) {
	c.t.Helper()
	wait.Until(c.t, soon, fmt.Sprintf("%s: a %s with %q in the log", promise, level, words), func() error {
		if len(c.Log.Records(level, words...)) == 0 {
			return errNotYet
		}
		return nil
	})
}

// orders counts what was ordered.
func (c *customer) orders(promise string, want int) {
	c.t.Helper()
	if got := c.CA.Orders(); len(got) != want {
		c.t.Errorf("%s: %d orders, want %d: %+v", promise, len(got), want, got)
	}
}

// files are the relative paths of a data directory's files with their modes, without what is
// there for a moment only.
func files(t *testing.T, dir string) map[string]fs.FileMode {
	t.Helper()
	found := map[string]fs.FileMode{}
	must(t)(nil, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // it is gone
		}
		name, err := filepath.Rel(dir, path)
		found[name] = info.Mode()
		return err
	}))
	return found
}

// http asks dwaar's plain port about a host, without following redirects.
func (c *customer) http(method, host, path string) (*http.Response, string) {
	c.t.Helper()
	request := must(c.t)(http.NewRequest(method, fmt.Sprintf("http://127.0.0.1:%d%s", c.HTTP, path), nil)).(*http.Request)
	request.Host = host
	response := must(c.t)((&http.Transport{DisableKeepAlives: true}).RoundTrip(request)).(*http.Response)
	defer response.Body.Close()
	return response, string(must(c.t)(io.ReadAll(response.Body)).([]byte))
}

// A1: a site with nothing but a name gets a certificate, by either challenge on dwaar's own
// listeners, from a CA that refuses nonces and answers 503 now and then. The files lie where
// certmagic has them, for their owner only.
func TestASiteGetsItsCertificateByEitherChallenge(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]struct {
		global string
		closed func(*pebble.Config, int)
	}{
		"http-01":     {"", func(cfg *pebble.Config, port int) { cfg.TLSPort = port }},
		"tls-alpn-01": {"auto_https disable_redirects", func(cfg *pebble.Config, port int) { cfg.HTTPPort = port }},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			cfg := pebble.Config{NonceReject: 30}
			c.closed(&cfg, wait.Port(t))
			h := newCustomer(t, cfg)
			h.CA.Behave(stumble("/authZ/", 2))
			h.says(c.global, answers("example.test", ""))
			h.Start()
			shown := h.served("A1: "+kind, "example.test")
			if h.CA.Issued(shown.Leaf.SerialNumber) == nil {
				t.Errorf("serial %x is not of this CA", shown.Leaf.SerialNumber)
			}
			cert := must(t)(h.Certificate("example.test")).(dwaar.Certificate)
			if cert.Source != "acme" || cert.ACME == nil || cert.ACME.LastError != "" || cert.ACME.NextRenewal == nil {
				t.Errorf("status: %+v with %+v; want one of acme with a renewal and without an error", cert, cert.ACME)
			}
			h.isStored("example.test")
		})
	}
}

// stumble is a Fault: the first requests below path get 503.
func stumble(path string, times int) pebble.Fault {
	tokens := make(chan struct{}, times)
	for range times {
		tokens <- struct{}{}
	}
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, path) {
			return false
		}
		select {
		case <-tokens:
			http.Error(w, "come again", http.StatusServiceUnavailable)
			return true
		default:
			return false
		}
	}
}

// isStored looks for the three files of a name.
func (c *customer) isStored(name string) {
	c.t.Helper()
	all := files(c.t, c.Data)
	for _, ending := range []string{".crt", ".key", ".json"} {
		path := filepath.Join("certificates", c.key(), name, name+ending)
		if mode, ok := all[path]; !ok || mode.Perm() != 0o600 {
			c.t.Errorf("3.3: %s has mode %v, want -rw-------; there are %v", path, mode, all)
		}
	}
	for path := range all {
		if strings.Contains(path, "challenge_tokens") || strings.HasPrefix(path, "pending") {
			c.t.Errorf("3.3: %s is left over from the order", path)
		}
	}
}

// key is certmagic's name for the CA in storage.
func (c *customer) key() string {
	u := must(c.t)(url.Parse(c.CA.Directory())).(*url.URL)
	return strings.ReplaceAll(u.Host, ":", "-") + strings.ReplaceAll(u.Path, "/", "-")
}

// A1: where nothing listens for http-01, the CA is never told to try it: CAs count validations
// that fail.
func TestNoChallengeIsTriedThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{})
	names := []string{"a.test", "b.test", "c.test", "d.test"}
	var sites []string
	for _, name := range names {
		sites = append(sites, answers(name, ""))
	}
	h.says("auto_https disable_redirects", sites...)
	h.Start()
	for _, name := range names {
		h.served("A1: tls-alpn-01", name)
	}
	h.orders("A1: each proved at the first try", len(names))
}

// A1: a reload that opens a port for http-01 has it tried at once.
func TestAReloadOpensThePortForChallenges(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{TLSPort: wait.Port(t)}) // the CA cannot reach the other one
	h.says("auto_https disable_redirects", answers("example.test", ""))
	h.Start()
	h.troubled("A1: tls-alpn-01 alone", "example.test", "tls-alpn-01 challenge")
	h.says("auto_https disable_redirects", answers("example.test", ""), answers("http://plain.test", ""))
	h.Must("reload", "--config", h.Config())
	h.served("A1: http-01", "example.test")
}

// A1: challenges are answered before the redirect to https, for names that are proved that
// way and for no others; a token that nobody has asked for is not found; only GET is served.
func TestChallengesComeBeforeHandlersAndRedirects(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{TLSPort: wait.Port(t)}) // http-01 is what is left
	h.says("", answers("example.test", ""), answers("http://plain.test", ""))
	h.Start()
	h.served("A1", "example.test")
	const challenge = "/.well-known/acme-challenge/"
	for _, c := range []struct {
		method, host, path string
		status             int
	}{
		{"GET", "example.test", "/", http.StatusPermanentRedirect},
		{"GET", "example.test", challenge + "unknown", http.StatusNotFound},
		{"GET", "EXAMPLE.test:80", challenge + "unknown", http.StatusNotFound},
		{"GET", "example.test", challenge, http.StatusNotFound},
		{"GET", "example.test", challenge + "../../etc/passwd", http.StatusNotFound},
		{"POST", "example.test", challenge + "unknown", http.StatusMethodNotAllowed},
		{"HEAD", "example.test", challenge + "unknown", http.StatusMethodNotAllowed},
		{"GET", "plain.test", challenge + "unknown", http.StatusOK}, // its own affair
	} {
		response, body := h.http(c.method, c.host, c.path)
		if response.StatusCode != c.status {
			t.Errorf("A1: %s http://%s%s: %s %q, want %d", c.method, c.host, c.path, response.Status, body, c.status)
		}
	}
}

// A1: a site whose address is not ASCII is proved and served by its name in the DNS.
func TestAnInternationalNameGetsItsCertificate(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{})
	h.says("", answers("Bücher.example.test", ""))
	h.Start()
	h.served("A1: an international name", "xn--bcher-kva.example.test")
}

// A CA that takes requests and answers none, not even for its directory, delays neither the
// start, nor the sites of another CA, nor the end.
func TestACAThatHangsDelaysNobody(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{})
	hung := pebble.Start(t, pebble.Config{})
	hung.Behave(pebble.Hang("/"))
	other := fmt.Sprintf("tls {\n\t\tca %s\n\t\tca_root %s\n\t}", hung.Directory(), hung.RootFile())
	var sites []string
	for i := range 10 {
		sites = append(sites, answers(fmt.Sprintf("hung%d.test", i), other))
	}
	h.says("", append(sites, answers("good.test", ""))...)
	h.Start()
	h.served("A2: the site of a CA that answers", "good.test")
	if hung.Requests("/dir") == 0 {
		t.Error("the CA that hangs was not asked; the test has lost its subject")
	}
	h.Stop()
}

// A2: a CA that wants an external account gets it; a wrong key is said, with no account made.
func TestExternalAccounts(t *testing.T) {
	t.Parallel()
	key := pebble.HMACKey(t)
	h := newCustomer(t, pebble.Config{EAB: map[string]string{"kid-1": key}})
	eab := func(mac string) string { return "acme_eab {\n\t\tkey_id kid-1\n\t\tmac_key " + mac + "\n\t}" }
	h.says(eab(pebble.HMACKey(t)), answers("example.test", ""))
	h.Start()
	trouble := h.troubled("A2: a wrong key", "example.test", "external account binding")
	if strings.Contains(trouble.LastError, key) || strings.Contains(h.Log.String(), key) {
		t.Error("A2: the key is told")
	}
	if _, err := h.try("example.test"); !hasAlert(err, "unrecognized name") && !hasAlert(err, "internal error") {
		t.Errorf("without a certificate: %v, want an alert", err)
	}
	h.says(eab(key), answers("example.test", ""))
	h.Must("reload", "--config", h.Config())
	h.served("A2: the right key, by a reload", "example.test")
}

// A2: issuers are asked in their order. When none issues, the status and the log have the
// reason of each; when the second one does, the log has why the first one did not.
func TestIssuersAreAskedInOrder(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{})
	first := pebble.Start(t, pebble.Config{HTTPPort: h.HTTP, TLSPort: h.HTTPS})
	first.Down()
	h.CA.Behave(pebble.Refuse("/order-plz", http.StatusForbidden, "userActionRequired"))
	issuer := func(p *pebble.Pebble) string {
		return fmt.Sprintf("issuer acme %s {\n\t\t\troot %s\n\t\t}\n\t\t", p.Directory(), p.RootFile())
	}
	site := answers("example.test", "tls {\n\t\t"+issuer(first)+issuer(h.CA)+"\n\t}")
	h.Configure(h.Options("email ops@example.test", "") + site)
	h.Start()
	h.troubled("A2: none of two", "example.test", "connection refused", "userActionRequired")
	h.awaitLog("A2: none of two", "WARN", "getting a certificate failed", "connection refused", "userActionRequired")

	h.CA.Behave(nil)
	first.Up()
	first.Behave(pebble.Refuse("/order-plz", http.StatusForbidden, "rejectedIdentifier"))
	h.Must("certs", "renew", "example.test")
	h.shake("A2: the second of two", "example.test")
	h.awaitLog("A2: the second of two", "WARN", "another issuer had to step in", "rejectedIdentifier", "example.test")
	if cert, err := h.Certificate("example.test"); err != nil || cert.ACME.LastError != "" {
		t.Errorf("A2: the second of two issued, and the status says %+v, %v", cert.ACME, err)
	}

	first.Behave(nil)
	h.Must("certs", "renew", "example.test")
	shown := must(t)(client.Target{Addr: h.Addr(), Name: "example.test", Roots: first.Pool()}.Do()).(client.Handshake)
	if first.Issued(shown.Leaf.SerialNumber) == nil {
		t.Error("A2: the first issuer can, and another one has issued")
	}
}

// A4: a site that a reload adds is begun at once, and no other one is touched.
func TestASiteAddedByAReloadIsIssuedAtOnce(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{})
	h.says("", answers("one.test", ""))
	h.Start()
	one := h.served("A1", "one.test")
	h.says("", answers("one.test", ""), answers("two.test", ""))
	h.Must("reload", "--config", h.Config())
	h.served("A4", "two.test")
	h.stillServed("A4", "one.test", one)
	h.orders("A4", 2)
	h.says("", answers("two.test", ""))
	h.Must("reload", "--config", h.Config())
	if _, err := h.try("one.test"); !hasAlert(err, "unrecognized name") {
		t.Errorf("A4: a site that a reload has taken away: %v, want unrecognized_name", err)
	}
}

// A restart serves what storage has, in the very first handshake, and asks the CA for nothing.
func TestARestartServesFromStorage(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{})
	h.says("", answers("example.test", ""))
	h.Start()
	before := h.served("A1", "example.test")
	h.Stop()
	h.CA.Down()
	h.Start()
	h.stillServed("restart with the CA down", "example.test", before)
	h.Kill()
	h.CA.Up()
	h.Start()
	h.stillServed("restart after kill -9", "example.test", before)
	h.orders("restart", 1)
}

// V3, A3: a CA that wants a certificate renewed now, by ARI, has it renewed now, once, and is
// told which one that replaces (RFC 9773).
func TestARIWindowInThePastRenews(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{})
	h.says("", answers("example.test", ""))
	h.Start()
	before := h.served("A1", "example.test")
	h.Stop()
	h.CA.SuggestRenewal(before.Leaf, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	h.Start()
	after := h.servedOther("A3: ARI", "example.test", before)
	orders := h.CA.Orders()
	if len(orders) != 2 || strings.Count(orders[1].Replaces, ".") != 1 {
		t.Errorf("A3: orders %+v; want a second one that says what it replaces", orders)
	}
	if before.Leaf.PublicKeyAlgorithm == after.Leaf.PublicKeyAlgorithm && slices.Equal(before.Leaf.RawSubjectPublicKeyInfo, after.Leaf.RawSubjectPublicKeyInfo) {
		t.Error("A3: the renewed certificate has the old key")
	}
	if told := h.Log.Records("INFO", "the CA wants the certificate renewed sooner"); len(told) != 1 {
		t.Errorf("A3: the log says why it was renewed %d times, want once: %v", len(told), told)
	}
}

// `dwaar certs renew` and `reissue` get another certificate with another key and exit 0 when
// it serves; 1 with the reason when there is none, and the old one stays.
func TestRenewAndReissueByHand(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{AuthzReuse: 50}) // not every order has something to prove
	h.says("", answers("example.test", ""))
	h.Start()
	shown := h.served("A1", "example.test")
	for _, verb := range []string{"renew", "reissue"} {
		out := h.Must("certs", verb, "example.test")
		next := h.shake("3.1: certs "+verb+" waits until it serves", "example.test")
		if next.Leaf.Equal(shown.Leaf) || slices.Equal(next.Leaf.RawSubjectPublicKeyInfo, shown.Leaf.RawSubjectPublicKeyInfo) {
			t.Errorf("3.1: certs %s: the old certificate serves, or its key", verb)
		}
		if serial := fmt.Sprintf("%x", next.Leaf.SerialNumber); !strings.Contains(out.Stdout, strings.TrimPrefix(serial, "0")) {
			t.Errorf("3.1: certs %s prints\n%s, want serial %s", verb, out.Text(), serial)
		}
		shown = next
	}
	h.CA.Down()
	for want, args := range map[string][]string{
		"connection refused":  {"renew", "example.test"},
		"dwaar: example.test": {"reissue", "example.test"},
		"dwaar: other.test: dwaar does not get a certificate for it\n": {"renew", "other.test"},
	} {
		if out := h.Do(append([]string{"certs"}, args...)...); out.Code != 1 || !strings.Contains(out.Stderr, want) || strings.Count(out.Stderr, "\n") != 1 {
			t.Errorf("3.1: certs %v: exit %d, %q; want 1 with %q and no more lines", args, out.Code, out.Text(), want)
		}
	}
	if out := h.Do("certs", "renew"); out.Code != 2 {
		t.Errorf("3.1: certs renew without a name: exit %d, want 2", out.Code)
	}
	h.stillServed("3.1: a failed reissue changes nothing", "example.test", shown)
	h.Stop()
	if out := h.Do("certs", "renew", "example.test"); out.Code != 1 {
		t.Errorf("3.1: certs renew without a running dwaar: exit %d, want 1", out.Code)
	}
}
