package crl

import (
	"crypto/x509"
	"net/url"
	"strings"
	"time"
)

// The functions of this file want Watcher.mu held.

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
