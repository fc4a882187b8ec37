package server

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"iter"
	"log/slog"
	"math"
	"slices"
	"time"

	"dwaar/cmd/dwaar/internal/responders"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/crl"
)

// Asked reports whether somebody may be there to be asked about a certificate.
func (i *Inspection) Asked(c Inspected) bool {
	leaf := c.Leaf()
	if c.Off || i.plan.client == nil || ocspsvc.SelfSigned(leaf) || ocspsvc.NoRevAvail(leaf) {
		return false
	}
	return len(leaf.OCSPServer) > 0 || c.Stapling.Responder != "" || c.issuer() != nil
}

// Issuer is who issued a certificate that is asked about: from its chain, else from
// where the certificate says.
func (i *Inspection) Issuer(ctx context.Context, c Inspected) (*x509.Certificate, error) {
	if issuer := c.issuer(); issuer != nil {
		return issuer, nil
	}
	return i.plan.client.FetchIssuer(ctx, c.Leaf())
}

func (c Inspected) issuer() *x509.Certificate { return ocspsvc.FindIssuer(c.Leaf(), c.Chain[1:]) }

// Responders are the URLs of those that are asked about a certificate: none where this
// dwaar answers itself.
func (i *Inspection) Responders(c Inspected, issuer *x509.Certificate) []string {
	switch {
	case i.answersFor(issuer):
		return nil
	case c.Stapling.Responder != "":
		return []string{c.Stapling.Responder}
	}
	return i.asks(c).Responders(c.Leaf(), issuer)
}

// Stapled reports whether somebody is there to be asked for a staple: a responder, or
// this dwaar itself. It is false, too, where that is not known as something else is wrong.
func (i *Inspection) Stapled(c Inspected, issuer *x509.Certificate) bool {
	return i.Asked(c) && (i.answersFor(issuer) || len(i.Responders(c, issuer)) > 0)
}

// answersFor reports whether a responder of this Dwaarfile does.
func (i *Inspection) answersFor(issuer *x509.Certificate) bool {
	return slices.ContainsFunc(i.plan.ocsp, func(l *responders.Loaded) bool { return l.For(issuer) })
}

// asks is who asks about a certificate.
func (i *Inspection) asks(c Inspected) *client.Client {
	return cmp.Or(i.plan.own[c.Stapling], i.plan.client)
}

// Ask asks one responder about a certificate, as the stapler would.
func (i *Inspection) Ask(ctx context.Context, c Inspected, issuer *x509.Certificate, url string) (ocspsvc.Verdict, error) {
	response, err := i.asks(c).FetchFrom(ctx, c.Leaf(), issuer, url)
	if err != nil {
		return ocspsvc.Refusal(err), err
	}
	// How old it may be the client has judged.
	return ocspsvc.Verify(response, c.Leaf(), issuer, time.Now(), ocspsvc.VerifyOptions{AllowNoNextUpdate: true, MaxAge: math.MaxInt64})
}

// ReadCRL reads the list that says whether a certificate is revoked, as the
// watcher would. The error is crl.ErrNotChecked where no list is read.
func (i *Inspection) ReadCRL(ctx context.Context, c Inspected) (crl.Status, error) {
	if i.plan.guard == nil {
		return crl.Status{}, crl.ErrNotChecked
	}
	w, err := crl.New(crl.Config{}, alone{c, !c.Off && c.Stapling.ChecksCRL(i.Config.CRL)}, i.plan.guard, nil, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return crl.Status{}, err
	}
	w.Sync()
	return w.Refresh(ctx, sha256.Sum256(c.Leaf().Raw))
}

// alone is a catalog of one certificate.
type alone struct {
	Inspected
	checked bool
}

// Certificates is part of crl.Catalog.
func (a alone) Certificates() iter.Seq[crl.Certificate] {
	one := crl.Certificate{Fingerprint: sha256.Sum256(a.Leaf().Raw), Disabled: !a.checked}
	for _, cert := range a.Chain {
		one.Chain = append(one.Chain, cert.Raw)
	}
	return func(yield func(crl.Certificate) bool) { yield(one) }
}
