package issuing_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dwaar/acme/issuing"
	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/storagetest"
)

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// letsEncrypt is a policy whose CA is never asked.
func letsEncrypt(names ...string) issuing.Policy {
	return issuing.Policy{Names: names, Issuers: []issuing.IssuerConfig{
		{CA: issuing.LetsEncrypt}, {CA: "https://acme.zerossl.com/v2/DV90"},
	}}
}

const (
	leDir = "certificates/acme-v02.api.letsencrypt.org-directory"
	zsDir = "certificates/acme.zerossl.com-v2-dv90"
)

// pairFor is the content of a .crt and a .key.
func pairFor(t *testing.T, ca *fakeCA, ends time.Time, names ...string) (cert, key []byte, leaf *x509.Certificate) {
	t.Helper()
	private := newKey(t)
	leaf = ca.leaf(names, private.Public(), ends, nil)
	return encode("CERTIFICATE", leaf.Raw), keyPEM(t, private), leaf
}

func write(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for file, text := range files {
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// What Caddy wrote: its own locks, staples and marks lie about, the keys are SEC 1.
func TestACaddyDataDirectoryWorksAsItIs(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	key := newKey(t)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := ca.leaf([]string{"*.example.test"}, key.Public(), time.Now().Add(time.Hour), nil)
	site := leDir + "/wildcard_.example.test/wildcard_.example.test"
	write(t, dir, map[string][]byte{
		site + ".crt":             append(encode("CERTIFICATE", leaf.Raw), encode("CERTIFICATE", ca.root.Raw)...),
		site + ".key":             encode("EC PRIVATE KEY", der),
		site + ".json":            []byte(`{"sans":["*.example.test"],"issuer_data":{"url":"https://ca.test/cert/1","ca":"https://ca.test"}}`),
		"locks/issue_cert_x.lock": []byte(`{"created":"2026-01-01T00:00:00Z"}`), "last_clean.json": []byte(`{}`),
		"ocsp/wildcard_.example.test-1b2c3d": {0x30}, "instance.uuid": []byte("x"),
	})
	cert, err := open(t, dir).Load(t.Context(), letsEncrypt("*.example.test"), "*.example.test")
	if err != nil || !cert.Leaf.Equal(leaf) || cert.Issuer != "acme-v02.api.letsencrypt.org-directory" {
		t.Errorf("Load = %+v, %v", cert, err)
	}
}

func TestLoadTakesTheNewestUsablePair(t *testing.T) {
	t.Parallel()
	ca := newFakeCA(t)
	le, zs := leDir+"/"+name+"/"+name, zsDir+"/"+name+"/"+name
	later := time.Now().Add(time.Hour)
	oldCert, oldKey, oldLeaf := pairFor(t, ca, later, name)
	ca.backdate = 0
	newCert, newKey, newLeaf := pairFor(t, ca, later, name)
	goneCert, goneKey, _ := pairFor(t, ca, time.Now().Add(-time.Second), name)
	elseCert, elseKey, _ := pairFor(t, ca, later, "other.test")
	old := map[string][]byte{le + ".crt": oldCert, le + ".key": oldKey}
	for what, c := range map[string]struct {
		beside map[string][]byte
		want   *x509.Certificate
	}{
		"alone":           {nil, oldLeaf},
		"newer":           {map[string][]byte{zs + ".crt": newCert, zs + ".key": newKey}, newLeaf},
		"expired":         {map[string][]byte{zs + ".crt": goneCert, zs + ".key": goneKey}, oldLeaf},
		"another's":       {map[string][]byte{zs + ".crt": elseCert, zs + ".key": elseKey}, oldLeaf},
		"mismatched":      {map[string][]byte{zs + ".crt": newCert, zs + ".key": goneKey}, oldLeaf},
		"without key":     {map[string][]byte{zs + ".crt": newCert}, oldLeaf},
		"without cert":    {map[string][]byte{zs + ".key": newKey}, oldLeaf},
		"garbage":         {map[string][]byte{zs + ".crt": []byte("x"), zs + ".key": nil}, oldLeaf},
		"itself replaced": {map[string][]byte{le + ".crt": newCert, le + ".key": newKey}, newLeaf},
		"itself damaged":  {map[string][]byte{le + ".key": newKey}, nil},
		"itself expired":  {map[string][]byte{le + ".crt": goneCert, le + ".key": goneKey}, nil},
	} {
		t.Run(what, func(t *testing.T) {
			dir, files := t.TempDir(), maps.Clone(old)
			maps.Copy(files, c.beside)
			write(t, dir, files)
			cert, err := open(t, dir).Load(t.Context(), letsEncrypt(name), name)
			if c.want == nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Load = %v, want fs.ErrNotExist", err)
			}
			if c.want != nil && (err != nil || !cert.Leaf.Equal(c.want)) {
				t.Errorf("Load = %v, want serial %v", err, c.want.SerialNumber)
			}
		})
	}
}

// deafStorage cannot read below one prefix.
type deafStorage struct {
	storage.Storage
	prefix string
}

var errDeaf = errors.New("input/output error")

func (s deafStorage) Load(ctx context.Context, key string) ([]byte, error) {
	if strings.HasPrefix(key, s.prefix) {
		return nil, errDeaf
	}
	return s.Storage.Load(ctx, key)
}

func (s deafStorage) Exists(ctx context.Context, key string) (bool, error) {
	if strings.HasPrefix(key, s.prefix) {
		return false, errDeaf
	}
	return s.Storage.Exists(ctx, key)
}

// A storage that cannot be read is no reason to order certificates.
func TestStorageThatCannotTellIsNotEmpty(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	obtain(t, open(t, dir), policy(ca))
	for _, prefix := range []string{"certificates/", "pending/", "quarantine/"} {
		i := issuing.New(deafStorage{openStorage(t, dir), prefix}, nil, logger(t), issuing.Options{})
		if _, err := i.Load(t.Context(), policy(ca), name); !errors.Is(err, errDeaf) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: Load = %v", prefix, err)
		}
		if _, err := i.Obtain(soon(t), policy(ca), name); !errors.Is(err, errDeaf) {
			t.Errorf("%s: Obtain = %v", prefix, err)
		}
		if _, err := i.Renew(soon(t), policy(ca), name, issuing.RenewOptions{}); !errors.Is(err, errDeaf) {
			t.Errorf("%s: Renew = %v", prefix, err)
		}
	}
	if n := len(ca.ordered()); n != 1 {
		t.Errorf("%d orders, want the first alone", n)
	}
}

// What is no PEM at all, or no JSON, is for somebody who has the key it was encrypted with: he
// would not like it to be ordered over.
func TestWhatWasEncryptedElsewhereIsNotOrderedOver(t *testing.T) {
	t.Parallel()
	ca := newFakeCA(t)
	for _, suffix := range []string{".crt", ".key", ".json"} {
		m := storagetest.NewMemory()
		i := issuing.New(m.Node(), nil, logger(t), issuing.Options{})
		obtain(t, i, policy(ca))
		if suffix == ".json" {
			full := fullStorage{m.Node(), "certificates/"}
			if _, err := issuing.New(full, nil, logger(t), issuing.Options{}).Renew(soon(t), policy(ca), name, issuing.RenewOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		for key := range m.Snapshot() {
			if strings.HasSuffix(key, suffix) && !strings.HasPrefix(key, "acme/") {
				if err := m.Node().Store(t.Context(), key, []byte("dwaar sealed 1\nx\x00y")); err != nil {
					t.Fatal(err)
				}
			}
		}
		before, orders := m.Snapshot(), len(ca.ordered())
		_, loadErr := i.Load(t.Context(), policy(ca), name)
		_, obtainErr := i.Obtain(soon(t), policy(ca), name)
		_, renewErr := i.Renew(soon(t), policy(ca), name, issuing.RenewOptions{})
		for what, err := range map[string]error{"Load": loadErr, "Obtain": obtainErr, "Renew": renewErr} {
			if err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "encrypted with another key?") {
				t.Errorf("%s: %s = %v", suffix, what, err)
			}
		}
		if len(ca.ordered()) != orders || !maps.Equal(m.Snapshot(), before) {
			t.Errorf("%s: it was ordered over", suffix)
		}
	}
}

// Whatever lies in storage, Load gives a pair or none.
func FuzzLoad(f *testing.F) {
	f.Add([]byte("{}"), []byte("-----BEGIN CERTIFICATE-----"), []byte(""))
	f.Add([]byte(`{"certificate":"x","key":"y","metadata":{}}`), []byte{}, []byte{0})
	f.Fuzz(func(t *testing.T, pending, cert, key []byte) {
		dir := t.TempDir()
		site := leDir + "/" + name + "/" + name
		write(t, dir, map[string][]byte{
			"pending/acme-v02.api.letsencrypt.org-directory/" + name + ".json": pending,
			site + ".crt": cert, site + ".key": key,
		})
		i := open(t, dir)
		loaded, err := i.Load(t.Context(), letsEncrypt(name), name)
		if err == nil && loaded.Leaf == nil || err != nil && !errors.Is(err, fs.ErrNotExist) && !strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("Load = %+v, %v", loaded, err)
		}
	})
}
