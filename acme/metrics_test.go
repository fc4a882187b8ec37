package acme_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"dwaar/acme"
)

func TestMetricsSayHowItStands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		for _, name := range []string{"good.example", "revoked.example"} {
			o.vault.put(publicCA, issue(t, name, 90*day, nil))
		}
		o.vault.put(publicCA, sign(t, "old.example", time.Now().Add(-2*day), day, newKey(t)))
		o.ca.fail(errDown)
		cfg := demanding("")
		cfg.Policies = []acme.Policy{policy("good.example", "revoked.example", "old.example", "none.example")}
		n := start(t, cfg, o, acme.WithTransport(newOracle()))
		n.Revoked(n.leaf(t, o.vault, "revoked.example"), revoked())
		n.Obtain(t.Context(), "evil.example")
		n.Obtain(t.Context(), "-")
		n.Obtain(t.Context(), "none.example")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(n.Collectors()...)
		want := `
# HELP dwaar_acme_names Names by the state of their certificate.
# TYPE dwaar_acme_names gauge
dwaar_acme_names{state="expired"} 1
dwaar_acme_names{state="missing"} 1
dwaar_acme_names{state="revoked"} 1
dwaar_acme_names{state="valid"} 1
# HELP dwaar_acme_failing Names whose last attempt failed.
# TYPE dwaar_acme_failing gauge
dwaar_acme_failing 3
# HELP dwaar_acme_reissues_waiting Revoked certificates that are not replaced yet.
# TYPE dwaar_acme_reissues_waiting gauge
dwaar_acme_reissues_waiting 1
# HELP dwaar_acme_attempts_total Attempts to get or put away certificates, by job and result.
# TYPE dwaar_acme_attempts_total counter
dwaar_acme_attempts_total{job="obtain",result="failed"} 1
dwaar_acme_attempts_total{job="quarantine",result="ok"} 1
dwaar_acme_attempts_total{job="reissue",result="failed"} 1
dwaar_acme_attempts_total{job="renew",result="failed"} 1
# HELP dwaar_acme_revocations_total Certificates that turned out to be revoked.
# TYPE dwaar_acme_revocations_total counter
dwaar_acme_revocations_total 1
# HELP dwaar_acme_on_demand_total On-demand certificates asked for, by result.
# TYPE dwaar_acme_on_demand_total counter
dwaar_acme_on_demand_total{result="bad_name"} 1
dwaar_acme_on_demand_total{result="not_permitted"} 1
dwaar_acme_on_demand_total{result="pending"} 1
`
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "dwaar_acme_names", "dwaar_acme_failing", "dwaar_acme_reissues_waiting",
			"dwaar_acme_attempts_total", "dwaar_acme_revocations_total", "dwaar_acme_on_demand_total"); err != nil {
			t.Error(err)
		}
	})
}

func TestStatusAsJSONHasNoEmptyTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, n, _ := served(t)
		s, _ := n.Status("a.example")
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{`"state":"valid"`, `"next_renewal":"`, `"not_after":"`} {
			if !strings.Contains(string(data), word) {
				t.Errorf("%s has no %s", data, word)
			}
		}
		for _, word := range []string{"0001-01-01", "revoked_at", "next_try", "last_error"} {
			if strings.Contains(string(data), word) {
				t.Errorf("%s has %s", data, word)
			}
		}
	})
}
