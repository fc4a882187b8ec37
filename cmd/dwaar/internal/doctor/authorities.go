package doctor

import (
	"context"

	"dwaar/acme/issuing"
)

// authorities are the ACME CAs that certificates are got from.
func (e *examination) authorities(ctx context.Context) []Finding {
	var all []issuing.IssuerConfig
	met := &seen{}
	for _, p := range e.Inspection.Policies() {
		for _, i := range p.Issuers {
			if i.CA != issuing.Internal && met.first(i.CA) && len(all) < most {
				all = append(all, i)
			}
		}
	}
	return each(all, func(i issuing.IssuerConfig) []Finding {
		what := "CA " + i.CA
		if err := i.Reach(ctx); err != nil {
			return []Finding{fail(what, "%v; no certificate can be had there: look at its name, at the way there (firewall, $HTTPS_PROXY), and at acme_ca and acme_ca_root", err)}
		}
		return []Finding{ok(what, "can be reached")}
	})
}
