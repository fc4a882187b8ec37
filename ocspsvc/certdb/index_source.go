package certdb

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"slices"

	"dwaar/ocspsvc/responder"
)

// indexSource is an index.txt of one issuer, in memory.
type indexSource struct {
	issuer responder.IssuerID
	file   follower[indexTable]
	seen   *firstSeen
}

// indexTable is sorted by serial.
type indexTable []indexEntry

type indexEntry struct {
	serial string // its octets
	record responder.Record
	bad    error
}

func openIndex(path string, issuers []*x509.Certificate, log *slog.Logger) (*indexSource, error) {
	issuer, err := onlyIssuer(issuers)
	if err != nil {
		return nil, err
	}
	s := &indexSource{issuer: responder.IssuerIDOf(issuer), seen: newFirstSeen()}
	s.file = follower[indexTable]{path: path, read: readIndexTable, size: func(t indexTable) int { return len(t) }, log: log}
	return s, s.file.open()
}

// readIndexTable refuses what openssl refuses, too: a serial that is there
// twice.
func readIndexTable(r io.Reader) (table indexTable, err error) {
	err = ReadIndex(r, func(c Certificate, bad error) error {
		table = append(table, indexEntry{string(key(c.Serial)), c.Record, bad})
		return nil
	})
	slices.SortFunc(table, func(a, b indexEntry) int { return bytes.Compare([]byte(a.serial), []byte(b.serial)) })
	for i := 1; i < len(table) && err == nil; i++ {
		if table[i].serial == table[i-1].serial {
			err = fmt.Errorf("the serial number %x is there twice", table[i].serial)
		}
	}
	return table, err
}

func (t indexTable) find(serial []byte) (int, bool) {
	return slices.BinarySearchFunc(t, serial, func(e indexEntry, s []byte) int { return bytes.Compare([]byte(e.serial), s) })
}

// Record returns what the file says.
func (s *indexSource) Record(ctx context.Context, issuer responder.IssuerID, serial *big.Int) (responder.Record, error) {
	if err := ctx.Err(); err != nil {
		return responder.Record{}, err
	}
	table := s.file.get()
	k := key(serial)
	i, found := table.find(k)
	switch {
	case issuer != s.issuer || k == nil || !found:
		return responder.Record{}, responder.ErrNoRecord
	case table[i].bad != nil:
		return responder.Record{}, fmt.Errorf("serial %x: %w", k, table[i].bad)
	}
	return s.seen.dated(issuer, k, table[i].record), nil
}

// List returns the records after a serial.
func (s *indexSource) List(ctx context.Context, issuer responder.IssuerID, after *big.Int, limit int) (entries []responder.Entry, err error) {
	if issuer != s.issuer {
		return nil, ctx.Err()
	}
	table, from := s.file.get(), 0
	if after != nil {
		i, found := table.find(key(after))
		if from = i; found {
			from++
		}
	}
	for _, e := range table[from:min(len(table), from+limit)] {
		record := s.seen.dated(issuer, []byte(e.serial), e.record)
		entries = append(entries, responder.Entry{Serial: new(big.Int).SetBytes([]byte(e.serial)), Record: record})
	}
	return entries, ctx.Err()
}

// Watch follows the file.
func (s *indexSource) Watch(ctx context.Context, changed func(responder.IssuerID, *big.Int)) error {
	return s.file.watch(ctx, func() { changed(s.issuer, nil) })
}

// Ping returns nil: what the file said is in memory.
func (s *indexSource) Ping(ctx context.Context) error { return ctx.Err() }

// Close is for io.Closer.
func (s *indexSource) Close() error { return nil }

var errOneIssuer = errors.New("it does not say whose certificates it is about, so it can be those of one issuer only: use one ocsp_responder for each issuer")

func onlyIssuer(issuers []*x509.Certificate) (*x509.Certificate, error) {
	if len(issuers) != 1 {
		return nil, errOneIssuer
	}
	return issuers[0], nil
}
