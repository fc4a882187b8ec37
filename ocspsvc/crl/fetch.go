package crl

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"time"

	"dwaar/netguard"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/fault"
)

const (
	accepted = "application/pkix-crl, */*;q=0.5"

	// maxRedirects is how many redirects one reading follows.
	maxRedirects = 3

	// maxValidator bounds an ETag or Last-Modified that is kept.
	maxValidator = 1 << 10
)

// validators are what a server gave with a body, and get back to ask whether it
// has changed (RFC 9110 §13.1). They are not judged: what comes is verified.
type validators struct{ ETag, Modified string }

// answer is what a server has at a URL.
type answer struct {
	body      []byte // nil if unchanged
	unchanged bool
	validators
}

// fetcher gets CRLs.
type fetcher struct {
	guard   *netguard.Guard
	roots   *x509.CertPool // nil: the system's
	maxSize int64
}

// fetch gets what is at url, unless the server says that it is still what known
// stands for. Everything goes through the guard, redirects included, and ends
// with ctx. Errors are *ocspsvc.Error.
func (f fetcher) fetch(ctx context.Context, url string, known validators) (answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // closes the connections
	transport := f.guard.TransportWithin(ctx)
	transport.TLSClientConfig = &tls.Config{RootCAs: f.roots}
	for hops := 0; ; hops++ {
		resp, err := f.send(ctx, transport, url, known)
		if err != nil {
			return answer{}, err
		}
		if !redirects(resp.StatusCode) {
			return f.read(ctx, resp, known)
		}
		resp.Body.Close()
		if hops == maxRedirects {
			return answer{}, ocspsvc.Refuse(ocspsvc.ReasonHTTPError, "more than %d redirects", maxRedirects)
		}
		location, err := resp.Location() // resolved against the request's URL
		if err != nil {
			return answer{}, ocspsvc.Refuse(ocspsvc.ReasonHTTPError, "status %d: %w", resp.StatusCode, err)
		}
		url = location.String()
	}
}

// send makes one request. The caller closes the body.
func (f fetcher) send(ctx context.Context, transport http.RoundTripper, url string, known validators) (*http.Response, error) {
	u, err := f.guard.CheckURL(url)
	if err != nil {
		return nil, fault.Network(ctx, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, ocspsvc.Refuse(ocspsvc.ReasonBlockedAddress, "%w", err)
	}
	req.Header.Set("User-Agent", "dwaar")
	req.Header.Set("Accept", accepted)
	known.condition(req.Header)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, fault.Network(ctx, err)
	}
	return resp, nil
}

// condition makes a request conditional. Both go along, as RFC 9110 §13.1.3 has
// it: who knows If-None-Match ignores the other.
func (v validators) condition(h http.Header) {
	if v.ETag != "" {
		h.Set("If-None-Match", v.ETag)
	}
	if v.Modified != "" {
		h.Set("If-Modified-Since", v.Modified)
	}
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// read takes the body of a 200.
func (f fetcher) read(ctx context.Context, resp *http.Response, known validators) (answer, error) {
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && known != validators{}:
		return answer{unchanged: true, validators: known}, nil
	case resp.StatusCode != http.StatusOK:
		return answer{}, &ocspsvc.Error{Reason: ocspsvc.ReasonHTTPError, Err: statusError(resp)}
	case resp.ContentLength > f.maxSize:
		return answer{}, ocspsvc.Refuse(ocspsvc.ReasonTooLarge, "%d bytes, and %d are the limit", resp.ContentLength, f.maxSize)
	}
	var body bytes.Buffer
	if resp.ContentLength > 0 {
		body.Grow(int(resp.ContentLength) + bytes.MinRead)
	}
	n, err := body.ReadFrom(io.LimitReader(resp.Body, f.maxSize+1))
	if n > f.maxSize {
		return answer{}, ocspsvc.Refuse(ocspsvc.ReasonTooLarge, "more than %d bytes", f.maxSize)
	}
	if err != nil {
		return answer{}, fault.Network(ctx, fmt.Errorf("reading the body: %w", err))
	}
	return answer{body: body.Bytes(), validators: validatorsOf(resp.Header)}, nil
}

func validatorsOf(h http.Header) validators {
	v := validators{ETag: h.Get("ETag"), Modified: h.Get("Last-Modified")}
	if len(v.ETag) > maxValidator || len(v.Modified) > maxValidator {
		return validators{}
	}
	return v
}

func statusError(resp *http.Response) error {
	return fault.Later(fmt.Errorf("status %d", resp.StatusCode), fault.RetryAfter(resp.Header, time.Now()))
}
