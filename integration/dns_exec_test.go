package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"dwaar/acme/dns"
	"dwaar/acme/issuing"
	"dwaar/integration/internal/pebble"
)

// A1: DNS-01 by a program of the operator's, here one that asks an HTTP API by curl, as most do.
func TestAWildcardIsProvedByAHook(t *testing.T) {
	t.Parallel()
	ca := pebble.Start(t, pebble.Config{})
	calls := make(chan string, 10)
	api := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		name, value := r.FormValue("name"), r.FormValue("value")
		calls <- r.URL.Path + " " + name
		switch {
		case r.URL.Path == "/present":
			ca.Zone.AddTXT(name, value)
		case slices.Equal(ca.Zone.TXT(name), []string{value}):
			ca.Zone.RemoveTXT(name)
		}
	})
	hook := filepath.Join(t.TempDir(), "hook")
	script := "#!/bin/sh\nexec curl -fsS -d \"name=$2\" -d \"value=$3\" " + api + "/\"$1\"\n"
	must(t)(nil, os.WriteFile(hook, []byte(script), 0o700))

	p := policy(ca, "*.example.test")
	p.DNS = &issuing.DNSConfig{
		Config:    dns.Config{Exec: &dns.ExecConfig{Path: hook}},
		Resolvers: []string{ca.Zone.Addr()}, PropagationTimeout: 20 * time.Second,
	}
	cert, err := newOffice(t, t.TempDir(), issuing.Options{NoHTTP01: true, NoTLSALPN01: true}).Obtain(aMinute(t), p, "*.example.test")
	if err != nil {
		t.Fatal(err)
	}
	judge(t, ca, cert, "any.example.test")
	for _, want := range []string{"/present _acme-challenge.example.test.", "/cleanup _acme-challenge.example.test."} {
		if got := <-calls; got != want {
			t.Errorf("the hook asked for %s, want %s", got, want)
		}
	}
	if got := ca.Zone.TXT("_acme-challenge.example.test"); len(got) != 0 {
		t.Errorf("%q is left behind", got)
	}
}
