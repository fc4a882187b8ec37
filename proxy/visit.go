package proxy

import (
	"net/http"
	"net/netip"
	"time"

	"dwaar/proxy/accesslog"
	"dwaar/proxy/handler"
	"dwaar/proxy/request"
)

// visit is what dwaar keeps of one request: one allocation.
type visit struct {
	response handler.Response
	state    request.State
	body     *body               // nil: none
	answered bool                // the handler has returned
	records  []*accesslog.Record // in the access logs
	record1  [1]*accesslog.Record
}

func (f *front) visit(w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{response: handler.Response{ResponseWriter: w}}
	v.state.Started = time.Now()
	v.state.Received = request.Received{Method: r.Method, Host: r.Host, URI: r.RequestURI}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		v.state.ClientIP = peer.Addr().Unmap().WithZone("")
	}
	if f.clientIP != nil && f.clientIP.trusts(v.state.ClientIP) {
		v.state.TrustedPeer = true
		v.state.ClientIP = f.clientIP.of(v.state.ClientIP, r.Header)
	}
	return v
}

// begin takes r down for logs, before a handler can change it.
func (v *visit) begin(logs []*accesslog.Log, r *http.Request) {
	if len(logs) == 0 {
		return
	}
	v.records = v.record1[:0]
	for _, log := range logs {
		v.records = append(v.records, log.Begin(r, v.state.ClientIP, v.state.Started))
	}
}

// finish lets go of what is missing of the body. A handler that panics breaks
// its answer off, and the client is to see that at once.
func (v *visit) finish() {
	switch {
	case v.body == nil || v.body.major != 1 || v.response.Status() == http.StatusSwitchingProtocols:
	case v.answered:
		v.body.abandon()
	default:
		v.body.breakOff()
	}
}

// count adds the request to the metrics.
func (v *visit) count(c *counts) { c.end(v.response.Status(), v.state.Started) }

// record writes the lines.
func (v *visit) record() {
	if v.state.Unlogged {
		for _, record := range v.records {
			record.Drop()
		}
		return
	}
	answer := accesslog.Answer{
		Status: v.response.Status(), Size: v.response.Size(), BytesRead: v.body.size(),
		User: v.state.User, Upstream: v.state.Upstream, Header: v.response.Header(),
	}
	for _, record := range v.records {
		record.End(answer)
	}
}
