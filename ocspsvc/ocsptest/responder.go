package ocsptest

import (
	"crypto"
	"maps"
	"math/big"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"dwaar/ocspsvc"
)

// Settings are how a Responder answers. Zero values are the usual.
type Settings struct {
	Fault     Fault         // "" is Good
	Validity  time.Duration // from thisUpdate to nextUpdate; 0 is 7 days
	Age       time.Duration // thisUpdate is that long ago
	RevokedAt time.Time     // zero is an hour ago
	Only      string        // method that is answered, "GET" or "POST"; others get 405. "" is both
	OnlyHash  crypto.Hash   // CertIDs with another hash get unauthorized. 0 is all
	Delegate  bool          // the good delegate signs, where the fault does not name the signer

	RetryAfter string        // header, if set, of every answer that is not a status
	Location   string        // where Redirect leads; "" is to itself
	Drip       time.Duration // pause of SlowDrip and SlowDripForever; 0 is 10 ms
	Delay      time.Duration // before any answer
}

// Responder is a fake OCSP responder of one CA with switchable faults. It is
// an http.Handler, an ocspsvc.Source and, with Fetch, a stapler's Fetcher.
// All methods may be called at any time from any goroutine.
type Responder struct {
	ca     *CA
	cast   cast
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	settings Settings
	faults   map[string]Fault // by serial, before settings.Fault
	hits     []Hit
}

// NewResponder makes a responder of ca, which nobody serves yet. It stops with
// the test. In a synctest bubble it has to be made inside.
func NewResponder(t testing.TB, ca *CA) *Responder {
	t.Helper()
	r := &Responder{ca: ca, cast: newCast(t, ca), closed: make(chan struct{}), faults: map[string]Fault{}}
	t.Cleanup(r.Close)
	return r
}

// Close ends every handler that hangs or drips. The responder answers on.
func (r *Responder) Close() { r.once.Do(func() { close(r.closed) }) }

// Set switches to a fault for every certificate, and leaves the other
// settings. Good switches it off.
func (r *Responder) Set(fault Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settings.Fault = fault
	clear(r.faults)
}

// SetFor switches to a fault for one leaf only, until the next Set.
func (r *Responder) SetFor(leaf *Leaf, fault Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults[leaf.Cert.SerialNumber.String()] = fault
}

// Change changes settings in one step.
func (r *Responder) Change(change func(*Settings)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.settings)
}

// UseLeaf gives SelfSigner the key of the leaf that is asked for.
func (r *Responder) UseLeaf(leaf *Leaf) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cast.self = leaf
}

// settingsFor returns a copy of the settings as they are for one certificate.
func (r *Responder) settingsFor(serial *big.Int) (Settings, cast) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.settings
	if serial != nil {
		if fault, ok := r.faults[serial.String()]; ok {
			s.Fault = fault
		}
	}
	if s.Fault == "" {
		s.Fault = Good
	}
	return s, r.cast
}

// Hit is one request a responder got.
type Hit struct {
	Time     time.Time
	Method   string // "" for Respond and Fetch, which are not HTTP
	Path     string // the request URI as sent
	Header   http.Header
	Hash     crypto.Hash // of the first CertID; 0 if the request was unreadable
	Serial   *big.Int
	Nonce    []byte
	Requests int // number of CertIDs
}

// Hits returns the requests so far, oldest first.
func (r *Responder) Hits() []Hit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.hits)
}

// Count is the number of requests so far.
func (r *Responder) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.hits)
}

// CountFor is the number of requests for leaf so far.
func (r *Responder) CountFor(leaf *Leaf) int {
	n := 0
	for _, hit := range r.Hits() {
		if hit.Serial != nil && hit.Serial.Cmp(leaf.Cert.SerialNumber) == 0 {
			n++
		}
	}
	return n
}

func (r *Responder) log(method, path string, header http.Header, req *ocspsvc.Request) {
	hit := Hit{Time: time.Now(), Method: method, Path: path, Header: maps.Clone(header)}
	if req != nil {
		hit.Hash, hit.Serial = req.CertIDs[0].Hash, req.CertIDs[0].Serial
		hit.Nonce, hit.Requests = req.Nonce, len(req.CertIDs)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hits = append(r.hits, hit)
}
