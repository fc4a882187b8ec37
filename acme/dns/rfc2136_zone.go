package dns

import (
	"context"
	"fmt"

	"github.com/miekg/dns"
)

// zoneOf is the zone that name is in: the configured one, or the one the server says. The
// zone that certmagic passes is what public resolvers know, which a server of one's own need
// not agree with.
func (p *RFC2136) zoneOf(ctx context.Context, name string) (string, error) {
	if p.zone != "" {
		if !dns.IsSubDomain(p.zone, name) {
			return "", &refusal{fmt.Errorf("dns: %s is not in the zone %s", name, p.zone)}
		}
		return p.zone, nil
	}
	zone, err := p.ask(ctx, name)
	if err != nil {
		return "", &refusal{fmt.Errorf("dns: finding the zone of %s: %w", name, err)}
	}
	return zone, nil
}

// ask looks for the SOA record, which comes with the answer also where there is no such name
// (RFC 2308 §3), then the parent's, and so on.
func (p *RFC2136) ask(ctx context.Context, name string) (string, error) {
	var refused *dns.Msg
	for at := name; at != "."; at = parent(at) {
		m := new(dns.Msg).SetQuestion(at, dns.TypeSOA)
		m.RecursionDesired = false
		answer, err := p.client.exchange(ctx, m)
		if err != nil {
			return "", err
		}
		if zone := apexIn(answer, at); zone != "" {
			return zone, nil
		}
		if alias := aliasIn(answer, name); alias != "" {
			return "", fmt.Errorf("it is an alias of %s, and aliases cannot have other records", alias)
		}
		if refused == nil && answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError {
			refused = answer
		}
	}
	if refused != nil {
		return "", p.client.refused(refused)
	}
	return "", fmt.Errorf("%s is not authoritative for it", p.client.address)
}

func parent(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[next:]
}

// apexIn is the zone an authoritative answer about name speaks for, or empty.
func apexIn(answer *dns.Msg, name string) string {
	if !answer.Authoritative {
		return ""
	}
	for _, rr := range append(answer.Answer, answer.Ns...) {
		if soa, ok := rr.(*dns.SOA); ok && dns.IsSubDomain(soa.Hdr.Name, name) {
			return dns.CanonicalName(soa.Hdr.Name)
		}
	}
	return ""
}

// aliasIn is what name is a CNAME for, or empty.
func aliasIn(answer *dns.Msg, name string) string {
	for _, rr := range answer.Answer {
		if cname, ok := rr.(*dns.CNAME); ok && dns.CanonicalName(cname.Hdr.Name) == dns.CanonicalName(name) {
			return cname.Target
		}
	}
	return ""
}
