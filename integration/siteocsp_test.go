package integration

import (
	"fmt"
	"testing"

	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
)

// A site may say of its certificate what the global option says of all: which responder is
// asked, whether nextUpdate is required, and what a handshake gets when it is revoked.
func TestASiteHasAnOCSPOfItsOwn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	asked, endless := responder.New(t, h.CA), responder.New(t, h.CA)
	endless.Behave(responder.NoNextUpdate)
	revoked := responder.New(t, h.CA)
	leaf := func(name, url string) *pki.Leaf {
		return h.CA.Issue(t, pki.Request{Names: []string{name}, OCSP: []string{url}})
	}
	h.site(leaf("asked.test", "http://127.0.0.1:1"), fmt.Sprintf("ocsp {\n\t\t\tresponder %s\n\t\t\tcert_id sha256\n\t\t}", asked.URL()))
	h.site(h.CA.Issue(t, pki.Request{Names: []string{"none.test"}}), fmt.Sprintf("ocsp {\n\t\t\tresponder %s\n\t\t}", asked.URL()))
	h.site(leaf("endless.test", endless.URL()), "ocsp {\n\t\t\trequire_next_update off\n\t\t}")
	h.site(leaf("strict.test", endless.URL()), "")
	h.site(leaf("shown.test", revoked.URL()), "ocsp {\n\t\t\ton_revoked serve\n\t\t}")
	h.site(leaf("hidden.test", revoked.URL()), "")
	h.start("", "pace 10ms")
	for _, name := range []string{"asked.test", "none.test", "shown.test", "hidden.test"} {
		h.awaitStaple("S1", name, true, soon)
	}
	h.AwaitReason("endless.test", "good", soon)
	if shown := h.shake("endless.test"); len(shown.Staple) == 0 {
		t.Error("C13: the site that does without nextUpdate has no staple")
	}
	h.AwaitReason("strict.test", "no_next_update", soon)
	h.awaitStaple("C13", "strict.test", false, soon)

	revoked.Behave(responder.Revoked)
	for _, name := range []string{"shown.test", "hidden.test"} {
		h.Do("ocsp", "refresh", name)
		h.AwaitReason(name, "revoked", soon)
	}
	if shown := h.shake("shown.test"); len(shown.Staple) > 0 {
		t.Error("V2: a revoked certificate is stapled")
	}
	if _, err := h.try("hidden.test"); !hasAlert(err, "unrecognized name") {
		t.Errorf("V2: a revoked certificate is served: %v", err)
	}
}
