package issuing_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme/issuing"
	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/storagetest"
)

// Nodes that start at once on an empty storage have one account at the CA.
func TestNodesThatStartTogetherRegisterOneAccount(t *testing.T) {
	t.Parallel()
	for _, email := range []string{"ops@example.test", ""} {
		ca, m := newFakeCA(t), storagetest.NewMemory()
		p := policy(ca)
		p.Issuers[0].Email = email
		var nodes sync.WaitGroup
		for n := range 3 {
			i := issuing.New(m.Node(), nil, logger(t), issuing.Options{})
			nodes.Go(func() {
				if _, err := i.Obtain(soon(t), p, fmt.Sprintf("site%d.example.test", n)); err != nil {
					t.Error(err)
				}
			})
		}
		nodes.Wait()
		if len(ca.accounts) != 1 {
			t.Errorf("e-mail %q: %d accounts, want one", email, len(ca.accounts))
		}
	}
}

// Storage that goes down is storage's fault, wherever the order is then: certmagic's own dealings
// with it included. No other issuer is asked because of it.
func TestAnOutageDuringAnOrderIsNotTheCAs(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"/dir", "/nonce", "/account", "/order", "/authz", "/finalize", "/cert"} {
		t.Run(strings.TrimPrefix(at, "/"), func(t *testing.T) {
			t.Parallel()
			ca, second, m := newFakeCA(t), newFakeCA(t), storagetest.NewMemory()
			ca.fail(func(_ http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.URL.Path, at) {
					m.SetDown(true)
				}
				return false
			})
			ctx, cancel := context.WithCancel(soon(t))
			m.Before(func(_ *storagetest.Node, key string) {
				if m.Down() && strings.HasPrefix(key, "pending/") {
					cancel() // or it would be tried for a while
				}
			})
			i := issuing.New(m.Node(), nil, logger(t), issuing.Options{})
			_, err := i.Obtain(ctx, policy(ca, second), name)
			if !errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("Obtain = %v, want that storage is unavailable", err)
			}
			if len(second.ordered()) > 0 {
				t.Error("another CA was asked because of it")
			}
			var lost *issuing.UnsavedError
			if issued := at == "/finalize" || at == "/cert"; errors.As(err, &lost) != issued {
				t.Errorf("a certificate with the error: %v, want %v", !issued, issued)
			}
		})
	}
}

// slowSigner is a local CA during whose work something happens.
type slowSigner struct {
	signer
	during func()
}

func (s slowSigner) Issue(ctx context.Context, csr *x509.CertificateRequest) ([]byte, error) {
	s.during()
	leaf := s.leaf(csr.DNSNames, csr.PublicKey, time.Now().Add(time.Hour), nil)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}), nil
}

func internal() issuing.Policy {
	return issuing.Policy{Issuers: []issuing.IssuerConfig{{CA: issuing.Internal}}}
}

// signing is an Issuing on m whose local CA does that in the middle of an order.
func signing(t *testing.T, m *storagetest.Memory, during func()) *issuing.Issuing {
	ca := &fakeCA{t: t, key: newKey(t), backdate: time.Minute}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	ca.root = sign(t, template, template, ca.key.Public(), ca.key)
	return issuing.New(m.Node(), slowSigner{signer{ca}, during}, logger(t), issuing.Options{})
}

func TestAnIssuedCertificateIsSavedWhenStorageIsBackWithinTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := storagetest.NewMemory()
		i := signing(t, m, func() {
			m.SetDown(true)
			time.AfterFunc(12*time.Second, func() { m.SetDown(false) })
		})
		cert, err := i.Obtain(t.Context(), internal(), name)
		if err != nil {
			t.Fatal(err)
		}
		if loaded, err := i.Load(t.Context(), internal(), name); err != nil || !loaded.Leaf.Equal(cert.Leaf) {
			t.Errorf("Load = %v", err)
		}
	})
}

func TestSaveIsForWhatNobodyHasReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := storagetest.NewMemory()
		down := false
		i := signing(t, m, func() { m.SetDown(down) })
		first, err := i.Obtain(t.Context(), internal(), name)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		down = true
		begun := time.Now()
		_, err = i.Renew(t.Context(), internal(), name, issuing.RenewOptions{Replaces: first})
		var lost *issuing.UnsavedError
		if !errors.As(err, &lost) || !errors.Is(err, storage.ErrUnavailable) {
			t.Fatalf("Renew = %v, want the certificate that was not saved", err)
		}
		if took := time.Since(begun); took < 15*time.Second || took > 30*time.Second {
			t.Errorf("it gave up after %v", took)
		}
		mine := lost.Certificate
		if _, err := i.Save(t.Context(), internal(), mine, first); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Save without a storage = %v", err)
		}
		m.SetDown(false)
		if got, err := i.Save(t.Context(), internal(), mine, nil); err != nil || !got.Leaf.Equal(first.Leaf) {
			t.Errorf("Save instead of nothing = %v, want what is there", err)
		}
		for _, again := range []string{"first", "second"} {
			if got, err := i.Save(t.Context(), internal(), mine, first); err != nil || !got.Leaf.Equal(mine.Leaf) {
				t.Errorf("%s Save = %v", again, err)
			}
		}
		if loaded, err := i.Load(t.Context(), internal(), name); err != nil || !loaded.Leaf.Equal(mine.Leaf) {
			t.Errorf("Load = %v", err)
		}
		if there, _ := m.Node().Exists(t.Context(), "pending"); there {
			t.Error("something is pending")
		}
	})
}

// stubbornStorage takes everything but certificates.
type stubbornStorage struct{ storage.Storage }

func (s stubbornStorage) Store(ctx context.Context, key string, value []byte) error {
	if strings.Contains(string(value), "BEGIN CERTIFICATE") {
		return errors.New("no space left")
	}
	return s.Storage.Store(ctx, key, value)
}

// A certificate that is there is not to be had from another CA, too.
func TestNoOtherIssuerIsAskedForWhatCannotBeSaved(t *testing.T) {
	t.Parallel()
	ca, second := newFakeCA(t), newFakeCA(t)
	i := issuing.New(stubbornStorage{storagetest.NewMemory().Node()}, nil, logger(t), issuing.Options{})
	_, err := i.Obtain(soon(t), policy(ca, second), name)
	var lost *issuing.UnsavedError
	if !errors.As(err, &lost) || !strings.Contains(err.Error(), "was issued and cannot be saved: saving the certificate: no space left") {
		t.Errorf("Obtain = %v", err)
	}
	if len(ca.ordered()) != 1 || len(second.ordered()) != 0 {
		t.Errorf("%d and %d orders", len(ca.ordered()), len(second.ordered()))
	}
}
