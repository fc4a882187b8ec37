package pebble

import (
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Zone is the DNS Pebble's validation sees: every name is 127.0.0.1, and TXT records are
// what a test or an unsigned dynamic update (RFC 2136) has put there. It answers by UDP and TCP.
type Zone struct {
	addr string

	mu      sync.Mutex
	txt     map[string][]string // by fully qualified name
	updates int
}

// NewZone starts a Zone on a free port of loopback.
func NewZone(t testing.TB) *Zone {
	t.Helper()
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z := &Zone{addr: tcp.Addr().String(), txt: map[string][]string{}}
	udp, err := net.ListenPacket("udp4", z.addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{{Listener: tcp, Handler: z}, {PacketConn: udp, Handler: z}} {
		server.MsgAcceptFunc = func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() { _ = server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return z
}

// Addr is host:port.
func (z *Zone) Addr() string { return z.addr }

// AddTXT adds a TXT record to a name.
func (z *Zone) AddTXT(name, value string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.txt[dns.CanonicalName(name)] = append(z.txt[dns.CanonicalName(name)], value)
}

// RemoveTXT removes the TXT records of a name.
func (z *Zone) RemoveTXT(name string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	delete(z.txt, dns.CanonicalName(name))
}

// TXT returns the TXT records of a name.
func (z *Zone) TXT(name string) []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return append([]string(nil), z.txt[dns.CanonicalName(name)]...)
}

// Updates counts the dynamic updates so far.
func (z *Zone) Updates() int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.updates
}

// update adds TXT records, or removes the ones given (RFC 2136 §2.5.1, §2.5.4).
func (z *Zone) update(records []dns.RR) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.updates++
	for _, record := range records {
		txt, ok := record.(*dns.TXT)
		if !ok {
			continue
		}
		name, value := dns.CanonicalName(txt.Hdr.Name), strings.Join(txt.Txt, "")
		values := slices.DeleteFunc(z.txt[name], func(v string) bool { return v == value })
		if txt.Hdr.Class != dns.ClassNONE {
			values = append(values, value)
		}
		z.txt[name] = values
	}
}

// ServeDNS answers one message.
func (z *Zone) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	reply := new(dns.Msg).SetReply(query)
	reply.Authoritative, reply.RecursionAvailable = true, true
	if query.Opcode == dns.OpcodeUpdate {
		z.update(query.Ns)
		_ = w.WriteMsg(reply)
		return
	}
	for _, q := range query.Question {
		reply.Answer = append(reply.Answer, z.answer(q)...)
	}
	_ = w.WriteMsg(reply)
}

// answer makes every name of two labels a zone of its own.
func (z *Zone) answer(q dns.Question) []dns.RR {
	header := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 1}
	switch q.Qtype {
	case dns.TypeA:
		return []dns.RR{&dns.A{Hdr: header, A: net.IPv4(127, 0, 0, 1)}}
	case dns.TypeTXT:
		var records []dns.RR
		for _, value := range z.TXT(q.Name) {
			records = append(records, &dns.TXT{Hdr: header, Txt: []string{value}})
		}
		return records
	case dns.TypeSOA:
		if dns.CountLabel(q.Name) == 2 {
			return []dns.RR{&dns.SOA{Hdr: header, Ns: "ns." + q.Name, Mbox: "hostmaster." + q.Name, Serial: 1, Minttl: 1}}
		}
	}
	return nil
}
