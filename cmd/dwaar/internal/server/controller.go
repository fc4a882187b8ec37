package server

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"dwaar/acme"
	"dwaar/cmd/dwaar/internal/running"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/stapler"
	"dwaar/proxy/admin"
	"dwaar/tlsstore"
)

// controller is the server as the admin door sees it.
type controller struct{ *Server }

// Ready is part of admin.Controller.
func (c controller) Ready() error {
	if !c.ready.Load() {
		return errStarting
	}
	return c.ocsp.Ready()
}

var errStarting = errors.New("starting")

// Stop is part of admin.Controller.
func (c controller) Stop() {
	c.log.Info("stopping", "reason", "asked to through the admin door")
	if c.opts.Stopping != nil {
		c.opts.Stopping()
	}
	if stop := c.stop.Load(); stop != nil {
		(*stop)()
	}
}

// Status is part of admin.Controller.
func (c controller) Status() admin.Status {
	p := c.plan.Load()
	status := admin.Status{
		Version: c.opts.Version, Started: c.started, Config: c.ConfigPath(),
		Listeners: addresses(p), Ready: c.Ready() == nil, LastReload: c.lastReload.Load(),
		Storage: c.storageStatus(),
	}
	for _, record := range c.certs.Status() {
		status.Certificates = append(status.Certificates, c.certificate(record))
	}
	status.Certificates = append(status.Certificates, c.missing(p)...)
	status.Responders, status.Relays = c.responders(), c.relays()
	for _, u := range c.http.Upstreams().Status() {
		status.Upstreams = append(status.Upstreams, admin.Upstream{
			Address: u.Address, Healthy: u.Healthy, InFlight: u.InFlight, Requests: u.Requests, Failures: u.Failures,
		})
	}
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
		cert.CRL = list(s)
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

func list(s crl.Status) *admin.CRL {
	return &admin.CRL{
		State: string(s.State), Reason: string(s.Reason), URL: s.URL, NextUpdate: s.NextUpdate, LastError: s.LastError,
	}
}

// Refresh is part of admin.Controller. What the CRL says counts where there is
// no responder, and where it is that the certificate is revoked.
func (c controller) Refresh(ctx context.Context, fingerprint string) (admin.Outcome, error) {
	var leaf stapler.Fingerprint
	if n, err := hex.Decode(leaf[:], []byte(fingerprint)); err != nil || n != len(leaf) {
		return admin.Outcome{}, fmt.Errorf("%q is not the SHA-256 of a leaf", fingerprint)
	}
	said, err := c.stapler.Refresh(ctx, leaf)
	out := admin.Outcome{Reason: string(said.Reason), Staple: staple(said)}
	listed, unread := c.crl.Refresh(ctx, leaf)
	if errors.Is(unread, crl.ErrNotChecked) {
		return out, err
	}
	out.CRL = list(listed)
	switch {
	case ocspsvc.ReasonOf(err) == ocspsvc.ReasonNoResponder:
		out.Reason, err = string(listed.Reason), unread
	case listed.State == crl.Revoked:
		out.Reason = string(listed.Reason)
	}
	return out, err
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
		return admin.ErrUnmanaged
	}
	return err
}

// Metrics is part of admin.Controller.
func (c controller) Metrics() http.Handler {
	return running.Show(c.metrics, c.ocsp, c.Server.relays)
}
