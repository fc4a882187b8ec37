package relay

import (
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"dwaar/ocspsvc/pemfile"
)

// Bounds of the files that are read.
const (
	maxFiles  = 10_000
	maxLeaves = 16 // of one file
)

// scanEvery is how often the certificate files are looked at.
const scanEvery = time.Minute

// files are the certificates to prefetch. They are owned by New, and then by Run.
type files struct {
	patterns []string
	log      *slog.Logger
	seen     map[string]*file
	full     sync.Once // to say so
}

// file is what a certificate file held when it was read last.
type file struct {
	size     int64
	modified time.Time
	chain    []*x509.Certificate

	leaves []subject // that an answer can be had for
	knew   int       // how many authorities there were when leaves were looked for; -1 before
}

func newFiles(patterns []string, log *slog.Logger) *files {
	return &files{patterns: patterns, log: log, seen: map[string]*file{}}
}

// scan reads the files that have changed. One that cannot be read keeps what it
// held; one that is gone holds nothing.
func (f *files) scan() {
	present := map[string]*file{}
	for _, pattern := range f.patterns {
		names, _ := filepath.Glob(pattern) // Check knows the patterns
		for _, name := range names {
			if len(present) == maxFiles && present[name] == nil {
				f.full.Do(func() {
					f.log.Warn("there are too many files with certificates to prefetch answers for; the rest is ignored", "limit", maxFiles)
				})
				continue
			}
			present[name] = f.look(name)
		}
	}
	f.seen = present
}

func (f *files) look(name string) *file {
	before := f.seen[name]
	info, err := os.Stat(name)
	if err == nil && before != nil && before.size == info.Size() && before.modified.Equal(info.ModTime()) {
		return before
	}
	now := &file{knew: -1}
	if before != nil {
		now.chain = before.chain
	}
	if err == nil {
		now.size, now.modified = info.Size(), info.ModTime()
		var chain []*x509.Certificate
		if chain, err = pemfile.Certificates(name); err == nil {
			now.chain = chain
		}
	}
	if err != nil {
		f.log.Warn("reading certificates to prefetch answers for", "file", name, "err", err)
	}
	return now
}
