package acme

import (
	"slices"
	"time"
)

// Source says who made a certificate, in the words of the status.
type Source string

// The sources of certificates.
const (
	SourceACME     Source = "acme"
	SourceInternal Source = "internal" // the local CA
	SourceOnDemand Source = "on_demand"
)

// entry is one name with its certificate. All of it is guarded by Manager.mu.
type entry struct {
	name     string
	policy   Policy
	source   Source
	onDemand bool

	cert    *Issued   // what is served; nil until there is one
	renewAt time.Time // by the certificate's age alone
	ari     renewalWindow
	revoked *revocation // cert counts as revoked and waits for its replacement
	stale   bool        // cert may not be what the policy wants any more
	unsaved *unsaved    // issued for the policy, and not in storage yet; may be cert

	failures int       // in a row
	trouble  error     // the last failure; nil after a success
	nextTry  time.Time // nothing is tried before

	waits      int       // in a row, for another node that is about the name
	waitsSince time.Time // monotonic

	noted  bool      // another node may have stored something
	lookAt time.Time // then

	permitted bool          // on-demand: the ask URL has said so
	lastUsed  time.Time     // on-demand
	settled   chan struct{} // on-demand, until there is a certificate or none will come: closed then

	due   time.Time     // when its job is
	in    *queue        // where it waits for its turn
	place int           // in there, counted from 1
	busy  chan struct{} // closed when the job that is going on has ended; nil if there is none
	gone  bool          // no longer in the table
}

func newEntry(name string, p Policy) *entry {
	e := &entry{name: name, source: SourceACME}
	e.follow(p)
	return e
}

// follow takes over a policy. A certificate that is there stays until it is clear whether
// the policy has another.
func (e *entry) follow(p Policy) {
	p.Names = nil
	e.policy = p
	switch {
	case e.onDemand:
		e.source = SourceOnDemand
	case slices.ContainsFunc(p.Issuers, isPublic):
		e.source = SourceACME
	default:
		e.source = SourceInternal
	}
}

// hasARI reports whether there may be a CA that announces when it wants renewals.
func (e *entry) hasARI() bool { return slices.ContainsFunc(e.policy.Issuers, isPublic) }

func (e *entry) ca() string { return e.policy.Issuers[0].CA }

// job is what is to be done for a name.
type job string

const (
	look       job = "look"       // what has another node stored?
	ask        job = "ask"        // whether an on-demand name is permitted
	obtain     job = "obtain"     // there is no certificate, or not of this policy
	renew      job = "renew"      // it is time
	quarantine job = "quarantine" // it is revoked: away with its files
	reissue    job = "reissue"    // they are away: get another
	save       job = "save"       // one is there already, and not in storage yet
	inquire    job = "ari"        // when does the CA want a renewal?
)

// need is what e needs next, and when.
func (e *entry) need() (job, time.Time) {
	switch {
	case e.noted:
		return look, e.lookAt
	case e.onDemand && e.cert == nil && !e.permitted:
		return ask, e.nextTry
	case e.revoked != nil && !e.revoked.quarantined:
		return quarantine, e.nextTry
	case e.unsaved != nil:
		return save, e.nextTry
	case e.revoked != nil:
		return reissue, e.nextTry
	case e.cert == nil || e.stale:
		return obtain, e.nextTry
	}
	at := later(e.renewal(), e.nextTry)
	if e.hasARI() && e.ari.ask.Before(at) {
		return inquire, e.ari.ask
	}
	return renew, at
}

// renewal is when the certificate is to be renewed: by its age or by the CA's wish,
// whichever is sooner.
func (e *entry) renewal() time.Time {
	if !e.ari.at.IsZero() && e.ari.at.Before(e.renewAt) {
		return e.ari.at
	}
	return e.renewAt
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
