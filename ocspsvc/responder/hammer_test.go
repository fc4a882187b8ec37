package responder_test

import (
	"crypto"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// spell is a time in which a certificate had a status.
type spell struct {
	status string
	from   time.Time
}

// history is what a certificate was, when.
type history struct {
	mu     sync.Mutex
	spells []spell
}

func (h *history) add(status string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spells = append(h.spells, spell{status, time.Now()})
}

// had reports whether it had that status at some time from one to the other.
func (h *history) had(status string, from, to time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, s := range h.spells {
		over := i+1 < len(h.spells) && h.spells[i+1].from.Before(from)
		if s.status == status && !s.from.After(to) && !over {
			return true
		}
	}
	return false
}

// Whatever is asked while a certificate is issued, revoked, put on hold and
// forgotten, with a database and a key that take their time and a cache that is
// too small: no answer says what was not true within the last second.
func TestNoAnswerIsOlderThanASecond(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { hammer(t, rand.New(rand.NewPCG(seed, 5))) })
		})
	}
}

func hammer(t *testing.T, r *rand.Rand) {
	cfg := responder.Config{Validity: time.Minute, Presign: r.IntN(2) == 0, Limits: responder.Limits{UnissuedRate: 100_000, CacheBytes: int64(r.IntN(2)+1) * 40_000}}
	d := newDesk(t, cfg)
	d.keys = keysOf(d.ca.Cert, nil, slowKey{d.ca.Key, time.Duration(r.IntN(30)) * time.Millisecond, new(atomic.Int64)})
	d.open(t, cfg)
	d.records.delay.Store(r.Int64N(int64(200 * time.Millisecond)))
	d.run(t)
	h := &history{}
	h.add("good")
	end := time.Now().Add(2 * time.Minute)
	var working sync.WaitGroup
	own := rand.New(rand.NewPCG(r.Uint64(), 1))
	working.Go(func() { change(d, h, own, end) })
	for range 5 {
		own := rand.New(rand.NewPCG(r.Uint64(), 2))
		working.Go(func() { askAndJudge(t, d, h, own, end) })
	}
	working.Wait()
}

func change(d *desk, h *history, r *rand.Rand, end time.Time) {
	for time.Now().Before(end) {
		time.Sleep(time.Duration(r.Int64N(int64(3 * time.Second))))
		// The history notes the new status before it is there, and had counts
		// what was until then.
		switch r.IntN(3) {
		case 0:
			h.add("unknown")
			d.set(responder.Record{})
		case 1:
			h.add("revoked")
			d.revoke(time.Now())
		default:
			h.add("good")
			d.set(responder.Record{Status: ocspsvc.Good})
		}
	}
}

func askAndJudge(t *testing.T, d *desk, h *history, r *rand.Rand, end time.Time) {
	hashes := []crypto.Hash{crypto.SHA1, crypto.SHA1, crypto.SHA256, crypto.SHA512}
	for asked := time.Now(); asked.Before(end); asked = time.Now() {
		req := &ocspsvc.Request{CertIDs: []ocspsvc.CertID{d.certID(t, hashes[r.IntN(len(hashes))])}}
		if r.IntN(4) == 0 {
			req.Nonce = make([]byte, 16)
		}
		got := word(d.post(t, marshalRequest(t, req)))
		if got != "tryLater" && !h.had(got, asked.Add(-time.Second), time.Now()) {
			t.Errorf("asked %v, answered %v after: %s, which it has not been for a second", asked, time.Since(asked), got)
			return
		}
		time.Sleep(time.Duration(r.Int64N(int64(300 * time.Millisecond))))
	}
}
