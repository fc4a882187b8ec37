// Package balancer stands in for the load balancer before a cluster: one address, and for each
// connection a node by chance.
package balancer

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// Balancer passes connections on as they are, and keeps what they began with.
type Balancer struct {
	Port int // of 127.0.0.1

	mu     sync.Mutex
	nodes  []string
	passed []Passed
}

// Passed is one connection.
type Passed struct {
	Node  string // where it went
	First string // what the client said first: a request or a ClientHello
}

// New starts one that knows no node yet; the end of the test ends it.
func New(t testing.TB) *Balancer {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	b := &Balancer{Port: l.Addr().(*net.TCPAddr).Port}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go b.pass(conn)
		}
	}()
	return b
}

// Add makes addr one of the nodes.
func (b *Balancer) Add(addr string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nodes = append(b.nodes, addr)
}

// Passed is every connection so far.
func (b *Balancer) Passed() []Passed {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Passed(nil), b.passed...)
}

// pass serves one client, for a minute at most. Where a node is down it tries the others.
func (b *Balancer) pass(client net.Conn) {
	defer client.Close()
	_ = client.SetDeadline(time.Now().Add(time.Minute))
	first := make([]byte, 4096)
	n, err := client.Read(first)
	if err != nil {
		return
	}
	node := b.dial(string(first[:n]))
	if node == nil {
		return
	}
	defer node.Close()
	if _, err := node.Write(first[:n]); err != nil {
		return
	}
	go func() { _, _ = io.Copy(node, client) }()
	_, _ = io.Copy(client, node)
}

// dial connects to a node, chosen by chance among those that answer.
func (b *Balancer) dial(first string) net.Conn {
	b.mu.Lock()
	order := rand.Perm(len(b.nodes))
	nodes := append([]string(nil), b.nodes...)
	b.mu.Unlock()
	for _, i := range order {
		conn, err := net.DialTimeout("tcp4", nodes[i], time.Second)
		if err != nil {
			continue
		}
		b.mu.Lock()
		b.passed = append(b.passed, Passed{Node: nodes[i], First: first})
		b.mu.Unlock()
		return conn
	}
	return nil
}
