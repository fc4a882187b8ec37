package dwaarfile

// What a text may ask for. Each bound is far beyond any Dwaarfile written by
// hand or by a program for ten thousand sites, and keeps what is not a
// Dwaarfile at all from costing memory or time.
const (
	// MaxFileSize bounds one file, before and after environment references
	// are replaced, in bytes.
	MaxFileSize = 8 << 20
	// MaxTokenSize bounds one token after {args[…]} is replaced, in bytes.
	MaxTokenSize = 1 << 20
	// MaxNesting bounds how deep blocks may nest.
	MaxNesting = 64
	// MaxImportDepth bounds how many imports may lead to one line.
	MaxImportDepth = 32
	// MaxTokens bounds the whole text after all imports: tokens, and
	// import lines, which cost time even if they bring nothing.
	MaxTokens = 1 << 19
	// MaxProblems bounds how many problems are reported.
	MaxProblems = 100

	// maxReferences bounds the {$NAME} of one file.
	maxReferences = 1 << 16
	// maxText bounds what replacing {args[…]} may write in all, in bytes.
	maxText = 64 << 20
)
