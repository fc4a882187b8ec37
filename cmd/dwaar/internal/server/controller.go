package server

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"dwaar/acme"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/stapler"
	"dwaar/proxy/admin"
	"dwaar/tlsstore"
)

// controller is the server as the admin door sees it.
type controller struct{ *Server }

// Ready is part of admin.Controller.
func (c controller) Ready() bool { return c.ready.Load() }

// Stop is part of admin.Controller.
func (c controller) Stop() {
	c.log.Info("stopping", "reason", "asked to through the admin door")
	if stop := c.stop.Load(); stop != nil {
		(*stop)()
	}
}

// Status is part of admin.Controller.
func (c controller) Status() admin.Status {
	p := c.plan.Load()
	status := admin.Status{
		Version: c.opts.Version, Started: c.started, Config: *c.path.Load(),
		Listeners: addresses(p), Ready: c.ready.Load(), LastReload: c.lastReload.Load(),
	}
	for _, record := range c.certs.Status() {
		status.Certificates = append(status.Certificates, c.certificate(record))
	}
	status.Certificates = append(status.Certificates, c.missing(p)...)
	return status
}

// missing are the names whose first certificate is not there yet.
func (c controller) missing(p *plan) (names []admin.Certificate) {
	for _, a := range p.cfg.Automatic {
		if s, kept := c.acme.Status(a.Name); kept && s.State == acme.Missing {
			names = append(names, admin.Certificate{
				Names: []string{a.Name}, Source: string(s.Source), ACME: upkeep(s),
				Staple: admin.Staple{State: string(stapler.None), Reason: string(ocspsvc.ReasonPending)},
			})
		}
	}
	return names
}

func (c controller) certificate(r tlsstore.Record) admin.Certificate {
	cert := admin.Certificate{
		Names: r.Names, Source: string(r.Source), Issuer: r.Issuer,
		Serial: r.Serial, Fingerprint: hex.EncodeToString(r.Fingerprint[:]),
		NotBefore: r.NotBefore, NotAfter: r.NotAfter,
		MustStaple: r.MustStaple, Alarm: r.Alarm, Revoked: r.Revoked,
		Staple: staple(c.stapler.Status(r.Fingerprint)),
	}
	for _, name := range r.Names {
		if s, kept := c.acme.Status(name); kept && r.Source != tlsstore.SourceManual {
			cert.ACME = upkeep(s)
			break
		}
	}
	if s := c.crl.Status(r.Fingerprint); s.URL != "" && s.Reason != "" {
		cert.CRL = &admin.CRL{
			State: string(s.State), Reason: string(s.Reason), URL: s.URL, NextUpdate: s.NextUpdate, LastError: s.LastError,
		}
	}
	return cert
}

func upkeep(s acme.Status) *admin.ACME {
	return &admin.ACME{NextRenewal: s.NextRenewal, LastError: s.LastError, NextTry: s.NextTry}
}

func staple(s stapler.Status) admin.Staple {
	return admin.Staple{
		State: string(s.State), Reason: string(s.Reason), ThisUpdate: s.ThisUpdate, NextUpdate: s.NextUpdate,
		LastRefresh: s.LastRefresh, NextTry: s.NextTry, LastError: s.LastError, Responder: s.Responder,
	}
}

// Refresh is part of admin.Controller.
func (c controller) Refresh(ctx context.Context, fingerprint string) (admin.Staple, error) {
	var leaf stapler.Fingerprint
	if n, err := hex.Decode(leaf[:], []byte(fingerprint)); err != nil || n != len(leaf) {
		return admin.Staple{}, fmt.Errorf("%q is not the SHA-256 of a leaf", fingerprint)
	}
	status, err := c.stapler.Refresh(ctx, leaf)
	return staple(status), err
}

// Renew is part of admin.Controller.
func (c controller) Renew(ctx context.Context, name string) error {
	return managed(c.acme.Renew(ctx, name))
}

// Reissue is part of admin.Controller.
func (c controller) Reissue(ctx context.Context, name string) error {
	return managed(c.acme.Reissue(ctx, name))
}

func managed(err error) error {
	if errors.Is(err, acme.ErrUnknown) {
		return errors.Join(admin.ErrUnmanaged, err)
	}
	return err
}

// Metrics is part of admin.Controller.
func (c controller) Metrics() http.Handler {
	return promhttp.HandlerFor(c.metrics, promhttp.HandlerOpts{})
}
