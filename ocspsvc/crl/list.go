package crl

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"iter"
	"math/big"
	"time"

	"dwaar/ocspsvc"
)

// List is a verified CRL: what it says, without its bytes.
type List struct {
	ThisUpdate time.Time
	NextUpdate time.Time
	Number     *big.Int // cRLNumber; nil if the list has none
	Issuer     string   // who signed it

	scope   scope
	entries entries
}

// Entry is what a list says about one revoked certificate.
type Entry struct {
	RevokedAt time.Time
	Reason    ocspsvc.RevocationReason
}

// Read reads a CRL in DER or PEM and verifies that issuer signed it and that
// nothing in it may not be ignored; see the package's list. Whether it is in
// time is for Current to say. It keeps nothing of data. Errors are
// *ocspsvc.Error.
func Read(data []byte, issuer *x509.Certificate) (*List, error) {
	der, err := decode(data)
	if err != nil {
		return nil, err
	}
	f, err := readFrame(der)
	if err != nil {
		return nil, err
	}
	if err := f.verify(issuer); err != nil { // before the work that its entries are
		return nil, err
	}
	return f.list()
}

// decode takes the DER out of what a server sent.
func decode(data []byte) ([]byte, error) {
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	if !bytes.HasPrefix(trimmed, []byte("-----BEGIN ")) {
		return data, nil
	}
	block, _ := pem.Decode(trimmed)
	if block == nil || block.Type != "X509 CRL" {
		return nil, ocspsvc.Refuse(ocspsvc.ReasonMalformed, "the PEM is not that of a CRL")
	}
	return block.Bytes, nil
}

// skew is how far ahead of now a thisUpdate may be.
const skew = ocspsvc.DefaultSkew

// Current returns nil if the list says something at now, by wall time.
func (l *List) Current(now time.Time) error {
	now = now.Round(0)
	switch {
	case l.ThisUpdate.After(now.Add(skew)):
		return ocspsvc.Refuse(ocspsvc.ReasonNotYetValid, "thisUpdate is only %s", rfc3339(l.ThisUpdate))
	case !now.Before(l.NextUpdate):
		return ocspsvc.Refuse(ocspsvc.ReasonExpired, "nextUpdate was %s", rfc3339(l.NextUpdate))
	}
	return nil
}

// Find returns the entry of a serial number, if the list revokes it.
func (l *List) Find(serial *big.Int) (Entry, bool) { return l.entries.find(octets(serial)) }

// After yields what the list revokes, in an order of its own, after a serial
// number; all of it if that is nil.
func (l *List) After(serial *big.Int) iter.Seq2[*big.Int, Entry] {
	if serial == nil {
		return l.entries.after(nil)
	}
	return l.entries.after(octets(serial))
}

// Len is the number of certificates that the list revokes.
func (l *List) Len() int { return l.entries.count() }

// Partial reports whether the list is about some revocation reasons only, so
// that a certificate which it does not list may be revoked all the same.
func (l *List) Partial() bool { return l.scope.someReasons }

// replaces returns nil if l may take the place of old: nobody turns the clock
// back. A lower number with a newer thisUpdate is a CA that lost count, which is
// believed once old has ended. An old list from the future is one of a clock
// that was wrong, and proves nothing against l.
func (l *List) replaces(old *List, now time.Time) error {
	switch {
	case old.ThisUpdate.After(now.Add(skew)):
		return nil
	case l.ThisUpdate.Before(old.ThisUpdate):
		return ocspsvc.Refuse(ocspsvc.ReasonTooOld, "thisUpdate %s is before %s of the list held", rfc3339(l.ThisUpdate), rfc3339(old.ThisUpdate))
	case l.Number != nil && old.Number != nil && l.Number.Cmp(old.Number) < 0 && now.Before(old.NextUpdate):
		return ocspsvc.Refuse(ocspsvc.ReasonTooOld, "cRLNumber %v is below %v of the list held", l.Number, old.Number)
	}
	return nil
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }
