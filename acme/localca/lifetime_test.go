package localca_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme/localca"
)

func TestTheIntermediateRenewsItselfBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir())
		ca := newCAOn(t, s)
		root := rootOf(t, ca)
		_, first := issued(t, ca, "localhost")
		key := value(t, s, "pki/local/intermediate.key")

		time.Sleep(localca.IntermediateLifetime*2/3 - time.Hour)
		leaf, same := issued(t, ca, "localhost")
		if !same.Equal(first) {
			t.Error("the intermediate was replaced although a third of its life is left")
		}
		if left := time.Until(leaf.NotAfter); left < localca.LeafLifetime-time.Minute {
			t.Errorf("the last leaf of an intermediate lives for %v, want %v", left, localca.LeafLifetime)
		}
		if leaf.NotAfter.After(same.NotAfter) {
			t.Errorf("the leaf outlives its intermediate, %v to %v", leaf.NotAfter, same.NotAfter)
		}
		time.Sleep(2 * time.Hour)
		leaf, second := issued(t, ca, "localhost")
		if second.Equal(first) || bytes.Equal(key, value(t, s, "pki/local/intermediate.key")) {
			t.Error("with less than a third of its life left the intermediate, or its key, is still the old one")
		}
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool(root), Intermediates: pool(second), CurrentTime: time.Now()}); err != nil {
			t.Errorf("a leaf of the second intermediate: %v", err)
		}
	})
}

func TestTheRootOutlastsYearsAndIsReplacedAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newCA(t, t.TempDir())
		root := rootOf(t, ca)
		time.Sleep(localca.RootLifetime - 31*24*time.Hour)
		if !rootOf(t, ca).Equal(root) {
			t.Error("the root was replaced more than 30 days before its end")
		}
		time.Sleep(48 * time.Hour)
		next := rootOf(t, ca)
		if next.Equal(root) {
			t.Error("the root was not replaced 30 days before its end")
		}
		leaf, intermediate := issued(t, ca, "localhost")
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool(next), Intermediates: pool(intermediate), CurrentTime: time.Now()}); err != nil {
			t.Errorf("a leaf under the next root: %v", err)
		}
	})
}

// The root's old certificate goes before its key is replaced: a crash in between must not leave
// a root that looks damaged.
func TestAReplacementOfTheRootMayBeInterrupted(t *testing.T) {
	for _, at := range []string{"pki/local/root.key", "pki/local/root.crt"} {
		synctest.Test(t, func(t *testing.T) {
			s := &brokenStorage{Storage: open(t, t.TempDir())}
			ca := newCAOn(t, s)
			root := rootOf(t, ca)
			time.Sleep(localca.RootLifetime)
			s.at = at
			if _, err := ca.Root(t.Context()); !errors.Is(err, errBroken) {
				t.Errorf("%s: %v, want the storage's error", at, err)
			}
			s.at = ""
			if rootOf(t, ca).Equal(root) {
				t.Errorf("%s: the root is the old one", at)
			}
		})
	}
}
