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
func (p *Prepared) wantsUDP(l Listener) bool { return p.config.wantsUDP(l) }

func (c Config) wantsUDP(l Listener) bool { return l.TLS && c.speaks(HTTP3) }

func (p *Prepared) bindBoth(l Listener) error {
	tcp, udp, err := sockets(l.Address, p.wantsUDP(l))
	if err != nil {
		return p.explain(l.Address, err)
	}
	p.bound[l.Address] = tcp
	if udp != nil {
		p.udp[l.Address] = udp
	}
	return nil
}

func (p *Prepared) bindUDP(l Listener, beside net.Addr) (err error) {
	p.udp[l.Address], err = socketUDP(l.Address, beside)
	if err != nil {
		delete(p.udp, l.Address)
	}
	return err
}

// Free reports whether the sockets of a listener can be bound now, by a process with the rights
// of this one: nil, or why not. It binds them for a moment.
func (c Config) Free(l Listener) error {
	tcp, udp, err := sockets(l.Address, c.withDefaults().wantsUDP(l))
	if err != nil {
		return err
	}
	if udp != nil {
		_ = udp.Close()
	}
	return tcp.Close()
}

// sockets opens the TCP socket of an address, and the UDP socket of the same
// port if there is to be one. A port that the system chooses may be free for
// only one.
func sockets(address string, withUDP bool) (tcp net.Listener, udp *net.UDPConn, err error) {
	for tries := 1; ; tries++ {
		if tcp, err = net.Listen("tcp", address); err != nil {
			return nil, nil, fmt.Errorf("listening on %s: %w", address, err)
		}
		if withUDP {
			udp, err = socketUDP(address, tcp.Addr())
		}
		if err == nil {
			return tcp, udp, nil
		}
		_ = tcp.Close()
		if !strings.HasSuffix(address, ":0") || tries == 10 {
			return nil, nil, err
		}
	}
}

// socketUDP opens the UDP socket beside a TCP socket.
func socketUDP(address string, beside net.Addr) (*net.UDPConn, error) {
	at := beside.(*net.TCPAddr)
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	socket, err := net.ListenPacket("udp", net.JoinHostPort(host, fmt.Sprint(at.Port)))
	if err != nil {
		return nil, fmt.Errorf("listening on UDP %s for HTTP/3: %w; without h3 among the protocols of servers it is not needed", address, err)
	}
	return socket.(*net.UDPConn), nil
}

func (s *Server) speaksHTTP3(l *listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.datagrams != nil
}
