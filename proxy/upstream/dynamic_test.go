package upstream_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"dwaar/proxy/upstream"
)

// zone is a DNS server that answers with the records of the moment, and not
// at all while it has none.
type zone struct {
	address string
	records atomic.Pointer[[]string]
	asked   atomic.Int64
}

func (z *zone) say(records ...string) { z.records.Store(&records) }

func (z *zone) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	z.asked.Add(1)
	records := z.records.Load()
	if records == nil || len(*records) == 0 {
		answer := new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
		_ = w.WriteMsg(answer)
		return
	}
	answer := new(dns.Msg).SetReply(q)
	for _, text := range *records {
		if rr, err := dns.NewRR(text); err == nil && rr.Header().Rrtype == q.Question[0].Qtype && rr.Header().Name == q.Question[0].Name {
			answer.Answer = append(answer.Answer, rr)
		}
	}
	_ = w.WriteMsg(answer)
}

func newZone(t *testing.T) *zone {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z := &zone{address: conn.LocalAddr().String()}
	server := &dns.Server{PacketConn: conn, Handler: z}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return z
}

// onLoopback is one upstream at several addresses of loopback, on one port.
func onLoopback(t *testing.T, hosts ...string) (port string) {
	t.Helper()
	port = "0"
	for _, host := range hosts {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ = net.SplitHostPort(listener.Addr().String())
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, host) })}
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(func() { _ = server.Close() })
	}
	return port
}

// answers are those of some requests, each once.
func answers(h http.Handler) string {
	var all []string
	for range 6 {
		all = append(all, askFor(h, ""))
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

func TestUpstreamsFollowTheDNSAndOutliveItsOutage(t *testing.T) {
	z := newZone(t)
	port := onLoopback(t, "127.0.0.1", "127.0.0.2", "127.0.0.3")
	z.say("app.test. 0 IN A 127.0.0.1", "app.test. 0 IN A 127.0.0.2")
	pools := upstream.NewPools()
	running(t, pools)
	lease := pools.Lease()
	t.Cleanup(lease.Release)
	h := handlerOver(t, lease, upstream.Config{Dynamic: &upstream.Dynamic{
		Kind: "a", Name: "app.test", Port: number(t, port), Refresh: time.Second, Resolvers: []string{z.address},
	}})
	lease.Start()
	if got := answers(h); got != "200 127.0.0.1 200 127.0.0.2" {
		t.Errorf("first: %s", got)
	}
	z.say("app.test. 0 IN A 127.0.0.2", "app.test. 0 IN A 127.0.0.3")
	eventually(t, "the new addresses are used", func() bool { return answers(h) == "200 127.0.0.2 200 127.0.0.3" })
	z.say() // fails
	n := z.asked.Load()
	eventually(t, "the DNS is asked again", func() bool { return z.asked.Load() > n+2 })
	if got := answers(h); got != "200 127.0.0.2 200 127.0.0.3" {
		t.Errorf("while the DNS is down: %s", got)
	}
}

func TestServicesSayTheirPorts(t *testing.T) {
	z := newZone(t)
	port := onLoopback(t, "127.0.0.1")
	z.say("_http._tcp.app.test. 0 IN SRV 1 1 "+port+" localhost.", "_http._tcp.app.test. 0 IN SRV 1 1 1 localhost.")
	pools := upstream.NewPools()
	running(t, pools)
	lease := pools.Lease()
	t.Cleanup(lease.Release)
	h := handlerOver(t, lease, upstream.Config{Dynamic: &upstream.Dynamic{Kind: "srv", Name: "_http._tcp.app.test", Resolvers: []string{z.address}}})
	lease.Start()
	if got := answers(h); got != "200 127.0.0.1" {
		t.Errorf("answers = %s", got)
	}
}

func TestWithoutAnAnswerOfTheDNSThereIsNoUpstream(t *testing.T) {
	z := newZone(t)
	pools := upstream.NewPools()
	running(t, pools)
	lease := pools.Lease()
	t.Cleanup(lease.Release)
	h := handlerOver(t, lease, upstream.Config{Dynamic: &upstream.Dynamic{Kind: "a", Name: "app.test", Resolvers: []string{z.address}}})
	lease.Start()
	if got := askFor(h, ""); !strings.HasPrefix(got, "503 ") {
		t.Errorf("answer = %s", got)
	}
	if s := pools.Status(); len(s) != 0 {
		t.Errorf("status = %v", s)
	}
}

func TestALookupOutlivesReloadsAndIsMadeOnce(t *testing.T) {
	z := newZone(t)
	port := onLoopback(t, "127.0.0.1")
	z.say("app.test. 0 IN A 127.0.0.1")
	cfg := upstream.Config{Dynamic: &upstream.Dynamic{Kind: "a", Name: "app.test", Port: number(t, port), Versions: []string{"ipv4"}, Resolvers: []string{z.address}}}
	pools := upstream.NewPools()
	running(t, pools)
	before := pools.Lease()
	h := handlerOver(t, before, cfg)
	before.Start()
	if got := answers(h); got != "200 127.0.0.1" {
		t.Fatal(got)
	}
	idle := runtime.NumGoroutine()
	for range 100 {
		next := pools.Lease()
		h, err := upstream.New(cfg, upstream.Edits{}, next, slog.New(slog.DiscardHandler), plain)
		if err != nil {
			t.Fatal(err)
		}
		next.Start()
		before.Release()
		before = next
		if got := askFor(h, ""); got != "200 127.0.0.1" {
			t.Fatal(got)
		}
	}
	before.Release()
	eventually(t, "no goroutine stays", func() bool { return runtime.NumGoroutine() <= idle+5 })
	if n := z.asked.Load(); n > 3 {
		t.Errorf("the DNS was asked %d times", n)
	}
}

func number(t *testing.T, text string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
