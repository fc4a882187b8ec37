package stapler

// admit adds one certificate without pulling the whole catalog, and dismiss
// forgets one. They are Sync for a Keeper, whose certificates come one by one.
func (s *Service) admit(info Certificate) {
	facts := readLeaf(info.Chain)
	s.mu.Lock()
	known := s.certs[info.Fingerprint]
	if known == nil {
		s.add(newCertificate(info, facts), true)
	}
	s.unlock()
	if known != nil {
		s.present(known, false) // its entry may have been rebuilt
		return
	}
	nudge(s.wake)
}

func (s *Service) dismiss(leaf Fingerprint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.certs[leaf]; c != nil {
		s.forget(c)
	}
}
