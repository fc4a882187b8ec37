package crl

import (
	"crypto/sha256"
	"crypto/x509"
	"runtime"
	"sync"
	"sync/atomic"

	"dwaar/ocspsvc"
)

// readAll reads chains on every processor: a start with thousands of them waits
// for the signature by which each issuer is found.
func readAll(news []Certificate) map[Fingerprint]reading {
	readings, issuers := make([]reading, len(news)), &issuers{}
	var next atomic.Int64
	var readers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		readers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(news)); i = next.Add(1) - 1 {
				readings[i] = readChain(news[i].Chain, issuers.find)
			}
		})
	}
	readers.Wait()
	fresh := make(map[Fingerprint]reading, len(news))
	for i, c := range news {
		fresh[c.Fingerprint] = readings[i]
	}
	return fresh
}

// issuers holds each issuer of one Sync parsed once, however many chains have it.
type issuers struct {
	byHash sync.Map // [sha256.Size]byte to *x509.Certificate, nil for what cannot be read
}

func (i *issuers) find(leaf *x509.Certificate, rest [][]byte) *x509.Certificate {
	var candidates []*x509.Certificate
	for _, der := range rest {
		candidates = append(candidates, i.parse(der))
	}
	return ocspsvc.FindIssuer(leaf, candidates)
}

func (i *issuers) parse(der []byte) *x509.Certificate {
	sum := sha256.Sum256(der)
	known, ok := i.byHash.Load(sum)
	if !ok {
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			parsed = nil
		}
		known, _ = i.byHash.LoadOrStore(sum, parsed)
	}
	return known.(*x509.Certificate)
}
