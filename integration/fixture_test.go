package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
	"dwaar/integration/internal/wait"
)

// soon bounds what has to happen by itself on a loaded machine.
const soon = 30 * time.Second

// house is one dwaar with a CA, its responder and the sites configured so far.
type house struct {
	*dwaar.Server
	t     *testing.T
	CA    *pki.Authority
	OCSP  *responder.Responder
	roots string
	door  string // for the `ocsp` block of a node: which address of the responder it asks
	sites strings.Builder
}

// newHouse prepares a dwaar that reports data races; nothing runs but the responder.
func newHouse(t *testing.T) *house {
	t.Helper()
	return newHouseOf(t, binaries.Race)
}

// newHouseOf is newHouse with a build of choice: the plain one where time or memory is
// looked at.
func newHouseOf(t *testing.T, binary string) *house {
	t.Helper()
	ca := pki.New(t, "Test")
	return &house{
		Server: dwaar.New(t, binary, binaries.Plain), t: t, CA: ca,
		OCSP: responder.New(t, ca), roots: rootFile(t, ca),
	}
}

// leaf issues a certificate that names the house's responder.
func (h *house) leaf(name string) *pki.Leaf {
	h.t.Helper()
	return h.CA.Issue(h.t, pki.Request{Names: []string{name}, OCSP: []string{h.OCSP.URL()}})
}

// site adds a site with a manual chain; inside is what stands in its `tls` block.
func (h *house) site(leaf *pki.Leaf, inside string) pki.Files {
	h.t.Helper()
	name := leaf.Cert.Subject.CommonName
	files := leaf.Write(h.t, h.Dir, strings.ReplaceAll(name, "*", "wild"))
	tls := fmt.Sprintf("tls %s %s", files.Cert, files.Key)
	if inside != "" {
		tls += " {\n\t\t" + inside + "\n\t}"
	}
	h.siteText(fmt.Sprintf("%s {\n\t%s\n\trespond %q\n}\n", name, tls, name))
	return files
}

func (h *house) siteText(text string) { h.sites.WriteString(text) }

// start writes the Dwaarfile and starts dwaar.
func (h *house) start(global, ocsp string) {
	h.t.Helper()
	h.Configure(h.Options(global, ocsp) + h.sites.String())
	h.Start()
}

// shake makes one full, verified handshake.
func (h *house) shake(name string) client.Handshake {
	h.t.Helper()
	shown, err := h.try(name)
	if err != nil {
		h.t.Fatal(err)
	}
	return shown
}

func (h *house) try(name string) (client.Handshake, error) {
	return client.Target{Addr: h.Addr(), Name: name, Roots: h.CA.Pool()}.Do()
}

// stapled fails the test unless the next handshake carries a good staple.
func (h *house) stapled(promise, name string) client.Handshake {
	h.t.Helper()
	shown := h.shake(name)
	if err := shown.GoodStaple(); err != nil {
		h.t.Fatalf("%s: %s: %v", promise, name, err)
	}
	return shown
}

// awaitStaple waits until handshakes carry a good staple, or none, as wanted.
func (h *house) awaitStaple(promise, name string, wanted bool, within time.Duration) {
	h.t.Helper()
	wait.Until(h.t, within, fmt.Sprintf("%s: staple of %s = %v", promise, name, wanted), func() error {
		shown, err := h.try(name)
		if err != nil {
			return err
		}
		if wanted {
			return shown.GoodStaple()
		}
		if len(shown.Staple) > 0 {
			return fmt.Errorf("still %d bytes of staple", len(shown.Staple))
		}
		return nil
	})
}

// awaitRecord waits for a log line of a level that contains every one of the words.
func (h *house) awaitRecord(promise, level string, words ...string) map[string]string {
	h.t.Helper()
	var found map[string]string
	wait.Until(h.t, soon, fmt.Sprintf("%s: a %s with %q in the log", promise, level, words), func() error {
		records := h.Log.Records(level, words...)
		if len(records) == 0 {
			return fmt.Errorf("none yet")
		}
		found = records[0]
		return nil
	})
	return found
}
