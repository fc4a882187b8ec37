package stapler

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unique"

	"dwaar/ocspsvc"
)

// leafFacts are what of a leaf is needed between two rounds. The parsed
// certificate is not kept: it would be most of the memory.
type leafFacts struct {
	mustStaple bool      // never changes
	notAfter   time.Time // never changes
	responder  string    // first OCSP URL of the leaf, or ""; never changes
	laneName   string    // whom the next round depends on
	silent     ocspsvc.Reason
	why        string // of silent
	forever    bool   // silent whatever the configuration is
}

// rereadLeaf takes over what can have changed: another chain may have the
// issuer.
func (c *certificate) rereadLeaf(facts leafFacts) {
	c.laneName, c.silent, c.why, c.forever = facts.laneName, facts.silent, facts.why, facts.forever
}

// readLeaf finds out what a chain says about stapling it. It
// always has an answer: a leaf that cannot be stapled gets a silent reason (S12).
func readLeaf(chain [][]byte) leafFacts {
	if len(chain) == 0 {
		return leafFacts{silent: ocspsvc.ReasonMalformed, why: "the chain is empty", forever: true}
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return leafFacts{silent: ocspsvc.ReasonMalformed, why: fmt.Sprintf("reading the certificate: %v", err), forever: true}
	}
	facts := leafFacts{
		mustStaple: ocspsvc.HasMustStaple(leaf), notAfter: leaf.NotAfter, laneName: laneName(leaf, chain[1:]),
	}
	if len(leaf.OCSPServer) > 0 {
		facts.responder = unique.Make(leaf.OCSPServer[0]).Value()
	}
	switch {
	case ocspsvc.NoRevAvail(leaf):
		facts.silent, facts.why = ocspsvc.ReasonNoResponder, "the certificate says noRevAvail (RFC 9608)"
	case ocspsvc.SelfSigned(leaf):
		facts.silent = ocspsvc.ReasonSelfSigned
	}
	facts.forever = facts.silent != ""
	return facts
}

// issuerFrom begins the lane of a leaf whose issuer has to be fetched first.
const issuerFrom = "caIssuers "

// laneName names whom the next round for leaf depends on: its responder, or,
// while it has no issuer, the server that has it.
func laneName(leaf *x509.Certificate, chain [][]byte) string {
	name := fmt.Sprintf("issuer %x", sha256.Sum256(leaf.RawIssuer))
	if len(leaf.OCSPServer) > 0 {
		name = host(leaf.OCSPServer[0])
	}
	if !chainNames(leaf.RawIssuer, chain) && len(leaf.IssuingCertificateURL) > 0 {
		name = issuerFrom + host(leaf.IssuingCertificateURL[0])
	}
	return unique.Make(name).Value()
}

// responderLane is laneName once the issuer is at hand.
func responderLane(leaf *x509.Certificate) string {
	return laneName(&x509.Certificate{RawIssuer: leaf.RawIssuer, OCSPServer: leaf.OCSPServer}, nil)
}

// chainNames reports whether a certificate of chain has that subject; whether
// it signed the leaf is found out in the round.
func chainNames(subject []byte, chain [][]byte) bool {
	for _, der := range chain {
		if bytes.Contains(der, subject) {
			return true
		}
	}
	return false
}

func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return raw
	}
	return strings.ToLower(u.Host)
}
