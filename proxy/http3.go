package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/time/rate"
)

// datagrams is the UDP socket of a listener, on which it speaks HTTP/3. It
// takes part in reloads as the listener does.
type datagrams struct {
	socket   *net.UDPConn
	listener *listener
	config   *tls.Config
	noise    *noise
	server   *http.Server       // stands for the servers of all connections
	closing  chan time.Duration // the grace period with which to end
	protocol atomic.Pointer[protocol]

	mu    sync.Mutex // guards conns
	conns map[*quicConn]struct{}
}

// newDatagrams takes a socket over. Clients wait for run.
func newDatagrams(socket *net.UDPConn, l *listener, config *tls.Config) *datagrams {
	return &datagrams{
		socket: socket, listener: l, config: http3.ConfigureTLSConfig(config), noise: l.noise, server: new(http.Server),
		closing: make(chan time.Duration, 1), conns: make(map[*quicConn]struct{}),
	}
}

// run serves until close is called and every connection has ended.
func (d *datagrams) run(ctx context.Context) {
	unverified := rate.NewLimiter(unverifiedRate, unverifiedRate)
	transport := &quic.Transport{Conn: d.socket, VerifySourceAddress: func(net.Addr) bool { return !unverified.Allow() }, ConnContext: withQUICOrigin}
	defer d.socket.Close()
	defer transport.Close()
	socket, err := transport.Listen(d.config, &quic.Config{
		GetConfigForClient: func(*quic.ClientInfo) (*quic.Config, error) { return d.protocol.Load().quic(), nil },
	})
	if err != nil { // which no configuration brings about
		d.noise.log.Error("HTTP/3 is not served", "address", d.socket.LocalAddr().String(), "err", err)
		<-d.closing
		return
	}
	accepting, stop := context.WithCancel(ctx)
	defer stop()
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := socket.Accept(accepting)
			if err != nil {
				return
			}
			conns.Go(func() { d.serve(conn) })
		}
	})
	grace := d.keep()
	_ = socket.Close()
	stop()
	d.drain(grace, &conns)
}

// keep looks after connections until close is called.
func (d *datagrams) keep() (grace time.Duration) {
	for {
		every := min(time.Minute, max(d.protocol.Load().idle/2, 50*time.Millisecond))
		select {
		case <-time.After(every):
			d.closeStuck()
		case grace = <-d.closing:
			return grace
		}
	}
}

// close makes run end. It is called once.
func (d *datagrams) close(grace time.Duration) { d.closing <- grace }

// drain tells clients to go elsewhere, and gives requests their grace. A
// handler that does not notice its end is not waited for.
func (d *datagrams) drain(grace time.Duration, conns *sync.WaitGroup) {
	patience, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		conns.Wait()
		close(ended)
	}()
	last := time.After(grace + lastMoment)
	tick := time.NewTicker(4 * poll)
	defer tick.Stop()
	for {
		for _, c := range d.open() {
			c.leave(patience)
		}
		select {
		case <-ended:
			return
		case <-last:
			return
		case <-tick.C:
		}
	}
}

// open are the connections that there are.
func (d *datagrams) open() []*quicConn {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]*quicConn, 0, len(d.conns))
	for c := range d.conns {
		list = append(list, c)
	}
	return list
}
