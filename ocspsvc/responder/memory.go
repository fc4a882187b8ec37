package responder

import (
	"context"
	"math/big"
	"slices"
	"sync"
)

// Memory is Records in memory, for demonstrations and tests.
type Memory struct {
	mu      sync.RWMutex
	records map[IssuerID]map[string]Entry // by serial
}

// NewMemory returns empty records.
func NewMemory() *Memory { return &Memory{records: map[IssuerID]map[string]Entry{}} }

// Set replaces what is known about a certificate; the zero Record forgets it.
func (m *Memory) Set(issuer IssuerID, serial *big.Int, record Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if record == (Record{}) {
		delete(m.records[issuer], serial.String())
		return
	}
	if m.records[issuer] == nil {
		m.records[issuer] = map[string]Entry{}
	}
	m.records[issuer][serial.String()] = Entry{Serial: serial, Record: record}
}

// Record returns what was last set, or ErrNoRecord.
func (m *Memory) Record(_ context.Context, issuer IssuerID, serial *big.Int) (Record, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	entry, ok := m.records[issuer][serial.String()]
	if !ok {
		return Record{}, ErrNoRecord
	}
	return entry.Record, nil
}

// List returns records in the order of their serials.
func (m *Memory) List(_ context.Context, issuer IssuerID, after *big.Int, limit int) ([]Entry, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found []Entry
	for _, entry := range m.records[issuer] {
		if after == nil || entry.Serial.Cmp(after) > 0 {
			found = append(found, entry)
		}
	}
	slices.SortFunc(found, func(a, b Entry) int { return a.Serial.Cmp(b.Serial) })
	return found[:min(len(found), limit)], nil
}
