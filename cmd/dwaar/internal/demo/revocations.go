package demo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"dwaar/ocspsvc"
)

const (
	revokedFile    = "revoked.txt"
	maxRevokedFile = 64 << 10
)

const revokedHead = `# What the demo's responder calls revoked: a certificate's name or hex serial and, if you like,
# a reason (keyCompromise, superseded, …). Read at every request; delete a line to take it back.
`

// revocation is what a line of the file says.
type revocation struct {
	at     time.Time
	reason ocspsvc.RevocationReason
}

// revocations are the lines of a small text file: the demo's records, which
// anybody can edit.
type revocations struct {
	path string

	mu    sync.Mutex           // guards since
	since map[string]time.Time // when a line was first seen: the time of a revocation stays (RFC 6960 §2.2)
}

func newRevocations(path string) *revocations {
	return &revocations{path: path, since: make(map[string]time.Time)}
}

// of returns the revocation of a certificate known by these words, or nil.
func (r *revocations) of(words ...string) (*revocation, error) {
	text, modified, err := r.read()
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || !names(fields[0], words) {
			continue
		}
		found := &revocation{at: r.firstSeen(fields[0], modified)}
		if len(fields) > 1 {
			if found.reason, err = ocspsvc.ParseRevocationReason(fields[1]); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", r.path, n, err)
			}
		}
		return found, nil
	}
	r.forget(words)
	return nil, lines.Err()
}

func (r *revocations) read() (text []byte, modified time.Time, err error) {
	f, err := os.Open(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	text, err = io.ReadAll(io.LimitReader(f, maxRevokedFile))
	return text, info.ModTime(), err
}

func names(word string, of []string) bool {
	for _, w := range of {
		if strings.EqualFold(word, w) {
			return true
		}
	}
	return false
}

func (r *revocations) firstSeen(word string, modified time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := strings.ToLower(word)
	if _, ok := r.since[key]; !ok {
		r.since[key] = modified
	}
	return r.since[key]
}

func (r *revocations) forget(words []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range words {
		delete(r.since, strings.ToLower(w))
	}
}
