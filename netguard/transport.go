package netguard

import (
	"context"
	"net"
	"net/http"
	"time"
)

// maxHeader bounds the header of a response, redirects included.
const maxHeader = 16 << 10

// Transport returns a new HTTP/1.1 transport whose every connection goes
// through DialContext. It ignores the proxies of the environment, which would
// dial past the guard; closes each connection after its response, so that a
// pinned address (WithAddr) is the one that answers and no idle connection
// outlives a caller; hands bodies over as they came, without decompressing
// them; and reads at most 16 KiB of header. Certificates of https servers are
// verified against the system's roots; set TLSClientConfig for others.
func (g *Guard) Transport() *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // the environment's would dial past the guard
		DialContext:            g.DialContext,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      false,
	}
}

// TransportWithin is a Transport for one job: its dials see ctx, deadline and
// pin included, and its connections are closed when ctx ends. A plain
// http.Transport goes on dialling and shaking hands for a request that has
// been given up; after this one, nothing is left running once ctx has ended.
func (g *Guard) TransportWithin(ctx context.Context) *http.Transport {
	t := g.Transport()
	t.DialContext = func(_ context.Context, network, address string) (net.Conn, error) {
		conn, err := g.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { conn.Close() })
		return conn, nil
	}
	return t
}
