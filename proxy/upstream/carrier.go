package upstream

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"

	"dwaar/proxy/upstream/http1"
)

// carrier carries requests to one upstream and keeps its connections. It is
// what a data path of another kind would replace. See [http1.Client.Do] for
// what it is given.
type carrier interface {
	Do(r *http.Request, watcher http1.Watcher) (*http.Response, error)
	CloseIdleConnections()
}

// standard is net/http's transport as a carrier.
type standard struct{ *http.Transport }

// Do implements carrier.
func (s standard) Do(r *http.Request, watcher http1.Watcher) (*http.Response, error) {
	interim := &interim{watcher: watcher}
	defer interim.end()
	trace := &httptrace.ClientTrace{Got1xxResponse: interim.got}
	out := r.WithContext(httptrace.WithClientTrace(r.Context(), trace))
	if out.ContentLength == 0 {
		out.Body = nil
	} else {
		// The transport closes the body of a request it could not send.
		out.Body = io.NopCloser(r.Body)
	}
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = nil // or it sends its own
	}
	return s.RoundTrip(out)
}

// interim passes responses on from the goroutine of a connection, and none
// after the last.
type interim struct {
	mu      sync.Mutex // guards the rest
	watcher http1.Watcher
	told    int
	ended   bool
}

func (i *interim) got(status int, header textproto.MIMEHeader) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.ended:
		return errors.New("an interim response after the last")
	case i.told == http1.MaxInterim:
		return errors.New("too many interim responses")
	}
	i.told++
	if status == http.StatusContinue {
		return nil // reading the body has said so
	}
	return i.watcher.Interim(status, http.Header(header))
}

func (i *interim) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ended = true
}
