package admin_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"dwaar/proxy/admin"
)

func TestStatusHasTheKeysOfTheContractAndTimesInUTC(t *testing.T) {
	_, path := onSocket(t, newController())
	resp, err := raw(path).Get("http://localhost/status")
	got := body(t, resp, err)
	for _, want := range []string{
		`"version":"v1"`, `"started":"2026-03-01T11:00:00Z"`, `"config":"/etc/Dwaarfile"`, `"listeners":[":443"]`, `"ready":true`,
		`"last_reload":{"at":"2026-03-01T11:00:00Z","error":""}`,
		`"certificates":[{"names":["www.example.com","example.com"],"source":"manual","issuer":"CN=Inter","serial":"0a","fingerprint":"aa11","not_before":"2026-03-01T11:00:00Z","not_after":"2026-03-01T12:00:00Z"`,
		`"staple":{"state":"fresh","reason":"good","this_update":"2026-03-01T11:00:00Z","next_update":"2026-03-01T12:00:00Z","last_refresh":null,"next_try":null,"last_error":"","responder":"http://ocsp.example.com"}`,
		`"staple":{"state":"none","reason":"no_responder","this_update":null,"next_update":null,"last_refresh":null,"next_try":null,"last_error":"","responder":""}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("status lacks %s:\n%s", want, got)
		}
	}
	if cache := resp.Header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("Cache-Control = %q, want no-store", cache)
	}
}

func TestStatusWithoutAnythingHasListsNotNull(t *testing.T) {
	ctl := newController()
	ctl.status = admin.Status{Certificates: []admin.Certificate{{}}}
	_, path := onSocket(t, ctl)
	resp, err := raw(path).Get("http://localhost/status")
	if got := body(t, resp, err); !strings.Contains(got, `"names":[]`) || !strings.Contains(got, `"listeners":[]`) {
		t.Errorf("status = %s, want empty lists", got)
	}
}

func TestProbesTellLiveFromReady(t *testing.T) {
	ctl := newController()
	ctl.ready = false
	_, path := onSocket(t, ctl)
	for url, want := range map[string]int{"/healthz": 200, "/readyz": 503} {
		resp, err := raw(path).Get("http://localhost" + url)
		body(t, resp, err)
		if resp.StatusCode != want {
			t.Errorf("%s of a dwaar that starts = %d, want %d", url, resp.StatusCode, want)
		}
	}
	_, path = onSocket(t, newController())
	resp, err := raw(path).Get("http://localhost/readyz")
	if got := body(t, resp, err); got != "ready\n" || resp.StatusCode != 200 {
		t.Errorf("/readyz = %d %q, want 200 ready", resp.StatusCode, got)
	}
}

func TestMetricsAreTheControllers(t *testing.T) {
	_, path := onSocket(t, newController())
	resp, err := raw(path).Get("http://localhost/metrics")
	if got := body(t, resp, err); got != "dwaar_up 1\n" {
		t.Errorf("/metrics = %q", got)
	}
}

func TestCertificatesAreFoundByNameWildcardAndFingerprint(t *testing.T) {
	c, _ := onSocket(t, newController())
	cases := map[string]string{
		"example.com":      "aa11",
		"WWW.Example.com.": "aa11",
		"api.example.com":  "bb22", // by the wildcard
		"*.example.com":    "bb22",
		"AA11":             "aa11",
	}
	for name, want := range cases {
		certs, err := c.Certificates(t.Context(), name)
		if err != nil || len(certs) != 1 || certs[0].Fingerprint != want {
			t.Errorf("certificates of %s = %v, %v; want the one with fingerprint %s", name, certs, err, want)
		}
	}
	if all, err := c.Certificates(t.Context(), ""); err != nil || len(all) != 2 {
		t.Errorf("all certificates = %v, %v; want 2", all, err)
	}
}

func TestUnknownNamesAreToldSo(t *testing.T) {
	c, _ := onSocket(t, newController())
	for _, name := range []string{"a.b.example.com", "example.org", "localhost"} {
		_, err := c.Certificates(t.Context(), name)
		var answer *admin.Error
		if !errors.As(err, &answer) || answer.Code != http.StatusNotFound || !strings.Contains(err.Error(), "no certificate for "+name+" is served") {
			t.Errorf("certificates of %s: %v, want 404 with the name", name, err)
		}
	}
}

func TestReloadPassesThePathOn(t *testing.T) {
	ctl := newController()
	c, _ := onSocket(t, ctl)
	for _, path := range []string{"/etc/other", ""} {
		if err := c.Reload(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"/etc/other", ""}; !reflect.DeepEqual(ctl.reloads, want) {
		t.Errorf("reloads = %q, want %q", ctl.reloads, want)
	}
}

func TestReloadWithoutABodyReadsTheSameFile(t *testing.T) {
	ctl := newController()
	_, path := onSocket(t, ctl)
	resp, err := raw(path).Post("http://localhost/reload", "", nil)
	if got := body(t, resp, err); resp.StatusCode != 200 || len(ctl.reloads) != 1 || ctl.reloads[0] != "" {
		t.Errorf("POST /reload = %d %s, reloads %q", resp.StatusCode, got, ctl.reloads)
	}
}

func TestRefusedReloadBringsEachProblem(t *testing.T) {
	ctl := newController()
	ctl.reloadErr = errors.New("Dwaarfile:1:2: one\nDwaarfile:3:4: two\n")
	c, _ := onSocket(t, ctl)
	err := c.Reload(t.Context(), "")
	var answer *admin.Error
	if !errors.As(err, &answer) || err.Error() != "the configuration was refused, the running one stays" {
		t.Fatalf("err = %v", err)
	}
	if want := []string{"Dwaarfile:1:2: one", "Dwaarfile:3:4: two"}; !reflect.DeepEqual(answer.Problems, want) {
		t.Errorf("problems = %q, want %q", answer.Problems, want)
	}
}

func TestBadReloadBodiesAreRefused(t *testing.T) {
	ctl := newController()
	_, path := onSocket(t, ctl)
	cases := map[string]string{
		`{"config":"Dwaarfile"}`: "config is an absolute path",
		`{"confg":"/x"}`:         "unknown field",
		`{`:                      "reading the body",
		`{"config":"/` + strings.Repeat("x", 128<<10) + `"}`: "too large",
	}
	for sent, want := range cases {
		resp, err := raw(path).Post("http://localhost/reload", "application/json", bytes.NewBufferString(sent))
		if got := body(t, resp, err); resp.StatusCode != http.StatusBadRequest || !strings.Contains(got, want) {
			t.Errorf("POST /reload %.40s = %d %s, want 400 with %q", sent, resp.StatusCode, got, want)
		}
	}
	if len(ctl.reloads) != 0 {
		t.Errorf("a refused body reloaded %q", ctl.reloads)
	}
}

func TestStopReturnsWhenTheDoorIsClosed(t *testing.T) {
	ctl, path := newController(), socketPath(t)
	closeDoor := serve(t, admin.Config{Listen: "unix/" + path}, ctl)
	stopped := make(chan error, 1)
	go func() { stopped <- client(t, path, "").Stop(t.Context()) }()
	<-ctl.stopped
	select {
	case err := <-stopped:
		t.Fatalf("Stop returned %v before dwaar had stopped", err)
	case <-time.After(100 * time.Millisecond):
	}
	closeDoor()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestStopGivesUpWithItsContext(t *testing.T) {
	c, _ := onSocket(t, newController())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := c.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop = %v, want the context's error", err)
	}
}

func TestActionsNeedPost(t *testing.T) {
	_, path := onSocket(t, newController())
	for _, action := range []string{"/reload", "/stop", "/ocsp/refresh?all=1"} {
		resp, err := raw(path).Get("http://localhost" + action)
		body(t, resp, err)
		if resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET %s = %d, want 405", action, resp.StatusCode)
		}
	}
}
