package fault_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"dwaar/netguard"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/fault"
)

func TestRetryAfterIsReadAndBounded(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"120":                           2 * time.Minute,
		"3600":                          time.Hour,
		"86400":                         time.Hour,
		"18446744073709551615":          time.Hour,
		"99999999999999999999999":       0,
		"-5":                            0,
		"1.5":                           0,
		"soon":                          0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute,
		"Fri, 02 Jan 2026 03:03:05 GMT": 0,
		"Fri, 02 Jan 2099 03:03:05 GMT": time.Hour,
	} {
		if got := fault.RetryAfter(http.Header{"Retry-After": {header}}, now); got != want {
			t.Errorf("Retry-After: %s = %v, want %v", header, got, want)
		}
	}
}

func TestAWishIsFoundBehindOtherErrors(t *testing.T) {
	cause := errors.New("status 503")
	err := fmt.Errorf("asking: %w", fault.Later(cause, time.Minute))
	if fault.Wish(err) != time.Minute || !errors.Is(err, cause) || err.Error() != "asking: status 503" {
		t.Errorf("wish %v of %v", fault.Wish(err), err)
	}
	if fault.Later(cause, 0) != cause || fault.Wish(cause) != 0 || fault.Wish(nil) != 0 {
		t.Error("there is a wish without one")
	}
}

func TestFailuresOfTheNetworkHaveTheirWord(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	guard, err := netguard.New(netguard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, badURL := guard.CheckURL("ldap://one.example/")
	blocked := guard.CheckAddr("one.example", netip.MustParseAddr("10.0.0.1"))
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		want ocspsvc.Reason
	}{
		"refused":         {t.Context(), errors.New("connection refused"), ocspsvc.ReasonUnreachable},
		"no such host":    {t.Context(), &net.DNSError{Err: "no such host", IsNotFound: true}, ocspsvc.ReasonUnreachable},
		"a slow name":     {t.Context(), &net.DNSError{Err: "timeout", IsTimeout: true}, ocspsvc.ReasonTimeout},
		"out of time":     {ended, errors.New("use of closed network connection"), ocspsvc.ReasonTimeout},
		"a bad URL":       {t.Context(), fmt.Errorf("dial: %w", badURL), ocspsvc.ReasonBlockedAddress},
		"a blocked one":   {t.Context(), fmt.Errorf("dial: %w", blocked), ocspsvc.ReasonBlockedAddress},
		"blocked in time": {ended, blocked, ocspsvc.ReasonBlockedAddress},
	} {
		got := fault.Network(c.ctx, c.err)
		if got.Reason != c.want || !errors.Is(got, c.err) || c.ctx.Err() != nil && !errors.Is(got, c.ctx.Err()) {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}
