package relay

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"math/big"
	"slices"
	"strings"
	"sync/atomic"

	"dwaar/ocspsvc"
)

// Bounds of what certificate files can add.
const (
	maxAuthorities = 256
	maxURLs        = 8 // of one issuer
)

// requestsAtOnce is how many requests one authority's responder gets at the same
// time for what is missing, and as many for what gets old.
const requestsAtOnce = 4

// refreshRate is how many requests in a second a responder gets for what nobody waits
// for, and ten times as many at once. 10,000 certificates are prefetched in eight
// minutes. What is near its end is in more of a hurry.
const refreshRate = 20

// maxMisses is how many different misses may wait for one authority.
const maxMisses = 256

// authority is a CA whose certificates may be asked about.
type authority struct {
	issuer     *x509.Certificate
	configured []string                 // responders, instead of learned ones
	learned    atomic.Pointer[[]string] // from certificates
	upstream   upstream
	strangers  *allowance // certificates that turn out to be unknown
	passes     *allowance // requests that are passed on
	pace       *allowance // requests for what nobody waits for

	misses    chan *flight  // somebody waits for them
	refreshes chan claimed  // nobody need
	wake      chan struct{} // there may be something due

	entries row
}

func newAuthority(issuer *x509.Certificate, limits Limits) *authority {
	a := &authority{
		issuer: issuer, strangers: newAllowance(limits.UnknownRate), passes: newAllowance(limits.PassingRate), pace: newAllowance(refreshRate),
		misses: make(chan *flight, maxMisses), refreshes: make(chan claimed), wake: make(chan struct{}, 1),
	}
	a.learned.Store(new([]string))
	return a
}

// also adds a configured responder.
func (a *authority) also(responder string) {
	if responder != "" && !slices.Contains(a.configured, responder) {
		a.configured = append(a.configured, responder)
	}
}

// is compares name and key: a renewed or cross-signed issuer is the same one.
func (a *authority) is(issuer *x509.Certificate) bool {
	return bytes.Equal(a.issuer.RawSubject, issuer.RawSubject) && bytes.Equal(a.issuer.RawSubjectPublicKeyInfo, issuer.RawSubjectPublicKeyInfo)
}

// responders are the URLs to ask about a certificate, which may be nil.
func (a *authority) responders(leaf *x509.Certificate) []string {
	switch {
	case len(a.configured) > 0:
		return a.configured
	case leaf != nil:
		return respondersOf(leaf)
	}
	return *a.learned.Load()
}

// respondersOf are the URLs of AIA that can be asked.
func respondersOf(leaf *x509.Certificate) (urls []string) {
	for _, raw := range leaf.OCSPServer {
		if strings.HasPrefix(strings.ToLower(raw), "http") && len(urls) < maxURLs && !slices.Contains(urls, raw) {
			urls = append(urls, raw)
		}
	}
	return urls
}

func (a *authority) nudge() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// roster is all authorities. Nothing changes it; another one takes its place.
type roster struct {
	all    []*authority
	byHash map[string]*authority // by hash, name hash and key hash of CertIDs
}

func newRoster(all []*authority) *roster {
	r := &roster{all: all, byHash: map[string]*authority{}}
	for _, a := range all {
		for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
			some := &x509.Certificate{SerialNumber: big.NewInt(1), RawIssuer: a.issuer.RawSubject}
			if id, err := ocspsvc.NewCertID(some, a.issuer, hash); err == nil {
				r.byHash[hashes(&id)] = a
			}
		}
	}
	return r
}

func hashes(id *ocspsvc.CertID) string {
	return string(append(append([]byte{byte(id.Hash)}, id.NameHash...), id.KeyHash...))
}

// of is the authority whose certificate id names, or nil.
func (r *roster) of(id *ocspsvc.CertID) *authority {
	if id.Hash == 0 {
		return nil
	}
	return r.byHash[hashes(id)]
}

// find is the authority of an issuer, or nil.
func (r *roster) find(issuer *x509.Certificate) *authority {
	if i := slices.IndexFunc(r.all, func(a *authority) bool { return a.is(issuer) }); i >= 0 {
		return r.all[i]
	}
	return nil
}

func (r *roster) issuers() []*x509.Certificate {
	var all []*x509.Certificate
	for _, a := range r.all {
		all = append(all, a.issuer)
	}
	return all
}
