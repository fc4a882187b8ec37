package integration

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/integration/internal/bind"
	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/wait"
)

// bindUpdates is the tls block of a site whose names are proved by updates of a BIND.
func bindUpdates(server *bind.Server) string {
	return fmt.Sprintf(`tls {
		dns rfc2136 %s {
			key key-hmac-sha256 hmac-sha256 %s
		}
		resolvers %[1]s
		propagation_timeout 20s
	}`, server.Addr(), tsigSecret)
}

// newHidden is a customer whose ports the CA cannot reach: DNS-01 is all there is.
func newHidden(t *testing.T, resolver string) *customer {
	t.Helper()
	return newCustomer(t, pebble.Config{HTTPPort: wait.Port(t), TLSPort: wait.Port(t), Resolver: resolver})
}

// A1: a wildcard site is proved by records that dwaar puts into BIND, and takes away again. It
// serves the sites below it, too.
func TestAWildcardSiteIsProvedByBIND(t *testing.T) {
	t.Parallel()
	server := bind.Start(t, bindKeys(), "example.test")
	h := newHidden(t, server.Addr())
	h.says("", answers("*.example.test", bindUpdates(server)), answers("www.example.test", ""))
	h.Start()
	h.served("A1: DNS-01", "any.example.test")
	h.shake("A1: a site below its wildcard", "www.example.test")
	h.orders("A1: the wildcard and nothing else", 1)
	const record = "_acme-challenge.example.test"
	if !strings.Contains(server.Log(), "adding an RR at '"+record+"' TXT") {
		t.Errorf("A1: BIND was not told of %s:\n%s", record, server.Log())
	}
	if got := server.TXT(record); len(got) != 0 {
		t.Errorf("A1: %s still holds %q", record, got)
	}
	if strings.Contains(h.Log.String(), tsigSecret) {
		t.Error("A1: the TSIG secret is in the log")
	}
}

// A1: the records are gone also when the CA does not see them: it asks a server without. The
// status says why there is no certificate.
func TestRecordsAreGoneAfterAFailure(t *testing.T) {
	t.Parallel()
	server, other := bind.Start(t, bindKeys(), "example.test"), bind.Start(t, nil, "example.test")
	h := newHidden(t, other.Addr())
	h.says("", answers("*.example.test", bindUpdates(server)))
	h.Start()
	trouble := h.troubled("A1: DNS-01 that fails", "*.example.test", "_acme-challenge.example.test")
	if trouble.NextTry == nil {
		t.Error("A3: the status does not say when the next try is")
	}
	if !strings.Contains(server.Log(), "adding an RR at '_acme-challenge.example.test' TXT") {
		t.Errorf("BIND was not told of the record; the test has lost its subject:\n%s", server.Log())
	}
	if got := server.TXT("_acme-challenge.example.test"); len(got) != 0 {
		t.Errorf("A1: %q is left behind", got)
	}
	if _, err := (client.Target{Addr: h.Addr(), Name: "any.example.test"}).Do(); !hasAlert(err, "unrecognized name") {
		t.Errorf("a name without a certificate: %v, want unrecognized_name", err)
	}
}

// hookAPI is the HTTP API of a DNS provider.
func hookAPI(zone *pebble.Zone) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		if name := r.FormValue("name"); r.URL.Path == "/present" {
			zone.AddTXT(name, r.FormValue("value"))
		} else {
			zone.RemoveTXT(name)
		}
	}
}

// A1: the same by a program of the operator's, here one that asks an HTTP API by curl.
func TestAWildcardSiteIsProvedByAProgram(t *testing.T) {
	t.Parallel()
	h := newHidden(t, "")
	api := serve(t, hookAPI(h.CA.Zone))
	hook := filepath.Join(h.Dir, "hook")
	script := "#!/bin/sh\nexec curl -fsS -d \"name=$2\" -d \"value=$3\" " + api + "/\"$1\"\n"
	must(t)(nil, os.WriteFile(hook, []byte(script), 0o700))
	h.says("", answers("*.example.test", "tls {\n\t\tdns exec ./hook\n\t\tresolvers "+h.CA.Zone.Addr()+"\n\t}"))
	h.Start()
	h.served("A1: DNS-01 by a program", "any.example.test")
	wait.Until(t, soon, "A1: the record to be gone", func() error {
		if got := h.CA.Zone.TXT("_acme-challenge.example.test"); len(got) != 0 {
			return fmt.Errorf("%q is left behind", got)
		}
		return nil
	})
}
