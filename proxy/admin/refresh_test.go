package admin_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dwaar/proxy/admin"
)

func TestRefreshOfANameBringsItsOutcome(t *testing.T) {
	ctl := newController()
	c, _ := onSocket(t, ctl)
	var got []admin.Refreshed
	if err := c.Refresh(t.Context(), "example.com", func(r admin.Refreshed) { got = append(got, r) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Fingerprint != "aa11" || got[0].Reason != "good" || got[0].Error != "" {
		t.Errorf("outcomes = %+v, want one good of aa11", got)
	}
	if !slices.Equal(ctl.refreshes, []string{"aa11"}) {
		t.Errorf("refreshed %q, want only aa11", ctl.refreshes)
	}
}

func TestFailedRefreshSaysItsReasonThoughTheOldStapleIsGood(t *testing.T) {
	ctl := newController()
	ctl.refresh = func(context.Context, string) (admin.Outcome, error) {
		return outcome("fresh", "good"), timeoutError()
	}
	c, _ := onSocket(t, ctl)
	var got []admin.Refreshed
	if err := c.Refresh(t.Context(), "aa11", func(r admin.Refreshed) { got = append(got, r) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Reason != "timeout" || !strings.Contains(got[0].Error, "no answer within 10s") || got[0].Staple.State != "fresh" {
		t.Errorf("outcomes = %+v, want timeout with its error beside the fresh staple", got)
	}
}

func TestRefreshOfAllTellsEachAsItComesAndOneThatHangsHoldsNoOther(t *testing.T) {
	ctl := newController()
	first := make(chan struct{})
	ctl.refresh = func(ctx context.Context, fp string) (admin.Outcome, error) {
		if fp == "aa11" { // hangs until the other's outcome has reached the client
			select {
			case <-first:
			case <-ctx.Done():
			}
		}
		return outcome("fresh", "good"), nil
	}
	c, _ := onSocket(t, ctl)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var got []string
	err := c.Refresh(ctx, "", func(r admin.Refreshed) {
		if got = append(got, r.Fingerprint); len(got) == 1 {
			close(first)
		}
	})
	if err != nil || !slices.Equal(got, []string{"bb22", "aa11"}) {
		t.Errorf("outcomes = %q, %v; want bb22 first", got, err)
	}
}

func TestANameWithoutACertificateIsNotRefreshed(t *testing.T) {
	ctl := newController()
	ctl.status.Certificates = append(ctl.status.Certificates, admin.Certificate{
		Names: []string{"new.example"}, Source: "acme", Staple: admin.Staple{State: "none", Reason: "pending"},
	})
	c, _ := onSocket(t, ctl)
	var got []admin.Refreshed
	take := func(r admin.Refreshed) { got = append(got, r) }
	if err := c.Refresh(t.Context(), "", take); err != nil || len(got) != 2 {
		t.Errorf("of all: %+v, %v; want the two certificates there are", got, err)
	}
	got, ctl.refreshes = nil, nil
	if err := c.Refresh(t.Context(), "new.example", take); err != nil || len(got) != 1 {
		t.Fatalf("of the name: %+v, %v", got, err)
	}
	if r := got[0]; r.Reason != "pending" || r.Staple.State != "none" || r.Error != "there is no certificate yet" || len(ctl.refreshes) != 0 {
		t.Errorf("of the name: %+v after asking about %q; want pending and nothing asked", r, ctl.refreshes)
	}
}

func TestRefreshSaysWhichOrIsRefused(t *testing.T) {
	_, path := onSocket(t, newController())
	cases := map[string]int{
		"":                    http.StatusBadRequest,
		"?name=a&all=1":       http.StatusBadRequest,
		"?all=yes":            http.StatusBadRequest,
		"?name=example.org":   http.StatusNotFound,
		"?name=*.example.com": http.StatusOK,
		"?all=1":              http.StatusOK,
	}
	for query, want := range cases {
		resp, err := raw(path).Post("http://localhost/ocsp/refresh"+query, "", nil)
		if got := body(t, resp, err); resp.StatusCode != want {
			t.Errorf("refresh%s = %d %s, want %d", query, resp.StatusCode, got, want)
		}
	}
}

func TestStopEndsAHangingRefresh(t *testing.T) {
	ctl := newController()
	entered := make(chan struct{})
	ctl.refresh = func(ctx context.Context, _ string) (admin.Outcome, error) {
		close(entered)
		<-ctx.Done()
		return admin.Outcome{}, timeoutError()
	}
	path := socketPath(t)
	stop := serve(t, admin.Config{Listen: "unix/" + path}, ctl)
	refreshed := make(chan error, 1)
	go func() {
		refreshed <- client(t, path, "").Refresh(context.WithoutCancel(t.Context()), "aa11", func(admin.Refreshed) {})
	}()
	<-entered
	stop()
	if err := <-refreshed; err != nil {
		t.Errorf("refresh cut by the stop: %v, want its outcome", err)
	}
}

func TestRefreshTellsWhatTheCRLSays(t *testing.T) {
	ctl := newController()
	east := time.FixedZone("east", 3600)
	ctl.refresh = func(context.Context, string) (admin.Outcome, error) {
		o := outcome("none", "no_responder")
		o.Reason, o.CRL = "good", &admin.CRL{State: "good", Reason: "good", NextUpdate: time.Date(2026, 3, 1, 13, 0, 0, 0, east)}
		return o, nil
	}
	c, _ := onSocket(t, ctl)
	var got []admin.Refreshed
	if err := c.Refresh(t.Context(), "aa11", func(r admin.Refreshed) { got = append(got, r) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Reason != "good" || got[0].CRL == nil || got[0].CRL.NextUpdate.Format(time.RFC3339) != "2026-03-01T12:00:00Z" {
		t.Errorf("outcomes = %+v", got)
	}
}
