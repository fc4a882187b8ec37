package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
)

// verdict is the JSON that verify, fetch and check print.
type verdict struct {
	Valid            *bool      `json:"valid"`
	Status           string     `json:"status"`
	Reason           string     `json:"reason"`
	ThisUpdate       *time.Time `json:"this_update"`
	NextUpdate       *time.Time `json:"next_update"`
	ProducedAt       *time.Time `json:"produced_at"`
	RevokedAt        *time.Time `json:"revoked_at"`
	RevocationReason string     `json:"revocation_reason"`
	Responder        string     `json:"responder"`
}

func readVerdict(t *testing.T, r dwaar.Result) verdict {
	t.Helper()
	var v verdict
	if err := json.Unmarshal([]byte(r.Stdout), &v); err != nil {
		t.Fatalf("3.1: the verdict is not JSON: %v\n%s", err, r.Text())
	}
	if v.Valid == nil {
		t.Fatalf("3.1: the verdict has no valid: %s", r.Stdout)
	}
	return v
}

// bench is a leaf, its files and its responder, without a server.
type bench struct {
	t                     *testing.T
	dir                   string
	CA                    *pki.Authority
	OCSP                  *responder.Responder
	leaf                  *pki.Leaf
	chain, issuer, output string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	ca := pki.New(t, "Bench")
	b := &bench{t: t, dir: t.TempDir(), CA: ca, OCSP: responder.New(t, ca)}
	b.leaf = ca.Issue(t, pki.Request{Names: []string{"bench.test"}, OCSP: []string{b.OCSP.URL()}})
	b.chain = b.leaf.Write(t, b.dir, "bench").Cert
	b.issuer, b.output = filepath.Join(b.dir, "issuer.pem"), filepath.Join(b.dir, "out.ocsp")
	pki.WriteFile(t, b.issuer, pki.CertPEM(ca.Cert.Raw))
	return b
}

func (b *bench) fetch(args ...string) dwaar.Result {
	b.t.Helper()
	return dwaar.Run(b.t, binaries.Race, append([]string{"ocsp", "fetch", "--cert", b.chain, "--json"}, args...)...)
}

// `dwaar ocsp fetch` writes the received bytes of a verified good, and only of that; on
// anything else the old file stays and the exit code is 1.
func TestFetchWritesOnlyVerifiedGoodResponses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	out := b.fetch("--allow", "127.0.0.1", "--out", b.output)
	if v := readVerdict(t, out); out.Code != 0 || v.Reason != "good" || v.Status != "good" || !*v.Valid {
		t.Fatalf("fetch: exit %d\n%s", out.Code, out.Text())
	}
	written := must(t)(os.ReadFile(b.output)).([]byte)
	if string(written) != string(b.OCSP.Last()) {
		t.Error("S5: the file does not hold the received bytes")
	}
	for reason, behave := range map[string]responder.Behaviour{
		"revoked": responder.Revoked, "unknown": responder.Unknown, "http_error": responder.Status(500),
		"malformed": responder.Raw([]byte("<html>")), "expired": responder.Expired,
		"wrong_certificate": responder.WrongSerial, "no_next_update": responder.NoNextUpdate,
	} {
		b.OCSP.Behave(behave)
		out := b.fetch("--allow", "127.0.0.1", "--out", b.output)
		if v := readVerdict(t, out); out.Code != 1 || v.Reason != reason {
			t.Errorf("fetch, %s: exit %d, reason %s\n%s", reason, out.Code, v.Reason, out.Text())
		}
		if now := must(t)(os.ReadFile(b.output)).([]byte); string(now) != string(written) {
			t.Errorf("fetch, %s: the old file did not stay", reason)
		}
	}
	b.OCSP.Behave(responder.Good)
	asked := b.OCSP.Requests()
	out = b.fetch("--out", b.output)
	if v := readVerdict(t, out); out.Code != 1 || v.Reason != "blocked_address" || b.OCSP.Requests() != asked {
		t.Errorf("N1: fetch without --allow: exit %d, reason %s, %d requests", out.Code, v.Reason, b.OCSP.Requests()-asked)
	}
	left := must(t)(filepath.Glob(filepath.Join(b.dir, ".*"))).([]string)
	if len(left) != 0 {
		t.Errorf("fetch left temporary files behind: %v", left)
	}
}

// `dwaar ocsp fetch` with the issuer and the URL given by hand.
func TestFetchWithIssuerAndURL(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	alone := filepath.Join(b.dir, "alone.pem")
	leaf := b.CA.Issue(t, pki.Request{Names: []string{"bare.test"}})
	pki.WriteFile(t, alone, pki.CertPEM(leaf.Cert.Raw))
	b.chain = alone
	if out := b.fetch("--issuer", b.issuer); out.Code != 1 || readVerdict(t, out).Reason != "no_responder" {
		t.Errorf("fetch without a responder: exit %d\n%s", out.Code, out.Text())
	}
	if out := b.fetch("--allow", "127.0.0.0/8", "--url", b.OCSP.URL()); out.Code != 1 || readVerdict(t, out).Reason != "no_issuer" {
		t.Errorf("fetch without an issuer: exit %d\n%s", out.Code, out.Text())
	}
	out := b.fetch("--issuer", b.issuer, "--url", b.OCSP.URL(), "--allow", "127.0.0.0/8")
	if v := readVerdict(t, out); out.Code != 0 || v.Reason != "good" {
		t.Errorf("fetch --issuer --url: exit %d\n%s", out.Code, out.Text())
	}
}

// `dwaar ocsp verify` exits 0 only for a valid good; --max-age bounds by thisUpdate and
// stands in for a missing nextUpdate; --at moves the clock.
func TestVerifyJudgesAResponseInAFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	now := time.Now().Truncate(time.Second)
	write := func(name string, r ocsp.Response, signer *pki.Authority) string {
		path := filepath.Join(b.dir, name)
		r.SerialNumber = b.leaf.Cert.SerialNumber
		pki.WriteFile(t, path, must(t)(responder.Create(b.CA.Cert, signer.Cert, r, signer.Key)).([]byte))
		return path
	}
	day := 24 * time.Hour
	good := write("good", ocsp.Response{ThisUpdate: now.Add(-2 * day), NextUpdate: now.Add(day)}, b.CA)
	endless := write("endless", ocsp.Response{ThisUpdate: now.Add(-2 * day)}, b.CA)
	revoked := write("revoked", ocsp.Response{Status: ocsp.Revoked, RevokedAt: now.Add(-day),
		RevocationReason: ocsp.KeyCompromise, ThisUpdate: now, NextUpdate: now.Add(day)}, b.CA)
	forged := write("forged", ocsp.Response{ThisUpdate: now, NextUpdate: now.Add(day)},
		&pki.Authority{Cert: b.CA.Cert, Key: pki.New(t, "Forger").Key})
	garbage := filepath.Join(b.dir, "garbage")
	pki.WriteFile(t, garbage, []byte("not DER"))
	for _, c := range []struct {
		response, args, reason string
		code                   int
	}{
		{good, "", "good", 0},
		{good, "--max-age 3d", "good", 0},
		{good, "--max-age 1d", "too_old", 1},
		{good, "--at " + now.Add(2*day).UTC().Format(time.RFC3339), "expired", 1},
		{good, "--at " + now.Add(-3*day).UTC().Format(time.RFC3339), "not_yet_valid", 1},
		{endless, "", "no_next_update", 1},
		{endless, "--max-age 7d", "good", 0},
		{endless, "--max-age 1d", "too_old", 1},
		{revoked, "", "revoked", 1},
		{forged, "", "bad_signature", 1},
		{garbage, "", "malformed", 1},
	} {
		args := []string{"ocsp", "verify", "--cert", b.chain, "--issuer", b.issuer, "--response", c.response, "--json"}
		out := dwaar.Run(t, binaries.Race, append(args, strings.Fields(c.args)...)...)
		v := readVerdict(t, out)
		if out.Code != c.code || v.Reason != c.reason {
			t.Errorf("verify %s %s: exit %d and %s, want %d and %s\n%s",
				filepath.Base(c.response), c.args, out.Code, v.Reason, c.code, c.reason, out.Text())
		}
		if c.reason == "revoked" && (v.RevokedAt == nil || v.RevocationReason != "keyCompromise") {
			t.Errorf("3.1: verdict of a revoked certificate: %s", out.Stdout)
		}
	}
}

// `dwaar ocsp check` of a server judges chain and staple as a client would; of a file it
// asks the responder.
func TestCheckJudgesServersAndFiles(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.site(h.leaf("check.test"), "")
	h.site(h.leaf("bare.test"), "ocsp off")
	h.start("", "")
	h.stapled("S1", "check.test")
	other := rootFile(t, pki.New(t, "Stranger"))
	chain := filepath.Join(h.Dir, "check.test.crt")
	for _, c := range []struct {
		args, reason string
		code         int
	}{
		{h.Addr() + " --servername check.test --ca " + h.roots, "good", 0},
		{h.Addr() + " --servername bare.test --ca " + h.roots, "pending", 1},
		{h.Addr() + " --servername check.test --ca " + other, "no_issuer", 1},
		{chain + " --allow 127.0.0.1", "good", 0},
		{chain, "blocked_address", 1},
	} {
		out := h.Do(append([]string{"ocsp", "check", "--json"}, strings.Fields(c.args)...)...)
		if v := readVerdict(t, out); out.Code != c.code || v.Reason != c.reason {
			t.Errorf("check %s: exit %d and %s, want %d and %s\n%s", c.args, out.Code, v.Reason, c.code, c.reason, out.Text())
		}
	}
}

// 3.1: wrong use exits 2, and no command panics or prints a stack.
func TestWrongUseExitsTwo(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"", "nonsense", "run --nonsense", "ocsp", "ocsp refresh", "ocsp verify", "ocsp fetch",
		"certs show", "reload too many", "ocsp verify --cert a --issuer b --response c --at yesterday",
	} {
		out := dwaar.Run(t, binaries.Plain, strings.Fields(args)...)
		if out.Code != 2 {
			t.Errorf("3.1: dwaar %s: exit %d, want 2\n%s", args, out.Code, out.Text())
		}
		if strings.Contains(out.Text(), "goroutine ") {
			t.Errorf("dwaar %s: prints a stack:\n%s", args, out.Text())
		}
	}
	for _, args := range []string{"status", "reload", "stop", "certs list", "ocsp refresh --all"} {
		out := dwaar.Run(t, binaries.Plain, strings.Fields(args)...)
		if out.Code != 1 {
			t.Errorf("3.1: dwaar %s with no dwaar running: exit %d, want 1\n%s", args, out.Code, out.Text())
		}
	}
	if out := dwaar.Run(t, binaries.Plain, "version"); out.Code != 0 || !strings.Contains(out.Stdout, "go1.") {
		t.Errorf("3.1: dwaar version: exit %d\n%s", out.Code, out.Text())
	}
}

// 3.1: status, certs list, certs show and stop against a running dwaar.
func TestStatusCertsAndStop(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	leaf := h.leaf("status.test")
	h.site(leaf, "")
	h.start("", "")
	h.stapled("S1", "status.test")
	c := must(t)(h.Certificate("status.test")).(dwaar.Certificate)
	if c.Source != "manual" || c.Staple.State != "fresh" || c.Staple.Reason != "good" {
		t.Errorf("3.1: source %q, staple %+v", c.Source, c.Staple)
	}
	if !strings.EqualFold(c.Serial, fmt.Sprintf("%x", leaf.Cert.SerialNumber)) &&
		!strings.EqualFold(c.Serial, fmt.Sprintf("%X", leaf.Cert.SerialNumber.Bytes())) {
		t.Errorf("3.1: serial %q of %x", c.Serial, leaf.Cert.SerialNumber)
	}
	if !c.NotAfter.Equal(leaf.Cert.NotAfter) || !c.NotBefore.Equal(leaf.Cert.NotBefore) {
		t.Errorf("3.1: not_before %v, not_after %v", c.NotBefore, c.NotAfter)
	}
	if s := c.Staple; s.NextUpdate == nil || s.ThisUpdate == nil || s.LastRefresh == nil || s.NextTry == nil {
		t.Errorf("3.1: times are missing: %+v", s)
	}
	for _, args := range []string{"status", "certs list", "certs show status.test", "certs list --json"} {
		if out := h.Must(strings.Fields(args)...); !strings.Contains(out.Stdout, "status.test") {
			t.Errorf("3.1: dwaar %s does not name status.test:\n%s", args, out.Stdout)
		}
	}
	if out := h.Do("certs", "show", "nobody.test"); out.Code != 1 {
		t.Errorf("3.1: certs show of a name nobody has: exit %d, want 1\n%s", out.Code, out.Text())
	}
	h.Must("stop")
	if err := h.Wait(soon); err != nil {
		t.Errorf("3.1: after dwaar stop: %v, want exit 0", err)
	}
}
