package tlsstore

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Binding says that a listener serves a certificate for some names. Several bindings of the
// same name are alternatives, such as RSA and ECDSA: a handshake gets the first its client
// supports.
type Binding struct {
	// Listener is the address of the listener, as it will be given to TLSConfig.
	Listener string

	// Names are those of the site: "example.com", "*.example.com" (one label), an IP address,
	// or "" for whatever no other site of the listener has. An internationalised name is in
	// its ASCII form (xn--…).
	Names []string

	// Pair is the certificate. If Load is set, Pair.Certificate may be empty.
	Pair *Pair

	// Waiting, if true, only puts Pair into the catalog: it gets its staple, and is served to
	// nobody until another binding has it, with the staple it has then. There is neither
	// Listener nor Names.
	Waiting bool

	// OnDemand, if true, says that there is no Pair: a client that asks for one of Names, or
	// for a name one of them stands for, gets what Store.OnDemand's Obtain makes of it. Where
	// another binding has the same of Names, that one is served.
	OnDemand bool

	// Load, if set, reads the certificate again; it is then kept in memory only while it is
	// in use. It is the only I/O a handshake may wait for, at most 1 s, and is called once
	// for all that wait.
	Load func(context.Context) (*Pair, error)

	// OCSPOff keeps the staple away from this site's handshakes (`ocsp off`).
	OCSPOff bool

	// OnRevoked and MustStapleWait, if set, hold for this site instead of those of Config.
	OnRevoked      OnRevoked
	MustStapleWait time.Duration

	// Note, if set, is the owner's: a comparable value that Record.Note gives back. The store
	// does not look at it.
	Note any
}

// rules are what a site says of the staple of its certificate.
func (b *Binding) rules() rules {
	return rules{ocspOff: b.OCSPOff, onRevoked: b.OnRevoked, mustStapleWait: b.MustStapleWait, note: b.Note}
}

// check refuses a binding that cannot be served.
func (b *Binding) check() error {
	if err := b.checkPair(); err != nil {
		return err
	}
	if b.OnRevoked != "" && b.OnRevoked != Refuse && b.OnRevoked != Serve {
		return fmt.Errorf("certificate of %v: on_revoked: %q is neither %q nor %q", b.Names, b.OnRevoked, Refuse, Serve)
	}
	switch {
	case b.Waiting && (b.Listener != "" || len(b.Names) > 0):
		return fmt.Errorf("certificate %s: it waits, and is bound to %v of listener %q", b.Pair.Serial, b.Names, b.Listener)
	case b.Waiting:
		return nil
	case len(b.Names) == 0 && b.OnDemand:
		return fmt.Errorf("listener %q: certificates are got on demand for no name", b.Listener)
	case len(b.Names) == 0:
		return fmt.Errorf("certificate %s: it is bound to no name", b.Pair.Serial)
	}
	for _, name := range b.Names {
		n, err := parseSiteName(name)
		if err != nil {
			return err
		}
		if b.OnDemand && n.ip.IsValid() {
			return fmt.Errorf("site name %q: no certificate is got on demand for an address, which no client sends as a name", name)
		}
	}
	return nil
}

func (b *Binding) checkPair() error {
	switch {
	case b.OnDemand && (b.Pair != nil || b.Load != nil || b.Waiting):
		return fmt.Errorf("certificate of %v: it cannot be both here and got on demand", b.Names)
	case b.OnDemand:
		return nil
	case b.Pair == nil:
		return fmt.Errorf("certificate of %v: there is none", b.Names)
	case b.Load == nil && !b.Pair.hasBody():
		return fmt.Errorf("certificate of %v: it has no chain or no key, and no way to load them", b.Names)
	}
	return nil
}

// siteName is a name of a Binding in canonical form: exactly one field is set, or none for
// the name of everything else.
type siteName struct {
	exact    string
	wildcard string // "example.com" for "*.example.com"
	ip       netip.Addr
}

func parseSiteName(name string) (siteName, error) {
	if name == "" {
		return siteName{}, nil
	}
	if mayBeAddress(name) {
		if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
			return siteName{ip: ip.Unmap().WithZone("")}, nil
		}
	}
	rest, wildcard := strings.CutPrefix(name, "*.")
	normal, ok := normalName(rest)
	switch {
	case !ok:
		return siteName{}, fmt.Errorf("site name %q is not a host name (labels of a-z, 0-9, - and _, internationalised ones as xn--…)", name)
	case wildcard:
		return siteName{wildcard: normal}, nil
	}
	return siteName{exact: normal}, nil
}

// mayBeAddress spares names the cost of being parsed as an IP address: no top-level domain
// ends in a digit.
func mayBeAddress(name string) bool {
	if name == "" {
		return false
	}
	last := name[len(name)-1]
	return '0' <= last && last <= '9' || strings.Contains(name, ":")
}
