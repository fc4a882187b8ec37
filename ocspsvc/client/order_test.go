package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/netguard"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/ocsptest"
)

// bad is an address that hides nothing behind it, and how long that takes of
// the ten seconds when one other attempt waits.
var bad = []struct {
	name  string
	fault ocsptest.Fault // "" drops every packet
	takes time.Duration
}{
	{"drops packets", "", 5 * time.Second},
	{"accepts and hangs", ocsptest.Hang, 5 * time.Second},
	{"sends a header and hangs", ocsptest.HangAfterHeader, 5 * time.Second},
	{"drips for ever", ocsptest.SlowDripForever, 5 * time.Second},
	{"answers 500", ocsptest.HTTP500, 0},
	{"drops connections", ocsptest.ConnectionDropped, 0},
	{"sends garbage", ocsptest.Garbage, 0},
	{"answers tryLater", ocsptest.TryLater, 0},
	{"signs badly", ocsptest.BadSignature, 0},
	{"answers about another", ocsptest.WrongSerial, 0},
}

// spoil makes address bad.
func (w *world) spoil(address string, fault ocsptest.Fault) {
	if fault == "" {
		w.Mute(address)
		return
	}
	w.another(address, fault)
}

func TestABadAddressDoesNotHideTheNext(t *testing.T) {
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.Move("ocsp.example")
				w.Name("ocsp.example", "8.8.4.4", "8.8.8.8")
				w.spoil("8.8.4.4:80", tt.fault)
				w.wantWithin(ocspsvc.ReasonGood, tt.takes)
			})
		})
	}
}

func TestABadURLDoesNotHideTheNext(t *testing.T) {
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.Name("first.example", "8.8.4.4")
				w.spoil("8.8.4.4:80", tt.fault)
				w.urls("http://first.example/", "http://ocsp.example/")
				w.wantWithin(ocspsvc.ReasonGood, tt.takes)
			})
		})
	}
}

func TestANameServerThatHangsLeavesTimeForTheNextURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Name("lost.example")
		w.urls("http://lost.example/", "http://ocsp.example/")
		w.wantWithin(ocspsvc.ReasonGood, 5*time.Second)
	})
}

func TestARefusedConnectionCostsNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Name("closed.example", "8.8.4.4", "8.8.4.5")
		w.urls("http://closed.example/", "http://ocsp.example/")
		w.wantWithin(ocspsvc.ReasonGood, 0)
	})
}

func TestEverythingHangingEndsAtTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Name("a.example", "8.8.4.1", "8.8.4.2", "8.8.4.3")
		w.Name("b.example", "8.8.4.4")
		w.Name("c.example")
		w.Mute("8.8.4.1:80")
		w.another("8.8.4.2:80", ocsptest.Hang)
		w.another("8.8.4.3:80", ocsptest.SlowDripForever)
		w.another("8.8.4.4:80", ocsptest.HangAfterHeader)
		w.urls("http://a.example/", "http://b.example/", "http://c.example/")
		w.wantWithin(ocspsvc.ReasonTimeout, 10*time.Second)
		w.cfg.Timeout = 3 * time.Second
		w.wantWithin(ocspsvc.ReasonTimeout, 3*time.Second)
	})
}

func TestASlowResponderAloneMayUseTheWholeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.responder.Change(func(s *ocsptest.Settings) { s.Delay = 9 * time.Second })
		w.wantWithin(ocspsvc.ReasonGood, 9*time.Second)
	})
}

func TestARoundHasAtMostEightRequests(t *testing.T) {
	for _, fault := range []ocsptest.Fault{
		ocsptest.HTTP500, ocsptest.Redirect, ocsptest.MalformedRequest, ocsptest.Unauthorized, ocsptest.Expired, ocsptest.Unknown,
	} {
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				var all []*ocsptest.Responder
				for host := range 3 {
					for addr := range 5 {
						ip := fmt.Sprintf("8.8.%d.%d", host, addr)
						w.Name(fmt.Sprintf("r%d.example", host), ip)
						all = append(all, w.another(ip+":80", fault))
					}
				}
				w.urls("http://r0.example/", "http://r1.example/", "http://r2.example/")
				w.wantReason(expected(fault))
				total := 0
				for i, r := range all {
					total += r.Count()
					if i%5 == 0 && r.Count() == 0 {
						t.Errorf("URL %d was not asked at all", i/5)
					}
				}
				if total > 8 || total < 3 {
					t.Errorf("%d requests", total)
				}
			})
		})
	}
}

// Seven addresses that fail by GET and POST alike do not use up the eighth's
// request.
func TestTheLastOfEightAddressesIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Move("ocsp.example")
		for i := range 7 {
			w.Name("ocsp.example", fmt.Sprintf("8.8.4.%d", i))
			w.another(fmt.Sprintf("8.8.4.%d:80", i), ocsptest.HTTP500)
		}
		w.Name("ocsp.example", "8.8.8.8")
		w.wantReason(ocspsvc.ReasonGood)
	})
}

// What an address teaches serves the next one when there is no request to spare
// for trying it out at once.
func TestEightAddressesThatWantPOSTAreAskedByPOST(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Move("ocsp.example")
		for i := range 8 {
			w.Name("ocsp.example", fmt.Sprintf("8.8.4.%d", i))
			w.another(fmt.Sprintf("8.8.4.%d:80", i), ocsptest.Good).Change(func(s *ocsptest.Settings) { s.Only = "POST" })
		}
		w.wantReason(ocspsvc.ReasonGood)
		if got := w.Dials(); len(got) != 2 {
			t.Errorf("dialled %v, want two", got)
		}
	})
}

func TestEightOfSixteenSilentAddressesShareTheWholeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Move("ocsp.example")
		for i := range 16 {
			w.Name("ocsp.example", fmt.Sprintf("8.8.4.%d", i))
			w.Mute(fmt.Sprintf("8.8.4.%d:80", i))
		}
		w.wantWithin(ocspsvc.ReasonTimeout, 10*time.Second)
		if got := w.Dials(); len(got) != 8 {
			t.Errorf("dialled %v, want eight", got)
		}
	})
}

func TestEveryURLHasATurnBeforeAnyHasASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Name("a.example", "8.8.1.1", "8.8.1.2")
		w.Name("b.example", "8.8.2.1", "8.8.2.2")
		w.urls("http://a.example/", "http://b.example/")
		w.wantReason(ocspsvc.ReasonUnreachable)
		want := []string{"8.8.1.1:80", "8.8.2.1:80", "8.8.1.2:80", "8.8.2.2:80"}
		if got := w.Dials(); !slices.Equal(got, want) {
			t.Errorf("dialled %v, want %v", got, want)
		}
	})
}

func TestTheFirstVerifiedAnswerEndsTheRound(t *testing.T) {
	for _, fault := range []ocsptest.Fault{ocsptest.Good, ocsptest.Revoked} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.Name("first.example", "8.8.4.4")
			w.another("8.8.4.4:80", fault)
			w.urls("http://first.example/", "http://ocsp.example/")
			w.wantReason(fault.Reason())
			if w.responder.Count() != 0 {
				t.Errorf("after %s another URL was asked", fault)
			}
		})
	}
}

func TestAfterUnknownTheOtherURLsAreAsked(t *testing.T) {
	for _, tt := range []struct {
		second ocsptest.Fault
		want   ocspsvc.Reason
	}{
		{ocsptest.Good, ocspsvc.ReasonGood},
		{ocsptest.Revoked, ocspsvc.ReasonRevoked},
		{ocsptest.Unknown, ocspsvc.ReasonUnknown},
		{ocsptest.HTTP500, ocspsvc.ReasonUnknown},
		{ocsptest.BadSignature, ocspsvc.ReasonUnknown},
		{ocsptest.Hang, ocspsvc.ReasonUnknown},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.Name("first.example", "8.8.4.4", "8.8.4.5")
			first := w.another("8.8.4.4:80", ocsptest.Unknown)
			again := w.another("8.8.4.5:80", ocsptest.Good)
			w.responder.Set(tt.second)
			w.urls("http://first.example/", "http://ocsp.example/")
			w.wantReason(tt.want)
			if first.Count() == 0 || again.Count() != 0 {
				t.Errorf("the first URL's addresses were asked %d and %d times", first.Count(), again.Count())
			}
		})
	}
}

func TestBlockedAddressesAreSkippedAndNeverDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Move("ocsp.example")
		w.Name("ocsp.example", "10.0.0.1", "127.0.0.1", "8.8.8.8")
		w.another("10.0.0.1:80", ocsptest.Good)
		w.wantReason(ocspsvc.ReasonGood)
		if got := w.Dials(); !slices.Equal(got, []string{"8.8.8.8:80"}) {
			t.Errorf("dialled %v", got)
		}
	})
}

func TestOnlyBlockedAddressesIsABlockedAddress(t *testing.T) {
	for _, url := range []string{
		"http://inside.example/", "http://127.0.0.1:9000/", "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://169.254.169.254/",
		"http://0x7f.1/", "http://user@ocsp.example/", "http://ocsp.example/#f", "http://ocsp.example:0/", "http://%zz/",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.Name("inside.example", "10.0.0.1")
			w.urls(url)
			w.wantReason(ocspsvc.ReasonBlockedAddress)
			if got := w.Dials(); len(got) != 0 {
				t.Errorf("%s: dialled %v", url, got)
			}
		})
	}
}

func TestABlockedAddressSaysHowToAllowIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Name("inside.example", "10.0.0.1")
		w.urls("http://inside.example/")
		_, err := w.fetch()
		if err == nil || !strings.Contains(err.Error(), `"allow inside.example"`) {
			t.Errorf("error = %v", err)
		}
		if blocked := new(netguard.BlockedError); !errors.As(err, &blocked) {
			t.Errorf("no *netguard.BlockedError inside %v", err)
		}
	})
}

func TestAllowedNetworksAreAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.another("10.0.0.1:8080", ocsptest.Good)
		w.urls("http://10.0.0.1:8080/ocsp")
		c, err := client.New(client.Config{}, w.guard("10.0.0.0/8"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Fetch(t.Context(), w.leaf.Cert, w.ca.Cert); err != nil {
			t.Error(err)
		}
	})
}

func TestTheReasonIsOfTheAttemptThatGotFurthest(t *testing.T) {
	for _, tt := range []struct {
		urls []string
		want ocspsvc.Reason
	}{
		{[]string{"http://nowhere.example/", "http://inside.example/"}, ocspsvc.ReasonBlockedAddress},
		{[]string{"http://inside.example/", "http://broken.example/"}, ocspsvc.ReasonHTTPError},
		{[]string{"http://foreign.example/", "http://broken.example/"}, ocspsvc.ReasonBadSignature},
		{[]string{"http://later.example/", "http://broken.example/", "http://nowhere.example/"}, ocspsvc.ReasonResponderError},
		{[]string{"http://nowhere.example/"}, ocspsvc.ReasonUnreachable},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.Name("inside.example", "10.0.0.1")
			w.Name("broken.example", "8.8.4.1")
			w.Name("foreign.example", "8.8.4.2")
			w.Name("later.example", "8.8.4.3")
			w.another("8.8.4.1:80", ocsptest.HTTP404)
			w.another("8.8.4.2:80", ocsptest.BadSignature)
			w.another("8.8.4.3:80", ocsptest.TryLater)
			w.urls(tt.urls...)
			w.wantReason(tt.want)
		})
	}
}

func TestACancelledContextEndsTheRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.responder.Set(ocsptest.Hang)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := w.client(client.Config{}).Fetch(ctx, w.leaf.Cert, w.ca.Cert)
		if took := time.Since(start); took != time.Second || !errors.Is(err, context.Canceled) {
			t.Errorf("after %v: %v", took, err)
		}
		_, err = w.client(client.Config{}).Fetch(ctx, w.leaf.Cert, w.ca.Cert)
		if !errors.Is(err, context.Canceled) || ocspsvc.ReasonOf(err) != ocspsvc.ReasonTimeout || w.responder.Count() != 1 {
			t.Errorf("with a context that had ended before: %v, %d requests in all", err, w.responder.Count())
		}
	})
}

// The race detector sees what the rounds share.
func TestAClientMayBeUsedConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.responder.Change(func(s *ocsptest.Settings) { s.Only, s.Delay = "POST", time.Millisecond })
		c := w.client(client.Config{})
		done := make(chan error)
		for range 100 {
			go func() {
				_, err := c.Fetch(t.Context(), w.leaf.Cert, w.ca.Cert)
				done <- err
			}()
		}
		for range 100 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}
