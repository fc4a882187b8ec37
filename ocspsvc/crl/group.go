package crl

import (
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"time"
)

// groupKey names a group: its issuer and its distribution points.
type groupKey [2][sha256.Size]byte

// group is the certificates of one issuer that name the same distribution
// points, so that what a list covers is found out once for all. It is guarded
// by Watcher.mu, except for key, names and feeds, which never change.
type group struct {
	key   groupKey
	names []string // of the distribution points
	feeds []*feed  // one for each URL, in the certificates' order
	certs map[*certificate]struct{}
}

func newGroupKey(leaf, issuer *x509.Certificate) groupKey {
	return groupKey{sha256.Sum256(issuer.Raw), sha256.Sum256(pointsExtension(leaf))}
}

// needs reports whether g reads f: none of the feeds before it serves.
func (g *group) needs(f *feed, now time.Time) bool {
	if len(g.certs) == 0 {
		return false
	}
	before := g.feeds[:slices.Index(g.feeds, f)]
	return !slices.ContainsFunc(before, func(earlier *feed) bool { return earlier.serves(g, now) })
}

// vouching is a feed whose list, in time, settles whether g's certificates are
// revoked; nil if none does.
func (g *group) vouching(now time.Time) *feed {
	for _, f := range g.feeds {
		if f.held != nil && f.held.list.Current(now) == nil && f.held.list.scope.covers(g.names) && !f.held.list.Partial() {
			return f
		}
	}
	return nil
}
