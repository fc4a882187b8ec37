package upstream

import (
	"net/http"
	"net/url"
	"strings"

	"dwaar/proxy/request"
)

// byKey takes the server with the highest score for the key of the request. A
// server that is down moves only its own keys.
type byKey struct {
	key      key
	fallback chooser // nil: every request has a key
}

func (p byKey) choose(t *turn) (chosen *server) {
	hash, ok := p.key(t.request)
	if !ok && p.fallback != nil {
		return p.fallback.choose(t)
	}
	var highest uint64
	for _, s := range t.servers {
		if !t.open(s) {
			continue
		}
		if h := score(hash, s.hash); chosen == nil || h > highest {
			chosen, highest = s, h
		}
	}
	return chosen
}

// peerKey is the address of who has opened the connection.
func peerKey(r *http.Request) (uint64, bool) {
	host := r.RemoteAddr
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return hashString(host), true
}

// clientKey is the address of the client, as trusted_proxies see it.
func clientKey(r *http.Request) (uint64, bool) {
	state := request.OfContext(r.Context())
	if state == nil || !state.ClientIP.IsValid() {
		return peerKey(r)
	}
	octets := state.ClientIP.As16()
	h := uint64(fnvOffset)
	for _, b := range octets {
		h = (h ^ uint64(b)) * fnvPrime
	}
	return h, true
}

// uriKey is what the client asked for, the query included.
func uriKey(r *http.Request) (uint64, bool) { return hashString(r.RequestURI), true }

func headerKey(field string) key {
	if field == "Host" {
		return func(r *http.Request) (uint64, bool) { return hashString(r.Host), r.Host != "" }
	}
	return func(r *http.Request) (uint64, bool) {
		value := ""
		if values := r.Header[field]; len(values) > 0 {
			value = values[0]
		}
		return hashString(value), value != ""
	}
}

// queryKey takes all values of a parameter: which of them the upstream would
// take is not known.
func queryKey(name string) key {
	return func(r *http.Request) (hash uint64, ok bool) {
		hash = fnvOffset
		for rest := r.URL.RawQuery; rest != ""; {
			var pair string
			pair, rest, _ = strings.Cut(rest, "&")
			written, value, _ := strings.Cut(pair, "=")
			if unescaped(written) == name && value != "" {
				hash, ok = hashMore(hashMore(hash, unescaped(value)), ","), true
			}
		}
		return hash, ok
	}
}

// unescaped costs nothing where there is nothing to unescape.
func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}
