package tlsstore

// Attach lets handshakes carry a staple for a leaf, between its times and under their wall
// clock (S3); nil takes the staple away. The bytes go out exactly as they are (S5); the
// caller does not change them any more. Attach is a no-op for a leaf that has left the store,
// and does not count as a use of its certificate.
func (s *Store) Attach(fingerprint [32]byte, staple *Staple) {
	l := s.leaf(fingerprint)
	if l == nil {
		return
	}
	if staple != nil && len(staple.Response) == 0 {
		staple = nil // an empty CertificateStatus must not be sent (RFC 6066 §8)
	}
	if staple != nil {
		staple = &Staple{staple.Response, staple.From.Round(0), staple.Until.Round(0)}
	}
	l.entry.update(func(st *state) { st.staple = staple })
}

// leaf returns what the catalog has of a leaf, or nil.
func (s *Store) leaf(fingerprint Fingerprint) *leaf {
	if l := s.current.Load().leaves[fingerprint]; l != nil {
		return l
	}
	return s.demanded.leaf(fingerprint)
}

// SetRevoked says whether a leaf is known to be revoked. If it is, its staple is gone at once
// and Config.OnRevoked decides what handshakes get. A no-op for a leaf that is not here.
func (s *Store) SetRevoked(fingerprint [32]byte, revoked bool) {
	l := s.leaf(fingerprint)
	if l == nil {
		return
	}
	l.entry.update(func(st *state) {
		st.revoked = revoked
		if revoked {
			st.staple = nil
		}
	})
}
