package responder_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

func TestCachedAnswersSignNothing(t *testing.T) {
	d := newDesk(t, responder.Config{})
	made := new(atomic.Int64)
	d.keys = keysOf(d.ca.Cert, nil, slowKey{Signer: d.ca.Key, made: made})
	d.open(t, responder.Config{})
	made.Store(0)
	der := requestDER(t, d.certID(t, crypto.SHA1))
	first := d.do(http.MethodPost, "/", der, nil).Body.String()
	for range 1000 {
		if d.do(http.MethodPost, "/", der, nil).Body.String() != first {
			t.Fatal("another answer")
		}
	}
	if made.Load() != 1 || d.signatures(t) != 1 || d.count(t, "cache_hits_total") != 1000 {
		t.Errorf("%d signatures, %d counted, %d hits", made.Load(), d.signatures(t), d.count(t, "cache_hits_total"))
	}
	if got := d.count(t, "answers_total", "good"); got != 1001 {
		t.Errorf("%d answers counted as good, want 1001", got)
	}
}

func TestEachHashHasItsOwnAnswer(t *testing.T) {
	d := newDesk(t, responder.Config{})
	for range 3 {
		for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
			response := d.post(t, requestDER(t, d.certID(t, hash)))
			if got := response.Singles[0].CertID.Hash; got != hash {
				t.Errorf("asked by %v, answered by %v", hash, got)
			}
		}
	}
	if got := d.signatures(t); got != 4 {
		t.Errorf("%d signatures, want 4", got)
	}
}

func TestTwoCAsWithTheSameSerialHaveTheirOwnAnswers(t *testing.T) {
	d, other := newDesk(t, responder.Config{}), ocsptest.NewCA(t, ocsptest.Name("other"))
	leaf := other.Leaf(t, ocsptest.Modify(func(c *x509.Certificate) { c.SerialNumber = d.leaf.Cert.SerialNumber }))
	d.keys.Authorities = append(d.keys.Authorities, responder.Authority{Issuer: other.Cert, Key: other.Key})
	d.open(t, responder.Config{})
	d.records.Set(responder.IssuerIDOf(other.Cert), leaf.Cert.SerialNumber, responder.Record{Status: ocspsvc.Revoked, RevokedAt: time.Now()})
	theirs, err := ocspsvc.NewCertID(leaf.Cert, other.Cert, crypto.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	ours := d.certID(t, crypto.SHA1)
	for range 2 {
		if got := d.ask(t); got != "good" {
			t.Errorf("ours is %s", got)
		}
		response := d.post(t, requestDER(t, theirs))
		verdict, err := ocspsvc.Verify(response, leaf.Cert, other.Cert, time.Now(), ocspsvc.VerifyOptions{})
		if err != nil || verdict.Status != ocspsvc.Revoked {
			t.Errorf("theirs is %v, %v", verdict.Status, err)
		}
	}
	if got := word(d.post(t, requestDER(t, ours, theirs))); got != "unauthorized" {
		t.Errorf("both at once get %s: one signer cannot answer for two CAs", got)
	}
}

func TestARevocationIsInTheAnswersWithinASecond(t *testing.T) {
	synctest.Test(t, revocationWithinASecond)
}

func revocationWithinASecond(t *testing.T) {
	d := newDesk(t, responder.Config{})
	asked := func() string {
		by256 := word(d.post(t, requestDER(t, d.certID(t, crypto.SHA256))))
		return d.ask(t) + " " + by256 + " " + word(d.post(t, marshalRequest(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{d.certID(t, crypto.SHA1)}, Nonce: make([]byte, 16)})))
	}
	for i := range 100 {
		d.set(responder.Record{Status: ocspsvc.Good})
		time.Sleep(time.Duration(i)*37*time.Millisecond + time.Second)
		if got := asked(); got != "good good good" {
			t.Fatalf("valid again, %s", got)
		}
		time.Sleep(time.Duration(i%10) * 100 * time.Millisecond)
		d.revoke(time.Now())
		time.Sleep(time.Second)
		if got := asked(); got != "revoked revoked revoked" {
			t.Fatalf("revoked a second ago, %s", got)
		}
	}
}

// A signature may take longer than a record is trusted: what was read before the
// revocation is then neither waited for nor kept.
func TestASlowSignatureDoesNotOutliveItsRecord(t *testing.T) { synctest.Test(t, slowSignature) }

func slowSignature(t *testing.T) {
	d := newDesk(t, responder.Config{})
	made := new(atomic.Int64)
	d.keys = keysOf(d.ca.Cert, nil, slowKey{d.ca.Key, 1500 * time.Millisecond, made})
	d.open(t, responder.Config{})
	var asking sync.WaitGroup
	ask := func(want string) {
		asking.Go(func() {
			if got := d.ask(t); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
	ask("good")
	time.Sleep(100 * time.Millisecond)
	d.revoke(time.Now())
	time.Sleep(1100 * time.Millisecond)
	ask("revoked")                     // while the first is being signed
	time.Sleep(400 * time.Millisecond) // it is
	ask("revoked")
	asking.Wait()
	ask("revoked")
	asking.Wait()
}

func TestOneReadingServesManyAskersForASecond(t *testing.T) { synctest.Test(t, oneReading) }

func oneReading(t *testing.T) {
	d := newDesk(t, responder.Config{})
	d.records.delay.Store(int64(10 * time.Millisecond))
	for round := range 3 {
		d.askMany(t, 100, "good")
		d.askMany(t, 100, "good")
		if got := d.records.reads.Load(); got != int64(round+1) {
			t.Errorf("%d readings after %d s, want %d", got, round, round+1)
		}
		time.Sleep(time.Second)
	}
	if got := d.signatures(t); got != 1 {
		t.Errorf("%d signatures, want 1", got)
	}
}

// askMany asks about the leaf, all at the same time.
func (d *desk) askMany(t *testing.T, n int, want string) {
	t.Helper()
	var asking sync.WaitGroup
	for range n {
		asking.Go(func() {
			if got := d.ask(t); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
	asking.Wait()
}

func TestOneSigningServesManyAskers(t *testing.T) { synctest.Test(t, oneSigning) }

func oneSigning(t *testing.T) {
	d := newDesk(t, responder.Config{})
	made := new(atomic.Int64)
	d.keys = keysOf(d.ca.Cert, nil, slowKey{d.ca.Key, 100 * time.Millisecond, made})
	d.open(t, responder.Config{Limits: responder.Limits{Queue: 1}})
	made.Store(0)
	d.askMany(t, 200, "good")
	d.set(responder.Record{}) // and for a serial that was never issued
	time.Sleep(time.Second)
	d.askMany(t, 200, "unknown")
	if made.Load() != 2 {
		t.Errorf("%d signatures, want 2", made.Load())
	}
}

func TestWhoLeavesDoesNotTakeTheAnswerFromTheOthers(t *testing.T) { synctest.Test(t, whoLeaves) }

func whoLeaves(t *testing.T) {
	d := newDesk(t, responder.Config{})
	d.records.delay.Store(int64(100 * time.Millisecond))
	made := new(atomic.Int64)
	d.keys = keysOf(d.ca.Cert, nil, slowKey{d.ca.Key, 100 * time.Millisecond, made})
	d.open(t, responder.Config{})
	ctx, leave := context.WithCancel(t.Context())
	req, err := ocspsvc.ParseRequest(requestDER(t, d.certID(t, crypto.SHA1)))
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error)
	go func() { _, err := d.signer.Respond(ctx, req); left <- err }()
	time.Sleep(time.Millisecond)
	var staying sync.WaitGroup
	staying.Go(func() { d.askMany(t, 3, "good") })
	time.Sleep(50 * time.Millisecond)
	begun := time.Now()
	leave()
	if err := <-left; err == nil || time.Since(begun) > 0 {
		t.Errorf("who left got %v after %v", err, time.Since(begun))
	}
	staying.Wait()
	if made.Load() != 2 { // and one by NewSigner
		t.Errorf("%d signatures, want 1", made.Load()-1)
	}
}

func TestWithoutItsDatabaseItServesWhatIsStillValid(t *testing.T) { synctest.Test(t, withoutDatabase) }

func withoutDatabase(t *testing.T) {
	d := newDesk(t, responder.Config{})
	if got := d.ask(t); got != "good" {
		t.Fatal(got)
	}
	if err := d.signer.Ready(); err != nil {
		t.Error(err)
	}
	d.records.down.Store(true)
	time.Sleep(24*time.Hour - time.Second)
	if got := d.ask(t); got != "good" {
		t.Errorf("an answer that is still valid: %s", got)
	}
	withNonce := marshalRequest(t, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{d.certID(t, crypto.SHA1)}, Nonce: make([]byte, 16)})
	if response := d.post(t, withNonce); word(response) != "good" || response.Nonce != nil {
		t.Errorf("with a nonce: %s, nonce %x; want the answer without", word(response), response.Nonce)
	}
	if got := d.askSerial(t, 5); got != "tryLater" {
		t.Errorf("what is not in the cache: %s", got)
	}
	if err := d.signer.Ready(); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("ready: %v", err)
	}
	if status := d.signer.Status(); status.Ready || !strings.Contains(status.Database, "connection refused") {
		t.Errorf("status %+v", status)
	}
	if d.count(t, "database_up") != 0 {
		t.Error("the metric says that the database is up")
	}
	time.Sleep(time.Second)
	if got := d.ask(t); got != "tryLater" {
		t.Errorf("at nextUpdate: %s", got)
	}
	d.records.down.Store(false)
	time.Sleep(time.Second)
	if got := d.ask(t); got != "good" || d.signer.Ready() != nil || d.count(t, "database_up") != 1 {
		t.Errorf("the database is back: %s, %v", got, d.signer.Ready())
	}
	if log := d.logged.String(); strings.Count(log, "cannot be read") != 1 || strings.Count(log, "can be read again") != 1 {
		t.Errorf("each change is logged once, not\n%s", log)
	}
}

func TestADatabaseThatComesAndGoesDoesNotFloodTheLog(t *testing.T) {
	synctest.Test(t, flappingDatabase)
}

func flappingDatabase(t *testing.T) {
	d := newDesk(t, responder.Config{})
	for i := range 120 {
		d.records.down.Store(i%2 == 0)
		time.Sleep(time.Second)
		d.ask(t)
	}
	if log := d.logged.String(); strings.Count(log, "cannot be read") > 15 || strings.Count(log, "cannot be read") != strings.Count(log, "can be read again") {
		t.Errorf("in two minutes\n%s", log)
	}
	d.records.down.Store(true)
	for range 20 {
		time.Sleep(time.Second)
		d.ask(t)
	}
	if log := d.logged.String(); strings.Count(log, "cannot be read") != strings.Count(log, "can be read again")+1 {
		t.Errorf("it stays down, and that is not in the log\n%s", log)
	}
}

func TestADatabaseThatHangsHoldsUpNobodyForLong(t *testing.T) { synctest.Test(t, hangingDatabase) }

func hangingDatabase(t *testing.T) {
	d := newDesk(t, responder.Config{})
	d.ask(t)
	d.records.hangs.Store(true)
	time.Sleep(time.Second)
	begun, slow := time.Now(), 0
	for time.Since(begun) < 10*time.Minute {
		asked := time.Now()
		if got := d.ask(t); got != "good" {
			t.Fatal(got)
		}
		if took := time.Since(asked); took > 2*time.Second {
			t.Fatalf("took %v", took)
		} else if took > 0 {
			slow++
		}
		time.Sleep(10 * time.Millisecond)
	}
	if slow > 10*60/3+1 { // one of those who ask tries, for two seconds, and then nobody for one
		t.Errorf("%d askers were held up in ten minutes", slow)
	}
	time.Sleep(time.Second)
	before := d.records.reads.Load()
	var asking sync.WaitGroup
	for serial := range int64(50) {
		asking.Go(func() {
			if got := d.askSerial(t, 1000+serial); got != "tryLater" {
				t.Errorf("%s", got)
			}
		})
	}
	asking.Wait()
	if got := d.records.reads.Load() - before; got != 1 {
		t.Errorf("%d of 50 try a database that hangs, want 1", got)
	}
}

func TestARecordIsTrustedFromWhenItsReadingBegan(t *testing.T) { synctest.Test(t, trustedSince) }

func trustedSince(t *testing.T) {
	d := newDesk(t, responder.Config{})
	d.records.delay.Store(int64(500 * time.Millisecond))
	if got := d.ask(t); got != "good" {
		t.Error(got)
	}
	d.revoke(time.Now())
	time.Sleep(500 * time.Millisecond)
	if got := d.ask(t); got != "revoked" {
		t.Errorf("revoked half a second ago, after a reading that began a second ago: %s", got)
	}
}

func TestABadRecordIsAnInternalErrorAndLeavesNothingInTheCache(t *testing.T) {
	synctest.Test(t, badRecord)
}

func badRecord(t *testing.T) {
	d := newDesk(t, responder.Config{})
	for range 2 {
		if got := d.ask(t); got != "good" {
			t.Error(got)
		}
		d.records.bad.Store(true)
		time.Sleep(time.Second)
		if got := d.ask(t); got != "internalError" || d.signer.Ready() != nil {
			t.Errorf("%s, ready: %v; want internalError of a database that is in order", got, d.signer.Ready())
		}
		d.records.bad.Store(false)
		d.records.down.Store(true)
		if got := d.ask(t); got != "tryLater" {
			t.Errorf("then without a database: %s", got)
		}
		d.records.down.Store(false)
		time.Sleep(2 * time.Second)
	}
}

func TestAFullQueueIsTryLaterAtOnceAndCachedAnswersNeedNone(t *testing.T) {
	synctest.Test(t, fullQueue)
}

func fullQueue(t *testing.T) {
	d := newDesk(t, responder.Config{})
	made := new(atomic.Int64)
	d.keys = keysOf(d.ca.Cert, nil, slowKey{d.ca.Key, time.Second / 2, made})
	d.open(t, responder.Config{Limits: responder.Limits{Queue: 4}})
	for serial := range int64(500) {
		d.records.Set(d.id(), big.NewInt(1000+serial), responder.Record{Status: ocspsvc.Good})
	}
	d.ask(t)
	var shed, good atomic.Int64
	var asking sync.WaitGroup
	begun := time.Now()
	for serial := range int64(500) {
		asking.Go(func() {
			switch got := d.askSerial(t, 1000+serial); got {
			case "good":
				good.Add(1)
			case "tryLater":
				shed.Add(1)
				if took := time.Since(begun); took > 0 {
					t.Errorf("tryLater after %v", took)
				}
			default:
				t.Errorf("%s", got)
			}
		})
	}
	synctest.Wait()
	if got := d.ask(t); got != "good" || time.Since(begun) > 0 {
		t.Errorf("from the cache: %s after %v", got, time.Since(begun))
	}
	asking.Wait()
	if good.Load() < 5 || shed.Load() < 400 || good.Load()+shed.Load() != 500 || d.count(t, "shed_total", "queue") != int(shed.Load()) {
		t.Errorf("%d good, %d shed, %d counted", good.Load(), shed.Load(), d.count(t, "shed_total", "queue"))
	}
}

func TestADueAnswerIsServedWhileItsSuccessorIsMade(t *testing.T) { synctest.Test(t, dueAnswer) }

func dueAnswer(t *testing.T) {
	d := newDesk(t, responder.Config{})
	made := new(atomic.Int64)
	d.keys = keysOf(d.ca.Cert, nil, slowKey{d.ca.Key, time.Second, made})
	d.open(t, responder.Config{Limits: responder.Limits{Queue: 1}})
	d.ask(t)
	time.Sleep(13 * time.Hour)
	begun := time.Now()
	var fast atomic.Int64
	var asking sync.WaitGroup
	for range 100 {
		asking.Go(func() {
			if got := d.ask(t); got != "good" {
				t.Errorf("%s", got)
			}
			if time.Since(begun) == 0 {
				fast.Add(1)
			}
		})
	}
	asking.Wait()
	if fast.Load() != 99 || d.signatures(t) != 2 {
		t.Errorf("%d of 100 did not wait, %d signatures; want 99 and 2", fast.Load(), d.signatures(t))
	}
}

func TestSerialsThatWereNeverIssuedCostNoSignatureAndNoMemory(t *testing.T) {
	d := newDesk(t, responder.Config{Unissued: responder.UnissuedUnauthorized})
	d.ask(t)
	before := d.signer.Status()
	for serial := range int64(2000) {
		if got := d.askSerial(t, 10+serial); got != "unauthorized" {
			t.Fatal(got)
		}
	}
	if after := d.signer.Status(); after.CacheBytes != before.CacheBytes || after.CacheEntries != 1 || d.signatures(t) != 1 {
		t.Errorf("before %+v, after %+v, %d signatures", before, after, d.signatures(t))
	}
}

func TestSignedAnswersAboutTheUnissuedHaveARate(t *testing.T) { synctest.Test(t, unissuedRate) }

func unissuedRate(t *testing.T) {
	for _, policy := range []responder.UnissuedPolicy{responder.UnissuedUnknown, responder.UnissuedRevoked} {
		d := newDesk(t, responder.Config{Unissued: policy, Limits: responder.Limits{UnissuedRate: 10}})
		for second := range 3 {
			words := map[string]int{}
			for serial := range int64(50) {
				words[d.askSerial(t, 10+serial)]++
			}
			if words[string(policy)] != 10 || words["tryLater"] != 40 {
				t.Errorf("%s, second %d: %v", policy, second, words)
			}
			if got := d.ask(t); got != "good" {
				t.Errorf("meanwhile the leaf is %s", got)
			}
			time.Sleep(time.Second)
		}
		if status := d.signer.Status(); status.CacheEntries != 1 || d.count(t, "shed_total", "unissued_rate") != 120 {
			t.Errorf("%+v, %d shed", status, d.count(t, "shed_total", "unissued_rate"))
		}
	}
}

func TestTheCacheIsBoundedByEntriesAndBytes(t *testing.T) {
	for _, test := range []struct {
		limits  responder.Limits
		entries int
	}{
		{responder.Limits{CacheEntries: 10}, 10},
		{responder.Limits{CacheBytes: 20_000}, 16},
		{responder.Limits{}, 200},
	} {
		d := newDesk(t, responder.Config{Limits: test.limits})
		for serial := range int64(200) {
			d.records.Set(d.id(), big.NewInt(10+serial), responder.Record{Status: ocspsvc.Good})
			if got := d.askSerial(t, 10+serial); got != "good" {
				t.Fatal(got)
			}
			if status := d.signer.Status(); test.limits.CacheBytes > 0 && status.CacheBytes > test.limits.CacheBytes {
				t.Fatalf("%+v", status)
			}
		}
		if got := d.signer.Status().CacheEntries; got > test.entries || got < test.entries/2 {
			t.Errorf("%+v: %d entries, want %d", test.limits, got, test.entries)
		}
		before := d.signatures(t)
		d.askSerial(t, 209)
		if d.signatures(t) != before {
			t.Errorf("%+v: the last one has gone, not the oldest", test.limits)
		}
	}
}

func TestNothingOutlivesItsSigner(t *testing.T) { synctest.Test(t, outlivesSigner) }

func outlivesSigner(t *testing.T) {
	d := newDesk(t, responder.Config{})
	delegate := d.ca.Delegate(t, ocsptest.Validity(-time.Hour, 30*time.Hour))
	d.keys = keysOf(d.ca.Cert, delegate.Cert, delegate.Key)
	d.open(t, responder.Config{})
	time.Sleep(7 * time.Hour)
	response := d.post(t, requestDER(t, d.certID(t, crypto.SHA1)))
	if next := response.Singles[0].NextUpdate; next.After(delegate.Cert.NotAfter) {
		t.Errorf("nextUpdate %v outlives the signer, who ends %v", next, delegate.Cert.NotAfter)
	}
	time.Sleep(23 * time.Hour)
	if got := d.ask(t); got != "tryLater" {
		t.Errorf("the signer's certificate has ended: %s", got)
	}
	if err := d.signer.Ready(); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("ready: %v", err)
	}
}
