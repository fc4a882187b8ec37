package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dwaar/cmd/dwaar/internal/server"
	"dwaar/ocspsvc"
)

// soon is when a person should renew a certificate that is in files.
const soon = 14 * 24 * time.Hour

// certificates are those in files: what keeps clients from taking them, besides what
// the Dwaarfile's warnings tell (their times, and names they are not for).
func (e *examination) certificates(context.Context) (found []Finding) {
	all := e.Inspection.Manual()
	first := time.Time{}
	for _, c := range all {
		found = append(found, e.certificate(c)...)
		if ends := c.Leaf().NotAfter; first.IsZero() || ends.Before(first) {
			first = ends
		}
	}
	if len(all) > 0 && len(found) == 0 {
		return []Finding{ok("certificates", "%d in files, each whole; the first ends %s", len(all), when(first))}
	}
	return found
}

func (e *examination) certificate(c server.Inspected) (found []Finding) {
	what, leaf := "certificate "+c.Where, c.Leaf()
	if left := time.Until(leaf.NotAfter); left > 0 && left < soon {
		found = append(found, warn(what, "it ends in %s, at %s: put a new one into its files, which dwaar notices by itself", days(left), when(leaf.NotAfter)))
	}
	issuer := ocspsvc.FindIssuer(leaf, c.Chain[1:])
	if issuer == nil && !ocspsvc.SelfSigned(leaf) {
		found = append(found, warn(what, "its issuer (%s) is not in the file: unless that is a root that clients have, they refuse the certificate; append the intermediates", leaf.Issuer))
	}
	if ocspsvc.HasMustStaple(leaf) && issuer != nil && e.Problems == nil && !e.Inspection.Stapled(c, issuer) {
		found = append(found, fail(what, "clients insist on a staple (must-staple), and nobody says who is to be asked for it: name its responder (ocsp { responder … }), do not turn ocsp off, or have it issued without"))
	}
	return found
}

func days(d time.Duration) string {
	if d < 48*time.Hour {
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}
