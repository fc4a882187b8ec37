package stapler_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/respstore"
	"dwaar/ocspsvc/stapler"
)

func testFloat(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// door is a Keeper in front of certificates that somebody else keeps.
type door struct {
	t       *testing.T
	ca      *ocsptest.CA
	one     *ocsptest.Responder
	network *network
	keeper  *stapler.Keeper
}

func openDoor(t *testing.T, cfg stapler.KeeperConfig, disk respstore.Storage) *door {
	t.Helper()
	d := &door{t: t, ca: ocsptest.NewCA(t)}
	d.one = ocsptest.NewResponder(t, d.ca)
	d.network = newNetwork(map[string]stapler.Fetcher{"one.example": d.one})
	book := ocsptest.NewBook(t)
	k, err := stapler.NewKeeper(cfg, d.network, respstore.New(disk, book.Log), book.Log)
	if err != nil {
		t.Fatal(err)
	}
	d.keeper = k
	return d
}

// leaf makes a certificate as a program would have it.
func (d *door) leaf(opts ...ocsptest.Option) *tls.Certificate {
	cert := plain(opts...)(d.t)(d.ca).TLS()
	return &cert
}

func (d *door) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.keeper.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Errorf("Run = %v", err)
		}
	})
	d.t.Cleanup(stop)
	return stop
}

// hello is a ClientHello that asks for a staple.
var hello = &tls.ClientHelloInfo{ServerName: "localhost", Extensions: []uint16{5}}

// serve is what a handshake for cert would get.
func (d *door) serve(cert *tls.Certificate) *tls.Certificate {
	d.t.Helper()
	got, err := d.keeper.GetCertificate(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return cert, nil })(hello)
	if err != nil {
		d.t.Fatal(err)
	}
	return got
}

func TestAnUnknownCertificateIsServedBareAndTheNextTimeStapled(t *testing.T) { // S2
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, stapler.KeeperConfig{}, newDisk())
		withLeaf, withoutLeaf := d.leaf(), d.leaf()
		withoutLeaf.Leaf = nil
		certs := map[string]*tls.Certificate{"with Leaf": withLeaf, "without Leaf": withoutLeaf}
		for name, cert := range certs {
			if got := d.serve(cert); got != cert {
				t.Errorf("%s: the first handshake got a copy", name)
			}
		}
		d.run()
		time.Sleep(2 * time.Second)
		for name, cert := range certs {
			before := *cert
			got := d.serve(cert)
			if len(got.OCSPStaple) == 0 || got == cert {
				t.Errorf("%s: the next handshake is not stapled", name)
			}
			if len(cert.OCSPStaple) != 0 || cert.Leaf != before.Leaf {
				t.Errorf("%s: the caller's certificate was changed", name)
			}
			if d.serve(cert) != got {
				t.Errorf("%s: an unchanged certificate was copied again", name)
			}
		}
	})
}

func TestAKeeperPassesOnWhatIsNoneOfItsBusiness(t *testing.T) {
	d := openDoor(t, stapler.KeeperConfig{}, nil)
	oops := errors.New("no such name")
	get := d.keeper.GetCertificate(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, oops })
	if _, err := get(hello); err != oops {
		t.Errorf("err = %v", err)
	}
	for _, cert := range []*tls.Certificate{nil, {}} {
		if got := d.serve(cert); got != cert {
			t.Errorf("%v became %v", cert, got)
		}
	}
}

func TestTheCertificateOfAChallengeIsNotKept(t *testing.T) { // RFC 8737
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, stapler.KeeperConfig{}, nil)
		d.run()
		challenge := d.leaf()
		get := d.keeper.GetCertificate(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return challenge, nil })
		if got, err := get(&tls.ClientHelloInfo{SupportedProtos: []string{"acme-tls/1"}}); err != nil || got != challenge {
			t.Fatal(got, err)
		}
		time.Sleep(time.Minute)
		if d.one.Count() > 0 {
			t.Error("somebody was asked about it")
		}
	})
}

func TestACertificateThatWasLetGoAndCameBackAtOnceIsStapled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, stapler.KeeperConfig{Size: 1}, nil)
		first := d.leaf()
		if err := d.keeper.Preload(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		d.serve(d.leaf())
		d.serve(first)
		d.network.set("one.example", down)
		d.run()
		synctest.Wait()
		if d.serve(first).OCSPStaple == nil {
			t.Error("its new entry has no staple")
		}
	})
}

func TestNewsThatDoNotFitInAreFoundAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, stapler.KeeperConfig{Size: 20_000}, nil)
		for i := range 10_000 {
			d.serve(&tls.Certificate{Certificate: [][]byte{[]byte(strconv.Itoa(i))}})
		}
		late := d.leaf()
		d.serve(late)
		d.run()
		time.Sleep(2 * time.Second)
		if d.serve(late).OCSPStaple == nil {
			t.Error("one that came after 10,000 others was lost")
		}
	})
}

func TestAKeeperNeverServesAStapleOutsideItsWindow(t *testing.T) { // S3
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, stapler.KeeperConfig{}, newDisk())
		cert := d.leaf()
		cert.OCSPStaple = []byte("what somebody else attached, unverified")
		d.run()
		if got := d.serve(cert); string(got.OCSPStaple) == string(cert.OCSPStaple) {
			t.Error("an unverified staple was passed on")
		}
		time.Sleep(2 * time.Second)
		if got := d.serve(cert); string(got.OCSPStaple) == string(cert.OCSPStaple) || got.OCSPStaple == nil {
			t.Errorf("staple = %q", got.OCSPStaple)
		}
		end := d.keeper.Status(fingerprint(cert.Certificate[0])).NextUpdate
		d.network.set("one.example", down)
		time.Sleep(time.Until(end) - time.Nanosecond)
		if d.serve(cert).OCSPStaple == nil {
			t.Error("gone before nextUpdate")
		}
		time.Sleep(time.Nanosecond)
		if d.serve(cert).OCSPStaple != nil {
			t.Error("served at nextUpdate")
		}
	})
}

func TestPreloadStaplesTheFirstHandshake(t *testing.T) { // S1
	synctest.Test(t, func(t *testing.T) {
		files := newDisk()
		d := openDoor(t, stapler.KeeperConfig{}, files)
		certs := []*tls.Certificate{d.leaf(), d.leaf(), d.leaf()}
		if err := d.keeper.Preload(t.Context(), certs...); err != nil {
			t.Fatal(err)
		}
		for i, cert := range certs {
			if d.serve(cert).OCSPStaple == nil {
				t.Errorf("certificate %d is not stapled", i)
			}
		}
		restarted, err := stapler.NewKeeper(stapler.KeeperConfig{}, down, respstore.New(files, ocsptest.NewBook(t).Log), ocsptest.NewBook(t).Log)
		if err != nil {
			t.Fatal(err)
		}
		if err := restarted.Preload(t.Context(), certs...); err != nil {
			t.Fatal(err)
		}
		d.keeper = restarted
		if d.serve(certs[1]).OCSPStaple == nil {
			t.Error("not stapled from storage")
		}
		if err := restarted.Preload(t.Context(), certs[0], nil); err == nil || err.Error() != "stapler: certificate 1 to preload is empty" {
			t.Errorf("err = %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := restarted.Preload(ctx, d.leaf()); err != context.Canceled {
			t.Errorf("err = %v", err)
		}
	})
}

func TestAKeeperHoldsSoManyCertificatesAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, stapler.KeeperConfig{Size: 10}, newDisk())
		d.run()
		leaves := several(t, d.ca, 30, url1)
		for _, l := range leaves {
			cert := l.TLS()
			d.serve(&cert)
			time.Sleep(2 * time.Second)
		}
		synctest.Wait()
		known := 0
		for _, l := range leaves {
			if d.keeper.Status(l.Fingerprint()).State == stapler.Fresh {
				known++
			}
		}
		if known != 10 {
			t.Errorf("%d are kept, want 10", known)
		}
		cert := leaves[0].TLS() // one that was let go comes back, from storage
		d.network.set("one.example", down)
		d.serve(&cert)
		synctest.Wait()
		if d.serve(&cert).OCSPStaple == nil {
			t.Error("one that came back is not stapled")
		}
	})
}

func TestAFloodOfCertificatesLosesNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, stapler.KeeperConfig{Size: 50}, newDisk())
		leaves := several(t, d.ca, 200, url1)
		for _, l := range leaves { // nothing runs: the notes pile up
			cert := l.TLS()
			d.serve(&cert)
		}
		d.run()
		time.Sleep(2 * time.Minute)
		for _, l := range leaves[150:] {
			if got := d.keeper.Status(l.Fingerprint()); got.State != stapler.Fresh {
				t.Fatalf("one of the last 50 is %+v", got)
			}
		}
		if got := d.keeper.Status(leaves[0].Fingerprint()); got.State != stapler.None {
			t.Error("one that was let go is still kept")
		}
	})
}

func TestExpiredCertificatesAndResponsesAreLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := newDisk()
		d := openDoor(t, stapler.KeeperConfig{}, files)
		d.run()
		short, long := d.leaf(ocsptest.Validity(-day, day)), d.leaf()
		d.serve(short)
		d.serve(long)
		time.Sleep(3 * time.Second)
		time.Sleep(26 * time.Hour)
		if got := d.keeper.Status(fingerprint(short.Certificate[0])); got.State != stapler.None || got.Reason != ocspsvc.ReasonPending {
			t.Errorf("an expired certificate is still kept: %+v", got)
		}
		d.network.set("one.example", down)
		time.Sleep(10 * day)
		if got := d.keeper.Status(fingerprint(long.Certificate[0])); got.State != stapler.Stale || got.Reason != ocspsvc.ReasonExpired {
			t.Errorf("status = %+v", got)
		}
		d.network.set("one.example", d.one)
		time.Sleep(70 * time.Minute)
		if d.serve(long).OCSPStaple == nil {
			t.Error("not stapled again")
		}
		if files.count() != 1 {
			t.Errorf("%d stored staples, want that of the one certificate", files.count())
		}
	})
}

func TestARevokedCertificateIsServedBare(t *testing.T) { // S4
	synctest.Test(t, func(t *testing.T) {
		d := openDoor(t, stapler.KeeperConfig{}, newDisk())
		cert := d.leaf()
		d.run()
		d.serve(cert)
		time.Sleep(2 * time.Second)
		d.one.Set(ocsptest.Revoked)
		status, err := d.keeper.Refresh(t.Context(), fingerprint(cert.Certificate[0]))
		if err != nil || status.Reason != ocspsvc.ReasonRevoked || d.serve(cert).OCSPStaple != nil {
			t.Errorf("%+v, %v, staple %x", status, err, d.serve(cert).OCSPStaple)
		}
	})
}

func TestARealHandshakeCarriesTheStaple(t *testing.T) { // S5
	d := openDoor(t, stapler.KeeperConfig{}, nil)
	cert := d.leaf()
	if err := d.keeper.Preload(t.Context(), cert); err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{GetCertificate: d.keeper.GetCertificate(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return cert, nil })}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		a, b := net.Pipe()
		client := tls.Client(a, &tls.Config{RootCAs: d.ca.Pool(), ServerName: "localhost", MaxVersion: version})
		go tls.Server(b, config).Handshake()
		if err := client.Handshake(); err != nil {
			t.Fatal(err)
		}
		r, err := ocspsvc.ParseResponse(client.OCSPResponse())
		if err != nil {
			t.Fatalf("%s: %v", tls.VersionName(version), err)
		}
		if v, err := ocspsvc.Verify(r, client.ConnectionState().PeerCertificates[0], d.ca.Cert, time.Now(), ocspsvc.VerifyOptions{}); err != nil || v.Status != ocspsvc.Good {
			t.Errorf("%s: %v, %v", tls.VersionName(version), v.Status, err)
		}
		a.Close()
		b.Close()
	}
}

func TestABadKeeperConfigIsRefusedByName(t *testing.T) {
	if _, err := stapler.NewKeeper(stapler.KeeperConfig{Size: -1}, down, nil, nil); err == nil || err.Error() != "stapler: the size must not be negative, is -1" {
		t.Errorf("err = %v", err)
	}
	if _, err := stapler.NewKeeper(stapler.KeeperConfig{Config: stapler.Config{MaxAge: -1}}, down, nil, nil); err == nil {
		t.Error("a negative age was accepted")
	}
	if _, err := stapler.NewKeeper(stapler.KeeperConfig{}, nil, nil, nil); err == nil {
		t.Error("a missing fetcher was accepted")
	}
}

func TestAHandshakeOfAnUnchangedCertificateAllocatesNothing(t *testing.T) { // S2
	d := openDoor(t, stapler.KeeperConfig{}, nil)
	cert := d.leaf()
	if err := d.keeper.Preload(t.Context(), cert); err != nil {
		t.Fatal(err)
	}
	get := d.keeper.GetCertificate(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return cert, nil })
	if n := testing.AllocsPerRun(100, func() {
		if got, _ := get(hello); got.OCSPStaple == nil {
			t.Fatal("not stapled")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Everything at once, for the race detector.
func TestHandshakesReloadsAndRefreshesMayHappenAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{Pace: time.Millisecond, RefreshEvery: time.Second})
		leaves := several(t, b.ca, 12, url1)
		b.catalog.put(leaves...)
		b.run()
		registry := prometheus.NewRegistry()
		registry.MustRegister(b.service.Collectors()...)
		until := time.Now().Add(20 * time.Second)
		var all sync.WaitGroup
		do := func(pause time.Duration, f func(i int)) {
			all.Go(func() {
				for i := 0; time.Now().Before(until); i++ {
					f(i)
					time.Sleep(pause)
				}
			})
		}
		do(time.Millisecond, func(i int) { b.service.Asked(leaves[i%12].Fingerprint()) })
		do(7*time.Millisecond, func(i int) { b.service.Status(leaves[i%12].Fingerprint()) })
		do(31*time.Millisecond, func(i int) { _, _ = b.service.Refresh(t.Context(), leaves[i%12].Fingerprint()) })
		do(53*time.Millisecond, func(i int) {
			b.catalog.remove(leaves[i%6])
			b.service.Sync()
			b.catalog.put(leaves[i%6])
			b.service.Sync()
		})
		do(101*time.Millisecond, func(i int) {
			l := leaves[6+i%3]
			b.catalog.set(stapler.Certificate{Fingerprint: l.Fingerprint(), Chain: l.ChainDER(), Disabled: i%2 == 0})
			b.service.Sync()
		})
		do(211*time.Millisecond, func(i int) {
			_ = b.service.Reconfigure(stapler.Config{Pace: time.Millisecond, RefreshEvery: time.Duration(1+i%2) * time.Second}, b.network)
			b.service.StepClock(time.Now())
		})
		do(503*time.Millisecond, func(i int) {
			b.one.Set([]ocsptest.Fault{ocsptest.Good, ocsptest.HTTP500, ocsptest.Unknown, ocsptest.Revoked, ocsptest.NearFuture}[i%5])
			if _, err := registry.Gather(); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		b.catalog.put(leaves...)
		b.service.Sync()
		b.one.Set(ocsptest.Good)
		time.Sleep(10 * time.Minute)
		if n := b.catalog.serving(leaves); n != len(leaves) {
			t.Errorf("%d of %d are stapled in the end", n, len(leaves))
		}
		if _, lanes, waiting, watched := b.service.Sizes(); lanes != 1 || waiting != 12 || watched != 12 {
			t.Errorf("%d lanes, %d waiting, %d watched", lanes, waiting, watched)
		}
	})
}
