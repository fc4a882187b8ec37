package acme

import (
	"iter"
	"slices"
)

// Certificate is one name's certificate with its key.
type Certificate struct {
	Name    string
	Source  Source
	CertPEM []byte // the leaf first
	KeyPEM  []byte
}

// certificate wants Manager.mu held.
func (e *entry) certificate() Certificate {
	return Certificate{Name: e.name, Source: e.source, CertPEM: e.cert.CertPEM, KeyPEM: e.cert.KeyPEM}
}

// Certificates yields every certificate that is kept, on-demand ones too, in no order, as
// they are when it is called. A revoked one is there until it is replaced: whether it is
// shown meanwhile is not decided here.
func (m *Manager) Certificates() iter.Seq[Certificate] {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Certificate, 0, len(m.leaves))
	for _, e := range m.entries {
		if e.cert != nil {
			all = append(all, e.certificate())
		}
	}
	return slices.Values(all)
}

// Certificate is the one that is kept for a name, if there is one.
func (m *Manager) Certificate(name string) (Certificate, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.entries[normalName(name)]; e != nil && e.cert != nil {
		return e.certificate(), true
	}
	return Certificate{}, false
}
