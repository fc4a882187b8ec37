package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"dwaar/cmd/dwaar/internal/relays"
	"dwaar/cmd/dwaar/internal/responders"
	"dwaar/netguard"
	"dwaar/ocspsvc/client"
	"dwaar/proxy/config"
	"dwaar/proxy/dwaarfile"
	"dwaar/tlsstore"
)

// plan is a Dwaarfile with the certificates it names: what can be wrong with
// it short of the network has been looked at.
type plan struct {
	cfg      *config.Config
	pairs    []*tlsstore.Pair // one for each of cfg.Certificates, nil where it cannot be read
	bindings []tlsstore.Binding
	guard    *netguard.Guard
	client   *client.Client
	own      map[config.Stapling]*client.Client // of sites that say how they want to be asked for
	ocsp     []*responders.Loaded               // one for each of cfg.OCSPResponders
	relays   []*relays.Loaded                   // one for each of cfg.OCSPRelays
	warnings dwaarfile.Problems

	network []netguard.Option // how guard reaches it
}

// readPlan reads the Dwaarfile at path. The error has one line for each problem.
func readPlan(path string, log *slog.Logger, network ...netguard.Option) (*plan, error) {
	cfg, err := config.Load(path, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	p := &plan{cfg: cfg, warnings: cfg.Warnings, network: network}
	problems := p.readCertificates()
	problems = append(problems, p.checkOverrides()...)
	problems = append(problems, p.checkRoots()...)
	problems = append(problems, p.checkClientPairs()...)
	problems = append(problems, p.checkStorage()...)
	problems = append(problems, p.loadResponders()...)
	problems = append(problems, p.loadRelays()...)
	if problems == nil {
		err = p.buildClient(log)
	}
	if err != nil {
		problems = dwaarfile.Problems{{Pos: dwaarfile.Position{File: path}, Message: err.Error()}}
	}
	return p, problems.Sorted().Err()
}

// checkOverrides reads the issuer files that `responder` options name.
func (p *plan) checkOverrides() (problems dwaarfile.Problems) {
	for i, override := range p.cfg.Client.Overrides {
		alone := plan{cfg: &config.Config{Client: client.Config{Overrides: []client.Override{override}}}}
		if err := alone.buildClient(nil); err != nil {
			problems = append(problems, dwaarfile.Problem{Pos: p.cfg.OverridesAt[i], Message: err.Error()})
		}
	}
	return problems
}

// checkRoots reads the roots that ACME CAs are trusted by.
func (p *plan) checkRoots() (problems dwaarfile.Problems) {
	for _, file := range p.cfg.RootFiles {
		text, err := os.ReadFile(file.Path)
		if err == nil && !x509.NewCertPool().AppendCertsFromPEM(text) {
			err = fmt.Errorf("%s: there is no certificate in it; give a PEM file", file.Path)
		}
		if err != nil {
			problems = append(problems, dwaarfile.Problem{Pos: file.Position, Message: "root certificates: " + err.Error()})
		}
	}
	return problems
}

// checkClientPairs reads who dwaar is to upstreams.
func (p *plan) checkClientPairs() (problems dwaarfile.Problems) {
	for _, pair := range p.cfg.ClientPairs {
		if _, err := tls.LoadX509KeyPair(pair.CertFile, pair.KeyFile); err != nil {
			problems = append(problems, dwaarfile.Problem{Pos: pair.Position, Message: "client certificate: " + err.Error()})
		}
	}
	return problems
}

func (p *plan) buildClient(log *slog.Logger) (err error) {
	if p.guard, err = netguard.New(p.cfg.Guard, p.network...); err != nil {
		return fmt.Errorf("ocsp: %w", err)
	}
	p.warnOfRelays()
	if p.client, err = client.New(p.cfg.Client, p.guard, log); err != nil {
		return err
	}
	return p.buildOwn(log)
}

// readCertificates loads every pair and binds it to its sites.
func (p *plan) readCertificates() (problems dwaarfile.Problems) {
	files := make([]tlsstore.Files, len(p.cfg.Certificates))
	for i, c := range p.cfg.Certificates {
		files[i] = tlsstore.Files{Cert: c.CertFile, Key: c.KeyFile}
	}
	pairs, errs := tlsstore.LoadPairs(files)
	p.pairs = pairs
	for i, c := range p.cfg.Certificates {
		if errs[i] != nil {
			problems = append(problems, dwaarfile.Problem{Pos: c.Position, Message: "tls: " + errs[i].Error()})
			continue
		}
		p.bind(c, pairs[i])
	}
	return problems
}

func (p *plan) bind(c config.Certificate, pair *tlsstore.Pair) {
	for _, s := range c.Serves {
		p.bindings = append(p.bindings, tlsstore.Binding{
			Listener: s.Listener, Names: s.Names, Pair: pair, OCSPOff: c.OCSPOff,
			OnRevoked: c.OCSP.OnRevoked, MustStapleWait: c.OCSP.MustStapleWait, Note: noteOf(c.OCSP),
		})
		if names := uncovered(pair, s.Names); len(names) > 0 {
			p.warn(c.Position, "tls: the certificate is not for "+strings.Join(names, ", ")+": clients will refuse it")
		}
	}
	if warning := pair.Warning(time.Now()); warning != "" {
		p.warn(c.Position, "tls: "+warning)
	}
}

func (p *plan) warn(at dwaarfile.Position, message string) {
	p.warnings = append(p.warnings, dwaarfile.Problem{Pos: at, Message: message})
}

// uncovered returns the site names that pair's leaf is not valid for.
func uncovered(pair *tlsstore.Pair, names []string) (not []string) {
	leaf, err := x509.ParseCertificate(pair.Certificate.Certificate[0])
	if err != nil {
		return nil // it was parsed when it was loaded
	}
	for _, name := range names {
		host := strings.Replace(name, "*.", "any-label.", 1)
		if host != "" && leaf.VerifyHostname(host) != nil {
			not = append(not, name)
		}
	}
	return not
}

// Check reads the Dwaarfile at path with the certificates and keys it names,
// and opens no port and no connection. The warnings are one line each; the
// error has a line for each problem, as file:line:col: message.
func Check(path string) (warnings []string, err error) {
	p, err := readPlan(path, slog.New(slog.DiscardHandler))
	if p == nil {
		return nil, err
	}
	for _, w := range p.warnings.Sorted() {
		warnings = append(warnings, w.Error())
	}
	return warnings, err
}
