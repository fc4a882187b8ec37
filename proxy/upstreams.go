package proxy

import "dwaar/proxy/upstream"

// Upstreams are the servers behind all sites, with their connections and what
// is known about their health.
func (s *Server) Upstreams() *upstream.Pools { return s.pools }
