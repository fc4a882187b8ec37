package crl

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dwaar/ocspsvc"
)

// Sync pulls the catalog again, after a reload or when a certificate changed
// on disk. A certificate that is new is judged at once by the list of its CRL
// if that is held, and otherwise as soon as it is read; one that is gone is
// forgotten; one that stayed keeps its state, and if it is revoked,
// Revocations is told again. It does no I/O.
func (w *Watcher) Sync() {
	w.pull()
	nudge(w.wake)
}

// pull makes certs what the catalog has.
func (w *Watcher) pull() {
	w.syncing.Lock()
	defer w.syncing.Unlock()
	wanted := map[Fingerprint]Certificate{}
	for c := range w.catalog.Certificates() {
		if other, twice := wanted[c.Fingerprint]; twice {
			c.Disabled = c.Disabled && other.Disabled
		}
		wanted[c.Fingerprint] = c
	}
	fresh := w.strangers(wanted)
	for _, c := range w.merge(wanted, fresh) {
		w.present(c, true)
	}
}

// strangers reads the chains of wanted that are not known as they are, without
// holding up anyone. It drops those that are not what the catalog says.
func (w *Watcher) strangers(wanted map[Fingerprint]Certificate) map[Fingerprint]reading {
	var news []Certificate
	for leaf, c := range wanted {
		switch {
		case w.knows(c):
		case len(c.Chain) == 0 || sha256.Sum256(c.Chain[0]) != leaf:
			w.log.Error("a certificate is not checked: its fingerprint is not that of its chain's first certificate")
			delete(wanted, leaf)
		default:
			news = append(news, c)
		}
	}
	return readAll(news)
}

// readAll reads chains on every processor: a start with thousands of them waits
// for the signature by which each issuer is found.
func readAll(news []Certificate) map[Fingerprint]reading {
	readings, issuers := make([]reading, len(news)), &issuers{}
	var next atomic.Int64
	var readers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		readers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(news)); i = next.Add(1) - 1 {
				readings[i] = readChain(news[i].Chain, issuers.find)
			}
		})
	}
	readers.Wait()
	fresh := make(map[Fingerprint]reading, len(news))
	for i, c := range news {
		fresh[c.Fingerprint] = readings[i]
	}
	return fresh
}

// issuers holds each issuer of one Sync parsed once, however many chains have it.
type issuers struct {
	byHash sync.Map // [sha256.Size]byte to *x509.Certificate, nil for what cannot be read
}

func (i *issuers) find(leaf *x509.Certificate, rest [][]byte) *x509.Certificate {
	var candidates []*x509.Certificate
	for _, der := range rest {
		candidates = append(candidates, i.parse(der))
	}
	return ocspsvc.FindIssuer(leaf, candidates)
}

func (i *issuers) parse(der []byte) *x509.Certificate {
	sum := sha256.Sum256(der)
	known, ok := i.byHash.Load(sum)
	if !ok {
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			parsed = nil
		}
		known, _ = i.byHash.LoadOrStore(sum, parsed)
	}
	return known.(*x509.Certificate)
}

// knows reports whether a certificate is known, and nothing about it is new.
func (w *Watcher) knows(info Certificate) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.certs[info.Fingerprint]
	return c != nil && c.disabled == info.Disabled && slices.EqualFunc(c.chain, info.Chain, bytes.Equal)
}

// merge forgets, adds and updates, and returns the certificates that there are.
func (w *Watcher) merge(wanted map[Fingerprint]Certificate, fresh map[Fingerprint]reading) (all []*certificate) {
	w.mu.Lock()
	defer w.unlock()
	for leaf, c := range w.certs {
		if _, still := wanted[leaf]; !still {
			c.gone = true
			w.leave(c)
			delete(w.certs, leaf)
		}
	}
	for leaf, info := range wanted {
		c := w.certs[leaf]
		if c == nil {
			c = &certificate{fingerprint: leaf}
			w.certs[leaf] = c
		}
		if r, changed := fresh[leaf]; changed {
			w.update(c, info, r)
		}
		all = append(all, c)
	}
	w.tidy()
	return all
}

// The functions below want w.mu held.

// update takes over what the catalog says about a certificate. It stays revoked
// unless checking it was turned off: an issuer that has left the chain proves
// nothing.
func (w *Watcher) update(c *certificate, info Certificate, r reading) {
	w.leave(c)
	c.chain, c.disabled, c.facts = info.Chain, info.Disabled, r.facts
	switch {
	case c.disabled:
		c.revocation = nil
	case r.issuer != nil:
		w.join(c, r)
	}
}

// join makes c one of its group, which may be new, as may its feeds.
func (w *Watcher) join(c *certificate, r reading) {
	g := w.groups[r.group]
	if g == nil {
		g = &group{key: r.group, names: r.points.names, certs: map[*certificate]struct{}{}}
		for _, url := range r.points.urls {
			f := w.feed(url, r.issuer)
			f.groups[g] = struct{}{}
			g.feeds = append(g.feeds, f)
		}
		w.groups[r.group] = g
	}
	c.group = g
	g.certs[c] = struct{}{}
	w.judge(c)
}

// feed returns the feed of a URL, which is due at once if it is new.
func (w *Watcher) feed(url string, issuer *x509.Certificate) *feed {
	key := newFeedKey(url, issuer)
	f := w.feeds[key]
	if f == nil {
		f = &feed{key: key, url: url, issuer: issuer, server: w.server(url), groups: map[*group]struct{}{}, due: time.Now().Round(0)}
		w.feeds[key] = f
	}
	return f
}

func (w *Watcher) server(raw string) *server {
	host := raw
	if u, err := url.Parse(raw); err == nil {
		host = strings.ToLower(u.Host)
	}
	s := w.servers[host]
	if s == nil {
		s = &server{host: host}
		w.servers[host] = s
	}
	return s
}

// leave takes c out of its group.
func (w *Watcher) leave(c *certificate) {
	if c.group != nil {
		delete(c.group.certs, c)
		c.group = nil
	}
}

// tidy forgets groups, feeds and servers that nobody needs any more. Storage
// keeps their lists, in case they come back, until sweep.
func (w *Watcher) tidy() {
	for key, g := range w.groups {
		if len(g.certs) > 0 {
			continue
		}
		delete(w.groups, key)
		for _, f := range g.feeds {
			delete(f.groups, g)
		}
	}
	used := map[*server]bool{}
	for key, f := range w.feeds {
		if len(f.groups) == 0 {
			delete(w.feeds, key)
			continue
		}
		used[f.server] = true
	}
	for host, s := range w.servers {
		if !used[s] {
			delete(w.servers, host)
		}
	}
}
