package crl

import (
	"crypto/x509"
	"errors"
	"time"

	"dwaar/ocspsvc"
)

// certificate is the state of one leaf. It is guarded by Watcher.mu.
type certificate struct {
	fingerprint Fingerprint // never changes
	chain       [][]byte
	disabled    bool
	facts
	group      *group // nil if it is not checked
	revocation *revocation
	told       bool // Revocations knows that it is revoked
	gone       bool // left the catalog
}

// facts are what of a leaf is needed later. The parsed certificate is not kept:
// it would be most of the memory.
type facts struct {
	serial   []byte // contents of the DER INTEGER
	notAfter time.Time
	quiet    ocspsvc.Reason // why it is not checked; "" also if its responder is asked instead
	why      string         // of quiet
}

// reading is what a chain says about checking its leaf.
type reading struct {
	facts
	issuer *x509.Certificate // nil if it is not checked
	group  groupKey
	points points
}

// revocation is what a list said when it was last seen to list the certificate.
type revocation struct {
	verdict ocspsvc.Verdict
	url     string
}

// errNoChain and errNoPoints are why nobody can be asked.
var (
	errNoChain  = errors.New("the chain is empty")
	errNoPoints = errors.New("the certificate names no CRL over http or https")
)

// readChain finds out what a chain says about checking its leaf. issuer finds
// the leaf's issuer in the rest of the chain.
func readChain(chain [][]byte, issuer func(leaf *x509.Certificate, rest [][]byte) *x509.Certificate) reading {
	if len(chain) == 0 {
		return notChecked(ocspsvc.ReasonMalformed, errNoChain.Error())
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return notChecked(ocspsvc.ReasonMalformed, "reading the certificate: "+err.Error())
	}
	points, ok := readPoints(leaf)
	switch {
	case len(leaf.OCSPServer) > 0:
		return notChecked("", "")
	case ocspsvc.NoRevAvail(leaf):
		return notChecked(ocspsvc.ReasonNoResponder, "the certificate says noRevAvail (RFC 9608)")
	case ocspsvc.SelfSigned(leaf):
		return notChecked(ocspsvc.ReasonSelfSigned, "")
	case !ok:
		return notChecked(ocspsvc.ReasonMalformed, "the distribution points of the certificate cannot be read")
	case len(points.urls) == 0:
		return notChecked(ocspsvc.ReasonNoResponder, errNoPoints.Error())
	}
	r := reading{facts: facts{serial: octets(leaf.SerialNumber), notAfter: leaf.NotAfter}, points: points}
	if r.issuer = issuer(leaf, chain[1:]); r.issuer == nil {
		return notChecked(ocspsvc.ReasonNoIssuer, "the chain does not have the issuer's certificate")
	}
	r.group = newGroupKey(leaf, r.issuer)
	return r
}

func notChecked(reason ocspsvc.Reason, why string) reading {
	return reading{facts: facts{quiet: reason, why: why}}
}
