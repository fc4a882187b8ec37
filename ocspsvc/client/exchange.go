package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/fault"
)

const (
	requestType  = "application/ocsp-request"
	responseType = "application/ocsp-response"

	// maxRedirects is how many redirects one question follows.
	maxRedirects = 3

	// maxBody bounds what is read of an answer, which may be a bundle of
	// issuers (S8). A response of that size is refused when it is read.
	maxBody = 64 << 10
)

// question is a request ready to be sent.
type question struct {
	url    string
	accept string
	body   []byte // nil for a GET
	fresh  bool   // ask caches to pass it on
}

// reply is a complete answer with status 200.
type reply struct {
	body        []byte
	contentType string
	retryAfter  time.Duration
}

// exchange sends q, follows its redirects, and reads the body, all through the
// guard and until ctx ends. Every error is an *ocspsvc.Error. mayFollow is
// asked before each redirect's request.
func (c *Client) exchange(ctx context.Context, q question, mayFollow func() bool) (reply, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // closes the connections
	transport := c.guard.TransportWithin(ctx)
	transport.TLSClientConfig = &tls.Config{RootCAs: c.roots}
	for hops := 0; ; hops++ {
		resp, err := c.send(ctx, transport, q)
		if err != nil {
			return reply{}, err
		}
		if !redirects(resp.StatusCode) {
			return c.read(ctx, resp)
		}
		resp.Body.Close()
		switch q.url, err = c.follow(resp, q); {
		case err != nil:
			return reply{}, err
		case hops == maxRedirects:
			return reply{}, ocspsvc.Refuse(ocspsvc.ReasonHTTPError, "more than %d redirects", maxRedirects)
		case !mayFollow():
			return reply{}, ocspsvc.Refuse(ocspsvc.ReasonHTTPError, "no request left to follow a redirect")
		}
	}
}

// send makes one request. The caller closes the body.
func (c *Client) send(ctx context.Context, transport http.RoundTripper, q question) (*http.Response, error) {
	connected := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	})
	req, err := q.request(ctx)
	if err != nil {
		return nil, ocspsvc.Refuse(ocspsvc.ReasonBlockedAddress, "%w", err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		if connected {
			err = &droppedError{err}
		}
		return nil, fault.Network(ctx, err)
	}
	return resp, nil
}

func (q question) request(ctx context.Context) (*http.Request, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if q.body != nil {
		method, body = http.MethodPost, bytes.NewReader(q.body)
	}
	req, err := http.NewRequestWithContext(ctx, method, q.url, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "dwaar")
	req.Header.Set("Accept", q.accept)
	if q.body != nil {
		req.Header.Set("Content-Type", requestType)
	}
	if q.fresh {
		req.Header.Set("Cache-Control", "no-cache")
		req.Header.Set("Pragma", "no-cache") // for caches of HTTP/1.0
	}
	return req, nil
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// follow returns where a redirect leads. A POST stays a POST, also after 301
// and 302, which browsers turn into a GET: without its body it would ask
// nothing. That is what 303 demands (RFC 9110 §15.4.4), so it fails.
func (c *Client) follow(resp *http.Response, q question) (string, error) {
	if resp.StatusCode == http.StatusSeeOther && q.body != nil {
		return "", ocspsvc.Refuse(ocspsvc.ReasonHTTPError, "status 303 asks for a GET without the request")
	}
	location, err := resp.Location() // resolved against the request's URL
	if err != nil {
		return "", ocspsvc.Refuse(ocspsvc.ReasonHTTPError, "status %d: %w", resp.StatusCode, err)
	}
	u, err := c.guard.CheckURL(location.String())
	if err != nil {
		return "", ocspsvc.Refuse(ocspsvc.ReasonBlockedAddress, "redirect: %w", err)
	}
	return u.String(), nil
}

// read takes the body of a 200.
func (c *Client) read(ctx context.Context, resp *http.Response) (reply, error) {
	defer resp.Body.Close()
	wait := fault.RetryAfter(resp.Header, time.Now())
	if resp.StatusCode != http.StatusOK {
		return reply{}, &ocspsvc.Error{Reason: ocspsvc.ReasonHTTPError, Err: fault.Later(fmt.Errorf("status %d", resp.StatusCode), wait)}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if len(body) > maxBody {
		return reply{}, ocspsvc.Refuse(ocspsvc.ReasonTooLarge, "more than %d bytes", maxBody)
	}
	if err != nil {
		return reply{}, fault.Network(ctx, fmt.Errorf("reading the body: %w", &droppedError{err}))
	}
	return reply{body, resp.Header.Get("Content-Type"), wait}, nil
}
