package integration

import (
	"strings"
	"testing"

	"dwaar/integration/internal/responder"
)

// N1, N4: without `allow`, a responder on loopback is not asked at all, and the refusal
// says what would open it.
func TestResponderOnABlockedAddressIsNotAsked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Allow = ""
	h.site(h.leaf("blocked.test"), "")
	h.start("", "")
	staple := h.AwaitReason("blocked.test", "blocked_address", soon)
	for _, word := range []string{"127.0.0.1", "loopback", "allow"} {
		if !strings.Contains(staple.LastError, word) {
			t.Errorf("N4: last_error %q does not name %q", staple.LastError, word)
		}
	}
	if n := h.OCSP.Requests(); n != 0 {
		t.Errorf("N1: %d requests to a blocked address", n)
	}
	if shown := h.shake("blocked.test"); len(shown.Staple) != 0 {
		t.Error("N1: stapled from a blocked address")
	}
	record := h.awaitRecord("S4", "WARN", "blocked_address")
	if _, ok := record["next_try"]; !ok {
		t.Errorf("S4: the warning names no next_try: %v", record)
	}
}

// N3: a redirect to a blocked address is refused although its origin is allowed.
func TestRedirectToABlockedAddressIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Allow = "127.0.0.1"
	elsewhere := responder.NewAt(t, h.CA, "127.0.0.2:0")
	h.OCSP.Behave(responder.Redirect(elsewhere.URL() + "/"))
	h.site(h.leaf("redirect.test"), "")
	h.start("", "")
	h.AwaitReason("redirect.test", "blocked_address", soon)
	if n := elsewhere.Requests(); n != 0 {
		t.Errorf("N3: %d requests followed a redirect to a blocked address", n)
	}
}
