package files

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"dwaar/proxy/request"
)

// canonical is where a client is sent that asks for a directory without a
// slash at its end, or for a file with one: relative links would lead it
// elsewhere. "" if it asks as it should. Where a rewrite has changed the last
// element of the path, the client knows nothing of what is served.
func (s *Server) canonical(r *http.Request, dir bool) string {
	if s.AsWritten {
		return ""
	}
	received := request.Of(r).Received.URI
	if received == "" {
		received = r.URL.RequestURI()
	}
	escaped, query, hasQuery := strings.Cut(received, "?")
	if dir == strings.HasSuffix(escaped, "/") {
		return ""
	}
	u, err := url.ParseRequestURI(escaped)
	if err != nil || path.Base(u.Path) != path.Base(r.URL.Path) || dir == strings.HasSuffix(u.Path, "/") {
		return ""
	}
	to := u.EscapedPath() + "/"
	if !dir {
		to = strings.TrimRight(u.EscapedPath(), "/")
	}
	// Two slashes at the start would name another host.
	if to = "/" + strings.TrimLeft(to, "/"); to == escaped {
		return "" // the root is a file
	}
	if hasQuery {
		to += "?" + query
	}
	return to
}
