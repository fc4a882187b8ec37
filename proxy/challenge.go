package proxy

import (
	"net/http"
	"strings"
	"sync/atomic"
)

// challengePath begins the paths that a CA asks for to see who controls a name
// (RFC 8555 §8.3).
const challengePath = "/.well-known/acme-challenge/"

// challenges answers the CA's requests, if there is anybody who can.
type challenges struct {
	answerer atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
}

// SetChallenges sets who answers requests below /.well-known/acme-challenge/,
// on every listener and for every host, before sites and whatever they
// redirect or refuse: a CA begins on port 80 and follows redirects to https.
// One that reports false has written nothing, and the request goes on to its
// site. Such requests are in no access log. It may be called at any time, and
// nil ends it.
func (s *Server) SetChallenges(answer func(w http.ResponseWriter, r *http.Request) (handled bool)) {
	if answer == nil {
		s.challenges.answerer.Store(nil)
		return
	}
	s.challenges.answerer.Store(&answer)
}

// answer reports whether r was a CA's request and is answered.
func (c *challenges) answer(w http.ResponseWriter, r *http.Request) bool {
	if !strings.HasPrefix(r.URL.Path, challengePath) {
		return false
	}
	answer := c.answerer.Load()
	return answer != nil && (*answer)(w, r)
}
