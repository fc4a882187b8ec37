package upstream

import (
	"io"
	"net/http"
	"sync/atomic"

	"golang.org/x/net/http/httpguts"
)

// body is a client's body that remembers how it ended.
type body struct {
	io.ReadCloser
	trailer http.Header // the client's, which the server fills at the end
	first   []byte      // read by empty
	touched atomic.Bool
	ended   atomic.Bool
	failed  atomic.Pointer[error]
}

// Touch is told by who is going to read.
func (b *body) Touch() { b.touched.Store(true) }

func (b *body) Read(p []byte) (int, error) {
	b.touched.Store(true)
	if len(b.first) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.read(p)
}

func (b *body) read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch err {
	case nil:
	case io.EOF:
		b.ended.Store(true)
		b.dropMisplaced()
	default:
		b.failed.CompareAndSwap(nil, &err)
	}
	return n, err
}

// dropMisplaced takes out of the trailer what a server might take for its
// header (RFC 9110 §6.5.1). A client may send more there than it announced.
func (b *body) dropMisplaced() {
	for name := range b.trailer {
		if !httpguts.ValidTrailerHeader(name) {
			delete(b.trailer, name)
		}
	}
}

// empty waits for the first byte of the body or its end. It is called before
// anybody reads.
func (b *body) empty() bool {
	first := make([]byte, 1)
	n, err := io.ReadFull(readerFunc(b.read), first)
	b.first = first[:n]
	return err == io.EOF
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
