package http1

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// head is the status line and the header of a response.
type head struct {
	status string // "200 OK"
	code   int
	minor  int // of HTTP/1.x
	header http.Header
}

// parseHead reads a whole head, the empty line at its end included. What it
// returns shares text's memory.
func parseHead(text string) (head, error) {
	line, rest, err := cutLine(text)
	if err != nil {
		return head{}, err
	}
	var h head
	version, status, _ := strings.Cut(line, " ")
	switch version {
	case "HTTP/1.1":
		h.minor = 1
	case "HTTP/1.0":
	default:
		return head{}, fmt.Errorf("malformed status line %.40q", line)
	}
	digits, reason, _ := strings.Cut(status, " ")
	if len(digits) != 3 || !isFieldValue(reason) {
		return head{}, fmt.Errorf("malformed status line %.40q", line)
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return head{}, fmt.Errorf("malformed status line %.40q", line)
		}
		h.code = h.code*10 + int(digits[i]-'0')
	}
	if h.code < 100 {
		return head{}, fmt.Errorf("malformed status line %.40q", line)
	}
	h.status = status
	h.header, err = parseFields(rest)
	return h, err
}

// cutLine takes a line off. A line may end in LF alone (RFC 9112 §2.2); a CR
// anywhere else in it is refused with the rest of the control characters.
func cutLine(text string) (line, rest string, err error) {
	line, rest, found := strings.Cut(text, "\n")
	if !found {
		return "", "", errors.New("a line without end")
	}
	return strings.TrimSuffix(line, "\r"), rest, nil
}

// parseFields reads field lines up to the empty one.
func parseFields(text string) (http.Header, error) {
	lines := strings.Count(text, "\n") // one too many: the last is empty
	header := make(http.Header, lines)
	values := make([]string, 0, lines)
	for {
		line, rest, err := cutLine(text)
		if err != nil {
			return nil, err
		}
		if line == "" {
			return header, nil
		}
		text = rest
		name, value, found := strings.Cut(line, ":")
		if !found || !isToken(name) { // a folded line, too: RFC 9112 §5.2
			return nil, fmt.Errorf("malformed field line %.40q", line)
		}
		value = strings.Trim(value, " \t")
		if !isFieldValue(value) {
			return nil, fmt.Errorf("malformed value of field %s", name)
		}
		name = http.CanonicalHeaderKey(name)
		if old := header[name]; old != nil {
			header[name] = append(old, value)
			continue
		}
		values = append(values, value)
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
}

// headEnd is where a head that begins b ends, or 0 if not all of it is there.
func headEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return 0
		}
		at += i + 1
		switch rest := b[at:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return at + 1
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return at + 2
		}
	}
}
