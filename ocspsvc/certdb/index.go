package certdb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// maxIndexLine is how many octets a line of an index.txt may have.
const maxIndexLine = 64 << 10

var errUnfinished = errors.New("the last line has no end: is the file still being written?")

// ReadIndex reads the index.txt of `openssl ca` and calls visit for each line
// with a certificate. bad is a responder.ErrBadRecord for a line that
// contradicts itself, such as a valid certificate with a revocation date; there
// is a serial then. A line that cannot be read is an error, by its number. What
// visit returns ends the reading.
func ReadIndex(r io.Reader, visit func(c Certificate, bad error) error) error {
	lines := bufio.NewReaderSize(r, maxIndexLine)
	for n := 1; ; n++ {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("line %d: %w", n, errUnfinished)
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("line %d has more than %d octets", n, maxIndexLine)
		case err != nil:
			return err
		}
		if err := readIndexLine(strings.TrimRight(string(line), "\r\n"), visit); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// The fields of a line.
const (
	indexStatus = iota
	indexExpires
	indexRevoked
	indexSerial
	indexFile
	indexSubject
	indexFields
)

func readIndexLine(line string, visit func(Certificate, error) error) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	fields := splitIndexLine(line)
	if len(fields) != indexFields {
		return fmt.Errorf("%d fields, separated by tabs, in place of %d", len(fields), indexFields)
	}
	c, err := indexCertificate(fields)
	if err != nil {
		return err
	}
	record, bad := indexRecord(fields[indexStatus], fields[indexRevoked])
	if bad != nil && !errors.Is(bad, responder.ErrBadRecord) {
		return bad
	}
	record.Expires = c.Expires
	c.Record = record
	return visit(c, bad)
}

// splitIndexLine splits at tabs. One after a backslash belongs to its field.
func splitIndexLine(line string) (fields []string) {
	var field strings.Builder
	for i := range len(line) {
		switch {
		case line[i] == '\\' && i+1 < len(line) && line[i+1] == '\t':
		case line[i] == '\t' && (i == 0 || line[i-1] != '\\'):
			fields = append(fields, field.String())
			field.Reset()
		default:
			field.WriteByte(line[i])
		}
	}
	return append(fields, field.String())
}

// indexCertificate reads what says which certificate it is.
func indexCertificate(fields []string) (c Certificate, err error) {
	c.Subject = fields[indexSubject]
	if c.Serial, err = ParseSerial(fields[indexSerial]); err != nil {
		return c, err
	}
	if fields[indexExpires] == "" {
		return c, nil
	}
	if c.Expires, err = indexTime(fields[indexExpires]); err != nil {
		return c, fmt.Errorf("expiry date: %w", err)
	}
	if c.Expires.Equal(noExpiry) {
		c.Expires = time.Time{}
	}
	return c, nil
}

// noExpiry stands for an expiry that is not known (RFC 5280 §4.1.2.5).
var noExpiry = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// indexRecord reads what is known about a certificate. An expired one (E) is as
// good as it was.
func indexRecord(status, revoked string) (responder.Record, error) {
	switch status {
	case "V", "E":
		if revoked != "" {
			return responder.Record{}, fmt.Errorf("%w: its status is %s and it has a revocation date", responder.ErrBadRecord, status)
		}
		return responder.Record{Status: ocspsvc.Good}, nil
	case "R":
		at, reason, err := readRevocation(revoked)
		if err != nil {
			return responder.Record{}, err
		}
		if reason == ocspsvc.RemoveFromCRL {
			return responder.Record{}, fmt.Errorf("%w: it is revoked because it is not revoked (removeFromCRL)", responder.ErrBadRecord)
		}
		return responder.Record{Status: ocspsvc.Revoked, RevokedAt: at, Reason: reason}, nil
	}
	return responder.Record{}, fmt.Errorf("the status is %.20q, and not V, R or E", status)
}

// readRevocation reads date[,reason[,more]]. There may be no date. A reason that
// is not known is none: the certificate is revoked all the same.
func readRevocation(text string) (at time.Time, reason ocspsvc.RevocationReason, err error) {
	date, rest, _ := strings.Cut(text, ",")
	word, _, _ := strings.Cut(rest, ",")
	if date != "" {
		if at, err = indexTime(date); err != nil {
			return at, 0, fmt.Errorf("revocation date: %w", err)
		}
	}
	return at, indexReason(word), nil
}

// indexReason knows the reasons of the RFC in any case, and those of openssl
// that come with a time or an instruction.
func indexReason(word string) ocspsvc.RevocationReason {
	switch strings.ToLower(word) {
	case "holdinstruction":
		return ocspsvc.CertificateHold
	case "keytime":
		return ocspsvc.KeyCompromise
	case "cakeytime":
		return ocspsvc.CACompromise
	}
	for reason := ocspsvc.Unspecified; reason <= ocspsvc.AACompromise; reason++ {
		if strings.EqualFold(reason.String(), word) {
			return reason
		}
	}
	return ocspsvc.Unspecified
}

// indexTime reads YYMMDDHHMMSSZ and YYYYMMDDHHMMSSZ. Two digits are those of
// 1950 to 2049 (RFC 5280 §4.1.2.5.1).
func indexTime(text string) (time.Time, error) {
	const short, long = "060102150405Z", "20060102150405Z"
	layout := short
	if len(text) == len(long) {
		layout = long
	}
	t, err := time.Parse(layout, text)
	if err != nil || len(text) != len(layout) {
		return time.Time{}, fmt.Errorf("%.40q is not written YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ", text)
	}
	if layout == short && t.Year() >= 2050 {
		t = t.AddDate(-100, 0, 0)
	}
	return t, nil
}
