package config

// listenForChallenges opens the HTTP port for names that a CA wants proof of, if
// nobody listens on a port that it comes to (RFC 8555 §8.3, RFC 8737 §3): sites
// on other ports, with nothing on https_port.
func (b *builder) listenForChallenges() {
	for _, m := range b.inOrder {
		if !isACME(m.how.policy.Issuers) || m.how.policy.DNS != nil {
			continue
		}
		for _, l := range m.on {
			if !b.answers(l.host, b.httpPort, false) && !b.answers(l.host, b.httpsPort, true) {
				b.open(l.host, b.httpPort, false, m.tok)
			}
		}
	}
}

// answers tells whether dwaar listens on a port of host.
func (b *builder) answers(host string, port int, tls bool) bool {
	for _, l := range b.listeners {
		if l.port == port && l.tls == tls && (l.host == host || overlap(l.host, host)) {
			return true
		}
	}
	return false
}
