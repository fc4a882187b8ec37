package issuing

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"time"
)

// verdict is why.json: with it, and so in one write, a certificate is in quarantine. The rest
// is moving files, which may be interrupted and is finished later.
type verdict struct {
	Name        string    `json:"name"`
	Issuer      string    `json:"issuer"`
	Fingerprint string    `json:"fingerprint"` // SHA-256 of the leaf
	Why         string    `json:"why"`
	At          time.Time `json:"at"`
}

// Quarantine takes a certificate and its key out of use for good: Load never returns it
// again, and its files are moved to quarantine/<issuer>/<serial>/. A certificate that has
// replaced it meanwhile stays. It is idempotent; killed at any moment, it leaves nothing that
// would load.
func (i *Issuing) Quarantine(ctx context.Context, cert *Certificate, why string) error {
	err := i.whileIssuing(ctx, cert.Name, func(ctx context.Context) error {
		if err := i.condemn(ctx, cert, why); err != nil {
			return err
		}
		if err := i.evict(ctx, cert.Issuer, cert.Name, cert.Leaf); err != nil {
			return err
		}
		return i.keepEvidence(ctx, cert)
	})
	if err != nil {
		return fmt.Errorf("putting the certificate %s of %s into quarantine: %w", cert.Leaf.SerialNumber.Text(16), cert.Name, err)
	}
	return nil
}

// condemn writes the verdict, unless there is one.
func (i *Issuing) condemn(ctx context.Context, cert *Certificate, why string) error {
	if out, err := i.isQuarantined(ctx, cert.Issuer, cert.Leaf); out || err != nil {
		return err
	}
	sum := sha256.Sum256(cert.Leaf.Raw)
	text, err := json.MarshalIndent(verdict{
		Name: cert.Name, Issuer: cert.Issuer, Fingerprint: hex.EncodeToString(sum[:]), Why: why, At: time.Now().UTC(),
	}, "", "\t")
	if err != nil {
		return err
	}
	return i.storage.Store(ctx, verdictKey(cert.Issuer, cert.Leaf), text)
}

// keepEvidence puts the caller's copy beside the verdict if storage had none any more.
func (i *Issuing) keepEvidence(ctx context.Context, cert *Certificate) error {
	out := quarantined(cert.Issuer, cert.Name, cert.Leaf.SerialNumber)
	for key, value := range map[string][]byte{out.cert: cert.CertPEM, out.key: cert.KeyPEM} {
		there, err := i.storage.Exists(ctx, key)
		if err == nil && !there && len(value) > 0 {
			err = i.storage.Store(ctx, key, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (i *Issuing) isQuarantined(ctx context.Context, issuer string, leaf *x509.Certificate) (bool, error) {
	return i.storage.Exists(ctx, verdictKey(issuer, leaf))
}

func verdictKey(issuer string, leaf *x509.Certificate) string {
	return path.Join(quarantineDir(issuer, leaf.SerialNumber), verdictFile)
}
