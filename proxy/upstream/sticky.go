package upstream

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"dwaar/proxy/request"
)

// sticky sends a client where its cookie says. The value is the HMAC of the
// upstream's address: as long as the secret and the address stay, a client
// stays too, also after a restart. A cookie for an upstream that is down or
// gone is replaced by one for the upstream that answers instead.
type sticky struct {
	cookie   http.Cookie // without a value
	fallback chooser
}

func newSticky(p *Policy, servers []*server) *sticky {
	for _, s := range servers {
		p.mark(s)
	}
	return &sticky{
		cookie: http.Cookie{
			Name: cmp.Or(p.Field, defaultCookie), Path: "/", HttpOnly: true,
			SameSite: http.SameSiteLaxMode, MaxAge: int(p.MaxAge.Seconds()),
		},
		fallback: p.fallback(servers),
	}
}

// mark gives s the value that means it in cookies.
func (p *Policy) mark(s *server) {
	mac := hmac.New(sha256.New, []byte(p.Secret))
	mac.Write([]byte(s.address.Dial))
	s.cookie = hex.EncodeToString(mac.Sum(nil))
}

func (p *sticky) choose(t *turn) *server {
	for _, cookie := range t.request.CookiesNamed(p.cookie.Name) {
		for _, s := range t.servers {
			if t.open(s) && hmac.Equal([]byte(cookie.Value), []byte(s.cookie)) {
				t.home = s
				return s
			}
		}
	}
	return p.fallback.choose(t)
}

// remember gives the client its cookie, unless it has it. One for HTTPS is
// sent from pages of other sites too, so that an application in a frame stays
// where it is; without TLS browsers do not allow that.
func (p *sticky) remember(t *turn, header http.Header) {
	chosen := t.tried[len(t.tried)-1]
	if t.home == chosen {
		return
	}
	cookie := p.cookie
	cookie.Value = chosen.cookie
	if overHTTPS(t.request) {
		cookie.Secure, cookie.SameSite = true, http.SameSiteNoneMode
	}
	header.Add("Set-Cookie", cookie.String())
}

// overHTTPS reports whether the client speaks HTTPS, to dwaar or to a proxy
// before it that is trusted.
func overHTTPS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	state := request.OfContext(r.Context())
	proto := r.Header["X-Forwarded-Proto"]
	return state != nil && state.TrustedPeer && len(proto) > 0 && strings.EqualFold(proto[len(proto)-1], "https")
}
