package stapler

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"time"
)

// Sync pulls the catalog again, after a reload or when a certificate changed
// on disk. A leaf that is new is looked up in storage and fetched at once,
// whatever staple its predecessor had (S5); one that is gone is forgotten; one
// that stayed keeps its state, and its staple is attached again in case the
// catalog has rebuilt its entry. It does no I/O.
func (s *Service) Sync() {
	s.pull(true)
	nudge(s.wake)
	nudge(s.rewatch)
}

// pull makes certs what the catalog has. ahead puts new leaves before those
// that are merely due.
func (s *Service) pull(ahead bool) {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	wanted := map[Fingerprint]Certificate{}
	for c := range s.catalog.Certificates() {
		if other, twice := wanted[c.Fingerprint]; twice {
			c.Disabled, c.Manual = c.Disabled && other.Disabled, c.Manual || other.Manual
		}
		wanted[c.Fingerprint] = c
	}
	fresh := s.strangers(wanted)
	stayed, changed := s.merge(wanted, fresh, ahead)
	for _, c := range changed {
		s.rejudge(c, time.Now())
	}
	for _, c := range stayed {
		s.present(c, true)
	}
}

// strangers reads the leaves of wanted that are not known, or whose chain has
// changed, without holding up anyone. It drops those that are not what the
// catalog says: a staple must never go to another leaf (S5).
func (s *Service) strangers(wanted map[Fingerprint]Certificate) map[Fingerprint]leafFacts {
	fresh := map[Fingerprint]leafFacts{}
	for leaf, c := range wanted {
		known := s.chainOf(leaf)
		switch {
		case known != nil && sameChain(known, c.Chain):
		case len(c.Chain) == 0 || sha256.Sum256(c.Chain[0]) != leaf:
			s.log.Error("a certificate is not stapled: its fingerprint is not that of its chain's first certificate")
			delete(wanted, leaf)
		default:
			fresh[leaf] = readLeaf(c.Chain)
		}
	}
	return fresh
}

// chainOf is the chain that leaf is known with; nil if it is not known.
func (s *Service) chainOf(leaf Fingerprint) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.certs[leaf]; c != nil {
		return c.chain
	}
	return nil
}

func sameChain(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// merge forgets, adds and updates, and returns those that stayed, and among
// them those that have other terms.
func (s *Service) merge(wanted map[Fingerprint]Certificate, fresh map[Fingerprint]leafFacts, ahead bool) (stayed, onOtherTerms []*certificate) {
	s.mu.Lock()
	defer s.unlock()
	for leaf, c := range s.certs {
		if _, still := wanted[leaf]; !still {
			s.forget(c)
		}
	}
	for leaf, info := range wanted {
		facts, changed := fresh[leaf]
		if known := s.certs[leaf]; known != nil {
			if known.terms != info.Terms {
				onOtherTerms = append(onOtherTerms, known)
			}
			s.update(known, info, facts, changed)
			stayed = append(stayed, known)
			continue
		}
		s.add(newCertificate(info, facts), ahead)
	}
	return stayed, onOtherTerms
}

// forget and the next two want s.mu held.
func (s *Service) forget(c *certificate) {
	c.gone = true
	s.delist(c)
	s.changing.drop(c)
	delete(s.certs, c.fingerprint)
	delete(s.newcomers, c)
	s.store.Forget(c.fingerprint)
}

func (s *Service) add(c *certificate, ahead bool) {
	c.asked = ahead
	s.certs[c.fingerprint] = c
	s.newcomers[c] = struct{}{}
	s.enlistAtOnce(c)
	nudge(s.arrival)
}

// update takes over what the catalog says anew about a certificate. What made
// it quiet may have gone: its issuer may be in the chain now.
func (s *Service) update(c *certificate, info Certificate, facts leafFacts, changed bool) {
	toggled, moved := c.disabled != info.Disabled, c.terms.Responder != info.Terms.Responder
	c.chain, c.disabled, c.manual, c.terms = info.Chain, info.Disabled, info.Manual, info.Terms
	if changed {
		c.rereadLeaf(facts)
	}
	if moved && !c.forever {
		c.silent, c.why = "", ""
	}
	if toggled {
		s.settle(c, time.Now())
	}
	if (changed || toggled || moved) && c.busy == nil {
		s.enlistAtOnce(c)
	}
}

// enlistAtOnce makes c due, or quiet.
func (s *Service) enlistAtOnce(c *certificate) {
	if c.quiet() != "" {
		s.delist(c)
		s.noteQuiet(c)
		return
	}
	s.enlist(c, c.laneName)
	s.queueAt(c, time.Now(), 0)
}

// requiet lets quiet certificates be asked for again whose reason may have
// gone with a new configuration: overrides name responders, the fetcher may
// find issuers.
func (s *Service) requiet() {
	for _, c := range s.certs {
		if c.silent == "" || c.forever {
			continue
		}
		c.silent, c.why = "", ""
		if c.busy == nil {
			s.enlistAtOnce(c)
		}
	}
}
