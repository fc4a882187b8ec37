package handler

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"time"

	"dwaar/proxy/request"
	"dwaar/proxy/upstream"
)

const (
	// drainTime and drainBytes bound what is read of a body that nobody wants,
	// so that the connection to the auth server can be used again.
	drainTime  = time.Second
	drainBytes = 64 << 10
	// maxRefusal bounds an answer that goes to the client: a page, no download.
	maxRefusal = 64 << 20
)

// authAnswer takes the answer of an auth server. A good one it keeps, any other
// goes on to the client.
type authAnswer struct {
	client  http.ResponseWriter
	cancel  context.CancelFunc // of the question
	header  http.Header
	good    bool
	passing bool
	size    int64
	timer   *time.Timer
	failure request.Failure
}

// Header implements [http.ResponseWriter].
func (a *authAnswer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter]. Interim answers are nobody's.
func (a *authAnswer) WriteHeader(status int) {
	switch {
	case a.good || a.passing || status < 200:
	case status < 300:
		a.good = true
		a.timer = time.AfterFunc(drainTime, a.cancel)
	case status == upstream.StatusClientGone:
		a.failure = request.Failure{Status: upstream.StatusClientGone}
	default:
		a.passing = true
		maps.Copy(a.client.Header(), a.header)
		a.client.WriteHeader(status)
	}
}

var errEnough = errors.New("enough of the auth server's answer")

func (a *authAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.size += int64(len(p))
	switch {
	case a.good && a.size > drainBytes, a.size > maxRefusal:
		return 0, errEnough
	case a.passing:
		return a.client.Write(p)
	}
	return len(p), nil
}

// FlushError is for [http.ResponseController].
func (a *authAnswer) FlushError() error {
	if a.passing {
		return http.NewResponseController(a.client).Flush()
	}
	return nil
}

func (a *authAnswer) end() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
