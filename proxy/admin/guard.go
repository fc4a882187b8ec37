package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// tcpGuard is in front of everything that TCP can reach. The token keeps out
// other users of the machine and the network. The checks of Host and Origin keep out
// web pages: a name that an attacker's DNS points here (rebinding) is not ours.
//
// The two probes say one word that a port scan says too, and orchestrators
// cannot send a token with them: they pass without.
type tcpGuard struct {
	host  string   // of the address to listen on
	token [32]byte // SHA-256 of the token, so that comparing takes the same time for all lengths
	next  http.Handler
}

func newTCPGuard(addr Address, token string, next http.Handler) *tcpGuard {
	host, _, _ := net.SplitHostPort(addr.Addr) // parsed before
	return &tcpGuard{host: strings.ToLower(host), token: sha256.Sum256([]byte(token)), next: next}
}

func (g *tcpGuard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !g.ownHost(r.Host):
		refuse(w, http.StatusMisdirectedRequest, "the Host of the request is not an address of this dwaar")
	case !ownOrigin(r):
		refuse(w, http.StatusForbidden, "requests of web pages are refused")
	case !isProbe(r) && !g.authorized(r):
		w.Header().Set("WWW-Authenticate", `Bearer realm="dwaar"`)
		refuse(w, http.StatusUnauthorized, "the bearer token is missing or wrong")
	default:
		g.next.ServeHTTP(w, r)
	}
}

// ownHost accepts literal addresses, localhost and the configured name: only a
// name can be rebound.
func (g *tcpGuard) ownHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return host == "localhost" || host != "" && host == g.host
}

func ownOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

func isProbe(r *http.Request) bool {
	return r.Method == http.MethodGet && (r.URL.Path == "/healthz" || r.URL.Path == "/readyz")
}

func (g *tcpGuard) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1
}
