package server

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"dwaar/acme"
	"dwaar/acme/issuing"
	"dwaar/cmd/dwaar/internal/cluster"
	"dwaar/netguard"
	"dwaar/proxy/config"
	"dwaar/proxy/dwaarfile"
	"dwaar/tlsstore"
	"dwaar/tlsstore/storage"
)

// Inspection is what can be learned from a Dwaarfile and the files it names, for
// who looks at it and does not serve it.
type Inspection struct {
	// Config is nil where the Dwaarfile cannot be understood.
	Config *config.Config
	// Warnings are no problems, but perhaps not what was meant.
	Warnings dwaarfile.Problems

	plan *plan
}

// Inspect reads the Dwaarfile at path as Check does. The error has a line for each
// problem; the inspection that comes with one is of what can be read all the same.
// Responders and CRLs are asked for over network.
func Inspect(path string, network ...netguard.Option) (*Inspection, error) {
	p, err := readPlan(path, slog.New(slog.DiscardHandler), network...)
	if p == nil {
		return &Inspection{}, err
	}
	i := &Inspection{Config: p.cfg, Warnings: p.warnings.Sorted(), plan: p}
	if p.client == nil { // as something else is wrong
		_ = p.buildClient(nil)
	}
	return i, err
}

// Cluster is the storage that is shared; only where Config.Storage.Shared says so.
func (i *Inspection) Cluster() cluster.Config { return i.plan.cluster() }

// Policies are all ways in which dwaar gets certificates, on demand too.
func (i *Inspection) Policies() []issuing.Policy {
	if i.plan == nil {
		return nil
	}
	return i.plan.policies()
}

// Inspected is one certificate as it would be served.
type Inspected struct {
	Where    string              // its file, or its name
	Chain    []*x509.Certificate // leaf first
	Stapling config.Stapling     // what its site says of its staple
	Off      bool                // it has none
}

// Leaf is the certificate itself.
func (c Inspected) Leaf() *x509.Certificate { return c.Chain[0] }

func newInspected(where string, pair *tlsstore.Pair, says config.Stapling, off bool) (Inspected, error) {
	seen := Inspected{Where: where, Stapling: says, Off: off}
	for _, der := range pair.Certificate.Certificate {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return seen, fmt.Errorf("%s: %w", where, err)
		}
		seen.Chain = append(seen.Chain, cert)
	}
	return seen, nil
}

// Manual are the certificates in files, those that can be read.
func (i *Inspection) Manual() (all []Inspected) {
	if i.plan == nil {
		return nil
	}
	for n, pair := range i.plan.pairs {
		if pair == nil {
			continue // among the problems
		}
		c := i.Config.Certificates[n]
		if seen, err := newInspected(c.CertFile, pair, c.OCSP, c.OCSPOff); err == nil {
			all = append(all, seen)
		}
	}
	return all
}

// Stored are certificates that dwaar has got itself, of at most so many names of
// each policy. A name that has none yet is left out.
func (i *Inspection) Stored(ctx context.Context, s storage.Storage, names int) (all []Inspected, err error) {
	if i.plan == nil {
		return nil, nil
	}
	stored := issuing.New(s, nil, slog.New(slog.DiscardHandler), issuing.Options{})
	for _, policy := range i.Config.ACME.Policies {
		for _, name := range policy.Names[:min(names, len(policy.Names))] {
			cert, err := stored.Load(ctx, policy, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return all, err
			}
			seen, err := i.inspected(name, acme.Certificate{Name: name, CertPEM: cert.CertPEM, KeyPEM: cert.KeyPEM})
			if err != nil {
				return all, err
			}
			all = append(all, seen)
		}
	}
	return all, nil
}

func (i *Inspection) inspected(name string, cert acme.Certificate) (Inspected, error) {
	pair, err := pairOf(cert)
	if err != nil {
		return Inspected{}, err
	}
	wanted := i.plan.automatic(name)
	return newInspected(name, pair, wanted.OCSP, wanted.OCSPOff)
}
