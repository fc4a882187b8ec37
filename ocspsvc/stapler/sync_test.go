package stapler_test

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/respstore"
	"dwaar/ocspsvc/stapler"
)

func TestARenewedLeafGetsItsOwnStapleAtOnceAndNeverTheOldOne(t *testing.T) { // S5
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{Pace: time.Minute}, plain()(t))
		b.catalog.put(several(t, b.ca, 50, url1)...) // a backlog of due certificates
		b.run()
		time.Sleep(5 * time.Minute)
		renewed := plain(ocsptest.WithKey(leaves[0].Key))(t)(b.ca) // same name, same key
		b.catalog.remove(leaves[0])
		b.catalog.put(renewed)
		b.service.Sync()
		time.Sleep(61 * time.Second)
		b.wantState("renewed", renewed, stapler.Fresh, ocspsvc.ReasonGood)
		if got := b.service.Status(leaves[0].Fingerprint()); got.State != stapler.None || got.Reason != ocspsvc.ReasonPending {
			t.Errorf("the old leaf is still known: %+v", got)
		}
		n := b.one.CountFor(leaves[0])
		time.Sleep(2 * day)
		if b.one.CountFor(leaves[0]) != n {
			t.Error("the old leaf is still asked for")
		}
	})
}

func TestSyncKeepsWhatStayedAndAttachesItAgain(t *testing.T) { // S6
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t), plain()(t))
		b.one.SetFor(leaves[1], ocsptest.Revoked)
		b.run()
		time.Sleep(2 * time.Second)
		n, status := b.network.count(), b.status(leaves[0])
		b.catalog.detachAll() // as a catalog that was built anew
		for range 50 {
			b.service.Sync()
		}
		synctest.Wait()
		if b.network.count() != n || b.status(leaves[0]) != status {
			t.Error("Sync forgot the state of a certificate that stayed")
		}
		b.wantState("good", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		if !b.catalog.isRevoked(leaves[1]) {
			t.Error("the new catalog was not told who is revoked")
		}
	})
}

func TestALeafThatComesBackIsServedFromStorage(t *testing.T) { // S1
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.run()
		synctest.Wait()
		b.catalog.remove(leaves[0])
		b.service.Sync()
		b.network.set("one.example", down)
		time.Sleep(time.Hour)
		b.catalog.put(leaves[0])
		b.service.Sync()
		synctest.Wait()
		b.wantState("back", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		if certs, lanes, _, _ := b.service.Sizes(); certs != 1 || lanes != 1 {
			t.Errorf("%d certificates in %d lanes", certs, lanes)
		}
	})
}

func TestWhatCannotBeStapledIsSilentAndSaysWhy(t *testing.T) { // S12
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{})
		key := ocsptest.NewKey(t, ocsptest.P256)
		for name, c := range map[string]struct {
			leaf     *ocsptest.Leaf
			chain    [][]byte
			disabled bool
			reason   ocspsvc.Reason
		}{
			"no responder": {leaf: b.ca.Leaf(t, ocsptest.WithKey(key)), reason: ocspsvc.ReasonNoResponder},
			"no responder and no issuer": {
				leaf: b.ca.Leaf(t, ocsptest.CAIssuers("http://certs.example/")), chain: [][]byte{}, reason: ocspsvc.ReasonNoResponder,
			},
			"noRevAvail":  {leaf: b.ca.Leaf(t, ocsptest.OCSP(url1), ocsptest.NoRevAvail()), reason: ocspsvc.ReasonNoResponder},
			"self-signed": {leaf: ocsptest.SelfSigned(t, ocsptest.OCSP(url1)), reason: ocspsvc.ReasonSelfSigned},
			"no issuer":   {leaf: b.ca.Leaf(t, ocsptest.OCSP(url1)), chain: [][]byte{}, reason: ocspsvc.ReasonNoIssuer},
			"ocsp off":    {leaf: b.ca.Leaf(t, ocsptest.OCSP(url1)), disabled: true, reason: ocspsvc.ReasonDisabled},
		} {
			chain := c.leaf.ChainDER()
			if c.chain != nil {
				chain = chain[:1]
			}
			b.catalog.set(stapler.Certificate{Fingerprint: c.leaf.Fingerprint(), Chain: chain, Disabled: c.disabled, Manual: true})
			b.restart()
			if err := b.service.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.service.Prime(t.Context())
			b.run()
			time.Sleep(2 * day)
			if err := b.service.Reconfigure(stapler.Config{}, b.network); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			b.wantState(name, c.leaf, stapler.None, c.reason)
			if got := b.status(c.leaf); !got.NextTry.IsZero() || (got.LastError != "") != (c.reason == ocspsvc.ReasonNoIssuer) {
				t.Errorf("%s: next try at %v, last error %q", name, got.NextTry, got.LastError)
			}
			if b.book.Loud() > 0 || b.network.count() > 0 {
				t.Errorf("%s: %d loud lines, %d requests, want neither", name, b.book.Loud(), b.network.count())
			}
			if len(b.book.Find(slog.LevelDebug, "not stapled")) == 0 {
				t.Errorf("%s: no debug line", name)
			}
			b.catalog.remove(c.leaf)
		}
	})
}

func TestAnIssuerThatIsAddedToTheChainEndsTheSilence(t *testing.T) { // S7, S12
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		info := stapler.Certificate{Fingerprint: leaves[0].Fingerprint(), Chain: leaves[0].ChainDER()[:1]}
		b.catalog.set(info)
		b.run()
		time.Sleep(time.Hour)
		b.wantState("leaf alone", leaves[0], stapler.None, ocspsvc.ReasonNoIssuer)
		b.catalog.put(leaves[0])
		b.service.Sync()
		synctest.Wait()
		b.wantState("with its issuer", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
	})
}

func TestOCSPCanBeTurnedOffAndOnAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t), plain()(t))
		b.one.SetFor(leaves[1], ocsptest.Revoked)
		b.run()
		time.Sleep(2 * time.Second)
		set := func(off bool) {
			for _, l := range leaves {
				b.catalog.set(stapler.Certificate{Fingerprint: l.Fingerprint(), Chain: l.ChainDER(), Disabled: off})
			}
			b.service.Sync()
			synctest.Wait()
		}
		set(true)
		b.wantState("off", leaves[0], stapler.None, ocspsvc.ReasonDisabled)
		if b.catalog.staple(leaves[0]) != nil || b.catalog.isRevoked(leaves[1]) {
			t.Error("off, and yet stapled or refused")
		}
		n := b.network.count()
		time.Sleep(3 * day)
		if b.network.count() != n {
			t.Error("asked for while off")
		}
		if b.book.Loud() != 1 {
			t.Errorf("%d loud lines, want only the revocation", b.book.Loud())
		}
		b.network.set("one.example", down)
		set(false)
		b.wantState("on again", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		if !b.catalog.isRevoked(leaves[1]) {
			t.Error("the revocation was forgotten")
		}
	})
}

func TestTurningOCSPOffDuringARoundSticks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.one.Change(func(s *ocsptest.Settings) { s.Delay = 5 * time.Second })
		b.run()
		time.Sleep(time.Second)
		b.catalog.set(stapler.Certificate{Fingerprint: leaves[0].Fingerprint(), Chain: leaves[0].ChainDER(), Disabled: true})
		b.service.Sync()
		time.Sleep(3 * day)
		b.wantState("off", leaves[0], stapler.None, ocspsvc.ReasonDisabled)
		if b.network.count() != 1 || b.catalog.staple(leaves[0]) != nil {
			t.Errorf("%d requests, staple %v", b.network.count(), b.catalog.staple(leaves[0]))
		}
	})
}

func TestALeafThatIsGoneBeforeItsRoundEndsIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, fault := range []ocsptest.Fault{ocsptest.Good, ocsptest.HTTP500, ocsptest.Revoked} {
			b, leaves := setUp(t, stapler.Config{}, plain()(t))
			b.one.Set(fault)
			b.one.Change(func(s *ocsptest.Settings) { s.Delay = 5 * time.Second })
			b.run()
			time.Sleep(time.Second)
			b.catalog.remove(leaves[0])
			b.service.Sync()
			time.Sleep(day)
			if certs, lanes, waiting, watched := b.service.Sizes(); certs+lanes+waiting+watched != 0 {
				t.Errorf("%s: %d certificates, %d lanes, %d waiting, %d watched are left", fault, certs, lanes, waiting, watched)
			}
			if _, left := b.store.Get(leaves[0].Fingerprint()); left {
				t.Errorf("%s: its response is left in memory", fault)
			}
			if got := b.catalog.history(); len(got) > 0 || b.catalog.staple(leaves[0]) != nil {
				t.Errorf("%s: the catalog heard %q about a leaf that is gone", fault, got)
			}
			b.stop()
		}
	})
}

func TestACatalogThatMixesUpFingerprintsGetsNoStaple(t *testing.T) { // S5
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t), plain()(t))
		b.catalog.set(stapler.Certificate{Fingerprint: leaves[0].Fingerprint(), Chain: leaves[1].ChainDER()})
		b.catalog.set(stapler.Certificate{Fingerprint: sha256.Sum256(nil)})
		junk := []byte("not a certificate")
		b.catalog.set(stapler.Certificate{Fingerprint: sha256.Sum256(junk), Chain: [][]byte{junk}})
		b.run()
		time.Sleep(time.Hour)
		if b.catalog.staple(leaves[0]) != nil || b.one.CountFor(leaves[0]) > 0 {
			t.Error("a staple went to a fingerprint that is not the leaf's")
		}
		b.wantState("the other", leaves[1], stapler.Fresh, ocspsvc.ReasonGood)
		if got := b.service.Status(sha256.Sum256(junk)); got.Reason != ocspsvc.ReasonMalformed || got.LastError == "" {
			t.Errorf("junk: %+v", got)
		}
		if len(b.book.Find(slog.LevelError, "fingerprint")) == 0 {
			t.Error("nobody was told")
		}
	})
}

func TestPrimeStaplesTheFirstHandshakeOfAColdStart(t *testing.T) { // S1, S2
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{})
		slow, hung := ocsptest.NewResponder(t, b.ca), ocsptest.NewResponder(t, b.ca)
		slow.Change(func(s *ocsptest.Settings) { s.Delay = 100 * time.Millisecond })
		hung.Set(ocsptest.Hang)
		b.network.set("two.example", slow)
		b.network.set("hung.example", hung)
		fast, slowly, never := several(t, b.ca, 100, url1), several(t, b.ca, 60, url2), several(t, b.ca, 100, "http://hung.example/")
		b.catalog.put(fast...)
		b.catalog.put(slowly...)
		b.catalog.put(never...)
		onDemand := plain()(t)(b.ca)
		b.catalog.set(stapler.Certificate{Fingerprint: onDemand.Fingerprint(), Chain: onDemand.ChainDER()})
		if err := b.service.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		b.service.Prime(t.Context())
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("took %v, want 2 s at most", took)
		}
		if b.catalog.serving(fast) != 100 || b.catalog.serving(slowly) != 60 {
			t.Errorf("%d of 100 and %d of 60 are stapled", b.catalog.serving(fast), b.catalog.serving(slowly))
		}
		if b.catalog.serves(onDemand) {
			t.Error("Prime asked for one that is not manual")
		}
		if b.book.Loud() > 0 {
			t.Error("what was given up was reported as a failure")
		}
		b.wantState("given up", never[0], stapler.None, ocspsvc.ReasonPending)

		hung.Set(ocsptest.Good)
		b.run()
		time.Sleep(101 * time.Second)
		if n := b.catalog.serving(never); n != 100 {
			t.Errorf("Run stapled %d of the 100 that Prime gave up", n)
		}
		n := b.network.count()
		b.service.Prime(t.Context())
		if b.network.count() != n {
			t.Error("a warm start asked somebody")
		}
	})
}

func TestPrimeWaitsForTheRoundsThatRunHasBegun(t *testing.T) { // a site that a reload adds comes stapled
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{})
		b.one.Change(func(s *ocsptest.Settings) { s.Delay = 100 * time.Millisecond })
		b.run()
		added := plain()(t)(b.ca)
		b.catalog.put(added)
		b.service.Sync()
		synctest.Wait() // Run is asking
		b.service.Prime(t.Context())
		if !b.catalog.serves(added) {
			t.Error("Prime returned before the staple was there")
		}
		if n := b.one.Count(); n != 1 {
			t.Errorf("%d requests for one certificate", n)
		}
	})
}

func TestPrimeDoesNotWaitForNothingNorWhereItMustNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idle, _ := setUp(t, stapler.Config{})
		hasty, _ := setUp(t, stapler.Config{StartWait: -1}, plain()(t))
		if err := hasty.service.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		idle.service.Prime(t.Context())
		hasty.service.Prime(t.Context())
		if time.Since(start) > 0 || hasty.network.count() > 0 {
			t.Error("waited, or asked")
		}
	})
}

func TestRefreshAsksNowWhateverTheScheduleSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t), plain()(t))
		leaf := leaves[0]
		b.network.set("one.example", down)
		b.run()
		time.Sleep(5 * time.Hour) // deep in the back-off
		b.network.set("one.example", b.one)
		status, err := b.service.Refresh(t.Context(), leaf.Fingerprint())
		if err != nil || status.State != stapler.Fresh || status.Responder != url1 {
			t.Errorf("status = %+v, %v", status, err)
		}
		synctest.Wait()
		b.wantState("the other, freed by that success", leaves[1], stapler.Fresh, ocspsvc.ReasonGood)

		b.one.Set(ocsptest.Garbage)
		if status, err := b.service.Refresh(t.Context(), leaf.Fingerprint()); ocspsvc.ReasonOf(err) != ocspsvc.ReasonMalformed ||
			status.State != stapler.Fresh || status.LastError != err.Error() {
			t.Errorf("a failure: %+v, %v", status, err)
		}
		if _, err := b.service.Refresh(t.Context(), [32]byte{1}); err != stapler.ErrNotCataloged {
			t.Errorf("a stranger: %v", err)
		}
		if err := stapler.ErrNotCataloged.Error(); err != "not a certificate that is kept stapled" {
			t.Error(err)
		}
	})
}

func TestRefreshWaitsForTheRoundThatIsGoingOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.one.Change(func(s *ocsptest.Settings) { s.Delay = 5 * time.Second })
		b.run()
		time.Sleep(time.Second)
		start := time.Now()
		if _, err := b.service.Refresh(t.Context(), leaves[0].Fingerprint()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 9*time.Second || b.one.Count() != 2 {
			t.Errorf("took %v and %d requests, want the rest of one round and another", took, b.one.Count())
		}
		go b.service.Refresh(context.Background(), leaves[0].Fingerprint())
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.service.Refresh(ctx, leaves[0].Fingerprint()); err != context.DeadlineExceeded {
			t.Errorf("err = %v, want the caller's deadline", err)
		}
		time.Sleep(10 * time.Second)
	})
}

func TestRefreshOfWhatCannotBeStapledSaysWhy(t *testing.T) { // S12
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain(ocsptest.NoRevAvail())(t), plain(ocsptest.Validity(-2*day, -day))(t), plain()(t))
		off := leaves[2]
		b.catalog.set(stapler.Certificate{Fingerprint: off.Fingerprint(), Chain: off.ChainDER(), Disabled: true})
		alone := b.ca.Leaf(t, ocsptest.OCSP(url1))
		b.catalog.set(stapler.Certificate{Fingerprint: alone.Fingerprint(), Chain: alone.ChainDER()[:1]})
		b.run()
		synctest.Wait()
		for l, want := range map[*ocsptest.Leaf]string{
			leaves[0]: "no_responder: the certificate says noRevAvail (RFC 9608)",
			leaves[1]: "expired: the certificate itself has expired",
			off:       "disabled: OCSP is off for this certificate",
			alone:     "no_issuer: the issuer is not in the chain",
		} {
			if _, err := b.service.Refresh(t.Context(), l.Fingerprint()); err == nil || err.Error() != want {
				t.Errorf("err = %v, want %q", err, want)
			}
		}
	})
}

func TestReconfigureKeepsStateAndAppliesTheNewBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t), plain(ocsptest.OCSP())(t))
		leaf, withoutURL := leaves[0], leaves[1]
		b.run()
		time.Sleep(3 * time.Second)
		n := b.network.count()
		for range 50 {
			if err := b.service.Reconfigure(stapler.Config{}, b.network); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if b.network.count() != n {
			t.Error("a reload that changes nothing asked somebody")
		}
		b.wantState("without a URL", withoutURL, stapler.None, ocspsvc.ReasonNoResponder)

		if err := b.service.Reconfigure(stapler.Config{RefreshEvery: time.Minute, MaxAge: 5 * time.Minute}, b.one); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		b.wantState("with an override", withoutURL, stapler.Fresh, ocspsvc.ReasonGood)
		if b.one.CountFor(leaf) < 3 {
			t.Error("the new refresh_every did not count")
		}
		b.one.Set(ocsptest.HTTP500)
		time.Sleep(5*time.Minute + time.Second)
		b.wantState("the new max_age", leaf, stapler.Stale, ocspsvc.ReasonTooOld)
		if err := b.service.Reconfigure(stapler.Config{}, down); err != nil {
			t.Fatal(err)
		}
		b.wantState("the old max_age", leaf, stapler.Fresh, ocspsvc.ReasonGood)
		if b.book.Loud() == 0 {
			t.Error("the end was not reported")
		}
	})
}

func TestReconfigureTriesAtOnceWhatHasBeenFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.network.set("one.example", down)
		b.run()
		time.Sleep(day)
		if err := b.service.Reconfigure(stapler.Config{}, b.one); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		b.wantState("mended", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
	})
}

func TestBadConfigsAreRefusedByName(t *testing.T) {
	catalog, log, store := newShelf(), ocsptest.NewBook(t).Log, respstore.New(nil, nil)
	s, err := stapler.New(stapler.Config{}, catalog, down, store, log)
	if err != nil {
		t.Fatal(err)
	}
	for want, cfg := range map[string]stapler.Config{
		"stapler: refresh_every must not be negative, is -1ns": {RefreshEvery: -1},
		"stapler: timeout must not be negative, is -1s":        {Timeout: -time.Second},
		"stapler: max_age must not be negative, is -1ns":       {MaxAge: -1},
	} {
		if _, err := stapler.New(cfg, catalog, down, store, log); err == nil || err.Error() != want {
			t.Errorf("New: %v, want %q", err, want)
		}
		if err := s.Reconfigure(cfg, down); err == nil || err.Error() != want {
			t.Errorf("Reconfigure: %v, want %q", err, want)
		}
	}
	if err := s.Reconfigure(stapler.Config{}, nil); err == nil || err.Error() != "stapler: a fetcher is needed" {
		t.Errorf("err = %v", err)
	}
	for name, make := range map[string]func() (*stapler.Service, error){
		"catalog": func() (*stapler.Service, error) { return stapler.New(stapler.Config{}, nil, down, store, log) },
		"fetcher": func() (*stapler.Service, error) { return stapler.New(stapler.Config{}, catalog, nil, store, log) },
		"store":   func() (*stapler.Service, error) { return stapler.New(stapler.Config{}, catalog, down, nil, log) },
		"log":     func() (*stapler.Service, error) { return stapler.New(stapler.Config{}, catalog, down, store, nil) },
	} {
		if _, err := make(); err == nil || err.Error() != "stapler: catalog, fetcher, store and log are needed" {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestASteppedClockIsNoticed(t *testing.T) { // S3
	for _, c := range []struct {
		byWall, byMachine time.Duration
		want              bool
	}{
		{time.Minute, time.Minute, false},
		{time.Minute + 100*time.Millisecond, time.Minute, false}, // NTP slews
		{12 * time.Hour, time.Minute, true},                      // a suspend
		{-time.Hour, time.Minute, true},
	} {
		if got := stapler.Stepped(c.byWall, c.byMachine); got != c.want {
			t.Errorf("%v by the wall, %v by the machine: stepped = %v", c.byWall, c.byMachine, got)
		}
	}
}

func TestAPlanMadeByAWrongClockIsMadeAnew(t *testing.T) { // S3
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t), plain()(t))
		b.run()
		time.Sleep(2 * time.Second)
		n := b.network.count()
		b.service.StepClock(time.Now())
		synctest.Wait()
		if b.network.count() != n {
			t.Error("a step that changes no plan asked somebody")
		}
		b.service.StepClock(time.Now().Add(-3 * day)) // by that clock the plan is 3.5 days off
		time.Sleep(2 * time.Second)
		if got := b.network.count() - n; got != len(leaves) {
			t.Errorf("%d of %d were asked for again", got, len(leaves))
		}
	})
}

func TestNewAsksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		time.Sleep(day)
		if b.network.count() > 0 {
			t.Error("asked before Run")
		}
		if got := b.status(leaves[0]); got.State != stapler.None || got.Reason != ocspsvc.ReasonPending {
			t.Errorf("status = %+v", got)
		}
	})
}

func TestRunGivesUpARoundAtOnceWhenItIsToldToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{}, plain()(t))
		b.one.Set(ocsptest.Hang)
		b.run()
		time.Sleep(time.Second)
		start := time.Now()
		b.stop() // and synctest fails if a goroutine is left
		if took := time.Since(start); took > 0 {
			t.Errorf("took %v", took)
		}
		if b.book.Loud() > 0 {
			t.Error("stopping was reported as the responder's failure")
		}
	})
}

func TestLoadReturnsWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{}, plain()(t))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.service.Load(ctx); err != context.Canceled {
			t.Errorf("Load = %v", err)
		}
	})
}
