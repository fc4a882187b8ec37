package stapler

import (
	"crypto/sha256"
	"crypto/tls"
	"iter"
	"sync/atomic"
	"time"
)

// entry is one certificate that a Keeper has seen.
type entry struct {
	leaf   Fingerprint
	chain  [][]byte
	staple atomic.Pointer[Staple]
	last   atomic.Pointer[outfit]
}

// outfit is a certificate as it was served last: from was given, with staple.
type outfit struct {
	from, served *tls.Certificate
	staple       *Staple
}

func (e *entry) info() Certificate {
	return Certificate{Fingerprint: e.leaf, Chain: e.chain, Manual: true}
}

// entry returns what is kept about cert, and notes one that is new.
func (k *Keeper) entry(cert *tls.Certificate) *entry {
	leaf := sha256.Sum256(cert.Certificate[0])
	if known, ok := k.entries.Get(leaf); ok {
		return known
	}
	e := &entry{leaf: leaf, chain: cert.Certificate}
	if known, raced, _ := k.entries.PeekOrAdd(leaf, e); raced {
		return known
	}
	k.touch(leaf)
	return e
}

// dressed returns cert with the staple that it has at this moment.
func (k *Keeper) dressed(cert *tls.Certificate, wanted bool) *tls.Certificate {
	e := k.entry(cert)
	staple := e.staple.Load()
	if !staple.Servable(time.Now()) {
		staple = nil
		if wanted {
			k.service.Asked(e.leaf)
		}
	}
	return e.dress(cert, staple)
}

// dress returns cert itself if it is what should be served, else a copy, and
// the same copy as before if nothing changed.
func (e *entry) dress(cert *tls.Certificate, staple *Staple) *tls.Certificate {
	if staple == nil && len(cert.OCSPStaple) == 0 {
		return cert
	}
	if last := e.last.Load(); last != nil && last.from == cert && last.staple == staple {
		return last.served
	}
	served := *cert
	served.OCSPStaple = nil
	if staple != nil {
		served.OCSPStaple = staple.Response
	}
	e.last.Store(&outfit{from: cert, served: &served, staple: staple})
	return &served
}

// catalog is the Keeper as its service sees it. It is a type of its own so
// that nobody else attaches staples.
func (k *Keeper) catalog() Catalog { return keeperCatalog{k} }

type keeperCatalog struct{ k *Keeper }

func (c keeperCatalog) Certificates() iter.Seq[Certificate] {
	return func(yield func(Certificate) bool) {
		for _, e := range c.k.entries.Values() {
			if !yield(e.info()) {
				return
			}
		}
	}
}

func (c keeperCatalog) Attach(leaf Fingerprint, staple *Staple) {
	if e, ok := c.k.entries.Peek(leaf); ok {
		e.staple.Store(staple)
	}
}
