package integration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/wait"
)

// pickup is S6's two seconds, and what a loaded machine adds.
const pickup = 2*time.Second + 8*time.Second

// S5, S6: key and certificate files are replaced while clients connect, in the ways people
// and tools replace them. Every handshake works, and every staple belongs to its leaf.
func TestReplacedFilesUnderLoad(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	files := h.site(h.leaf("swap.test"), "")
	h.start("", "")
	h.stapled("S1", "swap.test")
	crowd := h.crowd("swap.test", 3)

	for name, replace := range replacements {
		next := h.leaf("swap.test")
		replace(t, h.Dir, files, next)
		wait.Until(t, pickup, "S6, "+name+": the new leaf to be served", func() error {
			shown, err := h.try("swap.test")
			if err == nil && !bytes.Equal(shown.Leaf.Raw, next.Cert.Raw) {
				err = fmt.Errorf("still serial %x", shown.Leaf.SerialNumber)
			}
			return err
		})
		h.awaitStaple("S5, "+name+": the new leaf's own staple", "swap.test", true, soon)
	}
	crowd.leave()
	t.Logf("%d handshakes, %d of them stapled", crowd.seen.Load(), crowd.stapled.Load())
	if crowd.seen.Load() == 0 || crowd.stapled.Load() == 0 {
		t.Error("the crowd saw nothing")
	}
}

// replacements are the ways a pair of files changes.
var replacements = map[string]func(t *testing.T, dir string, files pki.Files, next *pki.Leaf){
	"key then certificate, written in place": func(t *testing.T, _ string, files pki.Files, next *pki.Leaf) {
		pki.WriteFile(t, files.Key, pki.PKCS8(t, next.Key))
		pki.WriteFile(t, files.Cert, pki.CertPEM(next.Chain()...))
	},
	"certificate then key, renamed": func(t *testing.T, _ string, files pki.Files, next *pki.Leaf) {
		rename(t, files.Cert, pki.CertPEM(next.Chain()...))
		rename(t, files.Key, pki.PKCS8(t, next.Key))
	},
	"symlinks swapped": func(t *testing.T, dir string, files pki.Files, next *pki.Leaf) {
		fresh := next.Write(t, filepath.Join(dir, "archive"), fmt.Sprintf("%x", next.Cert.SerialNumber))
		for link, target := range map[string]string{files.Cert: fresh.Cert, files.Key: fresh.Key} {
			temporary := link + ".new"
			must(t)(nil, os.Symlink(target, temporary))
			must(t)(nil, os.Rename(temporary, link))
		}
	},
}

func rename(t *testing.T, path string, data []byte) {
	t.Helper()
	pki.WriteFile(t, path+".tmp", data)
	must(t)(nil, os.Rename(path+".tmp", path))
}

// crowd is clients that connect all the time.
type crowd struct {
	stop          context.CancelFunc
	gone          sync.WaitGroup
	seen, stapled atomic.Int64
}

// crowd lets n clients connect until they leave. A failed handshake, or a staple that is
// not about the leaf it came with, fails the test.
func (h *house) crowd(name string, n int) *crowd {
	ctx, stop := context.WithCancel(h.t.Context())
	c := &crowd{stop: stop}
	for range n {
		c.gone.Go(func() {
			for ctx.Err() == nil {
				if err := c.look(h, name); err != nil {
					h.t.Errorf("S5, S6: %v", err)
					return
				}
			}
		})
	}
	h.t.Cleanup(c.leave)
	return c
}

func (c *crowd) look(h *house, name string) error {
	shown, err := h.try(name)
	if err != nil {
		return err
	}
	c.seen.Add(1)
	if len(shown.Staple) == 0 {
		return nil
	}
	c.stapled.Add(1)
	return belongs(shown)
}

// belongs checks that a staple is about the leaf of its handshake.
func belongs(shown client.Handshake) error {
	if err := shown.GoodStaple(); err != nil {
		return fmt.Errorf("leaf %x came with a wrong staple: %w", shown.Leaf.SerialNumber, err)
	}
	return nil
}

func (c *crowd) leave() {
	c.stop()
	c.gone.Wait()
}

// S6: a half-written pair keeps the old one serving, and says so.
func TestHalfWrittenPairKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	files := h.site(h.leaf("half.test"), "")
	h.start("", "")
	before := h.stapled("S1", "half.test")
	next := h.leaf("half.test")
	pki.WriteFile(t, files.Key, pki.PKCS8(t, next.Key)) // of another certificate
	h.awaitRecord("S6", "WARN", files.Key)
	if now := h.stapled("S6", "half.test"); !bytes.Equal(now.Leaf.Raw, before.Leaf.Raw) {
		t.Error("S6: another leaf is served while the pair does not match")
	}
	pki.WriteFile(t, files.Cert, pki.CertPEM(next.Chain()...)[:300]) // cut off
	h.stapled("S6", "half.test")
	pki.WriteFile(t, files.Cert, pki.CertPEM(next.Chain()...))
	wait.Until(t, pickup, "S6: the completed pair to be served", func() error {
		shown, err := h.try("half.test")
		if err == nil && !bytes.Equal(shown.Leaf.Raw, next.Cert.Raw) {
			err = errNotYet
		}
		return err
	})
}
