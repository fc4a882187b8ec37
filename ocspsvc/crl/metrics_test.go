package crl_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/ocsptest"
)

func TestTheMetricsSayHowTheListsAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		b.leaf()
		b.leaf(at("http://nowhere.example/ca.crl"))
		b.leaf(ocsptest.OCSP("http://ocsp.example/"))
		b.publish(b.leaf(), b.ca.Leaf(t))
		b.disk.setBroken(errDisk)
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(b.watcher.Collectors()...)
		b.run()
		time.Sleep(30 * time.Second)
		left := 7*day - 30*time.Second
		want := fmt.Sprintf(`
# HELP dwaar_crl_certificates Certificates that are checked against a CRL, by state.
# TYPE dwaar_crl_certificates gauge
dwaar_crl_certificates{state="good"} 1
dwaar_crl_certificates{state="none"} 1
dwaar_crl_certificates{state="revoked"} 1
# HELP dwaar_crl_entries Revoked certificates that the held CRLs name.
# TYPE dwaar_crl_entries gauge
dwaar_crl_entries 2
# HELP dwaar_crl_failing CRLs that are needed and whose last reading failed.
# TYPE dwaar_crl_failing gauge
dwaar_crl_failing 1
# HELP dwaar_crl_lists CRLs that are held.
# TYPE dwaar_crl_lists gauge
dwaar_crl_lists 1
# HELP dwaar_crl_next_expiry_seconds Seconds until the next held CRL ends.
# TYPE dwaar_crl_next_expiry_seconds gauge
dwaar_crl_next_expiry_seconds %v
# HELP dwaar_crl_refreshes_total Readings of CRLs by result: good, unchanged, taken_over from another node, or why there was no usable list.
# TYPE dwaar_crl_refreshes_total counter
dwaar_crl_refreshes_total{result="good"} 1
dwaar_crl_refreshes_total{result="unreachable"} 1
# HELP dwaar_crl_store_errors_total CRLs that could not be stored and are used all the same.
# TYPE dwaar_crl_store_errors_total counter
dwaar_crl_store_errors_total 1
# HELP dwaar_crl_unchecked Certificates of which their CRL says nothing, by reason.
# TYPE dwaar_crl_unchecked gauge
dwaar_crl_unchecked{reason="unreachable"} 1
`, left.Seconds())
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
			t.Error(err)
		}
		time.Sleep(7 * day)
		if n, err := testutil.GatherAndCount(registry, "dwaar_crl_next_expiry_seconds"); n != 0 || err != nil { // it has ended
			t.Errorf("%d, %v", n, err)
		}
	})
}
