package responder

import (
	"context"
	"math/big"
	"sync"
	"time"

	"dwaar/ocspsvc"
)

// Record is what a CA knows about one of its certificates. The zero Record
// means that it knows none of that serial.
type Record struct {
	Status    ocspsvc.Status           // Good or Revoked
	RevokedAt time.Time                // of a revoked one; never changes
	Reason    ocspsvc.RevocationReason // of a revoked one
}

// Records looks up the certificates of one issuer.
type Records interface {
	// Record returns what is known about the certificate with that serial: the
	// zero Record, and no error, for one that was never issued.
	Record(ctx context.Context, serial *big.Int) (Record, error)
}

// Memory is Records in memory, for demonstrations and tests.
type Memory struct {
	mu      sync.RWMutex
	records map[string]Record // by serial
}

// NewMemory returns empty records.
func NewMemory() *Memory { return &Memory{records: map[string]Record{}} }

// Set replaces what is known about a serial; the zero Record forgets it.
func (m *Memory) Set(serial *big.Int, record Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if record == (Record{}) {
		delete(m.records, serial.String())
		return
	}
	m.records[serial.String()] = record
}

// Record returns what was last set, and never an error.
func (m *Memory) Record(_ context.Context, serial *big.Int) (Record, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.records[serial.String()], nil
}
