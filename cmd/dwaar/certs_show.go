package main

import (
	"strings"

	"dwaar/ocspsvc"
	"dwaar/proxy/admin"
)

// showCertificate prints all that is known of one certificate, a fact a line.
func (a *app) showCertificate(c admin.Certificate) error {
	t := newTable(a.stdout)
	t.row("names", strings.Join(c.Names, " "))
	t.row("source", c.Source)
	t.row("issuer", orDash(c.Issuer))
	t.row("serial", orDash(c.Serial))
	t.row("fingerprint", orDash(c.Fingerprint))
	t.row("not before", when(c.NotBefore))
	t.row("not after", when(c.NotAfter))
	t.row("must-staple", mustStaple(c))
	t.row("revoked", yesNo(c.Revoked))
	t.row("staple", c.Staple.State)
	t.row("reason", c.Staple.Reason)
	if why := why(c); why != "" {
		t.row("", why)
	}
	t.row("this update", when(c.Staple.ThisUpdate))
	t.row("next update", when(c.Staple.NextUpdate))
	t.row("last refresh", when(c.Staple.LastRefresh))
	t.row("next try", when(c.Staple.NextTry))
	t.row("last error", orDash(c.Staple.LastError))
	t.row("responder", orDash(c.Staple.Responder))
	t.acme(c.ACME)
	t.crl(c.CRL)
	return t.flush()
}

// why explains the reason word of the staple.
func why(c admin.Certificate) string {
	if c.Fingerprint == "" {
		return "There is no certificate yet, and so nothing to ask about."
	}
	return ocspsvc.Reason(c.Staple.Reason).Explain()
}

func (t *table) acme(a *admin.ACME) {
	if a == nil {
		return
	}
	t.row("next renewal", when(a.NextRenewal))
	t.row("renewal error", orDash(a.LastError))
	t.row("renewal retry", when(a.NextTry))
}

func (t *table) crl(c *admin.CRL) {
	if c == nil {
		return
	}
	t.row("crl", c.State)
	t.row("crl reason", orDash(c.Reason))
	t.row("crl url", orDash(c.URL))
	t.row("crl next update", when(c.NextUpdate))
	t.row("crl error", orDash(c.LastError))
}

// mustStaple says aloud what S13 alarms about.
func mustStaple(c admin.Certificate) string {
	if c.Alarm {
		return "yes, but served without a staple: clients that honour it refuse the connection"
	}
	return yesNo(c.MustStaple)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
