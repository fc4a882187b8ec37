package integration

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
	"dwaar/integration/internal/wait"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
	ocspresponder "dwaar/ocspsvc/responder"
)

// BenchmarkResponder tells what an answer costs the process of the responder, or of
// a relay in front of it, beside openssl's on the same machine in the same run:
//
//	go -C integration test -run '^$' -bench Responder -count 3 .
//
// The first figure to look at is utime+stime per answer, which holds where the
// machine has other things to do. Each server has one processor. openssl takes
// one request for each connection, and signs each answer.
func BenchmarkResponder(b *testing.B) {
	r := newRegistry(b, "")
	leaf := r.leaf("leaf")
	r.do("add", r.path("leaf.pem"))
	b.Setenv("GOMAXPROCS", "1")
	plain := func(int) []byte { return r.question(leaf.SerialNumber, nil) }
	signed := func(int) []byte { return r.question(leaf.SerialNumber, nonce()) }
	b.Run("openssl", func(b *testing.B) {
		o := responder.NewOpenSSL(b, r.ca, "-nmin", "60")
		o.Add(&pki.Leaf{Cert: leaf, Issuer: r.ca})
		o.Start()
		measure(b, asking{url: o.URL(), pid: o.Pid(), answers: 5_000, askers: 1, connectionEach: true, question: plain})
	})
	b.Run("signed", func(b *testing.B) {
		s := dwaar.StartResponder(b, binaries.Plain, r.flags...)
		measure(b, asking{url: s.URL, pid: s.Pid(), answers: 20_000, askers: 8, question: signed})
	})
	b.Run("signed,connection-each", func(b *testing.B) {
		s := dwaar.StartResponder(b, binaries.Plain, r.flags...)
		measure(b, asking{url: s.URL, pid: s.Pid(), answers: 5_000, askers: 1, connectionEach: true, question: signed})
	})
	b.Run("cached", func(b *testing.B) {
		s := dwaar.StartResponder(b, binaries.Plain, r.flags...)
		measure(b, asking{url: s.URL, pid: s.Pid(), answers: 50_000, askers: 8, question: plain})
	})
	b.Run("cached,get", func(b *testing.B) {
		s := dwaar.StartResponder(b, binaries.Plain, r.flags...)
		measure(b, asking{url: s.URL, pid: s.Pid(), answers: 50_000, askers: 8, get: true, question: plain})
	})
	b.Run("relay", func(b *testing.B) {
		s := r.relay(b)
		measure(b, asking{url: s.URL, pid: s.Pid(), answers: 50_000, askers: 8, question: plain})
	})
	b.Run("relay,get", func(b *testing.B) {
		s := r.relay(b)
		measure(b, asking{url: s.URL, pid: s.Pid(), answers: 50_000, askers: 8, get: true, question: plain})
	})
	b.Run("cached,as-a-site", func(b *testing.B) {
		s := r.site(b)
		measure(b, asking{url: fmt.Sprintf("http://127.0.0.1:%d", s.HTTP), pid: s.PID(), answers: 50_000, askers: 8, question: plain})
	})
	for _, rows := range []int{20_000, 1_000_000} {
		r.fill(b, rows)
		serial := func(i int) *big.Int { return big.NewInt(1 + int64(i)*7919%int64(rows)) }
		b.Run(fmt.Sprintf("signed,rows=%d", rows), func(b *testing.B) { // all different: each is read and signed
			s := dwaar.StartResponder(b, binaries.Plain, r.flags...)
			measure(b, asking{url: s.URL, pid: s.Pid(), answers: 20_000, askers: 8, question: func(i int) []byte { return r.question(serial(i), nonce()) }})
		})
		b.Run(fmt.Sprintf("cached,rows=%d", rows), func(b *testing.B) {
			s := dwaar.StartResponder(b, binaries.Plain, r.flags...)
			measure(b, asking{url: s.URL, pid: s.Pid(), answers: 50_000, askers: 8, question: func(i int) []byte { return r.question(serial(i%100), nil) }})
		})
	}
}

// relay is one in front of the responder.
func (r *registry) relay(b *testing.B) *dwaar.Responder {
	b.Helper()
	upstream := dwaar.StartResponder(b, binaries.Plain, r.flags...)
	return dwaar.StartRelay(b, binaries.Plain, "--issuer", r.path("ca.pem")+"="+upstream.URL, "--allow", "127.0.0.1", "--data", b.TempDir())
}

// site serves the responder from a Dwaarfile.
func (r *registry) site(b *testing.B) *dwaar.Server {
	b.Helper()
	s := dwaar.New(b, binaries.Plain, binaries.Plain)
	s.Configure(s.Options("", "") + fmt.Sprintf("http://:%d {\n\tocsp_responder {\n\t\tissuer %s\n\t\tsigner %s %s\n\t\tdatabase %s\n\t}\n}\n",
		s.HTTP, r.path("ca.pem"), r.path("ocsp.pem"), r.path("ocsp.key"), r.database))
	s.Launch()
	wait.Until(b, 20*time.Second, "the site", func() error {
		if err := s.Alive(); err != nil {
			b.Fatal(err)
		}
		return exchangeOCSP(http.DefaultClient, fmt.Sprintf("http://127.0.0.1:%d", s.HTTP), r.question(big.NewInt(1), nil))
	})
	return s
}

// asking is what is asked of a process.
type asking struct {
	url             string
	pid             int
	answers, askers int
	connectionEach  bool
	get             bool // instead of POST
	question        func(i int) []byte
}

// measure asks, and reports what that costs the process.
func measure(b *testing.B, l asking) {
	b.Helper()
	warm := l
	warm.answers = 500
	warm.run(b)
	for b.Loop() {
		before, began := cpu(b, l.pid), time.Now()
		l.run(b)
		b.ReportMetric(float64((cpu(b, l.pid)-before).Microseconds())/float64(l.answers), "cpu-µs/answer")
		b.ReportMetric(float64(l.answers)/time.Since(began).Seconds(), "answers/s")
	}
	b.ReportMetric(0, "ns/op") // of all answers together: says nothing
}

func (l asking) run(b *testing.B) {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: l.askers, DisableKeepAlives: l.connectionEach}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	questions := make([][]byte, l.answers) // made before: they would take the processor from whom they are for
	for i := range questions {
		questions[i] = l.question(i)
	}
	var next atomic.Int64
	var askers sync.WaitGroup
	for range l.askers {
		askers.Go(func() {
			for i := next.Add(1); i <= int64(l.answers); i = next.Add(1) {
				if err := l.ask(client, questions[i-1]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	askers.Wait()
}

func (l asking) ask(client *http.Client, question []byte) error {
	if !l.get {
		return exchangeOCSP(client, l.url, question)
	}
	resp, err := client.Get(l.url + "/" + url.QueryEscape(base64.StdEncoding.EncodeToString(question)))
	return readOCSP(resp, err)
}

func exchangeOCSP(client *http.Client, url string, question []byte) error {
	resp, err := client.Post(url, "application/ocsp-request", bytes.NewReader(question))
	return readOCSP(resp, err)
}

func readOCSP(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	der, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if len(der) < 100 {
		return errors.New("the answer is an error")
	}
	return nil
}

// question asks by SHA-1 for a serial.
func (r *registry) question(serial *big.Int, nonce []byte) []byte {
	id, err := ocspsvc.NewCertID(&x509.Certificate{SerialNumber: serial, RawIssuer: r.ca.Cert.RawSubject}, r.ca.Cert, crypto.SHA1)
	if err != nil {
		r.t.Fatal(err)
	}
	der, err := (&ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}, Nonce: nonce}).Marshal()
	if err != nil {
		r.t.Fatal(err)
	}
	return der
}

func nonce() []byte {
	n := make([]byte, 32)
	_, _ = rand.Read(n)
	return n
}

// fill has so many certificates in the database, with the serials from 1 on.
func (r *registry) fill(b *testing.B, rows int) {
	b.Helper()
	db, err := certdb.Use(b.Context(), certdb.DSN(r.database))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	expires := time.Now().Add(90 * 24 * time.Hour)
	for first := 1; first <= rows; first += 10_000 {
		var page []certdb.Certificate
		for serial := first; serial < min(first+10_000, rows+1); serial++ {
			page = append(page, certdb.Certificate{
				Serial: big.NewInt(int64(serial)), Subject: fmt.Sprintf("/CN=%d.example", serial),
				Record: ocspresponder.Record{Status: ocspsvc.Good, Expires: expires},
			})
		}
		if _, err := db.Add(b.Context(), r.ca.Cert, page...); err != nil {
			b.Fatal(err)
		}
	}
}

// cpu is the utime+stime of a process. A tick is 10 ms on Linux, whatever its HZ.
func cpu(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from the third on
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
