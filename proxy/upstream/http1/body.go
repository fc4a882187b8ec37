package http1

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// body is the body of a response. It ends the exchange.
type body struct {
	exchange *exchange
	framing  framing
	left     int64 // of the body or of the chunk
	chunks   chunks
	err      error // set when the exchange has ended
}

// Read implements [io.Reader]. It says io.EOF with the last bytes where it
// can.
func (b *body) Read(p []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case len(p) == 0:
		return 0, nil
	}
	n, err := b.read(p)
	if err != nil {
		b.finish(err)
		err = b.err
	}
	return n, err
}

func (b *body) read(p []byte) (int, error) {
	r := b.exchange.conn.r
	switch {
	case b.framing.chunked:
		return b.readChunked(p)
	case b.framing.length < 0:
		return r.Read(p)
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := r.Read(p)
	b.left -= int64(n)
	switch {
	case b.left == 0:
		return n, io.EOF
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// finish ends the exchange with what ended the body.
func (b *body) finish(err error) {
	x := b.exchange
	ctx := x.request.Context()
	if err != io.EOF && ctx.Err() != nil {
		err = ctx.Err()
	}
	b.err = err
	x.end(err == io.EOF && !b.framing.last)
}

// Ready reports whether the next Read can do without waiting for the server.
func (b *body) Ready() bool {
	if b.err != nil {
		return true
	}
	r := b.exchange.conn.r
	if b.framing.chunked {
		return b.chunks.ready(r)
	}
	return r.Buffered() > 0
}

var errClosed = errors.New("read of a body that is closed")

// Close implements [io.Closer]. A body that was not read to its end takes its
// connection with it.
func (b *body) Close() error {
	if b.err == nil {
		b.finish(errClosed)
	}
	return nil
}

// readChunked reads a piece of a chunked body.
func (b *body) readChunked(p []byte) (int, error) {
	n, err := b.chunks.read(b.exchange.conn.r, p)
	if err != io.EOF {
		return n, err
	}
	if err := b.readTrailer(); err != nil {
		return n, err
	}
	return n, io.EOF
}

func (b *body) readTrailer() error {
	k := b.exchange.conn
	text, err := k.readTrailerSection(k.client.config.MaxHeader)
	if err != nil || text == "" {
		return err
	}
	fields, err := parseFields(text)
	if err != nil {
		return err
	}
	response := &b.exchange.response
	for name, values := range fields {
		if !httpguts.ValidTrailerHeader(name) {
			continue
		}
		if response.Trailer == nil {
			response.Trailer = make(http.Header, len(fields))
		}
		response.Trailer[name] = values
	}
	return nil
}

// readTrailerSection is "" for no trailer. As with chunks, no line may end in
// LF alone at the end of the body.
func (k *conn) readTrailerSection(limit int) (string, error) {
	start, err := k.r.Peek(2)
	if err != nil {
		return "", unexpected(err)
	}
	if string(start) == "\r\n" {
		_, err := k.r.Discard(2)
		return "", err
	}
	text, err := k.readSection(limit)
	if err == nil && !strings.HasSuffix(text, "\r\n\r\n") {
		err = errChunk
	}
	return text, err
}
