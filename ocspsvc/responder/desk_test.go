package responder_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// desk is a signer behind its handler, without a network, with the records of
// one CA that has issued one leaf.
type desk struct {
	ca      *ocsptest.CA
	leaf    *ocsptest.Leaf
	records *shakyRecords
	keys    responder.Keys
	signer  *responder.Signer
	handler http.Handler
	logged  *lines
}

func newDesk(t testing.TB, cfg responder.Config, opts ...ocsptest.Option) *desk {
	t.Helper()
	d := &desk{ca: ocsptest.NewCA(t, opts...), records: &shakyRecords{Memory: responder.NewMemory()}}
	d.leaf = d.ca.Leaf(t)
	d.keys = keysOf(d.ca.Cert, nil, d.ca.Key)
	d.set(responder.Record{Status: ocspsvc.Good})
	d.open(t, cfg)
	return d
}

// open starts over with other settings, or other keys.
func (d *desk) open(t testing.TB, cfg responder.Config) {
	t.Helper()
	d.openOver(t, cfg, d.records)
}

func (d *desk) openOver(t testing.TB, cfg responder.Config, records responder.Records) {
	t.Helper()
	d.logged = &lines{}
	var err error
	d.signer, err = responder.NewSigner(cfg, d.keys, records, slog.New(slog.NewTextHandler(d.logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	d.handler = responder.Handler(d.signer, responder.Options{})
}

func (d *desk) id() responder.IssuerID { return responder.IssuerIDOf(d.ca.Cert) }

// set changes the leaf's record.
func (d *desk) set(r responder.Record) { d.records.Set(d.id(), d.leaf.Cert.SerialNumber, r) }

func (d *desk) revoke(at time.Time) {
	d.set(responder.Record{Status: ocspsvc.Revoked, RevokedAt: at.Truncate(time.Second), Reason: ocspsvc.KeyCompromise})
}

// certID names the leaf.
func (d *desk) certID(t testing.TB, hash crypto.Hash) ocspsvc.CertID {
	t.Helper()
	id, err := ocspsvc.NewCertID(d.leaf.Cert, d.ca.Cert, hash)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// serialID names a certificate of the CA by its serial alone.
func (d *desk) serialID(t testing.TB, serial *big.Int, hash crypto.Hash) ocspsvc.CertID {
	t.Helper()
	id := d.certID(t, hash)
	id.Serial, id.Raw = serial, nil
	req, err := ocspsvc.ParseRequest(requestDER(t, id))
	if err != nil {
		t.Fatal(err)
	}
	return req.CertIDs[0]
}

func requestDER(t testing.TB, ids ...ocspsvc.CertID) []byte {
	t.Helper()
	return marshalRequest(t, &ocspsvc.Request{CertIDs: ids})
}

func marshalRequest(t testing.TB, req *ocspsvc.Request) []byte {
	t.Helper()
	der, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// post sends a request and reads the answer.
func (d *desk) post(t testing.TB, der []byte) *ocspsvc.Response {
	t.Helper()
	w := d.do(http.MethodPost, "/", der, nil)
	response, err := ocspsvc.ParseResponse(w.Body.Bytes())
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("HTTP %d and %v", w.Code, err)
	}
	return response
}

func (d *desk) do(method, target string, body []byte, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, bytes.NewReader(body))
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w
}

// ask asks about the leaf by SHA-1, and returns its status or the OCSP error.
func (d *desk) ask(t testing.TB) string {
	t.Helper()
	return word(d.post(t, requestDER(t, d.certID(t, crypto.SHA1))))
}

// askSerial asks about another certificate.
func (d *desk) askSerial(t testing.TB, serial int64) string {
	t.Helper()
	return word(d.post(t, requestDER(t, d.serialID(t, big.NewInt(serial), crypto.SHA1))))
}

func word(r *ocspsvc.Response) string {
	if r.ResponseStatus != ocspsvc.Successful {
		return r.ResponseStatus.String()
	}
	return r.Singles[0].Status.String()
}

// verify wants a response that a client believes about the leaf.
func (d *desk) verify(t testing.TB, r *ocspsvc.Response) ocspsvc.Verdict {
	t.Helper()
	verdict, err := ocspsvc.Verify(r, d.leaf.Cert, d.ca.Cert, time.Now(), ocspsvc.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return verdict
}

// count reads a metric; labels are the values.
func (d *desk) count(t testing.TB, name string, labels ...string) int {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(d.signer.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "dwaar_ocsp_responder_"+name {
			continue
		}
		for _, metric := range family.GetMetric() {
			if len(labels) == 0 || metric.GetLabel()[0].GetValue() == labels[0] {
				return int(metric.GetCounter().GetValue() + metric.GetGauge().GetValue())
			}
		}
	}
	return 0
}

func (d *desk) signatures(t testing.TB) int { t.Helper(); return d.count(t, "signatures_total") }

// shakyRecords are records of a database that can be slow, or down.
type shakyRecords struct {
	*responder.Memory
	reads atomic.Int64
	down  atomic.Bool
	hangs atomic.Bool
	bad   atomic.Bool  // its records contradict themselves
	delay atomic.Int64 // from reading to answering
}

var errNoDatabase = errors.New("connection refused")

func (s *shakyRecords) Record(ctx context.Context, issuer responder.IssuerID, serial *big.Int) (responder.Record, error) {
	s.reads.Add(1)
	if s.hangs.Load() {
		<-ctx.Done()
		return responder.Record{}, ctx.Err()
	}
	if s.down.Load() {
		return responder.Record{}, errNoDatabase
	}
	if s.bad.Load() {
		return responder.Record{}, responder.ErrBadRecord
	}
	record, err := s.Memory.Record(ctx, issuer, serial)
	select {
	case <-ctx.Done():
		return responder.Record{}, ctx.Err()
	case <-time.After(time.Duration(s.delay.Load())):
		return record, err
	}
}

func (s *shakyRecords) List(ctx context.Context, issuer responder.IssuerID, after *big.Int, limit int) ([]responder.Entry, error) {
	if s.down.Load() {
		return nil, errNoDatabase
	}
	return s.Memory.List(ctx, issuer, after, min(limit, 3))
}

// lines collects a log.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// slowKey is a key whose signatures take their time, counted.
type slowKey struct {
	crypto.Signer
	delay time.Duration
	made  *atomic.Int64
}

func (k slowKey) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	k.made.Add(1)
	time.Sleep(k.delay)
	return k.Signer.Sign(random, digest, o)
}
