package issuing_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mholt/acmez/v3/acme"

	"dwaar/acme/issuing"
	"dwaar/tlsstore/storage"
)

func refuseOrders(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/order" {
		problem(w, 429, "rateLimited", "too many certificates")
	}
	return r.URL.Path == "/order"
}

// hang takes requests and never answers.
func hang(_ http.ResponseWriter, r *http.Request) bool {
	_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the client goes away
	<-r.Context().Done()
	return true
}

func TestEveryIssuerIsAskedOnceAndItsErrorReported(t *testing.T) {
	t.Parallel()
	limited, broken := newFakeCA(t), newFakeCA(t)
	limited.fail(refuseOrders)
	broken.fail(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/finalize") {
			problem(w, 403, "badCSR", "the CSR displeases")
		}
		return strings.HasPrefix(r.URL.Path, "/finalize")
	})
	i := open(t, t.TempDir())
	_, err := i.Obtain(soon(t), policy(limited, broken), name)
	var all issuing.IssuersError
	var first acme.Problem
	if !errors.As(err, &all) || len(all) != 2 || !errors.As(all[0], &first) || first.Type != acme.ProblemTypeRateLimited {
		t.Fatalf("Obtain = %v; want the problems of both issuers", err)
	}
	for _, want := range []string{
		"obtaining a certificate for " + name, "issuer 127.0.0.1", "too many certificates", "; issuer", "the CSR displeases",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if n := len(broken.ordered()); n != 1 {
		t.Errorf("%d orders at one CA, want one attempt", n)
	}
	if _, err := i.Load(t.Context(), policy(limited, broken), name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load after a failure = %v", err)
	}
}

func TestTheNextIssuerStepsInAndTheLogSaysWhy(t *testing.T) {
	t.Parallel()
	limited, good := newFakeCA(t), newFakeCA(t)
	limited.fail(refuseOrders)
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	i := issuing.New(openStorage(t, t.TempDir()), nil, log, issuing.Options{})
	cert := obtain(t, i, policy(limited, good))
	if err := cert.Leaf.CheckSignatureFrom(good.root); err != nil {
		t.Error(err)
	}
	if loaded, err := i.Load(t.Context(), policy(limited, good), name); err != nil || loaded.Issuer != cert.Issuer {
		t.Errorf("Load = %v, %v; want the one of %s", loaded, err, cert.Issuer)
	}
	if text := said.String(); !strings.Contains(text, "level=WARN msg=\"another issuer had to step in\"") || !strings.Contains(text, "too many certificates") {
		t.Errorf("the log does not say why the first one did not issue:\n%s", text)
	}
}

func TestAnIssuerThatHangsLeavesTimeForTheNext(t *testing.T) {
	t.Parallel()
	hung, good := newFakeCA(t), newFakeCA(t)
	hung.fail(hang)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	if _, err := open(t, t.TempDir()).Obtain(ctx, policy(hung, good), name); err != nil {
		t.Error(err)
	}
}

func TestTheContextEndsAnAttempt(t *testing.T) {
	t.Parallel()
	hung, never := newFakeCA(t), newFakeCA(t)
	hung.fail(hang)
	ctx, cancel := context.WithCancel(t.Context())
	hung.fail(func(w http.ResponseWriter, r *http.Request) bool {
		cancel()
		return hang(w, r)
	})
	i := open(t, t.TempDir())
	if _, err := i.Obtain(ctx, policy(hung, never), name); !errors.Is(err, context.Canceled) {
		t.Errorf("Obtain = %v, want the context's error", err)
	}
	if n := len(never.ordered()); n != 0 {
		t.Errorf("%d orders after the end", n)
	}
	hung.fail(nil)
	obtain(t, i, policy(hung)) // its locks are free
}

func TestProcessesOnOneStoragePlaceOneOrder(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	certs := make([]*issuing.Certificate, 4)
	var processes sync.WaitGroup
	for n := range certs {
		i := open(t, dir)
		processes.Go(func() { certs[n] = obtain(t, i, policy(ca)) })
	}
	processes.Wait()
	if n := len(ca.ordered()); n != 1 {
		t.Errorf("%d orders, want one", n)
	}
	for _, c := range certs {
		if !c.Leaf.Equal(certs[0].Leaf) {
			t.Error("two processes have different certificates")
		}
	}
}

func TestAnIssuedCertificateOfNoUseIsRefused(t *testing.T) {
	t.Parallel()
	for want, mint := range map[string]func(*testing.T, *fakeCA, *x509.CertificateRequest) *x509.Certificate{
		"private key does not match public key": func(t *testing.T, ca *fakeCA, csr *x509.CertificateRequest) *x509.Certificate {
			return ca.leaf(csr.DNSNames, newKey(t).Public(), time.Now().Add(time.Hour), nil)
		},
		"the certificate is for [other.test]": func(_ *testing.T, ca *fakeCA, csr *x509.CertificateRequest) *x509.Certificate {
			return ca.leaf([]string{"other.test"}, csr.PublicKey, time.Now().Add(time.Hour), nil)
		},
		"it expired": func(_ *testing.T, ca *fakeCA, csr *x509.CertificateRequest) *x509.Certificate {
			return ca.leaf(csr.DNSNames, csr.PublicKey, time.Now().Add(-time.Second), nil)
		},
	} {
		t.Run(want, func(t *testing.T) {
			ca, dir := newFakeCA(t), t.TempDir()
			ca.mint = func(csr *x509.CertificateRequest) *x509.Certificate { return mint(t, ca, csr) }
			_, err := open(t, dir).Obtain(soon(t), policy(ca), name)
			if err == nil || !strings.Contains(err.Error(), "the issued certificate is of no use: ") || !strings.Contains(err.Error(), want) {
				t.Errorf("Obtain = %v, want %q", err, want)
			}
			for _, prefix := range []string{"certificates", "pending"} {
				if keys, _ := openStorage(t, dir).List(t.Context(), prefix, true); len(keys) > 0 {
					t.Errorf("it left %v", keys)
				}
			}
		})
	}
}

func TestKeysAreOfTheTypeThatWasAskedFor(t *testing.T) {
	t.Parallel()
	ca := newFakeCA(t)
	for kind, is := range map[string]func(any) bool{
		"":        func(k any) bool { e, ok := k.(*ecdsa.PublicKey); return ok && e.Params().BitSize == 256 },
		"p384":    func(k any) bool { e, ok := k.(*ecdsa.PublicKey); return ok && e.Params().BitSize == 384 },
		"rsa2048": func(k any) bool { r, ok := k.(*rsa.PublicKey); return ok && r.Size() == 256 },
		"ed25519": func(k any) bool { _, ok := k.(ed25519.PublicKey); return ok },
	} {
		p := policy(ca)
		p.KeyType = kind
		if cert := obtain(t, open(t, t.TempDir()), p); !is(cert.Leaf.PublicKey) {
			t.Errorf("key_type %q: the key is a %T", kind, cert.Leaf.PublicKey)
		}
	}
}

func TestMustStapleIsAskedFor(t *testing.T) {
	t.Parallel()
	ca := newFakeCA(t)
	for _, asked := range []bool{true, false} {
		p := policy(ca)
		p.MustStaple = asked
		cert := obtain(t, open(t, t.TempDir()), p)
		got := false
		for _, e := range cert.Leaf.Extensions {
			got = got || e.Id.String() == "1.3.6.1.5.5.7.1.24" && string(e.Value) == "\x30\x03\x02\x01\x05"
		}
		if got != asked {
			t.Errorf("must_staple %v: extension %v", asked, got)
		}
	}
}

func TestTheLocalCAIssuesWhatNoOtherWould(t *testing.T) {
	t.Parallel()
	ca := newFakeCA(t)
	ca.mintAddresses()
	i := issuing.New(openStorage(t, t.TempDir()), signer{ca}, logger(t), issuing.Options{})
	p := issuing.Policy{Issuers: []issuing.IssuerConfig{{CA: issuing.Internal}}}
	for _, local := range []string{"localhost", "192.0.2.7", "2001:db8::7"} {
		cert, err := i.Obtain(soon(t), p, local)
		if err != nil || cert.Issuer != "local" {
			t.Errorf("%s: %v, %v", local, cert, err)
			continue
		}
		if loaded, err := i.Load(t.Context(), p, local); err != nil || !loaded.Leaf.Equal(cert.Leaf) {
			t.Errorf("Load %s = %v", local, err)
		}
	}
	if _, err := open(t, t.TempDir()).Obtain(soon(t), p, "localhost"); err == nil || !strings.Contains(err.Error(), "there is no local CA") {
		t.Errorf("without one: %v", err)
	}
}

// fullStorage takes nothing below one prefix.
type fullStorage struct {
	storage.Storage
	prefix string
}

func (s fullStorage) Store(ctx context.Context, key string, value []byte) error {
	if strings.HasPrefix(key, s.prefix) {
		return fmt.Errorf("storing %s: no space left", key)
	}
	return s.Storage.Store(ctx, key, value)
}

func TestNothingIsOrderedThatCouldNotBeKept(t *testing.T) {
	t.Parallel()
	ca := newFakeCA(t)
	full := fullStorage{openStorage(t, t.TempDir()), "pending/"}
	i := issuing.New(full, nil, logger(t), issuing.Options{})
	if _, err := i.Obtain(soon(t), policy(ca), name); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("Obtain = %v", err)
	}
	if n := len(ca.ordered()); n != 0 {
		t.Errorf("%d orders", n)
	}
}

func TestACertificateIsKeptThoughItsFilesCannotBeWritten(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	full := fullStorage{openStorage(t, dir), "certificates/"}
	cert := obtain(t, issuing.New(full, nil, logger(t), issuing.Options{}), policy(ca))
	ca.fail(refuseOrders)
	still := issuing.New(full, nil, logger(t), issuing.Options{})
	if _, err := still.Renew(soon(t), policy(ca), name, issuing.RenewOptions{}); err == nil {
		t.Error("it was not to succeed")
	}
	ca.fail(nil)
	later := open(t, dir)
	if loaded, err := later.Load(t.Context(), policy(ca), name); err != nil || !loaded.Leaf.Equal(cert.Leaf) {
		t.Errorf("Load = %v", err)
	}
	if again := obtain(t, later, policy(ca)); !again.Leaf.Equal(cert.Leaf) || len(ca.ordered()) != 1 {
		t.Error("it was ordered again")
	}
	if there, _ := openStorage(t, dir).Exists(t.Context(), "pending"); there {
		t.Error("it is still pending")
	}
}

func TestARootFileMustHoldARoot(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{empty: "empty.pem holds no certificate", empty + "x": "no such file"} {
		p := policy(newFakeCA(t))
		p.Issuers[0].Roots = []string{file}
		if _, err := open(t, t.TempDir()).Obtain(soon(t), p, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Obtain = %v, want %q", err, want)
		}
	}
}

func TestACAIsTrustedByItsOwnRootsOnly(t *testing.T) {
	t.Parallel()
	p := policy(newFakeCA(t))
	p.Issuers[0].Roots = nil
	if _, err := open(t, t.TempDir()).Obtain(soon(t), p, name); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Obtain = %v, want the CA's certificate refused", err)
	}
}

// Certmagic's rate limiter is the one goroutine that cannot be ended.
// It looks at all goroutines of the process, so it has that for itself.
func TestNoGoroutineOutlivesAnAttempt(t *testing.T) {
	ca := newFakeCA(t)
	obtain(t, open(t, t.TempDir()), policy(ca))
	ca.server.Close() // ends the client's idle connections
	deadline := time.Now().Add(10 * time.Second)
	for {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		var left []string
		for stack := range strings.SplitSeq(string(stacks), "\n\n") {
			if strings.Contains(stack, "caddyserver/certmagic") && !strings.Contains(stack, "RingBufferRateLimiter") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines left: %s", len(left), left[0])
		}
		time.Sleep(10 * time.Millisecond)
	}
}
