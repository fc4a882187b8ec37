package issuing

import "dwaar/tlsstore/storage"

// LearnDirectory is learnDirectory, whose limit would take its time at a real CA.
var LearnDirectory = learnDirectory

// NewAdaptor is a storage as certmagic sees it.
func NewAdaptor(s storage.Storage, ca string) adaptor { return adaptor{s, ca} }

// ChallengeKey is where the challenge of a CA for a name is stored.
func ChallengeKey(ca, name string) string { return challengeKey(IssuerConfig{CA: ca}.key(), name) }
