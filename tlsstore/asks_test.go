package tlsstore_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore"
)

func TestManyClientsShareOneAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.hang = make(chan struct{})
		s := o.opens(tlsstore.Config{}, demanding(""))
		var clients sync.WaitGroup
		for range 50 {
			clients.Go(func() {
				if _, err := (client{sni: "a.example"}).dial(s.TLSConfig(":443", nil)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(o.hang)
		clients.Wait()
		o.wasAsked("a.example")
	})
}

func TestAClientWaitsNoLongerThanItsHandshakeAndTheNextFindsTheCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.hang = make(chan struct{})
		s := o.opens(tlsstore.Config{}, demanding(""), on(o.ca.leaf("b.example").pair(t), "b.example"))
		began := time.Now()
		if err := handshakeFor(s, "a.example", 10*time.Second); err == nil || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v, want an error after 10s", err, time.Since(began))
		}
		began = time.Now()
		shown(t, s, "b.example")
		if took := time.Since(began); took != 0 {
			t.Errorf("the other certificate took %v", took)
		}
		close(o.hang)
		synctest.Wait()
		o.shows(s, "a.example")
		o.wasAsked("a.example")
	})
}

// handshakeFor is the server's side of a handshake with a time limit.
func handshakeFor(s *tlsstore.Store, sni string, limit time.Duration) error {
	near, far := net.Pipe()
	defer far.Close()
	go func() {
		defer near.Close()
		_ = tls.Client(near, &tls.Config{ServerName: sni, InsecureSkipVerify: true}).Handshake()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return tls.Server(far, s.TLSConfig(":443", nil)).HandshakeContext(ctx)
}

func TestAskingThatNeverEndsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.hang = make(chan struct{})
		s := o.opens(tlsstore.Config{}, demanding(""))
		began := time.Now()
		client{sni: "a.example"}.refused(t, s) // a handshake without a limit of its own
		if took := time.Since(began); took != 3*time.Minute {
			t.Errorf("given up after %v, want 3m", took)
		}
	})
}

func TestHowManyWaitIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.hang = make(chan struct{})
		known := o.ca.leaf("b.example")
		var log logbook
		s := newLoggedStore(t, log.logger(), tlsstore.Config{}, demanding(""), on(known.pair(t), "b.example"))
		s.OnDemand(tlsstore.OnDemand{Obtain: o.obtain, Load: o.load})
		var clients sync.WaitGroup
		wait := func(n int, name func(int) string) {
			for i := range n {
				clients.Go(func() { _ = handshakeFor(s, name(i), time.Minute) })
			}
			synctest.Wait()
		}
		one := func(int) string { return "a.example" }
		atOnce := func(name string) {
			t.Helper()
			began := time.Now()
			client{sni: name}.refused(t, s)
			if took := time.Since(began); took != 0 {
				t.Errorf("%s is refused after %v", name, took)
			}
		}
		many := func(i int) string { return fmt.Sprintf("n%d.example", i) }
		wait(100, one)
		atOnce("a.example")
		wait(900, many)
		atOnce("c.example")
		atOnce("n0.example")
		if n := refusals(t, s); n != 3 || log.count("level=WARN") != 1 || log.count("reason=busy") != 1 {
			t.Errorf("%v refusals, log:\n%s", n, log.String())
		}
		shown(t, s, "b.example") // who needs to wait for nothing is served
		time.Sleep(time.Minute)  // all have gone, and their certificates are still being got
		clients.Wait()
		wait(99, func(i int) string { return fmt.Sprintf("m%d.example", i) })
		atOnce("c.example")
		wait(100, one)
		if n := refusals(t, s); n != 1000+4 {
			t.Errorf("%v refusals, want none for those who wait now", n)
		}
		close(o.hang)
		clients.Wait()
		synctest.Wait()
		o.shows(s, "c.example")
	})
}

func TestTheEndOfRunEndsTheGettingOfCertificates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.hang = make(chan struct{})
		s := o.opens(tlsstore.Config{}, demanding(""))
		stop := run(t, s)
		var clients sync.WaitGroup
		clients.Go(func() { client{sni: "a.example"}.refused(t, s) })
		synctest.Wait()
		began := time.Now()
		stop()
		clients.Wait()
		client{sni: "b.example"}.refused(t, s)
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
		o.wasAsked("a.example")
	})
}
