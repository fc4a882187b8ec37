// Package dns puts the records of ACME's dns-01 challenge (RFC 8555 §8.4) into a zone and
// takes them out again: by dynamic update (RFC 2136), or by a program of the operator's.
package dns

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/libdns/libdns"
	"github.com/miekg/dns"
)

// Config names one provider and what it needs.
type Config struct {
	RFC2136 *RFC2136Config `json:"rfc2136,omitempty"`
	Exec    *ExecConfig    `json:"exec,omitempty"`
}

// Provider is what certmagic's dns-01 solver needs. Names are relative to the zone given
// with them, as libdns has it; only TXT records are handled.
type Provider interface {
	libdns.RecordAppender
	libdns.RecordDeleter
}

// Check reports what is wrong with c, or nil. It touches neither disk nor network.
func (c Config) Check() error {
	switch {
	case c.RFC2136 != nil && c.Exec != nil:
		return errors.New("dns: one provider, not both rfc2136 and exec")
	case c.RFC2136 != nil:
		return c.RFC2136.Check()
	case c.Exec != nil:
		return c.Exec.Check()
	}
	return errors.New("dns: name a provider: rfc2136 or exec")
}

// New makes the provider that c names.
func New(c Config) (Provider, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.RFC2136 != nil {
		return NewRFC2136(*c.RFC2136)
	}
	return NewExec(*c.Exec)
}

// undoTimeout bounds the removal of records whose adding has failed.
const undoTimeout = 30 * time.Second

// undo removes what a failed call may have left behind, also if that call's time is up.
// Nobody else will: a solver does not clean up what it was told was not added.
func undo(ctx context.Context, p libdns.RecordDeleter, zone string, records []libdns.Record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	_, err := p.DeleteRecords(ctx, zone, records)
	return err
}

// undone is the error of a call after its undo.
func undone(err, undo error) error {
	if undo == nil {
		return err
	}
	return fmt.Errorf("%w; removing what it may have left: %w", err, undo)
}

// refusal is the error of a call that has changed nothing.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// txt is a record to add or to remove.
type txt struct {
	name  string // fully qualified, with the final dot
	value string
	ttl   time.Duration
}

// asTXT refuses what is no TXT record, or one without a value: to libdns that means every
// value, and other orders may have theirs at the same name.
func asTXT(zone string, records []libdns.Record) ([]txt, error) {
	var all []txt
	for _, record := range records {
		rr := record.RR()
		if rr.Type != "TXT" {
			return nil, &refusal{fmt.Errorf("dns: %s record at %s: only TXT records are handled", rr.Type, rr.Name)}
		}
		name := absolute(rr.Name, zone)
		if _, ok := dns.IsDomainName(name); !ok || strings.HasPrefix(name, "-") {
			return nil, &refusal{fmt.Errorf("dns: %q is not a domain name", name)}
		}
		if rr.Data == "" {
			return nil, &refusal{fmt.Errorf("dns: TXT record at %s has no value", name)}
		}
		all = append(all, txt{name, rr.Data, rr.TTL})
	}
	return all, nil
}

// absolute is a name of a record in its zone, with the final dot.
func absolute(name, zone string) string {
	return strings.TrimSuffix(libdns.AbsoluteName(name, zone), ".") + "."
}

// handled are records as libdns wants them back.
func handled(records []libdns.Record) []libdns.Record {
	all := make([]libdns.Record, len(records))
	for i, record := range records {
		rr := record.RR()
		all[i] = libdns.TXT{Name: rr.Name, TTL: rr.TTL, Text: rr.Data}
	}
	return all
}
