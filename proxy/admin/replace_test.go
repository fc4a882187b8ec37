package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"dwaar/proxy/admin"
)

// withManaged is a controller that also serves certificates it gets itself.
func withManaged() *cannedController {
	ctl := newController()
	ctl.status.Certificates = append(ctl.status.Certificates,
		admin.Certificate{
			Names: []string{"auto.example.org"}, Source: "acme", Serial: "01", Fingerprint: "cc33",
			ACME: &admin.ACME{NextRenewal: moment, LastError: "the CA is down", NextTry: moment},
			CRL:  &admin.CRL{State: "good", Reason: "good", URL: "http://crl.example.com", NextUpdate: moment},
		},
		admin.Certificate{Names: []string{"*.wild.example.org"}, Source: "internal", Fingerprint: "dd44", ACME: &admin.ACME{}, CRL: &admin.CRL{}},
	)
	return ctl
}

func TestRenewAndReissueBringTheNewCertificate(t *testing.T) {
	ctl := withManaged()
	ctl.replace = func(context.Context, string) error {
		ctl.status.Certificates[2].Serial = "02"
		return nil
	}
	c, _ := onSocket(t, ctl)
	for _, ask := range []func(context.Context, string) ([]admin.Certificate, error){c.Renew, c.Reissue} {
		certs, err := ask(t.Context(), "auto.example.org")
		if err != nil || len(certs) != 1 || certs[0].Serial != "02" {
			t.Errorf("got %+v, %v; want the certificate with serial 02", certs, err)
		}
	}
	if want := []string{"renew auto.example.org", "reissue auto.example.org"}; !slices.Equal(ctl.replaced, want) {
		t.Errorf("asked for %q, want %q", ctl.replaced, want)
	}
}

func TestRenewFindsTheManagedName(t *testing.T) {
	ctl := withManaged()
	c, _ := onSocket(t, ctl)
	for name, want := range map[string]string{
		"Auto.Example.org.":  "auto.example.org",
		"CC33":               "auto.example.org",
		"a.wild.example.org": "*.wild.example.org",
		"*.wild.example.org": "*.wild.example.org",
		"pending.example":    "pending.example", // it may have no certificate yet
	} {
		ctl.replaced = nil
		if _, err := c.Renew(t.Context(), name); err != nil || !slices.Equal(ctl.replaced, []string{"renew " + want}) {
			t.Errorf("renew %s: asked for %q, %v; want %s", name, ctl.replaced, err, want)
		}
	}
}

func TestRenewSaysWhyNot(t *testing.T) {
	ctl := withManaged()
	c, _ := onSocket(t, ctl)
	for _, test := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"example.com", nil, http.StatusConflict, "the certificate for example.com is the operator's: replace its files"},
		{"stranger.example", fmt.Errorf("looking: %w", admin.ErrUnmanaged), http.StatusNotFound, "stranger.example: looking: dwaar does not get a certificate for it"},
		{"auto.example.org", errors.New("acme: rate limited"), http.StatusBadGateway, "auto.example.org: acme: rate limited"},
		{"auto.example.org", errors.New("auto.example.org: no order"), http.StatusBadGateway, "auto.example.org: no order"},
		{"auto.example.org", context.DeadlineExceeded, http.StatusGatewayTimeout, "auto.example.org: context deadline exceeded"},
	} {
		ctl.replaced = nil
		ctl.replace = func(context.Context, string) error { return test.err }
		for _, ask := range []func(context.Context, string) ([]admin.Certificate, error){c.Renew, c.Reissue} {
			_, err := ask(t.Context(), test.name)
			var answer *admin.Error
			if !errors.As(err, &answer) || answer.Code != test.code || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%s: %v, want %d with %q", test.name, err, test.code, test.want)
			}
		}
		if test.err == nil && ctl.replaced != nil {
			t.Errorf("asked for %q, though only files serve the name", ctl.replaced)
		}
	}
}

func TestRenewEndsWithItsCaller(t *testing.T) {
	ctl := withManaged()
	entered, left := make(chan struct{}), make(chan struct{})
	ctl.replace = func(ctx context.Context, _ string) error {
		close(entered)
		<-ctx.Done()
		close(left)
		return ctx.Err()
	}
	c, _ := onSocket(t, ctl)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	if _, err := c.Renew(ctx, "auto.example.org"); !errors.Is(err, context.Canceled) {
		t.Errorf("renew = %v, want the context's error", err)
	}
	<-left
}

func TestRenewNeedsPost(t *testing.T) {
	_, path := onSocket(t, withManaged())
	for _, action := range []string{"/certs/auto.example.org/renew", "/certs/auto.example.org/reissue"} {
		resp, err := raw(path).Get("http://localhost" + action)
		body(t, resp, err)
		if resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET %s = %d, want 405", action, resp.StatusCode)
		}
	}
}

func TestUpkeepIsShownWhereItApplies(t *testing.T) {
	ctl := withManaged()
	c, path := onSocket(t, ctl)
	resp, err := raw(path).Get("http://localhost/status")
	got := body(t, resp, err)
	for _, want := range []string{
		`"acme":{"next_renewal":"2026-03-01T11:00:00Z","last_error":"the CA is down","next_try":"2026-03-01T11:00:00Z"}`,
		`"crl":{"state":"good","reason":"good","url":"http://crl.example.com","next_update":"2026-03-01T11:00:00Z","last_error":""}`,
		`"acme":{"next_renewal":null,"last_error":"","next_try":null}`,
		`"crl":{"state":"","reason":"","url":"","next_update":null,"last_error":""}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("status lacks %s:\n%s", want, got)
		}
	}
	if strings.Count(got, `"acme":`) != 2 || strings.Count(got, `"crl":`) != 2 {
		t.Errorf("a manual certificate has acme or crl:\n%s", got)
	}
	certs, err := c.Certificates(t.Context(), "cc33")
	if err != nil || len(certs) != 1 {
		t.Fatal(certs, err)
	}
	utc := moment.UTC().Truncate(1e9)
	if want := (&admin.ACME{NextRenewal: utc, LastError: "the CA is down", NextTry: utc}); !reflect.DeepEqual(certs[0].ACME, want) {
		t.Errorf("acme = %+v, want %+v", certs[0].ACME, want)
	}
	if want := (&admin.CRL{State: "good", Reason: "good", URL: "http://crl.example.com", NextUpdate: utc}); !reflect.DeepEqual(certs[0].CRL, want) {
		t.Errorf("crl = %+v, want %+v", certs[0].CRL, want)
	}
}
