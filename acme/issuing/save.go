package issuing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/caddyserver/certmagic"
)

// pending is a certificate that is on its way into its three files. One write puts it there
// as a whole, so there is no moment at which only a key that belongs to no certificate, or
// the other way round, is left: Load finds the old one or the new one.
type pending struct {
	Name string          `json:"name"`
	Cert string          `json:"certificate,omitempty"` // none: its place is reserved
	Key  string          `json:"key,omitempty"`
	Meta json.RawMessage `json:"metadata,omitempty"`
}

// reserve makes sure that storage can be written, before anything is ordered. Release takes
// back what it wrote. A certificate that is still pending, as its files could not be written,
// stays.
func (i *Issuing) reserve(ctx context.Context, issuer, name string) (release func(), err error) {
	place := pendingKey(issuer, name)
	before, err := i.storage.Load(ctx, place)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	value := before
	if value == nil {
		if value, err = json.Marshal(pending{Name: name}); err != nil {
			return nil, err
		}
	}
	return func() {
		if before != nil {
			return
		}
		if err := i.storage.Delete(context.WithoutCancel(ctx), place); err != nil {
			i.log.Warn("removing the place of a certificate that was not issued", "names", name, "err", err)
		}
	}, i.storage.Store(ctx, place, value)
}

// save puts a certificate into storage, replacing what was there.
func (i *Issuing) save(ctx context.Context, c *Certificate) error {
	meta, err := metadata(c)
	if err != nil {
		return err
	}
	whole, err := json.Marshal(pending{Name: c.Name, Cert: string(c.CertPEM), Key: string(c.KeyPEM), Meta: meta})
	if err != nil {
		return err
	}
	if err := i.storage.Store(ctx, pendingKey(c.Issuer, c.Name), whole); err != nil {
		return fmt.Errorf("saving the certificate: %w", err)
	}
	if err := i.unpack(ctx, c, meta); err != nil {
		i.log.Warn("the certificate stays in pending/ until its files can be written",
			"names", c.Name, "issuer", c.Issuer, "err", err)
	}
	return nil
}

// unpack writes the three files of a pending certificate and ends its being pending.
func (i *Issuing) unpack(ctx context.Context, c *Certificate, meta []byte) error {
	site := siteFiles(c.Issuer, c.Name)
	for _, file := range []struct {
		key   string
		value []byte
	}{{site.key, c.KeyPEM}, {site.cert, c.CertPEM}, {site.meta, meta}} {
		if err := i.storage.Store(ctx, file.key, file.value); err != nil {
			return err
		}
	}
	return i.storage.Delete(ctx, pendingKey(c.Issuer, c.Name))
}

// metadata is what certmagic keeps beside a certificate.
func metadata(c *Certificate) ([]byte, error) {
	resource := certmagic.CertificateResource{SANs: []string{c.Name}, IssuerData: c.meta}
	return json.MarshalIndent(resource, "", "\t")
}

// loadPending returns the pending certificate of an issuer, or an error that is
// fs.ErrNotExist: also for a place that is only reserved.
func (i *Issuing) loadPending(ctx context.Context, issuer, name string) (*Certificate, error) {
	text, err := i.storage.Load(ctx, pendingKey(issuer, name))
	if err != nil {
		return nil, err
	}
	if err := readable(pendingKey(issuer, name), text, jsonMark); err != nil {
		return nil, err
	}
	var whole pending
	if err := json.Unmarshal(text, &whole); err != nil || whole.Cert == "" {
		return nil, errors.Join(fs.ErrNotExist, err)
	}
	cert, err := parse(issuer, name, []byte(whole.Cert), []byte(whole.Key))
	if err != nil {
		return nil, errors.Join(fs.ErrNotExist, err)
	}
	cert.meta = whole.Meta
	return cert, nil
}
