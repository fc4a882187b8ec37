package upstream

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// ActiveHealth asks every upstream, again and again, whether it works.
type ActiveHealth struct {
	// URI is the path, and the query, that is asked for. Empty means /.
	URI string `json:"uri,omitempty"`
	// Upstream is asked instead of every upstream.
	Upstream string `json:"upstream,omitempty"`
	// Port is asked instead of the port of the upstream. Zero: the same.
	Port int `json:"port,omitempty"`
	// Interval is the time between two checks. Zero means 30 s.
	Interval time.Duration `json:"interval,omitempty"`
	// Timeout is for one check, the body included. Zero means 5 s.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Passes is how many checks in a row must pass before an upstream that is
	// down is used again. Zero means 1.
	Passes int `json:"passes,omitempty"`
	// Fails is how many checks in a row must fail before it is down. Zero
	// means 1.
	Fails int `json:"fails,omitempty"`
	// Status is what must be answered: 204, or 2 for all from 200 to 299, as
	// zero means.
	Status int `json:"status,omitempty"`
	// Body must match the first megabyte of the answer: a regular expression.
	Body string `json:"body,omitempty"`
	// Method, Headers and RequestBody are what is sent. An empty method is GET.
	Method      string      `json:"method,omitempty"`
	Headers     http.Header `json:"headers,omitempty"`
	RequestBody string      `json:"request_body,omitempty"`
	// FollowRedirects goes where the upstream says, on the same upstream.
	FollowRedirects bool `json:"follow_redirects,omitempty"`
}

const (
	defaultInterval = 30 * time.Second
	leastInterval   = 100 * time.Millisecond
	defaultTimeout  = 5 * time.Second
	mostInARow      = 1000
)

// Check reports everything that is wrong with a.
func (a *ActiveHealth) Check() error {
	if a == nil {
		return nil
	}
	var problems []error
	refuse := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("reverse_proxy: "+format, args...))
	}
	if a.URI == "" && a.Port == 0 && a.Upstream == "" {
		refuse("nothing is checked without health_uri, health_port or health_upstream")
	}
	if u, err := url.ParseRequestURI(a.uri()); err != nil || !strings.HasPrefix(a.uri(), "/") || u.Host != "" {
		refuse("health_uri: %q is not a path like /healthz", a.URI)
	}
	if a.Port < 0 || a.Port > 65535 {
		refuse("health_port: %d is not a port", a.Port)
	}
	if a.Port != 0 && a.Upstream != "" {
		refuse("health_port means nothing with health_upstream")
	}
	if a.Upstream != "" {
		if _, err := ParseAddress(a.Upstream); err != nil {
			problems = append(problems, fmt.Errorf("reverse_proxy: health_upstream: %s", strings.TrimPrefix(err.Error(), "reverse_proxy: ")))
		}
	}
	if a.Interval != 0 && a.Interval < leastInterval {
		refuse("health_interval: %v is less than %v", a.Interval, leastInterval)
	}
	if a.Timeout < 0 {
		refuse("health_timeout: %v is negative", a.Timeout)
	}
	if a.Passes < 0 || a.Passes > mostInARow || a.Fails < 0 || a.Fails > mostInARow {
		refuse("health_passes and health_fails are numbers from 1 to %d", mostInARow)
	}
	if a.Status != 0 && !isStatusOrClass(a.Status) {
		refuse("health_status: %d is not a status", a.Status)
	}
	if _, err := regexp.Compile(a.Body); err != nil {
		refuse("health_body: %w", err)
	}
	return errors.Join(append(problems, a.checkRequest())...)
}

func (a *ActiveHealth) checkRequest() error {
	var problems []error
	if a.Method != "" && !httpguts.ValidHeaderFieldName(a.Method) {
		problems = append(problems, fmt.Errorf("reverse_proxy: health_method: %q is not a method", a.Method))
	}
	for field, values := range a.Headers {
		for _, value := range values {
			if !httpguts.ValidHeaderFieldName(field) || !httpguts.ValidHeaderFieldValue(value) {
				problems = append(problems, fmt.Errorf("reverse_proxy: health_headers: %s cannot be sent as a header", field))
			}
		}
	}
	return errors.Join(problems...)
}

func (a *ActiveHealth) uri() string {
	if a.URI == "" {
		return "/"
	}
	return a.URI
}

// address is what is asked about the upstream at of.
func (a *ActiveHealth) address(of Address) (Address, error) {
	if a.Upstream != "" {
		asked, err := ParseAddress(a.Upstream)
		if !strings.Contains(a.Upstream, "://") {
			asked.TLS, asked.H2C = of.TLS, of.H2C
		}
		return asked, err
	}
	if a.Port == 0 {
		return of, nil
	}
	host := "localhost"
	if of.Network != "unix" {
		host, _, _ = net.SplitHostPort(of.Dial)
	}
	return Address{TLS: of.TLS, H2C: of.H2C, Network: "tcp", Dial: net.JoinHostPort(host, strconv.Itoa(a.Port))}, nil
}
