package crl

import (
	"crypto/sha256"
	"crypto/x509"
	"time"
)

// feedKey names a feed, in memory and in storage.
type feedKey [sha256.Size]byte

func newFeedKey(url string, issuer *x509.Certificate) feedKey {
	h := sha256.New()
	h.Write([]byte(url))
	h.Write([]byte{0}) // which no URL that passes the guard contains
	h.Write(issuer.Raw)
	return feedKey(h.Sum(nil))
}

// feed is where the lists of one issuer at one URL come from. It is guarded by
// Watcher.mu, except for what never changes: key, url, issuer, server.
type feed struct {
	key    feedKey
	url    string
	issuer *x509.Certificate
	server *server

	groups   map[*group]struct{} // that name it
	recalled bool                // storage was looked at
	held     *held               // what counts, also once it has ended; nil: nothing yet
	lapsed   bool                // it was logged that held has ended
	busy     chan struct{}       // closed when the reading that is going on ends; nil if none is
	byHand   time.Time           // when the last reading by hand ended; monotonic

	noticed   bool      // another node has stored something for it
	looked    time.Time // when storage was last looked at for that; monotonic
	elsewhere time.Time // since when another node has been reading it; monotonic

	due     time.Time // of the next reading; wall time
	lastTry time.Time
	failing time.Time // since when every reading failed; zero after a success
	trouble error     // of the last reading; nil after a success
}

// held is a verified list. It is not changed once it is made.
type held struct {
	list      *List
	sum       [sha256.Size]byte // of the bytes received
	refreshed time.Time         // when the server last said so
	unstored  bool              // storage does not have it
	validators
}

// ended reports whether what is held says nothing any more about who is good.
func (h *held) ended(now time.Time) bool { return h == nil || !now.Before(h.list.NextUpdate) }

// news reports whether list revokes a certificate that depends on f and that
// known does not revoke. Where storage stands is not known if it lacks known.
func (f *feed) news(list *List, known *held) bool {
	for g := range f.groups {
		for c := range g.certs {
			if _, now := list.entries.find(c.serial); !now {
				continue
			}
			if known == nil || known.unstored {
				return true
			}
			if _, before := known.list.entries.find(c.serial); !before {
				return true
			}
		}
	}
	return false
}

// nextTry is when the next reading can be.
func (f *feed) nextTry() time.Time {
	if f.server.until.After(f.due) {
		return f.server.until
	}
	return f.due
}

// serves reports whether f is enough for a group: it works, as far as is known,
// and its list, if there is one, settles the matter.
func (f *feed) serves(g *group, now time.Time) bool {
	if f.trouble != nil || f.server.down(now) {
		return false
	}
	return f.held == nil || f.held.list.scope.covers(g.names) && !f.held.list.Partial()
}

// wanted reports whether some group needs f: the feeds that its certificates
// name before f do not serve it.
func (f *feed) wanted(now time.Time) bool {
	for g := range f.groups {
		if g.needs(f, now) {
			return true
		}
	}
	return false
}

// affected is how many certificates depend on f.
func (f *feed) affected() (n int) {
	for g := range f.groups {
		n += len(g.certs)
	}
	return n
}

// covers reports whether a list is about any of the certificates that name f.
func (f *feed) covers(l *List) bool {
	for g := range f.groups {
		if l.scope.covers(g.names) {
			return true
		}
	}
	return len(f.groups) == 0
}
