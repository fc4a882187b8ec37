package crl

import (
	"encoding/asn1"
	"sort"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"dwaar/ocspsvc"
)

// Extensions of entries (RFC 5280 §5.3). Hold instructions and invalidity
// dates change nothing: revoked is revoked.
var (
	oidReasonCode        = asn1.ObjectIdentifier{2, 5, 29, 21}
	oidHoldInstruction   = asn1.ObjectIdentifier{2, 5, 29, 23}
	oidInvalidityDate    = asn1.ObjectIdentifier{2, 5, 29, 24}
	oidCertificateIssuer = asn1.ObjectIdentifier{2, 5, 29, 29}
)

// maxSerial is the most octets of a serial number; RFC 5280 §4.1.2.2 allows 20.
const maxSerial = 64

var errEntry = ocspsvc.Refuse(ocspsvc.ReasonMalformed, "an entry cannot be read")

// readEntries reads the contents of revokedCertificates: once for the lengths,
// so that each table is allocated in its size, and once for all else.
func readEntries(revoked cryptobyte.String, version int64) (entries, error) {
	var counts [maxSerial + 1]int
	for rest := revoked; !rest.Empty(); {
		var body cryptobyte.String
		serial, ok := readSerial(&rest, &body)
		if !ok {
			return entries{}, errEntry
		}
		counts[len(serial)]++
	}
	tables := make([]table, len(counts))
	for n, count := range counts {
		tables[n] = table{serial: n, records: make([]byte, 0, count*(n+extraSize))}
	}
	for !revoked.Empty() {
		if err := readEntry(&revoked, tables, version); err != nil {
			return entries{}, err
		}
	}
	return sorted(tables), nil
}

func sorted(tables []table) entries {
	var e entries
	for _, t := range tables {
		if len(t.records) > 0 {
			sort.Sort(t)
			e.tables = append(e.tables, t)
		}
	}
	return e
}

// readSerial reads the beginning of an entry; body is what follows in it.
func readSerial(list, body *cryptobyte.String) (serial cryptobyte.String, ok bool) {
	if !list.ReadASN1(body, cbasn1.SEQUENCE) || !body.ReadASN1(&serial, cbasn1.INTEGER) {
		return nil, false
	}
	n := len(serial)
	minimal := n == 1 || n > 1 && !(serial[0] == 0 && serial[1] < 0x80) && !(serial[0] == 0xff && serial[1] >= 0x80)
	return serial, minimal && n <= maxSerial
}

// readEntry adds the next entry to the table for its length.
func readEntry(list *cryptobyte.String, tables []table, version int64) error {
	var body, extensions cryptobyte.String
	var present bool
	var e Entry
	serial, ok := readSerial(list, &body)
	if !ok || !readTime(&body, &e.RevokedAt) || !body.ReadOptionalASN1(&extensions, &present, cbasn1.SEQUENCE) || !body.Empty() {
		return errEntry
	}
	if present && version != version2 {
		return ocspsvc.Refuse(ocspsvc.ReasonMalformed, "an entry of a list of version 1 has extensions")
	}
	for !extensions.Empty() {
		if err := e.readExtension(&extensions); err != nil {
			return err
		}
	}
	if e.Reason != ocspsvc.RemoveFromCRL { // which says that it is not revoked any more
		tables[len(serial)].add(serial, e)
	}
	return nil
}

func readTime(s *cryptobyte.String, out *time.Time) bool {
	if s.PeekASN1Tag(cbasn1.UTCTime) {
		return s.ReadASN1UTCTime(out)
	}
	return s.ReadASN1GeneralizedTime(out)
}

// readExtension takes over a reason. An entry that cannot be understood spoils
// the whole list (RFC 5280 §5.3).
func (e *Entry) readExtension(list *cryptobyte.String) error {
	var body, value, oid cryptobyte.String
	critical := false
	ok := list.ReadASN1(&body, cbasn1.SEQUENCE) && body.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER)
	if ok && body.PeekASN1Tag(cbasn1.BOOLEAN) {
		ok = body.ReadASN1Boolean(&critical)
	}
	if !ok || !body.ReadASN1(&value, cbasn1.OCTET_STRING) || !body.Empty() {
		return errEntry
	}
	switch {
	case is(oid, oidReasonCode):
		var code int
		if !value.ReadASN1Enum(&code) || !value.Empty() || code < 0 || code > 0xff {
			return errEntry
		}
		e.Reason = ocspsvc.RevocationReason(code)
	case is(oid, oidCertificateIssuer):
		return ocspsvc.Refuse(ocspsvc.ReasonCriticalExtension, "an indirect CRL, which is also about certificates of other issuers")
	case critical && !is(oid, oidInvalidityDate) && !is(oid, oidHoldInstruction):
		return ocspsvc.Refuse(ocspsvc.ReasonCriticalExtension, "an entry has the unknown critical extension %s", dotted(oid))
	}
	return nil
}
