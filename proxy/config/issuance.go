package config

import (
	"reflect"
	"slices"
	"time"

	"dwaar/acme/issuing"
	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/tlspolicy"
)

// issuance is what a site's tls says of certificates that dwaar gets itself.
type issuance struct {
	tok        dwaarfile.Token // the directive, or the address of a site without
	internal   bool            // tls internal
	email      string
	ca         string
	roots      []string
	issuers    []issuing.IssuerConfig
	dns        *issuing.DNSConfig
	resolvers  []string
	timeout    time.Duration // of propagation
	keyType    string
	mustStaple bool
	onDemand   bool
	ocspOff    bool
	stapling   Stapling
	policy     tlspolicy.Config // what it says of handshakes
	ciphers    dwaarfile.Token  // the option, zero if it is not there
	alpn       dwaarfile.Token  // the option, zero if it is not there
	clientAuth dwaarfile.Token  // the option, zero if it is not there

	// What it said, for problems: words that only mean something to a CA, and
	// options for certificates that dwaar gets, whoever issues them.
	forACME, forManaged []dwaarfile.Token
	tookCA, tookAny     bool // whether a name of the site has a CA, or anyone to issue
}

// saysOfCertificates reports whether there is an option about where the
// certificate comes from or how it is kept; one without any option counts.
func (i *issuance) saysOfCertificates() bool {
	return len(i.forManaged) > 0 || i.ocspOff || i.stapling != (Stapling{}) || reflect.DeepEqual(i.policy, tlspolicy.Config{})
}

// check reports options that contradict each other.
func (i *issuance) check(l line) {
	if i.internal {
		for _, option := range i.forACME {
			l.problem(option, "%s is for ACME, and tls internal for the local CA", option.Text)
		}
		return
	}
	if len(i.issuers) > 0 && (i.ca != "" || len(i.roots) > 0) {
		l.problem(i.optionAt("ca", "ca_root"), "ca and ca_root are for a site without issuer: write them in issuer acme URL { root FILE }")
	}
	if len(i.roots) > 0 && i.ca == "" && len(i.issuers) == 0 {
		l.problem(i.optionAt("ca_root"), "ca_root is for the CA that ca names here; that of acme_ca is acme_ca_root")
	}
	if i.mustStaple && slices.ContainsFunc(i.issuers, func(c issuing.IssuerConfig) bool { return c.CA == issuing.Internal }) {
		l.problem(i.optionAt("must_staple"), "must_staple needs a responder, and the local CA has none")
	}
	if i.dns == nil && (len(i.resolvers) > 0 || i.timeout != 0) {
		l.problem(i.optionAt("resolvers", "propagation_timeout"), "resolvers and propagation_timeout are for dns")
	}
	if i.dns != nil {
		i.dns.Resolvers, i.dns.PropagationTimeout = i.resolvers, i.timeout
	}
}

// optionAt is the first of these options that stands there.
func (i *issuance) optionAt(names ...string) dwaarfile.Token {
	for _, option := range i.forACME {
		for _, name := range names {
			if option.Text == name {
				return option
			}
		}
	}
	return i.tok
}
