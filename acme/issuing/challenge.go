package issuing

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// challengePath is where http-01 is asked (RFC 8555 §8.3).
const challengePath = "/.well-known/acme-challenge/"

// lookupTimeout bounds the look into storage that answers a challenge.
const lookupTimeout = 5 * time.Second

// solving is an order of this process: whose challenges to look for.
type solving struct{ issuers []string }

// beginSolving notes that a name is being proved, and returns what ends it.
func (i *Issuing) beginSolving(p Policy, name string) (end func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.active[name] = &solving{issuers: p.solvedHere()}
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.active, name)
	}
}

// solvedHere are the CAs whose challenges are answered on our listeners.
func (p Policy) solvedHere() []string {
	if p.DNS != nil {
		return nil
	}
	var keys []string
	for _, c := range p.Issuers {
		if c.acme() {
			keys = append(keys, c.key())
		}
	}
	return keys
}

// solvers are the CAs that may ask about a name: those of the order that is going on, and
// those of the policies for it, as another process may have placed one.
func (i *Issuing) solvers(name string) []string {
	var keys []string
	i.mu.Lock()
	if s := i.active[name]; s != nil {
		keys = append(keys, s.issuers...)
	}
	i.mu.Unlock()
	for _, p := range *i.policies.Load() {
		if p.covers(name) {
			keys = append(keys, p.solvedHere()...)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// ServeHTTPChallenge answers a request of an ACME CA (http-01), to be asked before every other
// handler and redirect. It reports whether the request was for it: any request below
// /.well-known/acme-challenge/ for a host whose certificates are proved by http-01. Those it
// cannot answer get 404.
func (i *Issuing) ServeHTTPChallenge(w http.ResponseWriter, r *http.Request) (handled bool) {
	token, ours := strings.CutPrefix(r.URL.Path, challengePath)
	if !ours || i.opts.Load().NoHTTP01 {
		return false
	}
	name := hostName(r.Host)
	issuers := i.solvers(name)
	if len(issuers) == 0 {
		return false
	}
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return true
	}
	challenge, err := i.challenge(r.Context(), acme.ChallengeTypeHTTP01, issuers, name)
	if err == nil && challenge.Token != token {
		err = errors.New("the token is another one's")
	}
	if err != nil {
		i.log.Debug("no answer to a challenge", "names", name, "err", err)
		http.NotFound(w, r)
		return true
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(challenge.KeyAuthorization)) // a CA that went away asks again
	return true
}

// ALPNCertificate answers the handshake of an ACME CA (tls-alpn-01, RFC 8737): one that
// offers acme-tls/1 and nothing else.
func (i *Issuing) ALPNCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := hostName(hello.ServerName)
	if i.opts.Load().NoTLSALPN01 {
		return nil, fmt.Errorf("no tls-alpn-01 challenge for %q: they are switched off", name)
	}
	challenge, err := i.challenge(hello.Context(), acme.ChallengeTypeTLSALPN01, i.solvers(name), name)
	if err != nil {
		return nil, err
	}
	return acmez.TLSALPN01ChallengeCert(challenge)
}

// challenge finds the challenge that is going on for a name. Storage is where all of them
// are, no matter which process placed the order. Anybody may ask, also for any host below
// a wildcard: so what is going on at all is looked up first, once for all who ask.
func (i *Issuing) challenge(ctx context.Context, kind string, issuers []string, name string) (acme.Challenge, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	for _, issuer := range issuers {
		key := challengeKey(issuer, name)
		going, err := i.challenged.at(ctx, path.Dir(key), i.listOf)
		if err != nil || !slices.Contains(going, key) {
			continue
		}
		text, err := i.challenges.at(ctx, key, i.storage.Load)
		if err != nil {
			continue
		}
		var c acme.Challenge
		if err := json.Unmarshal(text, &c); err != nil {
			continue
		}
		if c.Type == kind && c.Identifier.Value == name {
			return c, nil
		}
	}
	return acme.Challenge{}, fmt.Errorf("no %s challenge for %q is going on", kind, name)
}

func (i *Issuing) listOf(ctx context.Context, folder string) ([]string, error) {
	return i.storage.List(ctx, folder, false)
}

// hostName is the name in a Host header or SNI, as policies have it.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}
