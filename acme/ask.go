package acme

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// askTimeout bounds one question to the ask URL.
const askTimeout = 5 * time.Second

// What the ask URL can lead to.
var (
	// ErrNotPermitted says that nobody wants a certificate for this name: no policy, or the
	// ask URL did not answer 200.
	ErrNotPermitted = errors.New("a certificate for this name is not permitted")

	// ErrNotAsked says that the ask URL could not be asked, or answered with a server error.
	ErrNotAsked = errors.New("the ask URL did not answer")
)

// asker asks whether a name is permitted.
type asker struct{ client *http.Client }

// newAsker asks through rt, or through a transport of its own: no proxies, and no
// connections that would outlive a question.
func newAsker(rt http.RoundTripper) *asker {
	if rt == nil {
		rt = &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
	}
	return &asker{client: &http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ask returns nil for a name that is permitted. The answer's body is not read.
func (a *asker) ask(ctx context.Context, base, name string) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, question(base, name), nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotAsked, err)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotAsked, err)
	}
	response.Body.Close()
	switch {
	case response.StatusCode == http.StatusOK:
		return nil
	case response.StatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("%w: status %s", ErrNotAsked, response.Status)
	}
	return fmt.Errorf("%w: the ask URL says %s", ErrNotPermitted, response.Status)
}

// question is base, which Check has seen, with the name added to its query.
func question(base, name string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	query := u.Query()
	query.Set("domain", name)
	u.RawQuery = query.Encode()
	return u.String()
}
