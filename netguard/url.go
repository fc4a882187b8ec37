package netguard

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// maxURL bounds a URL. Certificates carry some dozens of bytes.
const maxURL = 4096

// URLError refuses the form of a URL (N2).
type URLError struct {
	URL     string // as given, possibly hostile: print it with %q
	Problem string
}

// Error names the URL, quoted, and what is wrong with it.
func (e *URLError) Error() string {
	shown := e.URL
	if len(shown) > 200 {
		shown = shown[:200] + "…"
	}
	return fmt.Sprintf("URL %q refused: %s", shown, e.Problem)
}

// CheckURL parses raw and refuses everything that is not a plain http or https
// URL: user information, fragments, characters that belong percent-encoded,
// zone ids, ports out of range, and hosts that only a lenient parser takes for
// an address (N2). Errors are *URLError. It does not look at addresses, not
// even literal ones: that happens where they are dialled (N1, N3).
func (g *Guard) CheckURL(raw string) (*url.URL, error) {
	u, problem := checkURL(raw)
	if problem != "" {
		return nil, &URLError{URL: raw, Problem: problem}
	}
	return u, nil
}

func checkURL(raw string) (u *url.URL, problem string) {
	if len(raw) > maxURL {
		return nil, fmt.Sprintf("longer than %d bytes", maxURL)
	}
	if strings.ContainsFunc(raw, notInURL) {
		return nil, "contains a control character, a space or a non-ASCII character"
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.Unwrap(err).Error() // without the URL, which URLError names
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Sprintf("scheme %q is neither http nor https", u.Scheme)
	case u.Opaque != "":
		return nil, "no // behind the scheme"
	case u.User != nil:
		return nil, "has user information"
	case strings.Contains(raw, "#"):
		return nil, "has a fragment"
	}
	return u, checkURLHost(u)
}

func notInURL(r rune) bool { return r <= ' ' || r >= 0x7f }

func checkURLHost(u *url.URL) (problem string) {
	h, err := parseHost(u.Hostname())
	if err != nil {
		return err.Error()
	}
	if strings.HasPrefix(u.Host, "[") != (h.addr.Is6() || strings.Contains(u.Hostname(), ":")) {
		return fmt.Sprintf("host %q: brackets are for IPv6 addresses", u.Host)
	}
	if port := u.Port(); port != "" && !validPort(port) {
		return fmt.Sprintf("port %q is not between 1 and 65535", port)
	}
	return ""
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}
