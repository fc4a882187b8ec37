// Package certdbtest is what every database of certdb has to keep to.
package certdbtest

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/big"
	"sync"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// Run proves the promises of certdb.DB on one kind of database. fresh returns
// the DSN of an empty one, and plain runs a statement of SQL on it, as somebody
// else would.
func Run(t *testing.T, fresh func(t *testing.T) certdb.DSN, plain func(dsn certdb.DSN, statement string) error) {
	for name, test := range map[string]func(*testing.T, *room){
		"UnissuedHasNoRecord":           unissued,
		"AddRevokeUnrevoke":             life,
		"EveryReasonAndTimeComesBack":   reasons,
		"RevocationsStand":              stand,
		"EverySerial":                   serials,
		"IssuersAreApart":               apart,
		"PagesHaveEveryCertificateOnce": pages,
		"PlainSQLIsSeen":                plainSQL,
		"NonsenseIsRefused":             nonsense,
		"RevokedWithoutATime":           undated,
		"ManyOpenAtOnce":                openers,
		"ManyWriteAtOnce":               writers,
		"ContextsEnd":                   contexts,
	} {
		t.Run(name, func(t *testing.T) {
			dsn := fresh(t)
			db, err := certdb.Create(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			ca := ocsptest.NewCA(t)
			test(t, &room{DB: db, dsn: dsn, issuer: ca.Cert, id: responder.IssuerIDOf(ca.Cert), plain: func(s string) error { return plain(dsn, s) }})
		})
	}
}

type room struct {
	*certdb.DB
	dsn    certdb.DSN
	issuer *x509.Certificate
	id     responder.IssuerID
	plain  func(statement string) error
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sql runs a statement that has to succeed.
func (r *room) sql(t *testing.T, statement string) {
	t.Helper()
	if err := r.plain(statement); err != nil {
		t.Fatal(err)
	}
}

func good(serial int64) certdb.Certificate {
	return certdb.Certificate{Serial: big.NewInt(serial), Subject: "/CN=leaf", Record: responder.Record{Status: ocspsvc.Good, Expires: noon.AddDate(1, 0, 0)}}
}

func revoked(serial int64, at time.Time, reason ocspsvc.RevocationReason) certdb.Certificate {
	c := good(serial)
	c.Status, c.RevokedAt, c.Reason = ocspsvc.Revoked, at, reason
	return c
}

func (r *room) add(t *testing.T, certs ...certdb.Certificate) certdb.Tally {
	t.Helper()
	tally, err := r.Add(t.Context(), r.issuer, certs...)
	if err != nil {
		t.Fatal(err)
	}
	return tally
}

func (r *room) expect(t *testing.T, serial int64, want responder.Record) {
	t.Helper()
	got, err := r.Record(t.Context(), r.id, big.NewInt(serial))
	if err != nil || !got.Equal(want) {
		t.Errorf("record of %d = %+v, %v, want %+v", serial, got, err, want)
	}
}

func (r *room) expectError(t *testing.T, serial int64, want error) {
	t.Helper()
	if got, err := r.Record(t.Context(), r.id, big.NewInt(serial)); !errors.Is(err, want) || got != (responder.Record{}) {
		t.Errorf("record of %d = %+v, %v, want %v", serial, got, err, want)
	}
}

func unissued(t *testing.T, r *room) {
	r.expectError(t, 1, responder.ErrNoRecord) // nor has its issuer one
	r.add(t, good(1))
	r.expectError(t, 2, responder.ErrNoRecord)
	r.expectError(t, -1, responder.ErrNoRecord)
	r.expectError(t, 0, responder.ErrNoRecord)
	huge := new(big.Int).Lsh(big.NewInt(1), 8*certdb.MaxSerial)
	if _, err := r.Record(t.Context(), r.id, huge); !errors.Is(err, responder.ErrNoRecord) {
		t.Errorf("record of a huge serial: %v", err)
	}
	if _, err := r.Revoke(t.Context(), r.issuer, big.NewInt(2), noon, 0); !errors.Is(err, responder.ErrNoRecord) {
		t.Errorf("revoking what is not there: %v", err)
	}
	if _, err := r.Unrevoke(t.Context(), r.issuer, big.NewInt(2)); !errors.Is(err, responder.ErrNoRecord) {
		t.Errorf("unrevoking what is not there: %v", err)
	}
}

func life(t *testing.T, r *room) {
	if tally := r.add(t, good(1), good(2), good(2)); tally != (certdb.Tally{Added: 2, Unchanged: 1}) {
		t.Errorf("first: %+v", tally)
	}
	if tally := r.add(t, good(1), good(2)); tally != (certdb.Tally{Unchanged: 2}) {
		t.Errorf("again: %+v", tally)
	}
	r.expect(t, 1, good(1).Record)
	r.revoke(t, 1, noon, ocspsvc.CertificateHold, true)
	r.expect(t, 1, revoked(1, noon, ocspsvc.CertificateHold).Record)
	r.unrevoke(t, 1, true)
	r.expect(t, 1, good(1).Record)
	r.unrevoke(t, 1, false)
	r.revoke(t, 1, noon.Add(time.Hour), ocspsvc.KeyCompromise, true)
	r.revoke(t, 1, noon, ocspsvc.KeyCompromise, false)
	r.expect(t, 1, revoked(1, noon.Add(time.Hour), ocspsvc.KeyCompromise).Record)
	r.expect(t, 2, good(2).Record)
}

func (r *room) revoke(t *testing.T, serial int64, at time.Time, reason ocspsvc.RevocationReason, want bool) {
	t.Helper()
	if changed, err := r.Revoke(t.Context(), r.issuer, big.NewInt(serial), at, reason); err != nil || changed != want {
		t.Errorf("revoking %d: %v, %v, want %v", serial, changed, err, want)
	}
}

func (r *room) unrevoke(t *testing.T, serial int64, want bool) {
	t.Helper()
	if changed, err := r.Unrevoke(t.Context(), r.issuer, big.NewInt(serial)); err != nil || changed != want {
		t.Errorf("unrevoking %d: %v, %v, want %v", serial, changed, err, want)
	}
}

func reasons(t *testing.T, r *room) {
	east := time.FixedZone("east", 5*3600)
	for serial, reason := range []ocspsvc.RevocationReason{0, 1, 2, 3, 4, 5, 6, 9, 10} {
		at := noon.Add(time.Duration(serial) * 400 * 24 * time.Hour).In(east).Add(300 * time.Millisecond)
		r.add(t, good(int64(serial)))
		r.revoke(t, int64(serial), at, reason, true)
		r.expect(t, int64(serial), revoked(1, at.UTC().Truncate(time.Second), reason).Record)
	}
	if _, err := r.Revoke(t.Context(), r.issuer, big.NewInt(1), noon, ocspsvc.RemoveFromCRL); err == nil {
		t.Error("removeFromCRL revokes")
	}
}

func stand(t *testing.T, r *room) {
	r.add(t, good(1), revoked(2, noon, ocspsvc.CertificateHold))
	r.revoke(t, 1, noon, ocspsvc.Superseded, true)
	var already *certdb.RevokedError
	if _, err := r.Revoke(t.Context(), r.issuer, big.NewInt(1), noon, ocspsvc.KeyCompromise); !errors.As(err, &already) || already.Reason != ocspsvc.Superseded {
		t.Errorf("another reason: %v", err)
	}
	if _, err := r.Unrevoke(t.Context(), r.issuer, big.NewInt(1)); !errors.As(err, &already) || !already.At.Equal(noon) {
		t.Errorf("unrevoking for good: %v", err)
	}
	later := noon.Add(time.Hour)
	tally := r.add(t, good(1), revoked(1, later, ocspsvc.KeyCompromise), revoked(1, later, ocspsvc.Superseded), revoked(2, later, ocspsvc.AACompromise))
	if tally != (certdb.Tally{Kept: 3, Changed: 1}) {
		t.Errorf("adding other things: %+v", tally)
	}
	r.expect(t, 1, revoked(1, noon, ocspsvc.Superseded).Record)
	r.expect(t, 2, revoked(2, noon, ocspsvc.AACompromise).Record) // the hold's time stays
}

func serials(t *testing.T, r *room) {
	for _, text := range []string{"0", "1", "7f", "80", "ff00", "0100", "7fffffffffffffffffffffffffffffffffffffff", "ffffffffffffffffffffffffffffffffffffffff", "ff" + "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddee"} {
		serial, err := certdb.ParseSerial(text)
		if err != nil {
			t.Fatal(err)
		}
		c := good(0)
		c.Serial = serial
		r.add(t, c)
		if got, err := r.Record(t.Context(), r.id, serial); err != nil || !got.Equal(c.Record) {
			t.Errorf("record of %s = %+v, %v", text, got, err)
		}
	}
	for _, serial := range []*big.Int{big.NewInt(-1), new(big.Int).Lsh(big.NewInt(1), 8*certdb.MaxSerial)} {
		if _, err := r.Add(t.Context(), r.issuer, certdb.Certificate{Serial: serial, Record: good(1).Record}); err == nil {
			t.Errorf("%v is added", serial)
		}
	}
}

func apart(t *testing.T, r *room) {
	other := ocsptest.NewCA(t).Cert
	r.add(t, good(1), good(2))
	if _, err := r.Add(t.Context(), other, revoked(1, noon, ocspsvc.KeyCompromise)); err != nil {
		t.Fatal(err)
	}
	r.expect(t, 1, good(1).Record)
	got, err := r.Record(t.Context(), responder.IssuerIDOf(other), big.NewInt(1))
	if err != nil || got.Status != ocspsvc.Revoked {
		t.Errorf("the other's: %+v, %v", got, err)
	}
	if _, err := r.Record(t.Context(), responder.IssuerIDOf(other), big.NewInt(2)); !errors.Is(err, responder.ErrNoRecord) {
		t.Errorf("the other has not issued 2: %v", err)
	}
}

func pages(t *testing.T, r *room) {
	var certs []certdb.Certificate
	const n = 1003
	for serial := range int64(n) {
		certs = append(certs, good(serial*serial))
	}
	r.add(t, certs...)
	seen := map[string]bool{}
	var after *big.Int
	for {
		page, err := r.List(t.Context(), r.id, after, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if seen[e.Serial.String()] || e.Record.Status != ocspsvc.Good {
				t.Errorf("twice, or not good: %+v", e)
			}
			seen[e.Serial.String()] = true
		}
		after = page[len(page)-1].Serial
	}
	if len(seen) != n {
		t.Errorf("%d certificates, want %d", len(seen), n)
	}
}

func plainSQL(t *testing.T, r *room) {
	r.add(t, good(1), good(2))
	r.sql(t, "UPDATE ocsp_certificates SET status = 'revoked', revoked_at = 1772366400, reason = 'keyCompromise' WHERE serial = (SELECT serial FROM (SELECT serial FROM ocsp_certificates ORDER BY serial LIMIT 1) AS first)")
	r.expect(t, 1, revoked(1, noon, ocspsvc.KeyCompromise).Record)
	r.sql(t, "DELETE FROM ocsp_certificates WHERE status = 'good'")
	r.expectError(t, 2, responder.ErrNoRecord)
}

// nonsense is refused by the table.
func nonsense(t *testing.T, r *room) {
	r.add(t, good(1))
	for _, statement := range []string{
		"UPDATE ocsp_certificates SET revoked_at = 1772366400",
		"UPDATE ocsp_certificates SET reason = 'keyCompromise'",
		"UPDATE ocsp_certificates SET status = 'Revoked'",
		"UPDATE ocsp_certificates SET status = 'revoked', reason = 'mood'",
		"UPDATE ocsp_certificates SET status = 'revoked', reason = 'removeFromCRL'",
	} {
		if r.plain(statement) == nil {
			t.Errorf("the table takes: %s", statement)
		}
	}
	r.expect(t, 1, good(1).Record)
}

func undated(t *testing.T, r *room) {
	r.add(t, good(1))
	r.sql(t, "UPDATE ocsp_certificates SET status = 'revoked'")
	before := time.Now().Truncate(time.Second)
	first, err := r.Record(t.Context(), r.id, big.NewInt(1))
	if err != nil || first.Status != ocspsvc.Revoked || first.RevokedAt.Before(before) || first.RevokedAt.After(time.Now()) {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := certdb.Use(t.Context(), r.dsn) // another process, later
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	time.Sleep(1100 * time.Millisecond)
	if second, err := again.Record(t.Context(), r.id, big.NewInt(1)); err != nil || !second.Equal(first) {
		t.Errorf("later: %+v, %v, want %+v", second, err, first)
	}
}

func openers(t *testing.T, r *room) {
	var all sync.WaitGroup
	r.sql(t, "DROP TABLE ocsp_certificates")
	r.sql(t, "DROP TABLE ocsp_issuers")
	r.sql(t, "DROP TABLE ocsp_schema")
	for range 8 {
		all.Go(func() {
			db, err := certdb.Open(t.Context(), certdb.Config{Database: r.dsn}, []*x509.Certificate{r.issuer}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if err := db.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := db.Record(t.Context(), r.id, big.NewInt(1)); !errors.Is(err, responder.ErrNoRecord) {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func writers(t *testing.T, r *room) {
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			db, err := certdb.Use(t.Context(), r.dsn)
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			for serial := range int64(40) {
				if _, err := db.Add(t.Context(), r.issuer, good(serial), good(serial+1)); err != nil {
					t.Error(err)
				}
				if _, err := db.Revoke(t.Context(), r.issuer, big.NewInt(serial), noon, ocspsvc.Superseded); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for serial := range int64(40) {
		r.expect(t, serial, revoked(serial, noon, ocspsvc.Superseded).Record)
	}
	r.expect(t, 40, good(40).Record)
}

func contexts(t *testing.T, r *room) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Record(ctx, r.id, big.NewInt(1)); err == nil || errors.Is(err, responder.ErrNoRecord) {
		t.Errorf("a context that has ended: %v", err)
	}
}
