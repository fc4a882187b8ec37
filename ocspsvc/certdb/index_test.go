package certdb_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/responder"
)

type line struct {
	certdb.Certificate
	bad error
}

func readIndex(text string) (lines []line, err error) {
	err = certdb.ReadIndex(strings.NewReader(text), func(c certdb.Certificate, bad error) error {
		lines = append(lines, line{c, bad})
		return nil
	})
	return lines, err
}

func TestIndexLines(t *testing.T) {
	date := func(year, month, day, hour int) time.Time {
		return time.Date(year, time.Month(month), day, hour, 0, 0, 0, time.UTC)
	}
	revoked := func(at time.Time, reason ocspsvc.RevocationReason) responder.Record {
		return responder.Record{Status: ocspsvc.Revoked, RevokedAt: at, Reason: reason, Expires: date(2027, 3, 1, 12)}
	}
	at := date(2026, 2, 1, 12)
	const begins, ends = "270301120000Z\t", "\t0A\tunknown\t/CN=a\n"
	for text, want := range map[string]responder.Record{
		"V\t270301120000Z\t" + ends:                                                   {Status: ocspsvc.Good, Expires: date(2027, 3, 1, 12)},
		"V\t270301120000Z\t\t000A\tunknown\t/CN=a\r\n":                                {Status: ocspsvc.Good, Expires: date(2027, 3, 1, 12)},
		"V\t490301120000Z\t" + ends:                                                   {Status: ocspsvc.Good, Expires: date(2049, 3, 1, 12)},
		"V\t500301120000Z\t" + ends:                                                   {Status: ocspsvc.Good, Expires: date(1950, 3, 1, 12)},
		"V\t690301120000Z\t" + ends:                                                   {Status: ocspsvc.Good, Expires: date(1969, 3, 1, 12)},
		"V\t20750301120000Z\t" + ends:                                                 {Status: ocspsvc.Good, Expires: date(2075, 3, 1, 12)},
		"V\t99991231235959Z\t" + ends:                                                 {Status: ocspsvc.Good},
		"V\t\t" + ends:                                                                {Status: ocspsvc.Good},
		"E\t200301120000Z\t" + ends:                                                   {Status: ocspsvc.Good, Expires: date(2020, 3, 1, 12)},
		"R\t" + begins + "260201120000Z" + ends:                                       revoked(at, ocspsvc.Unspecified),
		"R\t" + begins + "20260201120000Z,superseded" + ends:                          revoked(at, ocspsvc.Superseded),
		"R\t" + begins + "260201120000Z,keyCompromise" + ends:                         revoked(at, ocspsvc.KeyCompromise),
		"R\t" + begins + "260201120000Z,KEYCOMPROMISE" + ends:                         revoked(at, ocspsvc.KeyCompromise),
		"R\t" + begins + "260201120000Z,CACompromise" + ends:                          revoked(at, ocspsvc.CACompromise),
		"R\t" + begins + "260201120000Z,CAkeyTime,20260101000000Z" + ends:             revoked(at, ocspsvc.CACompromise),
		"R\t" + begins + "260201120000Z,keyTime,20260101000000Z" + ends:               revoked(at, ocspsvc.KeyCompromise),
		"R\t" + begins + "260201120000Z,holdInstruction,holdInstructionReject" + ends: revoked(at, ocspsvc.CertificateHold),
		"R\t" + begins + "260201120000Z,certificateHold" + ends:                       revoked(at, ocspsvc.CertificateHold),
		"R\t" + begins + "260201120000Z,privilegeWithdrawn" + ends:                    revoked(at, ocspsvc.PrivilegeWithdrawn),
		"R\t" + begins + "260201120000Z,mood" + ends:                                  revoked(at, ocspsvc.Unspecified),
		"R\t" + begins + ends:                                                         revoked(time.Time{}, ocspsvc.Unspecified),
		"R\t" + begins + ",superseded" + ends:                                         revoked(time.Time{}, ocspsvc.Superseded),
		"# made by hand\n\nR\t" + begins + "260201120000Z" + ends:                     revoked(at, ocspsvc.Unspecified),
	} {
		lines, err := readIndex(text)
		if err != nil || len(lines) != 1 || !lines[0].Record.Equal(want) || lines[0].bad != nil || lines[0].Serial.Int64() != 10 || lines[0].Subject != "/CN=a" {
			t.Errorf("%q: %+v, %v, want %+v", text, lines, err, want)
		}
	}
}

func TestIndexLinesThatContradictThemselves(t *testing.T) {
	for _, text := range []string{
		"V\t270301120000Z\t260201120000Z\t0A\tunknown\t/CN=a\n",
		"E\t270301120000Z\t260201120000Z,superseded\t0A\tunknown\t/CN=a\n",
		"R\t270301120000Z\t260201120000Z,removeFromCRL\t0A\tunknown\t/CN=a\n",
	} {
		lines, err := readIndex(text)
		if err != nil || len(lines) != 1 || !errors.Is(lines[0].bad, responder.ErrBadRecord) || lines[0].Status == ocspsvc.Good {
			t.Errorf("%q: %+v, %v", text, lines, err)
		}
	}
}

func TestIndexLinesThatCannotBeRead(t *testing.T) {
	const good = "V\t270301120000Z\t\t0A\tunknown\t/CN=a\n"
	for text, want := range map[string]string{
		good + "V\t270301120000Z\t\t0B\tunknown\n":                            "line 2: 5 fields",
		good + "V\t270301120000Z\t\t0B\tunknown\t/CN=a\tmore\n":               "line 2: 7 fields",
		good + "V\t270301120000Z\t\t0B\tunk":                                  "line 2: the last line has no end",
		good + strings.TrimSuffix(good, "\n"):                                 "line 2: the last line has no end",
		"X\t270301120000Z\t\t0B\tunknown\t/CN=a\n":                            `line 1: the status is "X"`,
		"V\t270301120000Z\t\tXY\tunknown\t/CN=a\n":                            `"XY" is not a serial number`,
		"V\t270301120000Z\t\t\tunknown\t/CN=a\n":                              "the serial number is empty",
		"V\t270301120000Z\t\t-0A\tunknown\t/CN=a\n":                           "is not a serial number",
		"V\t271301120000Z\t\t0B\tunknown\t/CN=a\n":                            "expiry date",
		"V\t2703011200Z\t\t0B\tunknown\t/CN=a\n":                              "expiry date",
		"V\t270301120000+0100\t\t0B\tunknown\t/CN=a\n":                        "expiry date",
		"R\t270301120000Z\tsoon\t0B\tunknown\t/CN=a\n":                        "revocation date",
		"V\t270301120000Z\t\t0B\tunknown\t/CN=" + strings.Repeat("a", 70_000): "has more than 65536 octets",
	} {
		if _, err := readIndex(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, want %q", text, err, want)
		}
	}
}

func TestWrittenIndexIsReadBack(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, subject := range []string{"/CN=a", "/C=NL/CN=a b", "/CN=tab\there", `/CN=\`} {
		for _, reason := range []ocspsvc.RevocationReason{0, 1, 2, 3, 4, 5, 6, 9, 10} {
			c := certdb.Certificate{Serial: big.NewInt(0xabc), Subject: subject, Record: responder.Record{Status: ocspsvc.Revoked, RevokedAt: at, Reason: reason, Expires: at.AddDate(40, 0, 0)}}
			var b bytes.Buffer
			whole, err := certdb.WriteIndex(&b, c)
			lines, readErr := readIndex(b.String())
			if whole != (reason < 9) || err != nil || readErr != nil || len(lines) != 1 {
				t.Fatalf("%q: %v, %v, %v", b.String(), whole, err, readErr)
			}
			if !whole {
				c.Reason = ocspsvc.Unspecified
			}
			if got := lines[0]; !got.Record.Equal(c.Record) || got.Serial.Cmp(c.Serial) != 0 {
				t.Errorf("%q: %+v, want %+v", b.String(), got, c)
			}
		}
	}
}

func FuzzReadIndex(f *testing.F) {
	f.Add("V\t270301120000Z\t\t0A\tunknown\t/CN=a\n")
	f.Add("R\t270301120000Z\t260201120000Z,CAkeyTime,20260101000000Z\t0A\tunknown\t/CN=a\\\tb\n")
	f.Add("E\t\t\t00\t\t\n#\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines, _ := readIndex(text)
		for _, l := range lines {
			if l.bad != nil {
				if l.Status != 0 {
					t.Errorf("%q: %+v has a status", text, l)
				}
				continue
			}
			if l.RevokedAt.IsZero() {
				l.RevokedAt = time.Unix(0, 0).UTC()
			}
			if l.Status == ocspsvc.Good {
				l.RevokedAt = time.Time{}
			}
			if y := l.Expires.Year(); y == 0 { // means 0000, which is not written apart from 9999
				continue
			}
			var b bytes.Buffer
			whole, err := certdb.WriteIndex(&b, l.Certificate)
			again, readErr := readIndex(b.String())
			if err != nil || readErr != nil || len(again) != 1 {
				t.Fatalf("%+v is written as %q, which is %v, %v", l, b.String(), again, errors.Join(err, readErr))
			}
			if !whole {
				again[0].Reason = l.Reason
			}
			if !again[0].Record.Equal(l.Record) {
				t.Errorf("%+v is written as %q, which is %+v", l, b.String(), again[0])
			}
		}
	})
}

func ExampleReadIndex() {
	text := "R\t270301120000Z\t260201120000Z,keyCompromise\t0A\tunknown\t/CN=a.example\n"
	err := certdb.ReadIndex(strings.NewReader(text), func(c certdb.Certificate, bad error) error {
		fmt.Println(certdb.FormatSerial(c.Serial), c.Status, c.Reason, c.RevokedAt.Format(time.RFC3339))
		return bad
	})
	fmt.Println(err)
	// Output:
	// 0a revoked keyCompromise 2026-02-01T12:00:00Z
	// <nil>
}
