package issuing

import (
	"errors"
	"fmt"
	"net"

	"github.com/caddyserver/certmagic"

	"dwaar/acme/dns"
)

// equip gives a client for one order the solvers of a policy. What it returns is to be called
// when the order is over.
func (i *Issuing) equip(client *certmagic.ACMEIssuer, p Policy) (done func(), err error) {
	if p.DNS != nil {
		return func() {}, i.equipDNS(client, *p.DNS)
	}
	opts := i.opts.Load()
	if opts.NoHTTP01 && opts.NoTLSALPN01 {
		return nil, errors.New("there is no listener for http-01 or tls-alpn-01, and no DNS provider")
	}
	client.DisableHTTPChallenge, client.DisableTLSALPNChallenge = opts.NoHTTP01, opts.NoTLSALPN01
	return keepFromListening(client)
}

func (i *Issuing) equipDNS(client *certmagic.ACMEIssuer, cfg DNSConfig) error {
	provider, err := dns.New(cfg.Config)
	if err != nil {
		return err
	}
	client.DNS01Solver = &certmagic.DNS01Solver{DNSManager: certmagic.DNSManager{
		DNSProvider:        provider,
		PropagationTimeout: cfg.PropagationTimeout,
		Resolvers:          cfg.Resolvers,
		Logger:             i.zap,
	}}
	return nil
}

// keepFromListening makes sure that certmagic opens no port: challenges are answered on
// dwaar's own listeners, from storage. For each challenge certmagic tries to listen, and
// where somebody else does already, trusts that they will answer. So it is pointed at a port
// of loopback that is taken: by us, for as long as the order lasts. Nobody else is told of
// that port, and nothing is accepted on it.
func keepFromListening(client *certmagic.ACMEIssuer) (done func(), err error) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		taken, err = net.Listen("tcp", "[::1]:0")
	}
	if err != nil {
		return nil, fmt.Errorf("taking the port certmagic must not listen on: %w", err)
	}
	addr := taken.Addr().(*net.TCPAddr)
	client.ListenHost = addr.IP.String()
	client.AltHTTPPort, client.AltTLSALPNPort = addr.Port, addr.Port
	return func() { _ = taken.Close() }, nil
}
