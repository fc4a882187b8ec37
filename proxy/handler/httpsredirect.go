package handler

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// HTTPSRedirect sends a client from http to the same host, path and query on
// https, with a 308, so that methods and bodies are kept.
type HTTPSRedirect struct {
	// Port is where https is served; 443, the default, is left out of the
	// target.
	Port int `json:"port,omitempty"`
}

// Name implements [Directive].
func (HTTPSRedirect) Name() string { return "https_redirect" }

// Compile implements [Directive].
func (c HTTPSRedirect) Compile(*Env) (Middleware, error) {
	if c.Port < 0 || c.Port > 65535 {
		return nil, fmt.Errorf("https_redirect: %d is not a port", c.Port)
	}
	suffix := ""
	if c.Port != 0 && c.Port != 443 {
		suffix = ":" + strconv.Itoa(c.Port)
	}
	return final(httpsRedirect{suffix}), nil
}

type httpsRedirect struct{ port string }

func (h httpsRedirect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := hostOnly(r.Host)
	if host == "" {
		// HTTP/1.0 without a Host: there is nowhere to send the client.
		http.Error(w, "missing Host", http.StatusBadRequest)
		return
	}
	redirectTo(w, "https://"+host+h.port+r.URL.RequestURI(), http.StatusPermanentRedirect)
}

// hostOnly cuts the port off a Host, and keeps the brackets of an IPv6
// literal.
func hostOnly(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return hostport
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
