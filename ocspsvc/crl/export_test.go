package crl

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"time"
)

// ReadUnverified is Read without knowing the issuer: what a fuzzer can reach.
func ReadUnverified(data []byte) (*List, error) {
	der, err := decode(data)
	if err != nil {
		return nil, err
	}
	f, err := readFrame(der)
	if err != nil {
		return nil, err
	}
	return f.list()
}

// Bytes is what the entries of l take in memory.
func (l *List) Bytes() (n int) {
	for _, t := range l.entries.tables {
		n += cap(t.records)
	}
	return n
}

// Record is a list as it is stored.
func Record(url string, body []byte) []byte { return RecordAt(url, body, time.Time{}) }

// RecordAt is a list as it was stored when it was read at a time.
func RecordAt(url string, body []byte, refreshed time.Time) []byte {
	content, err := record{header{URL: url, Refreshed: refreshed}, body}.marshal()
	if err != nil {
		panic(err)
	}
	return content
}

// URLs are those of a CRLDistributionPoints extension.
func URLs(value []byte) []string {
	p, _ := readPoints(&x509.Certificate{Extensions: []pkix.Extension{{Id: oidPoints, Value: value}}})
	return p.urls
}
