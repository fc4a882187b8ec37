package integration

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/redisserver"
	"dwaar/integration/internal/responder"
)

// Issue 6: three relays on one Redis ask the responder once for what 1,000 clients miss
// at the same time, and what they have in memory costs Redis nothing.
func TestRelaysOnOneRedisAskOnceAndThenNobody(t *testing.T) {
	t.Parallel()
	server, h := redisserver.Start(t), newRelayHouse(t)
	gate := make(chan struct{})
	h.OCSP.Behave(func(o *responder.Responder, w http.ResponseWriter, asked responder.Call) {
		<-gate
		responder.Good(o, w, asked)
	})
	issuer, leaf := h.issuerFile(h.CA), h.leaf("www.example.com")
	var relays []*relayHouse
	for range 3 {
		s := dwaar.StartRelay(t, binaries.Race, "--issuer", issuer+"="+h.OCSP.URL(), "--allow", "127.0.0.1", "--redis", server.URL(), "--data", t.TempDir())
		relays = append(relays, &relayHouse{house: h.house, addr: strings.TrimPrefix(s.URL, "http://")})
	}
	var clients sync.WaitGroup
	for i := range 1000 {
		clients.Go(func() { asksWell(t, relays[i%3], leaf) })
	}
	close(gate)
	clients.Wait()
	if n := h.OCSP.Requests(); n != 1 {
		t.Errorf("issue 6: %d requests for 1,000 misses at three relays, want 1", n)
	}
	commands := func() (n int) {
		stats := must(t)(server.Do("INFO", "stats")).(string)
		n, _ = strconv.Atoi(regexp.MustCompile(`total_commands_processed:(\d+)`).FindStringSubmatch(stats)[1])
		return n
	}
	before := commands()
	const hits = 3000
	for range 10 {
		for i := range hits / 10 {
			clients.Go(func() { asksWell(t, relays[i%3], leaf) })
		}
		clients.Wait()
	}
	if n := commands() - before; n > hits/20 { // they look for changes and whether it is there
		t.Errorf("issue 6: %d commands to Redis in %d hits, want none for a hit", n, hits)
	} else {
		t.Logf("%d commands to Redis during %d hits", n, hits)
	}
	if n := h.OCSP.Requests(); n != 1 {
		t.Errorf("issue 6: %d requests after %d hits, want 1", n, hits)
	}
}

func asksWell(t *testing.T, r *relayHouse, leaf *pki.Leaf) {
	if got := r.asks(leaf, r.CA); got != "good" {
		t.Errorf("issue 6: %s at %s, want good", got, r.addr)
	}
}
