package acme_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme"
	"dwaar/acme/issuing"
	"dwaar/ocspsvc"
)

// oracle is the service behind the ask URL.
type oracle struct {
	mu        sync.Mutex
	permitted map[string]bool
	status    int // instead, if not 0
	hangs     bool
	asked     []string
}

func newOracle(names ...string) *oracle {
	o := &oracle{permitted: map[string]bool{}}
	for _, name := range names {
		o.permitted[name] = true
	}
	return o
}

func (o *oracle) set(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

func (o *oracle) questions() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.asked)
}

func (o *oracle) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	name := r.URL.Query().Get("domain")
	o.asked = append(o.asked, r.URL.String())
	status, hangs := http.StatusForbidden, o.hangs
	if o.permitted[name] {
		status = http.StatusOK
	}
	if o.status != 0 {
		status = o.status
	}
	o.mu.Unlock()
	if hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	w.WriteHeader(status)
	return w.Result(), nil
}

// demanding is a config for on-demand names.
func demanding(names ...string) acme.Config {
	p := policy(names...)
	return acme.Config{OnDemand: &acme.OnDemand{Ask: "http://ask.example/may?key=1", Policies: []acme.Policy{p}}}
}

// open starts a node that gets every name on demand that the oracle permits.
func open(t *testing.T, asks *oracle) (*office, *node) {
	o := newOffice(t)
	return o, start(t, demanding(""), o, acme.WithTransport(asks))
}

func TestAPermittedNameIsObtainedWhileTheClientWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asks := newOracle("a.example")
		o, n := open(t, asks)
		c, err := n.Obtain(t.Context(), "A.example.")
		if err != nil || c.Name != "a.example" || c.Source != acme.SourceOnDemand {
			t.Fatalf("Obtain = %q, %q, %v", c.Name, c.Source, err)
		}
		if got := asks.questions(); !slices.Equal(got, []string{"http://ask.example/may?domain=a.example&key=1"}) {
			t.Errorf("asked %q", got)
		}
		again, err := n.Obtain(t.Context(), "a.example")
		if err != nil || string(again.CertPEM) != string(c.CertPEM) || len(asks.questions()) != 1 || o.ca.count() != 1 {
			t.Errorf("the second time: %v, %d questions, %d orders", err, len(asks.questions()), o.ca.count())
		}
	})
}

func TestANameThatIsNotPermittedCostsNoDiskAndNoOrder(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*oracle){
		"refused":    func(*oracle) {},
		"not found":  func(o *oracle) { o.status = http.StatusNotFound },
		"created":    func(o *oracle) { o.status = http.StatusCreated },
		"redirected": func(o *oracle) { o.status = http.StatusFound },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asks := newOracle()
				prepare(asks)
				o, n := open(t, asks)
				for range 10 {
					if _, err := n.Obtain(t.Context(), "evil.example"); !errors.Is(err, acme.ErrNotPermitted) {
						t.Fatalf("Obtain = %v, want ErrNotPermitted", err)
					}
				}
				if o.vault.readCount() != 0 || o.ca.count() != 0 {
					t.Errorf("%d reads and %d orders for it, want none", o.vault.readCount(), o.ca.count())
				}
				if got := len(asks.questions()); got != 1 {
					t.Errorf("asked %d times within a minute, want once", got)
				}
				time.Sleep(61 * time.Second)
				asks.set(func() { asks.permitted["evil.example"], asks.status = true, 0 })
				if _, err := n.Obtain(t.Context(), "evil.example"); err != nil {
					t.Errorf("once it is permitted: %v", err)
				}
			})
		})
	}
}

func TestNamesThatCannotBeAreNotAskedAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asks := newOracle()
		_, n := open(t, asks)
		for _, name := range []string{
			"", "localhost", "10.0.0.1", "::1", "*.example.com", "a..example", "-a.example", "a_b.example", "a.example/x", "a example.com",
			"ä.example", "a.example?domain=b", "1.2.3.400", fmt.Sprintf("%0254d.example", 1), fmt.Sprintf("%064d.example", 1),
		} {
			if _, err := n.Obtain(t.Context(), name); !errors.Is(err, acme.ErrBadName) {
				t.Errorf("Obtain(%q) = %v, want ErrBadName", name, err)
			}
		}
		if len(asks.questions()) != 0 {
			t.Errorf("asked %q", asks.questions())
		}
	})
}

func TestOnlyNamesOfAPolicyAreAskedAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asks := newOracle("a.shop.example", "a.b.shop.example", "other.example")
		o := newOffice(t)
		exact := policy("a.shop.example")
		exact.Issuers = []issuing.IssuerConfig{{CA: "https://other.example/directory"}}
		cfg := demanding("*.shop.example")
		cfg.OnDemand.Policies = append(cfg.OnDemand.Policies, exact)
		n := start(t, cfg, o, acme.WithTransport(asks))
		for _, name := range []string{"a.b.shop.example", "other.example", "shop.example"} {
			if _, err := n.Obtain(t.Context(), name); !errors.Is(err, acme.ErrNotPermitted) {
				t.Errorf("Obtain(%s) = %v, want ErrNotPermitted", name, err)
			}
		}
		if len(asks.questions()) != 0 {
			t.Errorf("asked %q", asks.questions())
		}
		if _, err := n.Obtain(t.Context(), "a.shop.example"); err != nil {
			t.Error(err)
		}
		if o.vault.certs["https://other.example/directory a.shop.example"] == nil {
			t.Error("the most exact policy does not count")
		}
	})
}

func TestManyClientsOfOneNameAreOneOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asks := newOracle("a.example")
		o, n := open(t, asks)
		var clients sync.WaitGroup
		for range acme.DefaultOnDemandWaiting {
			clients.Go(func() {
				if _, err := n.Obtain(t.Context(), "a.example"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		before := time.Now()
		if _, err := n.Obtain(t.Context(), "a.example"); !errors.Is(err, acme.ErrBusy) || time.Since(before) > 0 {
			t.Errorf("one client too many: %v after %v, want ErrBusy at once", err, time.Since(before))
		}
		clients.Wait()
		if len(asks.questions()) != 1 || o.ca.count() != 1 {
			t.Errorf("%d questions and %d orders, want one of each", len(asks.questions()), o.ca.count())
		}
	})
}

func TestOrdersOnDemandAreBoundedAndDelayNoSite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.ca.takes = 10 * time.Second
		cfg := demanding("")
		n := start(t, cfg, o, acme.WithTransport(newOracle(numbered(50)...)))
		for _, name := range numbered(50) {
			go n.Obtain(t.Context(), name)
		}
		time.Sleep(5 * time.Second)
		if o.ca.peak() != acme.DefaultOnDemandConcurrent {
			t.Errorf("%d orders at the same time, want %d", o.ca.peak(), acme.DefaultOnDemandConcurrent)
		}
		cfg.Policies = []acme.Policy{policy("site.example")}
		if err := n.Reconfigure(cfg); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		n.wantState(t, "beside 50 on-demand names", "site.example", acme.Valid)
		time.Sleep(5 * time.Minute)
	})
}

// Clients that go away leave their names behind, but not without bound.
func TestNamesOnTheirWayAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		asks := newOracle()
		asks.hangs = true
		cfg := demanding("")
		cfg.OnDemand.Waiting = 10
		n := start(t, cfg, o, acme.WithTransport(asks))
		busy := 0
		for _, name := range numbered(30) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_, err := n.Obtain(ctx, name)
			cancel()
			switch {
			case errors.Is(err, acme.ErrBusy):
				busy++
			case !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("Obtain = %v", err)
			}
		}
		if busy != 20 {
			t.Errorf("%d of 30 were refused, want 20", busy)
		}
		time.Sleep(6 * time.Second) // the questions have ended
		asks.set(func() { asks.hangs, asks.permitted["a.example"] = false, true })
		if _, err := n.Obtain(t.Context(), "a.example"); err != nil {
			t.Errorf("when there is room again: %v", err)
		}
	})
}

func TestAnAskURLThatHangsIsGivenUpAfterFiveSecondsAndAskedAgainSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asks := newOracle("a.example")
		asks.hangs = true
		o, n := open(t, asks)
		before := time.Now()
		if _, err := n.Obtain(t.Context(), "a.example"); !errors.Is(err, acme.ErrNotAsked) || time.Since(before) != 5*time.Second {
			t.Errorf("Obtain = %v after %v, want ErrNotAsked after 5 s", err, time.Since(before))
		}
		asks.set(func() { asks.hangs, asks.status = false, http.StatusBadGateway })
		time.Sleep(11 * time.Second)
		if _, err := n.Obtain(t.Context(), "a.example"); !errors.Is(err, acme.ErrNotAsked) {
			t.Errorf("Obtain = %v, want ErrNotAsked for a server error", err)
		}
		asks.set(func() { asks.status = 0 })
		time.Sleep(11 * time.Second)
		if _, err := n.Obtain(t.Context(), "a.example"); err != nil {
			t.Error(err)
		}
		if o.ca.count() != 1 {
			t.Errorf("%d orders, want 1", o.ca.count())
		}
	})
}

func TestFailedOrdersOnDemandBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asks := newOracle("a.example")
		o, n := open(t, asks)
		o.ca.fail(errDown)
		for end := time.Now().Add(24 * time.Hour); time.Now().Before(end); time.Sleep(10 * time.Second) {
			if _, err := n.Obtain(t.Context(), "a.example"); !errors.Is(err, errDown) {
				t.Fatalf("Obtain = %v, want the CA's error", err)
			}
		}
		if got := o.ca.count(); got < 24 || got > 31 {
			t.Errorf("%d orders in a day of clients, want about one an hour", got)
		}
		o.ca.fail(nil)
		time.Sleep(67 * time.Minute)
		if _, err := n.Obtain(t.Context(), "a.example"); err != nil {
			t.Error(err)
		}
	})
}

func TestFailuresBeforeASuccessAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n := open(t, newOracle("a.example"))
		o.ca.fail(errDown)
		for range 5 {
			n.Obtain(t.Context(), "a.example")
			time.Sleep(time.Hour)
		}
		o.ca.fail(nil)
		if _, err := n.Obtain(t.Context(), "a.example"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(65 * day) // nobody uses it
		o.vault.set(func() { clear(o.vault.certs) })
		o.ca.fail(errDown)
		n.Obtain(t.Context(), "a.example")
		o.ca.fail(nil)
		time.Sleep(70 * time.Second)
		if _, err := n.Obtain(t.Context(), "a.example"); err != nil {
			t.Errorf("more than a minute after a first failure: %v", err)
		}
	})
}

func TestAnOrderGoesOnWhenItsClientGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n := open(t, newOracle("a.example"))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := n.Obtain(ctx, "a.example"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Obtain = %v, want the client's own end", err)
		}
		time.Sleep(2 * time.Second)
		before := time.Now()
		if _, err := n.Obtain(t.Context(), "a.example"); err != nil || time.Since(before) > 0 || o.ca.count() != 1 {
			t.Errorf("the next client: %v after %v, %d orders", err, time.Since(before), o.ca.count())
		}
	})
}

func TestWhatIsStoredForAPermittedNameIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n := open(t, newOracle("a.example"))
		stored := issue(t, "a.example", 90*day, nil)
		o.vault.put(publicCA, stored)
		c, err := n.Obtain(t.Context(), "a.example")
		if err != nil || string(c.CertPEM) != string(stored.CertPEM) || o.ca.count() != 0 {
			t.Errorf("Obtain: %v, %d orders, want the stored one", err, o.ca.count())
		}
	})
}

func TestOnDemandCertificatesAreRenewedWhileTheyAreUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asks := newOracle("used.example", "asked.example", "unused.example", "left.example")
		o, n := open(t, asks)
		for _, name := range []string{"used.example", "asked.example", "unused.example", "left.example"} {
			if _, err := n.Obtain(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(50 * day)
		n.Used("used.example")
		if _, err := n.Obtain(t.Context(), "asked.example"); err != nil {
			t.Error(err)
		}
		n.Used("left.example")
		asks.set(func() { delete(asks.permitted, "left.example") })
		time.Sleep(15 * day)
		if got := o.ca.count(); got != 6 {
			t.Errorf("%d orders, want 4 and two renewals", got)
		}
		n.wantState(t, "after 65 days", "used.example", acme.Valid)
		n.wantState(t, "after 65 days", "asked.example", acme.Valid)
		for _, name := range []string{"unused.example", "left.example"} {
			if _, kept := n.Status(name); kept {
				t.Errorf("%s is still kept", name)
			}
			if told := n.told.list(); !slices.Contains(told[4:], name) {
				t.Errorf("OnChange was told %q, not that %s is kept no longer", told, name)
			}
		}
		if _, err := n.Obtain(t.Context(), "unused.example"); err != nil {
			t.Error(err)
		}
		within(t, time.Minute, "the renewal of what is used again", func() bool { return o.ca.count() == 7 })
		if _, err := n.Obtain(t.Context(), "left.example"); !errors.Is(err, acme.ErrNotPermitted) {
			t.Errorf("Obtain = %v, want ErrNotPermitted", err)
		}
	})
}

func TestTheLeastUsedMakesRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		cfg := demanding("")
		cfg.OnDemand.Keep = 3
		n := start(t, cfg, o, acme.WithTransport(newOracle(numbered(4)...)))
		names := numbered(4)
		for _, name := range names[:3] {
			if _, err := n.Obtain(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		n.Used(names[0])
		n.Used(names[2])
		if _, err := n.Obtain(t.Context(), names[3]); err != nil {
			t.Fatal(err)
		}
		if _, kept := n.Status(names[1]); kept || len(slices.Collect(n.Certificates())) != 3 {
			t.Error("the one that was used least recently did not make room")
		}
		synctest.Wait()
		if told := n.told.list(); !slices.Equal(told, append(names, names[1])) {
			t.Errorf("OnChange was told %q", told)
		}
	})
}

func TestWhatIsDroppedMakesRoomToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		cfg := demanding("")
		cfg.OnDemand.Keep = 2
		n := start(t, cfg, o, acme.WithTransport(newOracle("used.example", "unused.example", "new.example")))
		for _, name := range []string{"used.example", "unused.example"} {
			if _, err := n.Obtain(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(50 * day)
		n.Used("used.example")
		time.Sleep(15 * day)
		if _, err := n.Obtain(t.Context(), "new.example"); err != nil {
			t.Fatal(err)
		}
		n.wantState(t, "with room for two", "used.example", acme.Valid)
	})
}

func TestARevokedOnDemandCertificateIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n := open(t, newOracle("a.example"))
		c, err := n.Obtain(t.Context(), "a.example")
		if err != nil {
			t.Fatal(err)
		}
		n.Revoked(fingerprint(t, c.CertPEM), revoked())
		time.Sleep(2 * time.Second)
		again, err := n.Obtain(t.Context(), "a.example")
		if err != nil || string(again.KeyPEM) == string(c.KeyPEM) || len(o.vault.quarantined()) != 1 {
			t.Errorf("%v, %d in quarantine, want another certificate", err, len(o.vault.quarantined()))
		}
	})
}

func TestASiteOfTheConfigThatIsMissingIsNotForStrangersToAskFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.ca.fail(errDown)
		asks := newOracle("site.example")
		cfg := demanding("")
		cfg.Policies = []acme.Policy{policy("site.example")}
		n := start(t, cfg, o, acme.WithTransport(asks))
		if _, err := n.Obtain(t.Context(), "site.example"); !errors.Is(err, acme.ErrPending) || len(asks.questions()) != 0 {
			t.Errorf("Obtain = %v, %q asked, want ErrPending", err, asks.questions())
		}
	})
}

func TestWithoutOnDemandEveryNameIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, sites("a.example"), newOffice(t))
		if _, err := n.Obtain(t.Context(), "b.example"); !errors.Is(err, acme.ErrNotPermitted) {
			t.Errorf("Obtain = %v, want ErrNotPermitted", err)
		}
	})
}

// A reload may make an on-demand name a site, or end on-demand, with clients waiting.
func TestReloadsWhileClientsWait(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  acme.Config
		want error
	}{"a site": {sites("a.example"), acme.ErrPending}, "ended": {sites("b.example"), acme.ErrNotPermitted}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, n := open(t, newOracle("a.example"))
				got := make(chan error)
				go func() {
					_, err := n.Obtain(t.Context(), "a.example")
					got <- err
				}()
				time.Sleep(500 * time.Millisecond)
				if err := n.Reconfigure(c.cfg); err != nil {
					t.Fatal(err)
				}
				if err := <-got; !errors.Is(err, c.want) {
					t.Errorf("Obtain = %v, want %v", err, c.want)
				}
				time.Sleep(10 * time.Second)
				if _, kept := n.Certificate("a.example"); kept != (name == "a site") {
					t.Errorf("kept afterwards: %v", kept)
				}
				_ = o
			})
		})
	}
}

// Of what is on demand, a verdict about something else changes nothing.
func TestVerdictsThatAreNotRevokedAreNoNews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n := open(t, newOracle("a.example"))
		c, err := n.Obtain(t.Context(), "a.example")
		if err != nil {
			t.Fatal(err)
		}
		n.Revoked(fingerprint(t, c.CertPEM), ocspsvc.Verdict{Status: ocspsvc.Unknown})
		time.Sleep(time.Hour)
		if o.ca.count() != 1 {
			t.Error("it was replaced")
		}
	})
}

// The real way to the ask URL: no redirect is followed, and no body is waited for.
func TestTheAskURLOverHTTP(t *testing.T) {
	t.Parallel()
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("domain") {
		case "yes.example":
		case "away.example":
			http.Redirect(w, r, other.URL, http.StatusFound)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer server.Close()
	o := newOffice(t)
	o.ca.takes = 0
	cfg := demanding("")
	cfg.OnDemand.Ask = server.URL + "/ask"
	n := start(t, cfg, o)
	defer n.stop()
	if _, err := n.Obtain(t.Context(), "yes.example"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"away.example", "no.example"} {
		if _, err := n.Obtain(t.Context(), name); !errors.Is(err, acme.ErrNotPermitted) {
			t.Errorf("Obtain(%s) = %v, want ErrNotPermitted", name, err)
		}
	}
	if elsewhere != 0 {
		t.Error("a redirect was followed")
	}
}
