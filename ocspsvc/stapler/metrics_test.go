package stapler_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/stapler"
)

func TestTheMetricsSayHowTheStaplesAre(t *testing.T) { // S13, S14, V2
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t), plain()(t), plain(ocsptest.MustStaple(), ocsptest.OCSP(url2))(t), plain(ocsptest.OCSP())(t))
		b.one.SetFor(leaves[1], ocsptest.Revoked)
		b.disk.setBroken(errors.New("no space left on device"))
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(b.service.Collectors()...)
		b.run()
		time.Sleep(30 * time.Second)
		want := `
# HELP dwaar_ocsp_due Certificates whose refresh waits for its turn.
# TYPE dwaar_ocsp_due gauge
dwaar_ocsp_due 0
# HELP dwaar_ocsp_must_staple_unstapled Must-staple certificates without a servable staple.
# TYPE dwaar_ocsp_must_staple_unstapled gauge
dwaar_ocsp_must_staple_unstapled 1
# HELP dwaar_ocsp_next_expiry_seconds Seconds until the next staple ends.
# TYPE dwaar_ocsp_next_expiry_seconds gauge
dwaar_ocsp_next_expiry_seconds SECONDS
# HELP dwaar_ocsp_refreshes_total OCSP refreshes by result: good, revoked, or why there was no usable answer.
# TYPE dwaar_ocsp_refreshes_total counter
dwaar_ocsp_refreshes_total{result="good"} 1
dwaar_ocsp_refreshes_total{result="no_responder"} 1
dwaar_ocsp_refreshes_total{result="revoked"} 1
dwaar_ocsp_refreshes_total{result="unreachable"} 1
# HELP dwaar_ocsp_responders_down Responders that are left alone because they fail.
# TYPE dwaar_ocsp_responders_down gauge
dwaar_ocsp_responders_down 1
# HELP dwaar_ocsp_revoked Certificates that count as revoked.
# TYPE dwaar_ocsp_revoked gauge
dwaar_ocsp_revoked 1
# HELP dwaar_ocsp_staples Certificates by the state of their staple.
# TYPE dwaar_ocsp_staples gauge
dwaar_ocsp_staples{state="fresh"} 1
dwaar_ocsp_staples{state="none"} 3
dwaar_ocsp_staples{state="stale"} 0
# HELP dwaar_ocsp_store_errors_total Staples that could not be stored and are used all the same.
# TYPE dwaar_ocsp_store_errors_total counter
dwaar_ocsp_store_errors_total 2
# HELP dwaar_ocsp_taken_over_total OCSP answers of other nodes that were taken over from shared storage.
# TYPE dwaar_ocsp_taken_over_total counter
dwaar_ocsp_taken_over_total 0
# HELP dwaar_ocsp_unstapled Certificates without a servable staple, by reason.
# TYPE dwaar_ocsp_unstapled gauge
dwaar_ocsp_unstapled{reason="no_responder"} 1
dwaar_ocsp_unstapled{reason="revoked"} 1
dwaar_ocsp_unstapled{reason="unreachable"} 1
`
		left := time.Until(b.catalog.staple(leaves[0]).Until).Seconds()
		want = strings.Replace(want, "SECONDS", strings.TrimSuffix(testFloat(left), ".0"), 1)
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
			t.Error(err)
		}
	})
}
