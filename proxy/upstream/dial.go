package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// dialer connects to one upstream, whatever the request's URL says.
type dialer struct {
	net.Dialer
	address     Address
	read, write time.Duration // of one operation; zero: no limit
}

func newDialer(a Address, t Transport) *dialer {
	d := &dialer{address: a, read: t.ReadTimeout, write: t.WriteTimeout}
	d.Timeout = cmp.Or(t.DialTimeout, defaultDialTimeout)
	d.FallbackDelay = t.FallbackDelay
	d.KeepAlive = cmp.Or(t.ProbeInterval, probeInterval)
	if local, err := netip.ParseAddr(t.LocalAddress); err == nil && a.Network != "unix" {
		d.LocalAddr = &net.TCPAddr{IP: local.AsSlice(), Zone: local.Zone()}
	}
	return d
}

func (d *dialer) dial(ctx context.Context) (net.Conn, error) {
	conn, err := d.DialContext(ctx, d.address.Network, d.address.Dial)
	if err != nil {
		return nil, &unreachable{err}
	}
	if d.read > 0 || d.write > 0 {
		return &impatient{Conn: conn, read: d.read, write: d.write}, nil
	}
	return conn, nil
}

// impatient is a connection that may not be silent for long. A deadline that
// is set for reading counts where it is earlier.
type impatient struct {
	net.Conn
	read, write time.Duration

	mu    sync.Mutex // guards until
	until time.Time
}

// SetReadDeadline implements [net.Conn].
func (c *impatient) SetReadDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = at
	return c.Conn.SetReadDeadline(c.earlier())
}

// SetDeadline implements [net.Conn].
func (c *impatient) SetDeadline(at time.Time) error {
	return errors.Join(c.SetReadDeadline(at), c.SetWriteDeadline(at))
}

// earlier is when the read that begins now must end.
func (c *impatient) earlier() time.Time {
	if c.read <= 0 {
		return c.until
	}
	limit := time.Now().Add(c.read)
	if !c.until.IsZero() && c.until.Before(limit) {
		return c.until
	}
	return limit
}

func (c *impatient) Read(p []byte) (int, error) {
	c.mu.Lock()
	err := c.Conn.SetReadDeadline(c.earlier())
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *impatient) Write(p []byte) (int, error) {
	if c.write > 0 {
		if err := c.SetWriteDeadline(time.Now().Add(c.write)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(p)
}

// CloseWrite ends the direction to the upstream.
func (c *impatient) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errNoHalf
}

// SyscallConn implements [syscall.Conn].
func (c *impatient) SyscallConn() (syscall.RawConn, error) {
	if raw, ok := c.Conn.(syscall.Conn); ok {
		return raw.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// unreachable is the error of an upstream that did not take the connection:
// nothing of the request was sent.
type unreachable struct{ err error }

func (e *unreachable) Error() string { return e.err.Error() }
func (e *unreachable) Unwrap() error { return e.err }

// nothingSent reports whether err left the request untouched, so that another
// upstream may have it.
func nothingSent(err error) bool {
	var dial *unreachable
	var badCertificate *tls.CertificateVerificationError
	var notTLS tls.RecordHeaderError
	return errors.As(err, &dial) || errors.As(err, &badCertificate) || errors.As(err, &notTLS)
}
