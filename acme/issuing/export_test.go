package issuing

import "dwaar/tlsstore/storage"

// LearnDirectory is learnDirectory, whose limit would take its time at a real CA.
var LearnDirectory = learnDirectory

// NewAdaptor is a storage as certmagic sees it.
func NewAdaptor(s storage.Storage, ca string) adaptor { return adaptor{s, ca} }
