package encode

import (
	"net/http"
	"strings"
	"sync"

	"dwaar/proxy/coding"
)

// Encode compresses responses.
type Encode struct {
	names     []string
	pools     map[string]*pool
	minLength int
	match     func(int, http.Header) bool
	buffers   sync.Pool // of *[bufferSize]byte
}

// New checks and compiles c.
func New(c Config) (*Encode, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	e := &Encode{minLength: c.MinLength, match: c.Match.compile(), pools: map[string]*pool{}}
	for _, f := range c.Formats {
		p, err := newPool(f)
		if err != nil {
			return nil, err
		}
		e.names, e.pools[f.Name] = append(e.names, f.Name), p
	}
	return e, nil
}

// Wrap encodes what next answers. What is encoded already, has no body, is
// partial, or says Cache-Control: no-transform is left alone, and so are
// interim responses and connections that are taken over.
//
// Whether a response of unknown length is long enough is seen when MinLength
// bytes of it are there; it is taken to be if its header is flushed ahead of
// it, unless it is a stream of events. What is flushed in smaller pieces is
// sent as it comes, and what is encoded is flushed through the encoder.
//
// The header is judged as the operations of header directives leave it, and
// encoding changes it last: Content-Encoding, Vary, Content-Length and ETag
// are those of what is sent.
func (e *Encode) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &writer{ResponseWriter: w, encode: e, head: r.Method == http.MethodHead}
		if !mayNotTransform(r.Header) {
			out.pool = e.pools[coding.Choose(r.Header, e.names)]
		}
		if out.pool != nil {
			r, out.untagged = untagged(r, out.pool.suffix)
		}
		// A handler that panics ends its response in the middle, which must not
		// look like an end to the client.
		defer out.release()
		next.ServeHTTP(out, r)
		out.finish()
	})
}

func mayNotTransform(header http.Header) bool {
	for _, line := range header["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(directive), "no-transform") {
				return true
			}
		}
	}
	return false
}
