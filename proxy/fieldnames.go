package proxy

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// CheckExpectedField reports what is wrong with one of
// [Config.ExpectedFields].
func CheckExpectedField(name string) error {
	if bare := strings.TrimSuffix(name, "*"); !httpguts.ValidHeaderFieldName(bare) || strings.Contains(bare, "*") || !ambiguous(bare) {
		return fmt.Errorf("%q is not the name of an expected field: it has a _ or a dot, and a * at its end at most", name)
	}
	return nil
}

// fieldNames drops the fields of requests that an upstream may take for
// others. What makes variables of fields, as CGI, WSGI and PHP do, has one name
// for Remote-User, Remote_user and Remote.user: a client could get past what
// dwaar says of the first by sending the second.
type fieldNames struct {
	names, starts []expectedField
}

// expectedField is a name, or how names start, and what it would be taken for.
type expectedField struct{ name, twin string }

func newFieldNames(expected []string) *fieldNames {
	n := new(fieldNames)
	for _, written := range expected {
		name := http.CanonicalHeaderKey(strings.TrimSuffix(written, "*"))
		field := expectedField{name, http.CanonicalHeaderKey(strings.NewReplacer("_", "-", ".", "-").Replace(name))}
		if strings.HasSuffix(written, "*") {
			n.starts = append(n.starts, field)
		} else {
			n.names = append(n.names, field)
		}
	}
	return n
}

// clean takes such fields out of h, unless they are expected. Of what is
// expected there is one spelling and one value. White space around values,
// which HTTP/2 and HTTP/3 may bring and HTTP/1 cannot, is no part of them
// (RFC 9110 §5.5): a matcher sees what an upstream will.
func (n *fieldNames) clean(h http.Header) {
	for name, values := range h {
		for i, value := range values {
			if inside := textproto.TrimString(value); len(inside) < len(value) {
				values[i] = inside
			}
		}
		if ambiguous(name) {
			if len(values) != 1 || !n.expects(name) {
				delete(h, name)
			}
		} else if n.isTwin(name) {
			delete(h, name)
		}
	}
}

func (n *fieldNames) expects(name string) bool {
	for _, e := range n.names {
		if name == e.name {
			return true
		}
	}
	if strings.Contains(name, "_") && strings.Contains(name, ".") {
		return false // the rest of the name is the client's
	}
	for _, e := range n.starts {
		if strings.HasPrefix(name, e.name) {
			return true
		}
	}
	return false
}

func (n *fieldNames) isTwin(name string) bool {
	for _, e := range n.names {
		if name == e.twin {
			return true
		}
	}
	for _, e := range n.starts {
		if strings.HasPrefix(name, e.twin) {
			return true
		}
	}
	return false
}

// ambiguous reports whether name could be written with - instead.
func ambiguous(name string) bool {
	for i := range len(name) {
		if name[i] == '_' || name[i] == '.' {
			return true
		}
	}
	return false
}
