package dns_test

import (
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

const (
	keyName = "dwaar-key."
	secret  = "c2VjcmV0IG9mIHRoZSB0ZXN0LCAzMiBieXRlcyBsb25nISE="
)

// nameServer is authoritative for example.com and sub.example.com, over UDP and TCP on one
// port, and takes updates that are signed. It keeps TXT records by name, as sets.
type nameServer struct {
	t    *testing.T
	addr string

	mu      sync.Mutex
	texts   map[string][]string
	rcode   int                     // of updates, instead of doing them
	spoil   func(*dns.Msg, *string) // changes an answer on a network ("udp", "tcp"); "" there drops it
	asked   []string                // "udp QUERY name", "tcp UPDATE zone", …
	deafUDP bool
}

func newNameServer(t *testing.T) *nameServer {
	t.Helper()
	s := &nameServer{t: t, texts: map[string][]string{}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	keys := map[string]string{keyName: secret}
	tcp := &dns.Server{Listener: ln, Handler: s.on("tcp"), TsigSecret: keys, MsgAcceptFunc: acceptUpdates}
	udp := &dns.Server{PacketConn: pc, Handler: s.on("udp"), TsigSecret: keys, MsgAcceptFunc: acceptUpdates}
	for _, server := range []*dns.Server{tcp, udp} {
		started, ended := make(chan struct{}), make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() {
			defer close(ended)
			_ = server.ActivateAndServe()
		}()
		<-started
		t.Cleanup(func() {
			_ = server.Shutdown()
			<-ended
		})
	}
	return s
}

// acceptUpdates is needed as the library refuses them by default.
func acceptUpdates(h dns.Header) dns.MsgAcceptAction {
	if h.Bits&(1<<15) != 0 {
		return dns.MsgIgnore
	}
	return dns.MsgAccept
}

func (s *nameServer) on(network string) dns.Handler {
	return dns.HandlerFunc(func(w dns.ResponseWriter, m *dns.Msg) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, network+" "+dns.OpcodeToString[m.Opcode]+" "+m.Question[0].Name)
		if network == "udp" && s.deafUDP {
			return
		}
		answer := s.answer(w, m)
		if s.spoil != nil {
			on := network
			if s.spoil(answer, &on); on == "" {
				return
			}
		}
		_ = w.WriteMsg(answer)
	})
}

func (s *nameServer) answer(w dns.ResponseWriter, m *dns.Msg) *dns.Msg {
	answer := new(dns.Msg).SetReply(m)
	if tsig := m.IsTsig(); tsig != nil {
		answer.SetTsig(tsig.Hdr.Name, tsig.Algorithm, 300, int64(tsig.TimeSigned))
		if err := w.TsigStatus(); err != nil {
			answer.Rcode = dns.RcodeNotAuth
			answer.IsTsig().Error = dns.RcodeBadKey
			return answer
		}
	}
	if m.Opcode == dns.OpcodeUpdate {
		s.update(m, answer)
		return answer
	}
	s.soa(m.Question[0].Name, answer)
	return answer
}

func (s *nameServer) soa(name string, answer *dns.Msg) {
	zone := ""
	for _, apex := range []string{"example.com.", "sub.example.com."} {
		if dns.IsSubDomain(apex, name) {
			zone = apex
		}
	}
	if zone == "" {
		answer.Rcode = dns.RcodeRefused
		return
	}
	answer.Authoritative = true
	if strings.HasPrefix(name, "_acme-challenge.alias.") {
		cname, _ := dns.NewRR(name + " 60 IN CNAME elsewhere.net.")
		soa, _ := dns.NewRR("elsewhere.net. 60 IN SOA ns.elsewhere.net. h. 1 1 1 1 1")
		answer.Answer, answer.Ns = []dns.RR{cname}, []dns.RR{soa}
		return
	}
	if strings.HasPrefix(name, "_acme-challenge.silent.") {
		return // an authoritative answer without SOA: the parent has to be asked
	}
	soa, err := dns.NewRR(zone + " 60 IN SOA ns." + zone + " hostmaster." + zone + " 1 3600 600 86400 60")
	if err != nil {
		s.t.Error(err)
	}
	if name == zone {
		answer.Answer = []dns.RR{soa}
		return
	}
	answer.Rcode = dns.RcodeNameError
	answer.Ns = []dns.RR{soa}
}

func (s *nameServer) update(m, answer *dns.Msg) {
	zone := m.Question[0].Name
	switch {
	case m.IsTsig() == nil:
		answer.Rcode = dns.RcodeRefused
		return
	case s.rcode != 0:
		answer.Rcode = s.rcode
		return
	case zone != "example.com." && zone != "sub.example.com.":
		answer.Rcode = dns.RcodeNotAuth
		return
	}
	for _, rr := range m.Ns {
		record, ok := rr.(*dns.TXT)
		if !ok {
			answer.Rcode = dns.RcodeFormatError
			return
		}
		name, value := record.Hdr.Name, strings.Join(record.Txt, "")
		switch held := slices.Contains(s.texts[name], value); {
		case record.Hdr.Class == dns.ClassINET && !held:
			s.texts[name] = append(s.texts[name], value)
		case record.Hdr.Class == dns.ClassNONE:
			s.texts[name] = slices.DeleteFunc(s.texts[name], func(v string) bool { return v == value })
		}
	}
}

// at gives the values at a name, sorted.
func (s *nameServer) at(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.texts[name]))
}

// set changes the server between two calls.
func (s *nameServer) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// questions gives what has been asked since the last time.
func (s *nameServer) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}
