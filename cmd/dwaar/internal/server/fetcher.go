package server

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"log/slog"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/stapler"
	"dwaar/proxy/config"
)

// fetcher asks for each certificate as its site wants it asked for.
type fetcher struct {
	*client.Client                                     // for those whose site says nothing
	own            map[config.Stapling]*client.Client  // for the others
	says           func(leaf [32]byte) config.Stapling // what the site of a leaf says
}

// Fetch implements [stapler.Fetcher].
func (f fetcher) Fetch(ctx context.Context, leaf, issuer *x509.Certificate) (*ocspsvc.Response, error) {
	says := f.says(sha256.Sum256(leaf.Raw))
	asks := f.own[says]
	switch {
	case asks == nil: // the site has just changed its mind: it is asked again soon
		return f.Client.Fetch(ctx, leaf, issuer)
	case says.Responder != "":
		return asks.FetchFrom(ctx, leaf, issuer, says.Responder)
	}
	return asks.Fetch(ctx, leaf, issuer)
}

// fetcher asks for the certificates of p: those of a CA that has its responder
// here without a network.
func (s *Server) fetcher(p *plan) stapler.Fetcher {
	return stapler.OwnFirst(s.ocsp, fetcher{p.client, p.own, func(leaf [32]byte) config.Stapling { return staplingOf(s.certs.Note(leaf)) }})
}

// staplingOf is what the site of a certificate says, as the store has noted it.
func staplingOf(note any) config.Stapling {
	says, _ := note.(config.Stapling)
	return says
}

// terms are what the stapler has to know of what a site says.
func terms(says config.Stapling) stapler.Terms {
	t := stapler.Terms{RefreshEvery: says.RefreshEvery, MaxAge: says.MaxAge, Responder: says.Responder}
	switch says.RequireNextUpdate {
	case "on":
		t.NextUpdate = stapler.NextUpdateRequired
	case "off":
		t.NextUpdate = stapler.NextUpdateOptional
	}
	return t
}

// buildOwn makes the clients of sites that say how they want to be asked for.
func (p *plan) buildOwn(log *slog.Logger) error {
	p.own = map[config.Stapling]*client.Client{}
	for _, says := range p.cfg.Staplings() {
		cfg := p.cfg.Client
		if says.MaxAge > 0 {
			cfg.MaxAge = says.MaxAge
		}
		if says.CertID != "" {
			cfg.CertID = says.CertID
		}
		if says.RequireNextUpdate != "" {
			cfg.RequireNextUpdate = says.RequireNextUpdate == "on"
		}
		own, err := client.New(cfg, p.guard, log)
		if err != nil {
			return fmt.Errorf("tls: ocsp: %w", err)
		}
		p.own[says] = own
	}
	return nil
}

// noteOf is what the store notes of what a site says: nothing if it says nothing.
func noteOf(says config.Stapling) any {
	if says == (config.Stapling{}) {
		return nil
	}
	return says
}

// staplingFor is what is said of a certificate that dwaar gets itself.
func (p *plan) staplingFor(name string) config.Stapling { return p.automatic(name).OCSP }

// automatic is all that is said of one; zero if nothing is any more.
func (p *plan) automatic(name string) config.Automatic {
	for i := range p.cfg.Automatic {
		if p.cfg.Automatic[i].Name == name {
			return p.cfg.Automatic[i]
		}
	}
	return config.Automatic{}
}
