package relay

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"dwaar/ocspsvc"
)

// scan brings the prefetched certificates, the issuers and the learned responders
// up to date with the files. It returns the issuers that are new.
func (r *Relay) scan() (added []*authority) {
	r.files.scan()
	roster, now := r.roster.Load(), time.Now()
	all := slices.Clone(roster.all)
	learned := map[*authority][]string{}
	var subjects []subject
	names := make([]string, 0, len(r.files.seen))
	for name := range r.files.seen {
		names = append(names, name)
	}
	slices.Sort(names) // the same responders in the same order
	for _, name := range names {
		f := r.files.seen[name]
		if f.knew != len(all) {
			f.sort(&all, r.cfg.Limits, r.log, name)
		}
		for _, s := range f.leaves {
			if now.Before(s.leaf.NotAfter) {
				subjects = append(subjects, s)
				learned[s.authority] = append(learned[s.authority], respondersOf(s.leaf)...)
			}
		}
	}
	for _, a := range all {
		urls := distinct(learned[a])
		a.learned.Store(&urls)
	}
	added = all[len(roster.all):]
	if len(added) > 0 {
		r.roster.Store(newRoster(all))
	}
	for _, s := range r.cache.pin(subjects, now) {
		s.authority.nudge()
	}
	return added
}

// sort finds out which certificates of a file an answer can be had for, and whose
// they are. That takes signatures, so it is done once for a file and what is
// known of issuers.
func (f *file) sort(all *[]*authority, limits Limits, log *slog.Logger, name string) {
	first := f.knew < 0
	f.leaves = nil
	for _, cert := range f.chain {
		if cert.IsCA || ocspsvc.NoRevAvail(cert) || ocspsvc.SelfSigned(cert) || len(f.leaves) == maxLeaves {
			continue
		}
		a, err := authorityOf(cert, f.chain, all, limits)
		if err == nil {
			id, _ := ocspsvc.NewCertID(cert, a.issuer, crypto.SHA1) // what servers ask by; both were parsed
			f.leaves = append(f.leaves, subject{key: keyOf(&id), id: id, authority: a, leaf: cert})
		} else if first {
			log.Warn("no OCSP answer can be had for a certificate", "file", name, "serial", fmt.Sprintf("%x", cert.SerialNumber), "err", err)
		}
	}
	f.knew = len(*all)
}

// authorityOf finds a leaf's issuer among those that are known, and in its file.
func authorityOf(leaf *x509.Certificate, chain []*x509.Certificate, all *[]*authority, limits Limits) (*authority, error) {
	known := &roster{all: *all}
	issuer := ocspsvc.FindIssuer(leaf, append(known.issuers(), chain...))
	if issuer == nil {
		return nil, errors.New("its issuer is neither configured nor in the file")
	}
	a := known.find(issuer)
	if a == nil {
		a = newAuthority(issuer, limits)
	}
	switch {
	case len(a.configured) == 0 && len(respondersOf(leaf)) == 0:
		return nil, errors.New("it names no OCSP responder, and none is configured for its issuer")
	case !slices.Contains(known.all, a) && len(known.all) >= maxAuthorities:
		return nil, fmt.Errorf("there are %d issuers already", maxAuthorities)
	case !slices.Contains(known.all, a):
		*all = append(*all, a)
	}
	return a, nil
}

func distinct(urls []string) (kept []string) {
	for _, url := range urls {
		if !slices.Contains(kept, url) && len(kept) < maxURLs {
			kept = append(kept, url)
		}
	}
	return kept
}
