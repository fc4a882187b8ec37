package dns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/libdns/libdns"
	"github.com/miekg/dns"
)

// RFC2136 updates zones on a server of one's own, such as BIND, Knot or PowerDNS. It is safe
// for concurrent use and keeps no connection open.
type RFC2136 struct {
	client exchanger
	zone   string // fully qualified, or empty: ask
}

var _ Provider = (*RFC2136)(nil)

// NewRFC2136 makes a provider; the server is not asked for anything yet.
func NewRFC2136(c RFC2136Config) (*RFC2136, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	address, err := c.address()
	if err != nil {
		return nil, err
	}
	p := &RFC2136{client: exchanger{address: address, timeout: cmp.Or(c.Timeout, defaultTimeout)}}
	if c.Zone != "" {
		p.zone = dns.CanonicalName(c.Zone)
	}
	if c.KeyName != "" {
		p.client.key = &tsigKey{name: dns.CanonicalName(c.KeyName), algorithm: c.algorithm(), secret: string(c.KeySecret)}
	}
	return p, nil
}

// AppendRecords implements libdns.RecordAppender: TXT values are added to those that a name
// has, all or none (RFC 2136 §3.7). What may have been added although an error is returned,
// such as when the answer was lost, is removed again.
func (p *RFC2136) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	err := p.update(ctx, zone, records, (*dns.Msg).Insert)
	var refused *refusal
	switch {
	case err == nil:
		return handled(records), nil
	case errors.As(err, &refused):
		return nil, err
	}
	return nil, undone(err, undo(ctx, p, zone, records))
}

// DeleteRecords implements libdns.RecordDeleter. Only the given values go (RFC 2136
// §2.5.4): others at the same name stay. A value that is not there is no error.
func (p *RFC2136) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	if err := p.update(ctx, zone, records, (*dns.Msg).Remove); err != nil {
		return nil, err
	}
	return handled(records), nil
}

// update sends one message for all records. Its error is a refusal if the zone is as it was.
func (p *RFC2136) update(ctx context.Context, zone string, records []libdns.Record, change func(*dns.Msg, []dns.RR)) error {
	texts, err := asTXT(zone, records)
	if err != nil || len(texts) == 0 {
		return err
	}
	apex, err := p.zoneOf(ctx, texts[0].name)
	if err != nil {
		return err
	}
	var all []dns.RR
	for _, t := range texts {
		if !dns.IsSubDomain(apex, t.name) {
			return &refusal{fmt.Errorf("dns: %s is not in the zone %s", t.name, apex)}
		}
		all = append(all, t.rr())
	}
	m := new(dns.Msg).SetUpdate(apex)
	change(m, all)
	if err := p.send(ctx, m); err != nil {
		return fmt.Errorf("dns: updating %s in the zone %s: %w", texts[0].name, apex, err)
	}
	return nil
}

func (p *RFC2136) send(ctx context.Context, m *dns.Msg) error {
	answer, err := p.client.exchange(ctx, m)
	if err != nil {
		return err
	}
	if answer.Rcode != dns.RcodeSuccess {
		return p.client.refused(answer)
	}
	return nil
}

// rr is a TXT record. A string of one holds 255 bytes (RFC 1035 §3.3.14); longer values are
// several.
func (t txt) rr() dns.RR {
	ttl := cmp.Or(t.ttl, defaultTTL)
	record := &dns.TXT{Hdr: dns.RR_Header{Name: t.name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: uint32(ttl / time.Second)}}
	for value := t.value; value != ""; {
		n := min(len(value), 255)
		// The backslash is all that miekg/dns takes for more than a byte.
		record.Txt = append(record.Txt, strings.ReplaceAll(value[:n], `\`, `\\`))
		value = value[n:]
	}
	return record
}
