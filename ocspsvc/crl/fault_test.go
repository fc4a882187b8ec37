package crl_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/ocsptest"
)

// status answers with a status and a page.
func status(code int) func(*bench) {
	return func(b *bench) {
		b.one.fault(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, "<html>sorry</html>")
		})
	}
}

// sends answers with bytes.
func sends(body func(*bench) []byte) func(*bench) {
	return func(b *bench) {
		content := body(b)
		b.one.fault(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) })
	}
}

// lists answers with a newer list with something wrong, in which leaf is revoked.
func lists(change func(*bench, *listing)) func(*bench) {
	return sends(func(b *bench) []byte {
		l := newListing(b.ca)
		l.number, l.this = b.one.nextNumber(), time.Now()
		for leaf := range b.catalog.Certificates() {
			l.entries = append(l.entries, entry{serial: b.catalog.leaf(leaf.Fingerprint).SerialNumber, at: time.Now()})
		}
		change(b, l)
		return l.der(b.t)
	})
}

func redirectTo(location string) func(*bench) {
	return func(b *bench) {
		b.network.Move("inside.example", "10.0.0.1")
		b.one.fault(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, location, http.StatusFound) })
	}
}

func hang(b *bench) {
	b.one.fault(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
}

func drip(b *bench) {
	b.one.fault(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte{0x30})
			w.(http.Flusher).Flush()
			time.Sleep(time.Second)
		}
	})
}

func hangUp(b *bench) {
	b.one.fault(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte{0x30})
		panic(http.ErrAbortHandler)
	})
}

// small is a MaxSize that an oversized body soon exceeds: a week of retries
// would otherwise move gigabytes.
const small = 64 << 10

func oversize(announced bool) func(*bench) {
	return func(b *bench) {
		b.one.fault(func(w http.ResponseWriter, _ *http.Request) {
			if announced {
				w.Header().Set("Content-Length", fmt.Sprint(2*small))
			}
			for range 2 * small >> 10 {
				if _, err := w.Write(bytes.Repeat([]byte{0x30}, 1<<10)); err != nil {
					return
				}
			}
		})
	}
}

// faults are what a server of lists can do wrong, with the word for it.
var faults = map[string]struct {
	do   func(*bench)
	want ocspsvc.Reason
}{
	"refuses connections":           {func(b *bench) { b.network.Unplug("8.8.8.8:80") }, ocspsvc.ReasonUnreachable},
	"hangs":                         {hang, ocspsvc.ReasonTimeout},
	"drips":                         {drip, ocspsvc.ReasonTimeout},
	"hangs up":                      {hangUp, ocspsvc.ReasonUnreachable},
	"404":                           {status(404), ocspsvc.ReasonHTTPError},
	"500":                           {status(500), ocspsvc.ReasonHTTPError},
	"206":                           {status(206), ocspsvc.ReasonHTTPError},
	"garbage":                       {sends(func(*bench) []byte { return []byte("<html>welcome to the hotel</html>") }), ocspsvc.ReasonMalformed},
	"nothing":                       {sends(func(*bench) []byte { return nil }), ocspsvc.ReasonMalformed},
	"too much":                      {oversize(false), ocspsvc.ReasonTooLarge},
	"too much, announced":           {oversize(true), ocspsvc.ReasonTooLarge},
	"redirects to itself":           {redirectTo(url1), ocspsvc.ReasonHTTPError},
	"redirects to nowhere":          {redirectTo("http://one.example/%zz"), ocspsvc.ReasonHTTPError},
	"redirects to a blocked name":   {redirectTo("http://inside.example/"), ocspsvc.ReasonBlockedAddress},
	"redirects to metadata":         {redirectTo("http://169.254.169.254/latest/"), ocspsvc.ReasonBlockedAddress},
	"redirects to a file":           {redirectTo("file:///etc/passwd"), ocspsvc.ReasonBlockedAddress},
	"moves to a blocked address":    {func(b *bench) { b.network.Move("one.example", "10.0.0.1") }, ocspsvc.ReasonBlockedAddress},
	"is signed by somebody":         {lists(func(b *bench, l *listing) { l.signer = ocsptest.NewKey(b.t, ocsptest.P256) }), ocspsvc.ReasonBadSignature},
	"is of a CA with the same name": {lists(func(b *bench, l *listing) { l.issuer = b.ca.Twin(b.t); l.signer = l.issuer.Key }), ocspsvc.ReasonBadSignature},
	"is of another CA":              {lists(func(b *bench, l *listing) { l.issuer = b.ca.Root; l.signer = b.ca.Root.Key }), ocspsvc.ReasonWrongCertificate},
	"has ended":                     {lists(func(_ *bench, l *listing) { l.next = time.Now() }), ocspsvc.ReasonExpired},
	"begins in a month":             {lists(func(_ *bench, l *listing) { l.this, l.next = time.Now().Add(30*day), time.Now().Add(60*day) }), ocspsvc.ReasonNotYetValid},
	"has no end":                    {lists(func(_ *bench, l *listing) { l.next = time.Time{} }), ocspsvc.ReasonNoNextUpdate},
	"is of another point":           {lists(func(_ *bench, l *listing) { l.idp(pointName(url2)) }), ocspsvc.ReasonWrongCertificate},
	"is for CAs":                    {lists(func(_ *bench, l *listing) { l.idp(caOnly) }), ocspsvc.ReasonWrongCertificate},
	"is a delta":                    {lists(func(_ *bench, l *listing) { l.with(oidDelta, []byte{2, 1, 1}) }), ocspsvc.ReasonCriticalExtension},
	"is indirect":                   {lists(func(_ *bench, l *listing) { l.idp(indirect) }), ocspsvc.ReasonCriticalExtension},
	"is critical and unknown":       {lists(func(_ *bench, l *listing) { l.with(oidNobodyKnows, []byte{5, 0}) }), ocspsvc.ReasonCriticalExtension},
}

func TestAServerThatFailsChangesOnlyTheStatusAndWarns(t *testing.T) { // V3
	for name, c := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setUp(t, crl.Config{MaxSize: small})
				leaf := b.leaf()
				c.do(b)
				b.run()
				b.settle()
				b.wants("with nothing held", leaf, crl.None, c.want)
				s := b.status(leaf)
				if !strings.HasPrefix(s.LastError, string(c.want)+": ") || s.URL != url1 || s.LastTry.IsZero() || !s.NextTry.After(s.LastTry) {
					t.Errorf("status = %+v", s)
				}
				b.wantOneWarning(c.want, s.NextTry)
				if len(b.disk.keys()) != 0 {
					t.Error("it was stored")
				}
				b.noneBlocked()
			})
		})
	}
}

func TestAServerThatFailsTakesNothingAway(t *testing.T) { // V3
	for name, c := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setUp(t, crl.Config{MaxSize: small})
				good, revoked := b.leaf(), b.leaf()
				list := newListing(b.ca, revoked)
				list.this, list.next = time.Now(), time.Now().Add(20*time.Hour)
				b.one.serve(list.der(t))
				b.run()
				b.settle()
				c.do(b)
				time.Sleep(13 * time.Hour)
				b.wants("good", good, crl.Good, ocspsvc.ReasonGood)
				b.wants("revoked", revoked, crl.Revoked, ocspsvc.ReasonRevoked)
				if s := b.status(good); !strings.HasPrefix(s.LastError, string(c.want)+": ") {
					t.Errorf("status = %+v", s)
				}
				time.Sleep(day)
				b.wants("good, after the end of the list", good, crl.None, ocspsvc.ReasonExpired)
				b.wants("revoked, after the end of the list", revoked, crl.Revoked, ocspsvc.ReasonRevoked)
				if len(b.book.Find(slog.LevelWarn, "CRL has ended")) != 1 || len(b.disk.keys()) != 1 {
					t.Errorf("warned of the end %d times", len(b.book.Find(slog.LevelWarn, "CRL has ended")))
				}
				b.noneBlocked()
			})
		})
	}
}

func (b *bench) wantOneWarning(reason ocspsvc.Reason, next time.Time) {
	b.t.Helper()
	warned := b.book.Find(slog.LevelWarn, "")
	if len(warned) != 1 {
		b.t.Fatalf("%d warnings", len(warned))
	}
	a := warned[0].Attrs
	if warned[0].Text != "reading a CRL failed" || a["certificates"] != "1" || a["url"] != url1 || a["reason"] != string(reason) ||
		a["next_try"] != next.String() || a["issuer"] != b.ca.Cert.Subject.String() || a["err"] == "" {
		b.t.Errorf("warned %+v", warned[0])
	}
}

// noneBlocked wants that only the public addresses were dialled.
func (b *bench) noneBlocked() {
	b.t.Helper()
	for _, dialled := range b.network.Dials() {
		if dialled != "8.8.8.8:80" {
			b.t.Errorf("dialled %s", dialled)
		}
	}
}

func TestFailuresBackOffFromAMinuteToAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		status(500)(b)
		b.run()
		time.Sleep(day)
		hits := b.one.asked()
		for i, least := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour} {
			if pause := hits[i+1].at.Sub(hits[i].at); pause < least || pause > least*13/10 {
				t.Errorf("pause %d is %v, want %v", i, pause, least)
			}
		}
		b.one.mend()
		time.Sleep(66 * time.Minute)
		b.wants("mended", leaf, crl.Good, ocspsvc.ReasonGood)
		if len(b.book.Find(slog.LevelInfo, "CRL read")) != 1 {
			t.Error("nobody said that it works again")
		}
	})
}

func TestRetryAfterIsRespectedUpToAnHour(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"1800": 30 * time.Minute, "99999": time.Hour, "Sat, 01 Jan 2000 00:20:00 GMT": 20 * time.Minute, "soon": time.Minute, "": time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			b := setUp(t, crl.Config{})
			b.leaf()
			b.one.fault(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", value)
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			b.run()
			time.Sleep(3 * time.Hour)
			hits := b.one.asked()
			if pause := hits[1].at.Sub(hits[0].at); pause < want || pause > want*11/10+time.Second {
				t.Errorf("Retry-After %q: waited %v, want %v", value, pause, want)
			}
		})
	}
}

func TestADeadServerDelaysNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		hang(b)
		for i := range 50 {
			b.leaf(at(fmt.Sprintf("http://one.example/%d.crl", i)))
		}
		b.two.serve(newListing(b.ca).der(t))
		var others []*ocsptest.Leaf
		for i := range 5 {
			others = append(others, b.leaf(at(fmt.Sprintf("http://two.example/%d.crl", i))))
		}
		b.run()
		time.Sleep(40 * time.Second)
		for _, leaf := range others {
			b.wants("at the other server", leaf, crl.Good, ocspsvc.ReasonGood)
		}
		if n := b.one.count(); n != 1 {
			t.Errorf("the dead server was asked %d times", n)
		}
		b.one.serve(newListing(b.ca).der(t))
		time.Sleep(3 * time.Minute)
		if n := b.one.count(); n != 51 {
			t.Errorf("after it came back it was asked %d times", n)
		}
	})
}

func TestOneIsReadAtATimeAtThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{Pace: 3 * time.Minute})
		for i := range 10 {
			b.leaf(at(fmt.Sprintf("http://one.example/%d.crl", i)))
		}
		b.run()
		time.Sleep(time.Hour)
		hits := b.one.asked()
		if len(hits) != 10 {
			t.Fatalf("%d requests", len(hits))
		}
		for i := range hits[1:] {
			if gap := hits[i+1].at.Sub(hits[i].at); gap != 3*time.Minute {
				t.Errorf("gap %d is %v", i, gap)
			}
		}
	})
}

func TestRedirectsAreFollowedThreeTimes(t *testing.T) {
	for hops, want := range map[int]ocspsvc.Reason{3: ocspsvc.ReasonGood, 4: ocspsvc.ReasonHTTPError} {
		synctest.Test(t, func(t *testing.T) {
			b := setUp(t, crl.Config{})
			leaf := b.leaf()
			list := newListing(b.ca).der(t)
			b.one.fault(func(w http.ResponseWriter, r *http.Request) {
				step := 0
				_, _ = fmt.Sscanf(r.URL.Path, "/hop/%d", &step)
				if step == hops {
					_, _ = w.Write(list)
					return
				}
				http.Redirect(w, r, fmt.Sprintf("/hop/%d", step+1), http.StatusMovedPermanently)
			})
			b.run()
			b.settle()
			if got := b.status(leaf); got.Reason != want {
				t.Errorf("%d redirects: %+v", hops, got)
			}
		})
	}
}

func TestAnUnaskedNotModifiedIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		status(304)(b)
		b.run()
		b.settle()
		b.wants("304", leaf, crl.None, ocspsvc.ReasonHTTPError)
	})
}

func TestLongValidatorsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		b.leaf()
		list := newListing(b.ca).der(t)
		b.one.fault(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"`+strings.Repeat("x", 2000)+`"`)
			_, _ = w.Write(list)
		})
		b.run()
		time.Sleep(day)
		if hits := b.one.asked(); len(hits) < 2 || hits[1].header.Get("If-None-Match") != "" {
			t.Errorf("asked %d times", len(hits))
		}
	})
}

func TestTheEndOfRunInterruptsAReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		hang(b)
		b.run()
		time.Sleep(5 * time.Second)
		start := time.Now()
		b.stop()
		if took := time.Since(start); took != 0 {
			t.Errorf("Run took %v to end", took)
		}
		b.wants("given up", leaf, crl.None, ocspsvc.ReasonPending)
		if b.book.Loud() != 0 {
			t.Error("giving up was logged")
		}
	})
}

func TestAReloadTriesAgainWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf(at("http://inside.example/ca.crl"))
		b.network.Name("inside.example", "10.0.0.1")
		b.network.Serve("10.0.0.1:80", b.one)
		b.run()
		b.settle()
		b.wants("blocked", leaf, crl.None, ocspsvc.ReasonBlockedAddress)
		if s := b.status(leaf); !strings.Contains(s.LastError, `"allow inside.example"`) {
			t.Errorf("last error = %q", s.LastError)
		}
		if err := b.watcher.Reconfigure(crl.Config{}, b.network.guard("inside.example")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.wants("allowed", leaf, crl.Good, ocspsvc.ReasonGood)
	})
}

func TestTooMuchIsNotReadToItsEnd(t *testing.T) {
	for announced, want := range map[bool]string{
		true:  "too_large: 131072 bytes, and 65536 are the limit",
		false: "too_large: more than 65536 bytes",
	} {
		synctest.Test(t, func(t *testing.T) {
			b := setUp(t, crl.Config{MaxSize: small})
			leaf := b.leaf()
			oversize(announced)(b)
			b.run()
			b.settle()
			if s := b.status(leaf); s.LastError != want {
				t.Errorf("last error = %q", s.LastError)
			}
		})
	}
}
