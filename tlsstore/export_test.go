package tlsstore

// Explain is how a file's error becomes advice.
var Explain = explain

// NormalName is the form in which names are compared.
var NormalName = normalName

// IsHostName tells which of these may be asked for.
var IsHostName = isHostName

// Poll is one look at the files.
var Poll = (*Store).poll
