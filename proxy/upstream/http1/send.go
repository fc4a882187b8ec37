package http1

import (
	"bufio"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// send writes the head, and lets another goroutine send the body: the response
// need not wait for a client that is slow, and may need it never.
func (x *exchange) send() error {
	r, w := x.request, x.conn.w
	length := r.ContentLength
	if r.Body == nil || r.Body == http.NoBody {
		length = 0
	}
	if err := writeHead(w, r, length); err != nil {
		return err
	}
	if length == 0 {
		err := w.Flush()
		x.awaitHeader()
		return err
	}
	x.read = true
	x.sender = newSender(x, length)
	if listed(r.Header["Expect"], "100-continue") {
		err := w.Flush()
		go x.sender.run(true)
		return err
	}
	x.sender.permit()
	go x.sender.run(false)
	return x.sender.sendHead()
}

// writeHead writes the request line and the header, with the framing that
// length says: -1 is chunked.
func writeHead(w *bufio.Writer, r *http.Request, length int64) error {
	uri, err := target(r)
	if err != nil {
		return err
	}
	for _, part := range [...]string{r.Method, " ", uri, " HTTP/1.1\r\nHost: ", hostOf(r), "\r\n"} {
		_, _ = w.WriteString(part) // the error stays with w
	}
	for name, values := range r.Header {
		switch name {
		case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
			continue
		}
		for _, value := range values {
			writeField(w, name, value)
		}
	}
	writeFraming(w, r, length)
	_, err = w.WriteString("\r\n")
	return err
}

func writeField(w *bufio.Writer, name, value string) {
	_, _ = w.WriteString(name)
	_, _ = w.WriteString(": ")
	_, _ = w.WriteString(value)
	_, _ = w.WriteString("\r\n")
}

func writeFraming(w *bufio.Writer, r *http.Request, length int64) {
	switch {
	case length > 0, length == 0 && expectsContent(r.Method):
		writeField(w, "Content-Length", strconv.FormatInt(length, 10))
	case length < 0:
		writeField(w, "Transfer-Encoding", "chunked")
		var names []string
		for name := range r.Trailer {
			if isToken(name) && httpguts.ValidTrailerHeader(name) {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			writeField(w, "Trailer", strings.Join(names, ","))
		}
	}
}

// expectsContent says for which methods an empty body is worth a length
// (RFC 9110 §8.6).
func expectsContent(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// writeTrailer writes the end of a chunked body. Clients may send any field
// there, announced or not; those that a server must not take for a part of the
// header are left out (RFC 9110 §6.5.1).
func writeTrailer(w *bufio.Writer, trailer http.Header) error {
	_, _ = w.WriteString("0\r\n")
	for name, values := range trailer {
		if !httpguts.ValidTrailerHeader(name) {
			continue
		}
		for _, value := range values {
			if !isToken(name) || !isFieldValue(value) {
				return errors.New("malformed trailer field in the request")
			}
			writeField(w, name, value)
		}
	}
	_, err := w.WriteString("\r\n")
	return err
}
