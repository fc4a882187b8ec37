package tlsstore_test

import (
	"fmt"
	"testing"

	"dwaar/tlsstore"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestWhatTheStoreDoesIsCounted(t *testing.T) {
	c := newCA(t)
	i, must, bad := c.leaf("a.example"), c.leaf("m.example", mustStaple), c.leaf("r.example", expired)
	off := on(must.pair(t), "m.example")
	off.OCSPOff = true
	s := newStore(t, tlsstore.Config{}, on(i.pair(t), "a.example"), off, on(bad.pair(t), "r.example"))
	shown(t, s, "a.example")
	s.Attach(i.fingerprint(), i.staple(""))
	shown(t, s, "a.example")
	shown(t, s, "a.example")
	s.SetRevoked(bad.fingerprint(), true)
	client{sni: "r.example"}.refused(t, s)
	client{sni: "x.example"}.refused(t, s)
	choose(t, s, "a.example", 0, 10, 13) // a client that wants no staple, which crypto/tls's own always does

	registry := prometheus.NewPedanticRegistry()
	for _, collector := range s.Collectors() {
		if err := registry.Register(collector); err != nil {
			t.Fatal(err)
		}
	}
	want := fmt.Sprintf(`dwaar_tls_certificates 3
dwaar_tls_certificates_revoked 1
dwaar_tls_handshakes_total{staple="missing"} 1
dwaar_tls_handshakes_total{staple="not_requested"} 1
dwaar_tls_handshakes_total{staple="stapled"} 2
dwaar_tls_must_staple_alarms 1
dwaar_tls_refused_total{reason="busy"} 0
dwaar_tls_refused_total{reason="load_failed"} 0
dwaar_tls_refused_total{reason="must_staple"} 0
dwaar_tls_refused_total{reason="on_demand"} 0
dwaar_tls_refused_total{reason="revoked"} 1
dwaar_tls_refused_total{reason="unknown_name"} 1
dwaar_tls_soonest_expiry_timestamp_seconds %v
`, float64(bad.leaf.NotAfter.Unix()))
	if got := metrics(t, registry); got != want {
		t.Errorf("metrics:\n%s\nwant:\n%s", got, want)
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	if n := testutil.CollectAndCount(newStore(t, tlsstore.Config{}).Collectors()[2]); n != 3 {
		t.Errorf("an empty store has %d gauges, want 3: no expiry", n)
	}
}

// metrics prints what a registry has gathered, a line each.
func metrics(t *testing.T, registry *prometheus.Registry) (text string) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			labels := ""
			for _, label := range m.GetLabel() {
				labels = fmt.Sprintf("{%s=%q}", label.GetName(), label.GetValue())
			}
			text += fmt.Sprintf("%s%s %v\n", family.GetName(), labels, m.GetCounter().GetValue()+m.GetGauge().GetValue())
		}
	}
	return text
}

// counted is the sum of what the store says under a name, over all labels.
func counted(t *testing.T, s *tlsstore.Store, name string) (sum float64) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(s.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// handshakes and refusals are how many the store has counted.
func handshakes(t *testing.T, s *tlsstore.Store) float64 {
	return counted(t, s, "dwaar_tls_handshakes_total")
}
func refusals(t *testing.T, s *tlsstore.Store) float64 {
	return counted(t, s, "dwaar_tls_refused_total")
}
