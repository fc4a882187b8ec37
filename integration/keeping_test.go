package integration

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"dwaar/integration/internal/client"
)

// A reload keeps what is open: a response that has begun goes on, and sessions from before
// can be resumed, so the ticket keys are the same.
func TestReloadKeepsConnectionsAndTicketKeys(t *testing.T) {
	t.Parallel()
	for version, id := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			next := make(chan string)
			h := proxied(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/slow" {
					return
				}
				for word := range next {
					_, _ = io.WriteString(w, word)
					_ = http.NewResponseController(w).Flush()
				}
			}, "")
			sessions := client.NewSessions(client.Target{Addr: h.Addr(), Name: "proxy.test", Roots: h.CA.Pool(), Version: id})
			sessions.MustResume(t)

			answer := make(chan string, 1)
			go func() {
				body, err := get(h.client(nil), "https://proxy.test/slow")
				answer <- fmt.Sprint(body, err)
			}()
			next <- "before "
			for n := range 3 {
				h.Configure(h.Options("", "") + h.sites.String() + fmt.Sprintf("http://n%d.test {\n\trespond x\n}\n", n))
				h.Must("reload", "--config", h.Config())
			}
			if resumed, err := sessions.Try(); err != nil || !resumed {
				t.Errorf("reload: session from before: resumed = %v, %v", resumed, err)
			}
			next <- "after"
			close(next)
			if got := <-answer; got != "before after<nil>" {
				t.Errorf("reload: a response under way became %q", got)
			}
		})
	}
}

// A site that a reload brings is served and stapled in its first handshake or soon after; one
// that it takes away gets the alert.
func TestReloadBringsAndTakesSites(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.site(h.leaf("stays.test"), "")
	h.start("", "")
	kept := h.sites.String()
	h.site(h.leaf("comes.test"), "")
	h.Configure(h.Options("", "") + h.sites.String())
	h.Must("reload", "--config", h.Config())
	h.awaitStaple("S6, a site from a reload", "comes.test", true, soon)
	h.stapled("S1", "stays.test")
	h.Configure(h.Options("", "") + kept)
	h.Must("reload", "--config", h.Config())
	if _, err := h.try("comes.test"); !hasAlert(err, "unrecognized name") {
		t.Errorf("reload: a site that is gone: %v", err)
	}
	if out := h.Must("status"); strings.Contains(out.Stdout, "comes.test") {
		t.Errorf("reload: status still names a site that is gone:\n%s", out.Stdout)
	}
}
