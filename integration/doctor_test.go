package integration

import (
	"strings"
	"testing"

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/redisserver"
)

// `dwaar doctor` beside a dwaar that runs: what that holds is its own, its responder is asked
// for real, and a responder that has gone is the failure.
func TestDoctorBesideARunningDwaar(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.site(h.leaf("doctor.test"), "")
	h.start("", "")
	ask := func() dwaar.Result { return h.Do("doctor", "--config", h.Config(), "--timeout", "20s") }
	got := ask()
	for _, words := range []string{"is held by the dwaar that runs", "answers: dwaar ", "OCSP " + h.OCSP.URL(), "says good of ", "\n0 failures, "} {
		if !strings.Contains(got.Stdout, words) {
			t.Errorf("it does not say %q", words)
		}
	}
	if got.Code != 0 || got.Stderr != "" || t.Failed() {
		t.Fatalf("exit %d\n%s", got.Code, got.Text())
	}
	h.OCSP.Down()
	if got = ask(); got.Code != 1 || !strings.Contains(got.Stdout, "fail  OCSP "+h.OCSP.URL()) || !strings.Contains(got.Stdout, "unreachable") {
		t.Errorf("without a responder: exit %d\n%s", got.Code, got.Text())
	}
	h.Configure("nonsense {\n")
	if got = ask(); got.Code != 2 || !strings.Contains(got.Stdout, "fail  ") || !strings.Contains(got.Stdout, "answers: dwaar ") {
		t.Errorf("without a Dwaarfile: exit %d\n%s", got.Code, got.Text())
	}
}

// A shared storage is asked, its key compared, and nothing left in it but what a ping leaves.
func TestDoctorAsksASharedStorage(t *testing.T) {
	t.Parallel()
	redis := redisserver.Start(t)
	key, wrong := newKey(t), newKey(t)
	with := func(key string) *dwaar.Server {
		s := dwaar.New(t, binaries.Plain, binaries.Plain)
		s.Configure(s.Options("storage redis "+redis.URL()+" {\n\t\tencryption_key "+key+"\n\t}", "") + "here.test {\n\ttls internal\n\trespond ok\n}\n")
		return s
	}
	what := "storage " + redis.URL()
	doctor := func(key string) dwaar.Result { s := with(key); return s.Do("doctor", "--config", s.Config()) }
	if got := doctor(wrong); !strings.Contains(got.Stdout, "ok    "+what) {
		t.Errorf("an empty storage takes any key: %s", got.Text())
	}
	with(key).Start()
	if got := doctor(key); !strings.Contains(got.Stdout, "ok    "+what) {
		t.Errorf("the right key: %s", got.Text())
	}
	if got := doctor(wrong); got.Code != 1 || !strings.Contains(got.Stdout, "fail  "+what) || !strings.Contains(got.Stdout, "encryption_key is not that of the other nodes") {
		t.Errorf("a wrong key: exit %d\n%s", got.Code, got.Text())
	}
}
