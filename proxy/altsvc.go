package proxy

import (
	"net"
	"net/http"
	"strconv"
	"strings"
)

// altSvc announces HTTP/3 (RFC 9114 §3.1.1) on the port that the client has
// come by. That is the listener's, unless something in front maps ports: then
// UDP is mapped like TCP, or the client tries in vain and stays with TCP.
type altSvc struct {
	port  string // of the listener
	value string // for this port
	https string // for the default port
}

func newAltSvc(address string) *altSvc {
	_, port, _ := net.SplitHostPort(address)
	return &altSvc{port: port, value: announcement(port), https: announcement("443")}
}

func announcement(port string) string { return `h3=":` + port + `"; ma=86400` }

func (a *altSvc) announce(h http.Header, host string) {
	if value := a.of(host); value != "" {
		h["Alt-Svc"] = []string{value}
	}
}

// of is the announcement for the port of an authority, "" for no port at all.
func (a *altSvc) of(host string) string {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") {
		return a.https
	}
	port := host[i+1:]
	if port == a.port {
		return a.value
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return ""
	}
	return announcement(port)
}
