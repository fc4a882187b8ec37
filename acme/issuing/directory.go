package issuing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// What the directory of a CA may cost. An attempt that failed for want of a connection or with
// a 5xx is made again.
const (
	directoryTimeout  = 10 * time.Second
	directoryAttempts = 3
	directoryPause    = 250 * time.Millisecond
	directorySize     = 1 << 20
)

var errNoDirectory = errors.New("no answer within 10s")

// learnDirectory makes sure that acmez knows the directory of a CA (RFC 8555 §7.1.1) before it
// is asked for anything there. Acmez would fetch it itself, but holding one mutex for all CAs,
// which nobody's context gets past: a CA whose directory hangs would delay the first order at
// every other one by minutes. So it is fetched here, with nothing held, and handed to acmez.
//
// Acmez keeps a directory for 12 hours, and is the only one to know since when. Should it run
// out between here and the order, acmez does fetch it.
func learnDirectory(ctx context.Context, client *http.Client, ca string) error {
	if handDirectory(ctx, ca, unknown) == nil {
		return nil
	}
	bounded, cancel := context.WithTimeoutCause(ctx, directoryTimeout, errNoDirectory)
	defer cancel()
	answer, err := fetchDirectory(bounded, client, ca)
	if err == nil {
		err = handDirectory(ctx, ca, answer)
	}
	if err != nil {
		return fmt.Errorf("fetching the directory of the CA: %w", err)
	}
	return nil
}

// Reach reports whether an attempt at the CA could begin: its directory can be had, and it
// wants no external account that is not there. It asks the CA for nothing else.
func (c IssuerConfig) Reach(ctx context.Context) error {
	roots, _, err := readRoots(c.Roots)
	if err != nil {
		return err
	}
	if err := learnDirectory(ctx, newHTTPClient(roots), c.CA); err != nil {
		return err
	}
	directory, err := directoryFrom(ctx, c.CA, unknown) // acmez has it by now
	if err == nil && c.EAB == nil && directory.Meta != nil && directory.Meta.ExternalAccountRequired {
		return errors.New("the CA wants an external account (acme_eab), which is not configured")
	}
	return err
}

// recorded is an HTTP answer that has been read whole.
type recorded struct {
	status int
	header http.Header
	body   []byte
}

// unknown makes acmez fail at once if it has no directory yet.
var unknown = recorded{status: http.StatusNotFound}

// RoundTrip implements http.RoundTripper without a network.
func (r recorded) RoundTrip(request *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: r.status, Header: r.header, Body: io.NopCloser(bytes.NewReader(r.body)), Request: request,
	}, nil
}

// handDirectory lets acmez judge and keep what the CA has answered, unless it has that already.
func handDirectory(ctx context.Context, ca string, answer recorded) error {
	_, err := directoryFrom(ctx, ca, answer)
	return err
}

func directoryFrom(ctx context.Context, ca string, answer recorded) (acme.Directory, error) {
	return (&acme.Client{Directory: ca, HTTPClient: &http.Client{Transport: answer}}).GetDirectory(ctx)
}

// fetchDirectory returns what the CA answers, whatever it is, but for its own failures.
func fetchDirectory(ctx context.Context, client *http.Client, ca string) (answer recorded, err error) {
	for n := range directoryAttempts {
		if n > 0 {
			pause(ctx, directoryPause)
		}
		answer, err = get(ctx, client, ca)
		if err == nil && answer.status >= http.StatusInternalServerError {
			err = fmt.Errorf("HTTP %d: %.200q", answer.status, answer.body)
		}
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return answer, err
}

func get(ctx context.Context, client *http.Client, url string) (recorded, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return recorded{}, err
	}
	request.Header.Set("User-Agent", "dwaar") // one is required (RFC 8555 §6.1)
	response, err := client.Do(request)
	if err != nil {
		return recorded{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, directorySize+1))
	if err == nil && len(body) > directorySize {
		err = fmt.Errorf("it is longer than %d bytes", directorySize)
	}
	return recorded{response.StatusCode, response.Header, body}, err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
