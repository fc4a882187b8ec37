package issuing

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
)

// ErrNoRenewalInfo says that the issuer of a certificate has no opinion on when to renew it,
// now or ever: the local CA, a CA without ARI, or one that the policy no longer names.
var ErrNoRenewalInfo = errors.New("the issuer gives no renewal information")

// RenewalInfo is the window in which the CA wants a certificate to be replaced. One that
// begins in the past means now, and probably that it will be revoked (RFC 9773 §4.2).
type RenewalInfo struct {
	Start, End  time.Time
	RetryAfter  time.Time // when to ask again; zero if the CA did not say
	Explanation string    // a URL for the operator, or empty
}

// RenewalInfo asks the CA that issued cert when to renew it (ARI, RFC 9773).
func (i *Issuing) RenewalInfo(ctx context.Context, p Policy, cert *Certificate) (RenewalInfo, error) {
	for _, c := range p.Issuers {
		if c.acme() && c.key() == cert.Issuer {
			info, err := i.askRenewalInfo(ctx, c, cert)
			if err != nil {
				return RenewalInfo{}, fmt.Errorf("asking %s when to renew %s: %w", cert.Issuer, cert.Name, err)
			}
			return info, nil
		}
	}
	return RenewalInfo{}, ErrNoRenewalInfo
}

func (i *Issuing) askRenewalInfo(ctx context.Context, c IssuerConfig, cert *Certificate) (RenewalInfo, error) {
	client, err := i.client(ctx, c)
	if err != nil {
		return RenewalInfo{}, err
	}
	info, err := client.GetRenewalInfo(ctx, certmagic.Certificate{Certificate: tls.Certificate{Leaf: cert.Leaf}})
	if errors.Is(err, acme.ErrUnsupported) {
		return RenewalInfo{}, ErrNoRenewalInfo
	}
	if err != nil {
		return RenewalInfo{}, err
	}
	said := RenewalInfo{Start: info.SuggestedWindow.Start, End: info.SuggestedWindow.End, Explanation: info.ExplanationURL}
	if info.RetryAfter != nil {
		said.RetryAfter = *info.RetryAfter
	}
	return said, nil
}
