package demo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"dwaar/ocspsvc"
	"dwaar/proxy/admin"
)

// defaultStapleWait is plenty where everything is on this machine.
const defaultStapleWait = 20 * time.Second

// awaitStaple shakes hands as a client would until a verified good is stapled.
// Otherwise its error says what is wrong, in dwaar's own words where it has some.
func (s *setup) awaitStaple(ctx context.Context, wait time.Duration) (ocspsvc.Verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var last error
	for tries := 1; ; tries++ {
		v, err := s.staple(ctx)
		if err == nil {
			return v, nil
		}
		if last == nil || !timedOut(err) { // the last try is cut off: what went before tells more
			last = err
		}
		if tries%10 == 0 {
			s.refresh(ctx)
		}
		select {
		case <-ctx.Done():
			return v, fmt.Errorf("no staple within %v: %w%s", wait, last, s.ownWords())
		case <-tick.C:
		}
	}
}

// refresh has the proxy ask now. In the last run the certificate may have been
// revoked, which is remembered and not asked again soon.
func (s *setup) refresh(ctx context.Context) {
	client, err := s.client()
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = client.Refresh(ctx, "localhost", func(admin.Refreshed) {}) // the handshake tells how it went
}

func (s *setup) client() (*admin.Client, error) {
	addr, err := admin.ParseTarget(s.admin)
	if err != nil {
		return nil, err
	}
	return admin.NewClient(addr, "")
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// staple is the verdict on what one handshake brings.
func (s *setup) staple(ctx context.Context) (ocspsvc.Verdict, error) {
	roots := x509.NewCertPool()
	roots.AddCert(s.pki.root)
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: "localhost"}}
	conn, err := dialer.DialContext(ctx, "tcp", s.address())
	if err != nil {
		return ocspsvc.Verdict{}, err
	}
	defer conn.Close()
	raw := conn.(*tls.Conn).ConnectionState().OCSPResponse
	if len(raw) == 0 {
		return ocspsvc.Verdict{}, errors.New("the handshake brings none")
	}
	r, err := ocspsvc.ParseResponse(raw)
	if err != nil {
		return ocspsvc.Verdict{}, err
	}
	v, err := ocspsvc.Verify(r, s.pki.leaf.cert, s.pki.intermediate.cert, time.Now(), ocspsvc.VerifyOptions{})
	if err == nil && v.Status != ocspsvc.Good {
		err = fmt.Errorf("the staple says %s", v.Status)
	}
	return v, err
}

// ownWords is what the proxy says about its certificate, or nothing.
func (s *setup) ownWords() string {
	client, err := s.client()
	if err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	certs, err := client.Certificates(ctx, "localhost")
	if err != nil || len(certs) == 0 {
		return ""
	}
	staple := certs[0].Staple
	return fmt.Sprintf("; dwaar says %s: %s %s", staple.Reason, ocspsvc.Reason(staple.Reason).Explain(), staple.LastError)
}
