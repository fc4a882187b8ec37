package responder

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"dwaar/ocspsvc"
)

// buffer is where a request is read to, and from.
type buffer struct{ der []byte }

// buffers are for the next requests: a request is over before its answer is sent.
var buffers = sync.Pool{New: func() any { return &buffer{der: make([]byte, 0, 512)} }}

// request reads the request of a GET or a POST.
func (b *buffer) request(w http.ResponseWriter, r *http.Request, prefix string) ([]byte, error) {
	var err error
	if r.Method == http.MethodGet {
		b.der, err = appendRequestFromPath(b.der[:0], r.URL.EscapedPath(), prefix)
	} else {
		b.der, err = appendBody(b.der[:0], http.MaxBytesReader(w, r.Body, ocspsvc.MaxRequestSize))
	}
	return b.der, err
}

// appendBody reads to the end.
func appendBody(der []byte, body io.Reader) ([]byte, error) {
	for {
		if len(der) == cap(der) {
			der = append(der, 0)[:len(der)]
		}
		n, err := body.Read(der[len(der):cap(der)])
		der = der[:len(der)+n]
		if err == io.EOF {
			return der, nil
		}
		if err != nil {
			return der, err
		}
	}
}

func isTooLarge(err error) bool {
	_, body := errors.AsType[*http.MaxBytesError](err)
	return body || errors.Is(err, errPathTooLong)
}
