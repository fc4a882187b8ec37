package responder_test

import (
	"context"
	"crypto"
	"errors"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// run runs the signer until the test ends.
func (d *desk) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- d.signer.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func (d *desk) issue(n int, expires time.Time) {
	for serial := range int64(n) {
		d.records.Set(d.id(), big.NewInt(1000+serial), responder.Record{Status: ocspsvc.Good, Expires: expires})
	}
}

func TestPresignedAnswersAreReadyBeforeAnybodyAsks(t *testing.T) { synctest.Test(t, presigned) }

func presigned(t *testing.T) {
	d := newDesk(t, responder.Config{Presign: true})
	d.set(responder.Record{})
	d.issue(10, time.Now().Add(30*time.Hour))
	d.records.Set(d.id(), big.NewInt(7), responder.Record{Status: ocspsvc.Good, Expires: time.Now().Add(-time.Hour)})
	d.run(t)
	time.Sleep(time.Second)
	if got := d.signatures(t); got != 10 {
		t.Fatalf("%d signatures, want 10: one for each that has not expired", got)
	}
	for range 4 { // until they expire
		signed := d.signatures(t)
		for serial := range int64(10) {
			if got := d.askSerial(t, 1000+serial); got != "good" {
				t.Errorf("%s", got)
			}
		}
		if got := d.signatures(t); got != signed {
			t.Errorf("%d more signatures when asked", got-signed)
		}
		time.Sleep(6 * time.Hour)
	}
	if got := d.signatures(t); got != 30 { // at 0, 12 and 24 h
		t.Errorf("%d signatures in a day, want 30", got)
	}
	d.records.Set(d.id(), big.NewInt(1003), responder.Record{Status: ocspsvc.Revoked, RevokedAt: time.Now()})
	time.Sleep(3 * time.Hour)
	signed := d.signatures(t)
	if got := d.askSerial(t, 1003); got != "revoked" || d.signatures(t) != signed {
		t.Errorf("revoked: %s, %d more signatures", got, d.signatures(t)-signed)
	}
}

func TestPresigningFollowsTheFormsThatWereAskedFor(t *testing.T) { synctest.Test(t, presignedForms) }

func presignedForms(t *testing.T) {
	d := newDesk(t, responder.Config{Presign: true})
	d.run(t)
	time.Sleep(time.Second)
	d.post(t, requestDER(t, d.certID(t, crypto.SHA256)))
	if got := d.signatures(t); got != 2 {
		t.Errorf("%d signatures, want 2", got)
	}
	time.Sleep(16 * time.Hour)
	signed := d.signatures(t)
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		d.verify(t, d.post(t, requestDER(t, d.certID(t, hash))))
	}
	if d.signatures(t) != signed || signed != 4 {
		t.Errorf("%d signatures, then %d; want 4", signed, d.signatures(t))
	}
}

func TestPresigningPushesNothingOutOfTheCache(t *testing.T) { synctest.Test(t, presignedBounds) }

func presignedBounds(t *testing.T) {
	d := newDesk(t, responder.Config{Presign: true, Limits: responder.Limits{CacheEntries: 5}})
	d.ask(t)
	d.issue(20, time.Time{})
	d.run(t)
	time.Sleep(10 * time.Hour)
	if status := d.signer.Status(); status.CacheEntries != 5 || d.signatures(t) != 5 {
		t.Errorf("%+v, %d signatures", status, d.signatures(t))
	}
	if d.ask(t); d.signatures(t) != 5 {
		t.Error("what was asked for has gone")
	}
	if !strings.Contains(d.logged.String(), "left=16") {
		t.Errorf("that there is no room for 16 of 21 is not in the log:\n%s", d.logged)
	}
}

func TestPresigningWaitsForADatabaseAndLeavesTheProcessorsToOthers(t *testing.T) {
	synctest.Test(t, presignedPaced)
}

func presignedPaced(t *testing.T) {
	d := newDesk(t, responder.Config{Presign: true, Validity: time.Minute})
	made := new(atomic.Int64)
	d.keys = keysOf(d.ca.Cert, nil, slowKey{d.ca.Key, time.Millisecond, made})
	d.records.down.Store(true)
	d.open(t, responder.Config{Presign: true})
	made.Store(0)
	d.issue(1_000, time.Time{})
	d.run(t)
	time.Sleep(2 * time.Hour)
	if !strings.Contains(d.logged.String(), "listing the responder's records") || made.Load() != 0 {
		t.Errorf("%d signed; log:\n%s", made.Load(), d.logged)
	}
	d.records.down.Store(false)
	time.Sleep(time.Hour + time.Second)
	if got := made.Load(); got < 200 || got > 260 { // a millisecond of work, three of rest
		t.Errorf("%d signed in a second", got)
	}
}

// A list is old by the time its last record is signed.
func TestPresigningDoesNotUndoWhatWasReadSince(t *testing.T) { synctest.Test(t, presignedOutdated) }

func presignedOutdated(t *testing.T) {
	d := newDesk(t, responder.Config{})
	made := new(atomic.Int64)
	d.keys = keysOf(d.ca.Cert, nil, slowKey{d.ca.Key, 100 * time.Millisecond, made})
	d.issue(3, time.Time{})
	d.open(t, responder.Config{Presign: true})
	d.run(t)
	time.Sleep(50 * time.Millisecond) // the three are listed, and the first is being signed
	d.records.Set(d.id(), big.NewInt(1002), responder.Record{Status: ocspsvc.Revoked, RevokedAt: time.Now()})
	if got := d.askSerial(t, 1002); got != "revoked" {
		t.Errorf("%s", got)
	}
	time.Sleep(2 * time.Second)
	if got := d.signatures(t); got != 4 { // 1000, 1001, the leaf and what was asked for
		t.Errorf("%d signatures, want 4", got)
	}
	d.records.down.Store(true)
	if got := d.askSerial(t, 1002); got != "revoked" {
		t.Errorf("from the cache, %s", got)
	}
}

// stuckRecords list the same page whatever they are asked.
type stuckRecords struct{ *shakyRecords }

func (s stuckRecords) List(ctx context.Context, issuer responder.IssuerID, _ *big.Int, limit int) ([]responder.Entry, error) {
	return s.shakyRecords.List(ctx, issuer, nil, limit)
}

func TestPresigningDoesNotRunInCircles(t *testing.T) { synctest.Test(t, presignedCircles) }

func presignedCircles(t *testing.T) {
	d := newDesk(t, responder.Config{})
	d.openOver(t, responder.Config{Presign: true}, stuckRecords{d.records})
	d.run(t)
	time.Sleep(time.Minute)
	if got := strings.Count(d.logged.String(), "does not go on"); got != 1 || d.signatures(t) != 1 {
		t.Errorf("%d complaints, %d signatures\n%s", got, d.signatures(t), d.logged)
	}
}

func TestPresignNeedsRecordsThatCanBeListed(t *testing.T) {
	d := newDesk(t, responder.Config{})
	if _, err := responder.NewSigner(responder.Config{Presign: true}, d.keys, brokenRecords{}, nil); err == nil || !strings.Contains(err.Error(), "presign") {
		t.Errorf("error = %v", err)
	}
}

// watchedRecords tell of changes, and whether they are there.
type watchedRecords struct {
	*shakyRecords
	changes chan *big.Int
	watched atomic.Int64
	issuer  responder.IssuerID
}

func (w *watchedRecords) Watch(ctx context.Context, changed func(responder.IssuerID, *big.Int)) error {
	w.watched.Add(1)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case serial, ok := <-w.changes:
			if !ok {
				return errors.New("connection lost")
			}
			changed(responder.IssuerID{}, serial) // somebody else's
			changed(w.issuer, serial)
		}
	}
}

func (w *watchedRecords) Ping(ctx context.Context) error {
	if w.down.Load() {
		return errNoDatabase
	}
	return ctx.Err()
}

func TestChangesThatAreToldAreInTheAnswersAtOnce(t *testing.T) { synctest.Test(t, watchedChanges) }

func watchedChanges(t *testing.T) {
	d := newDesk(t, responder.Config{})
	w := &watchedRecords{shakyRecords: d.records, changes: make(chan *big.Int), issuer: d.id()}
	d.openOver(t, responder.Config{}, w)
	d.run(t)
	for _, told := range []*big.Int{d.leaf.Cert.SerialNumber, nil} {
		d.set(responder.Record{Status: ocspsvc.Good})
		time.Sleep(time.Second)
		if got := d.ask(t); got != "good" {
			t.Fatal(got)
		}
		time.Sleep(time.Millisecond)
		d.revoke(time.Now())
		if got := d.ask(t); got != "good" {
			t.Errorf("not told yet, %s", got)
		}
		w.changes <- told
		synctest.Wait()
		if got := d.ask(t); got != "revoked" {
			t.Errorf("told of %v, %s", told, got)
		}
	}
	close(w.changes) // it is watched again, and again
	time.Sleep(time.Minute)
	if n := w.watched.Load(); n < 2 || n > 20 {
		t.Errorf("watched %d times in a minute", n)
	}
}

func TestReadinessIsKnownBeforeAnybodyAsks(t *testing.T) { synctest.Test(t, pinged) }

func pinged(t *testing.T) {
	d := newDesk(t, responder.Config{})
	w := &watchedRecords{shakyRecords: d.records, issuer: d.id()}
	w.down.Store(true)
	d.openOver(t, responder.Config{}, w)
	d.run(t)
	synctest.Wait()
	if d.signer.Ready() == nil {
		t.Error("ready without a database")
	}
	w.down.Store(false)
	time.Sleep(6 * time.Second)
	if err := d.signer.Ready(); err != nil {
		t.Error(err)
	}
}

func TestSignersThatEndAreWarnedOfEarlyAndOnceADay(t *testing.T) { synctest.Test(t, signerEnds) }

func signerEnds(t *testing.T) {
	d := newDesk(t, responder.Config{})
	delegate := d.ca.Delegate(t, ocsptest.Validity(0, 30*24*time.Hour))
	d.keys = keysOf(d.ca.Cert, delegate.Cert, delegate.Key)
	d.open(t, responder.Config{})
	d.run(t)
	for _, want := range []struct {
		day          int
		warns, fails int
		state        string
	}{{19, 0, 0, "valid"}, {21, 1, 0, "ending"}, {29, 9, 0, "ending"}, {31, 10, 2, "ended"}, {33, 10, 4, "ended"}} {
		time.Sleep(time.Until(delegate.Cert.NotBefore.Add(time.Duration(want.day)*24*time.Hour + time.Minute)))
		log := d.logged.String()
		warns, fails := strings.Count(log, "ends soon"), strings.Count(log, "has ended")
		if warns != want.warns || fails != want.fails || d.signer.Status().Signers[0].State != want.state {
			t.Errorf("day %d: %d warnings, %d errors, state %s; want %v", want.day, warns, fails, d.signer.Status().Signers[0].State, want)
		}
	}
}

func TestMetricsOfCAsWithTheSameNameAreTheirOwn(t *testing.T) {
	d := newDesk(t, responder.Config{})
	twin := d.ca.Twin(t)
	d.keys.Authorities = append(d.keys.Authorities, responder.Authority{Issuer: twin.Cert, Key: twin.Key})
	d.open(t, responder.Config{})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(d.signer.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "dwaar_ocsp_responder_signer_expiry_seconds" && len(family.GetMetric()) != 2 {
			t.Errorf("%v", family)
		}
	}
}
