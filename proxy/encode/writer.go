package encode

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"dwaar/proxy/coding"
)

// writer encodes one response, or leaves it as it is. Until that is settled
// it keeps the header, and fewer than MinLength bytes, to itself.
type writer struct {
	http.ResponseWriter
	encode   *Encode
	pool     *pool // of the coding the client asked for, nil for none
	untagged bool  // whether the request's conditions were translated
	head     bool

	status  int     // that of WriteHeader, zero before
	settled bool    // whether the header was sent
	encoder encoder // nil: what is written is sent as it is
	held    []byte
}

// Unwrap lets [http.ResponseController] reach the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader keeps the header until it is known whether to encode. Interim
// responses pass.
func (w *writer) WriteHeader(status int) {
	if status < 200 {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.status != 0 {
		return
	}
	w.status = status
	finishHeader(w.ResponseWriter, w.Header())
	switch w.judge() {
	case yes:
		w.settle(true)
	case no:
		w.settle(false)
	}
}

// Write sends, encodes or holds p.
func (w *writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.settled {
		if len(w.held)+len(p) < w.encode.minLength {
			w.held = append(w.held, p...)
			return len(p), nil
		}
		w.settleBy(p)
		if err := w.sendHeld(); err != nil {
			return 0, err
		}
	}
	if w.encoder != nil {
		return w.encoder.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

// ReadFrom implements [io.ReaderFrom]: what is not encoded goes the way it
// would without this writer, by sendfile for files.
func (w *writer) ReadFrom(src io.Reader) (int64, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if to, ok := w.ResponseWriter.(io.ReaderFrom); ok && w.settled && w.encoder == nil {
		return to.ReadFrom(src)
	}
	buffer := w.encode.buffer()
	defer w.encode.buffers.Put(buffer)
	return io.CopyBuffer(writeOnly{w}, src, buffer[:])
}

// FlushError sends what was written so far.
func (w *writer) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.settled {
		w.settle(w.isAhead())
		if err := w.sendHeld(); err != nil {
			return err
		}
	}
	if w.encoder != nil {
		if err := w.encoder.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// isAhead holds for a header that is sent before any of the body is there, as
// reverse_proxy does for an upstream that takes its time. What follows may be
// long; only events are known to be short.
func (w *writer) isAhead() bool {
	contentType := w.Header().Get("Content-Type")
	return len(w.held) == 0 && contentType != "" && !strings.HasPrefix(contentType, "text/event-stream")
}

// finish ends the response after its handler. A handler that wrote nothing
// has not answered, or has taken the connection over.
func (w *writer) finish() {
	if w.status == 0 {
		return
	}
	if !w.settled {
		w.settle(false)
		_ = w.sendHeld() // the client is gone; the server knows
	}
	if w.encoder != nil {
		_ = w.encoder.Close()
	}
}

// release gives the encoder back.
func (w *writer) release() {
	if w.encoder != nil {
		w.pool.put(w.encoder)
		w.encoder = nil
	}
}

func (w *writer) sendHeld() error {
	held := w.held
	w.held = nil
	if len(held) == 0 {
		return nil
	}
	var err error
	if w.encoder != nil {
		_, err = w.encoder.Write(held)
	} else {
		_, err = w.ResponseWriter.Write(held)
	}
	return err
}

// verdict says whether a response is encoded for those who ask for it.
type verdict int

const (
	no verdict = iota
	yes
	later // when more of the body is there
)

// judge looks at the header.
func (w *writer) judge() verdict {
	header := w.Header()
	if w.status == http.StatusNotModified {
		// What it would have been must be told from other representations, as
		// with the 200 (RFC 9110 §15.4.5).
		coding.Vary(header)
		if w.untagged {
			tag(header, w.pool.suffix)
		}
		return no
	}
	if !mayBeEncoded(w.status, header) {
		return no
	}
	if typed, there := header["Content-Type"]; !there {
		return later
	} else if len(typed) == 0 || !w.encode.match(w.status, header) {
		return no
	}
	length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	switch {
	case err != nil:
		return later
	case length < int64(w.encode.minLength):
		return no
	}
	return yes
}

func mayBeEncoded(status int, header http.Header) bool {
	switch status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusPartialContent:
		return false
	}
	encoded := header.Get("Content-Encoding")
	return (encoded == "" || encoded == "identity") && header["Content-Range"] == nil && !mayNotTransform(header)
}

// settleBy decides with enough of the body at hand; p is what comes after what
// is held.
func (w *writer) settleBy(p []byte) {
	header := w.Header()
	if _, there := header["Content-Type"]; !there {
		// As the server would have, from the bytes it does not get to see.
		sample := append(w.held[:len(w.held):len(w.held)], p[:min(len(p), 512)]...)
		header.Set("Content-Type", http.DetectContentType(sample))
	}
	w.settle(w.encode.match(w.status, header))
}

// settle sends the header, changed if the body is to be encoded.
func (w *writer) settle(encoded bool) {
	w.settled = true
	if encoded {
		coding.Vary(w.Header())
	}
	if encoded && w.pool != nil {
		header := w.Header()
		header.Del("Content-Length")
		header.Del("Accept-Ranges") // of what is not encoded
		header.Set("Content-Encoding", w.pool.name)
		tag(header, w.pool.suffix)
		if !w.head {
			w.encoder = w.pool.get(w.ResponseWriter)
		}
	}
	w.ResponseWriter.WriteHeader(w.status)
}

// finishHeader applies what the writers below will do to the header when it
// is sent, so that it can be judged.
func finishHeader(w http.ResponseWriter, header http.Header) {
	for w != nil {
		if f, ok := w.(interface{ FinishHeader(http.Header) }); ok {
			f.FinishHeader(header)
		}
		under, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return
		}
		w = under.Unwrap()
	}
}

const bufferSize = 32 << 10

func (e *Encode) buffer() *[bufferSize]byte {
	if b, ok := e.buffers.Get().(*[bufferSize]byte); ok {
		return b
	}
	return new([bufferSize]byte)
}

// writeOnly hides ReadFrom from io.Copy.
type writeOnly struct{ io.Writer }
