package stapler_test

import (
	"bytes"
	"encoding/hex"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/stapler"
)

func TestStaplesAreRefreshedEveryTwelveHoursForDays(t *testing.T) { // S5, S11
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.run()
		for hour := range 5 * 24 {
			synctest.Wait()
			if !b.catalog.serves(leaves[0]) {
				t.Fatalf("no staple after %d h", hour)
			}
			time.Sleep(time.Hour)
		}
		if n := b.one.Count(); n < 10 || n > 12 {
			t.Errorf("%d requests in 5 days, want one each 12 h", n)
		}
		if b.book.Loud() > 0 {
			t.Error("a quiet week was loud")
		}
	})
}

func TestShortLivedResponsesAreRefreshedHalfWay(t *testing.T) { // S11, S12
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain(ocsptest.Validity(-time.Hour, 24*time.Hour))(t))
		b.one.Change(func(s *ocsptest.Settings) { s.Validity = 2 * time.Hour })
		b.run()
		for range 20 * 60 {
			time.Sleep(time.Minute)
			if left := time.Until(b.catalog.staple(leaves[0]).Until); left < time.Hour-time.Second {
				t.Fatalf("%v are left of 2 h", left)
			}
		}
		if n := b.one.Count(); n < 20 || n > 22 {
			t.Errorf("%d requests in 20 h, want one each hour", n)
		}
	})
}

func TestAMaxAgeBelowRefreshEveryIsRefreshedInTime(t *testing.T) { // S3, S11
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{MaxAge: 4 * time.Hour}, plain()(t))
		b.run()
		for hour := range 20 {
			if hour == 10 {
				b.load()
				b.run()
			}
			for range 6 {
				synctest.Wait()
				b.wantState("all the time", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
				time.Sleep(10 * time.Minute)
			}
		}
	})
}

func TestTheStapledBytesAreThoseReceived(t *testing.T) { // S5
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		der := b.one.DER(leaves[0])
		b.network.set("one.example", says(der))
		b.run()
		synctest.Wait()
		if got := b.catalog.staple(leaves[0]); got == nil || !bytes.Equal(got.Response, der) {
			t.Error("the staple is not what the responder sent")
		}
	})
}

func TestUnchangedBytesAreASuccess(t *testing.T) { // S3, S11
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{MaxAge: 2 * day}, plain()(t))
		b.network.set("one.example", says(b.one.DER(leaves[0])))
		b.run()
		for range 6*24 + 23 { // up to an hour before nextUpdate
			time.Sleep(time.Hour)
			if !b.catalog.serves(leaves[0]) {
				t.Fatal("the age of a repeated response was not counted from its repetition")
			}
		}
		if b.book.Loud() > 0 {
			t.Error("repetition was reported as a problem")
		}
		n := b.network.count()
		// half-life at 3.5 days: 7 rounds; then hourly until 10 h are left, then
		// a tenth of the rest.
		if n < 80 || n > 140 {
			t.Errorf("%d rounds, want some 100", n)
		}
	})
}

func TestAfterHalfLifeTheNextRoundComesInAnHourOrATenthOfTheRest(t *testing.T) { // S11
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name            string
		passed, ahead   time.Duration
		every, from, to time.Duration
	}{
		{"fresh for a week", 0, 7 * day, 12 * time.Hour, 11 * time.Hour, 12 * time.Hour},
		{"fresh for 10 h", 0, 10 * time.Hour, 12 * time.Hour, 285 * time.Minute, 5 * time.Hour},
		{"fresh for 12 s", 0, 12 * time.Second, 12 * time.Hour, 5700 * time.Millisecond, 6 * time.Second},
		{"fresh for 12 s, refreshed each 2 s", 0, 12 * time.Second, 2 * time.Second, 1900 * time.Millisecond, 2 * time.Second},
		{"four days into a week", 4 * day, 3 * day, 12 * time.Hour, 57 * time.Minute, time.Hour},
		{"5 h left", 7 * day, 5 * time.Hour, 12 * time.Hour, 28 * time.Minute, 30 * time.Minute},
		{"1 min left", 7 * day, time.Minute, 12 * time.Hour, 10 * time.Second, 10 * time.Second},
		{"half-life this second", day, day + time.Second, 12 * time.Hour, 57 * time.Minute, time.Hour},
		{"past half-life, refreshed each 2 s", 10 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second},
	} {
		for range 100 { // jitter
			got := stapler.UntilNext(now, now.Add(-c.passed), now.Add(c.ahead), c.every)
			if got < c.from || got > c.to {
				t.Errorf("%s: next in %v, want %v to %v", c.name, got, c.from, c.to)
				break
			}
		}
	}
}

func TestAnOutageKeepsTheStapleUntilMaxAgeExactly(t *testing.T) { // S3, S4, S11
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.one.Change(func(s *ocsptest.Settings) { s.Validity = 30 * day })
		b.run()
		synctest.Wait()
		last := time.Now()
		b.network.set("one.example", down)
		before := b.network.count()

		time.Sleep(time.Until(last.Add(7*day - time.Nanosecond)))
		synctest.Wait()
		b.wantState("just before max_age", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		b.wantState("at max_age", leaves[0], stapler.Stale, ocspsvc.ReasonTooOld)
		if n := b.network.count() - before; n < 150 || n >= 300 {
			t.Errorf("%d rounds in 7 days, want under 300, and to keep trying", n)
		}
		if n := len(b.book.Find(slog.LevelWarn, "staple has ended")); n != 1 {
			t.Errorf("%d warnings that the staple ended, want 1", n)
		}
		time.Sleep(3 * day)
		if n := len(b.book.Find(slog.LevelWarn, "staple has ended")); n != 1 {
			t.Errorf("%d warnings three days later, want 1", n)
		}

		b.network.set("one.example", b.one)
		time.Sleep(67 * time.Minute)
		b.wantState("after the outage", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		if n := len(b.book.Find(slog.LevelInfo, "stapled again")); n != 1 {
			t.Errorf("%d notes that the staple is back, want 1", n)
		}
	})
}

func TestEveryFailureIsOneWarningWithReasonAndNextTry(t *testing.T) { // S4
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain(ocsptest.Names("www.example.com", "example.com"))(t))
		b.network.set("one.example", down)
		b.run()
		time.Sleep(day)
		lines := b.book.Find(slog.LevelWarn, "refreshing the staple failed")
		if n := b.network.count(); len(lines) != n || n < 20 {
			t.Errorf("%d warnings for %d rounds", len(lines), n)
		}
		want := map[string]string{
			"names": "[www.example.com example.com]", "reason": "unreachable", "responder": url1,
			"issuer": b.ca.Cert.Subject.CommonName, "serial": hex.EncodeToString(leaves[0].Cert.SerialNumber.Bytes()), "err": "unreachable: connection refused",
		}
		for key, value := range want {
			if got := lines[0].Attrs[key]; got != value {
				t.Errorf("%s = %q, want %q", key, got, value)
			}
		}
		next, err := time.Parse("2006-01-02 15:04:05.999999999 -0700 MST", lines[0].Attrs["next_try"])
		if err != nil || next.Before(b.network.when()[0]) {
			t.Errorf("next_try = %q: %v", lines[0].Attrs["next_try"], err)
		}
		b.wantState("all day", leaves[0], stapler.None, ocspsvc.ReasonUnreachable)
	})
}

func TestTheStapleEndsAtNextUpdateAndAtTheDelegatesEnd(t *testing.T) { // S3
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.one.Change(func(s *ocsptest.Settings) { s.Validity = 4 * day })
		b.run()
		synctest.Wait()
		b.network.set("one.example", down)
		end := b.status(leaves[0]).NextUpdate
		time.Sleep(time.Until(end) - time.Nanosecond)
		b.wantState("just before nextUpdate", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		b.wantState("at nextUpdate", leaves[0], stapler.Stale, ocspsvc.ReasonExpired)

		delegate := b.ca.Delegate(t, ocsptest.Validity(-day, 3*day))
		b.network.set("one.example", says(answer{signer: delegate}.sign(t, b.ca, leaves[0])))
		if _, err := b.service.Refresh(t.Context(), leaves[0].Fingerprint()); err != nil {
			t.Fatal(err)
		}
		b.network.set("one.example", down)
		time.Sleep(time.Until(delegate.Cert.NotAfter) - time.Nanosecond)
		b.wantState("just before the delegate's end", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		b.wantState("at the delegate's end", leaves[0], stapler.Stale, ocspsvc.ReasonExpired)
	})
}

func TestResponsesThatEndedLongAgoAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.run()
		synctest.Wait()
		b.network.set("one.example", down)
		time.Sleep(7*day + time.Hour)
		if b.catalog.staple(leaves[0]) == nil {
			t.Error("dropped at once, though the clock may be wrong")
		}
		time.Sleep(3 * day)
		if _, held := b.store.Get(leaves[0].Fingerprint()); held || b.catalog.staple(leaves[0]) != nil {
			t.Error("still in memory three days after its end")
		}
		b.wantState("long ended", leaves[0], stapler.Stale, ocspsvc.ReasonExpired)
		if err := b.service.Reconfigure(stapler.Config{MaxAge: 90 * day}, b.network); err != nil {
			t.Fatal(err)
		}
		b.wantState("with a longer max_age", leaves[0], stapler.Stale, ocspsvc.ReasonExpired)
		b.network.set("one.example", b.one)
		time.Sleep(70 * time.Minute)
		b.wantState("again", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
	})
}

func TestAnExpiredCertificateIsNotAskedFor(t *testing.T) { // C16
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain(ocsptest.Validity(-day, day))(t))
		b.run()
		time.Sleep(day)
		n := b.network.count()
		time.Sleep(10 * day)
		if b.network.count() != n {
			t.Errorf("%d requests after its end", b.network.count()-n)
		}
		if got := b.status(leaves[0]); got.Reason != ocspsvc.ReasonExpired || got.LastError != "expired: the certificate itself has expired" {
			t.Errorf("status = %+v", got)
		}
	})
}

func TestShortLivesAreFollowedClosely(t *testing.T) { // S3, S4, S11
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{RefreshEvery: 2 * time.Second}, plain()(t))
		leaf := leaves[0]
		b.one.Change(func(s *ocsptest.Settings) { s.Validity = 12 * time.Second })
		b.run()
		for range 60 {
			time.Sleep(time.Second)
			if left := time.Until(b.catalog.staple(leaf).Until); left < 9*time.Second {
				t.Fatalf("%v are left of 12 s", left)
			}
		}
		b.network.set("one.example", down)
		time.Sleep(13 * time.Second)
		b.wantState("outage", leaf, stapler.Stale, ocspsvc.ReasonExpired)
		time.Sleep(20 * time.Second)
		b.one.Set(ocsptest.Unknown)
		b.network.set("one.example", b.one)
		time.Sleep(10 * time.Second)
		if got := b.status(leaf); !strings.HasPrefix(got.LastError, "unknown") || got.State != stapler.Stale {
			t.Errorf("unknown: %+v", got)
		}
		b.one.Set(ocsptest.Good)
		time.Sleep(15 * time.Second)
		b.wantState("good again", leaf, stapler.Fresh, ocspsvc.ReasonGood)
		b.one.Set(ocsptest.Revoked)
		time.Sleep(3 * time.Second)
		b.wantState("revoked", leaf, stapler.None, ocspsvc.ReasonRevoked)
	})
}

func TestGoodOutageUnknownGoodRevoked(t *testing.T) { // S4, V2
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		leaf := leaves[0]
		b.run()
		synctest.Wait()
		b.wantState("good", leaf, stapler.Fresh, ocspsvc.ReasonGood)

		b.one.Set(ocsptest.HTTP500)
		time.Sleep(13 * time.Hour)
		b.wantState("outage", leaf, stapler.Fresh, ocspsvc.ReasonGood)
		if got := b.status(leaf); got.LastError == "" || got.NextTry.IsZero() {
			t.Errorf("the failure does not show: %+v", got)
		}

		b.one.Set(ocsptest.Unknown)
		time.Sleep(2 * time.Hour)
		b.wantState("unknown", leaf, stapler.Fresh, ocspsvc.ReasonGood)
		if got := b.status(leaf).LastError; got != "unknown: the responder does not know the certificate" {
			t.Errorf("last error = %q", got)
		}

		b.one.Set(ocsptest.Good)
		time.Sleep(2 * time.Hour)
		b.wantState("good again", leaf, stapler.Fresh, ocspsvc.ReasonGood)
		if got := b.status(leaf).LastError; got != "" {
			t.Errorf("last error after a success = %q", got)
		}
		if b.catalog.isRevoked(leaf) {
			t.Fatal("revoked too early")
		}

		b.one.Set(ocsptest.Revoked)
		time.Sleep(13 * time.Hour)
		b.wantState("revoked", leaf, stapler.None, ocspsvc.ReasonRevoked)
		if !b.catalog.isRevoked(leaf) || b.catalog.staple(leaf) != nil {
			t.Error("nobody was told, or the staple is still there")
		}
		if got := b.catalog.history(); len(got) != 2 || got[0] != "detached" || got[1] != `revocation "revoked"` {
			t.Errorf("history = %q, want the staple gone first", got)
		}
		if lines := b.book.Find(slog.LevelError, "revoked"); len(lines) != 1 || lines[0].Attrs["reason"] != "keyCompromise" || lines[0].Attrs["revoked_at"] == "" {
			t.Errorf("error lines = %+v, want one", lines)
		}
		if b.status(leaf).RevokedAt.IsZero() {
			t.Error("status does not say since when")
		}
		time.Sleep(3 * day)
		if n := len(b.book.Find(slog.LevelError, "")); n != 1 {
			t.Errorf("%d error lines after three days, want 1", n)
		}
	})
}
