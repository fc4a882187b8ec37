package relay

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"dwaar/ocspsvc"
)

// Bounds of the files that are read.
const (
	maxFile         = 1 << 20 // octets
	maxFiles        = 10_000
	maxCertificates = 512 // in one file: a bundle of roots, by mistake
	maxLeaves       = 16  // of one file
)

// scanEvery is how often the certificate files are looked at.
const scanEvery = time.Minute

// files are the certificates to prefetch. They are owned by Run.
type files struct {
	patterns []string
	log      *slog.Logger
	seen     map[string]*file
}

// file is what a certificate file held when it was read last.
type file struct {
	size     int64
	modified time.Time
	chain    []*x509.Certificate

	leaves []member // that an answer can be had for
	knew   int      // how many authorities there were when leaves were looked for; 0 before
}

// member is a certificate with its issuer.
type member struct {
	leaf      *x509.Certificate
	authority *authority
}

func newFiles(patterns []string, log *slog.Logger) *files {
	return &files{patterns: patterns, log: log, seen: map[string]*file{}}
}

// scan reads the files that have changed. One that cannot be read keeps what it
// held; one that is gone holds nothing.
func (f *files) scan() {
	present := map[string]*file{}
	for _, pattern := range f.patterns {
		names, _ := filepath.Glob(pattern) // Check knows the patterns
		for _, name := range names {
			if len(present) < maxFiles {
				present[name] = f.look(name)
			}
		}
	}
	f.seen = present
}

func (f *files) look(name string) *file {
	before := f.seen[name]
	info, err := os.Stat(name)
	if err == nil && before != nil && before.size == info.Size() && before.modified.Equal(info.ModTime()) {
		return before
	}
	now := &file{}
	if before != nil {
		now.chain = before.chain
	}
	if err == nil {
		now.size, now.modified = info.Size(), info.ModTime()
		var chain []*x509.Certificate
		if chain, err = readCertificates(name); err == nil {
			now.chain = chain
		}
	}
	if err != nil {
		f.log.Warn("reading certificates to prefetch answers for", "file", name, "err", err)
	}
	return now
}

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
		if f.knew == 0 || f.knew != len(all) {
			f.sort(&all, r.log, name)
		}
		for _, m := range f.leaves {
			id, err := ocspsvc.NewCertID(m.leaf, m.authority.issuer, crypto.SHA1) // what servers ask by
			if err != nil || !now.Before(m.leaf.NotAfter) {
				continue
			}
			subjects = append(subjects, subject{key: keyOf(&id), id: id, authority: m.authority, leaf: m.leaf})
			learned[m.authority] = append(learned[m.authority], respondersOf(m.leaf)...)
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
func (f *file) sort(all *[]*authority, log *slog.Logger, name string) {
	first := f.knew == 0
	f.leaves = nil
	for _, cert := range f.chain {
		if cert.IsCA || ocspsvc.NoRevAvail(cert) || ocspsvc.SelfSigned(cert) || len(f.leaves) == maxLeaves {
			continue
		}
		a, err := authorityOf(cert, f.chain, all)
		if err == nil {
			f.leaves = append(f.leaves, member{cert, a})
		} else if first {
			log.Warn("no OCSP answer can be had for a certificate", "file", name, "serial", fmt.Sprintf("%x", cert.SerialNumber), "err", err)
		}
	}
	f.knew = len(*all)
}

// authorityOf finds a leaf's issuer among those that are known, and in its file.
func authorityOf(leaf *x509.Certificate, chain []*x509.Certificate, all *[]*authority) (*authority, error) {
	known := &roster{all: *all}
	issuer := ocspsvc.FindIssuer(leaf, append(known.issuers(), chain...))
	if issuer == nil {
		return nil, errors.New("its issuer is neither configured nor in the file")
	}
	a := known.find(issuer)
	if a == nil {
		a = newAuthority(issuer, "")
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

// loadAuthorities reads the configured issuers. Its error names every file that
// is wrong.
func loadAuthorities(issuers []Issuer) ([]*authority, error) {
	known, wrong := &roster{}, []error(nil)
	for _, i := range issuers {
		certs, err := readCertificates(i.Certificate)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("issuer: %w", err))
			continue
		}
		for _, cert := range certs {
			if !cert.IsCA {
				wrong = append(wrong, fmt.Errorf("issuer %s: %s is not a CA", i.Certificate, cert.Subject))
				continue
			}
			a := known.find(cert)
			if a == nil {
				a = newAuthority(cert, "")
				known.all = append(known.all, a)
			}
			a.also(i.Responder)
		}
	}
	return known.all, errors.Join(wrong...)
}

// readCertificates returns all certificates of a PEM file, at least one. What
// else is in it, such as a key, is passed over.
func readCertificates(name string) (certs []*x509.Certificate, err error) {
	rest, err := readFile(name)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(rest); block != nil && len(certs) < maxCertificates; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%s holds no certificate in PEM", name)
	}
	return certs, nil
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d octets", name, maxFile)
	}
	return data, err
}
