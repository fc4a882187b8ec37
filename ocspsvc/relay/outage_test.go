package relay_test

import (
	"crypto"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/relay"
	"dwaar/tlsstore/storage"
)

func TestAnAnswerOutlivesAnOutageUntilItsNextUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.want("before", leaf, "good", 1)
		d.down()
		for range 6 {
			time.Sleep(day)
			d.want("in the outage", leaf, "good", 1)
		}
		time.Sleep(day - time.Second)
		d.want("a second before nextUpdate", leaf, "good", 1)
		time.Sleep(time.Second)
		begun := time.Now()
		d.want("at nextUpdate", leaf, "tryLater", 1)
		if took := time.Since(begun); took > 0 {
			t.Errorf("tryLater took %v", took)
		}
		if n := len(d.book.Find(slog.LevelWarn, "responder is down")); n != 1 {
			t.Errorf("%d warnings, want 1", n)
		}
		d.up()
		time.Sleep(12 * time.Minute)
		d.want("after the outage", leaf, "good", 2)
		if len(d.book.Find(slog.LevelInfo, "is back")) != 1 || d.count("responders_down") != 0 {
			t.Error("nobody was told that it is over")
		}
	})
}

func TestAnOutageCostsTheResponderLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		var leaves []*ocsptest.Leaf
		for range 100 {
			leaves = append(leaves, d.ca.Leaf(t))
			d.ask(leaves[len(leaves)-1])
		}
		d.down()
		dials := len(d.Dials())
		for range 2 * 24 {
			time.Sleep(time.Hour)
			for _, leaf := range leaves {
				if got := d.ask(leaf); got != "good" {
					t.Fatalf("answer = %q", got)
				}
			}
		}
		if n := len(d.Dials()) - dials; n < 10 || n > 2*24*8 {
			t.Errorf("%d connections in two days", n)
		}
	})
}

// The nearer the end of an answer, the more often it is tried to get another.
func TestAnOutageThatEndsInTimeIsNotNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.want("before", leaf, "good", 1)
		d.responder.Set(ocsptest.HTTP500)
		ends := d.nextUpdate(leaf)
		for time.Until(ends) > day {
			time.Sleep(day)
			d.ask(leaf)
		}
		time.Sleep(time.Until(ends) - 5*time.Minute)
		d.responder.Set(ocsptest.Good)
		misses := d.count("misses_total")
		time.Sleep(5*time.Minute - time.Second)
		if next := d.nextUpdate(leaf); !next.After(ends) || d.count("misses_total") != misses {
			t.Errorf("a second before %v, the answer ends %v", ends, next)
		}
	})
}

// Misses during an outage are answered at once, and do not even dial.
func TestADeadResponderIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.down()
		for range 200 {
			if got := d.ask(d.ca.Leaf(t)); got != "tryLater" {
				t.Errorf("answer = %q", got)
			}
		}
		if n := len(d.Dials()); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	})
}

// When it may be asked again, one request finds out, and the others do not wait.
func TestOneRequestProbesADeadResponder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.down()
		d.ask(d.ca.Leaf(t))
		time.Sleep(time.Minute)
		d.Mute("8.8.8.8:80")
		dials := len(d.Dials())
		for range 4 {
			leaf := d.ca.Leaf(t)
			go d.ask(leaf)
		}
		synctest.Wait()
		begun := time.Now()
		if got := d.ask(d.ca.Leaf(t)); got != "tryLater" || time.Since(begun) != 0 {
			t.Errorf("answer = %q after %v", got, time.Since(begun))
		}
		if n := len(d.Dials()) - dials; n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
		time.Sleep(time.Minute)
	})
}

func TestARestartWithTheResponderDeadAnswersFromDisk(t *testing.T) {
	for _, status := range []ocsptest.Fault{ocsptest.Good, ocsptest.Revoked} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			leaf := d.ca.Leaf(t)
			d.responder.Set(status)
			d.want("before", leaf, string(status), 1)
			d.down()
			time.Sleep(5 * day)
			d.open()
			d.want("after a restart", leaf, string(status), 1)
			if d.count("loaded_total") != 1 {
				t.Error("where from?")
			}
			time.Sleep(2 * day)
			d.open()
			d.want("at nextUpdate", leaf, "tryLater", 1)
		})
	}
}

func TestAStoredAnswerIsVerifiedAgain(t *testing.T) {
	damage := map[string]func(d *disk, mine, other string){
		"a changed octet":          func(d *disk, mine, _ string) { d.files[mine][100] ^= 1 },
		"cut off":                  func(d *disk, mine, _ string) { d.files[mine] = d.files[mine][:200] },
		"empty":                    func(d *disk, mine, _ string) { d.files[mine] = nil },
		"of another certificate":   func(d *disk, mine, other string) { d.files[mine] = d.files[other] },
		"something else of others": func(d *disk, mine, _ string) { d.files[mine] = []byte("hello") },
	}
	for name, damage := range damage {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				leaf, other := d.ca.Leaf(t), d.ca.Leaf(t)
				d.ask(leaf)
				synctest.Wait()
				mine := d.disk.keys()[0]
				d.ask(other)
				synctest.Wait()
				d.close()
				stranger := d.disk.keys()[0]
				if stranger == mine {
					stranger = d.disk.keys()[1]
				}
				d.disk.set(func() { damage(d.disk, mine, stranger) })
				d.open()
				d.want("with the responder", leaf, "good", 2)
				if len(d.book.Find(slog.LevelWarn, "stored OCSP answer is ignored")) != 1 {
					t.Error("nobody was told")
				}
			})
		})
	}
}

// A record whose checksum is right proves nothing either.
func TestAStoredAnswerIsJudgedByWhatItSays(t *testing.T) {
	for _, c := range []struct {
		fault     ocsptest.Fault
		refreshed time.Duration // from now
		want      string
	}{
		{ocsptest.Good, -time.Hour, "good"},
		{ocsptest.Good, 100 * day, "good"}, // the clock was wrong
		{ocsptest.Unknown, 0, "tryLater"},
		{ocsptest.NoNextUpdate, 0, "tryLater"},
		{ocsptest.Expired, 0, "tryLater"},
		{ocsptest.WrongSigner, 0, "tryLater"},
		{ocsptest.WrongSerial, 0, "tryLater"},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				leaf := d.ca.Leaf(t)
				d.responder.Set(c.fault)
				name, content := relay.StoredRecord(d.certID(leaf, crypto.SHA1), d.responder.DER(leaf), time.Now().Add(c.refreshed), time.Now().Add(7*day))
				d.disk.set(func() { d.disk.files[name] = content })
				d.down()
				d.want("with the responder dead", leaf, c.want, 0)
				d.up()
				d.responder.Set(ocsptest.Good)
				time.Sleep(day)
				if d.want("a day later", leaf, "good", 1); d.count("loaded_total") > 1 {
					t.Error("it was loaded again")
				}
			})
		})
	}
}

// What another relay's data directory holds for a CA of the same name says
// nothing about this one's certificates.
func TestAStoredAnswerOfATwinIsNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.ask(leaf)
		d.close()
		twin := d.ca.Twin(t)
		d.file("issuer.pem", ocsptest.CertPEM(twin.Cert))
		d.open()
		if got := d.ask(leaf); got != "not ours" {
			t.Errorf("answer = %q", got)
		}
	})
}

func TestADiskThatBreaksOrHangsChangesNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.disk.set(func() { d.disk.broken = errors.New("no space left on device") })
		d.want("a broken disk", leaf, "good", 1)
		d.want("a disk that is still broken", d.ca.Leaf(t), "good", 1)
		if len(d.book.Find(slog.LevelWarn, "could not be stored")) != 1 {
			t.Error("nobody was told")
		}
		hangs := make(chan struct{})
		d.disk.set(func() { d.disk.hangs, d.disk.broken = hangs, nil })
		for range 40 {
			leaf := d.ca.Leaf(t)
			begun := time.Now()
			d.want("a disk that hangs", leaf, "good", 1)
			if took := time.Since(begun); took > time.Second {
				t.Errorf("it took %v", took)
			}
		}
		close(hangs)
		d.disk.set(func() { d.disk.hangs = nil })
		synctest.Wait()
		if n := len(d.disk.keys()); n != 40 {
			t.Errorf("%d answers are stored, want those that waited", n)
		}
	})
}

func TestWhatWaitsForADiskIsStoredAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		hangs := make(chan struct{})
		d.disk.set(func() { d.disk.hangs = hangs })
		for range 3 {
			d.want("a disk that hangs", d.ca.Leaf(t), "good", 1)
		}
		go func() {
			time.Sleep(time.Second)
			close(hangs)
		}()
		d.close()
		if n := len(d.disk.keys()); n != 3 {
			t.Errorf("%d answers are stored, want 3", n)
		}
	})
}

// A full disk takes no revocation. What it has must not be served by a restart.
func TestARevocationThatCannotBeStoredLeavesNoStoredGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.want("before", leaf, "good", 1)
		d.disk.set(func() { d.disk.broken = errors.New("no space left on device") })
		d.responder.Set(ocsptest.Revoked)
		time.Sleep(day)
		d.want("a day later", leaf, "revoked", 2)
		d.disk.set(func() { d.disk.broken = nil })
		d.down()
		d.open()
		d.want("after a restart", leaf, "tryLater", 2)
	})
}

func TestStorageIsSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		for range 3 {
			d.ask(d.ca.Leaf(t))
		}
		synctest.Wait()
		d.disk.set(func() {
			d.disk.files["relay/README"] = []byte("not ours")
			d.disk.files["relay/"+strings.Repeat("ab", 32)] = []byte("dwaar relay 1\ndamaged")
		})
		d.open()
		time.Sleep(time.Hour)
		if n := len(d.disk.keys()); n != 4 {
			t.Errorf("%d files after an hour, want the answers and what is not ours", n)
		}
		time.Sleep(8 * day)
		if keys := d.disk.keys(); len(keys) != 1 || keys[0] != "relay/README" || d.count("stored") != 0 {
			t.Errorf("after 8 days there are %q", keys)
		}
		if n := d.count("answers"); n != 0 {
			t.Errorf("%v answers are in memory", n)
		}
	})
}

// In a real directory, as dwaar's data has them.
func TestAnswersSurviveInADataDirectory(t *testing.T) {
	d := newDesk(t)
	d.close()
	files, err := storage.NewFileSystem(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d.storage = files
	d.open()
	leaf := d.ca.Leaf(t)
	if got := d.ask(leaf); got != "good" {
		t.Fatalf("answer = %q", got)
	}
	d.down()
	d.open()
	if got := d.ask(leaf); got != "good" || d.responder.Count() != 1 || d.count("stored") != 1 {
		t.Errorf("after a restart: %q, %d requests", got, d.responder.Count())
	}
}

func TestAnAnswerWithoutAnEndInSightIsStoredToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.responder.Change(func(s *ocsptest.Settings) { s.Validity = 290 * 365 * day }) // ends after 2262
		d.want("before", leaf, "good", 1)
		d.down()
		d.open()
		time.Sleep(day)
		d.want("a day after a restart", leaf, "good", 1)
		if len(d.disk.keys()) != 1 {
			t.Error("it was swept away")
		}
	})
}

func TestAResponderIsLeftAloneForAsLongAsItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.responder.Change(func(s *ocsptest.Settings) { s.Fault, s.RetryAfter = ocsptest.HTTP503, "3600" })
		d.ask(leaf)
		requests := d.responder.Count()
		for range 59 {
			time.Sleep(time.Minute)
			if got := d.ask(d.ca.Leaf(t)); got != "tryLater" {
				t.Errorf("answer = %q", got)
			}
		}
		if n := d.responder.Count(); n != requests {
			t.Errorf("%d requests within the hour", n-requests)
		}
		d.responder.Set(ocsptest.Good)
		time.Sleep(12 * time.Minute)
		if got := d.ask(leaf); got != "good" {
			t.Errorf("after it: %q", got)
		}
	})
}
