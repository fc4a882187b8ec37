package responder

import "slices"

// TakeOver gives the signer the answers of the one it is to replace, as a reload
// does, if it would sign the same: then a reload costs no signatures, and during
// an outage of the database no answers. It reports whether it does. It is to be
// called before the signer is asked anything.
func (s *Signer) TakeOver(from *Signer) bool {
	same := s.cfg.Validity == from.cfg.Validity && s.cfg.ArchiveCutoff == from.cfg.ArchiveCutoff &&
		s.cache.maxEntries == from.cache.maxEntries && s.cache.maxBytes == from.cache.maxBytes &&
		slices.EqualFunc(s.authorities, from.authorities, (*authority).signsLike)
	if same {
		s.cache, s.reader.cache = from.cache, from.cache
		s.cache.doubtAll() // the records may be others
	}
	return same
}

// signsLike reports whether an answer of other could be a's.
func (a *authority) signsLike(other *authority) bool {
	return a.Issuer.Equal(other.Issuer) && a.Signer.Equal(other.Signer) && a.algorithm == other.algorithm
}
