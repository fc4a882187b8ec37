package stapler_test

import (
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
	"dwaar/ocspsvc/stapler"
)

// noNetwork fails whoever uses it, and notes for whom.
type noNetwork struct{ asked []*x509.Certificate }

var errNoNetwork = errors.New("there is no network")

func (n *noNetwork) Fetch(_ context.Context, leaf, _ *x509.Certificate) (*ocspsvc.Response, error) {
	n.asked = append(n.asked, leaf)
	return nil, errNoNetwork
}

func (n *noNetwork) FetchIssuer(_ context.Context, leaf *x509.Certificate) (*x509.Certificate, error) {
	n.asked = append(n.asked, leaf)
	return nil, errNoNetwork
}

func TestLeavesOfItsOwnCAAreStapledWithoutANetwork(t *testing.T) {
	ca, other := ocsptest.NewCA(t), ocsptest.NewCA(t, ocsptest.Name("other"))
	leaf, foreign := ca.Leaf(t), other.Leaf(t)
	records := responder.NewMemory()
	records.Set(responder.IssuerIDOf(ca.Cert), leaf.Cert.SerialNumber, responder.Record{Status: ocspsvc.Good})
	delegate := ca.Delegate(t)
	signer, err := responder.NewSigner(responder.Config{}, responder.Keys{Authorities: []responder.Authority{
		{Issuer: ca.Cert, Signer: delegate.Cert, Key: delegate.Key},
	}}, records, nil)
	if err != nil {
		t.Fatal(err)
	}
	network := &noNetwork{}
	fetcher := stapler.OwnFirst(signer, network)

	response, err := fetcher.Fetch(t.Context(), leaf.Cert, ca.Cert)
	if err != nil {
		t.Fatal(err)
	}
	verdict, err := ocspsvc.Verify(response, leaf.Cert, ca.Cert, time.Now(), ocspsvc.VerifyOptions{})
	if err != nil || verdict.Status != ocspsvc.Good || len(network.asked) != 0 {
		t.Errorf("verdict %v, %v; the network was asked for %d", verdict.Status, err, len(network.asked))
	}
	if _, err := fetcher.Fetch(t.Context(), foreign.Cert, other.Cert); !errors.Is(err, errNoNetwork) || len(network.asked) != 1 {
		t.Errorf("another CA's: %v", err)
	}
	if _, err := fetcher.(stapler.IssuerFetcher).FetchIssuer(t.Context(), foreign.Cert); !errors.Is(err, errNoNetwork) {
		t.Errorf("an issuer: %v", err)
	}
	alone := stapler.OwnFirst(signer, stapler.FetcherFunc(network.Fetch))
	if _, err := alone.(stapler.IssuerFetcher).FetchIssuer(t.Context(), foreign.Cert); ocspsvc.ReasonOf(err) != ocspsvc.ReasonNoIssuer {
		t.Errorf("an issuer, of a fetcher that cannot: %v", err)
	}
}
