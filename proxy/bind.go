package proxy

import (
	"fmt"
	"net"
	"strings"
)

// bind opens the sockets of an address that it does not have yet.
func (p *Prepared) bind(l Listener) error {
	kept := p.server.listener(l.Address)
	switch {
	case kept == nil:
		return p.bindBoth(l)
	case !p.wantsUDP(l) || p.server.speaksHTTP3(kept):
		return nil
	}
	return p.bindUDP(l, kept.socket.Addr())
}

// wantsUDP says whether l is to speak HTTP/3.
func (p *Prepared) wantsUDP(l Listener) bool { return l.TLS && p.config.speaks(HTTP3) }

// bindBoth opens the TCP socket, and the UDP socket of the same port if there
// is to be one. A port that the system chooses may be free for only one.
func (p *Prepared) bindBoth(l Listener) error {
	for tries := 1; ; tries++ {
		socket, err := net.Listen("tcp", l.Address)
		if err != nil {
			return p.explain(l.Address, err)
		}
		if p.wantsUDP(l) {
			err = p.bindUDP(l, socket.Addr())
		}
		if err == nil {
			p.bound[l.Address] = socket
			return nil
		}
		_ = socket.Close()
		if !strings.HasSuffix(l.Address, ":0") || tries == 10 {
			return err
		}
	}
}

// bindUDP opens the UDP socket beside a TCP socket.
func (p *Prepared) bindUDP(l Listener, beside net.Addr) error {
	at := beside.(*net.TCPAddr)
	host, _, err := net.SplitHostPort(l.Address)
	if err != nil {
		return err
	}
	socket, err := net.ListenPacket("udp", net.JoinHostPort(host, fmt.Sprint(at.Port)))
	if err != nil {
		return fmt.Errorf("listening on UDP %s for HTTP/3: %w; without h3 among the protocols of servers it is not needed", l.Address, err)
	}
	p.udp[l.Address] = socket.(*net.UDPConn)
	return nil
}

func (s *Server) speaksHTTP3(l *listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.datagrams != nil
}
